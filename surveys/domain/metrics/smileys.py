"""Five faces from very unhappy to very happy, counted as the top-two box."""

from surveys.domain.metrics.metric import Group, Metric

SMILEYS = Metric(
    key="smileys",
    name="Smileys",
    minimum=1,
    maximum=5,
    groups=(Group("unhappy", 1, 2), Group("neutral", 3, 3), Group("happy", 4, 5)),
    rule="share",
    positive="happy",
    scale="faces",
)
