"""Places comments in topics on arrival, and reviews all topics in the background without moving what stands."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from feedback.analysis import cleaning, clusters, naming
from feedback.analysis.vectors import Vectors, unit
from feedback.domain.topics import Change, Kind, Place, State, Topic, reconcile

NEAR_ENOUGH = (
    0.35  # cosine of the nearest voter; beneath it a comment speaks of something nobody spoke of yet
)
SURE_ENOUGH = 0.3  # share of the votes for the topic that wins
_SURE_BESIDE = 0.6  # for one statement of several: what is said in passing must be unmistakable
_MANY = 24  # topics; more are shown under wider subjects


@dataclass(frozen=True)
class Index:
    """What placing needs: the vectors of comments that are in topics, as they are and averaged, and those topics.

    `topics` names the topic of each row; `taught` holds a vector for each topic that people taught.
    """

    rows: np.ndarray
    blurred: np.ndarray
    topics: tuple[str, ...]
    taught: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Placement:
    """The topics of one comment, the main one first (none: it waits), the share of votes for the main one (0–1), and
    for each topic the statement of the comment that speaks of it."""

    topics: tuple[str, ...]
    share: float
    statements: Mapping[str, str]


@dataclass(frozen=True)
class Review:
    """What a review brings: the new state, an index for placing, and how many placed comments it moved."""

    state: State
    index: Index
    moved: int


def review(
    state: State,
    comments: Mapping[str, str],
    vectors: Vectors,
    now: datetime,
    never: Collection[str] = (),
    progress: Callable[[str, float], None] = lambda step, share: None,
) -> Review:
    """Groups all `comments` (id → text) anew and brings that into `state`, moving at most 5 % of those placed.

    `never` are words that stand in no label (the brand's name). `progress` is told the step and the share done.
    """
    ids = list(comments)
    progress("reading", 0.0)
    cleaned = [cleaning.strip(comments[id_]) for id_ in ids]
    rows = vectors.encode([text.replace("\n", ". ") for text in cleaned])
    progress("grouping", 0.2)
    fresh = clusters.group(rows)
    progress("reconciling", 0.7)
    found = {id_: int(group) for id_, group in zip(ids, fresh.group, strict=True)}
    gain = _gains(state, ids, fresh)
    decided = reconcile(state, found, gain, clusters.SMALLEST)
    topics = {id_: Topic(id_, "") for id_ in decided.born} | dict(state.topics)
    places = dict(state.places) | {
        id_: replace(state.places.get(id_, Place(None)), topic=topic) for id_, topic in decided.topics.items()
    }
    changes = [
        Change(Kind.SPLIT, parent, now, made)
        if (parent := decided.parent[made])
        else Change(Kind.FOUND, made, now)
        for made in decided.born
    ]
    reviewed = State(topics, places, state.merged, (*state.lineage, *changes))
    progress("naming", 0.8)
    reviewed = _named(reviewed, dict(zip(ids, cleaned, strict=True)), ids, rows, vectors, never)
    progress("done", 1.0)
    return Review(reviewed, _index(reviewed, ids, rows, fresh.blurred, vectors), decided.moved)


def place(texts: Sequence[str], index: Index, vectors: Vectors) -> list[Placement]:
    """Where new comments belong, by the votes of their ten nearest neighbours; those unlike all others wait."""
    cleaned = [cleaning.strip(text) for text in texts]
    parts = [cleaning.statements(text) for text in cleaned]
    whole = _vote([text.replace("\n", ". ") for text in cleaned], index, vectors)
    beside = [(at, part) for at, own in enumerate(parts) if len(own) > 1 for part in own]
    votes = _vote([part for _, part in beside], index, vectors)
    said: dict[int, dict[str, str]] = defaultdict(dict)
    for (at, part), (topic, share) in zip(beside, votes, strict=True):
        if topic and share >= _SURE_BESIDE:
            said[at].setdefault(topic, part)
    placements = []
    for at, (topic, share) in enumerate(whole):
        statements = said[at]
        main = [topic] if topic else []
        if topic and topic not in statements:
            statements = {topic: cleaned[at], **statements}
        placements.append(Placement(tuple(dict.fromkeys([*main, *statements])), share, statements))
    return placements


def _vote(texts: Sequence[str], index: Index, vectors: Vectors) -> list[tuple[str | None, float]]:
    if not texts:
        return []
    rows = vectors.encode(texts)
    names = sorted(set(index.topics) | set(index.taught))
    number = {topic: at for at, topic in enumerate(names)}
    answers: list[tuple[str | None, float]] = [(None, 0.0)] * len(texts)
    if index.topics:
        groups = np.array([number[topic] for topic in index.topics])
        votes = clusters.vote(clusters.blur_among(rows, index.rows), index.blurred, groups)
        for at in range(len(texts)):
            if votes.group[at] >= 0 and votes.cosine[at] >= NEAR_ENOUGH and votes.share[at] >= SURE_ENOUGH:
                answers[at] = names[votes.group[at]], float(votes.share[at])
    return answers


def _index(
    state: State, ids: Sequence[str], rows: np.ndarray, blurred: np.ndarray, vectors: Vectors
) -> Index:
    at = [n for n, id_ in enumerate(ids) if state.places[id_].topic is not None and rows[n].any()]
    topics = tuple(state.places[ids[n]].topic or "" for n in at)
    taught = {
        topic.id: unit(vectors.encode([topic.label, *topic.examples]).sum(0, keepdims=True))[0]
        for topic in state.topics.values()
        if topic.taught
    }
    return Index(rows[at], blurred[at], topics, taught)


def _gains(state: State, ids: Sequence[str], fresh: clusters.Grouping) -> dict[tuple[str, int], float]:
    """For each flow (topic, fresh group): how much closer its comments are tied to the group than to the topic."""
    topic = [state.places.get(id_, Place(None)).topic for id_ in ids]
    group = fresh.group.tolist()
    gain: Counter = Counter()
    for start, end, weight in zip(*(edge.tolist() for edge in fresh.edges), strict=True):
        for a, b in ((start, end), (end, start)):
            if topic[a] is None or group[a] < 0:
                continue
            if group[a] == group[b]:
                gain[topic[a], group[a]] += weight
            if topic[a] == topic[b] and group[a] != group[b]:
                gain[topic[a], group[a]] -= weight
    return dict(gain)


def _named(
    state: State,
    cleaned: Mapping[str, str],
    ids: Sequence[str],
    rows: np.ndarray,
    vectors: Vectors,
    never: Collection[str],
) -> State:
    """`state` with a label for each topic that has none, and fresh candidates for all."""
    members: dict[str, list[int]] = defaultdict(list)
    for at, id_ in enumerate(ids):
        topic = state.places[id_].topic
        if topic is not None:
            members[topic].append(at)
    typical = {
        topic: [cleaned[ids[at]] for at in _most_typical(np.array(own), rows)]
        for topic, own in members.items()
    }
    kept = {topic.label for topic in state.topics.values() if topic.label}
    names = naming.name(typical, vectors, never, kept)
    topics = {}
    for id_, topic in state.topics.items():
        name = names.get(id_)
        if name:
            topic = replace(
                topic, label=topic.label or name.label, candidates=name.candidates, terms=name.terms
            )
        topics[id_] = topic
    return replace(state, topics=topics)


def _most_typical(own: np.ndarray, rows: np.ndarray) -> list[int]:
    """The rows of a topic, those nearest to its centre first, as many as naming reads."""
    centre = rows[own].sum(0)
    close = rows[own] @ centre
    return own[np.argsort(-close, kind="stable")][: naming.READ_PER_TOPIC].tolist()
