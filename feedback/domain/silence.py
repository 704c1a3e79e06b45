"""What the value would be if everybody who was asked had answered: bounds that assume nothing of the silent.

Manski, "Nonparametric Bounds on Treatment Effects", American Economic Review 80, 1990. A tenth of the answers stands
in for the ends of the scale, since no company's customers all stand at one end.
"""

import math
from collections.abc import Mapping

from surveys.domain.metrics.metric import Metric

#: The silent are taken to be like this share of those who answered.
PART = 0.1


def bounds(
    metric: Metric, counts_by_score: Mapping[int, int], answered: int, sent: int
) -> tuple[float, float] | None:
    """The value if all the silent were like the least happy tenth of the answers, and if like the happiest.

    In the metric's points; None where nobody was asked, or nobody answered.
    """
    n = sum(counts_by_score.values())
    if not n or not sent or answered > sent:
        return None
    value = metric.value(metric.count_groups(counts_by_score))
    low, high = (
        metric.value(metric.count_groups(_first(counts_by_score, math.ceil(n * PART), down)))
        for down in (False, True)
    )
    if value is None or low is None or high is None:
        return None
    spoke = answered / sent
    return spoke * value + (1 - spoke) * low, spoke * value + (1 - spoke) * high


def _first(counts: Mapping[int, int], n: int, down: bool) -> dict[int, int]:
    """The `n` answers with the lowest scores, or the highest."""
    found: dict[int, int] = {}
    for score in sorted(counts, reverse=down):
        found[score] = min(counts[score], n)
        n -= found[score]
    return {score: times for score, times in found.items() if times}
