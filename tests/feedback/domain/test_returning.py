"""Whether a topic came back: not by chance, and not by a little."""

import random

from feedback.domain.returning import BASELINE, came_back

QUIET = [(4, 400), (6, 410), (5, 390), (3, 400), (5, 420), (6, 380), (4, 400), (5, 400)]


def test_a_topic_comes_back_when_its_share_rises_for_good():
    assert len(QUIET) == BASELINE
    assert not came_back(QUIET)
    assert not came_back([*QUIET, (7, 400), (4, 400), (6, 400)])
    # More comments of everything are no more of this.
    assert not came_back([*QUIET, *[(50, 4000)] * 6])
    assert came_back([*QUIET, (15, 400), (16, 400), (14, 400)])
    # Weeks without any comment say nothing; one of which nobody spoke comes back too.
    assert came_back([(0, 0), *[(0, 400)] * 8, (0, 0), (6, 400), (7, 400), (8, 400)])
    assert not came_back([(0, 400)] * 7 + [(9, 400)])


def test_weeks_that_differ_anyway_seldom_say_so():
    draw = random.Random(20261129)
    false, seen = 0, 0
    for _ in range(300):
        weeks = [(sum(draw.random() < 0.02 for _ in range(200)), 200) for _ in range(34)]
        false += any(came_back(weeks[:end]) for end in range(9, 35))
        risen = [(sum(draw.random() < 0.06 for _ in range(200)), 200) for _ in range(6)]
        seen += came_back([*weeks[:8], *risen])
    assert false / 300 <= 0.15
    assert seen / 300 >= 0.9
