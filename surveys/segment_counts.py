"""Counts by segment of days and months that are over: which of them stand, and how they are taken back.

Who makes them (`use`) knows segments that asking knows nothing of, such as topics.
"""

from datetime import datetime
from typing import Protocol

from surveys import daily_counts
from surveys.base import clock
from surveys.models import SegmentCount, SegmentPeriod


class Counting(Protocol):
    """Whoever makes the counts."""

    def differences(self) -> list[tuple[str, str, str]]:
        """Where counts that stand and responses disagree: survey, segment and period."""

    def rebuild(self, now: datetime) -> int:
        """Make all counts anew; how many days and months."""


_counting: Counting | None = None


def use(counting: Counting) -> None:
    """Who makes the counts."""
    global _counting
    _counting = counting


def differences() -> list[tuple[str, str, str]]:
    """Where counts that stand and responses disagree: survey, segment and period; nowhere when nobody counts."""
    return _counting.differences() if _counting else []


def rebuild(now: datetime) -> int:
    """Make all counts anew; how many days and months stand then."""
    return _counting.rebuild(now) if _counting else 0


def forget(key: int) -> None:
    """Take back the counts of the day and the month of a response that is being deleted, in its transaction.

    Every other change shows by the response's tick. A deleted one has none, and its words are to be gone.
    """
    day = daily_counts.day_of(clock.moment(key))
    # The counts first: whoever is just writing some holds this table, and is waited for.
    for table in (SegmentCount, SegmentPeriod):
        table.delete().where(table.period.in_([day, day[:7]])).execute()


def forget_all() -> None:
    """Take back all counts, in the caller's transaction: what is to be counted has changed."""
    for table in (SegmentCount, SegmentPeriod):
        table.delete().execute()
