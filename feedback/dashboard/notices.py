"""Notices: the rules with what they said, one rule with its past, and what became of every delivery."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import marshmallow as ma
from flask import Response, request
from marshmallow import fields, validate

from feedback.dashboard import flash, forms, layout, registry
from feedback.dashboard.words import say
from feedback.domain import alarms, notices
from feedback.domain.values import plain
from feedback.models import Notice, NoticeRule
from feedback.notices import rehearsal, rules, speaking
from feedback.schemas.notices import RuleBody, RuleTrial, stored
from surveys import visible
from surveys.base import clock, versions
from surveys.base.accounts import makers
from surveys.base.errors import Clash, Refused
from surveys.base.http import audited, problems
from surveys.domain import schedule
from surveys.models import Survey, Webhook, WebhookDelivery, WebhookEvent
from surveys.schemas.kinds import text
from surveys.webhooks import telling

LIST = "/team/notices"

#: What a rule said, and deliveries, that are shown.
SAID, DELIVERIES = 20, 30

#: How many rules one page shows. Nobody listens to more.
MOST = 100

#: Weeks of the picture, the one that runs included.
WEEKS = alarms.WEEKS_A_YEAR + 1

#: For how many days a rule can be snoozed at a click.
SNOOZES = (1, 7, 28)

DONE = ("made", "snoozed", "woken", "off", "on", "less", "deleted", "judged", "tried", "again", "taken")


class NoticesQuery(ma.Schema):
    """What was just done, to say it; which deliveries are shown."""

    did = fields.String(validate=validate.OneOf(DONE))
    n = text(10)
    state = fields.String(validate=validate.OneOf(telling.STATES))


@registry.page(
    title=say("notices"), address=LIST, scope="write", nav="act", icon="notices", place=40, forms=True
)
def index() -> Any:
    """The rules, the form for another, which tells how often it would have spoken, and the deliveries."""
    if request.method == "GET":
        asked = layout.query(NoticesQuery())
        return _list({}, {}, told=_told(asked), state=asked.get("state"))
    given = forms.fields()
    if given.get("do") == "replay":
        return _replay(given)
    if given.get("do") == "take":
        hook = visible.own(Webhook, given.get("hook", ""), registry.caller())
        telling.take_over(hook, registry.caller(), clock.now())
        audited.about(hook.id)
        return layout.led(layout.at(LIST, did="taken"))
    body = _body(given)
    tries = given.get("do") == "try"
    loaded, wrong = _load(RuleTrial() if tries else RuleBody(), body)
    if wrong:
        return _list(given, wrong, 422)
    if tries:
        audited.unchanged()
        found = rehearsal.backtest(loaded, registry.seen(), layout.zone(), clock.now(), at_once=True)
        return _list(given, {}, trial=_pictured(found))
    if loaded["when"]["kind"] == notices.VALUE and not given.get("anyway"):
        found = rehearsal.backtest(loaded, registry.seen(), layout.zone(), clock.now(), at_once=True)
        if not found.watched_weeks:
            audited.unchanged()
            return _list({**given, "anyway": "1"}, {}, trial=_pictured(found))
    row = rules.create(loaded, registry.caller(), clock.now())
    audited.about(row.id)
    answer = layout.led(layout.at(f"{LIST}/{row.id}", did="made"))
    secrets = [hook.secret for hook in rules.leads([row.id])[row.id] if hook.kind == telling.WEBHOOK]
    if secrets:
        flash.put(answer, secrets)
    return answer


@registry.page(title=say("notices.rule"), address=f"{LIST}/<rule_id>", scope="write", forms=True)
def rule(rule_id: str) -> Any:
    """One rule: its last year, what it said and whether that was of use, where it leads."""
    row = visible.own(NoticeRule, rule_id, registry.caller())
    if request.method == "GET":
        return _one(row, told=_told(layout.query(NoticesQuery())))
    try:
        did = _do(row, forms.fields(), clock.now())
    except (Refused, Clash) as error:
        return _one(row, 409 if isinstance(error, Clash) else 422, error.message)
    audited.about(row.id)
    if did == "deleted":
        return layout.led(layout.at(LIST, did=did))
    return layout.led(layout.at(f"{LIST}/{row.id}", did=did))


# ------------------------------------------------------------------------------------------------------


def _told(asked: Mapping[str, Any]) -> str | None:
    if "did" not in asked:
        return None
    return (
        say(f"notices.did.{asked['did']}", n=asked.get("n", ""))
        if asked["did"] == "again"
        else say(f"notices.did.{asked['did']}")
    )


def _body(given: Mapping[str, str]) -> dict[str, Any]:
    """A form as the API would take it."""
    kind, survey = given.get("kind", ""), given.get("survey") or None
    when: dict[str, Any] = {"kind": kind}
    if kind == notices.SCORE:
        when["at_or_below"] = _number(given.get("at_or_below", ""))
    if kind == notices.VALUE:
        when |= {"survey": survey or "", "floor": _number(given.get("floor", ""))}
    filters: dict[str, Any] = {}
    if survey and kind not in (notices.VALUE, notices.CAME_BACK):
        filters["survey"] = survey
    if kind in notices.OF_ANSWERS:
        filters |= {
            "sentiment": given.get("sentiment") or None,
            "has_comment": given.get("has_comment") or None,
        }
    body: dict[str, Any] = {"when": when, "filters": filters}
    if given.get("name", "").strip():
        body["name"] = given["name"].strip()
    if kind == notices.VALUE and given.get("segment"):
        body["segment"] = given["segment"]
    if given.get("address", "").strip():
        body["to"] = [{"kind": given.get("carrier", ""), "address": given["address"]}]
    return body


def _number(typed: str) -> Any:
    """A number as it was typed; what is none is left for the schema to refuse."""
    try:
        found = float(typed.strip())
    except ValueError:
        return typed
    return int(found) if found.is_integer() else found


def _load(schema: ma.Schema, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """A rule as it can be kept, or what is wrong with it, by the last part of each field's name."""
    try:
        loaded: dict[str, Any] = schema.load(body)
        rules.check(loaded, registry.caller())
        rules.check_to(loaded.get("to", []))
    except ma.ValidationError as error:
        wrong = problems.flatten(error.messages_dict)
    except Refused as error:
        wrong = {field: [error.message] for field in error.fields}
    else:
        return loaded, {}
    return {}, {
        ("address" if name == "to" else name.rpartition(".")[2]): lines for name, lines in wrong.items()
    }


