"""Triggers: what was decided about each event and why, for one address too, and rules tried on the past."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import marshmallow as ma
from flask import request

from feedback.dashboard import forms, layout, registry, words
from feedback.schemas.team import BacktestQuery, TeamTriggersQuery
from surveys import backtest, people, triggers, visible
from surveys.base import clock
from surveys.base.errors import Refused
from surveys.base.http import audited, lists, problems
from surveys.domain import addresses, schedule
from surveys.models import Connection, Survey, Trigger
from surveys.schemas.triggers import DECISIONS, ChangedRules, TriggerBody
from surveys.views.triggers import found

say = words.say

LIST = "/team/triggers"

#: Days that a trial on the past looks back on, unless somebody says otherwise.
DAYS = 90

#: Rules that the form of a trial changes, each a whole number but `sampling`, which is in percent.
RULES = (
    "quarantine_days",
    "wait_after_answer_days",
    "wait_after_decline_days",
    "sampling",
    "person_budget",
    "company_budget",
)


@registry.page(
    title=say("triggers"), address=LIST, scope="trigger", nav="ask", icon="clock", place=3, forms=True
)
def index() -> Any:
    """Receipts, newest first, narrowed by the address of a person too; the form asks what would be decided now."""
    if request.method == "POST":
        return _asked_now()
    asked = layout.query(TeamTriggersQuery())
    if not all(request.args.values()):
        return layout.led(layout.here())
    zone = layout.zone()
    query = {
        name: value.moment(zone) if name in ("since", "until") else value
        for name, value in asked.items()
        if name not in ("email", "did", "receipt")
    }
    receipts = found(query)
    if asked.get("email"):
        who = [row.id for row in people.at_address(addresses.normal(asked["email"]) or "")]
        receipts = receipts.where(Trigger.person.in_(who))
    if asked.get("receipt"):
        receipts = receipts.where(Trigger.id == asked["receipt"])
    rows, following = lists.newest_first(
        receipts, Trigger.created_at, Trigger.id, asked.get("cursor"), asked["limit"]
    )
    surveys = _surveys()
    return layout.page(
        "triggers.html",
        say("triggers"),
        receipts=rows,
        names={survey.id: survey.name for survey in surveys},
        surveys=surveys,
        connections=list(
            visible.narrowed(Connection.select(), registry.caller()).order_by(Connection.name)
            if layout.may("write")
            else []
        ),
        decisions=DECISIONS,
        query=request.args,
        email=asked.get("email"),
        following=layout.here(cursor=following) if following else None,
        did=asked.get("did"),
        people=layout.may("write"),
    )


@registry.page(title=say("backtest"), address=LIST + "/backtest", scope="trigger")
def replay() -> Any:
    """How many of a period's events would have asked somebody under other rules; it changes nothing."""
    asked = layout.query(BacktestQuery())
    surveys = _surveys()
    now, zone = clock.now(), layout.zone()
    result: backtest.Replay | None = None
    wrong: dict[str, list[str]] = {}
    survey = None
    if asked.get("survey"):
        survey = visible.own(Survey, asked["survey"], registry.caller(), field="survey")
        rules, wrong = _rules(request.args)
        since = asked["since"].moment(zone) if asked.get("since") else now - timedelta(days=DAYS)
        until = asked["until"].moment(zone) if asked.get("until") else now
        if until <= since:
            wrong = {**wrong, "until": [say("backtest.order")]}
        if not wrong:
            result = backtest.run(survey, since, until, rules)
    return layout.page(
        "backtest.html",
        say("backtest"),
        422 if wrong else 200,
        surveys=surveys,
        survey=survey,
        query=request.args,
        rules=RULES,
        now={name: _now(survey, name) for name in RULES} if survey else {},
        since=(schedule.day_of(now, zone) - timedelta(days=DAYS)).isoformat(),
        result=result,
        refused=_refused(result) if result else [],
        errors=wrong,
    )


# ------------------------------------------------------------------------------------------------------


def _asked_now() -> Any:
    """Decide about an address without asking anybody; the receipt says what and why."""
    given = forms.fields()
    survey = visible.own(Survey, given.get("survey", ""), registry.caller(), field="survey")
    body = {"survey": survey.id, "person": {"email": given.get("email", "").strip()}, "dry_run": True}
    values, wrong = forms.load(TriggerBody(), body)
    if wrong or not values["person"]["email"]:
        raise Refused(say("triggers.no_address"), "email")
    audited.unchanged()
    values = {name: value for name, value in values.items() if name not in ("survey", "dry_run")}
    made = triggers.receive(survey, values, clock.now(), dry_run=True)
    return layout.led(layout.at(f"{LIST}", receipt=made.id, did="tried"))


def _surveys() -> list[Survey]:
    return list(visible.surveys(registry.caller()).order_by(Survey.created_at, Survey.id))


def _rules(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The rules that the form changes; what is empty stays as the survey has it."""
    body: dict[str, Any] = {}
    for name in RULES:
        text = given.get(name, "").strip()
        if text:
            try:
                body[name] = float(text) / 100 if name == "sampling" else int(text)
            except ValueError:
                return {}, {name: [say("survey.no_number")]}
    try:
        loaded: dict[str, Any] = ChangedRules().load(body)
        return loaded, {}
    except ma.ValidationError as error:
        return {}, problems.flatten(error.messages_dict)


def _now(survey: Survey, name: str) -> str:
    value = getattr(survey, name)
    return "" if value is None else f"{100 * value:g}" if name == "sampling" else str(value)


def _refused(result: backtest.Replay) -> list[tuple[str, int, int]]:
    """Each rule with how many it refused then and would refuse, the most first."""
    was, would = result.was.by_rule, result.by_rule
    names = sorted({*was, *would}, key=lambda name: -max(was.get(name, 0), would.get(name, 0)))
    return [(name, was.get(name, 0), would.get(name, 0)) for name in names]
