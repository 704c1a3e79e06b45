"""When to ask, until when an answer counts or may change, and where days, weeks and months begin."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

Interval = Literal["day", "week", "month", "quarter"]


@dataclass(frozen=True, slots=True)
class SendWindow:
    """The hours in which mail may go out, from `opens` up to `closes` on the same day, on some weekdays
    (0 is Monday). Raises ValueError for a window that never opens."""

    opens: time
    closes: time
    weekdays: frozenset[int] = frozenset(range(7))

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            raise ValueError("a send window closes later on the same day than it opens")
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise ValueError("a send window is open on at least one weekday, 0 (Monday) to 6")


def send_at(now: datetime, delay_minutes: int, window: SendWindow | None, zone: tzinfo) -> datetime:
    """The first moment (UTC) after the delay at which the window is open in `zone`."""
    earliest = now.astimezone(UTC) + timedelta(minutes=delay_minutes)
    if window is None:
        return earliest
    local = earliest.astimezone(zone)
    if local.weekday() in window.weekdays and window.opens <= local.time() < window.closes:
        return earliest
    day = local.date() if local.time() < window.opens else local.date() + timedelta(days=1)
    while day.weekday() not in window.weekdays:
        day += timedelta(days=1)
    return _utc(day, window.opens, zone)


def expires_at(sent_at: datetime, answer_window_days: int) -> datetime:
    """When an invitation sent at `sent_at` no longer takes an answer."""
    return sent_at + timedelta(days=answer_window_days)


def editable_until(created_at: datetime, edit_window_hours: int) -> datetime:
    """Until when an answer first recorded at `created_at` may be changed."""
    return created_at + timedelta(hours=edit_window_hours)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The calendar day of an aware moment in `zone`."""
    return moment.astimezone(zone).date()


def first_day(day: date, interval: Interval) -> date:
    """The first day of the day, week (from Monday), month or quarter that `day` lies in."""
    if interval == "week":
        return day - timedelta(days=day.weekday())
    if interval == "month":
        return day.replace(day=1)
    if interval == "quarter":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    return day


@functools.lru_cache(maxsize=8192)
def first_day_of(day: str, interval: Interval) -> date:
    """The same of a day as a database has it (`2026-09-14`): a page of charts asks thousands of times."""
    return first_day(date.fromisoformat(day), interval)


def next_first_day(day: date, interval: Interval) -> date:
    """The first day of the interval after the one that `day` lies in."""
    longest = {"day": 1, "week": 7, "month": 31, "quarter": 92}[interval]
    return first_day(first_day(day, interval) + timedelta(days=longest), interval)


def first_days(since: date, until: date, interval: Interval) -> Iterator[date]:
    """The first day of every interval that has a day from `since` up to, not including, `until`."""
    day = first_day(since, interval)
    while day < until:
        yield day
        day = next_first_day(day, interval)


def starts_at(day: date, zone: tzinfo) -> datetime:
    """The moment (UTC) a calendar day begins in `zone`: the first midnight where clocks repeat it, and the
    moment of the change where they skip it."""
    return _utc(day, time.min, zone)


def _utc(day: date, at: time, zone: tzinfo) -> datetime:
    # fold=0 reads a repeated hour as its first, and a skipped one by the offset before the gap (PEP 495).
    return datetime.combine(day, at.replace(tzinfo=zone, fold=0)).astimezone(UTC)
