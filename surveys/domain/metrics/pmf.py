"""Product-market fit: who would be very disappointed without the product (Ellis, "Hacking Growth", 2017).

Ellis takes 40 % very disappointed as the mark of a product that has found its market.
"""

from surveys.domain.metrics.metric import Group, Metric

PMF = Metric(
    key="pmf",
    name="Product-Market Fit",
    minimum=1,
    maximum=3,
    groups=(
        Group("not_disappointed", 1, 1),
        Group("somewhat_disappointed", 2, 2),
        Group("very_disappointed", 3, 3),
    ),
    rule="share",
    positive="very_disappointed",
    scale="words",
)
