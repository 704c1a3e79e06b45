"""Bounds for those who were asked and said nothing."""

import pytest

from feedback.domain import silence
from surveys.domain.metrics import METRICS


@pytest.mark.parametrize(
    ("metric", "scores", "answered", "sent", "expected"),
    [
        # Value 20; half are silent: like ten detractors -40, like ten promoters 60.
        ("nps", {0: 40, 10: 60}, 50, 100, (-40.0, 60.0)),
        # Nobody is silent.
        ("nps", {0: 40, 10: 60}, 100, 100, (20.0, 20.0)),
        # The least happy tenth is one detractor and one passive.
        ("nps", {3: 1, 8: 9, 9: 10}, 10, 20, (0.5 * 45 - 0.5 * 50, 0.5 * 45 + 0.5 * 100)),
        ("csat", {1: 10, 5: 90}, 25, 100, (0.25 * 90 + 0.75 * 0, 0.25 * 90 + 0.75 * 100)),
        ("nps", {}, 0, 10, None),
        ("nps", {9: 1}, 0, 0, None),
    ],
)
def test_bounds(metric, scores, answered, sent, expected):
    found = silence.bounds(METRICS[metric], scores, answered, sent)
    assert found == (pytest.approx(expected) if expected else None)
