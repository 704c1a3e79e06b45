"""Texts are spelled as the models that the pieces come from were taught."""

import pytest

from feedback.analysis.topics import wordpieces
from feedback.analysis.topics.wordpieces import WordPieces

PIECES = WordPieces(["card", "pay", "##ment", "!", "cafe"])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Card payment!", [0, 1, 2, 3]),
        ("CAFÉ card", [4, 0]),
        ("payday card", [0]),
        ("card" * 11, []),
        ("", []),
    ],
)
def test_words_are_spelled_by_the_longest_pieces(text, numbers):
    assert PIECES.read(text) == numbers


def test_of_an_endless_text_only_the_beginning_is_read():
    assert len(PIECES.read("card " * 1000)) == 400


def test_words_that_never_come_again_do_not_fill_the_memory(monkeypatch):
    """A stream of comments has new names and typing errors for as long as it runs."""
    monkeypatch.setattr(wordpieces, "_REMEMBERED", 100)
    pieces = WordPieces(["a", "##b", "c"])
    for number in range(1_000):
        assert pieces.read(f"a {number} ab c{number} cb") == [0, 0, 1, 2, 1]
        assert len(pieces._of_word) <= 100
