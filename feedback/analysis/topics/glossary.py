"""What the words of other languages mean in English, for the things that feedback speaks of, out of a plain file.

The shipped vectors of words were fitted to translated sentences, which speak of the world and hardly of parcels, sizes
and refunds. `analysis/matters/words.list` tells these; how it is read stands in its first lines.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from feedback.analysis.topics import aligned
from feedback.analysis.topics.wordpieces import fold
from surveys.domain import folding

SHIPPED = Path(__file__).parents[1] / "matters" / "words.list"

LANGUAGES = ("de", "es", "fr", "it", "nl", "pt", "ja", "ar")  # in the order of the file's columns
_COMPOUNDING = frozenset(("de", "nl"))
_LONG = 8  # letters, from which a word may be put together of others …
_PART = 4  # … each of so many at least
_ENDING = 2  # letters that may follow a word that stands without `*`
_SHORT = 4  # letters, up to which a beginning stands for words that are hardly longer
_LEAST = 3  # letters of what is looked for as the beginning of a word
_LONGEST_RUN = 8  # letters of Japanese
_REMEMBERED = 8_192  # words, about 1 MB


class Glossary:
    """The things of the file (`meant`: each in English), and which of them the words of a text mean."""

    def __init__(self, path: Path = SHIPPED):
        self.meant: list[str] = []
        self._whole: dict[str, dict[str, int]] = {each: {} for each in LANGUAGES}
        self._begin: dict[str, dict[str, int]] = {each: {} for each in LANGUAGES}
        self._seen: dict[tuple[str, str], tuple[int, ...]] = {}
        for line in path.read_text("utf-8").splitlines():
            if line[:1] not in ("", "#"):
                english, *others = (cell.strip() for cell in line.split("|"))
                for language, words in zip(LANGUAGES, others, strict=True):
                    for word in words.split():
                        self._add(language, word, len(self.meant))
                self.meant.append(english)

    def read(self, text: str, language: str) -> tuple[list[int], list[str]]:
        """The numbers of the things that the words of a text mean, one after the other, and the pieces of the text that
        mean none of them (`aligned.pieces`); of Japanese and Arabic all pieces."""
        if language not in self._whole:
            return [], aligned.pieces(text, language)
        if language == "ja":
            return list(self._runs(folding.normal(text, "NFKC"))), aligned.pieces(text, language)
        if language == "ar":
            found = [each for stem in aligned.stems(text) for each in self._of(language, stem)]
            return found, aligned.pieces(text, language)
        found, left = [], []
        for word in aligned.words(text):
            known = self._of(language, word)
            found += known
            if not known:
                left += [piece for piece in (word, aligned.beginning(word)) if piece]
        return found, left

    def in_english(self, text: str, language: str) -> str:
        """The English words for the things that a text in another language speaks of; English as it is."""
        if language == "en":
            return text
        return " ".join(self.meant[number] for number in dict.fromkeys(self.read(text, language)[0]))

    def _add(self, language: str, word: str, number: int) -> None:
        begins = word.endswith("*") or language == "ja"
        word = word.rstrip("*")
        if language == "ja":
            word = folding.normal(word, "NFKC")
        elif language == "ar":
            (word,) = aligned.stems(word)
        else:
            word = fold(word)
        # What stands twice means what it means first.
        (self._begin if begins else self._whole)[language].setdefault(word, number)

    def _of(self, language: str, word: str) -> tuple[int, ...]:
        found = self._seen.get((language, word))
        if found is None:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            found = self._seen[language, word] = self._look_up(language, word)
        return found

    def _look_up(self, language: str, word: str) -> tuple[int, ...]:
        whole, begin = self._whole[language], self._begin[language]
        if word in whole:
            return (whole[word],)
        if language in _COMPOUNDING and len(word) >= _LONG:
            parts = tuple(_parts(word, whole, begin))
            if len(parts) > 1:
                return parts
        for end in range(len(word), _LEAST - 1, -1):
            inflected = len(word) - end <= _ENDING
            if word[:end] in begin and (inflected or end > _SHORT):
                return (begin[word[:end]],)
            if word[:end] in whole and inflected and end >= _PART:
                return (whole[word[:end]],)
        return parts if language in _COMPOUNDING and len(word) >= _LONG else ()

    def _runs(self, text: str) -> Iterator[int]:
        """The things that the letters of a Japanese text name, the longest names first. A single letter names one only
        where it is Chinese."""
        known = self._begin["ja"]
        at = 0
        while at < len(text):
            for end in range(min(len(text), at + _LONGEST_RUN), at, -1):
                if text[at:end] in known:
                    yield known[text[at:end]]
                    at = end - 1
                    break
            at += 1


def _parts(word: str, whole: dict[str, int], begin: dict[str, int]) -> Iterator[int]:
    """The things that the parts of a long word name, one after the other, the longest first."""
    at = 0
    while at <= len(word) - _PART:
        for end in range(len(word), at + _PART - 1, -1):
            part = word[at:end]
            if part in begin or part in whole:
                yield begin.get(part, whole.get(part, 0))
                at = end - 1
                break
        at += 1


@lru_cache(maxsize=1)
def load() -> Glossary:
    """The shipped glossary, read once."""
    return Glossary()
