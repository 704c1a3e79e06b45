"""Roll-ups: how often each score was given in each value of a segment, and what else is counted (`countings`), kept by
day and by month once these are over.

A roll-up tells of all that had happened by a tick. Whatever changes about an answer gives it a higher one, so days
with such answers are counted from the responses until the worker has rolled them up again, and whoever writes need
not know of it. Only a deletion takes counts back itself (`segment_counts.forget`), for it leaves no tick.
"""

import bisect
import contextlib
import functools
import hashlib
import itertools
import json
import secrets
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import peewee
from peewee import SQL, fn

from feedback import countings, crossings, segments
from feedback.crossings import Column
from feedback.remembered import Remembered
from surveys import daily_counts, segment_counts
from surveys.base import clock, db, worker
from surveys.base.clock import microseconds
from surveys.domain import schedule
from surveys.models import Erased, Response, SegmentCount, SegmentPeriod, Survey

T = TypeVar("T")

#: Segments of which counts are kept. A topic may go to another theme, and all its answers with it: what was said of a
#: theme is told from the topics that came together.
ROLLED_UP = tuple(name for name in segments.SEGMENTS if name != "theme")

#: Values of a property, and of another segment, of which the counts of a period are kept; of more none is.
MOST_OF_A_PROPERTY, MOST_VALUES = 200, 2000

#: Days that are rolled up at most; older ones are counted from the responses.
MOST_DAYS = 4000

#: With more changes since the last roll-up, or more gaps, all is counted from the responses.
MOST_CHANGES, MOST_GAPS = 10_000, 20

#: Changed answers are gathered by quarters of an hour, in microseconds: a day begins with one almost everywhere.
QUARTER = 15 * 60 * 1_000_000

#: Before and after all keys and ticks.
_FIRST, _LAST = -(2**62), 2**62

#: Periods of one statement.
AT_ONCE = 500

#: Tallies and days, of half a kilobyte each, that a process keeps of what it summed up; and how many sums.
MOST_KEPT, MOST_SUMS = 20_000, 2000

#: How often a month is counted, which a deletion meanwhile makes void, before it is left to the next hour.
TRIES = 3


@dataclass(slots=True)
class Tally:
    """How often each score was given, and the key of the last of these responses."""

    last: int = 0
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, counts: Iterable[tuple[int, int]], last: int) -> None:
        """Each score was given so many times more; `last`: the key of the last response of these."""
        for score, n in counts:
            self.counts[score] = self.counts.get(score, 0) + n
        self.last = max(self.last, last)

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        found = Tally(self.last, dict(self.counts))
        found.add(other.counts.items(), other.last)
        return found


#: By value of a segment.
Tallies = dict[Any, Tally]

#: By the value of one segment, by that of another, how often each score was given.
Crossed = dict[Any, dict[Any, dict[int, int]]]

#: Of a period, by survey and segment, or name of a column; None: too many values to keep.
Period = dict[tuple[str, str], Tallies | Column | None]


#: What lies between two moments; None: before or after all there is.
Gap = tuple[datetime | None, datetime | None]

#: What stands above each topic; None: nothing does.
Above = Mapping[str, str | None]

#: Whether to tell by day; or, in their order, the days on which each begins what is told together.
ByDay = bool | tuple[str, ...]


#: Sums of what is kept, by what was asked and by the periods that tell of it and their marks.
_sums: Remembered[dict[str | None, Tallies]] = Remembered(MOST_KEPT, MOST_SUMS)
_crossed: Remembered[Crossed] = Remembered(MOST_KEPT, MOST_SUMS)


def forget() -> None:
    """Add up anew whatever is asked for next."""
    _sums.forget()
    _crossed.forget()


@dataclass(slots=True)
class Found:
    """What roll-ups know of a selection, by day (None: of all days); `gaps`: since and until of what they do not.

    Tallies are shared with whoever asks for the same, and are not to be changed.
    """

    gaps: list[Gap]
    days: dict[str | None, Tallies] = field(default_factory=dict)

    def add(self, days: Mapping[str | None, Tallies]) -> None:
        """Put other tallies to these."""
        for day, tallies in days.items():
            whole = dict(self.days.get(day, {}))
            for value, tally in tallies.items():
                whole[value] = whole[value].plus(tally) if value in whole else tally
            self.days[day] = whole


@dataclass(frozen=True, slots=True)
class _Standing:
    """The days and months that stand, in the order of time, the mark of each, and the days that changed since.

    `changed` is None for too many of them.
    """

    days: list[str]
    months: list[str]
    marks: dict[str, int]
    changed: set[str] | None


@dataclass(frozen=True, slots=True)
class _Told:
    """The periods that tell of a selection, a digest of them and their marks, and the gaps between them.

    `digest` is None where some period has no mark: then nobody would see that it was made anew.
    """

    periods: list[str]
    digest: bytes | None
    gaps: list[Gap]


