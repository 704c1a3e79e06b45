"""Which phrases of a comment put it into its topic."""

import pytest

from feedback.analysis import evidence
from feedback.analysis.topics import vectors


@pytest.mark.parametrize(
    ("text", "terms", "found"),
    [
        ("I want to top up my card", ["top up"], ["top up"]),
        ("TOP it UP, please", ["top up"], ["TOP it UP"]),
        ("top something up", ["top up"], []),
        ("My card was then declined", ["card declined"], []),
        ("Laptop upside down", ["top up"], []),
        ("Why can't I pay? I can t", ["can't pay"], ["can't I pay"]),
        ("I can’t pay by card", ["can't pay"], ["can’t pay"]),
        ("I can't pay by card", ["can’t pay"], ["can't pay"]),
        ("I can-t pay by card", ["can't pay"], []),
        ("What?! A card", ["?!", "'", "card"], ["card"]),
        ("A top-up failed", ["top-up failed", "top up"], ["top-up failed"]),
        ("One cell, card broken, card payment", ["card payment"], ["card payment"]),
        ("The café closed", ["cafe closed"], ["café closed"]),
        (
            "card payment declined",
            ["declined", "card payment", "payment declined"],
            ["payment declined", "card payment"],
        ),
        ("one two three four", ["one", "two", "three", "four"], ["three", "four", "one"]),
        ("Mañana's card", ["card card"], []),
        ("", ["card"], []),
    ],
)
def test_terms_are_found_as_people_write_them(text, terms, found):
    assert evidence.phrases([text], ["t"], evidence.Marks({"t": terms}), {}, vectors.load()) == [found]


def test_without_a_term_the_words_nearest_to_the_topic_speak():
    centre = vectors.load().encode(["parking garage for cars"])[0]
    text = "There was nowhere to leave the car, the garage being full"
    assert evidence.phrases([text], ["t"], evidence.Marks({}), {"t": centre}, vectors.load()) == [
        ["car", "garage"]
    ]
