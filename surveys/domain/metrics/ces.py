"""Customer Effort Score 2.0 (CEB, 2013, now Gartner): seven points of agreement that it was easy."""

from surveys.domain.metrics.metric import Group, Metric

CES = Metric(
    key="ces",
    name="Customer Effort Score",
    minimum=1,
    maximum=7,
    groups=(Group("difficult", 1, 3), Group("neutral", 4, 4), Group("easy", 5, 7)),
    rule="share",
    positive="easy",
)