@dataclass
class _Looked:
    """What was read already: which periods stand, by time zone; which of them tell of a question, by the question; and
    whatever is read `once`. `together`: surveys of which each is asked for by itself."""

    together: tuple[str, ...] = ()
    zones: dict[str, _Standing] = field(default_factory=dict)
    told: dict[tuple[Any, ...], _Told | None] = field(default_factory=dict)
    others: dict[tuple[Any, ...], Any] = field(default_factory=dict)


#: What was looked up within `steady`.
_looked_at: ContextVar[_Looked | None] = ContextVar("looked_at", default=None)


@contextlib.contextmanager
def steady(together: Iterable[str] = ()) -> Iterator[None]:
    """A `db.snapshot` for a body that asks for many numbers: which roll-ups stand is looked up once.

    `together`: the ids of surveys of which the body asks for one after the other; then what has to be read of the
    responses is read for all of them at once.
    """
    with db.snapshot():
        token = _looked_at.set(_looked_at.get() or _Looked(tuple(sorted(together))))
        try:
            yield
        finally:
            _looked_at.reset(token)


def once(which: tuple[Any, ...], read: Callable[[], T]) -> T:
    """What `read` gives; within `steady` it is read once for each `which`, so nobody may change what is given."""
    looked_at = _looked_at.get()
    if looked_at is None:
        return read()
    if which not in looked_at.others:
        looked_at.others[which] = read()
    return looked_at.others[which]  # type: ignore[no-any-return]


def read_with(survey_ids: Sequence[str]) -> Sequence[str]:
    """The surveys to read for at once, where some are asked for: all that come `together` with one, else these."""
    looked_at = _looked_at.get()
    if looked_at is not None and len(survey_ids) == 1 and survey_ids[0] in looked_at.together:
        return looked_at.together
    return survey_ids


def had(which: tuple[Any, ...]) -> Any:
    """What was read `once` already under `which`; None where nothing was."""
    looked_at = _looked_at.get()
    return looked_at.others.get(which) if looked_at is not None else None


def standing_days(
    since: datetime | None, until: datetime | None, zone: ZoneInfo, *asked: str
) -> tuple[list[str], bytes] | None:
    """The days between two moments that stand, in their order, and a short key of what is `asked` of them.

    The key is another one as soon as any answer of these days changes. None where too few days stand.
    """
    known = _known(since, until, zone, True)
    key = _key(known, *asked) if known is not None else None
    return (known.periods, key) if known is not None and key is not None else None


def find(
    surveys: Sequence[Survey],
    segment: str,
    since: datetime | None,
    until: datetime | None,
    zone: ZoneInfo,
    by_day: ByDay = False,
    only: Collection[Any] | None = None,
    above: Above | None = None,
) -> Found | None:
    """What is known of a segment from `since` up to, not including, `until` (None: all there is).

    `above`: values are topics that come together, and are counted under what stands above them, each answer once.
    `only`: of these values. Call it in a `db.snapshot`, and count the gaps in it too. None where all has to be counted
    from the responses.
    """
    ids = [survey.id for survey in surveys]
    known = _known(since, until, zone, bool(by_day)) if _is_rolled_up(segment, ids) else None
    if known is None:
        return None
    # Of days there are many: those who want one value want no sums of all.
    early = frozenset(only) if only is not None and by_day else None
    key = _key(
        known, ids, segment, by_day, None if early is None else sorted(map(repr, early)), _short(above)
    )
    days = _sums.get(key) if key else None
    if days is None:
        days = _summed_up(_stored([segment], ids, known.periods), by_day, _under(early, above))
        if days is None:
            return None
        if key:
            _sums.put(key, days, _weight(days))
    if only is None:
        return Found(known.gaps, dict(days))
    return Found(
        known.gaps,
        {day: {value: tallies[value] for value in only if value in tallies} for day, tallies in days.items()},
    )


def _key(known: _Told, *asked: Any) -> bytes | None:
    """The key under which sums are remembered, which is short whatever was asked; None where they are not remembered.
    `repr` has to tell questions apart."""
    if known.digest is None:
        return None
    return hashlib.blake2b(repr(asked).encode(errors="surrogatepass") + known.digest, digest_size=32).digest()


def _short(above: Above | None) -> bytes | None:
    """A digest of what stands above each topic, worked out once within `steady`."""
    if above is None:
        return None

    def work_out() -> tuple[Above, bytes]:
        # With the object itself: as long as that is held, no other has its id.
        return above, hashlib.blake2b(repr(sorted(above.items())).encode(), digest_size=32).digest()

    return once(("above", id(above)), work_out)[1]


