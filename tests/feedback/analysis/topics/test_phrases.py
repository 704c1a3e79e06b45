"""Phrases that mark a topic, and how they are written."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from feedback.analysis.topics import phrases, vectors, wording
from feedback.analysis.topics.phrases import Phrases

LATE = ["late parcel again", "a late parcel", "the late parcel from you"]


def counted(*comments: str, banned: set[str] | None = None) -> set[str]:
    """The phrases of some comments."""
    found = phrases.count(comments, banned or set(), phrases.bound_verbs({"0": comments}))
    return {" ".join(phrase) for phrase in found.counts}


def ranked(found: Phrases, beside: Phrases | None = None) -> list[str]:
    """The phrases of a topic of late parcels, the best first, beside another topic."""
    topics = [found, beside or Phrases()]
    overall: Counter = Counter()
    spread: Counter = Counter()
    for each in topics:
        overall.update({phrase: count / each.comments for phrase, count in each.counts.items()})
        spread.update({stem: count / each.comments for stem, count in each.stems.items()})
    weights = phrases.weights(found, spread, 2)
    encode = vectors.load().encode
    centres = {"0": encode(LATE).mean(0), "1": encode(["friendly staff"])[0]}
    return [" ".join(each) for each, _ in phrases.rank("0", found, overall, weights, vectors.load(), centres)]


def test_a_phrase_stands_in_so_many_comments() -> None:
    found = phrases.count([*LATE, "late, late parcel late parcel"], set(), {})
    assert found.comments == 4
    assert found.counts == {("late",): 4, ("parcel",): 4, ("late", "parcel"): 4, ("parcel", "late"): 1}
    assert found.stems == {wording._stem("late"): 4, "parcel": 4}


@pytest.mark.parametrize("text", ["mp3", "AD-2600", "3G", "24/7", "x2go", "2600-AD", "", "  ", "👍"])
def test_what_holds_digits_or_no_letter_is_no_phrase(text: str) -> None:
    assert counted(text) == set()


def test_what_stands_beside_a_word_with_digits_is_a_phrase_by_itself() -> None:
    assert counted("my mp3 player") == {"player"}
    assert counted("AD-2600 drive") == {"drive"}
    assert counted("a mini-player 4 you") == {"mini-player"}


def test_no_phrase_goes_beyond_signs_or_joining_words_or_holds_a_banned_word() -> None:
    assert counted("late parcel, wet carton") == {
        "late", "parcel", "late parcel", "wet", "carton", "wet carton",
    }  # fmt: skip
    assert counted("late parcel because wet carton") == counted("late parcel, wet carton")
    assert counted("late acme parcel", banned={"acme"}) == {"late", "parcel"}


def test_a_phrase_is_no_longer_than_five_words_and_no_word_than_25_letters() -> None:
    found = counted("red green blue black white brown pink")
    assert max(len(phrase.split()) for phrase in found) == 5
    assert counted("x" * 24) == {"x" * 24}
    assert counted("x" * 25) == set()


@pytest.mark.parametrize(
    ("question", "never"),
    [
        ("Why isn't my cash deposit showing", "isn't cash"),
        ("How long will the cash deposit take", "long will"),
        ("Reason the cash deposit failed", "reason"),
    ],
)
def test_a_question_is_not_cut_in_two(question: str, never: str) -> None:
    found = counted(question)
    assert "cash deposit" in found
    assert not any(phrase.startswith(never) for phrase in found)


def test_a_verb_is_not_cut_from_its_particle() -> None:
    texts = ["top up now", "how to top up", "top up failed", "the top drawer"]
    assert phrases.bound_verbs({"0": texts}) == {"top": "up"}
    assert "top up" in counted(*texts)
    assert "top" not in counted(*texts[:3])
    assert phrases.bound_verbs({"0": ["top up", "a top", "my top", "on top", "top up", "top up"]}) == {}


def test_a_word_with_and_without_hyphen_is_one() -> None:
    said = {"0": ["My top-up failed", "the top up failed twice"], "1": ["Top-Up", "an e-mail", "e-mail me"]}
    assert phrases.parted(said) == {
        "0": ["My top up failed", "the top up failed twice"],
        "1": ["Top Up", "an e-mail", "e-mail me"],
    }


def test_stems_say_a_share_of_what_the_best_say_together() -> None:
    found = phrases.count(LATE, set(), {})
    weights = phrases.weights(found, found.stems, 2)
    assert weights == pytest.approx({"parcel": 0.5, wording._stem("late"): 0.5})
    assert phrases.weights(Phrases(), Counter(), 2) == {}


def test_what_few_others_have_is_ranked_first() -> None:
    found = phrases.count(LATE, set(), {})
    assert ranked(found)[0] == "late parcel"
    other = phrases.count(["late staff", "late", "late again"], set(), {})
    order = ranked(found, other)
    assert order.index("parcel") < order.index("late")
    assert ranked(Phrases()) == []


def test_where_there_are_five_comments_what_one_says_marks_no_topic() -> None:
    found = phrases.count([*LATE, "parcel", "wet carton"], set(), {})
    assert not any("carton" in phrase for phrase in ranked(found))


def test_a_single_topic_is_ranked_too() -> None:
    found = phrases.count(LATE, set(), {})
    weights = phrases.weights(found, found.stems, 1)
    best = phrases.rank(
        "0", found, found.counts, weights, vectors.load(), {"0": np.ones(vectors.load().dimensions)}
    )
    assert {phrase for phrase, _ in best} == set(found.counts)


ORDER = [(("late", "parcel"), 3.0), (("parcel", "late"), 2.5), (("wet", "carton"), 2.0), (("parcel",), 1.0)]


def test_two_different_phrases_are_chosen_at_most() -> None:
    def any_is(phrase: tuple[str, ...]) -> bool:
        return True

    assert phrases.different(ORDER, {}, (), any_is) == [("late", "parcel"), ("wet", "carton")]
    taken = [wording.key(("late", "parcel"))]
    assert phrases.different(ORDER, {}, taken, any_is)[0] == ("wet", "carton")
    assert phrases.different(ORDER[:2], {}, (), any_is) == [("late", "parcel")]
    assert phrases.different([], {}, (), any_is) == []


def test_a_good_phrase_is_chosen_before_a_better_one() -> None:
    assert phrases.different(ORDER, {}, (), lambda phrase: phrase[0] == "wet")[0] == ("wet", "carton")


def test_what_adds_nothing_is_not_added() -> None:
    assert phrases.adding(ORDER, {}, [("late", "parcel"), ("wet", "carton")]) == []
    assert phrases.adding(ORDER, {}, [("late", "parcel")]) == [("wet", "carton")]
    assert phrases.adding([], {}, [("late",)]) == []


def test_what_stems_say_together_does_not_depend_on_their_order() -> None:
    weights = {"one": 0.1, "two": 0.2, "three": 0.3, "four": 0.7}
    assert len({phrases._worth(order, weights) for order in permutations([*weights, "unknown"])}) == 1


def test_the_sentence_that_tells_most_is_short_and_holds_no_banned_word() -> None:
    weights = {"parcel": 0.5, "lat": 0.5, "carton": 0.2}
    said = ["a late\nparcel again!", "so it is what it is", "late parcel " * 6, "the acme parcel is so late"]
    assert phrases.telling_sentence(said, weights, (), set()) == "a late parcel again"
    assert phrases.telling_sentence(said[2:], weights, (), {"acme"}) is None
    new = phrases.telling_sentence(["my late parcel", "my wet carton"], weights, {"parcel", "lat"}, set())
    assert new == "my late parcel"
    weights["carton"] = 0.6
    new = phrases.telling_sentence(["my late parcel", "my wet carton"], weights, {"parcel", "lat"}, set())
    assert new == "my wet carton"


@pytest.mark.parametrize(
    ("said", "sign"),
    [(["fine", "👍", "??"], ["👍"]), (["!" * 50], ["!" * 20]), (["fine", "", " "], []), ([], [])],
)
def test_the_most_typical_sign_stands_for_a_topic_without_a_word(said: list[str], sign: list[str]) -> None:
    assert phrases.signs(said) == sign


def test_words_are_written_as_inside_sentences() -> None:
    said = ["Card is here", "the ATM took my iPhone", "EVERYTHING ABOUT THE CARD", "an ATM. Where"]
    spelled = phrases.spelling({"0": said})
    assert {word: spelled[word] for word in ("card", "atm", "iphone", "where")} == {
        "card": "card",
        "atm": "ATM",
        "iphone": "iPhone",
        "where": "where",
    }
    assert phrases.write(("card", "atm"), spelled) == "Card ATM"
    assert phrases.write(("iphone", "case"), spelled, capital=False) == "iPhone case"
