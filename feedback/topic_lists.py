"""Topics as they are shown: size, trend, feeling, what they do to the value, and what is said in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from peewee import fn

from feedback import results, reviews
from feedback.domain import drivers, redaction
from feedback.domain import topics as domain
from feedback.domain.surges import Surge, surges
from feedback.models import Placement, Reading, Topic
from feedback.topics import state
from surveys.base.clock import microseconds, stamp
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import Response, Survey

#: A surge: the last seven days against the four weeks before.
RECENT, EARLIER = timedelta(days=7), timedelta(days=28)

TREND_WEEKS = 12
TYPICAL, TYPICAL_ALONE = 3, 10
FEELINGS = ("negative", "neutral", "positive")


@dataclass(frozen=True)
class Scope:
    """Which responses are looked at: of these surveys, in this period (None: all of it)."""

    surveys: list[Survey]
    since: datetime | None = None
    until: datetime | None = None

    @property
    def metric(self) -> Metric | None:
        """The one metric of the surveys; None when there are several, which are never averaged together."""
        found = {survey.metric for survey in self.surveys}
        return METRICS[found.pop()] if len(found) == 1 else None


def overview(scope: Scope, everybody: bool, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """All live topics, the largest first, and how many comments are in none.

    Unless `everybody`, only topics that responses of the scope are in: whoever sees some surveys alone learns
    nothing of the others'.
    """
    sizes, feelings = _sizes(scope)
    comments, placed = _comments(scope)
    live = Topic.select().where(Topic.merged_into.is_null())
    rows = [row for row in live if everybody or row.id in sizes]
    rows.sort(key=lambda row: (-sizes.get(row.id, 0), row.label.casefold()))
    days = _days(scope, now, zone)
    rising = {surge.topic: surge for surge in _surges(days, now, zone)}
    moving = _impacts(scope, zone)
    return {
        "items": [
            {
                **described(row),
                "size": sizes.get(row.id, 0),
                "share": sizes.get(row.id, 0) / comments if comments else 0.0,
                "sentiment": {name: feelings.get((row.id, name), 0) for name in FEELINGS},
                "trend": _trend(days.get(row.id, {}), now, zone),
                "surge": _surge(rising.get(row.id)),
                **_moved(moving.get(row.id)),
            }
            for row in rows
        ],
        "metric": scope.metric.key if scope.metric else None,
        "comments": comments,
        "unplaced": {"n": comments - placed, "share": (comments - placed) / comments if comments else 0.0},
        "review": review(),
    }


def described(row: Topic) -> dict[str, Any]:
    """What a topic is."""
    return {
        "id": row.id,
        "label": row.label,
        "status": row.status,
        "owner": row.owner,
        "issue_url": row.issue_url,
        "wider": row.wider,
        "named": row.named,
        "taught": row.taught,
        "merged_into": row.merged_into,
        "candidates": row.candidates,
        "phrases": row.terms,
        "examples": row.examples,
        "created_at": stamp(row.created_at),
    }


def review() -> dict[str, Any] | None:
    """How far the last review is; None when there was none."""
    row = reviews.latest()
    if row is None:
        return None
    names = ("id", "state", "step", "share", "comments", "moved")
    return {name: getattr(row, name) for name in names} | {
        "asked_at": stamp(row.asked_at),
        "ended_at": stamp(row.ended_at),
    }


def typical(topic_id: str, scope: Scope, count: int) -> list[dict[str, Any]]:
    """The comments nearest to what a topic is about, with the phrases that put them there."""
    rows: Any = (
        Response.select(
            Response.id,
            Response.comment,
            Response.score,
            Placement.evidence,
            Placement.by_person,
            Survey.redact,
        )
        .join(Placement, on=(Placement.response == Response.key))
        .join(Survey, src=Response, on=(Survey.id == Response.survey))
        .where(Placement.topic == topic_id, *_within(scope), Response.comment.is_null(False))
        .order_by(Placement.closeness.desc(), Response.key.desc())
        .limit(count)
        .dicts()
    )
    return [
        {
            "id": row["id"],
            "comment": redaction.redact(row["comment"]) if row["redact"] else row["comment"],
            "score": row["score"],
            "evidence": row["evidence"],
            "by_person": row["by_person"],
        }
        for row in rows
    ]


def evidence(topic_id: str, scope: Scope, most: int = 20) -> list[dict[str, Any]]:
    """The phrases that put comments into a topic and how many of its newest thousand each stands in."""
    rows = (
        Placement.select(Placement.evidence)
        .join(Response, on=(Response.key == Placement.response))
        .where(Placement.topic == topic_id, *_within(scope))
        .order_by(Response.key.desc())
        .limit(1000)
    )
    counts: dict[str, int] = {}
    for row in rows:
        for phrase in {each.lower() for each in row.evidence}:
            counts[phrase] = counts.get(phrase, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return [{"phrase": phrase, "n": n} for phrase, n in ranked]


def lineage(topic_id: str) -> list[dict[str, Any]]:
    """What happened to a topic and to those it came from or went into, oldest first."""
    labels = {row.id: row.label for row in Topic.select(Topic.id, Topic.label)}
    return [
        {
            "kind": change.kind.value,
            "topic": change.topic,
            "label": labels.get(change.topic),
            "other": change.other,
            "other_label": labels.get(change.other) if change.other else None,
            "by_person": change.by_person,
            "at": stamp(change.at),
        }
        for change in domain.lineage(state(), topic_id)
    ]


def moving(scope: Scope, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """The topics that move the value, the strongest first, and how each changed since the period before.

    Raises ValueError when the surveys do not share one metric.
    """
    if scope.metric is None:
        raise ValueError("one metric, please")
    question = _question(scope, scope.metric)
    earlier = results.period_before(question, now)
    current, past = _all_impacts(question, zone), _all_impacts(earlier, zone) if earlier else {}
    labels = {row.id: row for row in Topic.select().where(Topic.id.in_(list(current) or [""]))}
    whole = results.answer(question, zone, now)
    items = []
    for id_, found in current.items():
        if found.impact is None or id_ not in labels:
            continue
        was = past.get(id_)
        items.append(
            {
                "topic": {"id": id_, "label": labels[id_].label},
                **_moved(found),
                "share": found.share,
                "contribution": found.contribution,
                "previous": _past(was) if earlier else None,
                "explains": found.contribution - (was.contribution if was else 0.0) if earlier else None,
            }
        )
    return {
        "metric": scope.metric.key,
        **{name: whole[name] for name in ("n", "value", "interval", "previous", "change")},
        "items": items,
    }


# ------------------------------------------------------------------------------------------------------


def _within(scope: Scope) -> list[Any]:
    conditions = [
        Response.survey.in_([survey.id for survey in scope.surveys]),
        ~Response.test,
        ~Response.excluded,
    ]
    if scope.since:
        conditions.append(Response.key >= microseconds(scope.since))
    if scope.until:
        conditions.append(Response.key < microseconds(scope.until))
    return conditions


def _sizes(scope: Scope) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Comments in each topic, and in each topic with each feeling: that of the statement, else of the comment."""
    feeling = fn.COALESCE(Placement.sentiment, Reading.label)
    rows: Any = (
        Placement.select(Placement.topic, feeling, fn.COUNT(Placement.response))
        .join(Response, on=(Response.key == Placement.response))
        .left_outer_join(Reading, on=(Reading.key == Response.key), src=Response)
        .where(*_within(scope))
        .group_by(Placement.topic, feeling)
        .tuples()
    )
    sizes: dict[str, int] = {}
    split: dict[tuple[str, str], int] = {}
    for topic, label, n in rows:
        sizes[topic] = sizes.get(topic, 0) + n
        if label:
            split[topic, label] = n
    return sizes, split


