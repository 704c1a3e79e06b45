"""Groups of comments by meaning: neighbours are averaged, linked where both are near to each other, and parted into
communities. Neighbours also vote on where a new comment belongs.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from feedback.analysis.topics.communities import louvain, mutual_graph
from feedback.analysis.topics.neighbours import EXACT_UP_TO, Cells, nearest, nearest_among, part
from feedback.analysis.topics.vectors import unit

SMALLEST = 3  # comments; fewer are not yet a topic
VOTERS = 10
_EACH = 20  # comments of a topic in the mean, at least, where there are more than `_FEW` …
_MANY = 1_500  # … and so many comments or more
_FEW = 12  # topics that are never too many
_NEARLY = 1.25  # times as many groups as are wanted may be put together
_PLAINLY = 1.5  # times as far apart: from there on groups are more than that, however few are wanted
_JOINS = 0.25  # cosine to the nearest of those that make the groups
_OF_A_LANGUAGE = 20  # rows from which on what they have in common is their language
_SHARED = 0.2  # cosine from which texts that are compared by their own words share one that says something
_BLURRED_BY = 8  # neighbours a comment is averaged with
_OWN_WEIGHT = 0.5
_TIES = (10, 15)  # neighbours in the graph, fewest and most
_TIES_BY = 0.7  # of the cube root of the number of rows
_ONE_SIDED = 0.5
# More of them do not change which one is chosen for the better.
_RESOLUTIONS = (0.5, 1.0, 2.0, 4.0, 9.0, 19.0)
_AS_GOOD = 0.05  # share of the best separation within which another resolution is about as good
# Rows worked on at a time: the vectors of 100,000 comments are 100 MB, and a copy as much again.
_BLOCK = 4096
_SETTLED = 2  # times that rows go to the nearest centre after groups were put together; more move hardly any
_HARDLY_APART = 0.1  # share of the nearness to the own centre
_JUDGED_ON = 20_000  # rows; more do not change which resolution is best


@dataclass(frozen=True)
class Votes:
    """What the neighbours of some comments say: the group each would join (-1: none), and the share of the
    votes for it (0–1)."""

    group: np.ndarray
    share: np.ndarray


@dataclass(frozen=True)
class Grouping:
    """A grouping made anew: `group` of each row (-1: none), the graph's edges, and the neighbours that each row
    was averaged with (indices and cosines)."""

    group: np.ndarray
    edges: tuple[np.ndarray, np.ndarray, np.ndarray]
    around: tuple[np.ndarray, np.ndarray]


def group(
    rows: np.ndarray,
    copies: np.ndarray,
    languages: np.ndarray | None = None,
    lead: int | None = None,
    apart: np.ndarray | None = None,
    leans: bool = False,
) -> Grouping:
    """Groups unit vectors, the number of groups unknown; rows of zeros are in no group (-1).

    `rows` are all different, and `copies` says how many comments mean each: equal ones would be one another's
    nearest, which of them is chance, and so fall apart into any number of groups. A comment is near to what others
    say in other words; how many say it counts only for how large a group is.

    The resolution is chosen by how well groups are apart (`separation`) at several, amid all at which they are about
    equally well. Members of groups smaller than `SMALLEST` join the group their neighbours vote for.

    `languages`: a number for each row's. Only rows of the one that has the `lead` (default: all) make groups; the
    others join the group that their nearest neighbours among those vote for, if these are near enough (`_JOINS`). What
    is said in another language is nearer to its own kind than to what it means. Rows that are `apart` make groups of
    their own, of what shares words. `leans`: what the leading rows have in common is their language more than what
    they are about, and is taken off them too.
    """
    meant = rows if languages is None else plain(rows, languages)
    around = _held_apart(*nearest(meant, _BLURRED_BY), apart)
    near = _held_apart(*nearest(blur(meant, meant, *around, _precision(rows)), _ties(len(rows))), apart)
    edges = mutual_graph(*near, _ONE_SIDED)
    if languages is None or lead is None:
        return Grouping(by_size(_parted(meant, copies, near, edges), copies), edges, around)
    leading = languages == lead
    if apart is not None:
        leading |= apart
    own = np.flatnonzero(leading)
    alone = (meant if leans else rows)[own].astype(_precision(rows), copy=False)
    strange = None if apart is None else apart[own]
    blurred = blur(alone, alone, *_held_apart(*nearest(alone, _BLURRED_BY), strange), _precision(rows))
    among = _held_apart(*nearest(blurred, _ties(len(own))), strange)
    del blurred
    found = np.full(len(rows), -1)
    found[own] = _parted(alone, copies[own], among, mutual_graph(*among, _ONE_SIDED))
    return Grouping(by_size(_joined(meant, found, ~leading, near), copies), edges, around)


def _parted(
    rows: np.ndarray,
    copies: np.ndarray,
    near: tuple[np.ndarray, np.ndarray],
    edges: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:
    """The communities of rows, given the neighbours of each and the graph's edges, at the resolution chosen."""
    real = np.asarray(rows.any(axis=1))

    def at(resolution: float) -> np.ndarray:
        return _large_enough(louvain(len(rows), *edges, resolution), copies * real, *near)

    tried = [at(resolution) for resolution in _RESOLUTIONS]
    apart = np.array([separation(rows, each) for each in tried])
    comments = int(copies[real].sum())
    # Groups at a resolution at which they are few enough hold together better than the nearest of too many.
    for most in (_readable(comments), max(_FEW, comments // _EACH), len(rows)):
        few = np.array([each.max(initial=-1) < _NEARLY * most for each in tried])
        if few.any() and apart.max() <= _PLAINLY * apart[few].max():
            break
    chosen = _amid(apart[few], np.array(_RESOLUTIONS)[few])
    return _few_enough(rows, at(chosen), min(most, max(_FEW, comments // _EACH)))


def _precision(rows: np.ndarray) -> type[np.floating]:
    """Half of the precision is enough to compare many, and saves 50 MB with 100,000."""
    return np.float16 if len(rows) > EXACT_UP_TO else np.float32


def plain(rows: np.ndarray, languages: np.ndarray) -> np.ndarray:
    """Unit rows without what those of a language, which are the same number in `languages`, have in common: that they
    are in it, and that they are feedback. What is left is what they mean."""
    out = np.zeros(rows.shape, _precision(rows))
    for language in np.unique(languages):
        own = np.flatnonzero((languages == language) & rows.any(axis=1))
        middle = rows[own].mean(0) if len(own) >= _OF_A_LANGUAGE else np.zeros(rows.shape[1], np.float32)
        for start in range(0, len(own), _BLOCK):
            some = own[start : start + _BLOCK]
            out[some] = unit(rows[some] - middle)
    return out


def separation(rows: np.ndarray, groups: np.ndarray) -> float:
    """How far groups of unit rows are apart: higher is better, 0 for fewer than two groups.

    Two means are multiplied. Both are about how much nearer a row is to the centre of its own group than to the
    nearest other centre: once as it is, and once as a share of what is missing to the farther of the two. A row in no
    group counts as 0. The first mean alone likes few large groups, the second alone many small ones (a simplified
    silhouette: Vendramin, Campello, Hruschka 2010, doi:10.1002/sam.10080).
    """
    at = np.flatnonzero(groups >= 0)
    placed = len(at) / max(1, len(groups))
    at = at[:: max(1, len(at) // _JUDGED_ON)]
    middle = centres(rows, groups)
    if len(middle) < 2:
        return 0.0
    apart = share = 0.0
    for start in range(0, len(at), _BLOCK):
        part = at[start : start + _BLOCK]
        close = rows[part] @ middle.T
        mine = (np.arange(len(part)), groups[part])
        own = close[mine]
        close[mine] = -1.0
        other = close.max(1)
        apart += float((own - other).sum())
        share += float(((own - other) / np.maximum(1 - np.minimum(own, other), 1e-6)).sum())
    return max(0.0, placed * apart / len(at)) * max(0.0, placed * share / len(at))


def neighbours_to_blur(queries: np.ndarray, rows: np.ndarray, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """The neighbours among `rows`, which stand in `cells`, that new rows are averaged with, and their cosines."""
    return nearest_among(queries, rows, cells, _BLURRED_BY)


def blur(
    queries: np.ndarray,
    rows: np.ndarray,
    index: np.ndarray,
    cosine: np.ndarray,
    precision: type[np.floating] = np.float32,
) -> np.ndarray:
    """Each of `queries` averaged with its neighbours among `rows`, weighted by their cosines: then the matter that
    comments share counts for more than their wording."""
    if not len(rows):
        return queries
    out = np.empty(queries.shape, precision)
    for start in range(0, len(queries), _BLOCK):
        part = slice(start, start + _BLOCK)
        weight = np.where(index[part] >= 0, np.maximum(cosine[part], 0.0), 0.0).astype(np.float32)
        weight /= np.maximum(weight.sum(1, keepdims=True), 1e-9)
        around = np.einsum("nk,nkd->nd", weight, rows[index[part]])
        out[part] = unit(_OWN_WEIGHT * queries[part] + (1 - _OWN_WEIGHT) * around)
    return out


def vote(
    queries: np.ndarray, rows: np.ndarray, cells: Cells, groups: np.ndarray, voters: int = VOTERS
) -> Votes:
    """The group of each query. The nearest `rows` vote for it; they stand in `cells`, and their groups are given (-1
    has no vote).

    The weight of a vote is its cosine. A row of zeros joins nothing.
    """
    if not len(rows):
        return Votes(np.full(len(queries), -1), np.zeros(len(queries)))
    return _tally(*nearest_among(queries, rows, cells, voters), groups)


def centres(rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The mean direction of each group 0 … of unit rows (-1: in none)."""
    order = np.argsort(groups, kind="stable")
    order = order[np.searchsorted(groups[order], 0) :]
    sums = np.zeros((int(groups.max(initial=-1)) + 1, rows.shape[1]), np.float32)
    for start in range(0, len(order), _BLOCK):
        part = order[start : start + _BLOCK]
        present, begins = np.unique(groups[part], return_index=True)
        # In half of the precision what is added to a large sum is lost.
        sums[present] += np.add.reduceat(rows[part].astype(np.float32, copy=False), begins, axis=0)
    return unit(sums)


def margins(rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """By how much nearer each unit row is to the centre of its own group than to any other's (cosine); of a row that is
    in none, and where there is one group alone, infinite."""
    middle = centres(rows, groups)
    found = np.full(len(rows), np.inf, np.float32)
    at = np.flatnonzero(groups >= 0)
    if len(middle) < 2:
        return found
    for start in range(0, len(at), _BLOCK):
        part = at[start : start + _BLOCK]
        close = rows[part] @ middle.T
        mine = (np.arange(len(part)), groups[part])
        own = close[mine]
        close[mine] = -np.inf
        found[part] = own - close.max(1)
    return found


def together(rows: np.ndarray, groups: np.ndarray, kinds: Mapping[int, int]) -> np.ndarray:
    """`groups` of unit rows, those of one of the `kinds` put together where they are hardly apart: where the rows of
    two are on average not much nearer to the centre of their own than to that of the other."""
    middle = centres(rows, groups)
    if not len(middle):
        return groups
    of_kind: dict[int, list[int]] = defaultdict(list)
    for group, kind in sorted(kinds.items()):
        of_kind[kind].append(group)
    into = np.arange(len(middle))
    for alike in of_kind.values():
        close = {group: (rows[groups == group] @ middle[alike].T).mean(0) for group in alike}
        for (one, here), (other, there) in combinations(enumerate(alike), 2):
            apart = 2 - close[here][other] / close[here][one] - close[there][one] / close[there][other]
            if apart <= 2 * _HARDLY_APART:
                into[into == into[there]] = into[here]
    return np.where(groups >= 0, into[groups], -1)


def gather(centres: np.ndarray, count: int) -> np.ndarray:
    """A number from 0 to `count` - 1 for each unit row. Average linkage puts rows together, the two
    nearest gatherings first.
    """
    close = centres @ centres.T
    np.fill_diagonal(close, -np.inf)
    sizes = np.ones(len(centres))
    part = np.arange(len(centres))
    for _ in range(len(centres) - count):
        a, b = sorted(np.unravel_index(close.argmax(), close.shape))
        joined = (sizes[a] * close[a] + sizes[b] * close[b]) / (sizes[a] + sizes[b])
        close[a], close[:, a] = joined, joined
        close[a, a] = close[b, :] = close[:, b] = -np.inf
        sizes[a] += sizes[b]
        part[part == b] = a
    return np.unique(part, return_inverse=True)[1]


def _held_apart(
    index: np.ndarray, cosine: np.ndarray, apart: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours (-1: none) and their cosines without those between rows that are `apart` and others, and without those
    of rows apart that share hardly a word."""
    if apart is None:
        return index, cosine
    strange = (apart[:, None] != apart[index]) | (apart[:, None] & (cosine < _SHARED))
    return np.where(strange, -1, index), np.where(strange, 0.0, cosine).astype(cosine.dtype)


def _ties(count: int) -> int:
    """How many neighbours each of `count` rows has in the graph: more of them where there are more comments. With too
    few, a large topic falls to pieces; with too many, small topics run into each other."""
    least, most = _TIES
    return min(most, max(least, round(_TIES_BY * count ** (1 / 3))))


def _amid(apart: np.ndarray, resolutions: np.ndarray) -> float:
    """The resolution to take, given how well groups are `apart` at each of some: the mean of their logarithms, each
    weighted by how close it comes to the best. Over a wide range separation hardly changes and chance alone says
    where it is highest, often at an end of that range."""
    best = apart.max()
    if best <= 0:
        return float(resolutions[0])
    weights = np.exp((apart / best - 1) / _AS_GOOD)
    return float(np.exp(np.average(np.log(resolutions), weights=weights)))


def _readable(comments: int) -> int:
    """How many groups somebody can read: nobody does a hundred of a few hundred comments. The fewer comments there are
    below `_MANY`, the larger a share of them each group has."""
    return max(_FEW, int(comments / _EACH * min(1.0, comments / _MANY)))


def _few_enough(rows: np.ndarray, found: np.ndarray, most: int) -> np.ndarray:
    """`found` with the nearest groups put together until there are no more than `most`, and each row then in the one
    whose centre is nearest."""
    if int(found.max(initial=-1)) < most:
        return found
    return _settled(rows, np.where(found >= 0, gather(centres(rows, found), most)[found], -1), _SETTLED)


def _settled(rows: np.ndarray, found: np.ndarray, times: int) -> np.ndarray:
    """`found` after each row that is in a group went to the one whose centre is nearest, so many times."""
    settled = found.copy()
    inside = np.flatnonzero(found >= 0)
    for _ in range(times):
        middle = centres(rows, settled)
        for start in range(0, len(inside), _BLOCK):
            some = inside[start : start + _BLOCK]
            settled[some] = (rows[some] @ middle.T).argmax(1)
    return settled


def _joined(
    rows: np.ndarray, found: np.ndarray, others: np.ndarray, around: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """`found` with each of `others` put into the group that its nearest neighbours vote for, or into none where they
    have no group.

    `rows` are `plain`, and each is averaged with its neighbours: what is left is what they mean.
    """
    voting = np.flatnonzero((found >= 0) & ~others)
    if not len(voting):
        return np.where(others, -1, found)
    meant = blur(rows, rows, *nearest(rows, _BLURRED_BY), rows.dtype.type)
    voting = voting[:: max(1, len(voting) // _JUDGED_ON)]
    order, cells = part(meant[voting].astype(np.float32))
    voting = voting[order]
    voters, groups = meant[voting].astype(np.float32), found[voting]
    joined = found.copy()
    asking = np.flatnonzero(others & rows.any(axis=1))
    for start in range(0, len(asking), _BLOCK):
        some = asking[start : start + _BLOCK]
        index, cosine = nearest_among(meant[some].astype(np.float32), voters, cells, VOTERS)
        joined[some] = np.where(cosine[:, 0] >= _JOINS, _tally(index, cosine, groups).group, -1)
    joined[others & ~rows.any(axis=1)] = -1
    # Those of their own languages that have joined know better where the others belong.
    index, cosine = around
    for start in range(0, len(asking), _BLOCK):
        some = asking[start : start + _BLOCK]
        again = _tally(index[some], cosine[some], joined)
        joined[some] = np.where(again.group >= 0, again.group, joined[some])
    return _settled(meant, joined, 1)


def _large_enough(found: np.ndarray, copies: np.ndarray, index: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """`found` without groups that are too small and without rows that have no `copies`. The members of a small group
    join the group that their neighbours vote for.
    """
    sizes = np.bincount(found, copies)
    kept = np.where((copies > 0) & (sizes[found] >= SMALLEST), found, -1) if len(found) else found
    lost = np.flatnonzero((kept < 0) & (copies > 0))
    kept[lost] = _tally(index[lost], cosine[lost], kept).group
    return np.where(kept >= 0, np.unique(kept, return_inverse=True)[1] - (kept < 0).any(), -1)


def _tally(index: np.ndarray, cosine: np.ndarray, groups: np.ndarray) -> Votes:
    """Counts the votes of neighbours (-1: none), each weighing its cosine."""
    weight = np.where(index >= 0, np.maximum(cosine, 0.0), 0.0)
    choice = np.where(index >= 0, groups[index], -1)
    same = choice[:, :, None] == choice[:, None, :]
    support = np.where(choice >= 0, (same * weight[:, None, :]).sum(2), -1.0)
    best = support.argmax(1)
    at = np.arange(len(index))
    won = support[at, best]
    share = np.where(won > 0, won / np.maximum(weight.sum(1), 1e-9), 0.0)
    return Votes(np.where(won > 0, choice[at, best], -1), share)


def by_size(found: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """Groups numbered anew, the largest first, equal ones by their first row."""
    names, first, at = np.unique(found, return_index=True, return_inverse=True)
    sizes = np.bincount(at, copies, len(names))
    real = names >= 0
    names, first, sizes = names[real], first[real], sizes[real]
    order = np.lexsort((first, -sizes))
    number = np.full(int(found.max(initial=-1)) + 2, -1, np.int64)
    number[names[order]] = np.arange(len(order))
    return number[found]
