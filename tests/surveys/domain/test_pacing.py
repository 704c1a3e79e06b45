"""The share of people to ask for about so many answers a week."""

import pytest

from surveys.domain.pacing import ENOUGH_ASKS, USUAL_RATE, Past, share

CASES = [
    # per week, days, eligible, asked, answered, share
    (10, 7, 0, 0, 0, None),
    (10, 7, 1000, 0, 0, 10 / (1000 * USUAL_RATE)),
    (10, 28, 4000, 0, 0, 10 / (1000 * USUAL_RATE)),
    (10, 7, 10, 0, 0, 1.0),
    (10, 7, 1000, 970, 485, 10 / (1000 * (485 + USUAL_RATE * ENOUGH_ASKS) / 1000)),
]


@pytest.mark.parametrize(("per_week", "days", "eligible", "asked", "answered", "expected"), CASES)
def test_the_share_follows_from_who_could_be_asked_and_who_answers(
    per_week, days, eligible, asked, answered, expected
):
    assert share(per_week, Past(days, eligible, asked, answered)) == pytest.approx(expected)


def test_a_lucky_start_hardly_moves_the_share():
    usual, lucky = (share(10, Past(7, 1000, asked, asked)) for asked in (0, 1))
    assert lucky == pytest.approx(usual, rel=0.2)
