"""What came of a fix: its topic's share before and after, and the addresses at which others may see that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from peewee import Case, fn

from feedback import drivers, pins
from feedback.domain import effects
from feedback.domain.drivers import Impact
from feedback.domain.effects import Counts, Effect
from feedback.models import Pin, Placement, PublicCard, Topic, TopicChange, TopicStatus
from feedback.topics.reports import Scope
from surveys import daily_counts
from surveys.base import clock, db, ids
from surveys.base.clock import microseconds
from surveys.domain import schedule
from surveys.models import Response, Survey

#: What others may be shown of a topic: what a fix did to it, and who speaks of it how.
PROOF, BADGE = KINDS = ("proof", "badge")

#: What happens to a topic that makes it no measure of what topics do by themselves.
TOUCHED = ("merged", "split", "taught")

SHIPPED = "shipped"

#: How long what others see is kept before it is counted anew.
FRESH = timedelta(minutes=5)

WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Proof:
    """The effect on a topic; what else happened meanwhile; when it was shipped; the period that was counted."""

    effect: Effect
    pins: Sequence[Pin]
    shipped_at: datetime
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Evidence:
    """Who speaks of a topic: comments, people who are known, what it does to the value, and when it was last heard."""

    comments: int
    customers: int
    impact: Impact | None
    heard_at: datetime | None
    status: str


def shipped_at(topic: Topic) -> datetime | None:
    """When a topic was shipped: as the team says, else when they said so; None where it never was."""
    if topic.shipped_at is not None:
        return topic.shipped_at
    lines = TopicStatus.select().where(TopicStatus.topic == topic.id, TopicStatus.status == SHIPPED)
    last = lines.order_by(TopicStatus.at.desc()).first()
    return last.at if last is not None else None


def prove(topic: Topic, shipped: datetime, scope: Scope, zone: ZoneInfo, now: datetime) -> Proof:
    """What the fix that was shipped at a moment did to a topic, among the comments of `scope`."""
    week = schedule.first_day(schedule.day_of(shipped, zone), "week")
    this = schedule.first_day(schedule.day_of(now, zone), "week")
    after = min(effects.MOST_AFTER, max(0, (this - week).days // 7 - 1))
    first = _first_whole_week(scope, zone)
    before = min(effects.MOST_BEFORE, max(0, (week - first).days // 7)) if first is not None else 0
    begin, end = week - before * WEEK, week + (1 + after) * WEEK
    edges = [schedule.starts_at(day, zone) for day in (begin, week, week + WEEK, end)]
    counts, totals = _counts(scope, edges)
    touched = _touched(edges[0])
    others = [each for name, each in counts.items() if name not in touched and name != topic.id]
    found = effects.effect(counts.get(topic.id, Counts(0, 0)), others, totals, before, after)
    seen = [survey.id for survey in scope.surveys] if scope.limited else None
    return Proof(found, pins.within(seen, edges[0], edges[3]), shipped, edges[0], edges[3])


def evidence(topic: Topic, scope: Scope) -> Evidence:
    """Who speaks of a topic, in the comments of `scope`."""
    rows: Any = (
        Response.select(fn.COUNT(Response.key), fn.COUNT(fn.DISTINCT(Response.person)), fn.MAX(Response.key))
        .join(Placement, on=(Placement.response == Response.key))
        .where(Placement.topic == topic.id, *_counted(scope))
    )
    comments, customers, last = next(iter(rows.tuples()))
    impact = drivers.impacts(scope.selection, topic.id).get(topic.id) if scope.selection else None
    return Evidence(comments, customers, impact, clock.moment(last) if last else None, topic.status)


def publish(topic: Topic, kind: str, made_by: str | None, now: datetime) -> PublicCard:
    """Give a topic's card an address that anybody may open; the one it has where it has one."""

    def verb() -> PublicCard:
        db.serialise(f"card {kind} {topic.id}")
        known = PublicCard.get_or_none((PublicCard.topic == topic.id) & (PublicCard.kind == kind))
        return known or PublicCard.create(
            id=ids.new("card"), topic=topic.id, kind=kind, made_by=made_by, created_at=now
        )

    return db.write(verb)


