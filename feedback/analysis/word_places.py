"""Where words stand in a list, in an eighth of the memory that a dict of them takes."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Found = TypeVar("Found")


class WordPlaces:
    """The places of the words of a list, all different, of which only hashes (64 bits) are kept.

    A word that is not in the list has the hash of one that is with a chance of one in a hundred trillion.
    """

    def __init__(self, words: Iterable[str]):
        hashes = _hashes(words)
        order = np.argsort(hashes, kind="stable")
        self._hashes = array("q", hashes[order].tobytes())
        self._places = array("i", order.astype(np.int32).tobytes())

    def __len__(self) -> int:
        return len(self._hashes)

    def of(self, word: str) -> int | None:
        """The place of a word in the list; None where it does not stand there."""
        wanted = hash(word) ^ len(word)  # as in `_hashes`
        at = bisect_left(self._hashes, wanted)
        return self._places[at] if at < len(self._hashes) and self._hashes[at] == wanted else None

    def of_each(self, words: Iterable[str]) -> NDArray[np.intp]:
        """The places of many words, each as `of` has it; -1 where one does not stand in the list."""
        wanted = _hashes(words)
        if not len(self):
            return np.full(len(wanted), -1, np.intp)
        hashes, places = np.frombuffer(self._hashes, np.int64), np.frombuffer(self._places, np.int32)
        at = np.empty(len(wanted), np.intp)
        order = np.argsort(wanted)  # one after the other they are found in half the time
        at[order] = np.searchsorted(hashes, wanted[order])
        at = np.minimum(at, len(self) - 1)
        return np.where(hashes[at] == wanted, places[at], -1)


def _hashes(words: Iterable[str]) -> NDArray[np.int64]:
    """A hash of each word. Python hashes the bytes in which it holds a text, which are the same for "no" and for "潮",
    whose letter has two: their lengths tell them apart."""
    some = list(words)
    return np.fromiter(map(hash, some), np.int64, len(some)) ^ np.fromiter(
        map(len, some), np.int64, len(some)
    )


class Remembered(dict[str, Found]):
    """What was found out of words, for those that come again: most comments are made of a few thousand.

    `found[word]` asks `find` the first time. All are forgotten when there are `most`: a stream of names and typing
    errors never ends.
    """

    def __init__(self, find: Callable[[str], Found], most: int = 8_192):
        super().__init__()
        self._find, self._most = find, most

    def __missing__(self, word: str) -> Found:
        if len(self) >= self._most:
            self.clear()
        found = self[word] = self._find(word)
        return found
