"""Whether two groups that chance made differ, over several trials with groups of their own, and how far.

Of each trial the difference between its own two groups counts, never that between the people of different trials. With
few people nothing is said: a tenth of forty people tells nothing, of many loops together it may.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

from feedback.domain.statistics import t_quantile

#: People whom each of the two groups needs before anything is said.
LEAST = 20

HIGHER, LOWER, SAME, FEW = VERDICTS = ("higher", "lower", "indistinguishable", "too_few")


@dataclass(frozen=True)
class Group:
    """People of whom something is known, and the mean of it over them."""

    n: int
    mean: float | None


@dataclass(frozen=True)
class Compared:
    """How much higher it is for `first` than for `second`, with a 95 % interval; None where there are too few."""

    verdict: str
    first: Group
    second: Group
    difference: float | None = None
    interval: tuple[float, float] | None = None


def means(trials: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Compared:
    """Compare values of each, `(first, second)` by trial: the regression on the group within trials."""
    first, second = (_group([value for trial in trials for value in trial[at]]) for at in (0, 1))
    both = [trial for trial in trials if trial[0] and trial[1]]
    weight = sum(_weight(len(a), len(b)) for a, b in both)
    people = sum(len(a) + len(b) for a, b in both)
    degrees = people - len(both) - 1
    if _are_few(first, second) or _are_few(*_of(both)) or degrees < 1:
        return Compared(FEW, first, second)
    difference = sum(_weight(len(a), len(b)) * (fmean(a) - fmean(b)) for a, b in both) / weight
    # What is left of the squares within trials once the group has explained its part.
    squares = sum(_squares([*a, *b]) for a, b in both) - difference**2 * weight
    error = math.sqrt(max(0.0, squares) / degrees / weight)
    return _told(first, second, difference, t_quantile(0.975, degrees) * error)


def shares(trials: Sequence[tuple[int, int, int, int]]) -> Compared:
    """Compare how many did something, `(did, n, did, n)` by trial, in percent: the risk difference of Mantel and
    Haenszel, with the error of Sato ("On the variance estimator for the Mantel-Haenszel risk difference", Biometrics
    45, 1989), which holds for many small trials and for few large ones.
    """
    first, second = (
        _share(sum(trial[at] for trial in trials), sum(trial[at + 1] for trial in trials)) for at in (0, 2)
    )
    both = [trial for trial in trials if trial[1] and trial[3]]
    counted = (Group(sum(n for _, n, _, _ in both), None), Group(sum(n for _, _, _, n in both), None))
    if _are_few(first, second) or _are_few(*counted):
        return Compared(FEW, first, second)
    weight = sum(_weight(n, m) for _, n, _, m in both)
    difference = sum((x * m - y * n) / (n + m) for x, n, y, m in both) / weight
    p = sum((n**2 * y - m**2 * x + n * m * (m - n) / 2) / (n + m) ** 2 for x, n, y, m in both)
    q = sum((x * (m - y) + y * (n - x)) / (2 * (n + m)) for x, n, y, m in both)
    error = math.sqrt(max(0.0, difference * p + q)) / weight
    return _told(first, second, 100 * difference, 100 * NormalDist().inv_cdf(0.975) * error)


# ------------------------------------------------------------------------------------------------------


def _group(values: Sequence[float]) -> Group:
    return Group(len(values), fmean(values) if values else None)


def _share(did: int, n: int) -> Group:
    return Group(n, 100 * did / n if n else None)


def _of(trials: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[Group, Group]:
    return Group(sum(len(a) for a, _ in trials), None), Group(sum(len(b) for _, b in trials), None)


def _are_few(first: Group, second: Group) -> bool:
    return min(first.n, second.n) < LEAST


def _weight(n: int, m: int) -> float:
    return n * m / (n + m)


def _squares(values: Sequence[float]) -> float:
    middle = fmean(values)
    return math.fsum((value - middle) ** 2 for value in values)


def _told(first: Group, second: Group, difference: float, margin: float) -> Compared:
    low, high = difference - margin, difference + margin
    # Where everybody did the same, no error can be seen. That does not mean that there is none.
    verdict = SAME if margin == 0 else HIGHER if low > 0 else LOWER if high < 0 else SAME
    return Compared(verdict, first, second, difference, (low, high))
