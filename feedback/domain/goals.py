"""What may be said of a goal: four words, by intervals and never by a part of a noisy number.

`reached`: the value of the last four weeks lies wholly at or above the target. `on_course`: wholly above the straight
path from where it began to the target. `behind`: wholly below. `cannot_tell`: anything else, also what is too early.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta

from feedback.domain import bands
from feedback.domain.statistics import DISTINGUISHABLE_Z, Interval

REACHED, ON_COURSE, CANNOT_TELL, BEHIND = "reached", "on_course", "cannot_tell", "behind"

WORDS = (REACHED, ON_COURSE, CANNOT_TELL, BEHIND)

#: Days that a word is made of, and days before the start that say where it began.
WINDOW, BEFORE = 28, 91

#: Before so many days nothing is said.
LEAST = 7

#: A rise that would take longer to show counts as one that never shows.
MOST_WEEKS = 260


@dataclass(frozen=True, slots=True)
class Level:
    """What answers come to: how many, their value and where it lies, in points, and one answer's deviation."""

    n: int
    value: float | None
    interval: Interval | None
    deviation: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be hoped for. `weeks`: until a rise to the target can be told from chance; None: never.

    `smallest`: the smallest rise, in points, that can be told by the end; None where nobody has answered yet.
    """

    weeks: int | None
    smallest: float | None


def window(start: date, due: date, today: date) -> tuple[date, date]:
    """The days that say how a goal stands: the last WINDOW before tomorrow or its end, and none before its start."""
    until = min(today + timedelta(days=1), due)
    return max(start, until - timedelta(days=WINDOW)), until


def path(baseline: float, target: float, start: date, due: date, day: float) -> float:
    """Where the straight path from `baseline` at `start` to `target` at `due` is on a day (an ordinal)."""
    length = (due - start).days
    part = min(max((day - start.toordinal()) / length, 0.0), 1.0) if length > 0 else 1.0
    return baseline + part * (target - baseline)


def word(
    baseline: float | None, target: float, start: date, due: date, days: tuple[date, date], now: Level
) -> str:
    """What is said of a goal by the answers of `days` (`window`). None as `baseline`: nobody answered before.

    The path is taken in the middle of the days, which is where their value stands for.
    """
    since, until = days
    length = (until - since).days
    if now.interval is None or length < LEAST:
        return CANNOT_TELL
    low, high = now.interval
    if low >= target and length >= WINDOW:
        return REACHED
    if baseline is None:
        return CANNOT_TELL
    aim = path(baseline, target, start, due, (since.toordinal() + until.toordinal()) / 2)
    if low > aim:
        return ON_COURSE
    return BEHIND if high < aim else CANNOT_TELL


def plan(before: Level, target: float, start: date, due: date) -> Plan:
    """What could be told with as many answers as there were in the BEFORE days before the start."""
    if before.n == 0 or before.value is None:
        return Plan(None, None)
    a_week = 7 * before.n / BEFORE
    last = min((due - start).days, WINDOW) / 7
    rise = target - before.value
    smallest = _visible(before, a_week * last)
    return Plan(_weeks(before, rise, a_week), smallest)


def level(n: int, value: float | None, interval: Interval | None, positive: int, negative: int) -> Level:
    """What `n` answers come to, of which so many count for and against."""
    # As many are added on each side as in `statistics.nps_interval`, for where all answered alike.
    total = n + 3
    return Level(n, value, interval, bands.deviation((positive + 0.75) / total, (negative + 0.75) / total))


# ------------------------------------------------------------------------------------------------------


def _visible(before: Level, n: float) -> float | None:
    """The smallest difference that `n` answers can be told by from those before."""
    if n < 1:
        return None
    return DISTINGUISHABLE_Z * before.deviation * math.sqrt(1 / before.n + 1 / n)


def _weeks(before: Level, rise: float, a_week: float) -> int | None:
    """How many weeks of answers tell such a rise; None: no number of them up to MOST_WEEKS."""
    if rise <= 0:
        return None
    for weeks in range(1, MOST_WEEKS + 1):
        visible = _visible(before, a_week * weeks)
        if visible is not None and visible <= rise:
            return weeks
    return None
