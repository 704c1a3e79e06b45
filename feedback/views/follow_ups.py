"""Follow-ups over the API: who must be answered, by whom, by when; and the hours in which the team is there."""

from typing import Any

import marshmallow as ma
from flask import Response, g, jsonify, request

from feedback import filters
from feedback.domain.follow_ups import CLOSED, OPEN
from feedback.follow_ups import cases, hours, owners, writing
from feedback.letters import ANSWERS
from feedback.models import FollowUp, Letter
from feedback.schemas.follow_ups import (
    NOBODY,
    FollowUpBody,
    FollowUpList,
    FollowUpOut,
    FollowUpPatch,
    FollowUpQuery,
    HoursBody,
    LetterAnswerForm,
    ReplyBody,
)
from surveys import links, responses, visible
from surveys.base import clock, errors
from surveys.base.http import bodies, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent
from surveys.views import layout, public

routes = Routes("follow-ups", __name__, url_prefix="/api/follow-ups", description="Who must be answered.")
opening = Routes("hours", __name__, url_prefix="/api/hours", description="When the team is there.")
public_pages = Routes("solved", __name__, description="For respondents: no key needed.")
layout.errors_as_pages(public_pages)
layout.keep_private(public_pages)


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
    # Whoever has it already keeps it, also where their role has changed since.
    if body.get("owner") not in (None, case.owner) and (why := owners.against(body["owner"], case)):
        raise errors.Refused(why, "owner")
    return _shown(cases.change(case, body, g.caller, clock.now()))


@routes.route("/<follow_up_id>/reply", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(ReplyBody)
@routes.response(202, FollowUpOut)
@routes.alt_response(200, schema=FollowUpOut, description="This text is on its way or sent already.")
def reply(body: dict[str, Any], follow_up_id: str) -> Any:
    """Answer the person by one mail, with a private note in the ticket where one is known. Replies to it go to the
    owner, else where the survey's go; a member who writes where there is none becomes the owner. A 409
    where no mail may go to them; the same text never goes twice.
    """
    case = visible.own(FollowUp, follow_up_id, g.caller)
    _, is_new = writing.reply(case, body["text"].strip(), body.get("language"), g.caller, clock.now())
    return _written(case, is_new)


@routes.route("/<follow_up_id>/ask", methods=["POST"])
@needs("write")
@idempotent
@routes.response(202, FollowUpOut)
@routes.alt_response(
    200, schema=FollowUpOut, description="They were asked already, and have not answered yet."
)
def ask(follow_up_id: str) -> Any:
    """Ask the person by one mail whether it is solved. Only their word solves a case; silence is counted apart."""
    case = visible.own(FollowUp, follow_up_id, g.caller)
    _, is_new = writing.ask(case, None, g.caller, clock.now())
    return _written(case, is_new)


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
    if why := owners.against_lead(body.get("lead"), hours.stored()["lead"]):
        raise errors.Refused(why, "lead")
    hours.put(body, clock.now())
    return hours.stored()


def _shown(case: FollowUp) -> writing.WholeCase:
    (shown,) = cases.shown([case], visible.only(g.caller), clock.now())
    return writing.whole(case, shown)


def _written(case: FollowUp, is_new: bool) -> Any:
    shown = FollowUpOut().dump(_shown(visible.own(FollowUp, case.id, g.caller)))
    return jsonify(shown), 202 if is_new else 200


# ------------------------------------------------------------------------------------------------------


@public_pages.route("/f/<token>", methods=["GET"])
@public_pages.doc(
    parameters=[
        *layout.LANGUAGE,
        {
            "in": "query",
            "name": "answer",
            "schema": {"type": "string", "enum": list(ANSWERS)},
            "description": "Preselects; counts nothing by itself.",
        },
    ],
    responses={"200": layout.HTML},
)
def ask_customer(token: str) -> Response:
    """The page that asks a customer whether it is solved. Opening it counts nothing: machines open every link."""
    letter = _letter(token)
    wished = request.args.get("answer", "")
    return _question(letter, wished if wished in ANSWERS else letter.answer, letter.said)


@public_pages.route("/f/<token>", methods=["POST"])
@public_pages.doc(
    parameters=layout.LANGUAGE,
    requestBody={
        "required": True,
        "content": {kind: {"schema": LetterAnswerForm} for kind in LetterAnswerForm.types},
    },
    responses={
        "200": {**layout.HTML, "description": "The thanks."},
        "422": {**layout.HTML, "description": "Asks again."},
    },
)
def take_answer(token: str) -> Response:
    """What the customer says: `fixed` solves the case, `not_yet` opens it again."""
    g.typed = bodies.form_fields(LetterAnswerForm.body_limit)
    letter, text = _letter(token), g.typed.get("text", "").replace("\r\n", "\n").strip() or None
    chosen = g.typed["answer"] if g.typed.get("answer") in ANSWERS else None
    try:
        given = LetterAnswerForm().load(g.typed)
    except ma.ValidationError:
        # What they typed stays on the page, whatever is wrong with it.
        return _question(letter, chosen, text, 422, refused="ui.wrong")
    if not public.is_of_page(given, token):
        return _question(letter, chosen, text, 422, refused="ui.error")
    if chosen is None:
        return _question(letter, None, text, 422)
    return _question(writing.answer(letter, chosen, text, clock.now()), chosen, text, given=chosen)


def _letter(token: str) -> Letter:
    try:
        letter = Letter.get_or_none(Letter.id == links.letter_id(token, clock.now()))
    except links.BadToken:
        letter = None
    if letter is None:
        raise errors.Missing
    g.language = layout.language_for(letter.language)
    g.form_token = public.form_token(token)
    return letter


def _question(
    letter: Letter,
    chosen: str | None,
    text: str | None,
    status: int = 200,
    given: str | None = None,
    refused: str = "ui.choose",
) -> Response:
    return layout.page(
        "letter_answer.html",
        g.language,
        status,
        writing.survey_of(letter),
        token=g.form_token,
        chosen=chosen,
        text=text,
        given=given,
        refused=refused if status != 200 else None,
        quote=writing.quote_of(letter),
    )
