"""Which topics move the value, by how much and how surely, and what explains its change."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from feedback.domain import statistics
from feedback.domain.statistics import Counts, Interval
from surveys.domain.metrics.metric import Metric

LEAST = 10  # responses; with fewer nothing is said of a topic's impact


@dataclass(frozen=True)
class Impact:
    """What one topic does to the value, in points of the metric.

    `value` is that of the topic's own `n` responses and `share` (0–1) theirs of all; `impact` is the value over
    all less the value over all without them. Where they are fewer than `LEAST`, `impact` and `interval` are None.
    """

    n: int
    share: float
    value: float | None
    value_interval: Interval | None
    impact: float | None
    interval: Interval | None
    #: The chance of a difference as large between topic and rest where there is none (two-sided).
    p: float | None = None

    @property
    def spans_zero(self) -> bool | None:
        """Whether the impact may as well be none or of the other sign."""
        return None if self.interval is None else self.interval[0] <= 0 <= self.interval[1]

    @property
    def contribution(self) -> float:
        """Share times value, in points."""
        return self.share * (self.value or 0.0)


def impact(metric: Metric, everything: Counts, topic: Counts) -> Impact:
    """The impact of a topic, given how often each score was given in all and by the people who speak of the topic.

    The value over all is the mean of topic and rest, weighed by their shares. So the value over all less the value of
    the rest is the topic's share times (topic less rest). Its interval is the same share times the interval of topic
    less rest (Thematic, "How to measure the impact of themes on NPS").
    """
    return _impact(metric, everything, metric.value(metric.count_groups(everything)), topic)


def impacts(metric: Metric, everything: Counts, topics: Mapping[str, Counts]) -> dict[str, Impact]:
    """`impact` of each topic, the farthest from zero first, those without one last."""
    whole = metric.value(metric.count_groups(everything))
    found = {topic: _impact(metric, everything, whole, counts) for topic, counts in topics.items()}
    return dict(sorted(found.items(), key=lambda item: (-abs(item[1].impact or 0.0), -item[1].n, item[0])))


def parts(metric: Metric, everything: Counts, topics: Mapping[str, Counts]) -> dict[str, Impact]:
    """How large each topic is, and its value, and so its `contribution`; without interval and `p`."""
    total = sum(everything.values())
    found = {}
    for topic, counts in topics.items():
        groups = metric.count_groups(counts)
        n = sum(groups.values())
        share = min(1.0, n / total) if total else 0.0
        found[topic] = Impact(n, share, metric.value(groups), None, None, None)
    return found


# ------------------------------------------------------------------------------------------------------


def _impact(metric: Metric, everything: Counts, whole: float | None, topic: Counts) -> Impact:
    """`impact`, given the value of `everything`: a page tells it of hundreds of topics."""
    own = statistics.worth(metric, topic)
    total = sum(everything.values())
    share = min(1.0, own.n / total) if total else 0.0
    points = bounds = p = None
    if own.n >= LEAST:
        # Counts of two moments may not add up; what is left is never less than nobody.
        rest = {score: max(0, n - topic.get(score, 0)) for score, n in everything.items()}
        change, apart = statistics.difference_with_interval(metric, rest, topic)
        without = metric.value(metric.count_groups(rest))
        if apart is not None and without is not None and whole is not None:
            points = whole - without
            bounds = (share * apart[0], share * apart[1])
            p = math.erfc(abs(change.z or 0.0) / math.sqrt(2))
    return Impact(own.n, share, own.value, own.interval, points, bounds, p)
