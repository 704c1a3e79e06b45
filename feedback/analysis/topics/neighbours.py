"""Finds the nearest neighbours of vectors: exactly while they are few, through cells when they are many."""

import bisect
import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from feedback.analysis.topics.vectors import number

EXACT_UP_TO = 20_000  # rows; up to here comparing all with all takes seconds
_COMPARED_AT_ONCE = 1_000_000  # cosines; finding the highest of them takes three times their memory
_ONE_CELL = 1_000  # rows; up to here a query is compared with all of them
_SEEN = range(4, 25)  # cells looked into for each query, of which the first four always, …
_ROWS = 240  # … more until that many rows were seen, …
_ROWS_OF_ONE = 60  # … of one cell no more than these, for a large one holds mostly equal rows, …
_FARTHER = 0.2  # … and others unless that much farther than the nearest; finds 99.7 % of the true neighbours
_PROBED = 10  # cells looked into for each row; finds 95 % of the true neighbours of 100,000 comments


@dataclass(frozen=True)
class Cells:
    """How rows are parted into cells of what is near each other: the centre of each cell, and where each begins
    among the rows, which stand cell after cell; the last entry is their number."""

    centres: np.ndarray
    begins: np.ndarray

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where each cell begins and ends."""
        return list(itertools.pairwise(self.begins.tolist()))


def nearest(rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The `k` nearest other rows of each unit row (float32, or float16 to save memory): indices int32 and cosines
    float32, nearest first.

    Where there are fewer than `k` others the index is -1 and the cosine -1. Rows that are all zeros are
    nobody's neighbours and have none.
    """
    count = len(rows)
    if count <= EXACT_UP_TO:
        index, cosine = _exact(rows, k)
    else:
        index, cosine = _by_cells(rows, k)
    empty = np.logical_not(rows.any(axis=1))
    lost = empty[:, None] | (index < 0) | empty[index]
    index[lost], cosine[lost] = -1, -1.0
    return index, cosine


def part(rows: np.ndarray) -> tuple[np.ndarray, Cells]:
    """The order in which unit rows stand cell after cell, and these cells. A few rows are one cell.

    Centres are made of rows that differ. Otherwise a sentence that half of the comments repeat would be half of the
    centres, and all but one of their cells would be empty.
    """
    if len(rows) <= _ONE_CELL:
        return np.arange(len(rows)), Cells(np.zeros((1, rows.shape[1]), np.float32), np.array([0, len(rows)]))
    different = rows[np.unique(number(rows, {}), return_index=True)[1]]
    centres = _centres(different, int(1.5 * np.sqrt(len(different))))
    inhabited, home = np.unique((rows @ centres.T).argmax(1), return_inverse=True)
    order = np.argsort(home, kind="stable")
    return order, Cells(centres[inhabited], np.searchsorted(home[order], np.arange(len(inhabited) + 1)))


