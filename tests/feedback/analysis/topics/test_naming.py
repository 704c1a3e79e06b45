"""What topics are called."""

import pytest

from feedback.analysis.topics import naming, reviewing, vectors
from feedback.analysis.topics.naming import Name

PARKING = ["the car park was full again", "a full car park in the morning", "your car park is always full"]
STAFF = ["such friendly staff at the desk", "the friendly staff helped me", "I liked the friendly staff"]


def named(comments: list[str], *others: list[str]) -> Name:
    """The name of a topic of `comments` beside `others`."""
    encode = vectors.load().encode
    texts = {str(at): each for at, each in enumerate((comments, *others))}
    centres = {topic: reviewing.mean_direction(encode(each)) for topic, each in texts.items()}
    return naming.name(texts, centres, vectors.load())["0"]


def test_a_topic_is_called_what_its_comments_share_and_others_do_not():
    assert naming.stems(named(PARKING, STAFF).label) >= naming.stems("car park")
    assert naming.stems(named(STAFF, PARKING).label) >= naming.stems("friendly staff")


def test_a_word_with_and_without_hyphen_is_one():
    said = [
        "My top-up failed",
        "the top up failed twice",
        "why has this top-up failed",
        "top up failed again",
    ]
    name = named(said, STAFF)
    assert "top up failed" in name.terms
    assert not any("-" in term for term in name.terms)


@pytest.mark.parametrize(
    "question",
    [
        "Why isn't my cash deposit showing",
        "How long will the cash deposit take",
        "Reason the cash deposit failed",
    ],
)
def test_a_question_is_not_cut_in_two(question):
    first = named([question] * 4, STAFF, PARKING).label.lower().split()
    assert first[0] not in {"isn't", "long", "reason"}


def test_where_every_comment_is_long_a_third_phrase_stands_for_one():
    tail = " and nobody at all was able to tell us anything about it for the whole long rainy weekend"
    said = [start + tail for start in ("the lift was broken", "lift broken on all floors", "a broken lift")]
    name = named(said, STAFF, PARKING)
    assert len(name.candidates) == 3
    assert all(len(candidate.split()) <= 5 for candidate in name.candidates)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Verify identity", "identity verification"),
        ("Cancelled transfer", "transfer cancellation"),
        ("multiple currencies", "Multiple currency"),
        ("Delivered", "delivery"),
        ("Top-up limit", "limits of a top up"),
    ],
)
def test_names_that_differ_in_endings_alone_read_alike(one, other):
    assert naming.stems(one) == naming.stems(other)
