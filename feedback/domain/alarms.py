"""When the weeks of a value say that something changed, knowing how often they say so although nothing did.

Each week's value becomes a score: how far it is from the usual, in the deviations of Laney's p' chart (see `bands`).
Two limits share one scale, the chance to be reached when nothing changed: a slow change adds up in a CUSUM (Page,
"Continuous inspection schemes", Biometrika 41, 1954) with the allowance ALLOWANCE, a sudden one is a single score
beyond POINT. Over many segments Benjamini and Hochberg's rule holds the chance of the whole run where it is for one.
Between the beginning and the end of a spell nothing is said.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import NormalDist
from typing import Generic, TypeVar

from feedback.domain import bands, surges
from feedback.domain.bands import BASELINE, Usual
from surveys.domain.metrics.metric import Metric

#: Deviations that a week may be off in one direction without adding to the sum, and the sum that is too much.
ALLOWANCE, SUM = 0.5, 5.5

#: Deviations that a single week may be off.
POINT = 4.0

#: In points of the metric; a smaller change is worth nobody's time, however sure it is.
FLOOR = 5.0

#: Each step of `margin` makes what is found this much rarer.
STEP = math.e

#: The end of a spell has to be so many times as likely as its going on (a log of 20).
OVER = 3.0

#: So many weeks at another level make it the usual one; without a spell the usual is found anew after so many.
SETTLED, RENEWED = BASELINE, 52

#: Shuffles that say how often chance alone speaks.
SHUFFLES = 200

WEEKS_A_YEAR = 52

#: Overshoot of a sum of normal steps beyond its limit (Siegmund, "Sequential Analysis", 1985, 10.2: twice 0.583).
_OVERSHOOT = 1.166

_NORMAL = NormalDist()

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Week:
    """The answers of the week that begins on the Monday `start`: how many, and how many count for and against."""

    start: date
    n: int
    positive: int
    negative: int = 0

    @property
    def value(self) -> float:
        """The value in points of the metric. There must be answers."""
        return 100 * (self.positive - self.negative) / self.n


@dataclass(frozen=True, slots=True)
class Spell(Generic[Key]):
    """A time in which the value of `key` is not what it was.

    `began`, `over`: the weeks that said so, `over` None while it lasts. From the week `since` on there were `n`
    answers until it was said, which come to `now`; the usual was `before`. `at_once`: a single week was enough.
    `looked_at`: how many segments were, in that week. `settled`: over because the new level has become the usual one.
    """

    key: Key
    began: date
    since: date
    before: float
    now: float
    n: int
    at_once: bool
    looked_at: int
    over: date | None = None
    settled: bool = False


def week(metric: Metric, start: date, counts: Mapping[int, int]) -> Week:
    """A week of answers counted by score."""
    groups = metric.count_groups(counts)
    negative = groups[metric.negative] if metric.negative is not None else 0
    return Week(start, sum(groups.values()), groups[metric.positive], negative)


def spells(series: Mapping[Key, Sequence[Week]], floor: float = FLOOR, margin: int = 0) -> list[Spell[Key]]:
    """What was to be said over some weeks, in the order in which it began.

    `series`: for each segment the same weeks, oldest first, also those without answers. A segment's first BASELINE
    weeks with answers say what is usual, and nothing is said of them. `floor`: the smallest change that is told, in
    points. `margin`: 0 and up; each step tells of fewer changes, and of fewer that are none.
    """
    watches = {key: _Watch(key) for key in series}
    found: list[Spell[Key]] = []
    limit = _LIMIT / STEP**margin
    for at in range(max(map(len, series.values()), default=0)):
        tests = []
        for key, weeks in series.items():
            ended = watches[key].ended(weeks[at])
            if ended is not None:
                found.append(ended)
            elif (signal := watches[key].signal(weeks[at], floor)) is not None:
                tests.append((watches[key], signal))
        real = surges.discoveries([signal.p for _, signal in tests], limit)
        for (watch, signal), is_real in zip(tests, real, strict=True):
            if is_real:
                watch.begin(signal, len(tests))
    found += [watch.spell for watch in watches.values() if watch.spell is not None]
    return sorted(found, key=lambda spell: (spell.began, str(spell.key)))


def is_watched(weeks: Sequence[Week]) -> bool:
    """Whether there is past enough to say anything of the last week."""
    return sum(each.n > 0 for each in weeks) > BASELINE


def by_chance(
    series: Mapping[Key, Sequence[Week]],
    orders: Iterable[Sequence[int]],
    floor: float = FLOOR,
    margin: int = 0,
) -> float | None:
    """How many spells a year begin when the weeks come in another order: chance alone, for order is all they lose.

    `orders`: of the places of the weeks, each a shuffle. None where there is too little past.
    """
    spoken, shuffles = 0, 0
    watched = max(map(len, series.values()), default=0) - BASELINE
    if watched <= 0:
        return None
    for order in orders:
        mixed = {key: [weeks[at] for at in order] for key, weeks in series.items()}
        spoken += len(spells(mixed, floor, margin))
        shuffles += 1
    return spoken / shuffles * WEEKS_A_YEAR / watched if shuffles else None


# ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Signal:
    """What a week says of one segment: how often chance alone says as much, and what it would tell."""

    p: float
    week: Week
    since: date
    now: float
    n: int
    at_once: bool


@dataclass(slots=True)
class _Run:
    """The scores that add up in one direction, and the answers behind them; both are empty while the sum is zero."""

    sign: int
    sum: float = 0.0
    since: date | None = None
    n: int = 0
    points: float = 0.0

    def add(self, score: float, week: Week) -> None:
        """One more week."""
        self.sum = max(0.0, self.sum + self.sign * score - ALLOWANCE)
        if not self.sum:
            self.since, self.n, self.points = None, 0, 0.0
            return
        self.since = self.since or week.start
        self.n += week.n
        self.points += week.n * week.value


@dataclass(slots=True)
class _Watch(Generic[Key]):
    """One segment, week after week."""

    key: Key
    past: list[Week] = field(default_factory=list)
    usual: Usual | None = None
    renewed: int = 0
    runs: tuple[_Run, _Run] = field(default_factory=lambda: (_Run(-1), _Run(1)))
    spell: Spell[Key] | None = None
    back: float = 0.0
    lasted: int = 0

    def signal(self, week: Week, floor: float) -> _Signal | None:
        """What the week says; None when it has no answers, or it is among those that say what is usual."""
        if not week.n or self.spell is not None:
            return None
        self.past.append(week)
        if self.usual is None or len(self.past) - self.renewed >= RENEWED:
            # This week is not held against itself.
            self._find_usual(self.past if self.usual is None else self.past[:-1])
            if self.usual is None or len(self.past) == self.renewed:
                return None
        score = self._score(week)
        signals = [_Signal(1.0, week, week.start, week.value, week.n, True)]
        if abs(week.value - self.usual.centre) >= floor:
            p = 2 * _NORMAL.cdf(-abs(score)) * _LIMIT / _POINT_CHANCE
            signals.append(_Signal(p, week, week.start, week.value, week.n, True))
        for run in self.runs:
            run.add(score, week)
            if run.since is not None and abs(run.points / run.n - self.usual.centre) >= floor:
                signals.append(
                    _Signal(
                        _chance(run.sum), week, run.since, run.points / run.n, run.n, run.since == week.start
                    )
                )
        return min(signals, key=lambda each: each.p)

    def begin(self, signal: _Signal, looked_at: int) -> None:
        """The value is not what it was."""
        assert self.usual is not None
        self.spell = Spell(
            self.key,
            signal.week.start,
            signal.since,
            self.usual.centre,
            signal.now,
            signal.n,
            signal.at_once,
            looked_at,
        )
        self.back, self.lasted = 0.0, 0

    def ended(self, week: Week) -> Spell[Key] | None:
        """The spell that this week ends; None when there is none, or it goes on."""
        if self.spell is None or not week.n or self.usual is None:
            return None
        self.past.append(week)
        self.lasted += 1
        shift = self.spell.now - self.spell.before
        size = min(max(abs(shift) / self.usual.error(week.n), 1.0), POINT)
        along = math.copysign(self._score(week), shift * self._score(week))
        self.back = max(0.0, self.back + size * (size / 2 - along))
        settled = self.lasted >= SETTLED
        if self.back < OVER and not settled:
            return None
        spell = self.spell
        self.spell = None
        self.runs = (_Run(-1), _Run(1))
        if settled:
            self._find_usual(self.past)
        return Spell(
            spell.key,
            spell.began,
            spell.since,
            spell.before,
            spell.now,
            spell.n,
            spell.at_once,
            spell.looked_at,
            week.start,
            settled and self.back < OVER,
        )

    def _find_usual(self, past: Sequence[Week]) -> None:
        if len(past) >= BASELINE:
            self.usual = usual(past[-BASELINE:])
            self.renewed = len(past)

    def _score(self, week: Week) -> float:
        assert self.usual is not None
        return (week.value - self.usual.centre) / self.usual.error(week.n)


def usual(weeks: Sequence[Week]) -> Usual:
    """What weeks with answers come to, and how much one differs from another.

    Never by less than chance makes answers differ; also where all were alike (three quarters of an answer are added on
    each side, as in `statistics.nps_interval`).
    """
    n = sum(each.n for each in weeks)
    positive = sum(each.positive for each in weeks) + 0.75
    negative = sum(each.negative for each in weeks) + 0.75
    deviation = bands.deviation(positive / (n + 3), negative / (n + 3))
    found = bands.usual([(each.value, each.n) for each in weeks], deviation)
    return Usual(found.centre, deviation, max(1.0, found.stretch))


def _chance(total: float) -> float:
    """How often a sum as large is found in one week, in either direction, when nothing changed.

    The stationary distribution of the sum has this tail (Siegmund, 1985, 2.50, for a drift of -ALLOWANCE).
    """
    return 2 * math.exp(-2 * ALLOWANCE * (total + _OVERSHOOT))


_LIMIT = _chance(SUM)
_POINT_CHANCE = 2 * _NORMAL.cdf(-POINT)
