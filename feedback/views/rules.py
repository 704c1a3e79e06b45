"""Rules over the API: what the team is told of, tried on the past before it is switched on."""

from typing import Any

import structlog
from flask import g

from feedback.domain.values import plain
from feedback.models import Notice, NoticeRule
from feedback.notices import rehearsal, rules, speaking
from feedback.schemas.notices import (
    NoticeList,
    NoticeOut,
    NoticePatch,
    NoticeQuery,
    RuleBody,
    RuleList,
    RuleOut,
    RulePatch,
    RuleTrial,
    RuleTrialOut,
    Terms,
    stored,
)
from surveys import visible
from surveys.base import clock, db
from surveys.base.http import context, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent_secret

log = structlog.get_logger()

routes = Routes(
    "rules",
    __name__,
    url_prefix="/api/rules",
    description="What the team is told of, by mail, in a chat or at a webhook.",
)
said = Routes("notices", __name__, url_prefix="/api/notices", description="What rules said.")


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, RuleList)
def index(query: dict[str, Any]) -> Any:
    """Rules, newest first."""
    found = visible.narrowed(NoticeRule.select(), g.caller)
    rows, following = lists.newest_first(
        found, NoticeRule.created_at, NoticeRule.id, query.get("cursor"), query["limit"]
    )
    return {"items": rules.shown(rows, clock.now()), "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent_secret
@routes.arguments(RuleBody)
@routes.response(201, RuleOut)
def create(body: dict[str, Any]) -> Any:
    """Make a rule. The answer says how often it would have spoken in the last year, and how often by chance alone."""
    rules.check(body, g.caller)
    rules.check_to(body["to"])
    row = rules.create(body, g.caller, clock.now())
    return _whole(row, set())


@routes.route("/<rule_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(RulePatch)
@routes.response(200, RuleOut)
def change(body: dict[str, Any], rule_id: str) -> Any:
    """Change a rule; snooze it. With other terms it is tried on the last year anew."""
    row = visible.own(NoticeRule, rule_id, g.caller)
    terms: dict[str, Any] = {name: body.pop(name) for name in ("when", "segment", "filters") if name in body}
    if terms:
        # Together with what stays: what goes with one kind need not go with another.
        body |= Terms().load({**stored(row), **terms})
        rules.check(body, g.caller)
    rules.check_to(body.get("to", []))
    before = {hook.id for hook in rules.leads([row.id])[row.id]}
    return _whole(rules.change(row, body, g.caller, clock.now()), before)


@routes.route("/<rule_id>/take-over", methods=["POST"])
@needs("write")
@routes.response(200, RuleOut)
def take_over(rule_id: str) -> Any:
    """Answer for a rule that is paused because its maker may not see any more what it tells; 409 if it is not."""
    row = visible.own(NoticeRule, rule_id, g.caller)
    rules.take_over(row, g.caller, clock.now())
    return _whole(NoticeRule.get_by_id(row.id), {hook.id for hook in rules.leads([row.id])[row.id]})


@routes.route("/<rule_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(rule_id: str) -> Any:
    """Delete a rule, with all that it said; what waits to be sent is not."""
    rules.delete(visible.own(NoticeRule, rule_id, g.caller))


@routes.route("/backtest", methods=["POST"])
@needs("write")
@routes.arguments(RuleTrial)
@routes.response(200, RuleTrialOut)
def backtest(body: dict[str, Any]) -> Any:
    """Try a rule on the last year: when it would have spoken, and how often it would have by chance alone."""
    rules.check(body, g.caller)
    return _tried(body)


@said.route("", methods=["GET"])
@needs("write")
@said.arguments(NoticeQuery, location="query")
@said.response(200, NoticeList)
def notices_said(query: dict[str, Any]) -> Any:
    """What rules said, newest first."""
    found = visible.narrowed(Notice.select(), g.caller)
    if "rule" in query:
        found = found.where(Notice.rule == query["rule"])
    rows, following = lists.newest_first(
        found, Notice.began_at, Notice.id, query.get("cursor"), query["limit"]
    )
    return {"items": speaking.shown(rows), "next": following}


@said.route("/<notice_id>", methods=["PATCH"])
@needs("write")
@said.arguments(NoticePatch)
@said.response(200, NoticeOut)
def judge(body: dict[str, Any], notice_id: str) -> Any:
    """Say whether a notice was of use; after three that were nothing, its rule offers to be less strict."""
    row = visible.own(Notice, notice_id, g.caller)
    (found,) = speaking.shown([speaking.say(row.id, body["useful"])])
    return found


# ------------------------------------------------------------------------------------------------------


def _whole(row: NoticeRule, before: set[str]) -> rehearsal.TriedRule:
    """A rule with its backtest. `before`: where it led already, whose secrets are not shown again."""
    (shown,) = rules.shown([row], clock.now())
    for hook in shown.to:
        hook.is_fresh = hook.id not in before
    try:
        tried = _tried(stored(row))
    except Exception as error:
        if db.away(error):
            raise
        # The rule stands, and whoever gets no answer would make another.
        log.error("rule cannot be tried", rule=row.id, exc_info=error)
        tried = None
    return rehearsal.TriedRule(**plain(shown), backtest=tried)


def _tried(rule: dict[str, Any]) -> rehearsal.Trial:
    return rehearsal.backtest(rule, visible.only(g.caller), context.settings().time_zone, clock.now())
