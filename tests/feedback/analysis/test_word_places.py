"""Words keep the places that they have in a list."""

from feedback.analysis.word_places import Remembered, WordPlaces


def test_each_word_is_found_where_it_stands_and_no_other_one():
    words = [f"word{number}" for number in range(2_000)] + ["größer", "配送", "^deliv"]
    places = WordPlaces(words)
    assert [places.of(word) for word in words] == list(range(len(words)))
    assert [places.of(f"other{number}") for number in range(2_000)] == [None] * 2_000
    assert len(places) == len(words)
    assert places.of_each([*words, "other"]).tolist() == [*range(len(words)), -1]


def test_an_empty_list_has_no_words():
    assert WordPlaces([]).of("") is None
    assert WordPlaces([]).of_each(["", "word"]).tolist() == [-1, -1]


def test_words_that_python_holds_as_the_same_bytes_are_different_words():
    assert "潮".encode("utf-16-le") == b"no"
    places = WordPlaces(["no", "yes"])
    assert places.of("潮") is None
    assert places.of_each(["潮", "no"]).tolist() == [-1, 0]
    assert WordPlaces(["no", "潮"]).of("潮") == 1


def test_what_was_found_of_a_word_is_asked_for_once_while_it_is_remembered():
    asked = []

    def find(word: str) -> int:
        asked.append(word)
        return len(word)

    found = Remembered(find, most=2)
    assert [found[word] for word in ("one", "three", "one", "three")] == [3, 5, 3, 5]
    assert asked == ["one", "three"]
    assert [found["four"], found["one"]] == [4, 3]
    assert asked == ["one", "three", "four", "one"], "all were forgotten when there were two"
