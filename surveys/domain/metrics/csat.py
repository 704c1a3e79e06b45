"""Customer Satisfaction on five labelled points, counted as the top-two box."""

from surveys.domain.metrics.metric import Group, Metric

CSAT = Metric(
    key="csat",
    name="Customer Satisfaction",
    minimum=1,
    maximum=5,
    groups=(Group("dissatisfied", 1, 3), Group("satisfied", 4, 5)),
    rule="share",
    positive="satisfied",
    scale="faces",
)
