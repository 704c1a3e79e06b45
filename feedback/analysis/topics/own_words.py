"""Comments in languages of which no vectors ship: two mean the same as far as they share words that say something.

Each word, and what it begins with, points into a direction of its own, drawn from its letters, so that nothing has to
be learnt or kept. Words that any sentence of the language may hold hardly count.
"""

import hashlib
import re
from functools import lru_cache

import numpy as np

from feedback.analysis import languages, phrasebook
from feedback.analysis.topics.wordpieces import LONGEST_WORD, MOST_WORDS, fold
from feedback.analysis.word_places import Remembered
from surveys.domain import folding

#: The languages that surveys are held in and that the shipped vectors do not know.
LANGUAGES = ("cs", "da", "fi", "he", "hi", "hu", "ko", "nb", "pl", "ro", "sv", "tr")
_APART = frozenset(LANGUAGES)

# Letters that tell a language by themselves, where they make up half of a text's.
_SCRIPTS = (
    ("ko", re.compile("[\uac00-\ud7a3]")),
    ("he", re.compile("[\u05d0-\u05ea]")),
    ("hi", re.compile("[\u0904-\u0939]")),
)
_LEAST = 2  # words of a language that tell it …
_AHEAD = 2.0  # … by so much more than another one (powers of ten)
_FREQUENT = 5.2  # zipf
_OF_COMMON, _OF_SHORT, _OF_WHOLE = 0.05, 0.4, 0.5
_SHORT = {"ko": 1, "he": 2, "hi": 2}  # letters; in other languages three
_BEGINS = {"ko": 2, "he": 4, "hi": 3}  # in other languages five
_WORD = re.compile(r"[^\W\d_][\u0900-\u0903\u093a-\u094f\w]*")
# What Hebrew writes onto a word: "and", "the", "in", "to", "from", "that".
_FRONT = re.compile("^[והבלמשכ]{1,2}(?=...)")


def language(text: str, others: float) -> str | None:
    """The one of `LANGUAGES` that a text is in, if its letters or words tell it plainly; `others`: how much its words
    speak for the likeliest of the languages that the vectors know (the sum of their Zipf frequencies)."""
    if not text.isascii():
        letters = sum(map(str.isalpha, text))
        for each, letter in _SCRIPTS:
            if len(letter.findall(text)) * 2 >= letters > 0:
                return each
    found: dict[str, list[float]] = {}
    for word in _words(text):
        for each, zipf in _frequent[word]:
            found.setdefault(each, []).append(zipf)
    best = max(sorted(found), key=lambda each: sum(found[each]), default=None)
    if best is None or len(found[best]) < _LEAST or sum(found[best]) - others < _AHEAD:
        return None
    return best


def add_up(text: str, spoken: str, dimensions: int) -> np.ndarray:
    """The sum of the directions of a text's words."""
    total = np.zeros(dimensions, np.float32)
    common = _common_in(spoken)
    begins = _BEGINS.get(spoken, 5)
    for word in _words(text):
        if word in common:
            total += _OF_COMMON * _direction(word, dimensions)
            continue
        bare = _FRONT.sub("", word) if spoken == "he" else word
        if len(bare) < begins:
            total += (_OF_SHORT if len(bare) <= _SHORT.get(spoken, 3) else 1.0) * _direction(bare, dimensions)
        else:
            # What a word begins with says more than its endings.
            total += _OF_WHOLE * _direction(bare, dimensions) + _direction("^" + bare[:begins], dimensions)
    return total


@lru_cache(maxsize=32)
def common(spoken: str) -> frozenset[str]:
    """The words, folded, that any sentence of a language may hold."""
    return frozenset(map(fold, _common_in(spoken)))


# ------------------------------------------------------------------------------------------------------


def _words(text: str) -> list[str]:
    found = _WORD.findall(folding.normal(text.lower(), "NFC"))[:MOST_WORDS]
    return [word for word in found if len(word) <= LONGEST_WORD]


def _look_up(word: str) -> tuple[tuple[str, float], ...]:
    """Those of `LANGUAGES` that a word is frequent in, and how much."""
    return tuple((each, zipf) for each, zipf in languages.frequent().get(word, {}).items() if each in _APART)


_frequent = Remembered(_look_up)


@lru_cache(maxsize=32)
def _common_in(spoken: str) -> frozenset[str]:
    """The words of a language that say nothing by themselves."""
    book = phrasebook.book(spoken)
    told = {word for word, each in languages.frequent().items() if each.get(spoken, 0.0) >= _FREQUENT}
    return frozenset(told | book.negations | book.very | book.little | book.turns)


@lru_cache(maxsize=16_384)
def _direction(word: str, dimensions: int) -> np.ndarray:
    """A direction that is always the same for a word, and near to that of no other one."""
    seed = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest())
    row = np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)
    return row / np.linalg.norm(row)
