"""Employee Net Promoter Score: the question and arithmetic of NPS, asked about a place of work."""

from surveys.domain.metrics.metric import Group, Metric

ENPS = Metric(
    key="enps",
    name="Employee Net Promoter Score",
    minimum=0,
    maximum=10,
    groups=(Group("detractor", 0, 6), Group("passive", 7, 8), Group("promoter", 9, 10)),
    rule="net",
    positive="promoter",
    negative="detractor",
    wait_after_answer_days=90,
)
