"""Topics that mean nearly the same stand under one theme, and themes are few enough to be read."""

from types import SimpleNamespace

import numpy as np
import pytest

from feedback.analysis.topics import clusters, naming, reviewing, spoken, themes
from feedback.analysis.topics.vectors import unit
from feedback.domain.topics import Topic
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


def test_a_theme_that_no_matter_fits_is_called_by_its_largest_topic_with_one(monkeypatch):
    phrase = naming.Name(("Cleared afternoon for call",))
    monkeypatch.setattr(naming, "name", lambda texts, *_: dict.fromkeys(texts, phrase))
    topics = {
        id_: Topic(id_, label, theme=theme)
        for id_, label, theme in (
            ("a", "Past date", "one"), ("b", "Prices", "one"), ("c", "Refunds", "one"), ("d", "Dog", "two"),
        )
    }  # fmt: skip
    said = {
        id_: SimpleNamespace(comments=9 - at, typical=["x"], centre=np.ones(3), about=spoken.read(["x"]))
        for at, id_ in enumerate("abcd")
    }

    def labels(*kept):
        standing = {str(at): label for at, label in enumerate(kept)}
        named = reviewing._names_of_themes(["one", "two"], topics, said, None, (), standing)
        return {id_: name.label for id_, name in named.items()}

    assert labels("Returns") == {"one": "Prices", "two": "Dog"}
    assert labels("Prices", "Dog") == {"one": "Refunds", "two": "Cleared afternoon for call"}
