"""Parts a graph of neighbours into communities: groups tied more closely to each other than chance would
have it."""

import random
from collections import deque

import numpy as np


def mutual_graph(
    index: np.ndarray, cosine: np.ndarray, one_sided: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Undirected edges (from, to, weight) between each row and its neighbours as `neighbours.nearest`
    gives them.

    An edge weighs the cosine; where only one of the two counts the other among its nearest, `one_sided` (0–1)
    of it: mutual neighbours keep a hub, near to everything, from tying topics together.
    """
    count, k = index.shape
    real = index.ravel() >= 0
    start, end = np.repeat(np.arange(count, dtype=np.int32), k)[real], index.ravel()[real]
    weight, times, start, end = _summed(start, end, np.maximum(cosine.ravel()[real], 1e-3), count)
    weight = weight / times
    weight[times == 1] *= one_sided
    return start, end, weight


def louvain(
    count: int, start: np.ndarray, end: np.ndarray, weight: np.ndarray, resolution: float, seed: int = 0
) -> np.ndarray:
    """The community of each of `count` nodes, numbered from 0 without gaps, by greedy modularity.

    Louvain (Blondel et al. 2008, arXiv:0803.0476) with Leiden's queue of changed nodes (Traag et al. 2019,
    arXiv:1810.08473). A higher `resolution` gives more and smaller communities (Reichardt, Bornholdt 2006).
    Equal graphs and seeds give equal answers.
    """
    part = np.arange(count)
    chance = random.Random(seed)
    while True:
        chosen = _move(int(part.max()) + 1 if count else 0, start, end, weight, resolution, chance)
        names, community = np.unique(np.array(chosen, np.int64), return_inverse=True)
        part = community[part]
        if len(names) == len(community):
            return part
        start, end, weight = _gather(community, start, end, weight, len(names))


def _move(
    count: int,
    start: np.ndarray,
    end: np.ndarray,
    weight: np.ndarray,
    resolution: float,
    chance: random.Random,
) -> list[int]:
    """Moves single nodes to the neighbouring community that gains most until no move gains anything."""
    begins, others, strengths, degree = _adjacency(count, start, end, weight)
    total = degree[:]
    penalty = resolution / (sum(degree) or 1.0)
    community = list(range(count))
    order = list(range(count))
    chance.shuffle(order)
    queue, waiting = deque(order), [True] * count
    while queue:
        node = queue.popleft()
        waiting[node] = False
        here, own = community[node], degree[node]
        total[here] -= own
        tied = {here: 0.0}
        around = others[begins[node] : begins[node + 1]].tolist()
        for other, strength in zip(around, strengths[begins[node] : begins[node + 1]].tolist(), strict=True):
            there = community[other]
            tied[there] = tied.get(there, 0.0) + strength
        best, gain = here, tied[here] - total[here] * own * penalty
        for there, strength in tied.items():
            better = strength - total[there] * own * penalty
            if better > gain + 1e-12:
                best, gain = there, better
        total[best] += own
        if best != here:
            community[node] = best
            for other in around:
                if not waiting[other] and community[other] != best:
                    waiting[other] = True
                    queue.append(other)
    return community


def _adjacency(
    count: int, start: np.ndarray, end: np.ndarray, weight: np.ndarray
) -> tuple[list[int], np.ndarray, np.ndarray, list[float]]:
    """For each node where its edges begin; the other ends of all edges and their weights; and the sum of weights, in
    which loops count twice.

    Packed in arrays: as Python objects the edges of 100,000 comments would take 150 MB.
    """
    degree = np.bincount(start, weight, count) + np.bincount(end, weight, count)
    apart = start != end
    start, end, weight = start[apart], end[apart], weight[apart]
    ends = np.concatenate([start, end])
    begins = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=count))])
    order = np.argsort(ends, kind="stable")
    del ends
    others = np.concatenate([end, start])[order]
    order %= max(1, len(weight))  # each edge is there twice
    return begins.tolist(), others, weight[order], degree.tolist()


def _gather(
    community: np.ndarray, start: np.ndarray, end: np.ndarray, weight: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The graph whose nodes are the communities; edges inside one become its loop."""
    community = community.astype(np.int32)
    weight, _, start, end = _summed(community[start], community[end], weight, count)
    return start, end, weight


def _summed(
    start: np.ndarray, end: np.ndarray, weight: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Edges between the same two of `count` nodes made one: the sum of their weights, how many they were, and the two
    ends, the lower first.

    By sorting, for `np.unique` holds twice as much at a time: 60 MB with 100,000 comments.
    """
    key = np.minimum(start, end).astype(np.int64)
    key *= count
    key += np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    key, weight = key[order], weight[order]
    del order
    begins = np.flatnonzero(np.concatenate([key[:1] >= 0, key[1:] != key[:-1]]))
    times = np.diff(begins, append=len(key)).astype(np.int32)
    key = key[begins]
    weight = np.bincount(np.repeat(np.arange(len(key)), times), weight, len(key))
    return weight, times, (key // count).astype(np.int32), (key % count).astype(np.int32)
