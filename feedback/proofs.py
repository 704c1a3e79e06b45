"""What came of a fix: its topic's share before and after, and the addresses at which others may see that."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from peewee import Case, fn

from feedback import drivers, pins
from feedback.domain import effects, returning
from feedback.domain.drivers import Impact
from feedback.domain.effects import Counts, Effect
from feedback.models import Pin, Placement, PublicCard, Topic, TopicChange, TopicStatus
from feedback.topics import topics
from feedback.topics.reports import Scope
from surveys import daily_counts, links
from surveys.base import clock, db, delivery, ids, jobs, signing
from surveys.base.accounts import members
from surveys.base.accounts.members import Member
from surveys.base.clock import microseconds
from surveys.base.delivery.defusing import line
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Message
from surveys.base.http import idempotency
from surveys.base.lately import Lately
from surveys.domain import schedule
from surveys.mail import service_mail
from surveys.models import Response, Survey

#: What others may be shown of a topic: what a fix did to it, and who speaks of it how.
PROOF, BADGE = KINDS = ("proof", "badge")

#: What happens to a topic that makes it no measure of what topics do by themselves.
TOUCHED = ("merged", "split", "taught")

SHIPPED, CAME_BACK = "shipped", "came_back"

#: The job that tells a topic's owner that it came back.
TOLD_BACK = "topic came back"

#: How long what others see is kept before it is counted anew.
FRESH = timedelta(minutes=5)

#: Topics whose cards are kept so.
MOST_SHOWN = 200

WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Proof:
    """The effect on a topic; what else happened meanwhile; when it was shipped; the period that was counted.

    `impacts`: what the topic did to the value before and after, None where nothing can be said of it. `heard_in`: the
    surveys in which it was spoken of.
    """

    effect: Effect
    pins: Sequence[Pin]
    shipped_at: datetime
    since: datetime
    until: datetime
    impacts: tuple[Impact | None, Impact | None] = (None, None)
    heard_in: frozenset[str] = frozenset()

    @property
    def pins_for_all(self) -> list[Pin]:
        """What anybody may see of `pins`: what a team notes on other surveys' charts is its own business."""
        return [pin for pin in self.pins if pin.survey_id is None or pin.survey_id in self.heard_in]


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
    return Proof(
        found,
        pins.within(seen, edges[0], min(edges[3], now)),
        shipped,
        edges[0],
        edges[3],
        (_impact(topic, scope, edges[0], edges[1]), _impact(topic, scope, edges[2], edges[3])),
        _heard_in(topic, scope, edges[0], edges[3]),
    )


def watch(now: datetime) -> int:
    """Look whether what was shipped is spoken of again, and give it that status; how many came back. Its owner, where
    that is a member, hears once; who else wants to hear has a rule.
    """
    back = 0
    for topic in list(Topic.select().where(Topic.status == SHIPPED, Topic.merged_into.is_null())):
        shipped = shipped_at(topic)
        if shipped is not None and returning.came_back(weeks_since(topic, shipped, now)):
            topics.change(topic.id, {"status": CAME_BACK}, now)
            back += 1
            for member in _owners(topic):
                told = {"topic": topic.id, "member": member.id, "at": clock.stamp(now)}
                db.write(functools.partial(jobs.enqueue, TOLD_BACK, told, now))
    return back


