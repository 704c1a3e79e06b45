"""Places comments in topics on arrival, by the votes of their neighbours and by what people taught."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from feedback.analysis import cleaning
from feedback.analysis.topics import clusters, neighbours
from feedback.analysis.topics.representations import Representation
from feedback.analysis.topics.vectors import unit

SURE_ENOUGH = 0.3  # share of the votes for the topic that wins
_SURE_BESIDE = 0.6  # for one statement of several: what is said in passing must be unmistakable
_MOST_ROWS = 8_000  # voters kept; more cost time at each placing and change hardly a vote


class Rows(Protocol):
    """Vectors by position, like an array of them."""

    def __getitem__(self, at: Any, /) -> Any: ...


@dataclass(frozen=True)
class Index:
    """What placing needs: voters with their vectors, as they are and averaged with neighbours, and their topics;
    the cells in which they stand, by the averaged vectors; the centre of each topic; of each topic that a person
    taught, the mean of its label and examples; and which of the comments given the voters are (`at`)."""

    rows: np.ndarray
    blurred: np.ndarray
    cells: neighbours.Cells
    topics: tuple[str, ...]
    centres: Mapping[str, np.ndarray]
    taught: Mapping[str, np.ndarray]
    at: tuple[int, ...] = ()

    @cached_property
    def numbered(self) -> tuple[list[str], np.ndarray]:
        """The topics that have voters, in order, and each voter's as a place in that list."""
        names = sorted(set(self.topics))
        number = {topic: at for at, topic in enumerate(names)}
        return names, np.array([number[topic] for topic in self.topics], np.int64)


@dataclass(frozen=True)
class Placement:
    """Where a comment belongs: its topics, the main one first. A comment without a topic waits.

    It also holds the share of votes for the main topic (0 to 1; 1 where a person's examples decided), for each topic
    the words of the comment that speak of it, what the whole comment means (a unit vector), and what each text meant
    that was read for it.
    """

    topics: tuple[str, ...]
    share: float
    statements: Mapping[str, str]
    meaning: np.ndarray
    read: Mapping[str, np.ndarray] = field(default_factory=dict)


def index(
    rows: Rows,
    blurred: Callable[[np.ndarray], np.ndarray],
    topics: Sequence[str | None],
    taught: Mapping[str, np.ndarray],
) -> Index:
    """An index of comments with these vectors and topics (None: the comment has no vote). Only some comments of a
    large topic vote.

    `blurred` gives the vectors averaged with neighbours of those at the positions it is asked for.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for at, topic in enumerate(topics):
        if topic is not None and rows[at].any():
            members[topic].append(at)
    most = _MOST_ROWS // max(1, len(members))
    centres, chosen = {}, []
    for topic in sorted(members):
        own = np.array(members[topic])
        centres[topic] = unit(rows[own].sum(0, keepdims=True))[0]
        spread = np.linspace(0, len(own) - 1, min(len(own), max(most, clusters.VOTERS))).astype(int)
        chosen.extend(own[spread].tolist())
    averaged = blurred(np.array(chosen, np.int64))
    order, cells = neighbours.part(averaged)
    averaged = averaged[order]
    chosen = [chosen[at] for at in order]
    return Index(
        rows[chosen],
        averaged,
        cells,
        tuple(str(topics[at]) for at in chosen),
        centres,
        dict(taught),
        tuple(chosen),
    )


def place(texts: Sequence[str], among: Index, vectors: Representation) -> list[Placement]:
    """Where new comments belong. A comment unlike all others waits; a comment of several statements may be
    in several topics.
    """
    cleaned = [cleaning.strip(text) for text in texts]
    parts = [(at, part) for at, text in enumerate(cleaned) for part in _several(text)]
    lines = [*map(cleaning.one_line, cleaned), *(part for _, part in parts)]
    rows = vectors.encode(lines)
    decided = _decide(rows, among, vectors)
    whole, passing = decided[: len(texts)], decided[len(texts) :]
    said: dict[int, dict[str, str]] = defaultdict(dict)
    read = [{line: row} for line, row in zip(lines[: len(texts)], rows[: len(texts)], strict=True)]
    for (at, part), row in zip(parts, rows[len(texts) :], strict=True):
        read[at][part] = row
    for (at, part), (topic, share) in zip(parts, passing, strict=True):
        if topic is not None and (share >= _SURE_BESIDE or topic == whole[at][0]):
            said[at].setdefault(topic, part)
    return [
        _placement(topic, share, said[at], text, rows[at], read[at])
        for at, ((topic, share), text) in enumerate(zip(whole, cleaned, strict=True))
    ]


def claimed(rows: np.ndarray, taught: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The taught topics in order of id, and for each row the number of the nearest and its cosine (-1 where
    none is taught).
    """
    names = sorted(taught)
    if not names:
        return names, np.full(len(rows), -1), np.full(len(rows), -1.0)
    close = rows @ np.stack([taught[name] for name in names]).T
    nearest = close.argmax(1)
    return names, nearest, close[np.arange(len(rows)), nearest]


def _several(text: str) -> list[str]:
    parts = cleaning.statements(text)
    return parts if len(parts) > 1 else []


def _placement(
    main: str | None,
    share: float,
    said: dict[str, str],
    text: str,
    meaning: np.ndarray,
    read: Mapping[str, np.ndarray],
) -> Placement:
    statements = {main: said.get(main, text)} if main is not None else {}
    statements |= {topic: part for topic, part in said.items() if topic != main}
    return Placement(tuple(statements), share, statements, meaning, read)


def _decide(rows: np.ndarray, among: Index, vectors: Representation) -> list[tuple[str | None, float]]:
    """The topic of each text and the share of votes for it; None where it is unlike all others."""
    if not among.topics and not among.taught:
        return [(None, 0.0)] * len(rows)
    names, groups = among.numbered
    index, cosine = clusters.neighbours_to_blur(rows, among.rows, among.cells)
    blurred = clusters.blur(rows, among.rows, index, cosine)
    votes = clusters.vote(blurred, among.blurred, among.cells, groups)
    taught, nearest, close = claimed(rows, among.taught)
    decided: list[tuple[str | None, float]] = []
    for at in range(len(rows)):
        topic = names[votes.group[at]] if votes.group[at] >= 0 else None
        sure = cosine[at, 0] >= vectors.near_enough and votes.share[at] >= SURE_ENOUGH
        rival = float(among.centres[topic] @ rows[at]) if topic is not None and sure else 0.0
        if close[at] >= vectors.taught_near_enough and (topic in among.taught or close[at] > rival):
            decided.append((taught[nearest[at]], 1.0))
        elif sure and topic is not None:
            decided.append((topic, float(votes.share[at])))
        else:
            decided.append((None, float(votes.share[at])))
    return decided
