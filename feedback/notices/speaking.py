"""What a rule says: one notice when something begins, one when it is over, nothing in between, and nothing twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.domain import notices
from feedback.models import Notice, NoticeRule
from feedback.notices.rules import BEGAN, OVER
from surveys.base import clock, db, ids
from surveys.models import Response
from surveys.webhooks import telling
from surveys.webhooks.telling import Told

#: What webhooks of everybody hear when a value did not stay what it was.
VALUE_CHANGED = "value.changed"


@dataclass(frozen=True)
class Found:
    """Something that a rule speaks of. `mark`: what tells it from the same at another time; `why`: its numbers.

    `among`: the surveys that were looked at to find it, null for all, where it is about no single one.
    """

    subject: str
    mark: str
    why: Mapping[str, Any]
    response: int | None = None
    follow_up: str | None = None
    among: Sequence[str] | None = None


def begin(rule: NoticeRule, found: Found, now: datetime) -> bool:
    """Speak of something, unless that was done: whether it was not. Call it in a transaction.

    While the rule is snoozed it is written down and sent to nobody. What does not last is over at once.
    """
    kind = rule.when["kind"]
    told = rule.snoozed_until is None or rule.snoozed_until <= now
    id_ = ids.new("ntc")
    row = {
        "id": id_,
        "rule": rule.id,
        "response": found.response,
        "follow_up": found.follow_up,
        "subject": found.subject,
        "mark": found.mark,
        "why": {**found.why, "kind": kind, "among": found.among},
        "told": told,
        "began_at": now,
        "over_at": None if kind in notices.LASTING else now,
    }
    inserted = Notice.insert(row).on_conflict_ignore().as_rowcount().execute()
    if not inserted:
        return False
    if told:
        telling.tell(Told(BEGAN, id_, response=found.response, mark="", owner=rule.id), now)
    if kind == notices.VALUE:
        telling.tell(Told(VALUE_CHANGED, id_, survey=found.why["survey"], mark="began"), now)
    return True


def end(rule: NoticeRule, notice: Notice, why: Mapping[str, Any], now: datetime) -> None:
    """What lasted is over: say so to whoever was told that it began. `why`: what is known since, added to its numbers.

    Call it in a transaction.
    """
    changed = Notice.update(over_at=now, why={**notice.why, **why})
    if not changed.where((Notice.id == notice.id) & Notice.over_at.is_null()).execute():
        return
    if notice.told:
        telling.tell(Told(OVER, notice.id, response=notice.response_key, mark="", owner=rule.id), now)
    if rule.when["kind"] == notices.VALUE:
        telling.tell(Told(VALUE_CHANGED, notice.id, survey=notice.why["survey"], mark="over"), now)


def settle(rule_id: str, found: Mapping[str, Found], now: datetime, keep: datetime | None = None) -> None:
    """Hold what lasts against what a rule says is going on: what is new begins, what is missing is over.

    `keep`: what began since then is not over yet, however it flickers.
    """

    def verb() -> None:
        db.serialise(f"notices {rule_id}")
        rule = NoticeRule.get_or_none(NoticeRule.id == rule_id)
        if rule is None or not rule.enabled:
            return
        open_ones = {
            each.subject: each
            for each in Notice.select().where(Notice.rule == rule_id, Notice.over_at.is_null())
        }
        for subject, notice in open_ones.items():
            if subject not in found and (keep is None or notice.began_at < keep):
                end(rule, notice, {}, now)
        for subject, each in found.items():
            if subject not in open_ones:
                begin(rule, each, now)

    db.write(verb)


def say(notice_id: str, useful: bool | None) -> Notice:
    """Somebody says whether a notice was of use; False: it was nothing."""

    def verb() -> Notice:
        Notice.update(useful=useful).where(Notice.id == notice_id).execute()
        return Notice.get_by_id(notice_id)

    return db.write(verb)


@dataclass(frozen=True, slots=True)
class NoticeReport:
    """Something that a rule (its id) spoke of, and why. `told`: it was sent. `useful`: what somebody said of it.

    `response`: the id of the answer that it is about. `over_at`: None while it lasts.
    """

    id: str
    told: bool
    useful: bool | None
    began_at: datetime
    over_at: datetime | None
    rule: str
    why: str
    response: str | None


def shown(rows: Sequence[Notice]) -> list[NoticeReport]:
    """Notices in words, with the answers that they are about."""
    keys = [row.response_key for row in rows if row.response_key is not None]
    ids_: Any = Response.select(Response.key, Response.id).where(Response.key.in_(keys)).tuples()
    named = dict(list(ids_))
    return [
        NoticeReport(
            row.id,
            row.told,
            row.useful,
            row.began_at,
            row.over_at,
            row.rule_id,
            sentence(row),
            named.get(row.response_key),
        )
        for row in rows
    ]


def sentence(notice: Notice) -> str:
    """What a notice says."""
    return notices.sentence(notice.why["kind"], notice.why)


def stamp(moment: datetime) -> str:
    """A moment as a mark."""
    return str(clock.microseconds(moment))
