"""Topics are found, named, kept and taught."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from feedback.analysis.topics import naming, placing, reviewing, vectors
from feedback.domain import topics
from feedback.domain.topics import Place, State
from feedback.training.agreement import v_measure
from tests.feedback.comments import SUBJECT, world

NOW = datetime(2026, 11, 21, tzinfo=UTC)
VECTORS = vectors.load()


def review(state: State, comments: dict[str, str], **kept) -> reviewing.Review:
    return reviewing.review(state, comments, VECTORS, NOW, **kept)


@pytest.fixture(scope="module")
def first() -> reviewing.Review:
    return review(State(), world())


def of(state: State, subject: str) -> str:
    """The topic that most comments about `subject` are in."""
    found = [state.places[id_].topic for id_ in SUBJECT if SUBJECT[id_] == subject and id_ in state.places]
    return max(sorted(set(found)), key=found.count)


def test_comments_about_one_subject_share_a_topic(first):
    found = [first.state.places[id_].topic for id_ in SUBJECT]
    assert v_measure(list(SUBJECT.values()), found) > 0.75
    assert topics.unplaced_share(first.state) == 0.0


def test_equal_comments_give_equal_ids_and_labels(first):
    again = review(State(), world()).state
    assert again.places == first.state.places
    assert again.topics == first.state.topics


def test_labels_are_all_different_and_short(first):
    labels = [topic.label for topic in first.state.topics.values()]
    assert len({label.casefold() for label in labels}) == len(labels)
    assert all(1 <= len(label.split()) <= 5 for label in labels)


def test_a_new_comment_joins_those_like_it(first):
    (placement,) = placing.place(["the parking lot was full again"], first.index, VECTORS)
    assert placement.topics[0] in {first.state.places[i].topic for i in SUBJECT if SUBJECT[i] == "parking"}
    assert placement.share > 0.5


def test_a_comment_unlike_all_others_waits(first):
    (placement,) = placing.place(["quantum chromodynamics lattice"], first.index, VECTORS)
    assert placement.topics == ()


def test_a_comment_that_says_two_things_is_in_two_topics(first):
    (placement,) = placing.place(["The staff were friendly, but the car park was full"], first.index, VECTORS)
    words = {of(first.state, "staff"): "staff", of(first.state, "parking"): "car park"}
    assert set(words) <= set(placement.topics)
    assert all(word in placement.statements[topic] for topic, word in words.items())
    assert {text: row.tolist() for text, row in placement.read.items()} == {
        text: VECTORS.encode([text])[0].tolist()
        for text in (
            "The staff were friendly, but the car park was full",
            "The staff were friendly",
            "the car park was full",
        )
    }, "what was read for it need not be read again"


def test_a_second_look_at_the_same_moves_nothing(first):
    again = review(first.state, world())
    assert again.moved == 0
    assert again.state.places == first.state.places
    assert set(again.state.topics) == set(first.state.topics)


def test_topics_keep_their_ids_and_labels_when_comments_arrive(first):
    more = {f"new{at}": f"{text} once more" for at, text in enumerate(world().values()) if at % 4 == 0}
    later = review(first.state, world() | more)
    stayed = [later.state.places[id_].topic == first.state.places[id_].topic for id_ in SUBJECT]
    assert np.mean(stayed) >= 0.95
    assert all(later.state.topics[id_].label == topic.label for id_, topic in first.state.topics.items())


def test_a_new_subject_becomes_a_new_topic_with_a_lineage(first):
    news = {f"wifi{at}": f"{adjective} wifi internet connection in the room" for at, adjective in enumerate(
        ["slow", "bad", "no", "weak", "terrible", "poor", "broken", "unstable"])}  # fmt: skip
    later = review(first.state, world() | news).state
    (made,) = {later.places[id_].topic for id_ in news}
    assert made not in first.state.topics
    assert [change.topic for change in topics.lineage(later, made)] == [made]


def test_what_people_did_survives_reviews(first):
    staff, food = of(first.state, "staff"), of(first.state, "food")
    state = topics.rename(first.state, staff, "Kind people", NOW)
    state = topics.merge(state, of(state, "refund"), food, NOW)
    state = replace(state, places={**state.places, "parking-0-0": Place(food, by_person=True)})
    later = review(review(state, world()).state, world()).state
    assert later.topics[staff].label == "Kind people"
    assert later.places["parking-0-0"] == Place(food, by_person=True)
    assert of(later, "refund") == food


def test_a_taught_topic_is_recognised_from_then_on(first):
    examples = [
        "the cat in the lobby was cute",
        "lovely hotel cat",
        "your cat slept on my bed",
        "a cat!",
        "kitten",
    ]
    state, cats = topics.teach(first.state, "Hotel cat", examples, NOW)
    taught = review(state, world())
    said = ["we adored the little cat at reception", "the car park was full"]
    placements = placing.place(said, taught.index, VECTORS)
    assert placements[0].topics[0] == cats
    assert cats not in placements[1].topics
    later = review(taught.state, world() | {"c1": said[0]}).state
    assert later.places["c1"].topic == cats
    assert later.topics[cats].label == "Hotel cat"


def test_brands_stand_in_no_label():
    comments = {f"{at}": f"{text} at Globex" for at, text in enumerate(world().values())}
    labelled = review(State(), comments, never=["Globex"]).state.topics.values()
    assert all(
        "globex" not in text.casefold() for topic in labelled for text in (topic.label, *topic.candidates)
    )


def test_addresses_stand_in_no_label():
    comments = {
        f"{at}": f"{text} jo@mail.example @globex www.globex.example"
        for at, text in enumerate(world().values())
    }
    state = review(State(), comments).state
    assert all("globex" not in topic.label.casefold() for topic in state.topics.values())


def test_poison_does_not_stop_the_others(first):
    poison = {
        "huge": "spam and eggs " * 8_000,
        "controls": "".join(map(chr, range(32))) * 50,
        "emoji": "😀" * 10_000,
        "empty": "",
        "blank": " \n\t ",
        "digits": "1" * 50_000,
        "dots": "a." * 50_000,
        "surrogate": "broken \ud800 half",
    }
    found = review(State(), world() | poison).state
    assert {id_ for id_ in poison if found.places[id_].topic is None} >= {
        "controls",
        "empty",
        "blank",
        "digits",
    }
    assert v_measure(list(SUBJECT.values()), [found.places[id_].topic for id_ in SUBJECT]) > 0.7
    assert len(placing.place(list(poison.values()), first.index, VECTORS)) == len(poison)


def test_the_same_comment_ten_thousand_times_is_one_topic():
    state = review(State(), {str(at): "the car park was full" for at in range(10_000)}).state
    assert len({place.topic for place in state.places.values()}) <= 2
    assert all(topic.label for topic in state.topics.values())


def often(said: str, times: int, seed: int = 0) -> dict[str, str]:
    """The small world in which some more say one thing word by word, in random order."""
    comments = list((world() | {f"copy{at}": said for at in range(times)}).items())
    random.Random(seed).shuffle(comments)
    return dict(comments)


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_equal_comments_are_in_one_topic(seed):
    places = review(State(), often("the staff were friendly", 360, seed)).state.places
    (topic,) = {places[f"copy{at}"].topic for at in range(360)}
    assert topic is not None


def test_copies_of_a_comment_come_together_again(first):
    comments = often("Great service", 40)
    state = review(State(), comments).state
    home, away = state.places["copy0"].topic, of(state, "parking")
    strayed = {"copy1": Place(away), "copy2": Place(None), "copy3": Place(away, by_person=True)}
    later = review(replace(state, places={**state.places, **strayed}), comments)
    assert [later.state.places[f"copy{at}"].topic for at in range(4)] == [home, home, home, away]
    assert later.moved == 1


@pytest.mark.parametrize(
    "said", ["Great service!!", "Really great service", "service great", "great great service"]
)
def test_a_variant_of_what_most_say_joins_its_topic(said, often_praised):
    (placement,) = placing.place([said], often_praised.index, VECTORS)
    assert placement.topics == (often_praised.state.places["copy0"].topic,)


@pytest.fixture(scope="module")
def often_praised() -> reviewing.Review:
    return review(State(), often("Great service", 1600))


def test_equal_texts_are_read_once(monkeypatch):
    read = []
    encode = VECTORS.encode
    monkeypatch.setattr(VECTORS, "encode", lambda texts: read.extend(texts) or encode(texts))
    meanings = reviewing._read(["Great service"] * 5000, VECTORS, lambda share: None)
    assert read == ["Great service"]
    assert (len(meanings.rows), len(meanings.of)) == (1, 5000)


def test_nothing_at_all_is_no_topic():
    nothing = review(State(), {})
    assert nothing.state == State()
    assert placing.place(["anything"], nothing.index, VECTORS)[0].topics == ()


def test_many_topics_are_gathered_under_themes_that_stay(first, monkeypatch):
    assert {topic.theme for topic in first.state.topics.values()} == {None}
    monkeypatch.setattr(reviewing, "MANY", 3)
    state = review(first.state, world()).state
    assert 2 <= len(state.themes) < len(state.topics)
    assert {topic.theme for topic in state.topics.values()} == set(state.themes)
    labels = {theme.label.casefold() for theme in state.themes.values()}
    assert "" not in labels
    assert len(labels) == len(state.themes)
    again = review(state, world()).state
    assert (again.themes, again.topics) == (state.themes, state.topics)


def test_progress_is_told_to_the_end():
    steps = []
    review(State(), world(), progress=lambda step, share: steps.append((step, share)))
    assert steps[-1] == ("done", 1.0)
    assert [share for _, share in steps] == sorted(share for _, share in steps)


def test_a_comment_that_disappears_leaves_the_rest_as_it_was(first):
    kept = {id_: text for id_, text in world().items() if id_ != "food-0-0"}
    places = {id_: place for id_, place in first.state.places.items() if id_ in kept}
    later = review(replace(first.state, places=places), kept).state
    assert "food-0-0" not in later.places
    assert of(later, "staff") == of(first.state, "staff")


@pytest.mark.parametrize(
    "comments",
    [
        ["late parcel"],
        ["late parcel", "Farbe blättert ab"],
        ["late parcel", "Farbe blättert ab", "serveur aimable", "la aplicación se cierra"],
        ["👍", "😡😡", "❤️", "👎"],
        ["すごく良い", "配達が遅い", "太贵了"],
    ],
)
def test_comments_that_make_no_group_make_no_topic(comments):
    found = review(State(), {f"c{at}": comment for at, comment in enumerate(comments)}).state
    assert not found.topics
    assert review(found, {f"c{at}": comment for at, comment in enumerate(comments)}).state.topics == {}


def test_what_is_sent_home_may_leave_its_group_empty(monkeypatch):
    """The last group is the smallest, and its rows may all belong elsewhere."""
    plainly = naming.plain_matters
    monkeypatch.setattr(naming, "plain_matters", lambda *given: replace(plainly(*given), vague=[2]))
    matter = {
        0: [f"the parcel came {n} weeks late" for n in range(30)],
        1: [f"the waiter was rude, table {n}" for n in range(30)],
        2: ["my parcel came late", "so late, my parcel", "parcel came weeks late", "rude waiter there"],
    }
    texts = [text for own in matter.values() for text in own]
    groups = np.array([group for group, own in matter.items() for _ in own])
    meanings = reviewing._Meanings(VECTORS.encode(texts), np.arange(len(texts)))
    found = reviewing._of_one_matter(groups, meanings, texts, VECTORS)
    assert len(set(found[:30].tolist())) == len(set(found[30:60].tolist())) == 1
    assert found[60:].tolist() == [found[0]] * 3 + [found[30]]


def test_what_is_compared_by_its_own_words_is_left_as_it_was_grouped():
    """Nobody knows what matter it speaks of."""
    said = ["bavullarımız kayboldu", "uçak çok geç kaldı", "koltuklar çok dar", "yemekler soğuktu"]
    texts = [f"{text} {n}" for text in said for n in range(6)]
    groups = np.repeat(np.arange(4), 6)
    meanings = reviewing._Meanings(VECTORS.encode(texts), np.arange(len(texts)))
    assert len(set(reviewing._of_one_matter(groups, meanings, texts, VECTORS).tolist())) == 4


def test_a_trade_that_is_on_no_list_keeps_its_topics():
    """What is unknown is not the same."""
    said = (
        "the glaze cracked in the second firing", "kiln shelf warped again", "my porcelain slip curdled",
        "the quasar survey covers the southern sky", "spectra of dwarf stars", "the telescope mirror was recoated",
    )  # fmt: skip
    texts = [f"{text}, {n}" for text in said for n in "abcdef"]
    groups = np.repeat(np.arange(6), 6)
    meanings = reviewing._Meanings(VECTORS.encode(texts), np.arange(len(texts)))
    assert len(set(reviewing._of_one_matter(groups, meanings, texts, VECTORS).tolist())) >= 5
