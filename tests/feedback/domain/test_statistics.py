"""The tables of the scoring rules, their edges, and what holds for any counts."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback.domain import statistics
from surveys.domain.metrics import METRICS

NPS, CSAT = METRICS["nps"], METRICS["csat"]


def nps(positive: int, negative: int, n: int) -> dict[int, int]:
    return {9: positive, 0: negative, 7: n - positive - negative}


def csat(positive: int, n: int) -> dict[int, int]:
    return {4: positive, 2: n - positive}


# How long an example takes says nothing about what it shows.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
counts = st.integers(min_value=0, max_value=5_000)
every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


@pytest.mark.parametrize(
    ("metric", "counts_by_score", "value", "interval"),
    [
        (NPS, nps(6, 2, 10), 40, (-12.59, 74.12)),
        (NPS, nps(60, 20, 100), 40, (23.38, 54.29)),
        (NPS, nps(150, 60, 300), 30, (20.91, 38.50)),
        (NPS, nps(5, 0, 5), 100, (17.49, 100)),
        (NPS, nps(0, 5, 5), -100, (-100, -17.49)),
        (CSAT, csat(8, 10), 80, (49.02, 94.33)),
        (CSAT, csat(80, 100), 80, (71.12, 86.66)),
        (CSAT, csat(0, 5), 0, (0, 43.45)),
        (CSAT, csat(5, 5), 100, (56.55, 100)),
        (NPS, nps(1, 0, 1), 100, (-48.50, 100)),
        (NPS, nps(0, 0, 4), 0, (-34.29, 34.29)),
    ],
)
def test_a_value_comes_with_its_interval(metric, counts_by_score, value, interval):
    summary = statistics.summarise(metric, counts_by_score)
    assert summary.value == value
    assert summary.interval == pytest.approx(interval, abs=0.005)
    assert summary.confidence == 0.95


def test_a_summary_counts_every_group_even_the_empty_ones():
    summary = statistics.summarise(NPS, {10: 3, 9: 1, 7: 0})
    assert summary.n == 4
    assert summary.counts == {"detractor": 0, "passive": 0, "promoter": 4}


@every_metric
def test_without_answers_nothing_is_told(metric):
    summary = statistics.summarise(metric, {})
    assert summary.n == 0
    assert summary.value is summary.interval is summary.mean is summary.mean_interval is None


def test_one_answer_has_a_mean_but_no_interval_of_the_mean():
    summary = statistics.summarise(CSAT, {4: 1})
    assert (summary.mean, summary.mean_interval) == (4.0, None)
    assert summary.interval == pytest.approx((20.65, 100), abs=0.005)


def test_equal_answers_have_a_mean_without_spread():
    assert statistics.summarise(CSAT, {4: 9}).mean_interval == (4.0, 4.0)


def test_the_mean_interval_is_that_of_students_t():
    # 2, 4, 4, 4, 5: mean 3.8, s = sqrt(4.8 / 4), t(0.975, 4) = 2.776
    summary = statistics.summarise(CSAT, {2: 1, 4: 3, 5: 1})
    margin = 2.7764451 * math.sqrt(1.2 / 5)
    assert summary.mean == 3.8
    assert summary.mean_interval == pytest.approx((3.8 - margin, 3.8 + margin), abs=1e-6)


def test_more_confidence_gives_a_wider_interval():
    low, high = statistics.summarise(NPS, nps(60, 20, 100), confidence=0.99).interval
    assert low < 23.38
    assert high > 54.29


def test_a_score_off_the_scale_is_refused():
    with pytest.raises(ValueError, match="11 is not a score"):
        statistics.summarise(NPS, {11: 1})


# NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2 (three decimals) and its upper end, the normal.
@pytest.mark.parametrize(
    ("degrees", "at_0_95", "at_0_975", "at_0_995"),
    [
        (1, 6.314, 12.706, 63.657),
        (2, 2.920, 4.303, 9.925),
        (3, 2.353, 3.182, 5.841),
        (4, 2.132, 2.776, 4.604),
        (5, 2.015, 2.571, 4.032),
        (9, 1.833, 2.262, 3.250),
        (10, 1.812, 2.228, 3.169),
        (29, 1.699, 2.045, 2.756),
        (30, 1.697, 2.042, 2.750),
        (60, 1.671, 2.000, 2.660),
        (100, 1.660, 1.984, 2.626),
        (1_000_000_000, 1.645, 1.960, 2.576),
    ],
)
def test_students_quantile_agrees_with_the_printed_tables(degrees, at_0_95, at_0_975, at_0_995):
    quantiles = [statistics.t_quantile(p, degrees) for p in (0.95, 0.975, 0.995)]
    assert quantiles == pytest.approx([at_0_95, at_0_975, at_0_995], abs=0.0006)


@pytest.mark.parametrize("p", [0.5, 0.75, 0.975, 0.995, 0.9995])
def test_the_two_ways_to_students_quantile_meet_where_they_join(p):
    by_sums = [statistics.t_quantile(p, degrees) for degrees in (197, 198, 199)]
    by_expansion = statistics.t_quantile(p, 200)
    extrapolated = 3 * by_sums[2] - 3 * by_sums[1] + by_sums[0]
    assert by_expansion == pytest.approx(extrapolated, abs=1e-7)


@pytest.mark.parametrize(("p", "degrees"), [(0.4, 5), (1.0, 5), (0.975, 0)])
def test_students_quantile_refuses_what_it_cannot_tell(p, degrees):
    with pytest.raises(ValueError, match="needs"):
        statistics.t_quantile(p, degrees)


@pytest.mark.parametrize(
    ("metric", "before", "after", "points", "z", "distinguishable"),
    [
        (NPS, nps(150, 60, 300), nps(165, 50, 300), 8.333, 1.32, False),
        (NPS, nps(1500, 600, 3000), nps(1650, 500, 3000), 8.333, 4.20, True),
        (NPS, nps(1650, 500, 3000), nps(1500, 600, 3000), -8.333, -4.20, True),
        (CSAT, csat(80, 100), csat(90, 100), 10, 1.94, False),
        (CSAT, csat(800, 1000), csat(900, 1000), 10, 6.31, True),
        (CSAT, csat(5, 5), csat(5, 5), 0, 0, False),
    ],
)
def test_a_change_is_told_from_chance(metric, before, after, points, z, distinguishable):
    change = statistics.difference(metric, before, after)
    assert change.difference == pytest.approx(points, abs=0.001)
    assert change.z == pytest.approx(z, abs=0.005)
    assert change.distinguishable is distinguishable


@pytest.mark.parametrize(("before", "after"), [({}, {9: 4}), ({9: 4}, {}), ({}, {})])
def test_there_is_no_change_from_or_to_nothing(before, after):
    assert statistics.difference(NPS, before, after) == statistics.Change(None, None, False)


def test_a_change_never_speaks_against_the_values_shown():
    change = statistics.difference(NPS, {9: 1}, nps(9900, 0, 10_000))
    assert change.difference == -1
    assert change.z > 1.96
    assert not change.distinguishable


def test_ranks_are_bands_and_overlap_where_chance_could_have_ordered_them():
    bands = statistics.rank_bands(
        CSAT,
        {"ada": csat(95, 100), "bo": csat(92, 100), "cy": csat(60, 100), "di": csat(2, 3), "eve": {}},
    )
    assert bands == {"ada": (1, 3), "bo": (1, 3), "cy": (3, 4), "di": (1, 4), "eve": None}


def test_thousands_of_equal_entries_are_compared_once(monkeypatch):
    compared = []
    compare = statistics._compare
    monkeypatch.setattr(statistics, "_compare", lambda *pair: compared.append(pair) or compare(*pair))
    entries = {f"good {at}": csat(9, 10) for at in range(2000)} | {
        f"bad {at}": csat(1, 10) for at in range(1000)
    }
    bands = statistics.rank_bands(CSAT, entries)
    assert (bands["good 7"], bands["bad 7"]) == ((1, 2000), (2001, 3000))
    assert len(compared) == 1


def test_a_ranking_of_one_is_first_and_last():
    assert statistics.rank_bands(NPS, {"ada": {9: 1}}) == {"ada": (1, 1)}


@every_metric
@unhurried
@given(data=st.data())
def test_the_interval_contains_the_value_and_stays_on_the_scale(metric, data):
    by_score = data.draw(st.dictionaries(st.sampled_from(list(metric.scores)), counts))
    summary = statistics.summarise(metric, by_score)
    if summary.n:
        low, high = summary.interval
        lowest = -100 if metric.rule == "net" else 0
        assert lowest <= low <= summary.value <= high <= 100
    if summary.n > 1:
        low, high = summary.mean_interval
        assert low <= summary.mean <= high


@unhurried
@given(positive=counts, middle=counts, negative=st.integers(1, 5_000))
def test_mirrored_answers_mirror_the_net_interval(positive, middle, negative):
    n = positive + middle + negative
    low, high = statistics.nps_interval(positive, negative, n)
    assert statistics.nps_interval(negative, positive, n) == pytest.approx((-high, -low))


@unhurried
@given(positive=counts, negative=st.integers(1, 5_000))
def test_mirrored_answers_mirror_the_interval_of_a_share(positive, negative):
    n = positive + negative
    low, high = statistics.share_interval(positive, n)
    assert statistics.share_interval(negative, n) == pytest.approx((100 - high, 100 - low))


@unhurried
@given(before=st.tuples(counts, counts, counts), after=st.tuples(counts, counts, counts))
def test_a_change_read_backwards_is_the_opposite_change(before, after):
    before, after = ({0: b[0], 7: b[1], 10: b[2]} for b in (before, after))
    there = statistics.difference(NPS, before, after)
    back = statistics.difference(NPS, after, before)
    assert there.distinguishable == back.distinguishable
    if there.z is not None:
        assert there.z == pytest.approx(-back.z)
        assert there.difference == pytest.approx(-back.difference)
