"""Numbers: what a metric comes to over a period, by day, week or month, and by segment."""

import functools
import itertools
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import peewee
from peewee import SQL, fn

from feedback import countings, labels, rollups, segments, whole_days
from feedback.domain import statistics
from feedback.models import Placement, Theme, Topic
from feedback.numbers import Asked, Break, Brief, Compared, Number, Point, Segment, Series, Times
from surveys import ask_counts, daily_counts
from surveys.base import db
from surveys.base.clock import microseconds
from surveys.base.errors import Refused
from surveys.domain import schedule
from surveys.domain.metrics.metric import Metric
from surveys.models import Definition, Invitation, Response, Survey

Counts = dict[int, int]

#: Segments with a name to show beside the key.
_NAMES = {"agent": Response.agent_name, "team": Response.team_name}

INTERVALS = ("day", "week", "month")
MOST_BUCKETS = 4000

#: Segments that are shown and ranked among each other, those with most responses.
MOST_GROUPS = 1000


@dataclass(frozen=True)
class Selection:
    """Which responses a number is made of. `since` inclusive, `until` exclusive; None means all there is."""

    metric: Metric
    surveys: list[Survey]
    since: datetime | None = None
    until: datetime | None = None
    interval: schedule.Interval | None = None
    latest: bool = False
    by: str | None = None
    segments: Mapping[str, str] = field(default_factory=dict)


#: What a bucket should hold to say anything, and the part of all buckets that should hold it.
FULL, MOSTLY = 30, 0.8

#: Responses that say how long it takes to answer today.
TIMED = 200

#: Two points a line apart show no course.
FEWEST_MONTHS = 3

#: Buckets that an eye still tells apart on a chart.
MOST_DRAWN = 120


def number(selection: Selection, zone: ZoneInfo, now: datetime) -> Number:
    """The number, its interval, the period before, the asks, the series and the segments.

    Raises Refused when the series has more points than anybody can read.
    """
    with rollups.steady():
        return _number(selection, zone, now)


def _number(selection: Selection, zone: ZoneInfo, now: datetime) -> Number:
    metric = selection.metric
    counts = _counts(selection, zone)
    previous, change = _past(selection, counts, zone, now)
    whole = statistics.summarise(metric, counts)
    groups, left_out = _grouped(selection, zone)
    return Number(
        n=whole.n,
        value=whole.value,
        interval=whole.interval,
        previous=previous,
        change=change,
        metric=metric.key,
        definition=selection.surveys[0].definition if len(selection.surveys) == 1 else None,
        counts=whole.counts,
        scores={score: counts.get(score, 0) for score in metric.scores},
        confidence=whole.confidence,
        mean=whole.mean,
        mean_interval=whole.mean_interval,
        latest=selection.latest,
        asked=asked(selection, now),
        breaks=_breaks(selection, zone),
        series=_series(selection, zone) if selection.interval else (),
        groups=groups,
        groups_left_out=left_out,
    )


def summary(selection: Selection, zone: ZoneInfo) -> statistics.Summary:
    """What the scores come to, and nothing that stands beside it."""
    with rollups.steady():
        return statistics.summarise(selection.metric, _counts(selection, zone))


def scores(selection: Selection, zone: ZoneInfo) -> Counts:
    """How often each score was given."""
    with rollups.steady():
        return dict(_counts(selection, zone))


def compared(selection: Selection, zone: ZoneInfo, now: datetime) -> Compared:
    """The number and the period before, and nothing else that stands beside them."""
    counts = _counts(selection, zone)
    whole = brief(selection.metric, counts)
    return Compared(whole.n, whole.value, whole.interval, *_past(selection, counts, zone, now))


