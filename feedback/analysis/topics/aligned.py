"""Words of other languages as vectors that mean what the shipped English ones do, and which language a text is in."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from feedback.analysis.topics.wordpieces import LONGEST_WORD, MOST_WORDS, fold
from feedback.analysis.word_places import Remembered, WordPlaces
from surveys.domain import folding

SHIPPED = Path(__file__).parents[1] / "models" / "vectors-aligned.npz"

BEGINNING = "^"  # marks what words of one family begin with
_BEGINS = 5  # letters
_WORD = re.compile(r"[^\W\d_]+")

# Letters that tell a language by themselves, the first that makes up such a share of a text's.
_SCRIPTS = (
    ("ja", re.compile("[\u3041-\u30ff]"), 0.2),
    ("zh", re.compile("[\u4e00-\u9fff]"), 0.5),
    ("ar", re.compile("[\u0621-\u064a]"), 0.5),
    ("ru", re.compile("[\u0430-\u044f]", re.IGNORECASE), 0.5),
)
# Of Japanese and Chinese, which part no words: runs of one kind of letters, and how long the pieces of them are.
_KANA, _KANJI = re.compile("[\u30a1-\u30ff]+"), re.compile("[\u3005\u4e00-\u9fff]+")
_JAPANESE = re.compile("[\u3005\u3041-\u30ff\u4e00-\u9fff]+")
_GRAMS = (2, 3)
# Of Arabic: the vowel signs that few write, letters that are written in several ways, and what is written together
# with a word without being part of it.
_SIGNS = re.compile("[\u0640\u064b-\u0652]")
_LETTERS = str.maketrans("أإآىة", "ااايه")
_BEFORE = re.compile("^(?:[وف]?(?:ال|بال|كال|لل)|[وف])(?=...)")
_BEHIND = re.compile(r"(?<=...)(?:ها|هم|كم|نا|ات|ون|ين|ان|ه|ي|ك)\Z")
_ROOT = 3  # letters
# A text is taken for English unless its words are by so much more frequent in another language (powers of ten).
_PLAINLY = 1.0
_ZIPF = 25  # steps in a power of ten, for one byte

Table = tuple[Sequence[str], np.ndarray]


class Aligned:
    """The vectors of words and of the beginnings that they share, by language; and how frequent words are in each.

    `tables` (words × dimensions) have fewer dimensions than the English vectors: the first ones. The length of a row is
    its weight. Made by `feedback.training.aligned_vectors`.
    """

    def __init__(
        self,
        tables: Mapping[str, tuple[WordPlaces, np.ndarray, np.ndarray]],
        zipf: Mapping[str, tuple[WordPlaces, Sequence[int]]],
    ):
        self.languages = tuple(sorted(tables))
        self.dimensions = max((table.shape[1] for _, table, _ in tables.values()), default=0)
        self._tables = {language: (table, scale) for language, (_, table, scale) in tables.items()}
        self._places = {language: places for language, (places, *_) in tables.items()}
        self._frequent = zipf
        self._frequency = Remembered(self._look_up)

    def language(self, text: str) -> tuple[str, float]:
        """The language of a text: one of these, or English where its words do not tell another one plainly. And how
        much its words speak for the likeliest language: the sum of their Zipf frequencies."""
        often = self._often(text)
        best = max(sorted(often), key=often.__getitem__, default="en")
        likelihood = often[best] / _ZIPF
        if not text.isascii():
            letters = sum(map(str.isalpha, text))
            for language, letter, share in _SCRIPTS:
                if language in self._places and len(letter.findall(text)) >= share * letters > 0:
                    return language, likelihood
        return (best if often[best] - often["en"] > _PLAINLY * _ZIPF else "en"), likelihood

    def _often(self, text: str) -> dict[str, int]:
        often: dict[str, int] = defaultdict(int)
        for word in words(text):
            for language, zipf in self._frequency[word]:
                often[language] += zipf
        return often

    def _look_up(self, word: str) -> tuple[tuple[str, int], ...]:
        """The languages that a word is frequent in, and how much."""
        standing = (
            (language, often, places.of(word)) for language, (places, often) in self._frequent.items()
        )
        return tuple((language, often[at]) for language, often, at in standing if at is not None)

    def add_up(self, pieces: Sequence[str], language: str) -> np.ndarray | None:
        """The sum of the vectors of the pieces of a text; None where it has none that is known."""
        standing = map(self._places[language].of, pieces)
        found = [at for at in standing if at is not None]
        if not found:
            return None
        table, scale = self._tables[language]
        total: np.ndarray = (table[found] * scale[found, None]).sum(0)
        return total

    def is_common(self, word: str) -> bool:
        """Whether a folded word is so common in some language other than English that any sentence may hold it."""
        often = dict(self._frequency[word])
        return max(often.values(), default=0) >= _COMMON * _ZIPF


_COMMON = 5.6  # zipf; of some two hundred words in each language


def words(text: str) -> list[str]:
    """The folded words of a text."""
    return [word for word in _WORD.findall(fold(text))[:MOST_WORDS] if len(word) <= LONGEST_WORD]


def pieces(text: str, language: str) -> list[str]:
    """The pieces of a text that can have vectors: words and their beginnings; in Japanese and Chinese runs of letters,
    in Arabic stems."""
    if language in ("ja", "zh"):
        return _runs(text)
    if language == "ar":
        return _arabic(text)
    return [piece for word in words(text) for piece in (word, beginning(word)) if piece]


def _runs(text: str) -> list[str]:
    text = folding.normal(text, "NFKC")
    found = _KANA.findall(text) + _KANJI.findall(text)
    found += [kanji for run in _KANJI.findall(text) for kanji in run]
    for run in _JAPANESE.findall(text.replace(" ", "")):
        found += [run[at : at + long] for long in _GRAMS for at in range(len(run) - long + 1)]
    return found[: 2 * MOST_WORDS]


def _arabic(text: str) -> list[str]:
    found = []
    for word in _arabic_words(text):
        stem = _stem(word)
        found += [stem, BEGINNING + stem[:_ROOT], *([word] if word != stem else [])]
    return found


def stems(text: str) -> list[str]:
    """The words of an Arabic text without what is written together with them."""
    return [_stem(word) for word in _arabic_words(text)]


def _arabic_words(text: str) -> list[str]:
    found = _WORD.findall(_SIGNS.sub("", folding.normal(text, "NFKC")).translate(_LETTERS))[:MOST_WORDS]
    return [word for word in found if len(word) <= LONGEST_WORD]


def _stem(word: str) -> str:
    return _BEHIND.sub("", _BEFORE.sub("", word))


def beginning(word: str) -> str:
    """The beginning that a long word shares with the words of its family; empty for a short word."""
    return BEGINNING + word[:_BEGINS] if len(word) > _BEGINS else ""


@lru_cache(maxsize=2)
def load(path: Path = SHIPPED) -> Aligned:
    """The vectors in the file at `path`, read once."""
    with np.load(path) as stored:

        def listed(name: str) -> list[str]:
            return bytes(stored[name]).decode("utf-8").split("\n") if len(stored[name]) else []

        languages = listed("languages")
        # One language after the other: their words, as texts, take ten times what is kept of them.
        tables = {
            each: (
                WordPlaces(listed(f"words-{each}")),
                stored[f"table-{each}"],
                stored[f"scale-{each}"].astype(np.float32),
            )
            for each in languages
            if f"table-{each}" in stored
        }
        zipf = {
            each: (WordPlaces(listed(f"frequent-{each}")), stored[f"zipf-{each}"].tobytes())
            for each in languages
        }
    return Aligned(tables, zipf)


def save(
    path: Path, tables: Mapping[str, Table], zipf: Mapping[str, Mapping[str, float]], keep: bool = False
) -> None:
    """Write a file that `load` reads. With `keep`, the other languages that the file holds already stay in it."""

    def packed(texts: Sequence[str]) -> np.ndarray:
        return np.frombuffer("\n".join(texts).encode("utf-8"), np.uint8)

    arrays: dict[str, Any] = {}
    if keep:
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
    known = bytes(arrays.get("languages", b"")).decode().split()
    arrays["languages"] = packed(sorted({*known, *zipf}))
    for language, (vocabulary, table) in tables.items():
        scale = np.maximum(np.abs(table).max(1) / 127, 1e-9)
        arrays[f"words-{language}"] = packed(vocabulary)
        arrays[f"table-{language}"] = np.round(table / scale[:, None]).astype(np.int8)
        arrays[f"scale-{language}"] = scale.astype(np.float16)
    for language, each in zipf.items():
        arrays[f"frequent-{language}"] = packed(list(each))
        arrays[f"zipf-{language}"] = np.array([round(often * _ZIPF) for often in each.values()], np.uint8)
    np.savez_compressed(path, **arrays)
