"""Words of comments: what they say, and what may be a name."""

import pytest

from feedback.analysis.topics import wording


@pytest.mark.parametrize(
    ("phrase", "is_one"),
    [
        ("glass door", True),
        ("waste of money", True),
        ("zyzzx", True),
        ("never", False),
        ("to arrive", False),
        ("arrived", False),
        ("from the shop", False),
    ],
)
def test_a_phrase_that_names_a_topic_is_a_thing(phrase: str, is_one: bool) -> None:
    assert wording.is_a_thing(tuple(phrase.split())) is is_one


@pytest.mark.parametrize(
    "phrase",
    ["worst seats", "monday night", "told twice", "she told", "not one two three", "a b c d e"],
)
def test_a_name_tells_no_feeling_no_deed_and_no_date(phrase: str) -> None:
    assert not wording.names_a_matter(tuple(phrase.split()))


@pytest.mark.parametrize("phrase", ["glass door", "waste of money", "seats"])
def test_a_thing_may_be_a_name(phrase: str) -> None:
    assert wording.names_a_matter(tuple(phrase.split()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Verify identity", "identity verification"),
        ("Cancelled transfer", "transfer cancellation"),
        ("multiple currencies", "Multiple currency"),
        ("Delivered", "delivery"),
        ("Top-up limit", "limits of a top up"),
        ("Café", "the cafe"),
    ],
)
def test_names_that_differ_in_endings_alone_read_alike(one: str, other: str) -> None:
    assert wording.stems(one) == wording.stems(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("works", "works not"), ("can pay", "can't pay"), ("bus", "business"), ("car", "card")],
)
def test_names_that_say_something_else_do_not_read_alike(one: str, other: str) -> None:
    assert wording.stems(one) != wording.stems(other)


def test_small_words_alone_are_what_they_are() -> None:
    """Else two names of small words would read alike."""
    assert wording.key(("what", "of")) == {"what", "of"}
    assert wording.stems("") == wording.stems("3 !") == frozenset()


@pytest.mark.parametrize(
    ("word", "says"),
    [("bed", True), ("the", False), ("my", False), ("tv", False), ("", False), ("nothing", True)],
)
def test_words_that_any_sentence_may_hold_say_nothing(word: str, says: bool) -> None:
    assert wording.says_something(word) is says


@pytest.mark.parametrize(
    ("word", "is_one"),
    [
        ("london", True),
        ("denver", True),
        ("smith", True),
        ("table", False),
        ("china", False),
        ("London", False),
    ],
)
def test_a_word_that_is_a_thing_too_is_not_only_a_name(word: str, is_one: bool) -> None:
    assert (word in wording.only_names()) is is_one


def test_lists_of_words_are_folded_words() -> None:
    lists = (
        wording.STOP, wording.SMALL, wording.DENIALS, wording.BEGINNING, wording.JUDGING, wording.PLAIN,
        wording.JOINING, wording.LEADING, wording.PARTICLES,
    )  # fmt: skip
    words = frozenset().union(*lists)
    assert [word for word in sorted(words) if not wording.RUN.fullmatch(word) or word != word.lower()] == []


def test_what_may_begin_a_phrase_turns_it_round() -> None:
    assert wording.BEGINNING <= wording.DENIALS


@pytest.mark.parametrize(
    ("text", "words"),
    [("I don't know", ["I", "don't", "know"]), ("an e-mail’s end", ["an", "e-mail’s", "end"]), ("24/7", [])],
)
def test_a_word_may_hold_hyphens_and_apostrophes(text: str, words: list[str]) -> None:
    assert wording.RUN.findall(text) == words
