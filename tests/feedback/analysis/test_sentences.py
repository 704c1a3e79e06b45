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
        ("Good\n\n --\nJohn\n\nACME Ltd\n", ["Good"]),
        ("Good\n--", ["Good"]),
        ("Good\nRegards\n" + "1\n" * 8, ["Good"]),
        ("Good\nRegards\n" + "1\n" * 9, ["Good", "Regards", *"1" * 9]),
        ("Good\nRegards to all " + "of you " * 10, ["Good", "Regards to all " + " ".join(["of you"] * 10)]),
        ("Fine \n\n but not for me today", ["Fine", "but not for me today"]),
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


def test_signs_that_stand_for_many_letters_do_not_make_a_comment_longer() -> None:
    assert len(sentences.clean("\ufdfa" * 10_000)) <= sentences.LONGEST_READ


def test_no_sentence_is_endless() -> None:
    pieces = sentences.split(sentences.clean("word " * 20_000 + "x" * 20_000))
    assert max(map(len, pieces)) <= sentences.LONGEST_SENTENCE
    assert sum(map(len, pieces)) <= sentences.LONGEST_READ
