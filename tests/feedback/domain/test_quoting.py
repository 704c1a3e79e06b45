"""Which sentence of a comment its author is reminded of."""

import pytest

from feedback.domain.quoting import telling

SAID = "Nice shoes. My card was declined three times! Never again."


@pytest.mark.parametrize(
    ("evidence", "topic", "sentence"),
    [
        (["card"], [], "My card was declined three times!"),
        # Where a person put it into the topic there are no phrases: what the topic is called tells.
        ([], ["Card", "declined"], "My card was declined three times!"),
        (["nice"], ["Card", "declined"], "Nice shoes."),
        ([], ["Parking"], "Nice shoes."),
        ([], [], "Nice shoes."),
    ],
)
def test_the_sentence_that_put_it_into_the_topic_is_quoted(evidence, topic, sentence):
    assert telling(SAID, evidence, False, topic) == sentence


def test_of_nothing_nothing_is_quoted_and_what_identifies_anybody_is_left_out():
    assert telling(" \n", ["card"], False, ["Card"]) == ""
    assert "ann@example.com" not in telling("My card, ann@example.com, fails.", ["card"], True)
