"""What a series does anyway."""

import pytest

from feedback.domain import bands
from surveys.domain.metrics import METRICS

NPS, CSAT = METRICS["nps"], METRICS["csat"]
EVEN = {"promoter": 40, "passive": 30, "detractor": 30}


def test_limits_are_wide_where_answers_are_few_and_never_leave_the_scale():
    buckets = [(value, 100) for value in (10, 20, 5, 15, 12, 9, 18, 11)] + [(10, 10), (None, 0)]
    found = bands.limits(NPS, EVEN, buckets)
    assert found[-1] is None
    many, few = found[0], found[-2]
    assert few[1] - few[0] > many[1] - many[0]
    assert all(-100 <= low < high <= 100 for low, high in found[:-1])


def test_a_series_that_moves_more_than_chance_gets_a_wider_band():
    """Plain binomial limits flag everything once n is large; moving ranges say how far the truth wanders."""
    calm = bands.limits(NPS, EVEN, [(10 + (at % 2), 1000) for at in range(10)])
    wild = bands.limits(NPS, EVEN, [(10 + 20 * (at % 2), 1000) for at in range(10)])
    assert wild[0][1] - wild[0][0] > 5 * (calm[0][1] - calm[0][0])


def test_later_buckets_do_not_move_the_limits_that_they_are_held_against():
    first = [(50 + at % 3, 200) for at in range(bands.BASELINE)]
    counts = {"satisfied": 50, "dissatisfied": 50}
    assert (
        bands.limits(CSAT, counts, [*first, (90, 200)])[0]
        == bands.limits(CSAT, counts, [*first, (52, 200)])[0]
    )


@pytest.mark.parametrize(
    ("counts", "buckets"),
    [({}, []), (EVEN, [(10, 50)] * (bands.LEAST - 1)), ({"promoter": 90}, [(100, 10)] * 9)],
)
def test_nothing_is_said_of_a_series_that_says_nothing(counts, buckets):
    assert bands.limits(NPS, counts, buckets) == [None] * len(buckets)