def _list(
    given: Mapping[str, str],
    wrong: Mapping[str, list[str]],
    status: int = 200,
    told: str | None = None,
    trial: Mapping[str, Any] | None = None,
    state: str | None = None,
) -> Response:
    if wrong:
        audited.unchanged()
    now, caller = clock.now(), registry.caller()
    found = visible.narrowed(NoticeRule.select(), caller).order_by(
        NoticeRule.created_at.desc(), NoticeRule.id
    )
    rows = list(found.limit(MOST))
    since = now - timedelta(weeks=WEEKS)
    said: dict[str, list[Notice]] = {row.id: [] for row in rows}
    recent = visible.narrowed(Notice.select(), caller)
    recent = recent.where(Notice.rule.in_(list(said)), Notice.began_at > since)
    for notice in recent.order_by(Notice.began_at.desc()).limit(2000):
        said[notice.rule_id].append(notice)
    shown = rules.shown(rows, now)
    surveys = list(visible.surveys(caller).order_by(Survey.name, Survey.id))
    hooks = _hooks([row.id for row in rows])
    return layout.page(
        "notices.html",
        say("notices"),
        status,
        rules=[
            {
                **plain(each),
                "about": _about(each, {row.id: row.name for row in surveys}),
                "said": said[each.id],
                "last": speaking.sentence(said[each.id][0]) if said[each.id] else None,
                "bars": _bars([one.began_at for one in said[each.id]], now),
                "is_snoozed": each.snoozed_until is not None and each.snoozed_until > now,
            }
            for each in shown
        ],
        width=_WIDTH,
        kinds=notices.KINDS,
        carriers=notices.CARRIERS,
        surveys=surveys,
        given=given,
        errors=wrong,
        told=told,
        trial=trial,
        hooks=hooks,
        called={hook.id: _called(hook, {row.id: row.name for row in rows}) for hook in hooks},
        deliveries=_deliveries([hook.id for hook in hooks], state),
        states=telling.STATES,
        state=state,
        floor=f"{alarms.FLOOR:.0f}",
    )


