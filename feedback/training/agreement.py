"""How well what was found agrees with what people gave: V-measure, adjusted Rand and adjusted mutual information
for topics, macro-F1 for sentiments."""

from collections.abc import Hashable, Sequence

import numpy as np


def v_measure(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """Harmonic mean of homogeneity and completeness, from 0 to 1 (Rosenberg,
    Hirschberg 2007, https://aclanthology.org/D07-1043).
    """
    table = _contingency(truth, found)
    of_truth, of_found = _entropy(table.sum(1)), _entropy(table.sum(0))
    shared = _shared(table)
    homogeneity = shared / of_truth if of_truth else 1.0
    completeness = shared / of_found if of_found else 1.0
    return (
        2 * homogeneity * completeness / (homogeneity + completeness) if homogeneity + completeness else 0.0
    )


def adjusted_rand(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """The share of pairs that both partitions put together or apart, corrected for chance: 0 is chance, 1 is equal
    (Hubert, Arabie 1985).
    """
    table = _contingency(truth, found)
    together = _pairs(table).sum()
    in_truth, in_found = _pairs(table.sum(1)).sum(), _pairs(table.sum(0)).sum()
    expected = in_truth * in_found / _pairs(table.sum())
    highest = (in_truth + in_found) / 2
    return float((together - expected) / (highest - expected)) if highest != expected else 1.0


def adjusted_mutual_information(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """Mutual information corrected for chance and divided by the mean entropy: 0 is chance, 1 is equal
    (Vinh, Epps, Bailey 2010, jmlr.org/papers/v11/vinh10a.html)."""
    table = _contingency(truth, found)
    rows, columns = table.sum(1), table.sum(0)
    expected = _expected(rows, columns)
    mean = (_entropy(rows) + _entropy(columns)) / 2
    return float((_shared(table) - expected) / (mean - expected)) if mean != expected else 1.0


def macro_f1(
    truth: Sequence[Hashable], found: Sequence[Hashable], classes: Sequence[Hashable] = (0, 1, 2)
) -> float:
    """Return the mean over *classes* of F1, the harmonic mean of precision and recall; a class never met has 0."""
    scores = []
    for each in classes:
        hits = sum(t == f == each for t, f in zip(truth, found, strict=True))
        scores.append(2 * hits / max(sum(t == each for t in truth) + sum(f == each for f in found), 1))
    return sum(scores) / len(scores)


def _contingency(truth: Sequence[Hashable], found: Sequence[Hashable]) -> np.ndarray:
    rows = {name: at for at, name in enumerate(dict.fromkeys(truth))}
    columns = {name: at for at, name in enumerate(dict.fromkeys(found))}
    table = np.zeros((len(rows), len(columns)), np.int64)
    np.add.at(table, ([rows[name] for name in truth], [columns[name] for name in found]), 1)
    return table


def _entropy(sizes: np.ndarray) -> float:
    share = sizes[sizes > 0] / sizes.sum()
    return float(-(share * np.log(share)).sum())


def _shared(table: np.ndarray) -> float:
    total = table.sum()
    row, column = np.nonzero(table)
    cells = table[row, column]
    chance = table.sum(1)[row] * table.sum(0)[column] / total
    return float((cells / total * np.log(cells / chance)).sum())


def _pairs(sizes: np.ndarray) -> np.ndarray:
    return sizes * (sizes - 1) / 2


def _expected(rows: np.ndarray, columns: np.ndarray) -> float:
    """Mean mutual information of two random partitions with these sizes (hypergeometric; equation 24a of
    the same paper).
    """
    total = int(rows.sum())
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, total + 1)))])
    mean = 0.0
    row_sizes, row_times = np.unique(rows, return_counts=True)
    column_sizes, column_times = np.unique(columns, return_counts=True)
    for a, times_a in zip(row_sizes, row_times, strict=True):
        for b, times_b in zip(column_sizes, column_times, strict=True):
            cell = np.arange(max(1, a + b - total), min(a, b) + 1)
            chance = np.exp(
                log_factorial[a] + log_factorial[b] + log_factorial[total - a] + log_factorial[total - b]
                - log_factorial[total] - log_factorial[cell] - log_factorial[a - cell]
                - log_factorial[b - cell] - log_factorial[total - a - b + cell]
            )  # fmt: skip
            mean += times_a * times_b * float((cell / total * np.log(total * cell / (a * b)) * chance).sum())
    return mean