def _weight(sums: Mapping[Any, Mapping[Any, Any]]) -> int:
    """What sums weigh: each by itself, though nothing falls into it, each day in it, and each tally of a day."""
    return 1 + len(sums) + sum(map(len, sums.values()))


def _summed_up(
    rows: Iterable[tuple[str, str, str, Any]], by_day: ByDay, under: Callable[[Any], Collection[Any]]
) -> dict[str | None, Tallies] | None:
    """What is kept of some periods, by day or (None) in all; `under`: what a value is counted under. None: too many
    values to keep."""
    days: dict[str | None, Tallies] = {}
    told_of = _told_of(by_day)
    for _, period, _, counts in rows:
        if counts is None:
            return None
        day = told_of(period)
        # Of those who want one value most days are without it, and are not kept either.
        tallies = days.get(day, {})
        # Tens of thousands on a page: most are the first of their day and value.
        for value, last, *scores in counts:
            for name in under(value):
                if (tally := tallies.get(name)) is None:
                    tallies[name] = Tally(last, dict(_pairs(scores)))
                    continue
                # As `add` does it, which would be called for each.
                if last > tally.last:
                    tally.last = last
                into = tally.counts
                for score, n in _pairs(scores):
                    if score in into:
                        into[score] += n
                    else:
                        into[score] = n
        if tallies:
            days[day] = tallies
    return days


def _told_of(by_day: ByDay) -> Callable[[str], str | None]:
    """The day under which a day is told; None where it is told under none."""
    if not isinstance(by_day, tuple):
        return lambda day: day if by_day else None
    return lambda day: by_day[max(0, bisect.bisect_right(by_day, day) - 1)]


def _under(only: Collection[Any] | None, above: Above | None) -> Callable[[Any], Collection[Any]]:
    """What a value is counted under: itself, or what stands above the topics that it names; nothing but `only`."""

    def under(value: Any) -> Collection[Any]:
        names = {value}
        if above is not None:
            names = {above.get(topic) for topic in countings.together(value)} or {None}
        return names if only is None else names.intersection(only)

    # The same topics come together on many days.
    return functools.cache(under)


def cross(
    surveys: Sequence[Survey], by: str, across: str, since: datetime | None, until: datetime | None
) -> tuple[Crossed, list[Gap]] | None:
    """How often each score came with each value of one segment, by the value of another (`across`) that it came with,
    and the gaps to be counted beside. What is told is shared, and not to be changed.

    Call it in a `db.snapshot`, and count the gaps in it too. None where all has to be counted from the responses.
    """
    ids = [survey.id for survey in surveys]
    kept_as = [crossings.kept_as(name) for name in (by, across)]
    is_kept = all(_is_rolled_up(name, ids) for name in kept_as)
    known = _known(since, until, daily_counts.time_zone(), False) if is_kept else None
    if known is None:
        return None
    above = once(("themes",), segments.themes) if "theme" in (by, across) else {}
    key = _key(known, ids, by, across, _short(above))
    found = _crossed.get(key) if key else None
    if found is None:
        names = [crossings.PREFIX + name for name in (*kept_as, crossings.SCORE)]
        parts: dict[tuple[str, str], dict[str, Any]] = {}
        for survey, period, name, kept in _stored(names, ids, known.periods):
            if kept is None:
                return None
            parts.setdefault((survey, period), {})[name] = kept
        columns = [Column() for _ in names]
        for part in parts.values():
            for name, column in zip(names, columns, strict=True):
                more = crossings.unpacked(part[name])
                column.extend(more.values, more.codes)
        found = {}
        values_of, unders_of = (functools.cache(crossings.each(name, above)) for name in (by, across))
        for one, other, score, n in crossings.count(*columns):
            for value, under in itertools.product(values_of(one), unders_of(other)):
                counts = found.setdefault(under, {}).setdefault(value, {})
                counts[score] = counts.get(score, 0) + n
        if key:
            _crossed.put(key, found, _weight(found))
    return found, known.gaps


def fill(
    found: Found,
    segment: str,
    surveys: Sequence[Survey],
    by_day: ByDay = False,
    only: Collection[Any] | None = None,
    above: Above | None = None,
) -> None:
    """Count in the responses what roll-ups do not know. Call it in the `db.snapshot` of `find`, for the same."""
    ids = [survey.id for survey in surveys]
    under = _under(None if only is None else frozenset(only), above)
    told_of = _told_of(by_day)
    beside: dict[str | None, Tallies] = {}
    for since, until in found.gaps:
        # What is left of today is asked for by day and in all, and read once for both.
        for day, value, number, n, last in _beside(segment, ids, since, until, bool(by_day or since)):
            for name in under(value):
                beside.setdefault(told_of(day), {}).setdefault(name, Tally()).add([(number, n)], last)
    found.add(beside)


