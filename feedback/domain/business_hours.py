"""Opening hours: when so many of them are over, and how that came about, in words.

A clock runs while the team is open: not on holidays, not while the customer is waited for. Hours are what the clock on
the team's wall shows, so a night in which it is changed is shorter or longer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: Days that are looked ahead. A case that would be due later has no due time.
HORIZON_DAYS = 3660

#: Days that are named one by one; of more, those between the first two and the last are put together.
NAMED_DAYS = 5

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: From when until when; None as the end means that it still lasts.
Span = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class Shift:
    """On some weekdays (0 is Monday), from when until when: minutes since midnight, 1440 for its end."""

    weekdays: frozenset[int]
    opens: int
    closes: int


@dataclass(frozen=True)
class Hours:
    """When a team is open, in a time zone; never on the holidays."""

    zone: ZoneInfo
    shifts: tuple[Shift, ...]
    holidays: frozenset[date] = frozenset()
    # Thousands of cases lie on the same few days, and looking into a time zone takes longer than all the rest: so the
    # days are kept.
    _known: dict[date, list[tuple[datetime, datetime]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def open_on(self, day: date) -> list[tuple[datetime, datetime]]:
        """When it is open on a day, in UTC, in order; what overlaps is put together."""
        if day not in self._known:
            self._known[day] = self._open_on(day)
        return self._known[day]

    def _open_on(self, day: date) -> list[tuple[datetime, datetime]]:
        if day in self.holidays:
            return []
        found: list[tuple[datetime, datetime]] = []
        for shift in sorted(self.shifts, key=lambda each: each.opens):
            if day.weekday() not in shift.weekdays:
                continue
            # Of an hour that is there twice, the first opening and the last closing count.
            opens, closes = self._moment(day, shift.opens, 0), self._moment(day, shift.closes, 1)
            if found and opens <= found[-1][1]:
                found[-1] = (found[-1][0], max(found[-1][1], closes))
            elif opens < closes:
                found.append((opens, closes))
        return found

    def _moment(self, day: date, minutes: int, fold: int) -> datetime:
        days, minutes = divmod(minutes, 1440)
        wall = datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60))
        found = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
        if found.astimezone(self.zone).replace(tzinfo=None) == wall:
            return found
        # An hour that is not there: it is over the moment it would begin, which is when the clock is changed.
        before, after = sorted(wall.replace(tzinfo=self.zone, fold=each).astimezone(UTC) for each in (0, 1))
        while after - before > timedelta(seconds=1):
            middle = before + (after - before) / 2
            if middle.astimezone(self.zone).replace(tzinfo=None) < wall:
                before = middle
            else:
                after = middle
        return after.replace(microsecond=0)


@dataclass(frozen=True)
class Due:
    """When a case is due, and in words `why`. None while the team waits for the customer, or where it is never open."""

    at: datetime | None
    why: str


def due(
    hours: Hours,
    start: datetime,
    wanted: timedelta,
    waits: Sequence[Span] = (),
    told_in: ZoneInfo | None = None,
) -> Due:
    """When `wanted` hours of opening are over that began at `start`.

    `waits`: when the customer was waited for, in order; the last may have no end, then nothing after it counts.
    `told_in`: by whose clock the reason is told; None: by the one on the team's wall.
    """
    told = _Told(told_in or hours.zone, start)
    left = wanted
    until = next((begun for begun, ended in waits if ended is None), None)
    for opens, closes in _opened(hours, start, until, told):
        for begin, end in _without(waits, opens, closes, told):
            if end - begin >= left:
                told.used(left, begin)
                at = (begin + left).astimezone(UTC)
                return Due(at, told.ended(at))
            left -= end - begin
            told.used(end - begin, begin)
    if until is not None:
        return Due(None, told.stopped(f"waiting for the customer since {told.moment(until)}", left))
    return Due(None, told.stopped("not reached within ten years", left))


def elapsed(hours: Hours, start: datetime, end: datetime, waits: Sequence[Span] = ()) -> timedelta:
    """How long the team was open from `start` to `end`, without the time in which it waited for the customer."""
    told, found = _Told(hours.zone, start), timedelta()
    for opens, closes in _opened(hours, start, end, told):
        found += sum((until - begin for begin, until in _without(waits, opens, closes, told)), timedelta())
    return found


def lasting(span: timedelta) -> str:
    """A time in words, to the minute: `7 h 40 min`."""
    hours, minutes = divmod(round(span / timedelta(minutes=1)), 60)
    return " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min")) if n) or "0 min"


# ------------------------------------------------------------------------------------------------------


def _opened(
    hours: Hours, start: datetime, until: datetime | None, told: "_Told"
) -> Iterator[tuple[datetime, datetime]]:
    """When it is open from `start` on, up to `until`."""
    first = start.astimezone(hours.zone).date()
    for number in range(HORIZON_DAYS):
        try:
            day = first + timedelta(days=number)
            found = hours.open_on(day)
        except OverflowError:
            return
        if not found and day in hours.holidays:
            told.closed(day)
        for opens, closes in found:
            if until is not None and opens >= until:
                return
            begin, end = max(opens, start), closes if until is None else min(closes, until)
            if begin < end:
                yield begin, end
        if until is not None and not found and day > until.astimezone(hours.zone).date():
            return


def _without(
    waits: Sequence[Span], begin: datetime, end: datetime, told: "_Told"
) -> Iterator[tuple[datetime, datetime]]:
    """The parts of an open time in which the team did not wait for the customer."""
    for waited, answered in waits:
        stop = end if answered is None else min(answered, end)
        if waited >= end or stop <= begin:
            continue
        if waited > begin:
            yield begin, waited
        told.waited += stop - max(waited, begin)
        begin = stop
    if begin < end:
        yield begin, end


class _Told:
    """What happened on the way, to be told."""

    def __init__(self, zone: ZoneInfo, start: datetime) -> None:
        self._zone, self._start = zone, start
        self._days: dict[date, timedelta] = {}
        self._last: tuple[date, datetime] | None = None
        self._holidays: list[date] = []
        self.waited = timedelta()

    def used(self, span: timedelta, begin: datetime) -> None:
        day = begin.astimezone(self._zone).date()
        self._days[day] = self._days.get(day, timedelta()) + span
        if self._last is None or self._last[0] != day:
            self._last = (day, begin)

    def closed(self, day: date) -> None:
        self._holidays.append(day)

    def moment(self, moment: datetime) -> str:
        local = moment.astimezone(self._zone)
        return f"{_named(local.date())} {local:%H:%M}"

    def ended(self, at: datetime) -> str:
        day, begin = self._last or (at.date(), at)
        self._days.pop(day, None)
        if day == self._start.astimezone(self._zone).date() and begin == self._start:
            parts = self._parts([])
        else:
            parts = self._parts([f"{_named(day)} from {begin.astimezone(self._zone):%H:%M}"])
        return " · ".join([*parts, f"due {self.moment(at)}"]) + f" ({self._zone.key})"

    def stopped(self, why: str, left: timedelta) -> str:
        return " · ".join([*self._parts([]), why, f"{lasting(left)} left"]) + f" ({self._zone.key})"

    def _parts(self, last: list[str]) -> list[str]:
        days = [f"{lasting(span)} on {_named(day)}" for day, span in self._days.items()]
        if len(days) > NAMED_DAYS:
            between = list(self._days.values())[2:-1]
            days[2:-1] = [f"{lasting(sum(between, timedelta()))} on {len(between)} days between"]
        holidays = [f"closed on {_named(day)} (holiday)" for day in self._holidays[:NAMED_DAYS]]
        if len(self._holidays) > NAMED_DAYS:
            holidays.append(f"and {len(self._holidays) - NAMED_DAYS} more holidays")
        waited = (
            [f"{lasting(self.waited)} not counted (waiting for the customer, or closed)"]
            if self.waited
            else []
        )
        return [f"received {self.moment(self._start)}", *days, *holidays, *waited, *last]


def _named(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"
