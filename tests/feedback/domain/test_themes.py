"""A review arranges topics under themes, and what stands hardly moves."""

import pytest

from feedback.domain.themes import MOST, arrange, new_id

SIZES = {"a": 300, "b": 200, "c": 100, "d": 4}


def arranged(standing, fresh, close=None, **rest):
    return arrange(standing, fresh, SIZES, close or {}, **rest)


def test_new_topics_found_together_become_one_theme():
    found = arranged(dict.fromkeys("abcd"), {"a": 0, "b": 0, "c": 1, "d": 1})
    one, other = found.themes["a"], found.themes["c"]
    assert found.themes == {"a": one, "b": one, "c": other, "d": other}
    assert found.born == {one: 0, other: 1}
    assert found.gone == {}


def test_a_new_topic_joins_the_theme_of_those_it_is_found_with():
    found = arranged({"a": "x", "b": "y", "c": None, "d": None}, {"a": 0, "b": 1, "c": 1, "d": 0})
    assert found.themes == {"a": "x", "b": "y", "c": "y", "d": "x"}
    assert not found.born


def test_what_is_mostly_made_of_another_theme_is_no_theme_of_its_own():
    """The gathering of `x` fell apart: the part without an owner still is of `x`."""
    found = arranged({"a": "x", "b": "x", "c": None}, {"a": 0, "b": 1, "c": 1})
    assert found.themes == {"a": "x", "b": "x", "c": "x"}


@pytest.mark.parametrize(
    ("rest", "moved"),
    [
        ({}, {"d": "y"}),
        ({"fixed": {"d"}}, {}),
        ({"settled": {"x"}}, {}),
        ({"close": {("d", "x"): 0.9, ("d", "y"): 0.2, ("c", "x"): 0.1, ("c", "y"): 0.9}}, {}),
    ],
)
def test_few_topics_move_and_none_that_a_person_placed(rest, moved):
    """`c` and `d` would go to `y`; with `c` more comments would move than promised."""
    close = {("d", "x"): 0.1, ("d", "y"): 0.9, ("c", "x"): 0.1, ("c", "y"): 0.9}
    standing = {"a": "x", "b": "y", "c": "x", "d": "x"}
    found = arranged(standing, {"a": 0, "b": 1, "c": 1, "d": 1}, **{"close": close, **rest})
    assert found.themes == standing | moved


def test_a_topic_that_a_person_took_out_of_all_stays_out():
    assert arranged({"a": None}, {"a": 0}, fixed={"a"}).themes == {}


def test_a_theme_that_nothing_is_left_of_went_where_most_of_it_is():
    close = {("d", "x"): 0.1, ("d", "y"): 0.9}
    found = arranged({"a": "y", "d": "x"}, {"a": 0, "d": 0}, close)
    assert (found.themes, found.gone) == ({"a": "y", "d": "y"}, {"x": "y"})


def test_there_are_never_more_themes_than_can_be_read():
    standing = {f"s{at}": f"x{at}" for at in range(MOST)} | {"a": None}
    fresh = {topic: at for at, topic in enumerate(standing)}
    close = {("a", f"x{at}"): at / 100 for at in range(MOST)}
    assert arranged(standing, fresh, close).themes["a"] == f"x{MOST - 1}"


def test_where_all_are_new_and_too_many_the_rest_joins_the_largest():
    topics = [*SIZES, *(f"t{at:02}" for at in range(MOST + 3))]
    found = arranged(dict.fromkeys(topics), {topic: at for at, topic in enumerate(topics)})
    assert len(found.born) == MOST
    assert set(found.themes) == set(topics)
    assert found.themes[f"t{MOST + 2:02}"] == found.themes["a"]


def test_an_id_is_never_given_twice():
    one = new_id("Delivery", [])
    assert new_id("Delivery", []) == one
    assert new_id("Delivery", [one]) not in ("", one)
