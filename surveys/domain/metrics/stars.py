"""Star rating from one to five, counted as the top-two box."""

from surveys.domain.metrics.metric import Group, Metric

STARS = Metric(
    key="stars",
    name="Stars",
    minimum=1,
    maximum=5,
    groups=(Group("low", 1, 2), Group("middle", 3, 3), Group("high", 4, 5)),
    rule="share",
    positive="high",
    scale="stars",
)