def weeks_since(topic: Topic, shipped: datetime, now: datetime) -> list[tuple[int, int]]:
    """Comments in a topic and all comments, by whole week, from the week after it was shipped up to the last one."""
    zone, scope = daily_counts.time_zone(), everything()
    first = schedule.first_day(schedule.day_of(shipped, zone), "week") + WEEK
    this = schedule.first_day(schedule.day_of(now, zone), "week")
    weeks = {first + at * WEEK: [0, 0] for at in range(max(0, (this - first).days // 7))}
    if not weeks:
        return []
    begin, end = (microseconds(schedule.starts_at(day, zone)) for day in (first, this))
    within = [*_counted(scope), Response.key >= begin, Response.key < end]
    spoken = Placement.select().where(Placement.response == Response.key, Placement.topic == topic.id)
    for place, more in ((1, []), (0, [fn.EXISTS(spoken)])):
        rows: Any = Response.select(Response.day, fn.COUNT(Response.key)).where(*within, *more)
        for day, n in rows.group_by(Response.day).tuples():
            week = weeks.get(schedule.first_day(date.fromisoformat(day), "week"))
            if week is not None:
                week[place] += n
    return [(n, every) for n, every in weeks.values()]


@jobs.on(TOLD_BACK, lane=jobs.MAIL)
def tell_owner(payload: dict[str, Any], now: datetime) -> None:
    """Tell a topic's owner that it came back; once, for that is marked before it leaves."""
    topic, member = Topic.get_or_none(Topic.id == payload["topic"]), members.get(payload["member"])
    if topic is None or member is None or topic.status != CAME_BACK:
        return
    mark = signing.keyed_hash("came back", f"{topic.id} {member.id} {payload['at']}")
    if idempotency.begin(mark, mark, now) is not None:
        return
    # Customers' own words may name a topic: nothing in them becomes a link.
    label = line(topic.label, 100)
    message = Message(
        to=member.email,
        name=member.name,
        subject=f"It came back: {label}",
        text=_CAME_BACK.format(label=label, link=links.to(f"/team/topics/{topic.id}")),
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    try:
        delivery.transport("mail").send(service_mail.dressed(message, "Open the topic", _WHY), now)
        idempotency.finish(mark, 200, "")
    except DeliveryUnknown:
        # It may have arrived, and the topic says so itself.
        idempotency.finish(mark, 200, "")
    except DeliveryFailed as error:
        idempotency.forget(mark)
        if error.again:
            raise


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


def cards_of(topic: Topic) -> dict[str, PublicCard]:
    """The cards by which others see a topic, by kind; its own before those of topics that went into it."""
    rows = list(
        PublicCard.select().where(_shows(topic)).order_by(PublicCard.created_at.desc(), PublicCard.id)
    )
    rows.sort(key=lambda row: row.topic_id == topic.id)
    return {row.kind: row for row in rows}


def markdown(card: PublicCard) -> str:
    """A card as a block of Markdown for an issue."""
    url = links.card(card.kind, card.id)
    return f"![Evidence]({url})" if card.kind == BADGE else f"[![What came of it]({url}.svg)]({url})"


def revoke(topic: Topic, kind: str) -> bool:
    """Take every address back that shows a topic, for good; whether there was one."""
    mine = _shows(topic) & (PublicCard.kind == kind)
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

    def __init__(self) -> None:
        self._lately = Lately(FRESH, MOST_SHOWN)
        self.forget = self._lately.forget

    def proof(self, topic: Topic, now: datetime) -> Proof | None:
        """What the fix did; None for a topic that was never shipped."""
        shipped = shipped_at(topic)
        if shipped is None:
            return None
        key = (PROOF, topic.id, clock.stamp(shipped))
        found: Proof = self._lately.of(
            key, now, lambda: prove(topic, shipped, everything(), daily_counts.time_zone(), now)
        )
        return found

    def evidence(self, topic: Topic, now: datetime) -> Evidence:
        """Who speaks of it."""
        found: Evidence = self._lately.of(
            (BADGE, topic.id, topic.status), now, lambda: evidence(topic, everything())
        )
        return found


SHOWN = Shown()


# ------------------------------------------------------------------------------------------------------


_WHY = "You get this because the topic is yours."

_CAME_BACK = """Hello,

"{label}" was shipped, and customers speak of it again: more than they did since, by more than weeks differ anyway.

{link}
"""


def _shows(topic: Topic) -> Any:
    """The condition of the cards that show a topic: its own, and those of topics that went into it."""
    gone = Topic.select(Topic.id).where(Topic.merged_into == topic.id)
    return (PublicCard.topic == topic.id) | PublicCard.topic.in_(gone)


def _owners(topic: Topic) -> list[Member]:
    """The member whom a topic's owner names, by id, address or name."""
    owner = (topic.owner or "").strip()
    named = Member.select().where(Member.joined_at.is_null(False))
    found = [each for each in named if owner and owner in (each.id, each.email, each.name)]
    # Of two with one name, nobody knows which.
    return found if len(found) == 1 else []


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


def _impact(topic: Topic, scope: Scope, since: datetime, until: datetime) -> Impact | None:
    """What a topic did to the value in a period; None where the surveys have no one metric, or nobody spoke of it."""
    if scope.selection is None or since >= until:
        return None
    return drivers.impacts(replace(scope.selection, since=since, until=until), topic.id).get(topic.id)


def _heard_in(topic: Topic, scope: Scope, since: datetime, until: datetime) -> frozenset[str]:
    rows: Any = (
        Response.select(Response.survey)
        .join(Placement, on=(Placement.response == Response.key))
        .where(
            Placement.topic == topic.id,
            *_counted(scope),
            Response.key >= microseconds(since),
            Response.key < microseconds(until),
        )
        .distinct()
    )
    return frozenset(survey for (survey,) in rows.tuples())


def _touched(since: datetime) -> set[str]:
    """Topics that somebody shipped, merged, split or taught since then, or that are gone by now."""
    changed = TopicChange.select().where(TopicChange.kind.in_(TOUCHED), TopicChange.at >= since)
    found = {name for row in changed for name in (row.topic_id, row.other) if name}
    said: Any = TopicStatus.select(TopicStatus.topic).where(
        TopicStatus.status == SHIPPED, TopicStatus.at >= since
    )
    rows: Any = Topic.select(Topic.id).where(Topic.merged_into.is_null(False) | (Topic.shipped_at >= since))
    return found | {name for (name,) in said.tuples()} | {name for (name,) in rows.tuples()}
