"""How the points of each metric are drawn, and what a survey may choose instead."""

import pytest

from surveys import wording
from surveys.domain import scales
from surveys.domain.metrics import METRICS
from surveys.widget import drawings

#: By metric: its own scale, and those it may be given.
ALLOWED = {
    "nps": ("numbers", {"numbers"}),
    "enps": ("numbers", {"numbers"}),
    "ces": ("numbers", {"numbers", "words"}),
    "csat": ("faces", {"faces", "numbers", "words"}),
    "smileys": ("faces", {"faces", "numbers", "words"}),
    "stars": ("stars", {"faces", "numbers", "words"}),
    "thumbs": ("thumbs", {"words"}),
    "pmf": ("words", {"numbers", "words"}),
}


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_has_its_scale_and_takes_another_that_fits(metric):
    own, allowed = ALLOWED[metric]
    metric = METRICS[metric]
    assert scales.of(metric) == scales.of(metric, "none of these") == scales.of(metric, ["faces"]) == own
    for choice in scales.CHOICES:
        assert (scales.objection(metric, choice) is None) == (choice in allowed)
        assert scales.of(metric, choice) == (choice if choice in allowed else own)


def test_a_scale_has_a_drawing_or_a_label_for_every_point():
    for metric in METRICS.values():
        for scale in (scales.of(metric), *(c for c in scales.CHOICES if scales.objection(metric, c) is None)):
            if scale == "words":
                assert all(
                    set(wording.labels(tag, metric.key)) == set(metric.scores) for tag in wording.LANGUAGES
                )
            elif scale != "numbers":
                assert len(drawings.paths(scale)) == len(metric.scores)