def revoke(topic: Topic, kind: str) -> bool:
    """Take the address back, for good; whether there was one."""
    mine = (PublicCard.topic == topic.id) & (PublicCard.kind == kind)
    return db.write(PublicCard.delete().where(mine).execute) > 0


def public(card_id: str, kind: str) -> Topic | None:
    """The topic that an address shows, or the one it was merged into; None where the address was taken back."""
    card = PublicCard.get_or_none((PublicCard.id == card_id) & (PublicCard.kind == kind))
    if card is None:
        return None
    row: Topic = card.topic
    seen = {row.id}
    while row.merged_into is not None and row.merged_into not in seen:
        row = Topic.get_by_id(row.merged_into)
        seen.add(row.id)
    return row


def everything() -> Scope:
    """All surveys."""
    return Scope(list(Survey.select().order_by(Survey.created_at)))


class Shown:
    """What others are shown, counted once in FRESH: an address that anybody may open must not cost much."""

    #: Topics that are kept.
    MOST = 200

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[datetime, Any]] = {}

    def proof(self, topic: Topic, now: datetime) -> Proof | None:
        """What the fix did; None for a topic that was never shipped."""
        shipped = shipped_at(topic)
        if shipped is None:
            return None
        key = (PROOF, f"{topic.id} {clock.stamp(shipped)}")
        return self._of(key, now, lambda: prove(topic, shipped, everything(), daily_counts.time_zone(), now))

    def evidence(self, topic: Topic, now: datetime) -> Evidence:
        """Who speaks of it."""
        return self._of((BADGE, f"{topic.id} {topic.status}"), now, lambda: evidence(topic, everything()))

    def forget(self) -> None:
        """Count all anew."""
        self._kept.clear()

    def _of(self, key: tuple[str, str], now: datetime, count: Any) -> Any:
        kept = self._kept.get(key)
        if kept is None or not timedelta() <= now - kept[0] < FRESH:
            if len(self._kept) >= self.MOST:
                self._kept.clear()
            kept = self._kept[key] = (now, count())
        return kept[1]


SHOWN = Shown()


# ------------------------------------------------------------------------------------------------------


def _counted(scope: Scope) -> list[Any]:
    return [
        Response.survey.in_([survey.id for survey in scope.surveys]),
        ~Response.test,
        ~Response.excluded,
        Response.comment.is_null(False),
        Response.comment != "",
    ]


def _first_whole_week(scope: Scope, zone: ZoneInfo) -> date | None:
    """The first week of which all comments are known."""
    key = Response.select(fn.MIN(Response.key)).where(*_counted(scope)).scalar()
    if key is None:
        return None
    day = schedule.day_of(clock.moment(key), zone)
    return day if day.weekday() == 0 else schedule.next_first_day(day, "week")


def _counts(scope: Scope, edges: Sequence[datetime]) -> tuple[dict[str, Counts], Counts]:
    """Comments before the week of the fix and after it, by topic and of all."""
    begin, shipped, on, end = map(microseconds, edges)
    within = [*_counted(scope), Response.key >= begin, Response.key < end]
    parts = [
        fn.COALESCE(fn.SUM(Case(None, [(condition, 1)], 0)), 0)
        for condition in (Response.key < shipped, Response.key >= on)
    ]
    rows: Any = (
        Placement.select(Placement.topic, *parts)
        .join(Response, on=(Response.key == Placement.response))
        .where(*within)
        .group_by(Placement.topic)
    )
    whole: Any = Response.select(*parts).where(*within)
    by_topic = {name: Counts(int(before), int(after)) for name, before, after in rows.tuples()}
    before, after = next(iter(whole.tuples()))
    return by_topic, Counts(int(before), int(after))


def _touched(since: datetime) -> set[str]:
    """Topics that somebody shipped, merged, split or taught since then, or that are gone by now."""
    changed = TopicChange.select().where(TopicChange.kind.in_(TOUCHED), TopicChange.at >= since)
    found = {name for row in changed for name in (row.topic_id, row.other) if name}
    said: Any = TopicStatus.select(TopicStatus.topic).where(
        TopicStatus.status == SHIPPED, TopicStatus.at >= since
    )
    rows: Any = Topic.select(Topic.id).where(Topic.merged_into.is_null(False) | (Topic.shipped_at >= since))
    return found | {name for (name,) in said.tuples()} | {name for (name,) in rows.tuples()}
