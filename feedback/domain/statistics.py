"""From counts per score to numbers with intervals, real changes and honest rankings."""

import math
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TypeVar

from surveys.domain.metrics.metric import Metric

CONFIDENCE = 0.95
DISTINGUISHABLE_Z = 1.96

Interval = tuple[float, float]
Counts = Mapping[int, int]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a set of responses comes to. `counts` is per group; what cannot be told is None, never 0."""

    n: int
    counts: dict[str, int]
    value: float | None
    interval: Interval | None
    confidence: float
    mean: float | None
    mean_interval: Interval | None


@dataclass(frozen=True, slots=True)
class Worth:
    """What a set of responses comes to, without all that stands beside it; None without answers."""

    n: int
    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Change:
    """How far two values are apart, in points of the metric; None and not distinguishable without answers."""

    difference: float | None
    z: float | None
    distinguishable: bool


def summarise(metric: Metric, counts_by_score: Counts, confidence: float = CONFIDENCE) -> Summary:
    """Value and mean of the responses counted per score, each with its interval.

    Values are unrounded, in the metric's points (-100 to 100 or 0 to 100); the mean is in scores.
    Raises ValueError for a score off the metric's scale.
    """
    groups = metric.count_groups(counts_by_score)
    n = sum(groups.values())
    mean, mean_interval = mean_with_interval(counts_by_score, confidence)
    return Summary(
        n=n,
        counts=groups,
        value=metric.value(groups),
        interval=_interval(metric, groups, confidence),
        confidence=confidence,
        mean=mean,
        mean_interval=mean_interval,
    )


def worth(metric: Metric, counts_by_score: Counts, confidence: float = CONFIDENCE) -> Worth:
    """The value of `summarise` and its interval, for those who want no mean."""
    groups = metric.count_groups(counts_by_score)
    return Worth(sum(groups.values()), metric.value(groups), _interval(metric, groups, confidence))


def difference(metric: Metric, counts_before: Counts, counts_after: Counts) -> Change:
    """Value after less value before, and whether chance alone would hardly make such a difference.

    `z` compares the adjusted shares of both sides: those of `nps_interval` for a net metric, one success
    and one failure added to each side for a share (Agresti and Caffo, The American Statistician 54, 2000).
    """
    return _compare(_estimate(metric, counts_before), _estimate(metric, counts_after))


def difference_with_interval(
    metric: Metric, counts_before: Counts, counts_after: Counts, confidence: float = CONFIDENCE
) -> tuple[Change, Interval | None]:
    """`difference`, and the interval of value after less value before, in points; None without answers on either side.

    The adjusted shares of `difference` and the root of their summed squared errors, widened to contain the
    difference itself.
    """
    before, after = _estimate(metric, counts_before), _estimate(metric, counts_after)
    if before is None or after is None:
        return _compare(before, after), None
    centre = 100 * (after.adjusted - before.adjusted)
    margin = 100 * _z(confidence) * math.hypot(before.error, after.error)
    points = after.value - before.value
    return _compare(before, after), (min(centre - margin, points), max(centre + margin, points))


def rank_bands(metric: Metric, counts_by_entry: Mapping[Key, Counts]) -> dict[Key, tuple[int, int] | None]:
    """For each entry of a ranking the best and the worst rank it may hold, the first being 1.

    Of k entries with answers: from 1 + the number distinguishably better to k less the number
    distinguishably worse. An entry without answers has no band and is not one of the k.
    """
    ranked: dict[Key, _Estimate] = {}
    for key, counts in counts_by_entry.items():
        estimate = _estimate(metric, counts)
        if estimate is not None:
            ranked[key] = estimate
    # Entries of equal counts stand alike, and of thousands most are: each pair of kinds is compared once.
    alike = Counter(ranked.values())
    kinds = sorted(alike, key=lambda kind: kind.value)
    better, worse = Counter[_Estimate](), Counter[_Estimate]()
    for at, low in enumerate(kinds):
        for high in kinds[at + 1 :]:
            if _compare(low, high).distinguishable:
                better[low] += alike[high]
                worse[high] += alike[low]
    bands: dict[Key, tuple[int, int] | None] = dict.fromkeys(counts_by_entry)
    bands |= {key: (1 + better[own], len(ranked) - worse[own]) for key, own in ranked.items()}
    return bands


def nps_interval(positive: int, negative: int, n: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Adjusted Wald interval of a net score, in points from -100 to 100; None without answers.

    Three quarters are added to positives and negatives and three to n (Rocks, "Interval Estimation for the
    Net Promoter Score", The American Statistician 70, 2016); clipped, then widened to contain the value.
    """
    if n == 0:
        return None
    centre, error = _adjusted_net(positive, negative, n)
    margin = _z(confidence) * error
    value = 100 * (positive - negative) / n
    return _within(100 * (centre - margin), 100 * (centre + margin), value, lowest=-100.0)


