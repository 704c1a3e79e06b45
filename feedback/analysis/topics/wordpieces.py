"""Spells texts with the word pieces of a vocabulary, as BERT and the models that followed it do."""

import re
from collections.abc import Sequence

from surveys.domain import folding

LONGEST_WORD = 40  # letters; a longer run is an identifier or noise and costs time without meaning anything
MOST_WORDS = 400  # per text; what a comment is about is said before that
_REMEMBERED = (
    8_192  # words, about 1 MB; then all are forgotten: a stream of names and typing errors never ends
)

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_ACCENTS = re.compile(r"[\u0300-\u036f]")


class WordPieces:
    """A vocabulary of WordPiece entries in the order of their numbers; "##" marks those that continue a word."""

    def __init__(self, pieces: Sequence[str]):
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        self._of_word: dict[str, tuple[int, ...]] = {}

    def number(self, piece: str) -> int:
        """The number of one piece. Raises KeyError when the vocabulary does not have it."""
        return self._numbers[piece]

    def read(self, text: str) -> list[int]:
        """The numbers of the pieces that `text` is made of, in order. A word that no pieces spell is left out."""
        numbers: list[int] = []
        for count, match in enumerate(_WORD.finditer(fold(text))):
            if count == MOST_WORDS:
                break
            word = match.group()
            known = self._of_word.get(word)
            if known is None:
                if len(self._of_word) >= _REMEMBERED:
                    self._of_word.clear()
                known = self._of_word[word] = self._spell(word)
            numbers.extend(known)
        return numbers

    def _spell(self, word: str) -> tuple[int, ...]:
        """Greedy longest match first, as WordPiece does (Wu et al. 2016, arXiv:1609.08144)."""
        if len(word) > LONGEST_WORD:
            return ()
        numbers = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._numbers.get(mark + word[start:end])
                if number is not None:
                    numbers.append(number)
                    start = end
                    break
            else:
                return ()
        return tuple(numbers)


def fold(text: str) -> str:
    """`text` in lower case and without accents, as the pieces are spelled."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", folding.normal(text.lower(), "NFD"))
