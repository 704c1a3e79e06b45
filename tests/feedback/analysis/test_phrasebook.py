"""What a language's file of words and phrases finds in a sentence."""

import gzip
from importlib.resources import files

import pytest

from feedback.analysis import phrasebook


@pytest.mark.parametrize("language", sorted(phrasebook.LANGUAGES))
def test_a_file_is_whole(language: str) -> None:
    book = phrasebook.book(language)
    assert book.negations
    assert book.turns
    assert set(range(6)) <= set(book.numbers.values()), "a rating has all numbers up to five"
    assert {"nothing", "no fault", "no answer", "polite", "filler"} == set(book.answers)
    assert {-3, -2, 2, 3} <= set(book.listed.values())
    assert len(book.phrases) >= 60


@pytest.mark.parametrize(
    ("language", "sentence", "values"),
    [
        # Litotes, negation before and after, strength, weakness.
        ("de", "Nichts zu meckern!", [3]),
        ("de", "Die Bedienung war nicht herzlich", [-2.25]),
        ("de", "Gefällt mir leider gar nicht", [-3]),
        ("nl", "Smaakte nergens naar, kapot", [2 * -0.75, -2]),
        ("es", "Muy amable", [3.9]),
        ("fr", "un peu lent", [-1.2]),
        ("tr", "Hiç memnun değil", [-2.25]),
        # Ratings.
        ("en", "10/10", [3]),
        ("en", "3 out of 5 stars", [0]),
        ("en", "zero stars", [-3]),
        ("fr", "4/5", [2.5]),
        ("it", "due stelle", [-3]),
        ("ru", "5 из 5", [3]),
        ("tr", "5 üzerinden 2", [-3]),
        ("ja", "星2つ", [-3]),
        ("en", "★★★☆☆", [0]),
        # No ratings.
        ("en", "3 of 5 parcels", []),
        ("de", "2 von 3 Tagen", []),
        ("en", "7/24", []),
        # Stretched words, emoji with tones, emoticons.
        ("de", "suuuuper", [3]),
        ("es", "buenísimooo", [3]),
        ("en", "👍🏿", [3]),
        ("en", ":-(", [-2]),
        # A stem of four letters or fewer stands for two letters more at most.
        ("it", "cara carissima caramella", [-2]),
        # Words within a row, and with something written onto them.
        ("zh", "服务很热情但是太慢", [3.9, -2]),
        ("ar", "والنظيفة", [2]),
    ],
)
def test_a_sentence_is_worth(language: str, sentence: str, values: list[float]) -> None:
    assert [hit.value for hit in phrasebook.book(language).read(sentence).hits] == pytest.approx(values)


def test_a_phrase_is_shown_as_it_stands() -> None:
    (hit,) = phrasebook.book("fr").read("Franchement j'adore").hits
    assert hit.written == "j'adore"
    turned = phrasebook.book("de").read("nicht besonders freundlich").hits
    assert turned[-1].written == "nicht besonders freundlich"


def test_a_gap_does_not_cross_a_mark() -> None:
    book = phrasebook.book("de")
    assert [hit.value for hit in book.read("Hält was er verspricht").hits] == [3]
    assert book.read("Hält was, er verspricht").hits == []


@pytest.mark.parametrize(
    ("sentence", "end", "value"),
    [
        ("works", 1, 1.0),
        ("works fine here", 2, 2.0),
        ("works finely", 1, 1.0),
        ("works perfectly well", 2, 3.0),
        ("works really quite fast", 4, -1.0),
        ("works and fast", 3, -1.0),
        ("works . fast", 1, 1.0),
        ("working", 1, -2.0),
        ("workshop", None, None),
    ],
)
def test_the_longest_phrase_that_begins_with_a_word(
    sentence: str, end: int | None, value: float | None
) -> None:
    matcher = phrasebook.Matcher(
        [
            (["works", "fine"], 2.0),
            (["works"], 1.0),
            (["works", "perfect*"], 3.0),
            (["works", "…", "fast"], -1.0),
            (["worki*"], -2.0),
            (["works"], 9.0),
        ]
    )
    found = matcher.at(sentence.split(), 0)
    assert found == (None if end is None else (end, value))
    assert matcher.knows(sentence.split()[0]) is (end is not None)
    assert max(matcher.ends(sentence.split(), 0), default=None) == end


def test_the_longer_lists_rate_their_words_and_no_others() -> None:
    with gzip.open(str(files("feedback.analysis") / phrasebook.RATED), "rt", encoding="utf-8") as stream:
        rows = [line.rstrip("\n").split("\t") for line in stream]
    for language in ("de", "zh"):
        told = {word: float(value) for tag, word, value in rows if tag == language}
        assert phrasebook.rated_words(language) == list(told)
        rated = phrasebook.rated(language)
        assert {word: rated[word] for word in told} == told
        assert rated["qxzvkw"] == 0
    assert phrasebook.rated_words("fi") == []
    assert phrasebook.rated("fi")["hyvä"] == 0