def _about(rule: rules.RuleReport, names: Mapping[str, str]) -> str:
    """What a rule is about, in words."""
    when, filters = rule.when, rule.filters
    survey = when.get("survey") or filters.get("survey")
    words = say(
        f"notices.about.{when['kind']}", score=when.get("at_or_below"), floor=f"{when.get('floor', 0):g}"
    )
    parts = [words, names.get(survey, "") if survey else ""]
    if rule.segment:
        parts.append(say("notices.by", segment=rule.segment.removeprefix("property:")))
    return " · ".join(part for part in parts if part)


def _hooks(rule_ids: Sequence[str]) -> list[Webhook]:
    """Where rules lead, and the webhooks of whoever asks."""
    mine = Webhook.owner.is_null() | Webhook.owner.in_(list(rule_ids))
    found = visible.narrowed(Webhook.select().where(mine), registry.caller())
    hooks = list(found.order_by(Webhook.created_at, Webhook.id).limit(MOST))
    makers.sights(hooks)
    return hooks


def _called(hook: Webhook, names: Mapping[str, str]) -> str:
    if hook.owner is None:
        return hook.url
    return f"{say(f'notices.to.{hook.kind}')} · {names.get(hook.owner, '')}"


def _deliveries(hook_ids: Sequence[str], state: str | None) -> list[WebhookDelivery]:
    found = WebhookDelivery.select(WebhookDelivery, WebhookEvent).join(WebhookEvent)
    found = found.where(WebhookDelivery.webhook.in_(list(hook_ids)))
    if state:
        found = found.where(WebhookDelivery.state == state)
    return list(found.order_by(WebhookDelivery.event.desc()).limit(DELIVERIES))


def _replay(given: Mapping[str, str]) -> Response:
    """Send the events of some days once more."""
    zone, now = layout.zone(), clock.now()
    try:
        since, until = (date.fromisoformat(given.get(name, "")) for name in ("since", "until"))
        begins, ends = (schedule.starts_at(day, zone) for day in (since, until + timedelta(days=1)))
    except (ValueError, OverflowError):
        return _list(given, {"since": [say("notices.replay.days")]}, 422)
    hook = visible.own(Webhook, given.get("hook", ""), registry.caller())
    if until < since:
        return _list(given, {"since": [say("notices.replay.days")]}, 422)
    count = telling.replay(hook, begins, ends, now)
    audited.about(hook.id)
    return layout.led(layout.at(LIST, did="again", n=str(count)))


def _one(row: NoticeRule, status: int = 200, wrong: str | None = None, told: str | None = None) -> Response:
    if wrong:
        audited.unchanged()
    now, caller = clock.now(), registry.caller()
    (shown,) = rules.shown([row], now)
    mine = visible.narrowed(Notice.select(), caller).where(Notice.rule == row.id)
    said = list(mine.order_by(Notice.began_at.desc()).limit(SAID))
    survey = row.when.get("survey") or row.filters.get("survey")
    chosen = visible.surveys(caller).where(Survey.id == survey)
    named = {each.id: each.name for each in chosen} if survey else {}
    seen = makers.sight(row)
    found = (
        None
        if seen.paused
        else rehearsal.backtest(stored(row), seen.surveys, layout.zone(), now, at_once=True)
    )
    return layout.page(
        "notice_rule.html",
        row.name,
        status,
        rule=shown,
        version=versions.of(row.when),
        about=_about(shown, named),
        trial=_pictured(found) if found is not None else None,
        width=_WIDTH,
        said=zip(speaking.shown(said), said, strict=True),
        is_snoozed=row.snoozed_until is not None and row.snoozed_until > now,
        snoozes=SNOOZES,
        secrets=flash.taken() if request.method == "GET" else None,
        takes=set() if seen.paused else _takes(row),
        wrong=wrong,
        told=told,
    )


