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
    (found,) = surges.surges(now, before, (400, 400))
    assert found.topic == "parking"
    assert found.now == 60
    assert found.expected == pytest.approx(40.0)
    assert surges.surges({k: 3 * n for k, n in before.items()}, before, (1200, 400)) == []


def test_without_an_earlier_period_nothing_surges():
    assert surges.surges({"a": 50}, {}, (50, 0)) == []
    assert surges.surges({}, {"a": 50}, (0, 50)) == []


def test_comments_and_not_memberships_are_what_a_share_is_of():
    # Every comment is in three topics now and was in one before: "a" has the same half of all comments.
    now, before = {"a": 50, "b": 100, "c": 100, "d": 50}, {"a": 50, "b": 25, "c": 25}
    assert "a" not in {surge.topic for surge in surges.surges(now, before, (100, 100))}
    # Each comment is in one topic more, the new one: "a" did rise from a tenth to a fifth.
    now, before = {"a": 40, "b": 200}, {"a": 20, "b": 0}
    assert "a" in {surge.topic for surge in surges.surges(now, before, (200, 200))}


def test_counts_of_two_moments_need_not_add_up():
    assert surges.surges({"a": 12}, {"a": 3}, (10, 2)) == []
