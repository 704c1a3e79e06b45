"""Whether people speak of something again that was shipped: more than they do since it was, by more than weeks differ.

A CUSUM on the scores of a p′ chart of the topic's weekly share of comments (Laney, "Improved control charts for
attributes", Quality Engineering 14, 2002), with a floor of practical size.
"""

import math
from collections.abc import Sequence
from statistics import fmean

#: Weeks after the fix that say what is usual since.
BASELINE = 8

#: What a score is worth beyond this is added up; from LIMIT on it is told.
DRIFT, LIMIT = 0.5, 6.0

#: The share of the last weeks is to be so many times what it was since the fix.
LAST, FLOOR = 4, 1.5

#: The mean of the range of two draws from a normal distribution, in its standard deviations.
_D2 = 1.128


def came_back(weeks: Sequence[tuple[int, int]]) -> bool:
    """Whether a topic came back. `weeks`: since the fix, oldest first, comments in the topic and all comments."""
    heard = [(n, every) for n, every in weeks if every]
    usual, later = heard[:BASELINE], heard[BASELINE:]
    if len(usual) < BASELINE or not later:
        return False
    total = sum(every for _, every in usual)
    # Half a comment is added, so that a topic of which nobody spoke has a share too.
    share = min(0.5, (sum(n for n, _ in usual) + 0.5) / total)

    def score(week: tuple[int, int]) -> float:
        n, every = week
        return (n / every - share) / math.sqrt(share * (1 - share) / every)

    scores = [score(week) for week in usual]
    ranges = [abs(after - before) for before, after in zip(scores, scores[1:], strict=False)]
    stretch = max(1.0, fmean(ranges) / _D2)
    added = 0.0
    for week in later:
        added = max(0.0, added + score(week) / stretch - DRIFT)
    last = heard[-LAST:]
    now = sum(n for n, _ in last) / sum(every for _, every in last)
    return added > LIMIT and now >= FLOOR * share
