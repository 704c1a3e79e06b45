"""Net Promoter Score (Reichheld, "The One Number You Need to Grow", Harvard Business Review, 2003)."""

from surveys.domain.metrics.metric import Group, Metric

NPS = Metric(
    key="nps",
    name="Net Promoter Score",
    minimum=0,
    maximum=10,
    groups=(Group("detractor", 0, 6), Group("passive", 7, 8), Group("promoter", 9, 10)),
    rule="net",
    positive="promoter",
    negative="detractor",
    wait_after_answer_days=90,
)
