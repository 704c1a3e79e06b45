"""Texts become vectors that are near where their meanings are."""

import hashlib

import numpy as np
import pytest

from feedback.analysis.topics import aligned, vectors
from feedback.analysis.topics.vectors import Vectors
from feedback.analysis.topics.wordpieces import LONGEST_WORD


@pytest.fixture(scope="module")
def shipped() -> Vectors:
    return vectors.load()


def toy() -> Vectors:
    table = np.array([[100, 0], [0, 100], [0, 50], [60, 80]], np.int8)
    return Vectors(["card", "pay", "##ment", "!"], table, np.full(4, 0.01))


def test_a_text_is_the_direction_of_the_sum_of_its_pieces():
    (row,) = toy().encode(["card payment"])
    assert row == pytest.approx(np.array([1.0, 1.5]) / np.hypot(1.0, 1.5))


def test_case_and_accents_do_not_matter(shipped):
    one, other = shipped.encode(["Café CLOSED", "cafe closed"])
    assert one == pytest.approx(other)


def test_what_means_the_same_is_nearer_than_what_does_not(shipped):
    query, same, else_ = shipped.encode(
        ["I lost my card", "my debit card is missing", "what is the weather like"]
    )
    assert query @ same > 0.6
    assert query @ else_ < 0.3


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01", "ภาษาไทย", "x" * 100_000])
def test_a_text_without_any_known_word_is_all_zeros(shipped, text):
    assert not shipped.encode([text]).any()


def test_vectors_do_not_depend_on_what_else_is_encoded(shipped):
    texts = ["first comment", "", "third one", "and a fourth"]
    assert np.array_equal(shipped.encode(texts, block=2), shipped.encode(texts))


def test_other_tables_have_another_name():
    """Vectors that are kept are made anew only where another name made them. What is written by hand is in the name."""
    files = b"".join(file.read_bytes() for file in (vectors.SHIPPED, aligned.SHIPPED))
    shipped = hashlib.sha256(files).hexdigest()[:16]
    assert (Vectors.name.rpartition(" ")[0], shipped) == ("word pieces 4", "37ec7fd2f10ad90c")


def test_the_language_of_words_alone_is_remembered(shipped):
    """A comment without a space may be as long as a book, and does not come again."""
    word, noise = "lieferung", "lieferung" * 5
    assert len(noise) > LONGEST_WORD
    assert {shipped.language_of(word), shipped.language_of(noise)} <= shipped.languages
    assert word in shipped._language_of_word
    assert noise not in shipped._language_of_word
