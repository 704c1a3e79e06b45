"""Neighbours, communities and votes."""

import numpy as np
import pytest

from feedback.analysis.topics import clusters, neighbours
from feedback.analysis.topics.communities import louvain, mutual_graph
from feedback.analysis.topics.vectors import unit
from feedback.training.agreement import v_measure


def blobs(groups: int, each: int, dimensions: int = 16, spread: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(1)
    centres = unit(chance.normal(size=(groups, dimensions)))
    truth = np.repeat(np.arange(groups), each)
    return unit(centres[truth] + spread * chance.normal(size=(len(truth), dimensions))).astype(
        np.float32
    ), truth


def once(rows: np.ndarray) -> np.ndarray:
    return np.ones(len(rows), np.int64)


def test_nearest_neighbours_are_the_true_ones_and_in_order():
    rows, _ = blobs(5, 20)
    index, cosine = neighbours.nearest(rows, 4)
    every = rows @ rows.T
    np.fill_diagonal(every, -2)
    assert np.array_equal(index, np.argsort(-every, axis=1)[:, :4])
    assert (np.diff(cosine, axis=1) <= 0).all()


def test_fewer_rows_than_neighbours_leave_gaps():
    index, cosine = neighbours.nearest(np.eye(2, dtype=np.float32), 3)
    assert index.tolist() == [[1, -1, -1], [0, -1, -1]]
    assert cosine[0].tolist() == [0.0, -1.0, -1.0]


def test_rows_of_zeros_are_nobodys_neighbours():
    rows = np.array([[1, 0], [0, 0], [1, 0]], np.float32)
    index, _ = neighbours.nearest(rows, 2)
    assert index.tolist() == [[2, -1], [-1, -1], [0, -1]]


def test_through_cells_nearly_all_true_neighbours_are_found(monkeypatch):
    rows, _ = blobs(40, 50, spread=0.3)
    exact, _ = neighbours.nearest(rows, 8)
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", 100)
    found, _ = neighbours.nearest(rows, 8)
    shared = np.mean([len(set(a) & set(b)) / 8 for a, b in zip(exact.tolist(), found.tolist(), strict=True)])
    assert shared > 0.93
    assert not (found == np.arange(len(rows))[:, None]).any()


@pytest.mark.parametrize("rows", [0, 1, 30, 3000])
def test_new_rows_find_nearly_all_their_true_neighbours_through_cells(rows):
    everything, _ = blobs(40, 80, spread=0.2)
    queries, there = everything[::16], np.delete(everything, np.s_[::16], axis=0)[:rows]
    order, cells = neighbours.part(there)
    found, cosine = neighbours.nearest_among(queries, there[order], cells, 8)
    every = queries @ there[order].T
    exact = np.argsort(-every, axis=1, kind="stable")[:, :8]
    assert sorted(order) == list(range(rows))
    assert (found[:, min(8, rows) :] == -1).all()
    assert (np.diff(cosine, axis=1) <= 0).all()
    if rows >= 8:
        assert np.allclose(cosine, np.take_along_axis(every, found, 1), atol=1e-6)
        shared = [len(set(a) & set(b)) / 8 for a, b in zip(exact.tolist(), found.tolist(), strict=True)]
        assert np.mean(shared) > 0.95


@pytest.mark.parametrize("equal", [0.6, 0.8, 0.9])
def test_many_equal_rows_do_not_hide_the_others(equal):
    varied, _ = blobs(40, 100, spread=0.2)
    queries, varied = varied[::40], np.delete(varied, np.s_[::40], axis=0)
    copies = round(len(varied) * equal / (1 - equal))
    there = np.concatenate([varied, np.repeat(varied[7:8], copies, axis=0)])
    there = there[np.random.default_rng(3).permutation(len(there))][:8000]
    order, cells = neighbours.part(there)
    assert (np.diff(cells.begins) > 0).all()
    _, cosine = neighbours.nearest_among(queries, there[order], cells, 8)
    exact = -np.sort(-(queries @ there.T), axis=1)[:, :8]
    assert np.isclose(cosine, exact, atol=1e-6).mean() > 0.95


def test_two_cliques_on_a_bridge_are_two_communities():
    edges = [(a, b) for base in (0, 5) for a in range(base, base + 5) for b in range(a + 1, base + 5)] + [
        (4, 5)
    ]
    start, end = np.array(edges).T
    part = louvain(10, start, end, np.ones(len(edges)), 1.0)
    assert len(set(part[:5])) == len(set(part[5:])) == 1
    assert part[0] != part[5]


def test_nodes_without_edges_stay_alone():
    none = np.zeros(0, np.int64)
    assert sorted(louvain(3, none, none, np.zeros(0), 1.0)) == [0, 1, 2]
    assert len(louvain(0, none, none, np.zeros(0), 1.0)) == 0


def test_a_one_sided_neighbour_weighs_less():
    index, cosine = np.array([[1], [0], [0]]), np.array([[0.8], [0.8], [0.6]])
    start, end, weight = mutual_graph(index, cosine, 0.5)
    assert list(zip(start, end, weight, strict=True)) == [(0, 1, 0.8), (0, 2, 0.3)]


@pytest.mark.parametrize(("groups", "each"), [(4, 30), (25, 20)])
def test_groups_are_found_without_knowing_their_number(groups, each):
    rows, truth = blobs(groups, each)
    found = clusters.group(rows, once(rows)).group
    assert len(set(zip(truth.tolist(), found.tolist(), strict=True))) == groups == len(set(found.tolist()))


def test_a_grouping_that_leaves_rows_out_is_not_the_better_for_it():
    rows, truth = blobs(4, 10)
    partly = np.where(np.arange(len(rows)) % 10 < 3, truth, -1)
    assert clusters.separation(rows, partly) < clusters.separation(rows, truth) / 4


def test_equal_rows_give_equal_groups():
    rows, _ = blobs(6, 25, spread=0.25)
    assert np.array_equal(
        clusters.group(rows, once(rows)).group, clusters.group(rows.copy(), once(rows)).group
    )


def test_what_many_say_is_a_group_where_what_few_say_is_none():
    rows = np.eye(3, 4, dtype=np.float32)
    assert clusters.group(rows, np.array([2, 9, 3])).group.tolist() == [-1, 0, 1]


@pytest.mark.parametrize("rows", [np.zeros((0, 4)), np.zeros((5, 4)), np.eye(2)])
def test_too_little_makes_no_group(rows):
    assert (clusters.group(rows.astype(np.float32), once(rows)).group == -1).all()


def test_neighbours_vote_and_zeros_join_nothing():
    rows = np.array([[1, 0], [0.99, 0.14], [0, 1]], np.float32)
    queries = np.array([[1, 0.05], [0, 0]], np.float32)
    votes = clusters.vote(queries, rows, neighbours.part(rows)[1], np.array([3, 3, 7]), voters=3)
    assert votes.group.tolist() == [3, -1]
    assert votes.share[0] > 0.9


def test_near_centres_are_gathered_first():
    rows = unit(np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]]))
    assert clusters.gather(rows, 2).tolist() == [0, 0, 1, 1]


