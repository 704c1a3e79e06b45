"""Turns comments into vectors of meaning: the sum of shipped word-piece vectors, without any network to
run."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

SHIPPED = Path(__file__).parent / "models" / "vectors-en.npz"
LANGUAGE = "en"  # the only one whose words the shipped table knows
LONGEST_WORD = 40  # letters; a longer run is an identifier or noise and costs time without meaning anything
MOST_WORDS = 400  # per text; what a comment is about is said before that

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_ACCENTS = re.compile(r"[\u0300-\u036f]")


class Vectors:
    """A table of word-piece vectors, and what reads texts with it.

    `pieces` are WordPiece entries in the table's order ("##" marks those that continue a word), `table` is
    int8 (pieces × dimensions) and `scale` the float that each row is multiplied by. The length of a row is
    its weight: frequent pieces are short. Made by `feedback.training.vectors`.
    """

    def __init__(self, pieces: Sequence[str], table: np.ndarray, scale: np.ndarray):
        self._ids = {piece: row for row, piece in enumerate(pieces)}
        self._table = table
        self._scale = scale.astype(np.float32)
        self._of_word: dict[str, tuple[int, ...]] = {}

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self._table.shape[1]

    def encode(self, texts: Sequence[str], block: int = 2048) -> np.ndarray:
        """Unit vectors of `texts` as float32 (texts × dimensions); a text without a known piece is all
        zeros."""
        out = np.zeros((len(texts), self.dimensions), np.float32)
        for start in range(0, len(texts), block):
            rows = [self.read(text) for text in texts[start : start + block]]
            lengths = np.array([len(row) for row in rows])
            filled = np.flatnonzero(lengths)
            if not len(filled):
                continue
            flat = np.fromiter((piece for row in rows for piece in row), np.int64, int(lengths.sum()))
            weighted = self._table[flat] * self._scale[flat, None]
            begins = np.concatenate([[0], np.cumsum(lengths[filled])[:-1]])
            out[start + filled] = unit(np.add.reduceat(weighted, begins, axis=0))
        return out

    def read(self, text: str) -> list[int]:
        """The rows of the pieces that `text` is made of, in order; words the table cannot spell are left
        out."""
        rows: list[int] = []
        for count, match in enumerate(_WORD.finditer(fold(text))):
            if count == MOST_WORDS:
                break
            word = match.group()
            known = self._of_word.get(word)
            if known is None:
                known = self._spell(word)
                if len(self._of_word) < 200_000:  # a stream of typing errors must not fill the memory
                    self._of_word[word] = known
            rows.extend(known)
        return rows

    def _spell(self, word: str) -> tuple[int, ...]:
        """Greedy longest match first, as WordPiece does (Wu et al. 2016, arXiv:1609.08144)."""
        if len(word) > LONGEST_WORD:
            return ()
        rows = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                row = self._ids.get(mark + word[start:end])
                if row is not None:
                    rows.append(row)
                    start = end
                    break
            else:
                return ()
        return tuple(rows)


@lru_cache(maxsize=2)
def load(path: Path = SHIPPED) -> Vectors:
    """The vectors in the file at `path`, read once. Raises FileNotFoundError when the file is not there."""
    with np.load(path) as stored:
        pieces = bytes(stored["pieces"]).decode("utf-8").split("\n")
        return Vectors(pieces, stored["table"], stored["scale"])


def fold(text: str) -> str:
    """`text` in lower case and without accents, as the pieces are spelled."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFD", text.lower()))


def unit(rows: np.ndarray) -> np.ndarray:
    """`rows` brought to length one; rows of zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
