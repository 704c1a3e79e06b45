"""A topic's impact is the value over all less the value without it, with an interval."""

import pytest

from feedback.domain import drivers, statistics
from surveys.domain.metrics import METRICS

NPS, CSAT = METRICS["nps"], METRICS["csat"]


def test_impact_is_value_less_value_without_the_topic():
    found = drivers.impact(NPS, {0: 20, 9: 80}, {0: 10})
    assert (found.n, found.share, found.value) == (10, 0.1, -100.0)
    assert found.impact == pytest.approx(60.0 - 100 * (80 - 10) / 90)
    assert found.contribution == pytest.approx(-10.0)
    assert found.spans_zero is False


def test_the_interval_is_the_topics_share_of_topic_against_rest():
    everything, topic = {1: 30, 5: 70}, {1: 12, 5: 8}
    found = drivers.impact(CSAT, everything, topic)
    _, (low, high) = statistics.difference_with_interval(CSAT, {1: 18, 5: 62}, topic)
    assert found.interval == (pytest.approx(0.2 * low), pytest.approx(0.2 * high))
    assert found.interval[0] <= found.impact <= found.interval[1]
    # Agresti and Caffo: 9/22 against 63/82, and 1.96 standard errors.
    assert (low, high) == (pytest.approx(-58.40, abs=0.01), pytest.approx(-13.44, abs=0.01))
    # 35.92 points are 3.13 standard errors of 11.47.
    assert found.p == pytest.approx(0.0017, abs=0.0001)


@pytest.mark.parametrize(("n", "shown"), [(9, False), (10, True)])
def test_impact_is_shown_from_ten_responses_on(n, shown):
    found = drivers.impact(NPS, {0: 10, 9: 90}, {0: n})
    assert (found.impact is not None, found.interval is not None) == (shown, shown)
    assert found.n == n


def test_a_topic_like_all_others_spans_zero():
    found = drivers.impact(NPS, {0: 50, 9: 50}, {0: 10, 9: 10})
    assert (found.spans_zero, found.p) == (True, pytest.approx(1.0))


def test_a_topic_that_everybody_names_moves_nothing_that_can_be_told():
    found = drivers.impact(NPS, {0: 10, 9: 10}, {0: 10, 9: 10})
    assert (found.impact, found.interval, found.spans_zero, found.value) == (None, None, None, 0.0)


def test_counts_of_two_moments_need_not_add_up():
    found = drivers.impact(NPS, {10: 9, 0: 1}, {10: 12})
    assert (found.n, found.share, found.impact) == (12, 1.0, pytest.approx(80.0 - -100.0))


def test_the_strongest_topic_comes_first_and_the_small_ones_last():
    everything = {0: 40, 9: 60}
    found = drivers.impacts(NPS, everything, {"few": {0: 5}, "good": {9: 12}, "bad": {0: 30}})
    assert list(found) == ["bad", "good", "few"]


def test_what_explains_a_change_is_the_part_of_the_impact_that_chance_has_nothing_to_do_with():
    everything, topics = {0: 40, 9: 60}, {"few": {0: 5}, "good": {9: 12}, "bad": {0: 30, 9: 2}}
    whole = drivers.impacts(NPS, everything, topics)
    found = drivers.parts(NPS, everything, topics)
    assert {name: (each.n, each.contribution) for name, each in found.items()} == {
        name: (each.n, each.contribution) for name, each in whole.items()
    }
    assert drivers.parts(NPS, {}, {"new": {}})["new"].contribution == 0.0
