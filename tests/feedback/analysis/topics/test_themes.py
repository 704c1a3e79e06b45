"""Topics that mean nearly the same stand under one theme, and themes are few enough to be read."""

import numpy as np
import pytest

from feedback.analysis.topics import clusters, themes
from feedback.analysis.topics.vectors import unit
from feedback.training.agreement import adjusted_rand


@pytest.mark.parametrize("subjects", [10, 60])
def test_topics_are_gathered_into_as_many_themes_as_can_be_read(subjects):
    """Ten subjects are found; of sixty, those that are nearest share a theme."""
    chance = np.random.default_rng(1)
    middle = chance.normal(size=(subjects, 64))
    of = np.arange(240) % subjects
    found = themes.gather(unit(middle[of] + 0.4 * chance.normal(size=(240, 64))))
    assert themes.FEWEST <= found.max() + 1 <= themes.MOST
    assert subjects > themes.MOST or adjusted_rand(of.tolist(), found.tolist()) > 0.9


def test_of_few_topics_those_that_are_alike_share_a_theme():
    chance = np.random.default_rng(2)
    middle = chance.normal(size=(8, 32))
    of = np.arange(32) % 8
    found = themes.gather(unit(middle[of] + 0.2 * chance.normal(size=(32, 32))))
    assert adjusted_rand(of.tolist(), found.tolist()) == 1.0
    assert [len(themes.gather(unit(middle[:count]))) for count in range(5)] == [0, 1, 2, 3, 4]


def test_of_a_few_hundred_comments_nobody_reads_a_hundred_topics():
    chance = np.random.default_rng(3)
    middle = chance.normal(size=(80, 64))
    rows = unit(middle[np.arange(240) % 80] + 0.5 * chance.normal(size=(240, 64))).astype(np.float32)
    found = clusters.group(rows, np.ones(240, np.int64)).group
    assert found.max() + 1 <= 20
    many = clusters.group(rows, np.full(240, 20)).group
    assert many.max() + 1 > 40
