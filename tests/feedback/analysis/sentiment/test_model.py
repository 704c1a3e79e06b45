"""The model weighs what it knows, and keeps no key as text."""

from pathlib import Path

import numpy as np
import pytest

from feedback.analysis.sentiment import model
from feedback.analysis.sentiment.features import Features
from feedback.analysis.sentiment.model import Model
from feedback.analysis.word_places import WordPlaces

NAMES = ["bad", "good", "not good", "table"]
KEYS = np.array([[2, 0, -2], [-1, 0, 1], [1, 0, -1], [0.0625, 0, -0.0625]], np.float32)


@pytest.fixture
def kept(tmp_path: Path) -> Model:
    whole = Model(WordPlaces(NAMES), KEYS, np.array([[1, 0, 0]], np.float32), np.zeros(3, np.float32), NAMES)
    model.save(whole, tmp_path / "model.npz")
    return model.load(tmp_path / "model.npz")


def test_words_and_pairs_that_it_knows_add_up(kept: Model) -> None:
    some = [Features(["not", "good", "good", "food"], [0.5]), Features([], [0.0]), Features(["bad"], [0.0])]
    # Each once, over the square root of how many words there are.
    assert kept.logits(some) == [(0.5, 0, 0), (0, 0, 0), (2, 0, -2)]
    assert kept.logits([]) == []


def test_it_tells_what_it_knows_and_what_tells_by_itself(kept: Model) -> None:
    assert kept.knows([*NAMES, "food"]) == 4
    assert [kept.leaning[key] for key in (*NAMES, "food")] == [-4, 2, 0, 0, None]


def test_a_model_that_learnt_of_no_word_reads_measures_alone(tmp_path: Path) -> None:
    none = Model(
        WordPlaces([]), np.zeros((0, 3), np.float32), np.ones((1, 3), np.float32), np.zeros(3, np.float32)
    )
    model.save(none, tmp_path / "model.npz")
    loaded = model.load(tmp_path / "model.npz")
    assert loaded.logits([Features(["good"], [2.0])]) == [(2, 2, 2)]
    assert loaded.leaning["good"] is None


def test_a_loaded_model_is_not_saved_without_its_names(kept: Model, tmp_path: Path) -> None:
    """It keeps none, and weights without names are of no use."""
    with pytest.raises(ValueError, match="4 keys have 0 names"):
        model.save(kept, tmp_path / "again.npz")
    assert not (tmp_path / "again.npz").exists()