def _beside(
    segment: str, survey_ids: Sequence[str], since: datetime | None, until: datetime | None, by_day: bool
) -> list[tuple]:
    """Day, else None, value, score, how often and the last key, as the responses to some surveys have it."""

    others = read_with(survey_ids)
    by_survey = len(others) > len(survey_ids) and segment not in countings.NAMES
    surveys = others if by_survey else survey_ids

    def read() -> dict[str | None, list[tuple]]:
        begin, end = (microseconds(at) if at else None for at in (since, until))
        rows = _counted_beside(segment, by_day, by_survey)(
            surveys=db.listed(surveys),
            begin=_FIRST if begin is None else begin,
            end=_LAST if end is None else end,
        ).fetchall()
        found: dict[str | None, list[tuple]] = {}
        for survey, *row in rows if by_survey else ((None, *row) for row in rows):
            found.setdefault(survey, []).append(tuple(row))
        return found

    found = once(("beside", segment, *surveys, since, until, by_day, by_survey), read)
    return [row for survey in (survey_ids if by_survey else [None]) for row in found.get(survey, [])]


@functools.lru_cache(maxsize=256)
def _counted_beside(segment: str, by_day: bool, by_survey: bool) -> db.Prepared:

    def build() -> Any:
        where = [db.is_among(Response.survey, "surveys")]
        if segment in countings.NAMES:
            return countings.query(segment, _between, where, by_day=by_day)
        first = [Response.survey] if by_survey else []
        by = [Response.day if by_day else SQL("NULL"), segments.column(segment), Response.score]
        query = Response.select(*first, *by, fn.COUNT(Response.key), fn.MAX(Response.key))
        query = query.where(Response.counted, _between(Response.key), *where)
        return segments.joined(query, [segment], _between).group_by(*first, *by[not by_day :])

    return db.Prepared(build)


def tallies(
    name: str,
    surveys: Sequence[Survey],
    since: datetime | None = None,
    until: datetime | None = None,
    by_day: ByDay = False,
    only: Collection[Any] | None = None,
    above: Above | None = None,
) -> dict[str | None, Tallies]:
    """A counting by day (else all under None) from `since` up to, not including, `until`, of all that `find` tells."""
    with db.snapshot():
        known = find(surveys, name, since, until, daily_counts.time_zone(), by_day, only, above)
        found = known or Found([(since, until)])
        fill(found, name, surveys, by_day, only, above)
        return found.days


def hourly(now: datetime) -> None:
    """Roll up what is over, beside the worker's other work."""
    worker.beside(lambda: roll_up(now), "segments")


def roll_up(now: datetime) -> int:
    """Roll up days and months that are over, and those that changed since they were; how many."""
    zone = daily_counts.time_zone()
    _keep_up(zone)
    first = Response.select(fn.MIN(Response.key)).scalar()
    if first is None:
        return 0
    today = schedule.day_of(now, zone)
    begin = max(schedule.day_of(clock.moment(first), zone), today - timedelta(days=MOST_DAYS))
    standing = _standing(zone)
    early = [period for period in standing if _month(period) < _month(begin.isoformat())]
    if early:
        # Months before the first answer are rolled up no more: what is missing amid them would never be mended.
        db.write(functools.partial(_take_back, early))
    written = 0
    for month in schedule.first_days(begin, today, "month"):
        until = schedule.next_first_day(month, "month")
        days = [day.isoformat() for day in schedule.first_days(month, min(until, today), "day")]
        missing = [day for day in days if day not in standing]
        if missing or (until <= today and _month(days[0]) not in standing):
            written += _roll(missing, days if until <= today else [], zone)
    return written


class Counting:
    """Roll-ups as `recount` proves them and makes them anew."""

    def differences(self) -> list[tuple[str, str, str]]:
        """Where roll-ups that stand and responses disagree: survey, segment and period."""
        zone = daily_counts.time_zone()
        with db.snapshot():
            standing = _standing(zone)
            if not standing:
                return []
            changed = _changed_days(zone, min(standing.values())) or set()
            standing = dict.fromkeys(_unchanged(standing, changed), 0)
            months: dict[str, dict[str, Period]] = {}
            for day in filter(_is_day, standing):
                months.setdefault(_month(day), {})[day] = {}
            wishes, found = _wishes(), []
            for month, real in months.items():
                for day in real:
                    real[day] = _counted(day, wishes, zone)
                if month in standing:
                    real = {**real, month: _summed(real)}
                kept = _kept(real)
                found += [
                    (*which, period)
                    for period, counts in real.items()
                    for which in counts.keys() | kept[period].keys()
                    if counts.get(which, {}) != kept[period].get(which, {})
                ]
            return sorted(found)

    def rebuild(self, now: datetime) -> int:
        """Roll up all anew; how many days and months."""
        db.write(segment_counts.forget_all)
        return roll_up(now)


