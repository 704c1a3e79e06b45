"""Texts are spelled as the models that the pieces come from were taught."""

import pytest

from feedback.analysis.wordpieces import WordPieces

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
