"""Surges are real before they are shown."""

import pytest

from feedback.domain import surges


@pytest.mark.parametrize(
    ("drawn", "marked", "draws", "total", "p"),
    [
        (0, 5, 5, 20, 1.0),
        (3, 4, 5, 10, 66 / 252),  # C(4,3)·C(6,2) + C(4,4)·C(6,1) = 60 + 6 of C(10,5) = 252
        (2, 2, 2, 4, 1 / 6),
    ],
)
def test_the_tail_of_the_hypergeometric_is_exact(drawn, marked, draws, total, p):
    assert surges.at_least(drawn, marked, draws, total) == pytest.approx(p)


def test_discoveries_follow_benjamini_and_hochberg():
    p = [0.01, 0.04, 0.03, 0.005, 0.55, 0.02]
    assert surges.discoveries(p, 0.05) == [True, True, True, True, False, True]
    assert surges.discoveries([0.04] * 1 + [0.9] * 9, 0.05) == [False] * 10
    assert surges.discoveries([], 0.05) == []


def test_a_topic_that_triples_is_a_surge_and_one_that_grows_with_all_is_none():
    before = {"parking": 20, "staff": 200, "food": 180}
    now = {"parking": 60, "staff": 180, "food": 160}
    (found,) = surges.surges(now, before)
    assert found.topic == "parking"
    assert found.now == 60
    assert found.expected == pytest.approx(40.0)
    assert surges.surges({k: 3 * n for k, n in before.items()}, before) == []


def test_without_an_earlier_period_nothing_surges():
    assert surges.surges({"a": 50}, {}) == []
    assert surges.surges({}, {"a": 50}) == []