# ------------------------------------------------------------------------------------------------------


def _known(since: datetime | None, until: datetime | None, zone: ZoneInfo, by_day: bool) -> _Told | None:
    """The periods that tell of what lies between `since` and `until`, and the gaps between them; None for too few."""
    looked_at = _looked_at.get()
    if looked_at is None:
        begin, end = _whole_days(since, until, zone)
        return _told(_look(zone, begin, end), since, until, zone, by_day)
    which = (since, until, zone.key, by_day)
    if which not in looked_at.told:
        if zone.key not in looked_at.zones:
            looked_at.zones[zone.key] = _look(zone, None, None)
        looked_at.told[which] = _told(looked_at.zones[zone.key], since, until, zone, by_day)
    return looked_at.told[which]


def _told(
    standing: _Standing, since: datetime | None, until: datetime | None, zone: ZoneInfo, by_day: bool
) -> _Told | None:
    if standing.changed is None:
        return None
    first, last = (day.isoformat() if day else None for day in _whole_days(since, until, zone))
    days = standing.days
    begin = bisect.bisect_left(days, first) if first else 0
    days = days[begin : bisect.bisect_left(days, last) if last else len(days)]
    months = [] if by_day else [each for each in standing.months if _lies_between(each, first, last)]
    chosen = _chosen([*days, *months], standing.changed)
    gaps = _gaps(chosen, since, until, zone)
    if not chosen or len(gaps) > MOST_GAPS:
        return None
    return _Told(chosen, _digest(chosen, standing.marks), gaps)


def _digest(periods: Sequence[str], marks: Mapping[str, int]) -> bytes | None:
    """A digest of periods and their marks, None where one has none (0), as a worker of an older version left it."""
    of_each = array("q", map(marks.__getitem__, periods))
    if 0 in of_each:
        return None
    return hashlib.blake2b(of_each.tobytes() + "\n".join(periods).encode(), digest_size=32).digest()


def _look(zone: ZoneInfo, begin: date | None, end: date | None) -> _Standing:
    """The periods that stand, of those that lie whole between two days, and the days that changed since."""
    rows = sorted(_rows_standing(zone, begin, end))
    return _Standing(
        days=[period for period, _, _ in rows if _is_day(period)],
        months=[period for period, _, _ in rows if not _is_day(period)],
        marks={period: mark for period, _, mark in rows},
        changed=_changed_days(zone, min(tick for _, tick, _ in rows), most=MOST_CHANGES) if rows else set(),
    )


def _is_rolled_up(segment: str, survey_ids: Collection[str]) -> bool:
    """Whether a segment is one that is rolled up, for all of the surveys."""
    if not segment.startswith(segments.PROPERTY):
        return segment in ROLLED_UP or segment in countings.NAMES
    name = segment.removeprefix(segments.PROPERTY)
    chosen = Survey.select(Survey.segments).where(Survey.id.in_(survey_ids))
    return all(name in row.segments for row in chosen)


def _wishes() -> dict[str, list[str]]:
    """The properties that are rolled up, and for which surveys."""
    found: dict[str, list[str]] = {}
    for row in Survey.select(Survey.id, Survey.segments).order_by(Survey.id):
        for name in row.segments:
            found.setdefault(name, []).append(row.id)
    return found


#: A page asks it thousands of times.
_OF_A_DAY = len("2026-09-14")


def _is_day(period: str) -> bool:
    return len(period) == _OF_A_DAY


def _month(day: str) -> str:
    return day[: len("2026-09")]


@functools.lru_cache(maxsize=8192)
def _edges(period: str) -> tuple[date, date]:
    """The first day of a period, and the first one after it."""
    if _is_day(period):
        day = date.fromisoformat(period)
        return day, day + timedelta(days=1)
    first = date.fromisoformat(f"{period}-01")
    return first, schedule.next_first_day(first, "month")


def _whole_days(
    since: datetime | None, until: datetime | None, zone: ZoneInfo
) -> tuple[date | None, date | None]:
    """The first day that lies whole after `since`, and the first that does not lie whole before `until`."""
    begin = schedule.day_of(since, zone) if since else None
    if since and begin and schedule.starts_at(begin, zone) < since:
        begin += timedelta(days=1)
    return begin, schedule.day_of(until, zone) if until else None


def _standing(zone: ZoneInfo) -> dict[str, int]:
    """The periods that are rolled up, and the tick of each."""
    return {period: tick for period, tick, _ in _rows_standing(zone)}