def _lead(row: NoticeRule, hook_id: str) -> Webhook:
    """One of those where a rule leads."""
    hooks = {hook.id: hook for hook in rules.leads([row.id])[row.id]}
    if hook_id not in hooks:
        raise registry.not_found()
    return hooks[hook_id]


def _takes(row: NoticeRule) -> set[str]:
    """Where a rule leads that somebody else may answer for, the rule itself apart."""
    hooks = rules.leads([row.id])[row.id]
    gone = (makers.GONE, makers.ROLE)
    return {hook.id for hook, seen in zip(hooks, makers.sights(hooks), strict=True) if seen.paused in gone}


def _do(row: NoticeRule, given: Mapping[str, str], now: datetime) -> str:
    """Do what a form of a rule's page says; what was done."""
    do, caller = given.get("do", ""), registry.caller()
    if do in ("useful", "nothing"):
        notice = visible.own(Notice, given.get("notice", ""), caller)
        speaking.say(notice.id, do == "useful")
        return "judged"
    if do == "snooze":
        days = given.get("days", "")
        if days not in map(str, SNOOZES):
            raise Refused(say("notices.snooze.days"), "days")
        rules.change(row, {"snoozed_until": now + timedelta(days=int(days))}, caller, now)
        return "snoozed"
    if do == "wake":
        rules.change(row, {"snoozed_until": None}, caller, now)
        return "woken"
    if do in ("on", "off"):
        rules.change(row, {"enabled": do == "on"}, caller, now)
        return do
    if do == "less":
        current = versions.of(row.when)
        if given.get("version", current) != current:
            raise Clash(say("notices.less.changed"))
        milder = notices.less_strict(row.when)
        if milder is None:
            raise Refused(say("notices.less.none"), "do")
        rules.change(row, {"when": milder}, caller, now)
        return "less"
    if do == "test":
        telling.test(_lead(row, given.get("hook", "")), now)
        return "tried"
    if do == "take" and given.get("hook"):
        telling.take_over(_lead(row, given["hook"]), caller, now)
        return "taken"
    if do == "take":
        rules.take_over(row, caller, now)
        return "taken"
    if do == "delete":
        rules.delete(row)
        return "deleted"
    raise Refused(say("notices.no_such"), "do")


#: How wide a week of the picture is, in percent.
_WIDTH = round(75 / WEEKS, 3)


def _bars(moments: Sequence[datetime], now: datetime) -> list[tuple[float, float, str, int]]:
    """The weeks of the last year: where each stands, how high, its day, and how often something was said in it."""
    zone = layout.zone()
    last = schedule.first_day(schedule.day_of(now, zone), "week")
    weeks = [last - timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]
    counts = dict.fromkeys(weeks, 0)
    for moment in moments:
        week = schedule.first_day(schedule.day_of(moment, zone), "week")
        if week in counts:
            counts[week] += 1
    most = max(counts.values()) or 1
    return [
        (
            round(100 * at / WEEKS, 3),
            round(32 * counts[week] / most, 1) if counts[week] else 1.0,
            week.isoformat(),
            counts[week],
        )
        for at, week in enumerate(weeks)
    ]


def _pictured(found: rehearsal.Trial) -> dict[str, Any]:
    """A backtest with its picture."""
    chance = found.by_chance_per_year
    return {
        **plain(found),
        "bars": _bars([each.at for each in found.spoken], clock.now()),
        "chance": None if chance is None else f"{chance:.1f}",
        "latest": list(reversed(found.spoken))[:SAID],
    }
