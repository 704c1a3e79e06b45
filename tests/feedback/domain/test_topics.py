"""What may happen to topics, and what a review must leave alone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from feedback.domain import topics
from feedback.domain.topics import Kind, Place, State, Topic

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def standing(**members: int) -> State:
    """A state with `members` comments in each topic: "a0", "a1" … in topic "a"."""
    places = {f"{name}{at}": Place(name) for name, count in members.items() for at in range(count)}
    return State({name: Topic(name, name.title()) for name in members}, places)


def placed(state: State, **where: str | None) -> State:
    """`state` in which a person put comments where they belong."""
    moved = {comment: Place(topic, by_person=True) for comment, topic in where.items()}
    return replace(state, places={**state.places, **moved})


def test_a_renamed_topic_keeps_its_id_and_comments():
    state = topics.rename(standing(a=3), "a", "Late parcels", NOW)
    assert state.topics["a"].label == "Late parcels"
    assert state.topics["a"].named
    assert state.places["a0"].topic == "a"


def test_two_topics_cannot_have_labels_that_read_alike():
    with pytest.raises(topics.LabelTaken):
        topics.rename(standing(a=3, b=3), "a", "b", NOW)
    with pytest.raises(topics.LabelTaken):
        topics.teach(standing(a=3), "A", [], NOW)


@pytest.mark.parametrize(
    "verb",
    [
        lambda state: topics.rename(state, "gone", "x", NOW),
        lambda state: topics.merge(state, "gone", "a", NOW),
        lambda state: topics.merge(state, "a", "gone", NOW),
        lambda state: topics.split(state, "gone", "x", NOW),
    ],
)
def test_a_topic_that_is_not_there_is_named_in_the_error(verb):
    with pytest.raises(topics.UnknownTopic, match="gone"):
        verb(standing(a=3))


def test_a_merge_moves_all_comments_and_is_remembered_through_the_next():
    state = topics.merge(standing(a=2, b=2, c=2), "a", "b", NOW)
    state = topics.merge(state, "b", "c", NOW)
    assert {place.topic for place in state.places.values()} == {"c"}
    assert state.merged == {"a": "c", "b": "c"}


def test_lineage_tells_of_all_relatives_oldest_first():
    state, made = topics.split(standing(a=4, b=2), "a", "New", NOW)
    state = topics.merge(state, "b", made, NOW)
    state = topics.rename(state, "a", "Else", NOW)
    assert [change.kind for change in topics.lineage(state, "b")] == [Kind.SPLIT, Kind.MERGED, Kind.RENAMED]
    assert topics.lineage(state, "unheard of") == ()


def test_a_split_makes_a_taught_topic_and_moves_nobody_by_itself():
    before = standing(a=4)
    state, made = topics.split(before, "a", "New", NOW)
    assert (state.topics[made].label, state.topics[made].taught) == ("New", True)
    assert state.places == before.places


def test_equal_states_give_equal_ids_and_used_ids_are_never_given_again():
    first, one = topics.teach(standing(a=1), "New", ["x"], NOW)
    _, again = topics.teach(standing(a=1), "New", ["x"], NOW)
    gone = topics.merge(first, one, "a", NOW)
    _, other = topics.teach(gone, "New", ["x"], NOW)
    assert one == again
    assert other != one


def test_the_share_that_waits_counts_comments_without_topic():
    state = State({}, {"1": Place(None), "2": Place("a"), "3": Place("a"), "4": Place("a")})
    assert topics.unplaced_share(state) == 0.25
    assert topics.unplaced_share(State()) == 0.0


def review(state: State, fresh: dict[str, int], gain=None, **kept) -> topics.Reconciled:
    flows = {(place.topic, group): 1.0 for place in state.places.values() for group in set(fresh.values())}
    return topics.reconcile(state, fresh, gain or flows, 3, **kept)


def test_a_first_review_makes_a_topic_of_each_group_that_is_large_enough():
    fresh = {f"c{at}": 0 for at in range(4)} | {"lonely": 1}
    decided = review(State(), fresh)
    (made,) = decided.born
    assert decided.topics == {f"c{at}": made for at in range(4)} | {"lonely": None}


def test_a_group_carries_on_the_topic_it_shares_most_comments_with():
    state = standing(a=10, b=10)
    fresh = {id_: 1 if id_.startswith("a") else 0 for id_ in state.places}
    decided = review(state, fresh)
    assert decided.topics == {id_: place.topic for id_, place in state.places.items()}
    assert not decided.born


def test_comments_that_wait_join_the_topic_of_their_group():
    state = standing(a=10)
    fresh = dict.fromkeys([*state.places, "new"], 0)
    assert review(state, fresh).topics["new"] == "a"


def test_a_review_moves_no_more_than_promised():
    state = standing(a=100, b=100)
    fresh = {id_: int(id_.startswith("b")) for id_ in state.places}
    fresh |= {f"a{at}": 1 for at in range(7)} | {f"b{at}": 0 for at in range(6)}
    decided = review(state, fresh, gain={("a", 1): 70.0, ("b", 0): 6.0}, most_moved=0.05)
    assert decided.moved == 10
    moved = [id_ for id_, place in state.places.items() if decided.topics[id_] != place.topic]
    assert moved == [*(f"a{at}" for at in range(7)), "b0", "b1", "b2"]


def test_a_new_topic_is_not_made_of_the_part_of_a_flow_that_fits():
    state = standing(a=100, b=100)
    fresh = {id_: int(id_.startswith("b")) for id_ in state.places} | {f"a{at}": 2 for at in range(20)}
    decided = review(state, fresh, gain={("a", 2): 20.0}, most_moved=0.05)
    assert (decided.moved, decided.born) == (0, {})


def test_what_was_taught_gets_the_comments_that_were_there_review_by_review():
    state = standing(a=100)
    state, taught = topics.teach(state, "Taught", ["x"], NOW)
    fresh = {id_: int(at < 20) for at, id_ in enumerate(state.places)}
    moved = []
    for _ in range(6):
        decided = review(state, fresh, gain={("a", 1): -3.0}, owners={1: taught})
        moved.append(decided.moved)
        places = {id_: Place(topic) for id_, topic in decided.topics.items()}
        state = State(state.topics, places, state.merged, state.lineage)
    assert moved == [4, 4, 4, 4, 4, 0]
    assert [id_ for id_, place in state.places.items() if place.topic == taught] == [
        f"a{at}" for at in range(20)
    ]


def test_what_was_taught_takes_nothing_from_the_moves_of_others():
    state = standing(a=100, b=100)
    state, taught = topics.teach(state, "Taught", ["x"], NOW)
    fresh = {id_: int(id_.startswith("b")) for id_ in state.places}
    fresh |= {f"a{at}": 2 for at in range(50)} | {f"b{at}": 0 for at in range(50)}
    decided = review(state, fresh, gain={("a", 2): 90.0, ("b", 0): 50.0}, owners={2: taught}, most_moved=0.05)
    where = [decided.topics[id_] for id_ in state.places]
    assert (where.count(taught), decided.moved) == (10, 20)


def test_a_move_that_gains_nothing_is_not_made():
    state = standing(a=10, b=10)
    fresh = {id_: int(id_.startswith("b")) for id_ in state.places} | {"a0": 1}
    assert review(state, fresh, gain={("a", 1): -0.5}, most_moved=1.0).moved == 0


def test_what_a_person_placed_never_moves():
    state = placed(standing(a=10, b=10), a0="b", b0=None)
    decided = review(state, {id_: int(id_[0] == "b") for id_ in state.places}, most_moved=1.0)
    assert decided.topics["a0"] == "b"
    assert decided.topics["b0"] is None


def test_a_large_part_that_stands_apart_becomes_a_topic_with_its_parent():
    state = standing(a=100)
    fresh = {id_: int(at >= 96) for at, id_ in enumerate(state.places)}
    decided = review(state, fresh)
    (made,) = decided.born
    assert decided.parent[made] == "a"
    assert decided.topics["a99"] == made


def test_a_merge_by_a_person_is_not_undone():
    state = topics.merge(standing(a=10, b=10), "b", "a", NOW)
    decided = review(state, {id_: int(id_[0] == "b") for id_ in state.places}, most_moved=1.0)
    assert set(decided.topics.values()) == {"a"}
    assert not decided.born


def test_few_that_wait_do_not_make_a_second_topic_of_what_stands():
    state = standing(a=100)
    fresh = {id_: int(at >= 50) for at, id_ in enumerate(state.places)} | {f"new{at}": 1 for at in range(5)}
    decided = review(state, fresh)
    assert not decided.born
    assert decided.topics["new0"] == "a"