def share_interval(positive: int, n: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Wilson score interval of a share, in percent; None without answers.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.
    """
    if n == 0:
        return None
    z = _z(confidence)
    p = positive / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    margin = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return _within(100 * (centre - margin), 100 * (centre + margin), 100 * positive / n, lowest=0.0)


def mean_with_interval(
    counts_by_score: Counts, confidence: float = CONFIDENCE
) -> tuple[float | None, Interval | None]:
    """Mean score and its t interval (not clipped to the scale); no interval below two answers."""
    n = sum(counts_by_score.values())
    if n == 0:
        return None, None
    mean = sum(score * count for score, count in counts_by_score.items()) / n
    if n == 1:
        return mean, None
    squares = math.fsum(count * (score - mean) ** 2 for score, count in counts_by_score.items())
    margin = t_quantile((1 + confidence) / 2, n - 1) * math.sqrt(squares / (n - 1) / n)
    return mean, (mean - margin, mean + margin)


@lru_cache(maxsize=1024)
def t_quantile(p: float, degrees: int) -> float:
    """The quantile of Student's t distribution for a probability from 0.5 up and whole degrees of freedom.

    From 200 degrees on by the expansion 26.7.5 of Abramowitz and Stegun ("Handbook of Mathematical Functions", 1964),
    whose error is then below 1e-9. Under that by their finite sums 26.7.3 and 26.7.4, inverted by Newton's method.
    Newton starts at the normal quantile, which lies below the one sought; the distribution function is concave there,
    so each step rises towards the quantile and none overshoots.
    """
    if not 0.5 <= p < 1 or degrees < 1:
        raise ValueError("t_quantile needs 0.5 <= p < 1 and at least one degree of freedom")
    x = NormalDist().inv_cdf(p)
    if degrees >= 200:
        return _t_expansion(x, degrees)
    log_scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
    scale = math.exp(log_scale) / math.sqrt(degrees * math.pi)
    for _ in range(200):
        density = scale * (1 + x * x / degrees) ** (-(degrees + 1) / 2)
        step = (p - (1 + _t_within(x, degrees)) / 2) / density
        x += step
        if step <= 1e-12 * x:
            break
    return x


@dataclass(frozen=True, slots=True)
class _Estimate:
    """A value with the adjusted share and standard error that comparisons use."""

    value: float
    adjusted: float
    error: float


def _estimate(metric: Metric, counts_by_score: Counts) -> _Estimate | None:
    groups = metric.count_groups(counts_by_score)
    value = metric.value(groups)
    if value is None:
        return None
    n = sum(groups.values())
    if metric.negative is not None:
        adjusted, error = _adjusted_net(groups[metric.positive], groups[metric.negative], n)
    else:
        adjusted = (groups[metric.positive] + 1) / (n + 2)
        error = math.sqrt(adjusted * (1 - adjusted) / (n + 2))
    return _Estimate(value, adjusted, error)


def _compare(before: _Estimate | None, after: _Estimate | None) -> Change:
    if before is None or after is None:
        return Change(None, None, False)
    points = after.value - before.value
    z = (after.adjusted - before.adjusted) / math.hypot(before.error, after.error)
    # Adjusting pulls a handful of answers so far to the middle that the sign can turn (one promoter of one
    # against 99 of 100): such a z speaks for no change in the values that are shown.
    return Change(points, z, abs(z) >= DISTINGUISHABLE_Z and points * z > 0)


def _interval(metric: Metric, groups: Mapping[str, int], confidence: float) -> Interval | None:
    n = sum(groups.values())
    if metric.negative is not None:
        return nps_interval(groups[metric.positive], groups[metric.negative], n, confidence)
    return share_interval(groups[metric.positive], n, confidence)


def _adjusted_net(positive: int, negative: int, n: int) -> tuple[float, float]:
    """Net share and its standard error with the three answers of Rocks added, both as fractions."""
    p = (positive + 0.75) / (n + 3)
    d = (negative + 0.75) / (n + 3)
    return p - d, math.sqrt((p + d - (p - d) ** 2) / (n + 3))


def _within(low: float, high: float, value: float, lowest: float) -> Interval:
    return min(max(low, lowest), value), max(min(high, 100.0), value)


@lru_cache(maxsize=16)
def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _t_within(t: float, degrees: int) -> float:
    """P(|T| < t), by 26.7.3 (odd degrees of freedom) and 26.7.4 (even)."""
    theta = math.atan(t / math.sqrt(degrees))
    cosine = math.cos(theta)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(1 + odd, degrees, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    if odd:
        return 2 / math.pi * (theta + math.sin(theta) * total)
    return math.sin(theta) * total


def _t_expansion(x: float, degrees: int) -> float:
    """26.7.5: Student's quantile from the normal quantile x."""
    g1 = (x**3 + x) / 4
    g2 = (5 * x**5 + 16 * x**3 + 3 * x) / 96
    g3 = (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384
    g4 = (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160
    return x + g1 / degrees + g2 / degrees**2 + g3 / degrees**3 + g4 / degrees**4
