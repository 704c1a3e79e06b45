"""Whether a topic's share of the comments changed after something was shipped, more than topics do that nobody touched.

Shares are compared, never the topic's value: when a fix works, the few who still speak of it are the angriest. The
time before is long and holds the surge, because what is fixed is what has just risen; it would fall by itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, variance

from feedback.domain.statistics import t_quantile

#: Weeks before the one in which it was shipped that are looked at: at least, and at most.
BEFORE, MOST_BEFORE = 24, 26

#: Weeks after it.
AFTER, MOST_AFTER = 4, 8

#: How many untouched topics are needed to know what topics do by themselves, and how many comments each of them needs.
UNTOUCHED, COMMENTS = 8, 10

FELL, ROSE, SAME, EARLY, FEW = VERDICTS = (
    *("fell", "rose", "indistinguishable", "too_early", "too_few_untouched"),
)

#: The variance of a median, as a multiple of the variance of a mean (pi / 2).
_OF_A_MEDIAN = math.pi / 2


@dataclass(frozen=True)
class Counts:
    """Comments in a topic before and after."""

    before: int
    after: int


@dataclass(frozen=True)
class Effect:
    """What is to be said. Shares from 0 to 1; `change` and `interval`: the relative change beyond the untouched
    topics', -0.58 for a fall by 58 %; `rank`: 1 where it fell the most of all, of `untouched` + 1; `strip`: the
    relative change of each untouched topic, and `own` on the same scale, in which the middle one is 0."""

    verdict: str
    share_before: float | None
    share_after: float | None
    weeks_before: int
    weeks_after: int
    untouched: int
    change: float | None = None
    interval: tuple[float, float] | None = None
    rank: int | None = None
    strip: tuple[float, ...] = ()


def effect(
    own: Counts, others: Sequence[Counts], totals: Counts, weeks_before: int, weeks_after: int
) -> Effect:
    """The effect on a topic. `others`: topics that nobody shipped, merged, split or taught meanwhile; `totals`: all
    comments. The difference in differences of logarithms of shares, with what topics move by themselves in its error.
    """
    controls = [each for each in others if each.before + each.after >= COMMENTS]
    plain = Effect(
        EARLY,
        own.before / totals.before if totals.before else None,
        own.after / totals.after if totals.after else None,
        weeks_before,
        weeks_after,
        len(controls),
    )
    if weeks_after < AFTER or weeks_before < BEFORE or not totals.before or not totals.after:
        return plain
    if len(controls) < UNTOUCHED:
        return _with(plain, verdict=FEW)
    moves = [_move(each, totals) for each in controls]
    middle = median(moves)
    mean_error = fmean(_error(each) for each in controls)
    drift = max(0.0, variance(moves) - mean_error)
    error = math.sqrt(_error(own) + drift + _OF_A_MEDIAN * (drift + mean_error) / len(controls))
    moved = _move(own, totals) - middle
    # What topics move by themselves is known from these few alone, of which the small ones tell mostly of chance: so by
    # Student's t, as if they were half as many. With all of them it was wrong in up to 6.2 % of 2,000 trials.
    wide = t_quantile(0.975, max(1, len(controls) // 2))
    low, high = (math.exp(moved + sign * wide * error) - 1 for sign in (-1, 1))
    return _with(
        plain,
        verdict=FELL if high < 0 else ROSE if low > 0 else SAME,
        change=math.exp(moved) - 1,
        interval=(low, high),
        rank=1 + sum(each - middle < moved for each in moves),
        strip=tuple(sorted(math.exp(each - middle) - 1 for each in moves)),
    )


# ------------------------------------------------------------------------------------------------------


def _move(counts: Counts, totals: Counts) -> float:
    return math.log((counts.after + 0.5) / totals.after) - math.log((counts.before + 0.5) / totals.before)


def _error(counts: Counts) -> float:
    return 1 / (counts.after + 0.5) + 1 / (counts.before + 0.5)


def _with(plain: Effect, **more: object) -> Effect:
    return Effect(**{**vars(plain), **more})  # type: ignore[arg-type]
