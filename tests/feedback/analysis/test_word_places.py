"""Words keep the places that they have in a list."""

from feedback.analysis.word_places import WordPlaces


def test_each_word_is_found_where_it_stands_and_no_other_one():
    words = [f"word{number}" for number in range(2_000)] + ["größer", "配送", "^deliv"]
    places = WordPlaces(words)
    assert [places.of(word) for word in words] == list(range(len(words)))
    assert [places.of(f"other{number}") for number in range(2_000)] == [None] * 2_000


def test_an_empty_list_has_no_words():
    assert WordPlaces([]).of("") is None