def _rows_standing(
    zone: ZoneInfo, begin: date | None = None, end: date | None = None
) -> list[tuple[str, int, int]]:
    """Period, tick and mark of what is rolled up, of the periods that lie whole between two days."""
    first, last = (day.isoformat() if day else None for day in (begin, end))
    rows = _periods(zone=zone.key, first=_month(first) if first else "", last=last or "9999").fetchall()
    return [row for row in rows if _lies_between(row[0], first, last)] if first or last else rows


_periods = db.Prepared(
    lambda: SegmentPeriod.select(SegmentPeriod.period, SegmentPeriod.tick, SegmentPeriod.mark).where(
        SegmentPeriod.zone == db.slot("zone"),
        SegmentPeriod.period >= db.slot("first"),
        SegmentPeriod.period < db.slot("last"),
    )
)


def _stored(
    names: Sequence[str], survey_ids: Sequence[str], periods: Sequence[str]
) -> Iterator[tuple[str, str, str, Any]]:
    """Survey, period, name and counts of what is kept."""
    rows = _kept_counts(
        names=db.listed(names), surveys=db.listed(survey_ids), periods=db.listed(periods)
    ).fetchall()
    for survey, period, name, counts in rows:
        yield survey, period, name, json.loads(counts) if isinstance(counts, str) else counts


_kept_counts = db.Prepared(
    lambda: SegmentCount.select(
        SegmentCount.survey, SegmentCount.period, SegmentCount.segment, SegmentCount.counts
    ).where(
        db.is_among(SegmentCount.survey, "surveys"),
        db.is_among(SegmentCount.segment, "names"),
        db.is_among(SegmentCount.period, "periods"),
    )
)


def _lies_between(period: str, begin: str | None, end: str | None) -> bool:
    """Whether a whole day or month lies between two days, the second not among them; as text: there are hundreds."""
    first, last = (period, period) if _is_day(period) else (f"{period}-01", f"{period}-31")
    return (begin is None or first >= begin) and (end is None or last < end)


def _changed_days(
    zone: ZoneInfo, after: int, up_to: int | None = None, most: int | None = None
) -> set[str] | None:
    """The days whose answers changed after one tick and not after another; None for more than `most` answers."""
    rows = _quarters(
        after=after, up_to=_LAST if up_to is None else up_to, most=_LAST if most is None else most + 1
    ).fetchall()
    if most is not None and sum(n for _, n in rows) > most:
        return None
    return {
        schedule.day_of(clock.moment(edge), zone).isoformat()
        for number, _ in rows
        for edge in (number * QUARTER, (number + 1) * QUARTER - 1)
    }


def _build_quarters() -> Any:
    """How many answers that changed were given in each quarter of an hour."""
    keys = Response.select(Response.key).where(
        Response.changed_tick > db.slot("after"), Response.changed_tick <= db.slot("up_to")
    )
    changed = keys.limit(db.slot("most")).alias("changed")
    quarter = SQL(f'"changed"."key" / {QUARTER}')
    query = peewee.Select([changed], [quarter, fn.COUNT(changed.c.key)]).group_by(SQL("1"))
    return query.bind(db.database)


_quarters = db.Prepared(_build_quarters)


def _unchanged(periods: Iterable[str], changed: Collection[str]) -> list[str]:
    """Those of some periods that have no changed day."""
    gone = {*changed, *map(_month, changed)}
    return [period for period in periods if period not in gone]


def _chosen(periods: Collection[str], changed: Collection[str]) -> list[str]:
    """Those of some periods that say most, in the order of time: a month instead of its days."""
    usable = _unchanged(periods, changed)
    months = {period for period in usable if not _is_day(period)}
    if not months:
        return sorted(usable)
    return sorted(period for period in usable if not _is_day(period) or _month(period) not in months)


def _gaps(
    chosen: Sequence[str], since: datetime | None, until: datetime | None, zone: ZoneInfo
) -> list[tuple[datetime | None, datetime | None]]:
    """What lies between `since` and `until` outside of some periods, which are in the order of time."""
    gaps: list[tuple[datetime | None, datetime | None]] = []
    day: date | None = None
    for period in chosen:
        first, following = _edges(period)
        if first != day:
            at, start = schedule.starts_at(day, zone) if day else since, schedule.starts_at(first, zone)
            if at is None or at < start:
                gaps.append((at, start))
        day = following
    at = schedule.starts_at(day, zone) if day else since
    if until is None or at is None or at < until:
        gaps.append((at, until))
    return gaps


