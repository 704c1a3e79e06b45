"""The effect of a fix on a topic's share: what it says, what it does not, and how often it would be wrong."""

import numpy as np
import pytest

from feedback.domain import cards, effects
from feedback.domain.effects import Counts, effect

TOTALS = Counts(26 * 400, 8 * 400)


def untouched(n, before=260, after=80):
    """Topics that moved a little this way and that."""
    return [Counts(before + 10 * (each % 3 - 1), after - 4 * (each % 5 - 2)) for each in range(n)]


def test_a_fall_beyond_what_others_do_is_told_and_no_cause():
    found = effect(Counts(900, 100), untouched(29), TOTALS, 26, 8)
    assert (found.verdict, found.rank, found.untouched) == (effects.FELL, 1, 29)
    assert found.interval[0] < found.change < found.interval[1] < 0
    assert len(found.strip) == 29
    assert cards.sentence(found).startswith("Its share fell by 6")
    assert cards.placed(found) == "It fell more than 29 of 29 untouched topics."
    rose = effect(Counts(300, 300), untouched(29), TOTALS, 26, 8)
    assert (rose.verdict, rose.rank) == (effects.ROSE, 30)
    same = effect(Counts(260, 78), untouched(29), TOTALS, 26, 8)
    assert cards.sentence(same) == "No effect can be told apart."
    for each in (found, rose, same):
        assert "cause" not in cards.sentence(each) + cards.strip(each, "Login <b>")
    assert "Login &lt;b&gt;" in cards.strip(found, "Login <b>")


@pytest.mark.parametrize(
    ("others", "before", "after", "verdict", "words"),
    [
        (29, 26, 3, effects.EARLY, "4 weeks are needed, and 3 are over"),
        (29, 23, 8, effects.EARLY, "24 weeks before it are needed, and 23 are known"),
        (7, 26, 8, effects.FEW, "8 are needed to compare with, and there are 7"),
        (8, 24, 4, effects.FELL, "fell by"),
    ],
)
def test_too_early_and_too_few_untouched_are_answers(others, before, after, verdict, words):
    found = effect(Counts(900, 60), untouched(others), TOTALS, before, after)
    assert found.verdict == verdict
    assert words in cards.sentence(found)
    if verdict in (effects.EARLY, effects.FEW):
        assert (found.change, found.interval, found.rank, found.strip) == (None, None, None, ())
        # Counts stand there all the same.
        assert found.share_before > found.share_after > 0


def test_topics_that_hardly_anybody_speaks_of_are_no_measure():
    found = effect(Counts(900, 100), [*untouched(8), Counts(5, 4), Counts(0, 0)], TOTALS, 26, 8)
    assert found.untouched == 8
    assert effect(Counts(0, 0), untouched(8), Counts(0, 0), 26, 8).verdict == effects.EARLY
    # Nobody speaks of it any more: told apart, and nothing is divided by nothing.
    assert effect(Counts(900, 0), untouched(8), TOTALS, 26, 8).verdict == effects.FELL


@pytest.mark.prove
@pytest.mark.timeout(0)
def test_the_card_is_seldom_wrong_and_sees_what_is_large():
    """2,000 fixes each: 30 topics, 400 comments a week, each topic's share wanders by itself (sd 0.20 a window of eight
    weeks). Where the topic rose most before its fix, a short baseline would be wrong in one of five."""
    rng = np.random.default_rng(20261129)
    share = 1 / np.arange(1, 31) ** 0.7
    share *= 0.9 / share.sum()
    wrong, wrong_of_risen, seen = 0, 0, 0
    for _ in range(2000):
        windows = share * np.exp(rng.normal(0, 0.20, size=(4, 30))) * 400 * 8
        counts = rng.poisson(windows)
        own = int(rng.integers(30))
        risen = int(np.argmax(np.log(counts[2] + 0.5) - np.log(counts[:2].sum(0) + 0.5)))
        wrong += _verdict(counts, own) in (effects.FELL, effects.ROSE)
        wrong_of_risen += _verdict(counts, risen) in (effects.FELL, effects.ROSE)
        counts[3, own] = rng.poisson(0.4 * windows[3, own])
        seen += _verdict(counts, own) == effects.FELL
    figures = [f"{each / 2000:.1%}" for each in (wrong, wrong_of_risen, seen)]
    print("wrong {}, of those that rose most {}, a fall to 0.4 seen {}".format(*figures))
    assert wrong / 2000 <= 0.06
    assert wrong_of_risen / 2000 <= 0.06
    assert seen / 2000 >= 0.65


def _verdict(counts, own):
    before, after = counts[:3].sum(0), counts[3]
    pairs = [Counts(int(b), int(a)) for b, a in zip(before, after, strict=True)]
    others = [each for place, each in enumerate(pairs) if place != own]
    return effect(pairs[own], others, Counts(400 * 24, 400 * 8), 24, 8).verdict