def test_where_the_leading_language_makes_no_group_nobody_is_in_one():
    rows = unit(np.eye(7, 8, dtype=np.float32) + np.eye(1, 8, 7, dtype=np.float32))
    languages = np.array([0, 0, 1, 1, 1, 1, 1])
    assert clusters.group(rows, once(rows), languages, 0).group.tolist() == [-1] * 7


def test_what_a_language_has_in_common_tells_no_meaning():
    """Comments in the second language, all nearest to the first group of the leading one, join what they mean."""
    chance = np.random.default_rng(4)
    middles = unit(chance.normal(size=(6, 64)))
    of = np.arange(360) % 6
    languages = np.repeat([0, 1], 180)
    rows = middles[of] + 0.1 * chance.normal(size=(360, 64))
    rows[languages == 1] = 0.4 * rows[languages == 1] + middles[0]
    found = clusters.group(unit(rows).astype(np.float32), np.ones(360, np.int64), languages, 0).group
    assert v_measure(of.tolist(), found.tolist()) > 0.95


def test_groups_of_a_kind_that_are_hardly_apart_become_one():
    near, far = unit(np.array([[1.0, 0.15, 0.0], [1.0, -0.15, 0.0]])), np.array([[0.0, 0.0, 1.0]])
    rows = np.concatenate([near, far]).repeat(5, axis=0).astype(np.float32)
    groups = np.repeat([0, 1, 2], 5)

    def found(kinds):
        return clusters.together(rows, groups, kinds)[::5].tolist()

    assert found({0: 7, 1: 7, 2: 7}) == [0, 0, 2]
    assert found({0: 7, 1: 8, 2: 7}) == [0, 1, 2]
    assert found({}) == [0, 1, 2]


def test_centres_of_half_precision_are_those_of_the_whole():
    """Thousands of small numbers are added up."""
    rows = unit(np.random.default_rng(2).random((4000, 32)) + 0.01).astype(np.float16)
    whole = unit(rows.astype(np.float64).sum(0)[None, :])
    assert np.allclose(clusters.centres(rows, np.zeros(4000, np.int64)), whole, atol=1e-4)


def test_clear_groups_stay_apart_however_few_can_be_read():
    """Of 300 comments a dozen topics are wanted, but twenty that are plainly apart are not put together."""
    rows, _ = blobs(20, 20)
    found = clusters.group(rows, once(rows)).group
    assert len(set(found.tolist())) == 20