def _keep_up(zone: ZoneInfo) -> None:
    """Take back what changed, has no mark, or was counted by other midnights; the rest tells of all up to now."""
    with db.snapshot():
        rows = _rows_standing(zone)
        standing = {period: tick for period, tick, _ in rows}
        unmarked = {period for period, _, mark in rows if not mark}
        low, high = min(standing.values(), default=0), _settled()
        changed = _changed_days(zone, low, high) or set() if standing else set()
    unchanged = set(_unchanged(standing, changed)) - unmarked
    stale = [period for period in standing if period not in unchanged]

    def verb() -> None:
        db.lock_out_writers(SegmentCount)
        other = SegmentPeriod.select(SegmentPeriod.period).where(SegmentPeriod.zone != zone.key)
        SegmentCount.delete().where(SegmentCount.period.in_(other)).execute()
        SegmentPeriod.delete().where(SegmentPeriod.zone != zone.key).execute()
        _take_back(stale)
        for some in peewee.chunked(unchanged, AT_ONCE):
            # What another worker has rolled up meanwhile has a tick of its own.
            theirs = SegmentPeriod.period.in_(some) & SegmentPeriod.tick.between(low, high)
            SegmentPeriod.update(tick=high).where(theirs).execute()

    db.write(verb)


def _take_back(periods: Collection[str]) -> None:
    db.lock_out_writers(SegmentCount)
    for some in peewee.chunked(periods, AT_ONCE):
        _remove(some)


def _remove(periods: Sequence[str]) -> None:
    for table in (SegmentCount, SegmentPeriod):
        table.delete().where(table.period.in_(periods)).execute()


def _settled() -> int:
    """The highest tick of all that is stored below which nothing can still be committed."""
    return max(
        table.select(fn.MAX(table.changed_tick)).where(db.settled(table.changed_tick)).scalar() or 0
        for table in (Response, Erased)
    )


def _erased(after: int) -> set[tuple[str, int]]:
    """What was deleted after a tick."""
    rows: Any = Erased.select(Erased.id, Erased.changed_tick).where(Erased.changed_tick > after)
    return set(rows.tuples())


@dataclass
class _Count:
    """Periods as they were counted at one moment: by `tick`, with `wishes`, and what had been `erased` since."""

    tick: int
    wishes: dict[str, list[str]]
    erased: set[tuple[str, int]]
    periods: dict[str, Period] = field(default_factory=dict)
    ticks: dict[str, int] = field(default_factory=dict)


def _roll(missing: Sequence[str], month: Sequence[str], zone: ZoneInfo) -> int:
    """Count the days that are `missing`, and of them and what stands the whole of a `month` unless it is empty.

    How many periods were written; none when answers were deleted meanwhile time and again.
    """
    for _ in range(TRIES):
        with db.snapshot():
            tick = _settled()
            count = _Count(tick, _wishes(), _erased(tick))
            count.periods = {day: _counted(day, count.wishes, zone) for day in missing}
            count.ticks = dict.fromkeys(missing, tick)
            standing = _standing(zone)
            others = [day for day in month if day not in count.periods]
            if month and all(day in standing for day in others):
                name = _month(month[0])
                count.ticks[name] = min([tick, *(standing[day] for day in others)])
                count.periods[name] = _summed({**count.periods, **_kept(others)})
        if not count.periods or db.write(functools.partial(_keep, count, zone)):
            return len(count.periods)
    return 0


def _keep(count: _Count, zone: ZoneInfo) -> bool:
    """Write what was counted; False when it no longer holds, and nothing was written."""
    # From here on deletions wait, and then take back what they find.
    db.lock_out_writers(SegmentCount)
    if _erased(count.tick) != count.erased or _wishes() != count.wishes:
        return False
    _remove(list(count.periods))
    _put_in.many(
        [
            {"survey": survey, "segment": segment, "period": period, "counts": _packed(kept)}
            for period, counts in count.periods.items()
            for (survey, segment), kept in counts.items()
        ]
    )
    SegmentPeriod.insert_many(
        [
            {"period": period, "zone": zone.key, "tick": tick, "mark": secrets.randbits(62)}
            for period, tick in count.ticks.items()
        ]
    ).execute()
    return True


_put_in = db.Insert(SegmentCount)


def _counted(day: str, wishes: Mapping[str, Sequence[str]], zone: ZoneInfo) -> Period:
    """A day as the responses have it; `wishes`: the properties that are counted, and for which surveys."""
    begin, end = (microseconds(schedule.starts_at(edge, zone)) for edge in _edges(day))
    if _any(begin=begin, end=end).fetchone() is None:
        return {}
    properties = {segments.PROPERTY + name: {"surveys": db.listed(ids)} for name, ids in wishes.items()}
    plain: dict[str, dict[str, Any]] = {name: {} for name in (*ROLLED_UP, *countings.NAMES)}
    found: dict[tuple[str, str], Tallies] = {}
    columns: dict[tuple[str, str], list[Any]] = {}
    for segment, more in {**plain, **properties}.items():
        for survey, value, number, n, last in _by(segment)(begin=begin, end=end, **more).fetchall():
            tallied = found.setdefault((survey, segment), {})
            tallied.setdefault(countings.settled(segment, value), Tally()).add([(number, n)], last)
    for survey, *answer in _answers(begin=begin, end=end).fetchall():
        for name, value in zip(_ANSWERED, answer, strict=True):
            columns.setdefault((survey, name), []).append(countings.settled(name, value))
    for segment, more in properties.items():
        for survey, value in _properties(segment)(begin=begin, end=end, **more).fetchall():
            columns.setdefault((survey, segment), []).append(value)
    return {
        **{which: _limited(which[1], tallies) for which, tallies in found.items()},
        **{
            (survey, crossings.PREFIX + name): _limited(name, crossings.column(values))
            for (survey, name), values in columns.items()
        },
    }