def _comments(scope: Scope) -> tuple[int, int]:
    """How many comments there are, and how many of them are in a topic."""
    has = Response.select().where(*_within(scope), Response.comment.is_null(False), Response.comment != "")
    placed = Placement.select(Placement.response)
    return has.count(), has.where(Response.key.in_(placed)).count()


def _days(scope: Scope, now: datetime, zone: ZoneInfo) -> dict[str, dict[str, int]]:
    """Comments of the last weeks by topic ("" for none) and day."""
    first = schedule.day_of(now, zone) - timedelta(weeks=TREND_WEEKS)
    rows: Any = (
        Response.select(Placement.topic, Response.day, fn.COUNT(Response.key))
        .left_outer_join(Placement, on=(Placement.response == Response.key))
        .where(*_within(Scope(scope.surveys)), Response.comment.is_null(False))
        .where(Response.key >= microseconds(now - timedelta(weeks=TREND_WEEKS + 1)))
        .where(Response.day >= first.isoformat())
        .group_by(Placement.topic, Response.day)
        .tuples()
    )
    found: dict[str, dict[str, int]] = {}
    for name, day, n in rows:
        found.setdefault(name or "", {})[day] = n
    return found


def _trend(days: Mapping[str, int], now: datetime, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Comments a week, the last `TREND_WEEKS` weeks, oldest first; the last one is not over yet."""
    last = schedule.first_day(schedule.day_of(now, zone), "week")
    weeks = [last - timedelta(weeks=back) for back in range(TREND_WEEKS - 1, -1, -1)]
    counts = dict.fromkeys(weeks, 0)
    for day, n in days.items():
        week = schedule.first_day(date.fromisoformat(day), "week")
        if week in counts:
            counts[week] += n
    return [{"start": week.isoformat(), "n": n} for week, n in counts.items()]


def _surges(days: Mapping[str, Mapping[str, int]], now: datetime, zone: ZoneInfo) -> list[Surge]:
    today = schedule.day_of(now, zone)
    recent, start = (today - RECENT).isoformat(), (today - RECENT - EARLIER).isoformat()
    current = {name: sum(n for day, n in each.items() if day > recent) for name, each in days.items()}
    past = {name: sum(n for day, n in each.items() if start < day <= recent) for name, each in days.items()}
    return [surge for surge in surges(current, past) if surge.topic]


def _surge(found: Surge | None) -> dict[str, Any] | None:
    return {"n": found.now, "expected": found.expected, "p": found.p} if found else None


def _question(scope: Scope, metric: Metric) -> results.Question:
    return results.Question(metric=metric, surveys=scope.surveys, since=scope.since, until=scope.until)


def _impacts(scope: Scope, zone: ZoneInfo) -> dict[str, drivers.Impact]:
    return _all_impacts(_question(scope, scope.metric), zone) if scope.metric else {}


def _all_impacts(question: results.Question, zone: ZoneInfo) -> dict[str, drivers.Impact]:
    by_topic = results.counts_by(question, "topic")
    by_topic.pop(None, None)
    return drivers.impacts(question.metric, results.counts_of(question, zone), by_topic)


def _moved(found: drivers.Impact | None) -> dict[str, Any]:
    """Value and impact as they are shown."""
    if found is None:
        return dict.fromkeys(("value", "value_interval", "impact", "interval", "spans_zero")) | {"n": 0}
    names = ("n", "value", "value_interval", "impact", "interval", "spans_zero")
    return {name: getattr(found, name) for name in names}


def _past(found: drivers.Impact | None) -> dict[str, Any]:
    if found is None:
        return {"n": 0, "share": 0.0, "value": None, "contribution": 0.0}
    return {name: getattr(found, name) for name in ("n", "share", "value", "contribution")}


def page(found: Mapping[str, Any], scope: Scope, start: int, limit: int) -> Sequence[dict[str, Any]]:
    """Some items of an overview, each with its most typical comments."""
    return [
        {**item, "typical": typical(item["id"], scope, TYPICAL)}
        for item in found["items"][start : start + limit]
    ]
