"""Tells the language of a text by its bytes: py3langid's model and its answers, in a fifth of the memory."""

import itertools
import math
import struct
import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

_BITS = 4
_BLOCK = 1 << _BITS  # moves
_WITHIN = _BLOCK - 1
_NONE = -1  # the feature of a state that has none


class Identifier:
    """A naive Bayes model of runs of bytes (Lui and Baldwin 2012, ACL) that chooses among some of its languages.

    An automaton goes through the bytes of a text; the state that it is in after each of them is a feature. `weights`
    (features × languages) and `bias` are log-probabilities. Some language has two columns, for two scripts.
    """

    def __init__(self, full: LanguageIdentifier, languages: Collection[str]):
        chosen = [at for at, language in enumerate(full.nb_classes) if language in languages]
        self._languages: list[str] = [full.nb_classes[at] for at in chosen]
        self._weights: NDArray[np.float16] = full.nb_ptc[:, chosen]
        self._bias: NDArray[np.float32] = full.nb_pc[chosen]
        self._again = [
            (self._languages.index(language), at)
            for at, language in enumerate(self._languages)
            if language in self._languages[:at]
        ]
        self._features = array("i", full.tk_output)
        self._rows = array("I", [row * (256 // _BLOCK) for row in full.tk_row])
        self._begins, self._moves = shared(full.tk_nextmove)

    def classify(self, text: str) -> tuple[str, float]:
        """The likeliest language of a text (ISO 639-1), and its probability."""
        written = unicodedata.normalize("NFC", text.lower() if text.isupper() else text)
        raw = written.encode("utf-8", errors="surrogatepass")
        scores = self._scores(raw)
        scores *= 1 / math.sqrt(len(raw) or 1)  # or the probabilities of long texts would all be 0 or 1
        chances = np.exp(scores - scores.max())
        chances /= chances.sum()
        for first, at in self._again:
            chances[first] += chances[at]
            chances[at] = 0.0
        best = int(chances.argmax())
        return self._languages[best], float(chances[best])

    def _scores(self, raw: bytes) -> NDArray[np.float32]:
        """The log-probability of each language, up to a constant."""
        found = Counter(self._walk(raw))
        found.pop(_NONE, None)
        if not found:
            return np.zeros(len(self._languages), np.float32)
        features = np.fromiter(found, np.intp, len(found))
        counts = np.fromiter(found.values(), np.float32, len(found))
        scores: NDArray[np.float32] = np.log1p(counts) @ self._weights[features] + self._bias
        return scores

    def _walk(self, raw: bytes) -> list[int]:
        """The feature after each byte."""
        rows, begins, moves, features = self._rows, self._begins, self._moves, self._features
        state = 0
        return [
            features[state := moves[(begins[rows[state] + (byte >> _BITS)] << _BITS) + (byte & _WITHIN)]]
            for byte in raw
        ]


def load(languages: Collection[str]) -> Identifier:
    """The identifier that comes with py3langid, for some of its languages."""
    return Identifier(LanguageIdentifier.from_model_file(MODEL_FILE), languages)


def shared(moves: array) -> tuple[array, array]:
    """`moves` cut into blocks, of which equal ones are kept once: which block comes at each place, and the blocks.

    An automaton of 100,000 states has few moves of its own: nearly all lead back near its beginning.
    """
    pieces = map(itemgetter(0), struct.iter_unpack(f"{_BLOCK * moves.itemsize}s", moves))
    numbers: defaultdict[bytes, int] = defaultdict(itertools.count().__next__)
    order = array("I", map(numbers.__getitem__, pieces))
    return array("H" if len(numbers) <= 1 << 16 else "I", order), array(moves.typecode, b"".join(numbers))
