"""Makes the shipped word vectors of other languages: fits them so that their sum means what the English ones do.

    python -m feedback.training.aligned_vectors --data DATA --cache FILE

A word of another language has a vector, and so has the beginning that it shares with its kin ("liefe" of Lieferung
and Lieferzeit); of Japanese and Chinese runs of letters have, of Arabic stems (`aligned.pieces`). Their weighted sum
over a sentence is to point where the shipped English vectors of its translation point, and for a single frequent word
(not in languages with letters of their own) where multilingual-e5-small's vector of it points, each language's mean
taken off, carried over to the English vectors by a linear map that is fitted to English words. That is one ridge
regression for each language, solved by conjugate gradients: chance has no part. With `--only ja ar` the others stay as
they are.
`FILE` is the cache of
`feedback.training.sentiment_languages`. Needs requirements-training.in.
"""

import argparse
import csv
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from feedback.analysis.topics import aligned, vectors
from feedback.analysis.topics.aligned import BEGINNING, beginning, pieces
from feedback.analysis.topics.vectors import unit
from feedback.analysis.topics.wordpieces import fold
from feedback.training.sentiment_languages import Encoder

LANGUAGES = ("ar", "de", "es", "fr", "it", "ja", "nl", "pt", "ru", "zh")
# How frequent their words are is not needed to tell them, and they are fitted to sentences alone.
TOLD_BY_SCRIPT = ("ar", "ja", "ru", "zh")
DIMENSIONS = 112  # of 256: they are in the order of how far English vectors reach
FREQUENT = 8_000  # words of each language
_LEAST_KIN = 3  # words that share a beginning
_WEIGHT = 1e-3  # share of all words at which a word's weight is halved
_OF_BEGINNING = 0.7  # of a word's weight
_MAP = 3.0  # pull of the map from the encoder to the English vectors towards nothing
_HOLD = 0.3  # pull of each vector towards nothing
_STEPS = 40

Floats = NDArray[np.float32]
Pair = tuple[str, str]


def make(data: Path, cache: Path, target: Path, only: Sequence[str] = LANGUAGES) -> dict[str, float]:
    """Write the vectors of all languages to `target`; how near each comes to the English ones (mean cosine over the
    sentences that it was fitted to). Where not all are asked for, those of the others that are there stay."""
    encoder = Encoder(cache)
    english = vectors.load(aligned_at=None)
    zipf = {"en": _frequencies(data, "en")}
    known = encoder.knows(list(zipf["en"]))
    carry = None
    if known:
        rows = encoder(known)
        rows -= rows.mean(axis=0)
        carry = np.linalg.solve(rows.T @ rows + _MAP * np.eye(rows.shape[1]), rows.T @ english.encode(known))
    near, tables = {}, {}
    for language in only:
        zipf[language] = _frequencies(data, language)
        tables[language], near[language] = _fit(
            data,
            language,
            zipf[language],
            encoder,
            carry if language not in TOLD_BY_SCRIPT else None,
            english.encode,
        )
        if language in TOLD_BY_SCRIPT:
            zipf[language] = {}
    aligned.save(target, tables, zipf, keep=set(only) != set(LANGUAGES))
    return near


def _fit(
    data: Path,
    language: str,
    zipf: dict[str, float],
    encoder: Encoder,
    carry: Floats | None,
    english: Callable[[Sequence[str]], Floats],
) -> tuple[tuple[list[str], Floats], float]:
    """The vocabulary and its vectors, and how near they come."""
    pairs = _pairs(data, language)
    said, meant = [own for own, _ in pairs], english([each for _, each in pairs])
    heard = Counter(piece for text in said for piece in set(pieces(text, language)))
    if language in TOLD_BY_SCRIPT:
        often = _of_pieces(zipf, language)
        kin = Counter(piece for word in zipf for piece in set(pieces(word, language)))
        vocabulary = sorted(
            (piece for piece in often if heard[piece] > 1 or kin[piece] >= _LEAST_KIN),
            key=lambda piece: (-heard[piece] * often[piece], -often[piece], piece),
        )[:FREQUENT]
    else:
        often = zipf
        kin = Counter(filter(None, map(beginning, zipf)))
        frequent = list(zipf)[:FREQUENT]
        also = sorted(
            word for word, times in heard.items() if word[:1] != BEGINNING and (times > 1 or word in zipf)
        )
        vocabulary = list(dict.fromkeys([*frequent, *also]))
        vocabulary += [start for start, times in sorted(kin.items()) if times >= _LEAST_KIN]
    weight = _weights(vocabulary, often)
    number = {word: at for at, word in enumerate(vocabulary)}
    single = encoder.knows(list(zipf)) if carry is not None else []
    goals, matrix = meant.astype(np.float32), _matrix(said, language, number, weight)
    if single and carry is not None:
        rows = encoder(single)
        goals = np.concatenate([goals, unit((rows - rows.mean(axis=0)) @ carry)]).astype(np.float32)
        matrix = vstack([matrix, _matrix(single, language, number, weight)]).tocsr()
    meaningful = np.asarray(goals.any(axis=1))
    matrix = csr_matrix(matrix.multiply(meaningful[:, None]))
    across = matrix.T.tocsr()
    table = _solve(lambda x: across @ (matrix @ x) + _HOLD * x, across @ goals)
    near = (unit(matrix[: len(said)] @ table) * meant).sum(axis=1)
    near = near[meaningful[: len(said)]]
    return (vocabulary, (table * weight[:, None])[:, :DIMENSIONS]), float(near.mean())


