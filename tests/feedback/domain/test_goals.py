"""What may be said of a goal."""

from datetime import date

import pytest

from feedback.domain import goals
from feedback.domain.goals import Level

START, DUE = date(2026, 1, 5), date(2026, 6, 29)


def level(low, high, n=100):
    return Level(n, (low + high) / 2, (low, high), 70.0)


@pytest.mark.parametrize(
    ("today", "baseline", "interval", "word"),
    [
        # The path leads from 20 to 40 in 25 weeks; on the 28th of April it is at 31 in the middle of the window.
        (date(2026, 4, 28), 20, (40, 60), "reached"),
        (date(2026, 4, 28), 20, (33, 45), "on_course"),
        (date(2026, 4, 28), 20, (25, 45), "cannot_tell"),
        (date(2026, 4, 28), 20, (5, 30), "behind"),
        (date(2026, 4, 28), 20, (5, 32), "cannot_tell"),
        # Nobody answered before, or since.
        (date(2026, 4, 28), None, (5, 30), "cannot_tell"),
        (date(2026, 4, 28), None, (41, 60), "reached"),
        (date(2026, 4, 28), 20, None, "cannot_tell"),
        # Too early: less than a week says nothing, and less than four weeks are no goal that is reached.
        (date(2026, 1, 8), 20, (50, 90), "cannot_tell"),
        (date(2026, 1, 20), 20, (50, 90), "on_course"),
        (date(2025, 12, 20), 20, (50, 90), "cannot_tell"),
        # After the end the last four weeks before it stand.
        (date(2027, 1, 1), 20, (40, 60), "reached"),
        (date(2027, 1, 1), 20, (39, 60), "on_course"),
    ],
)
def test_a_word_is_said_by_intervals_alone(today, baseline, interval, word):
    now = Level(0, None, None, 70.0) if interval is None else level(*interval)
    days = goals.window(START, DUE, today)
    assert goals.word(baseline, 40, START, DUE, days, now) == word


def test_the_window_is_four_weeks_within_the_goal():
    assert goals.window(START, DUE, date(2026, 4, 28)) == (date(2026, 4, 1), date(2026, 4, 29))
    assert goals.window(START, DUE, date(2026, 1, 6)) == (START, date(2026, 1, 7))
    assert goals.window(START, DUE, date(2027, 1, 6)) == (date(2026, 6, 1), DUE)


def test_the_path_is_straight_and_ends_where_it_is_due():
    ends = [goals.path(20, 40, START, DUE, day.toordinal()) for day in (START, DUE, date(2027, 1, 1))]
    assert ends == [20, 40, 40]
    assert goals.path(20, 40, START, DUE, (START.toordinal() + DUE.toordinal()) / 2) == pytest.approx(30)


def test_what_cannot_be_told_is_said_before():
    before = level(10, 30, n=910)
    found = goals.plan(before, 60, START, DUE)
    # 70 answers a week, and 280 in the four that judge it: 1.96 * 70 * sqrt(1 / 910 + 1 / 280).
    assert found.smallest == pytest.approx(9.376, abs=0.001)
    assert found.weeks == 1
    assert goals.plan(before, 26, START, DUE).weeks == 18
    # The answers of before are too few by themselves to tell so small a step.
    assert goals.plan(before, 24, START, DUE).weeks is None
    assert goals.plan(before, 20, START, DUE).weeks is None
    assert goals.plan(Level(0, None, None, 70.0), 40, START, DUE) == goals.Plan(None, None)
