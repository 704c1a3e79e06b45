"""How arrivals of one answer merge."""

import itertools

from surveys.domain import revisions


def after(arrivals, differing=False):
    """What is stored, and which revision carried each field, after some arrivals: (revision, what it carried)."""
    stored, carriers = dict(revisions.MERGED), {}
    for revision, carried in arrivals:
        changes, carriers = revisions.merged(stored, carriers, carried, revision, differing)
        stored |= changes
    return {name: value for name, value in stored.items() if name in carriers}, carriers


def test_any_order_and_any_repetition_give_the_same():
    arrivals = [
        (1, {"score": 3, "final": False}),
        (2, {"comment": "Slow"}),
        (3, {"score": 4, "comment": None}),
    ]
    expected = ({"score": 4, "final": False, "comment": None}, {"score": 3, "final": 1, "comment": 3})
    for order in itertools.permutations(arrivals + arrivals[:2]):
        assert after(order) == expected, order


def test_at_equal_revision_the_first_stored_wins():
    assert after([(1, {"score": 3}), (1, {"score": 9, "test": True})]) == (
        {"score": 3, "test": True},
        {"score": 1, "test": 1},
    )


def test_one_and_true_are_not_the_same():
    assert revisions.merged({"final": 1}, {}, {"final": True}, 1) == ({"final": True}, {"final": 1})


def test_what_says_the_same_may_be_left_with_whoever_said_it_first():
    assert after([(1, {"score": 3}), (2, {"score": 3})], differing=True)[1] == {"score": 1}
    assert after([(1, {"score": 3}), (2, {"score": 3})])[1] == {"score": 2}