def _frequencies(data: Path, language: str) -> dict[str, float]:
    """The words of a language with how frequent they are (powers of ten in a thousand million), the commonest first."""
    found: dict[str, float] = {}
    with (data / "languages" / "wordfreq" / f"{language}.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(fold(row["word"]), float(row["zipf"]))
    return found


def _pairs(data: Path, language: str) -> list[Pair]:
    """Sentences, headings and labels with their English translation."""
    folder = data / "languages"
    texts = [(folder / "ntrex" / f"{name}.txt").read_text("utf-8").split("\n") for name in (language, "en")]
    found = list(zip(*texts, strict=False))
    for name in ("tatoeba_laser", "home_assistant_ui"):
        with (folder / name / f"{language}.csv").open(encoding="utf-8", newline="") as stream:
            found += [(row["text"], row["en"]) for row in csv.DictReader(stream)]
    parts = []
    for name in (language, "en"):
        with (folder / "sib200" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            parts.append({row["index_id"]: row["text"] for row in csv.DictReader(stream)})
    found += [(text, parts[1][key]) for key, text in parts[0].items() if key in parts[1]]
    return [(own, english) for own, english in found if own.strip() and english.strip()]


def _weights(vocabulary: Sequence[str], zipf: dict[str, float]) -> Floats:
    """How much each word counts: the more frequent, the less (Arora, Liang, Ma 2017, openreview SyK00v5xx)."""
    share = np.array([10 ** (zipf.get(word, 2.0) - 9) for word in vocabulary])
    is_beginning = np.array([word.startswith(BEGINNING) for word in vocabulary])
    return np.where(is_beginning, _OF_BEGINNING, _WEIGHT / (_WEIGHT + share)).astype(np.float32)


def _of_pieces(zipf: dict[str, float], language: str) -> dict[str, float]:
    """How frequent pieces of words are, by the words that they stand in; on the same scale."""
    often: dict[str, float] = defaultdict(float)
    for word, each in zipf.items():
        for piece in set(pieces(word, language)):
            often[piece] += 10**each
    return {piece: math.log10(each) for piece, each in often.items()}


def _matrix(texts: Sequence[str], language: str, number: dict[str, int], weight: Floats) -> csr_matrix:
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        found = [number[piece] for piece in pieces(text, language) if piece in number]
        length = np.sqrt(weight[found].sum()) or 1.0
        rows += [row] * len(found)
        columns += found
        values += (weight[found] / length).tolist()
    return csr_matrix((values, (rows, columns)), (len(texts), len(number)), dtype=np.float32)


def _solve(apply: Callable[[Floats], Floats], goal: Floats) -> Floats:
    """Conjugate gradients, a solution for each column of `goal`."""
    found = np.zeros_like(goal)
    rest, way = goal.copy(), goal.copy()
    size = (rest**2).sum(axis=0)
    for _ in range(_STEPS):
        along = apply(way)
        step = size / np.maximum((way * along).sum(axis=0), 1e-12)
        found += step * way
        rest -= step * along
        before, size = size, (rest**2).sum(axis=0)
        way = rest + size / np.maximum(before, 1e-12) * way
    return found


def main() -> None:
    """Reads the command line and makes the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds languages/")
    parser.add_argument("--cache", type=Path, required=True, help="file with the encoder's vectors")
    parser.add_argument("--out", type=Path, default=aligned.SHIPPED)
    parser.add_argument("--only", nargs="+", choices=LANGUAGES, default=LANGUAGES)
    given = parser.parse_args()
    for language, near in make(given.data, given.cache, given.out, given.only).items():
        print(f"{language}: mean cosine to the English vectors {near:.3f}")  # noqa: T201 - the report of a command


if __name__ == "__main__":
    main()
