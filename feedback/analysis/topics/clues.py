"""Draws comments that say the words of one matter together, be they ever so different otherwise. The fewer comments
there are, the less they tell by themselves what belongs together, and the more what is known of feedback helps."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from feedback.analysis.topics import glossary, matters, wording
from feedback.analysis.topics.representations import Representation
from feedback.analysis.topics.vectors import unit
from feedback.analysis.topics.wordpieces import fold

_WEIGHT = 0.2  # of what the matters mean whose words a comment says, beside all that it means itself …
_MANY = 2_000  # … among so many comments or fewer; among twice as many half of it
_LEAST = 0.1  # less changes little

_WORD = re.compile(r"[^\W\d_]+")
_SMALL = frozenset("a an the my your our his her its their it is are was be of to for in on at i".split())


class Clues:
    """What the matters of `analysis/matters/en.txt` mean, and the words by which people speak of each. Those of some
    trades alone are left out: their words are said in passing."""

    def __init__(self, vectors: Representation):
        known = [matter for matter in matters.load("en") if not matter.special]
        self._clues: Mapping[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
        rows = []
        for number, matter in enumerate(known):
            said = [matter.name, *matter.clues]
            rows.append(vectors.encode(said).sum(0))
            for clue in {wording.stems(each) for each in said if _is_whole(each)}:
                self._clues[min(clue)].append((number, clue))
        self._rows = unit(np.array(rows, np.float32))

    def meant(self, english: str) -> np.ndarray | None:
        """The mean of what the matters mean whose words a text says; None where it says those of none."""
        said = wording.stems(english)
        found = {number for stem in said for number, clue in self._clues.get(stem, ()) if clue <= said}
        meant: np.ndarray | None = self._rows[sorted(found)].mean(0) if found else None
        return meant


def draw(rows: np.ndarray, texts: Sequence[str], vectors: Representation) -> np.ndarray:
    """The unit vectors of comments, drawn towards the matters whose words they say; `rows` themselves where there are
    so many that nothing would change."""
    weight = _WEIGHT * min(1.0, _MANY / max(1, len(texts)))
    if weight < _LEAST:
        return rows
    clues, words = _clues(vectors), glossary.load()
    drawn = rows.copy()
    for at, text in enumerate(texts):
        meant = clues.meant(words.in_english(text, vectors.language_of(text))) if rows[at].any() else None
        if meant is not None:
            drawn[at] += weight * meant
    return unit(drawn)


@lru_cache(maxsize=2)
def _clues(vectors: Representation) -> Clues:
    return Clues(vectors)


def _is_whole(clue: str) -> bool:
    """Whether a clue says as much without its endings and small words: "days off" would be days."""
    words = [word for word in _WORD.findall(fold(clue)) if word not in _SMALL]
    return 0 < len(words) == len(wording.stems(clue))
