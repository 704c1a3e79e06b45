"""Which matters a comment speaks of in so many words: two comments that say the words of one matter mean the same, be
they ever so different otherwise."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from feedback.analysis.topics import matters
from feedback.analysis.topics.wordpieces import fold

_WORD = re.compile(r"[^\W\d_]+")
_SMALL = frozenset("a an the my your our his her its their it is are was be of to for in on at i".split())


class Clues:
    """What the matters of `analysis/matters/en.txt` mean, and the words by which people speak of each. Those of some
    trades alone are left out: their words are said in passing."""

    def __init__(
        self, encode: Callable[[Sequence[str]], np.ndarray], stems: Callable[[str], Collection[str]]
    ):
        """`encode` gives the unit vectors of texts, `stems` their words without endings."""
        self._stems = stems
        known = [matter for matter in matters.load("en") if not matter.special]
        self._clues: Mapping[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
        rows = []
        for number, matter in enumerate(known):
            said = [matter.name, *matter.clues]
            total = encode(said).sum(0)
            rows.append(total / max(float(np.linalg.norm(total)), 1e-9))
            for clue in {frozenset(stems(each)) for each in said if self._is_whole(each)}:
                self._clues[min(clue)].append((number, clue))
        self._rows = np.array(rows, np.float32)

    def meant(self, text: str) -> np.ndarray | None:
        """The mean of what the matters mean whose words a text says; None where it says those of none."""
        said = frozenset(self._stems(text))
        found = {number for stem in said for number, clue in self._clues.get(stem, ()) if clue <= said}
        return self._rows[sorted(found)].mean(0) if found else None

    def _is_whole(self, clue: str) -> bool:
        """Whether a clue says as much without its endings and small words: "days off" would be days."""
        words = [word for word in _WORD.findall(fold(clue)) if word not in _SMALL]
        return 0 < len(words) == len(self._stems(clue))
