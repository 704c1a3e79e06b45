"""How often each score was given on each day, as the daily counts have it: numbers over whole days are made of it.

Of days that are over, and have not changed since they were rolled up, a process keeps it with its sums by week and
month: thousands of rows of a year are read and added up once, and then what came since.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import peewee
from peewee import fn

from feedback import rollups
from feedback.remembered import Remembered
from surveys.base import db
from surveys.domain import schedule
from surveys.models import DailyCount

T = TypeVar("T")

Counts = dict[int, int]

#: Days that a process keeps, of half a kilobyte each, and of how many questions.
MOST_KEPT, MOST_ASKED = 20_000, 500

#: Days amid those that stand which are read beside them; with more of them all is read.
MOST_BETWEEN = 400


class Days:
    """How often each score was given on each day of some, with what is added up of it. It is shared, so nobody may
    change it, nor what it gives. `others`: days beside these, none of them twice."""

    def __init__(self, counts: Mapping[str, Counts], others: "Days | None" = None) -> None:
        self._counts, self._others = counts, others
        self._made: dict[Any, Any] = {}

    def rows(self) -> Iterator[tuple[str, int, int]]:
        """Day, score, and how often it was given then."""
        for day, counts in self._counts.items():
            for score, n in counts.items():
                yield day, score, n
        if self._others is not None:
            yield from self._others.rows()

    def edges(self) -> tuple[date, date] | None:
        """The first and the last day that has an answer; None where none has."""
        return self._once("edges", self._edges)

    def sums(self, interval: schedule.Interval) -> Mapping[date, Counts]:
        """How often each score was given in each day, week or month, by the day it begins."""
        return self._once(interval, functools.partial(self._sums, interval))

    def total(self) -> Counts:
        """How often each score was given in all."""
        return self._once("total", self._total)

    def _once(self, which: str, make: Callable[[], T]) -> T:
        if which not in self._made:
            self._made[which] = make()
        found: T = self._made[which]
        return found

    def _edges(self) -> tuple[date, date] | None:
        others = self._others.edges() if self._others is not None else None
        days = [*map(date.fromisoformat, self._counts), *(others or ())]
        return (min(days), max(days)) if days else None

    def _sums(self, interval: schedule.Interval) -> dict[date, Counts]:
        found = dict(self._others.sums(interval)) if self._others is not None else {}
        mine: dict[date, Counts] = {}
        for day, counts in self._counts.items():
            first = schedule.first_day_of(day, interval)
            if first not in mine:
                # What others give is not ours to change.
                mine[first] = found[first] = dict(found.get(first, {}))
            into = mine[first]
            for score, n in counts.items():
                into[score] = into.get(score, 0) + n
        return found

    def _total(self) -> Counts:
        found = dict(self._others.total()) if self._others is not None else {}
        for counts in self._counts.values():
            for score, n in counts.items():
                found[score] = found.get(score, 0) + n
        return found


#: By survey and period, the days that stand.
_kept: Remembered[Days] = Remembered(MOST_KEPT, MOST_ASKED)


def forget() -> None:
    """Read anew whatever is asked for next."""
    _kept.forget()


def of(rows: Iterable[tuple[str, int, int]]) -> Days:
    """Days of which somebody has rows: day, score, and how often it was given then."""
    return Days(_gathered(rows))


def between(
    survey_ids: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    zone: ZoneInfo,
) -> Days:
    """The days of some surveys from `since` up to, not including, `until` (None: all there is), both of which begin a
    day. Call it in a `db.snapshot`."""
    return rollups.once(_which(survey_ids, since, until, zone), lambda: _read(survey_ids, since, until, zone))


def total(
    survey_ids: Sequence[str], since: datetime | None, until: datetime | None, zone: ZoneInfo
) -> Counts:
    """How often each score was given in all, likewise; where the days are not at hand the database adds them up."""
    days: Days | None = rollups.had(_which(survey_ids, since, until, zone))
    if days is not None:
        return dict(days.total())
    first, last = _edges(since, until, zone)
    rows = _added(len(survey_ids) == 1)(surveys=_listed(survey_ids), first=first, last=last).fetchall()
    return {score: int(n) for score, n in rows if n}


def total_of_each(
    survey_ids: Sequence[str], since: datetime | None, until: datetime | None, zone: ZoneInfo
) -> dict[str, Counts]:
    """How often each score was given in all in each of some surveys, likewise, in one statement; a survey without
    answers is left out.
    """
    first, last = _edges(since, until, zone)
    found: dict[str, Counts] = {}
    for survey, score, n in _added_to_each()(
        surveys=db.listed(survey_ids), first=first, last=last
    ).fetchall():
        if n:
            found.setdefault(survey, {})[score] = int(n)
    return found


# ------------------------------------------------------------------------------------------------------


def _which(*asked: Any) -> tuple[Any, ...]:
    return ("daily", *map(str, asked))


def _edges(since: datetime | None, until: datetime | None, zone: ZoneInfo) -> tuple[str, str]:
    """The first day, and the one after the last."""
    return (
        schedule.day_of(since, zone).isoformat() if since else "",
        schedule.day_of(until, zone).isoformat() if until else "9999",
    )


def _read(survey_ids: Sequence[str], since: datetime | None, until: datetime | None, zone: ZoneInfo) -> Days:
    first, last = _edges(since, until, zone)
    is_one, surveys = len(survey_ids) == 1, _listed(survey_ids)
    standing = rollups.standing_days(since, until, zone, "daily", *survey_ids)
    if standing is None:
        return Days(_gathered(_between(is_one)(surveys=surveys, first=first, last=last).fetchall()))
    days, key = standing
    kept = _kept.get(key)
    if kept is None:
        found = _gathered(_between(is_one)(surveys=surveys, first=first, last=last).fetchall())
        kept = Days({day: found.pop(day) for day in days if day in found})
        _kept.put(key, kept, 1 + len(days))
        return Days(found, kept)
    holes = _holes(days)
    if len(holes) > MOST_BETWEEN:
        return Days(_gathered(_between(is_one)(surveys=surveys, first=first, last=last).fetchall()))
    rows = _beside(is_one)(
        surveys=surveys, first=first, begin=days[0], end=days[-1], last=last, days=db.listed(holes)
    )
    return Days(_gathered(rows.fetchall()), kept)


def _holes(days: Sequence[str]) -> list[str]:
    """The days amid some that are not among them."""
    begin, end = (date.fromisoformat(day) for day in (days[0], days[-1]))
    if (end - begin).days + 1 == len(days):
        return []
    there = set(days)
    amid = (day.isoformat() for day in schedule.first_days(begin, end, "day"))
    return [day for day in amid if day not in there]


def _gathered(rows: Iterable[tuple[str, int, int]]) -> dict[str, Counts]:
    """Rows by day; a day and score may come several times, and what is none in the end is left out."""
    found: dict[str, Counts] = {}
    counts: Counts = {}
    last_day = None
    for day, score, n in rows:
        # They come day by day: thousands of lines, hundreds of days.
        if day != last_day:
            last_day = day
            counts = found.setdefault(day, {})
        counts[score] = counts.get(score, 0) + n
    return {
        day: {score: n for score, n in counts.items() if n}
        for day, counts in found.items()
        if any(counts.values())
    }


def _listed(survey_ids: Sequence[str]) -> Any:
    """One survey as itself, as planners read a list of one worse."""
    return survey_ids[0] if len(survey_ids) == 1 else db.listed(survey_ids)


def _of(is_one: bool) -> Any:
    survey = DailyCount.survey
    return survey == db.slot("surveys") if is_one else db.is_among(survey, "surveys")


def _rows(is_one: bool, *where: Any) -> Any:
    # Whoever wants them adds them up anyway, and the database would sort them for it.
    return DailyCount.select(DailyCount.day, DailyCount.score, DailyCount.n).where(_of(is_one), *where)


_FROM, _BEFORE = DailyCount.day >= db.slot("first"), DailyCount.day < db.slot("last")


@functools.cache
def _between(is_one: bool) -> db.Prepared:
    return db.Prepared(lambda: _rows(is_one, _FROM, _BEFORE))


@functools.cache
def _beside(is_one: bool) -> db.Prepared:
    """What is not between two days (`begin`, `end`), and the days amid them that are named."""

    def build() -> Any:
        parts = (
            _rows(is_one, _FROM, DailyCount.day < db.slot("begin"), _BEFORE),
            _rows(is_one, _FROM, DailyCount.day > db.slot("end"), _BEFORE),
            _rows(is_one, db.is_among(DailyCount.day, "days")),
        )
        return functools.reduce(peewee.Select.union_all, parts)

    return db.Prepared(build)


@functools.cache
def _added(is_one: bool) -> db.Prepared:
    columns = (DailyCount.score, fn.SUM(DailyCount.n))
    return db.Prepared(
        lambda: DailyCount.select(*columns).where(_of(is_one), _FROM, _BEFORE).group_by(DailyCount.score)
    )


@functools.cache
def _added_to_each() -> db.Prepared:
    by = (DailyCount.survey, DailyCount.score)
    return db.Prepared(
        lambda: DailyCount.select(*by, fn.SUM(DailyCount.n)).where(_of(False), _FROM, _BEFORE).group_by(*by)
    )
