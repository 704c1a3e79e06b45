"""What a series does anyway: limits that widen with few answers and with weeks that differ by more than chance.

Laney's p' chart ("Improved control charts for attributes", Quality Engineering 14, 2002): binomial limits, stretched
by the variation between buckets as their moving ranges show it. A net score takes the variance of -1, 0 and 1.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surveys.domain.metrics.metric import Metric

#: So many buckets at the beginning say how a series behaves. Later ones are compared with them.
BASELINE = 26

#: With fewer buckets that have answers nothing is said.
LEAST = 8

#: The mean of the range of two draws from a normal distribution, in its standard deviations.
_D2 = 1.128

WIDTH = 3.0

Band = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Usual:
    """What a series does anyway: its `centre`, one answer's `deviation`, both in points, and how much more than that
    its buckets differ (`stretch`: 1 when they differ by chance alone).
    """

    centre: float
    deviation: float
    stretch: float

    def error(self, n: int) -> float:
        """How far `n` answers usually come from the centre, in points."""
        return self.stretch * self.deviation / math.sqrt(n)


def limits(
    metric: Metric, counts: Mapping[str, int], buckets: Sequence[tuple[float | None, int]]
) -> list[Band | None]:
    """For each bucket (value in points, answers) where its value lies when nothing changed; None where nothing is said.

    `counts` are the answers of the whole period by group, from which one answer's variance is taken.
    """
    baseline = [(value, n) for value, n in buckets if value is not None and n][:BASELINE]
    total = sum(counts.values())
    if len(baseline) < LEAST or not total:
        return [None] * len(buckets)
    one = _deviation(metric, counts, total)
    if not one:
        return [None] * len(buckets)
    found = usual(baseline, one)
    lowest = -100.0 if metric.negative is not None else 0.0
    drawn: list[Band | None] = []
    for _, n in buckets:
        if not n:
            drawn.append(None)
            continue
        margin = WIDTH * found.error(n)
        drawn.append((max(lowest, found.centre - margin), min(100.0, found.centre + margin)))
    return drawn


def usual(baseline: Sequence[tuple[float, int]], deviation: float) -> Usual:
    """What buckets (value in points, answers), of which each has some, do anyway. `deviation`: of one answer."""
    centre = sum(value * n for value, n in baseline) / sum(n for _, n in baseline)
    strange = [(value - centre) / (deviation / math.sqrt(n)) for value, n in baseline]
    ranges = [abs(after - before) for before, after in zip(strange, strange[1:], strict=False)]
    return Usual(centre, deviation, sum(ranges) / len(ranges) / _D2)


def deviation(positive: float, negative: float) -> float:
    """The standard deviation of one answer's part in a value, in points; the shares of both sides are 0 to 1."""
    return 100 * math.sqrt(max(0.0, positive + negative - (positive - negative) ** 2))


# ------------------------------------------------------------------------------------------------------


def _deviation(metric: Metric, counts: Mapping[str, int], total: int) -> float:
    """The standard deviation of one answer's part in the value, in points."""
    positive = counts.get(metric.positive, 0) / total
    negative = counts.get(metric.negative, 0) / total if metric.negative is not None else 0.0
    return deviation(positive, negative)