def _between(key: Any) -> Any:
    return (key >= db.slot("begin")) & (key < db.slot("end"))


_any = db.Prepared(lambda: Response.select(SQL("1")).where(_between(Response.key)).limit(1))


#: What columns are kept of beside properties.
_ANSWERED = (crossings.SCORE, *ROLLED_UP)


def _build_answers() -> Any:
    known = {crossings.SCORE: Response.score, "topic": countings.topics()}
    columns = [known[name] if name in known else segments.SEGMENTS[name] for name in _ANSWERED]
    query = segments.joined(Response.select(Response.survey, *columns), ["language"], _between)
    return query.where(Response.counted, _between(Response.key)).order_by(Response.key)


_answers = db.Prepared(_build_answers)


@functools.lru_cache(maxsize=256)
def _properties(segment: str) -> db.Prepared:
    """Survey and value of a property, of each answer to some surveys in the order of keys."""

    def build() -> Any:
        query = Response.select(Response.survey, segments.column(segment))
        query = query.where(Response.counted, _between(Response.key), db.is_among(Response.survey, "surveys"))
        return query.order_by(Response.key)

    return db.Prepared(build)


@functools.lru_cache(maxsize=256)
def _by(segment: str) -> db.Prepared:
    """Survey, value, score, how often and the last key; of a property for some surveys."""
    if segment in countings.NAMES:
        return db.Prepared(lambda: countings.query(segment, _between, by_survey=True))

    def build() -> Any:
        value = segments.column(segment)
        by = (Response.survey, value, Response.score)
        query = Response.select(*by, fn.COUNT(Response.key), fn.MAX(Response.key))
        query = query.where(Response.counted, _between(Response.key))
        if segment.startswith(segments.PROPERTY):
            query = query.where(db.is_among(Response.survey, "surveys"))
        return segments.joined(query, [segment], _between).group_by(*by)

    return db.Prepared(build)


def _summed(days: Mapping[str, Period]) -> Period:
    """A month of its days."""
    found: Period = {}
    for _, part in sorted(days.items()):
        for which, kept in part.items():
            into = found.setdefault(which, Column() if isinstance(kept, Column) else {})
            if isinstance(into, Column) and isinstance(kept, Column):
                into.extend(kept.values, kept.codes)
            elif isinstance(into, dict) and isinstance(kept, dict):
                for value, tally in kept.items():
                    into.setdefault(value, Tally()).add(tally.counts.items(), tally.last)
            else:
                found[which] = None
    return {(survey, name): _limited(name, kept) for (survey, name), kept in found.items()}


def _limited(name: str, kept: Tallies | Column | None) -> Tallies | Column | None:
    """What is kept of a segment: nothing when it has too many values."""
    name = name.removeprefix(crossings.PREFIX)
    most = MOST_OF_A_PROPERTY if name.startswith(segments.PROPERTY) else MOST_VALUES
    if name in countings.NAMES or (name == "topic" and isinstance(kept, Column)):
        most = countings.MOST
    many = len(kept.values) if isinstance(kept, Column) else len(kept or ())
    return kept if many <= most else None


def _kept(periods: Iterable[str]) -> dict[str, Period]:
    """Periods as they are rolled up."""
    found: dict[str, Period] = {period: {} for period in periods}
    rows = SegmentCount.select().where(SegmentCount.period.in_(list(found) or [""]))
    for row in rows:
        found[row.period][row.survey_id, row.segment] = _unpacked(row.counts)
    return found


def _packed(tallies: Tallies | Column | None) -> Any:
    if tallies is None:
        return None
    if isinstance(tallies, Column):
        return tallies.packed()
    return [
        [value, tally.last, *(number for pair in tally.counts.items() for number in pair)]
        for value, tally in tallies.items()
    ]


def _unpacked(counts: Any) -> Tallies | Column | None:
    if counts is None:
        return None
    if isinstance(counts, dict):
        return crossings.unpacked(counts)
    return {value: Tally(last, dict(_pairs(scores))) for value, last, *scores in counts}


def _pairs(scores: Sequence[int]) -> Iterable[tuple[int, int]]:
    return zip(scores[::2], scores[1::2], strict=True)
