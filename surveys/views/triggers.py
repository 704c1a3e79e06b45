"""Triggers over the API: something happened, whom do we ask, and what was decided earlier."""

from collections.abc import Mapping
from typing import Any

from flask import g

from surveys import backtest, invitations, triggers, visible
from surveys.base import clock
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent
from surveys.models import Survey, Trigger
from surveys.schemas.triggers import (
    BacktestBody,
    BacktestOut,
    Receipt,
    ReceiptList,
    StoredReceipt,
    TriggerBody,
    TriggerQuery,
)

routes = Routes(
    "triggers", __name__, url_prefix="/api/triggers", description="What happened, and whom we asked."
)


@routes.route("", methods=["POST"])
@needs("trigger")
@idempotent
@routes.arguments(TriggerBody)
@routes.response(200, Receipt)
def create(body: dict[str, Any]) -> Any:
    """Something happened: decide, invite if nothing speaks against it, and say why. Always 200 with a receipt."""
    survey = visible.own(Survey, body.pop("survey"), g.caller, field="survey")
    dry_run = body.pop("dry_run")
    return shown(triggers.receive(survey, body, clock.now(), dry_run=dry_run))


@routes.route("", methods=["GET"])
@needs("trigger")
@routes.arguments(TriggerQuery, location="query")
@routes.response(200, ReceiptList)
def index(query: dict[str, Any]) -> Any:
    """Receipts, newest first."""
    rows, following = lists.newest_first(
        found(query), Trigger.created_at, Trigger.id, query.get("cursor"), query["limit"]
    )
    return {"items": [shown(row) for row in rows], "next": following}


def found(query: Mapping[str, Any]) -> Any:
    """A query of the receipts that the caller sees and `query` asks for."""
    receipts = visible.narrowed(Trigger.select(), g.caller)
    wanted = {
        "survey": Trigger.survey,
        "connection": Trigger.connection_id,
        "decision": Trigger.decision,
        "rule": Trigger.rule,
        "ticket": Trigger.ticket_id,
    }
    for name, column in wanted.items():
        if name in query:
            receipts = receipts.where(column == query[name])
    if "since" in query:
        receipts = receipts.where(Trigger.created_at >= query["since"])
    if "until" in query:
        receipts = receipts.where(Trigger.created_at < query["until"])
    return receipts


@routes.route("/backtest", methods=["POST"])
@needs("trigger")
@routes.arguments(BacktestBody)
@routes.response(200, BacktestOut)
def replay(body: dict[str, Any]) -> Any:
    """How many of a period's triggers would ask somebody under changed rules, and which rule refuses the others."""
    survey = visible.own(Survey, body["survey"], g.caller, field="survey")
    return backtest.run(survey, body["since"], body["until"] or clock.now(), body["rules"])


@routes.route("/<trigger_id>", methods=["GET"])
@needs("trigger")
@routes.response(200, StoredReceipt)
def show(trigger_id: str) -> Any:
    """One receipt."""
    return shown(visible.own(Trigger, trigger_id, g.caller))


def shown(trigger: Trigger) -> dict[str, Any]:
    """The receipt with its invitation's links."""
    names = _STORED.fields
    receipt = {
        name: getattr(trigger, field.attribute or name)
        for name, field in names.items()
        if name not in ("invitation", "unreadable")
    }
    made = trigger.invitation
    links = (
        {
            "id": made.id,
            "send_at": made.send_at,
            **invitations.addresses(made, trigger.survey.metric),
        }
        if made
        else None
    )
    return {
        **receipt,
        **{f.attribute: receipt[n] for n, f in names.items() if f.attribute},
        "invitation": links,
    }


_STORED = StoredReceipt()
