"""How a comment is cleaned and cut."""

import pytest

from feedback.analysis import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@united Hi there!", ["Hi there!"]),
        ("See https://example.com/a?b=c now", ["See now"]),
        ("Nice staff &amp; food", ["Nice staff & food"]),
        ("Good.\nKind regards,\nJohn Smith\nACME Ltd", ["Good."]),
        ("Good\nSent from my phone", ["Good"]),
        ("Nice. Slow! Why?", ["Nice.", "Slow!", "Why?"]),
        ("The staff was nice, but parking was bad", ["The staff was nice", "but parking was bad"]),
        ("Nice but slow", ["Nice but slow"]),
        ("Dr. Who was here, e.g. yesterday", ["Dr. Who was here, e.g. yesterday"]),
        ("I\u2019m fine\x07", ["I'm fine"]),
        ("", []),
    ],
)
def test_a_comment_is_cut_into_sentences(text: str, expected: list[str]) -> None:
    assert sentences.split(sentences.clean(text)) == expected


def test_no_sentence_is_endless() -> None:
    pieces = sentences.split(sentences.clean("word " * 20_000 + "x" * 20_000))
    assert max(map(len, pieces)) <= sentences.LONGEST_SENTENCE
    assert sum(map(len, pieces)) <= sentences.LONGEST_READ
