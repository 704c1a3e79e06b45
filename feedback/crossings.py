"""The answers of a period as columns, one code an answer, from which any two segments are crossed.

Counts of all pairs of segments would be as many as there are answers, for each pair anew; columns are kept once.
"""

import base64
import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feedback import countings

#: The name of a column begins with this; the segment, or `SCORE`, follows.
PREFIX = "answers:"
SCORE = "score"

#: How a code is kept: a busy day may bring more values than two bytes can tell apart.
CODE = "I"


@dataclass(slots=True)
class Column:
    """For each answer, in the order of their keys, the place of its value in `values`."""

    values: list[Any] = field(default_factory=list)
    codes: "array[int]" = field(default_factory=lambda: array(CODE))

    def extend(self, values: Sequence[Any], codes: Iterable[int]) -> None:
        """Put other answers behind: places in other `values`."""
        known = {value: at for at, value in enumerate(self.values)}
        places = [known.setdefault(value, len(known)) for value in values]
        self.values = list(known)
        self.codes.extend(map(places.__getitem__, codes))

    def packed(self) -> dict[str, Any]:
        """As JSON."""
        codes = array(CODE, self.codes)
        return {"values": self.values, "codes": base64.b64encode(zlib.compress(codes.tobytes(), 1)).decode()}


def column(values: Iterable[Any]) -> Column:
    """A column of what answers have."""
    known: dict[Any, int] = {}
    codes = array(CODE, [known.setdefault(value, len(known)) for value in values])
    return Column(list(known), codes)


def unpacked(kept: Mapping[str, Any]) -> Column:
    """A column that was packed."""
    codes = array(CODE)
    codes.frombytes(zlib.decompress(base64.b64decode(kept["codes"])))
    return Column(list(kept["values"]), codes)


def count(first: Column, second: Column, score: Column) -> Iterable[tuple[Any, Any, int, int]]:
    """A value of the one, a value of the other, a score, and how many answers have all three."""
    across, scores = max(1, len(second.values)), max(1, len(score.values))
    if len(first.values) * across * scores < 2 ** (8 * first.codes.itemsize):
        # The three codes of each answer are put into one number, of all answers at once: a column is taken as one
        # long number with a code in every four bytes, and no sum runs over into the next.
        whole = _number(first) * (across * scores) + _number(second) * scores + _number(score)
        packed = array(CODE)
        packed.frombytes(whole.to_bytes(len(first.codes) * packed.itemsize, sys.byteorder))
        for code, n in Counter(packed).items():
            pair, scored = divmod(code, scores)
            one, other = divmod(pair, across)
            yield first.values[one], second.values[other], score.values[scored], n
        return
    for (one, other, scored), n in Counter(zip(first.codes, second.codes, score.codes, strict=True)).items():
        yield first.values[one], second.values[other], score.values[scored], n


def _number(column: Column) -> int:
    return int.from_bytes(column.codes.tobytes(), sys.byteorder)


def kept_as(segment: str) -> str:
    """The segment whose column tells of this one: a topic may go to another theme, and all its answers with it."""
    return "topic" if segment == "theme" else segment


def each(segment: str, themes: Mapping[str, str | None]) -> Callable[[Any], Collection[Any]]:
    """What gives the values of a segment that stand behind one of its column: an answer may be in many topics, and in
    those of many themes. `themes`: the theme above each topic."""
    if segment == "topic":
        return lambda value: countings.together(value) or [None]
    if segment == "theme":
        return lambda value: {themes.get(topic) for topic in countings.together(value)} or {None}
    return lambda value: [value]