def nearest_among(
    queries: np.ndarray, rows: np.ndarray, cells: Cells, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` of `rows` nearest to each of `queries`, as in `nearest`, looked for in the cells nearest to it.

    One by one, in the fifteenth part of 8,000 rows: fetching all of them from memory takes a millisecond, several
    where others use the machine.
    """
    index = np.full((len(queries), k), -1, np.int32)
    cosine = np.full((len(queries), k), -1.0, np.float32)
    for at, query in enumerate(queries):
        seen = _cells_for(query, cells)
        close = np.concatenate([rows[begin:end] @ query for begin, end in map(cells.spans.__getitem__, seen)])
        chosen, value = _highest(close, k)
        index[at, : len(chosen)] = _rows_at(chosen.tolist(), [cells.spans[cell] for cell in seen])
        cosine[at, : len(chosen)] = value
    return index, cosine


def _cells_for(query: np.ndarray, cells: Cells) -> list[int]:
    """The cells to look into, in the order in which they stand."""
    # Plain numbers from here on: numpy takes a microsecond for each step, however few they are.
    away = -(cells.centres @ query)
    order = away.argsort(kind="stable")[: _SEEN.stop - 1]
    limit = float(away[order[0]] + _FARTHER)
    seen: list[int] = []
    rows = 0
    for cell, distance in zip(order.tolist(), away[order].tolist(), strict=True):
        if len(seen) >= _SEEN.start and distance > limit and rows >= _ROWS:
            break
        begin, end = cells.spans[cell]
        rows += min(end - begin, _ROWS_OF_ONE)
        seen.append(cell)
    return sorted(seen)


def _rows_at(places: list[int], spans: list[tuple[int, int]]) -> list[int]:
    """The rows that stand at some places among those of `spans`, taken one after the other."""
    before = list(itertools.accumulate((end - begin for begin, end in spans), initial=0))
    found = []
    for place in places:
        span = bisect.bisect_right(before, place, hi=len(spans)) - 1
        found.append(spans[span][0] + place - before[span])
    return found


def _exact(rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    index = np.full((len(rows), k), -1, np.int32)
    cosine = np.full((len(rows), k), -1.0, np.float32)
    found = min(k, len(rows) - 1)
    if found <= 0:
        return index, cosine
    block = max(1, 8_000_000 // len(rows))
    for start in range(0, len(rows), block):
        close = rows[start : start + block] @ rows.T
        close[np.arange(len(close)), np.arange(start, start + len(close))] = -2.0
        index[start : start + block, :found], cosine[start : start + block, :found] = _top(close, found)
    return index, cosine


def _top(close: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of the `k` highest of each row, highest first, equal ones by column."""
    chosen = (
        np.argpartition(close, close.shape[1] - k, axis=1)[:, -k:]
        if k < close.shape[1]
        else np.tile(np.arange(close.shape[1]), (len(close), 1))
    )
    chosen.sort(axis=1)
    values = np.take_along_axis(close, chosen, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1), np.take_along_axis(values, order, 1)


def _highest(close: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """`_top` for a single row, which is faster alone."""
    chosen = close.argpartition(len(close) - k)[-k:] if k < len(close) else np.arange(len(close))
    chosen.sort()
    values = close[chosen]
    order = (-values).argsort(kind="stable")
    return chosen[order], values[order]


def _by_cells(rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Inverted file (Sivic, Zisserman 2003): a row is compared only with the rows of the cells nearest to it."""
    count = len(rows)
    centres = _centres(rows, int(np.sqrt(count)))
    probed = np.empty((count, _PROBED), np.int32)
    for start in range(0, count, 2048):
        probed[start : start + 2048] = _top(_single(rows[start : start + 2048]) @ centres.T, _PROBED)[0]
    home = probed[:, 0]
    members = _groups(home, np.arange(count), len(centres))
    visitors = _groups(probed.ravel(), np.repeat(np.arange(count, dtype=np.int32), _PROBED), len(centres))
    index = np.full((count, k), -1, np.int32)
    cosine = np.full((count, k), -1.0, np.float32)
    for inside, asking in zip(members, visitors, strict=True):
        here = _single(rows[inside])
        block = max(1, _COMPARED_AT_ONCE // max(1, len(inside)))
        for start in range(0, len(asking), block):
            who = asking[start : start + block]
            close = _single(rows[who]) @ here.T
            close[who[:, None] == inside[None, :]] = -2.0
            at, value = _top(close, min(k, len(inside)))
            both = np.concatenate([cosine[who], value], axis=1)
            names = np.concatenate([index[who], inside[at].astype(np.int32)], axis=1)
            keep, cosine[who] = _top(both, k)
            index[who] = np.take_along_axis(names, keep, 1)
    index[cosine <= -1.0] = -1
    return index, cosine


def _centres(rows: np.ndarray, count: int, rounds: int = 6) -> np.ndarray:
    """Centres of spherical k-means on a sample; rough is enough, for each row looks into several cells."""
    chance = np.random.default_rng(0)
    sample = _single(rows[np.sort(chance.permutation(len(rows))[: count * 64])])
    centres = sample[np.sort(chance.permutation(len(sample))[:count])].copy()
    for _ in range(rounds):
        sums = np.zeros_like(centres)
        for some in np.array_split(sample, 8):
            nearest_centre = (some @ centres.T).argmax(1)
            order = np.argsort(nearest_centre, kind="stable")
            present, begins = np.unique(nearest_centre[order], return_index=True)
            sums[present] += np.add.reduceat(some[order], begins, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-9), centres)
    return centres


def _single(rows: np.ndarray) -> np.ndarray:
    """`rows` as float32, because numpy multiplies float16 one number at a time."""
    return rows.astype(np.float32, copy=False)


def _groups(keys: np.ndarray, values: np.ndarray, count: int) -> list[np.ndarray]:
    """`values` parted by `keys` 0 … count - 1."""
    order = np.argsort(keys, kind="stable")
    return np.split(values[order], np.searchsorted(keys[order], np.arange(1, count)))
