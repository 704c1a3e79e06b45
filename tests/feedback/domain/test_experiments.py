"""Told against not told: the difference within each trial, its interval, and what too few people tell."""

import random

import pytest

from feedback.domain import experiments
from feedback.domain.experiments import means, shares


def test_the_difference_is_taken_within_each_trial():
    # In the second trial all are happier and half are held out; over all together, telling would seem to harm.
    first = ([10.0, 30.0] * 45, [0.0, 20.0] * 5)
    second = ([80.0, 100.0] * 10, [70.0, 90.0] * 10)
    found = means([first, second])
    assert found.difference == pytest.approx(10)
    assert (found.first.n, found.second.n) == (110, 30)
    assert found.first.mean < found.second.mean
    assert found.interval[0] < 10 < found.interval[1]
    rates = shares([(18, 90, 1, 10), (18, 20, 16, 20)])
    # Weights 9 and 10: (9 * 10 % + 10 * 10 %) / 19.
    assert rates.difference == pytest.approx(10)
    assert (rates.first.mean, rates.second.mean) == (
        pytest.approx(100 * 36 / 110),
        pytest.approx(100 * 17 / 30),
    )


def test_one_trial_is_the_plain_comparison():
    found = means([([0.0, 100.0] * 20, [0.0] * 20 + [100.0] * 10)])
    assert found.difference == pytest.approx(50 - 100 / 3)
    # The pooled t interval: degrees 68, squares 40 * 2500 + 20 * (100 / 3)**2 + 10 * (200 / 3)**2.
    margin = (
        1.995469 * ((40 * 2500 + 20 * (100 / 3) ** 2 + 10 * (200 / 3) ** 2) / 68 * (1 / 40 + 1 / 30)) ** 0.5
    )
    assert found.interval == pytest.approx((50 / 3 - margin, 50 / 3 + margin), abs=1e-4)
    rates = shares([(300, 600, 200, 600)])
    # Of one large trial Sato's error is the plain one: sqrt(p (1 - p) / n + q (1 - q) / m).
    margin = 100 * 1.959964 * (0.25 / 600 + (1 / 3) * (2 / 3) / 600) ** 0.5
    assert rates.verdict == experiments.HIGHER
    assert rates.interval == pytest.approx((50 / 3 - margin, 50 / 3 + margin), abs=0.01)


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [([50.0] * 400, [50.0] * 19)],
        # Those of a trial without the other group tell nothing of a difference.
        [([50.0] * 30, [50.0] * 19), ([], [50.0] * 5)],
    ],
)
def test_too_few_is_an_answer(trials):
    found = means(trials)
    rates = shares([(len(a) // 2, len(a), len(b) // 2, len(b)) for a, b in trials])
    for each in (found, rates):
        assert (each.verdict, each.difference, each.interval) == (experiments.FEW, None, None)
        assert each.second.n == sum(len(b) for _, b in trials)


def test_where_everybody_does_the_same_nothing_is_told_apart():
    assert means([([100.0] * 30, [100.0] * 30)]).verdict == experiments.SAME
    assert means([([100.0] * 30, [0.0] * 30)]).verdict == experiments.SAME
    assert shares([(30, 30, 30, 30)]).verdict == experiments.SAME


@pytest.mark.prove
@pytest.mark.timeout(0)
def test_it_is_seldom_wrong_with_many_small_trials():
    """2,000 times 20 loops of 3 to 60 people of which a tenth is held out; people of different loops differ a lot."""
    draw, wrong, seen = random.Random(20261129), [0, 0], [0, 0]
    for _ in range(2000):
        for place, effect in ((wrong, 0.0), (seen, 0.25)):
            scores, counts = [], []
            for _ in range(20):
                level, groups, did = draw.uniform(0.1, 0.7), ([], []), [0, 0, 0, 0]
                for _ in range(draw.randint(3, 60)):
                    out = draw.random() < 0.1
                    chance = level + (0 if out else effect)
                    groups[out].append(10.0 * sum(draw.random() < chance for _ in range(10)))
                    did[2 * out] += draw.random() < chance
                    did[2 * out + 1] += 1
                scores.append(groups)
                counts.append(tuple(did))
            for at, found in enumerate((means(scores), shares(counts))):
                place[at] += found.verdict in (experiments.HIGHER, experiments.LOWER)
    figures = [f"{each / 2000:.1%}" for each in (*wrong, *seen)]
    print("wrong of scores {}, of rates {}; 25 points seen of scores {}, of rates {}".format(*figures))
    assert max(wrong) / 2000 <= 0.06
    assert min(seen) / 2000 >= 0.6
