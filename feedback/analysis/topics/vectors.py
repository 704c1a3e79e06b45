"""Comments as vectors of meaning: the sum of the shipped vectors of their word pieces, or in other languages of their
words. No network has to run."""

import hashlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from feedback.analysis.topics import aligned, glossary, own_words
from feedback.analysis.topics.aligned import Aligned
from feedback.analysis.topics.glossary import Glossary
from feedback.analysis.topics.wordpieces import LONGEST_WORD, WordPieces
from feedback.analysis.word_places import Remembered

SHIPPED = Path(__file__).parents[1] / "models" / "vectors-en.npz"

_OF_GLOSSARY = 0.7  # what a word that the glossary knows counts beside the English ones that it means


def _written() -> str:
    """A digest of the file that is written by hand: of what it says, not of how its lines end."""
    return hashlib.sha256(glossary.SHIPPED.read_text("utf-8").encode()).hexdigest()[:8]


class Vectors:
    """A table of word-piece vectors, and what reads texts with it.

    `pieces` are WordPiece entries in the table's order ("##" marks those that continue a word), `table` is
    int8 (pieces × dimensions) and `scale` the float that each row is multiplied by. The length of a row is
    its weight: frequent pieces are short. Made by `feedback.training.vectors`. A text in one of the languages of
    `others` is read with their words, one in a language that those do not know by its own (`own_words`), in the
    dimensions that they leave free. Words that the `glossary` knows mean what it says in English.
    """

    # Another one when another table is shipped, of another language too, or what texts say is read otherwise.
    name = f"word pieces 4 {_written()}"
    near_enough = 0.35
    taught_near_enough = 0.45

    def __init__(
        self,
        pieces: Sequence[str],
        table: np.ndarray,
        scale: np.ndarray,
        others: Aligned | None = None,
        known: Glossary | None = None,
    ):
        self._pieces = WordPieces(pieces)
        self._table = table
        self._scale = scale.astype(np.float32)
        self._others = others
        self._known = known
        self._language_of_word = Remembered(self._language_of)

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it reads."""
        return frozenset(("en", *(self._others.languages if self._others else ()), *self.apart))

    @property
    def apart(self) -> frozenset[str]:
        """Those in which a text is near only to what says the same words."""
        return frozenset(own_words.LANGUAGES if self._others else ())

    def language_of(self, text: str) -> str:
        """The language that a text is read in: English unless its words tell another one plainly."""
        if self._others is None:
            return "en"
        # What is longer is no word that comes again.
        if len(text) <= LONGEST_WORD and text.isascii() and text.isalpha():
            return self._language_of_word[text]
        return self._language_of(text)

    def _language_of(self, text: str) -> str:
        if self._others is None:
            return "en"
        language, likelihood = self._others.language(text)
        return own_words.language(text, likelihood) or language

    def is_common(self, word: str) -> bool:
        """Whether any sentence of another language may hold a folded word."""
        return self._others is not None and self._others.is_common(word)

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self._table.shape[1]

    def encode(self, texts: Sequence[str], block: int = 2048, language: str | None = None) -> np.ndarray:
        """Unit vectors of `texts` as float32 (texts × dimensions). The vector of a text without a known piece
        is all zeros. `language`: the one that all are in, where that is known.
        """
        out = np.zeros((len(texts), self.dimensions), np.float32)
        for start in range(0, len(texts), block):
            part = texts[start : start + block]
            languages = [language or self.language_of(text) for text in part]
            for at, (text, own) in enumerate(zip(part, languages, strict=True), start):
                if own != "en":
                    out[at] = self._foreign(text, own)
            rows = [
                self._pieces.read(text) if own == "en" else []
                for text, own in zip(part, languages, strict=True)
            ]
            lengths = np.array([len(row) for row in rows])
            filled = np.flatnonzero(lengths)
            if not len(filled):
                continue
            flat = np.fromiter((piece for row in rows for piece in row), np.int64, int(lengths.sum()))
            weighted = self._table[flat] * self._scale[flat, None]
            begins = np.concatenate([[0], np.cumsum(lengths[filled])[:-1]])
            out[start + filled] = unit(np.add.reduceat(weighted, begins, axis=0))
        return out

    @cached_property
    def _meant(self) -> np.ndarray:
        """What each thing of the glossary means: the sum of its English words, by which it weighs."""
        rows = np.zeros((len(self._known.meant) if self._known else 0, self.dimensions), np.float32)
        for at, english in enumerate(self._known.meant if self._known else ()):
            pieces = self._pieces.read(english)
            rows[at] = (self._table[pieces] * self._scale[pieces, None]).sum(0) / np.sqrt(
                len(english.split())
            )
        return rows

    def _foreign(self, text: str, language: str) -> np.ndarray:
        """The unit vector of a text in another language, whose words have fewer dimensions."""
        out = np.zeros(self.dimensions, np.float32)
        if self._others is None:
            return out
        if language in own_words.LANGUAGES:
            free = self.dimensions - self._others.dimensions
            out[self._others.dimensions :] = own_words.add_up(text, language, free)
            return unit(out[None, :])[0]
        said: list[int] = []
        left = aligned.pieces(text, language)
        if self._known is not None:
            said, left = self._known.read(text, language)
        total = self._others.add_up(left, language)
        if total is not None:
            out[: len(total)] = total
        if self._known is None or not said:
            return unit(out[None, :])[0]
        row: np.ndarray = unit((out + _OF_GLOSSARY * self._meant[said].sum(0))[None, :])[0]
        return row


@lru_cache(maxsize=2)
def load(path: Path = SHIPPED, aligned_at: Path | None = aligned.SHIPPED) -> Vectors:
    """The vectors in the file at `path`, with the words of other languages in another one, read once.

    Raises FileNotFoundError when a file is not there.
    """
    others = aligned.load(aligned_at) if aligned_at else None
    with np.load(path) as stored:
        pieces = bytes(stored["pieces"]).decode("utf-8").split("\n")
        known = glossary.load() if others else None
        return Vectors(pieces, stored["table"], stored["scale"], others, known)


def number(rows: np.ndarray, known: dict[bytes, int]) -> np.ndarray:
    """A number for each of `rows`, equal rows sharing one: that in `known` (digest → number, 0 …), to which new ones
    are added. Digests, for the rows themselves take 100 MB where there are 100,000."""
    digests = (hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows)
    return np.array([known.setdefault(digest, len(known)) for digest in digests], np.int64)


def unit(rows: np.ndarray) -> np.ndarray:
    """`rows` brought to length one; rows of zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