def fitting(selection: Selection, zone: ZoneInfo) -> schedule.Interval:
    """The finest of day, week and month of which four in five hold `FULL` responses, and that are no more than
    `MOST_DRAWN`. Where none is: month, or week where the months are too few to show a course.
    """
    daily = _daily(selection, zone) or whole_days.of((day, 0, n) for day, n in _fetch(_sizes(selection)))
    edges = daily.edges()
    intervals: tuple[schedule.Interval, ...] = ("day", "week")
    if not edges:
        return "month"
    first, last = edges
    for interval in intervals:
        if interval == "day" and (last - first).days >= MOST_DRAWN:
            continue
        buckets = sum(1 for _ in schedule.first_days(first, last + timedelta(days=1), interval))
        full = sum(sum(counts.values()) >= FULL for counts in daily.sums(interval).values())
        if full >= MOSTLY * buckets and buckets <= MOST_DRAWN:
            return interval
    months = sum(1 for _ in schedule.first_days(first, last + timedelta(days=1), "month"))
    return "week" if months < FEWEST_MONTHS else "month"


def counts_with(
    selection: Selection, by: str, only: str | None = None
) -> tuple[Counts, dict[str | None, Counts]]:
    """How often each score was given, in all and for each value of a segment, or for the value `only`.

    A response may have several topics; None: it has none. Both are read at one moment, so that no response that comes
    meanwhile is in one count and not in the other.
    """
    with db.snapshot():
        zone = daily_counts.time_zone()
        everything = _counts(selection, zone)
        tallies = _tallies(selection, by, zone, only)
        return everything, {value: tally.counts for value, tally in tallies.items()}


def crossed(selection: Selection, by: str, across: str) -> dict[str | None, dict[str | None, Counts]]:
    """How often each score was given in each value of one segment, within each value of another (`across`).

    `selection` is narrowed to no segment. None: the segment is not known. Topics are not crossed with themes: a theme
    is nothing but its topics.
    """
    with db.snapshot():
        known = rollups.cross(selection.surveys, by, across, selection.since, selection.until)
        kept, gaps = known or ({}, [(selection.since, selection.until)])
        found: dict[str | None, dict[str | None, Counts]] = {
            other: dict(values) for other, values in kept.items()
        }
        keys = [segments.column(by), segments.column(across), Response.score]
        for since, until in gaps:
            rows = _rows(
                replace(selection, since=since, until=until),
                [*keys, segments.count([by, across])],
                [by, across],
            )
            for value, other, score, n in _fetch(rows.group_by(*keys)):
                values = found.setdefault(other, {})
                counts = values.get(value, {})
                values[value] = {**counts, score: counts.get(score, 0) + n}
    return found


def brief(metric: Metric, counts: Mapping[int, int]) -> Brief:
    """What some scores come to."""
    found = statistics.worth(metric, counts)
    return Brief(found.n, found.value, found.interval)


def weekly(
    selection: Selection, zone: ZoneInfo, most: int | None = None
) -> dict[str | None, dict[date, Counts]]:
    """How often each score was given in each week, by the day the week begins; weeks without answers are left out.

    For each value of the segment `by`, the `most` largest alone; without one for all together, under None.
    """
    found: dict[str | None, dict[date, Counts]] = {}
    with db.snapshot():
        for key, day, score, n in _scores_by_day_of_each(selection, zone):
            week = schedule.first_day_of(day, "week")
            counts = found.setdefault(key, {}).setdefault(week, {})
            counts[score] = counts.get(score, 0) + int(n)
    if most is None or len(found) <= most:
        return found
    sizes = {key: sum(sum(counts.values()) for counts in weeks.values()) for key, weeks in found.items()}
    largest = sorted(found, key=lambda key: (-sizes[key], str(key)))[:most]
    return {key: found[key] for key in largest}


