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
    start = np.repeat(np.arange(count, dtype=np.int64), k)
    end = index.ravel().astype(np.int64)
    weight = np.maximum(cosine.ravel(), 1e-3).astype(np.float64)
    real = end >= 0
    start, end, weight = start[real], end[real], weight[real]
    key, at, times = np.unique(
        np.minimum(start, end) * count + np.maximum(start, end), return_inverse=True, return_counts=True
    )
    weight = np.bincount(at, weight, len(key)) / times
    weight[times == 1] *= one_sided
    kept = weight > 0
    return key[kept] // count, key[kept] % count, weight[kept]


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
    """For each node where its edges begin, their other ends and weights, and the sum of weights (loops
    twice).

    Packed in arrays: as Python objects the edges of 100,000 comments would take 150 MB.
    """
    degree = np.bincount(start, weight, count) + np.bincount(end, weight, count)
    apart = start != end
    ends = np.concatenate([start[apart], end[apart]])
    order = np.argsort(ends, kind="stable")
    others = np.concatenate([end[apart], start[apart]])[order].astype(np.int32)
    begins = np.searchsorted(ends[order], np.arange(count + 1))
    strengths = np.concatenate([weight[apart]] * 2)[order]
    return begins.tolist(), others, strengths, degree.tolist()


def _gather(
    community: np.ndarray, start: np.ndarray, end: np.ndarray, weight: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The graph whose nodes are the communities; edges inside one become its loop."""
    a, b = community[start], community[end]
    key, at = np.unique(np.minimum(a, b) * count + np.maximum(a, b), return_inverse=True)
    return key // count, key % count, np.bincount(at, weight, len(key))
