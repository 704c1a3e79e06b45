"""Thumbs: down is 0, up is 1."""

from surveys.domain.metrics.metric import Group, Metric

THUMBS = Metric(
    key="thumbs",
    name="Thumbs",
    minimum=0,
    maximum=1,
    groups=(Group("down", 0, 0), Group("up", 1, 1)),
    rule="share",
    positive="up",
    scale="thumbs",
)
