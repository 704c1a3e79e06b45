"""Fits the sentiment model: softmax regression over words, pairs, word vectors and lexicon measures."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from feedback.analysis.sentiment.features import NEGATED, Features
from feedback.analysis.sentiment.model import Model, weighable
from feedback.analysis.word_places import WordPlaces

DIMENSIONS = 128
RAREST = 3
STEPS, PACE = 60, 0.05
# Ridge penalties, chosen by leaving whole domains out (see models/sentiment-en.md).
PENALTY_KEYS, PENALTY_DENSE = 3e-5, 2e-2
SMALLEST_KEPT = 0.02

Floats = NDArray[np.float32]


class Trainer:
    """Holds the features of all rows as matrices, so that a model can be fitted to any part of them."""

    def __init__(self, features: Sequence[Features], words: list[str], vectors: Floats) -> None:
        """*vectors* are the sentence model's embeddings of *words*, one row each."""
        keys = [weighable(each.keys) for each in features]
        counts = Counter(key for each in keys for key in each)
        self._scale = np.array([1 / np.sqrt(max(len(each.keys), 1)) for each in features])
        self._keys = {key: i for i, key in enumerate(sorted(k for k, n in counts.items() if n >= RAREST))}
        self._sparse = self._matrix(keys, self._keys)
        self._words = words
        self._vectors = _reduced(vectors) * _rarity(words, counts, len(features))[:, None]
        plain = self._matrix(keys, {word: i for i, word in enumerate(words)})
        turned = self._matrix(keys, {NEGATED + word: i for i, word in enumerate(words)})
        static = np.hstack([plain @ self._vectors, turned @ self._vectors])
        dense = np.array([each.dense for each in features], dtype=np.float32)
        self._spread_of_static = float(static.std())
        self._spread_of_dense = dense.std(axis=0) + 1e-6
        self._dense = np.hstack([static / self._spread_of_static, dense / self._spread_of_dense]).astype(
            np.float32
        )

    def fit(self, rows: NDArray[np.intp], targets: Floats, weights: NDArray[np.float64]) -> Model:
        """Return the model for *rows* (positions), whose classes are made to weigh the same altogether.

        *targets* are the chances, 0 … 1, that each row is negative, neutral and positive (three columns that
        sum to 1), *weights* how far each is trusted.
        """
        share = targets * weights[:, None]
        share = (share / share.sum(axis=0) / 3).astype(np.float32)
        of_keys, of_dense, bias = _softmax(self._sparse[rows], self._dense[rows], share)
        return self._fold(of_keys, of_dense, bias)

    def _fold(self, of_keys: Floats, of_dense: Floats, bias: Floats) -> Model:
        """Turn the weights of the static vectors into one weight per word, and drop keys that say nothing.

        The model is linear in the mean of a comment's word vectors, so that each word's share can be worked
        out here once; the vectors themselves need not be shipped.
        """
        width = self._vectors.shape[1]
        weights: dict[str, Floats] = {key: of_keys[i] for key, i in self._keys.items()}
        for prefix, part in (("", of_dense[:width]), (NEGATED, of_dense[width : 2 * width])):
            shares = self._vectors @ (part / self._spread_of_static)
            for word, share in zip(self._words, shares, strict=True):
                weights[prefix + word] = weights.get(prefix + word, 0) + share
        names = sorted(key for key, each in weights.items() if np.ptp(each) >= SMALLEST_KEPT)
        stacked = np.array([weights[name] for name in names], dtype=np.float32)
        return Model(
            places=WordPlaces(names),
            keys=stacked - stacked.mean(axis=1, keepdims=True),
            dense=(of_dense[2 * width :] / self._spread_of_dense[:, None]).astype(np.float32),
            bias=bias.astype(np.float32),
            names=names,
        )

    def _matrix(self, keys: list[set[str]], columns: dict[str, int]) -> csr_matrix:
        found = [sorted(columns[key] for key in each if key in columns) for each in keys]
        lengths = [len(each) for each in found]
        values = np.repeat(self._scale, lengths).astype(np.float32)
        flat = np.array([column for each in found for column in each], dtype=np.int64)
        return csr_matrix((values, flat, np.cumsum([0, *lengths])), shape=(len(keys), len(columns)))


def vocabulary(features: Sequence[Features], more: Sequence[str]) -> list[str]:
    """Return, sorted, the words that occur in *features* and in *more*: those of lexicons and the
    sentence model's own.
    """
    words = {key.removeprefix(NEGATED) for each in features for key in each.keys}
    return sorted(word for word in words.union(more) if word.isalpha())


def _reduced(vectors: Floats) -> Floats:
    """Project centred *vectors* on their first `DIMENSIONS` principal axes. The covariance gives them
    exactly, without chance.
    """
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ axes[:, ::-1][:, :DIMENSIONS], dtype=np.float32)


def _rarity(words: list[str], counts: Counter[str], documents: int) -> Floats:
    """Weigh words by inverse document frequency, at most 1."""
    seen = np.array([counts[word] + counts[NEGATED + word] for word in words])
    return (np.log(documents / (1 + seen)) / np.log(documents)).astype(np.float32)


def _softmax(sparse: csr_matrix, dense: Floats, share: Floats) -> tuple[Floats, Floats, Floats]:
    """Minimise weighted cross-entropy and a ridge penalty by `STEPS` full steps of Adam; no chance involved.

    *share* holds for each row the weight with which it counts as each of the classes.

    Adam (Kingma, Ba 2015) because it moves rare words as fast as lexicon measures that every text has: L-BFGS
    had hardly left the lexicons after 120 steps. The pace falls along a cosine.
    """
    n_sparse, n_dense = sparse.shape[1], dense.shape[1]
    transposed = sparse.T.tocsr()
    weight = share.sum(axis=1, keepdims=True)
    penalty = np.zeros((n_sparse + n_dense + 1, 1), dtype=np.float32)
    penalty[:n_sparse], penalty[n_sparse:-1] = PENALTY_KEYS, PENALTY_DENSE
    real = np.zeros((n_sparse + n_dense + 1, 3), dtype=np.float32)
    mean, square = np.zeros_like(real), np.zeros_like(real)
    for step in range(1, STEPS + 1):
        logits = sparse @ real[:n_sparse] + dense @ real[n_sparse:-1] + real[-1]
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        error = chances / chances.sum(axis=1, keepdims=True) * weight - share
        slope = np.vstack([transposed @ error, dense.T @ error, error.sum(axis=0)[None]]) + penalty * real
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2
        pace = PACE * np.cos(1.5 * step / STEPS)
        real -= pace * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-7)
    return real[:n_sparse], real[n_sparse:-1], real[-1]
