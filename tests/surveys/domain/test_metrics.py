"""Scales, groups and values of every metric."""

import pytest

from surveys.domain.metrics import METRICS

GROUPS = {
    "nps": [*["detractor"] * 7, "passive", "passive", "promoter", "promoter"],
    "enps": [*["detractor"] * 7, "passive", "passive", "promoter", "promoter"],
    "csat": ["dissatisfied"] * 3 + ["satisfied"] * 2,
    "ces": ["difficult"] * 3 + ["neutral"] + ["easy"] * 3,
    "thumbs": ["down", "up"],
    "stars": ["low", "low", "middle", "high", "high"],
    "smileys": ["unhappy", "unhappy", "neutral", "happy", "happy"],
    "pmf": ["not_disappointed", "somewhat_disappointed", "very_disappointed"],
}

every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


def test_every_metric_has_its_row_of_groups_here():
    assert METRICS.keys() == GROUPS.keys()


@every_metric
def test_every_score_falls_into_its_group(metric):
    assert [metric.group_of(score) for score in metric.scores] == GROUPS[metric.key]


@every_metric
def test_the_groups_cover_the_scale_from_low_to_high_without_overlap(metric):
    covered = [score for group in metric.groups for score in range(group.low, group.high + 1)]
    assert covered == list(metric.scores)


@every_metric
def test_a_net_metric_and_only_a_net_metric_has_a_negative_group(metric):
    keys = [group.key for group in metric.groups]
    assert metric.positive in keys
    assert (metric.rule == "net") == (metric.negative in keys)


@every_metric
def test_a_score_off_the_scale_or_not_whole_is_refused(metric):
    for score in (metric.minimum - 1, metric.maximum + 1, 1.0, "1", True, None):
        assert not metric.accepts(score)
        with pytest.raises(ValueError, match="is not a score of"):
            metric.group_of(score)


@every_metric
def test_nobody_having_answered_is_no_value(metric):
    assert metric.value({}) is None
    assert metric.value(metric.count_groups({})) is None


@pytest.mark.parametrize(
    ("key", "counts_by_score", "value"),
    [
        ("nps", {10: 60, 8: 20, 0: 20}, 40.0),
        ("nps", {9: 1}, 100.0),
        ("nps", {6: 1}, -100.0),
        ("nps", {7: 3, 8: 2}, 0.0),
        ("csat", {5: 50, 4: 30, 3: 20}, 80.0),
        ("csat", {3: 4}, 0.0),
        ("ces", {7: 1, 4: 1, 1: 1}, 100 / 3),
        ("thumbs", {1: 3, 0: 1}, 75.0),
        ("stars", {5: 1, 3: 1}, 50.0),
        ("smileys", {4: 1, 1: 3}, 25.0),
        ("pmf", {3: 40, 2: 30, 1: 30}, 40.0),
        ("enps", {10: 1, 0: 3}, -50.0),
    ],
)
def test_counts_come_to_the_value_of_their_rule(key, counts_by_score, value):
    metric = METRICS[key]
    assert metric.value(metric.count_groups(counts_by_score)) == value


@pytest.mark.parametrize(("key", "days"), [("nps", 90), ("enps", 90), ("csat", 7), ("ces", 7), ("thumbs", 7)])
def test_a_relationship_question_waits_longer_than_a_transactional_one(key, days):
    assert METRICS[key].wait_after_answer_days == days


@pytest.mark.parametrize(
    ("key", "tones"),
    [
        ("nps", {"detractor": "low", "passive": "middle", "promoter": "high"}),
        ("csat", {"dissatisfied": "low", "satisfied": "high"}),
        ("thumbs", {"down": "low", "up": "high"}),
    ],
)
def test_the_tone_of_a_text_follows_the_groups_place_on_the_scale(key, tones):
    assert {group.key: METRICS[key].tone_of(group.key) for group in METRICS[key].groups} == tones


def test_a_group_of_another_metric_has_no_tone():
    with pytest.raises(ValueError, match="'easy' is not a group of"):
        METRICS["nps"].tone_of("easy")
