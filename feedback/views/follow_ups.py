"""Follow-ups over the API: who must be answered, by whom, by when; and the hours in which the team is there."""

from typing import Any

from flask import g, jsonify

from feedback import filters
from feedback.domain.follow_ups import CLOSED, OPEN
from feedback.follow_ups import cases, hours, owners
from feedback.models import FollowUp
from feedback.schemas.follow_ups import (
    NOBODY,
    FollowUpBody,
    FollowUpList,
    FollowUpOut,
    FollowUpPatch,
    FollowUpQuery,
    HoursBody,
)
from surveys import responses, visible
from surveys.base import clock, errors
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent

routes = Routes("follow-ups", __name__, url_prefix="/api/follow-ups", description="Who must be answered.")
opening = Routes("hours", __name__, url_prefix="/api/hours", description="When the team is there.")


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(FollowUpQuery, location="query")
@routes.response(200, FollowUpList)
def index(query: dict[str, Any]) -> Any:
    """Follow-ups, those opened last first. `overdue=1`: an answer or the solution is owed since before now."""
    filters.check({"person": query.get("person")}, g.caller)
    now = clock.now()
    found = visible.narrowed(FollowUp.select(), g.caller)
    if "status" in query:
        states = {"open": OPEN, "closed": CLOSED}.get(query["status"], (query["status"],))
        found = found.where(FollowUp.status.in_(states))
    if "owner" in query:
        nobody = query["owner"] == NOBODY
        found = found.where(FollowUp.owner.is_null() if nobody else FollowUp.owner == query["owner"])
    if "person" in query:
        found = found.where(FollowUp.person == query["person"])
    if "overdue" in query:
        found = found.where(cases.is_owed(now) if query["overdue"] == "1" else ~cases.is_owed(now))
    rows, following = lists.newest_first(
        found, FollowUp.opened_at, FollowUp.id, query.get("cursor"), query["limit"]
    )
    return {"items": cases.shown(rows, visible.only(g.caller), now), "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(FollowUpBody)
@routes.response(201, FollowUpOut)
@routes.alt_response(200, schema=FollowUpOut, description="Its person has an open case, which it is in now.")
def create(body: dict[str, Any]) -> Any:
    """Open a case for an answer. Where its person has an open one the answer joins that."""
    row = responses.find(body["response"].lower())
    if row is None or not visible.sees(row, g.caller):
        raise errors.Refused("There is no such response.", "response")
    case, created = cases.open_by_hand(row, g.caller, clock.now())
    return jsonify(FollowUpOut().dump(_shown(case))), 201 if created else 200


@routes.route("/<follow_up_id>", methods=["GET"])
@needs("write")
@routes.response(200, FollowUpOut)
def show(follow_up_id: str) -> Any:
    """One follow-up, with what was done so far."""
    return _shown(visible.own(FollowUp, follow_up_id, g.caller))


@routes.route("/<follow_up_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(FollowUpPatch)
@routes.response(200, FollowUpOut)
def change(body: dict[str, Any], follow_up_id: str) -> Any:
    """Take a case, hand it over, say how far it is, note something. Only the customer says that it is solved."""
    case = visible.own(FollowUp, follow_up_id, g.caller)
    if body.get("owner") is not None and not owners.is_member(body["owner"]):
        raise errors.Refused("There is no such member.", "owner")
    return _shown(cases.change(case, body, g.caller, clock.now()))


@opening.route("", methods=["GET"])
@needs("read")
@opening.response(200, HoursBody)
def show_hours() -> Any:
    """When the team is open, how soon it promises to answer and to solve, and who leads it."""
    return hours.stored()


@opening.route("", methods=["PUT"])
@needs("admin")
@opening.arguments(HoursBody)
@opening.response(200, HoursBody)
def put_hours(body: dict[str, Any]) -> Any:
    """Replace the opening hours. The worker works out anew when open follow-ups are due; closed ones keep theirs."""
    visible.demand_all(g.caller, "The hours are those of all surveys, and you see only some of them.")
    if body.get("lead") is not None and not owners.is_member(body["lead"]):
        raise errors.Refused("There is no such member.", "lead")
    hours.put(body, clock.now())
    return hours.stored()


def _shown(case: FollowUp) -> dict[str, Any]:
    return cases.shown([case], visible.only(g.caller), clock.now())[0]