def times(survey: Survey) -> Times:
    """How long it took half of the survey's newest responses to come, and to be filled in.

    Responses that do not count are left out, and what is older than the newest `TIMED` is not looked at.
    """
    rows: Any = (
        Response.select(Response.created_at, Response.seconds, Invitation.sent_at)
        .left_outer_join(Invitation, on=(Invitation.id == Response.invitation))
        .where(Response.survey == survey.id, Response.counted)
        .order_by(Response.key.desc())
        .limit(TIMED)
        .tuples()
    )
    found = list(rows)
    after = [
        int((answered - Invitation.sent_at.python_value(sent)).total_seconds())
        for answered, _, sent in found
        if sent is not None and Invitation.sent_at.python_value(sent) <= answered
    ]
    took = [seconds for _, seconds, _ in found if seconds is not None]
    return Times(len(after), _half(after), len(took), _half(took))


def _half(values: list[int]) -> int | None:
    """What half of some values do not exceed."""
    return sorted(values)[(len(values) - 1) // 2] if values else None


def called(by: str, key: str) -> str:
    """What a value of a segment is called today; itself where it has no other name."""
    if by == "topic":
        names: Any = Topic.select(labels.column(Topic)).where(Topic.id == key)
    elif by == "theme":
        names = Theme.select(labels.column(Theme)).where(Theme.id == key)
    elif by in _NAMES:
        names = Response.select(_NAMES[by]).where(segments.column(by) == key).order_by(Response.key.desc())
    else:
        return key
    found = names.limit(1).tuples().first()
    return found[0] if found and found[0] else key


def period_before(selection: Selection, now: datetime) -> Selection | None:
    """The period of the same length just before; None when the selection has no beginning."""
    if selection.since is None:
        return None
    until = selection.until or now
    if until <= selection.since:
        return None
    try:
        since = selection.since - (until - selection.since)
    except OverflowError:
        # A period of thousands of years has none before it.
        return None
    return replace(selection, since=since, until=selection.since, interval=None, by=None)


# ------------------------------------------------------------------------------------------------------


def _past(
    selection: Selection, counts: Counts, zone: ZoneInfo, now: datetime
) -> tuple[Brief | None, statistics.Change | None]:
    """What the period before came to, and how far `counts` of this one are from it."""
    before = period_before(selection, now)
    if before is None:
        return None, None
    past = _counts(before, zone)
    return brief(selection.metric, past), statistics.difference(selection.metric, past, counts)


def _counts(selection: Selection, zone: ZoneInfo) -> Counts:
    surveys = tuple(survey.id for survey in selection.surveys)
    narrowed = frozenset(selection.segments.items())
    which = ("counts", surveys, selection.since, selection.until, selection.latest, narrowed, zone.key)
    return rollups.once(which, lambda: _counted(selection, zone))


def _counted(selection: Selection, zone: ZoneInfo) -> Counts:
    if _is_of_whole_days(selection, zone):
        return whole_days.total(*_asked_of_days(selection), zone)
    narrowed = _narrowed(selection, zone)
    if narrowed is not None:
        return narrowed.get(None, {})
    query = _rows(selection, [Response.score, fn.COUNT(Response.key)], []).group_by(Response.score)
    return dict(_fetch(query))


#: Of every response there is one value, and of all together there are few: their sum is the whole.
_WHOLE = "channel"


def _narrowed(selection: Selection, zone: ZoneInfo, by_day: bool = False) -> dict[str | None, Counts] | None:
    """The counts of the whole, or of one segment, by day (else all under None); None where roll-ups do not help."""
    days = _rolled_up(selection, next(iter(selection.segments), _WHOLE), zone, by_day)
    if days is None:
        return None
    found: dict[str | None, Counts] = {}
    for day, tallies in days.items():
        whole = rollups.Tally()
        for tally in tallies.values():
            whole.add(tally.counts.items(), tally.last)
        found[day] = whole.counts
    return found


def _rolled_up(
    selection: Selection, segment: str, zone: ZoneInfo, by_day: bool = False, only: str | None = None
) -> dict[str | None, rollups.Tallies] | None:
    """The tallies of a segment by day (else all under None), from roll-ups and, beside them, from the responses.

    `only`: of this value. None where roll-ups do not help: then all is to be counted from the responses.
    """
    if selection.latest or selection.segments.keys() - {segment}:
        return None
    with db.snapshot():
        values = _values(selection, segment) if only is None else {only}
        period = (selection.since, selection.until, zone, by_day)
        above = None
        if segment == "theme":
            segment, above = countings.SCORES, themes_of_topics()
        found = rollups.find(selection.surveys, segment, *period, values, above)
        if found is None:
            return None
        rollups.fill(found, segment, selection.surveys, by_day, values, above)
        return found.days


def themes_of_topics() -> dict[str, str | None]:
    """The theme above each topic, None for none."""
    return rollups.once(("themes",), segments.themes)


def _values(selection: Selection, segment: str) -> set[str] | None:
    """The values of a segment that a selection is narrowed to: of a topic or a theme, what it went into. None: all."""
    value = selection.segments.get(segment)
    if value is None:
        return None
    if segment == "theme":
        return {id_ for (id_,) in _fetch(Theme.standing(value))}
    if segment == "topic":
        return {id_ for (id_,) in _fetch(Topic.standing(value))}
    return {value}


def _is_of_whole_days(selection: Selection, zone: ZoneInfo) -> bool:
    """Whether the daily counts can answer a selection: days begin at both of its ends, and nothing narrows it."""
    if selection.latest or selection.segments:
        return False
    edges = [moment.astimezone(zone) for moment in (selection.since, selection.until) if moment]
    return not any((at.hour, at.minute, at.second, at.microsecond) != (0, 0, 0, 0) for at in edges)


def _sizes(selection: Selection) -> Any:
    """How many responses each day holds that has some."""
    return _rows(selection, [Response.day, fn.COUNT(Response.key)], []).group_by(Response.day)


def _daily(selection: Selection, zone: ZoneInfo) -> whole_days.Days | None:
    """The days of a selection that the daily counts can answer; None where they cannot."""
    if not _is_of_whole_days(selection, zone):
        return None
    return whole_days.between(*_asked_of_days(selection), zone)


def _asked_of_days(selection: Selection) -> tuple[list[str], datetime | None, datetime | None]:
    return [survey.id for survey in selection.surveys], selection.since, selection.until


def _rows(selection: Selection, columns: list[Any], joins: Iterable[str]) -> Any:
    """The responses that count for the selection, narrowed to its segments."""
    query = segments.joined(Response.select(*columns), {*joins, *(selection.segments.keys() - {"theme"})})
    query = query.where(_of(Response.survey, selection), Response.counted)
    if selection.since:
        query = query.where(Response.key >= microseconds(selection.since))
    if selection.until:
        query = query.where(Response.key < microseconds(selection.until))
    for name, value in selection.segments.items():
        query = query.where(_is(name, value))
    if selection.latest:
        query = query.where(Response.key.in_(_latest(selection)))
    return query


def _is(segment: str, value: str) -> Any:
    """Whether a response is in a segment."""
    if segment == "topic":
        return Placement.topic.in_(Topic.standing(value))
    if segment == "theme":
        return segments.placed(value)
    if segment.startswith(segments.PROPERTY):
        return segments.has(segment, value)
    return segments.column(segment) == value


def _fetch(query: Any) -> list[tuple]:
    """All rows as the driver gives them: numbers and text, of which there may be thousands."""
    return db.database.execute(query).fetchall()


def _of(survey_column: Any, selection: Selection) -> Any:
    """The survey asked for; one of a list only when there are several, which planners read worse."""
    if len(selection.surveys) == 1:
        return survey_column == selection.surveys[0].id
    return survey_column.in_([survey.id for survey in selection.surveys])


def _latest(selection: Selection) -> Any:
    """Keys of each person's last response of the period, and of all responses of nobody known."""
    other = Response.alias()
    rank = fn.ROW_NUMBER().over(
        partition_by=[fn.COALESCE(other.person, other.id)], order_by=[other.key.desc()]
    )
    inner = other.select(other.key, rank.alias("rank")).where(
        other.survey.in_([survey.id for survey in selection.surveys]), other.counted
    )
    if selection.since:
        inner = inner.where(other.key >= microseconds(selection.since))
    if selection.until:
        inner = inner.where(other.key < microseconds(selection.until))
    ranked = inner.alias("ranked")
    return peewee.Select([ranked], [ranked.c.key]).where(ranked.c.rank == 1)


def asked(selection: Selection, now: datetime) -> Asked | None:
    """How many were asked in the period and answered; asks younger than the answer window stand apart.

    None when narrowed to a segment that an ask does not know, as the topic of an answer.
    """
    narrowed = [
        _asked_column(name) == value for name, value in selection.segments.items() if _is_known_of_asks(name)
    ]
    if len(narrowed) < len(selection.segments):
        return None
    if narrowed or len(selection.surveys) != 1:
        return _asked(*_asks(selection, now).where(*narrowed).tuples().first())
    (survey,) = selection.surveys
    since, until = selection.since or _EVER[0], selection.until or _EVER[1]
    opened = now - timedelta(days=survey.answer_window_days) + timedelta(microseconds=1)
    opened = min(max(since, opened), until)
    others = rollups.read_with([survey.id])
    of_each = rollups.once(
        ("asks kept", *others, since, opened), lambda: ask_counts.between(others, since, opened)
    )
    kept = of_each.get(survey.id) or ask_counts.Kept(opened, opened, 0, 0)
    moments = {
        "since": since, "begin": kept.begin, "end": kept.end, "opened": opened, "until": until,
    }  # fmt: skip
    before, answered_before, after, answered_after, still_open, open_answered = _asks_of_one(
        survey=survey.id, **{name: Invitation.sent_at.db_value(at) for name, at in moments.items()}
    ).fetchone()
    answered = kept.answered + answered_before + answered_after
    return Asked(kept.sent + before + after, answered, still_open, open_answered)


#: Before and after all asks.
_EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def asked_then(selection: Selection, at: datetime) -> Asked:
    """How many were asked in the period and answered, as it was known at a moment: who answered later is silent."""
    return _asked(*_asks(selection, at, until=at).tuples().first())


def asked_by_survey(selection: Selection, now: datetime) -> dict[str, Asked]:
    """How many each survey asked in the period, and how many answered; those that asked nobody are left out."""
    rows: Any = _asks(selection, now, Invitation.survey).group_by(Invitation.survey)
    return {survey: _asked(*counts) for survey, *counts in rows.tuples()}


def _asks(selection: Selection, now: datetime, *by: Any, until: datetime | None = None) -> Any:
    is_open = _is_open(selection, now)
    is_answered = Invitation.answered_at.is_null(False)
    if until is not None:
        is_answered &= Invitation.answered_at < until
    query = Invitation.select(
        *by,
        # Of a column that the index does not hold, each row would be looked up.
        fn.COUNT(SQL("*")),
        fn.SUM(peewee.Case(None, [(is_open, 1)], 0)),
        fn.SUM(peewee.Case(None, [(~is_open & is_answered, 1)], 0)),
        fn.SUM(peewee.Case(None, [(is_open & is_answered, 1)], 0)),
    ).where(_of(Invitation.survey, selection), Invitation.sent_at.is_null(False))
    if selection.since:
        query = query.where(Invitation.sent_at >= selection.since)
    if selection.until:
        query = query.where(Invitation.sent_at < selection.until)
    return query


def _build_asks_of_one() -> Any:
    """How many of the asks of a survey may no longer be answered, and how many of these were, before what is kept and
    after it; and how many still may be, and how many of these are.

    Each is counted in an index of nothing else.
    """

    def sent(first: str, last: str) -> Any:
        return Invitation.select(fn.COUNT(SQL("*"))).where(
            Invitation.survey == db.slot("survey"),
            Invitation.sent_at >= db.slot(first),
            Invitation.sent_at < db.slot(last),
        )

    counts = []
    for some in (sent("since", "begin"), sent("end", "opened"), sent("opened", "until")):
        counts += [some, some.where(Invitation.answered_at.is_null(False))]
    return peewee.Select([], counts).bind(db.database)


_asks_of_one = db.Prepared(_build_asks_of_one)


def _asked(sent: int, still_open: int | None, answered: int | None, open_answered: int | None) -> Asked:
    young = int(still_open or 0)
    return Asked(sent - young, int(answered or 0), young, int(open_answered or 0))


def _is_open(selection: Selection, now: datetime) -> Any:
    """Whether an ask is younger than the answer window of its survey."""
    windows: dict[int, list[str]] = {}
    for survey in selection.surveys:
        windows.setdefault(survey.answer_window_days, []).append(survey.id)
    young = [
        Invitation.survey.in_(ids) & (Invitation.sent_at > now - timedelta(days=days))
        for days, ids in windows.items()
    ]
    return functools.reduce(operator.or_, young, SQL("1 = 0"))


#: What an ask knows of the segments its answer will be in. (`channel` is how it is answered.)
_ASKED: dict[str, Any] = {
    "agent": Invitation.agent_id,
    "team": Invitation.team_id,
    "touchpoint": Invitation.touchpoint,
    "language": Invitation.language,
}


def _is_known_of_asks(segment: str) -> bool:
    return segment in _ASKED or segment == "ticket_channel" or segment.startswith(segments.PROPERTY)


def _asked_column(segment: str) -> Any:
    if segment == "ticket_channel":
        return Invitation.ticket.path("channel").as_text()
    if segment.startswith(segments.PROPERTY):
        return segments.as_text(Invitation.properties, segment.removeprefix(segments.PROPERTY))
    return _ASKED[segment]


def _breaks(selection: Selection, zone: ZoneInfo) -> tuple[Break, ...]:
    """Where what is asked changed within the period: numbers before and after are not quite the same question."""
    mine = [survey.id for survey in selection.surveys]
    asked = rollups.read_with(mine)
    rows = rollups.once(("definitions", *asked), lambda: _definitions(surveys=db.listed(asked)).fetchall())
    found: list[tuple[str, int, Any]] = [
        (survey, number, Definition.created_at.python_value(at))
        for survey, number, at in rows
        if survey in mine
    ]
    return tuple(
        Break(survey, number, at.astimezone(zone).date())
        for survey, number, at in found
        if not (selection.since and at < selection.since) and not (selection.until and at >= selection.until)
    )


_definitions = db.Prepared(
    lambda: (
        Definition.select(Definition.survey, Definition.number, Definition.created_at)
        .where(db.is_among(Definition.survey, "surveys"), Definition.number > 1)
        .order_by(Definition.created_at)
    )
)


def _scores_by_day(selection: Selection, zone: ZoneInfo) -> Iterable[tuple[str, int, int]]:
    """Day, score, and how often it was given then."""
    daily = _daily(selection, zone)
    if daily is not None:
        return daily.rows()
    narrowed = _narrowed(selection, zone, by_day=True)
    if narrowed is not None:
        return [(str(day), score, n) for day, counts in narrowed.items() for score, n in counts.items()]
    by = [Response.day, Response.score]
    return _fetch(_rows(selection, [*by, fn.COUNT(Response.key)], []).group_by(*by))


def _scores_by_day_of_each(
    selection: Selection, zone: ZoneInfo
) -> Iterable[tuple[str | None, str, int, int]]:
    """Value of the segment `by`, day, score, and how often it was given; those without a value are left out."""
    if not selection.by:
        return [(None, day, score, n) for day, score, n in _scores_by_day(selection, zone)]
    days = None if selection.segments else _rolled_up(selection, selection.by, zone, by_day=True)
    if days is not None:
        return [
            (value, str(day), score, n)
            for day, tallies in days.items()
            for value, tally in tallies.items()
            if value is not None
            for score, n in tally.counts.items()
        ]
    key = segments.column(selection.by)
    columns = [key, Response.day, Response.score, segments.count([selection.by])]
    rows = _rows(selection, columns, [selection.by]).group_by(key, Response.day, Response.score)
    return [row for row in _fetch(rows) if row[0] is not None]


def _series(selection: Selection, zone: ZoneInfo) -> Series:
    interval = selection.interval or "day"
    daily = _daily(selection, zone) or whole_days.of(_scores_by_day(selection, zone))
    buckets = daily.sums(interval)
    if not buckets and not (selection.since and selection.until):
        return ()
    low = schedule.day_of(selection.since, zone) if selection.since else min(buckets)
    last = selection.until - timedelta(microseconds=1) if selection.until else None
    high = schedule.day_of(last, zone) if last else max(buckets)
    firsts = list(
        itertools.islice(schedule.first_days(low, high + timedelta(days=1), interval), MOST_BUCKETS + 1)
    )
    if len(firsts) > MOST_BUCKETS:
        raise Refused(f"Gives more than {MOST_BUCKETS} points.", "interval")
    briefs = ((day, brief(selection.metric, buckets.get(day, {}))) for day in firsts)
    return tuple(Point(brief.n, brief.value, brief.interval, day) for day, brief in briefs)


def _tallies(selection: Selection, by: str, zone: ZoneInfo, only: str | None = None) -> rollups.Tallies:
    """How often each score was given in each value of a segment, or in the value `only`."""
    days = None if selection.segments else _rolled_up(selection, by, zone, only=only)
    if days is not None:
        return days.get(None, {})
    key = segments.column(by)
    # All of this is in a covering index; names are looked up afterwards, one a segment.
    columns = [key, Response.score, segments.count([by]), fn.MAX(Response.key)]
    rows = _rows(selection, columns, [by]).group_by(key, Response.score)
    if only is not None:
        rows = rows.where(key == only)
    tallies: rollups.Tallies = {}
    for value, score, n, last in _fetch(rows):
        tallies.setdefault(value, rollups.Tally()).add([(score, n)], last)
    return tallies


def _grouped(selection: Selection, zone: ZoneInfo) -> tuple[tuple[Segment, ...], int]:
    """The segments that hold most responses, with their numbers, best first, and how many others there are.

    Of properties there may be as many values as visitors care to make up.
    """
    if not selection.by:
        return (), 0
    by = selection.by
    tallies = _tallies(selection, by, zone)
    counts = {segment: tally.counts for segment, tally in tallies.items()}
    nobody = {None: counts.pop(None)} if None in counts else {}
    largest = sorted(counts, key=lambda key: (-sum(counts[key].values()), str(key)))[:MOST_GROUPS]
    kept = {segment: counts[segment] for segment in largest}
    named = names(by, {segment: tallies[segment].last for segment in (*kept, *nobody)})
    bands = statistics.rank_bands(selection.metric, kept)
    groups = []
    for segment, scores in (kept | nobody).items():
        found = statistics.summarise(selection.metric, scores)
        groups.append(
            Segment(
                n=found.n,
                value=found.value,
                interval=found.interval,
                key=segment,
                counts=found.counts,
                rank_band=bands.get(segment),
                named=named is not None,
                name=named.get(segment) if named is not None else None,
            )
        )
    groups.sort(key=lambda each: (each.key is None, -(each.value or 0), str(each.key)))
    return tuple(groups), len(counts) - len(kept)


def names(by: str, latest: Mapping[Any, int]) -> dict[Any, str] | None:
    """What each segment is called now; None for segments that are their own name."""
    if by == "topic":
        rows: Any = Topic.select(Topic.id, labels.column(Topic)).where(Topic.id.in_(list(latest)))
    elif by == "theme":
        rows = Theme.select(Theme.id, labels.column(Theme)).where(Theme.id.in_(list(latest)))
    elif by in _NAMES:
        rows = Response.select(segments.column(by), _NAMES[by]).where(Response.key.in_(list(latest.values())))
    else:
        return None
    return dict(list(rows.tuples()))
