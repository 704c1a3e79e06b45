"""Marks in a comment."""

import pytest

from feedback.domain.marks import Run, runs


@pytest.mark.parametrize(
    ("text", "words", "phrases", "expected"),
    [
        ("", ["x"], {"T": ["x"]}, []),
        ("All fine", [], {}, [Run("All fine")]),
        (
            "The Checkout was slow.",
            ["slow", "."],
            {"Paying": ["checkout"]},
            [
                Run("The "),
                Run("Checkout", topic="Paying"),
                Run(" was "),
                Run("slow", felt=True),
                Run("."),
            ],
        ),
        # As a whole: no "all" within "small".
        ("small", ["all"], {}, [Run("small")]),
        ("card  declined", [], {"Paying": ["card declined"]}, [Run("card  declined", topic="Paying")]),
        ("slow", ["slow"], {"A": ["slow"], "B": ["slow"]}, [Run("slow", felt=True, topic="A")]),
        ("a(b", ["a(b"], {"T": ["(", " "]}, [Run("a", felt=True), Run("(", True, "T"), Run("b", felt=True)]),
    ],
)
def test_runs(text, words, phrases, expected):
    assert runs(text, words, phrases) == expected


def test_a_comment_of_one_endless_word_is_quick():
    text = "a" * 10_000
    assert "".join(run.text for run in runs(text, ["a" * 9_999, "aa"], {"T": ["aaaa"] * 20})) == text
