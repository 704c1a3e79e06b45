"""Puts comments into topics as they arrive, by the votes of those that are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import peewee

from feedback import meanings, topics
from feedback.analysis import cleaning, evidence, placing, reviewing, sentiment, vectors
from feedback.domain.topics import Place, State
from feedback.models import Meaning, Placement, Topic, TopicChange, TopicReview
from surveys import responses
from surveys.base import db
from surveys.models import Response

#: Steps of a review whose voters are all written.
INDEXED = ("writing", "done")

#: A comment that takes longer is left alone, in seconds.
PATIENCE = 5.0


@dataclass(frozen=True)
class Known:
    """What placing needs, as it was at `mark`."""

    mark: tuple[Any, ...]
    index: placing.Index
    terms: Mapping[str, Sequence[str]]
    merged: Mapping[str, str]


@dataclass(frozen=True)
class Subject:
    """A comment in one topic: by which phrases, how near to its centre (cosine), with which feeling."""

    topic: str
    evidence: list[str]
    closeness: float
    sentiment: str | None


_known: Known | None = None


def known() -> Known:
    """The topics as they stand; read again after each review and each change that a person makes."""
    global _known
    mark = (
        str(db.database.obj.database),
        TopicChange.select(peewee.fn.MAX(TopicChange.id)).scalar(),
        TopicReview.select(peewee.fn.MAX(TopicReview.id)).where(TopicReview.step.in_(INDEXED)).scalar(),
        Topic.select(peewee.fn.MAX(Topic.settled_at)).scalar(),
    )
    if _known is None or _known.mark != mark:
        _known = _load(mark)
    return _known


def place(row: Response, now: datetime) -> None:
    """Put a response's comment into its topics, or let it wait; nothing moves while the comment stays the same."""
    comment = row.comment or ""
    before = Meaning.get_or_none(Meaning.key == row.key)
    packed = meanings.packed(vectors.load().encode([cleaning.one_line(cleaning.strip(comment))])[0])
    if before is not None and before.vector == packed:
        return
    by_person = before is not None and before.by_person
    found = [] if by_person else subjects([comment], known())[0]
    db.write(lambda: _keep(row.key, packed, found, now))


def forget(key: int, now: datetime) -> None:
    """A response has no comment any more: nothing is known of what it means, but for what a person said."""
    known = Meaning.get_or_none(Meaning.key == key)
    if known is None or (known.by_person and not known.vector):
        return

    def verb() -> None:
        machine = Meaning.delete().where(Meaning.key == key, ~Meaning.by_person).execute()
        if machine:
            Placement.delete().where(Placement.response == key).execute()
        else:
            Meaning.update(vector=None, blurred=None).where(Meaning.key == key).execute()
            # Evidence is words of the comment.
            Placement.update(evidence=[]).where(Placement.response == key).execute()
        responses.touch(key, now)

    db.write(verb)


def subjects(comments: Sequence[str], among: Known) -> list[list[Subject]]:
    """For each comment the topics it is in, the main one first."""
    if not among.index.topics and not among.index.taught:
        return [[] for _ in comments]
    placed = placing.place(comments, among.index, vectors.load())
    pairs = [(at, topic, said) for at, each in enumerate(placed) for topic, said in each.statements.items()]
    found: list[list[Subject]] = [[] for _ in comments]
    for (at, _, _), subject in zip(pairs, described([p[1:] for p in pairs], among), strict=True):
        found[at].append(subject)
    for at, several in enumerate(found):
        if len(several) > 1:
            feelings = sentiment.read_many(sentiment.Comment(said) for said in placed[at].statements.values())
            found[at] = [
                Subject(one.topic, one.evidence, one.closeness, str(felt.text_label) if felt else None)
                for one, felt in zip(several, feelings, strict=True)
            ]
    return found


def described(said: Sequence[tuple[str, str]], among: Known) -> list[Subject]:
    """Evidence and closeness for pairs of topic and the words that speak of it."""
    names = [topic for topic, _ in said]
    texts = [cleaning.one_line(cleaning.strip(text)) for _, text in said]
    centres = {**among.index.taught, **among.index.centres}
    rows = vectors.load().encode(texts)
    spoken = evidence.phrases(texts, names, among.terms, centres, vectors.load())
    return [
        Subject(topic, phrases, float(rows[at] @ centres[topic]) if topic in centres else 0.0, None)
        for at, (topic, phrases) in enumerate(zip(names, spoken, strict=True))
    ]


def rows_for(key: int, found: Sequence[Subject], merged: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of `Placement`; a topic that was merged meanwhile is the one it went into."""
    rows: dict[str, dict[str, Any]] = {}
    for at, one in enumerate(found):
        topic = topics.final(one.topic, merged)
        if topic not in rows:
            rows[topic] = {
                "topic": topic,
                "response": key,
                "evidence": one.evidence,
                "by_person": False,
                "main": at == 0,
                "closeness": one.closeness,
                "sentiment": one.sentiment,
            }
    return list(rows.values())


def merged_now() -> dict[str, str]:
    """Topics that went into others."""
    rows: Any = Topic.select(Topic.id, Topic.merged_into).where(Topic.merged_into.is_null(False)).tuples()
    return dict(list(rows))


# ------------------------------------------------------------------------------------------------------


def _keep(key: int, packed: str, found: Sequence[Subject], now: datetime) -> None:
    if not Response.select().where(Response.key == key).exists():
        return
    Meaning.insert(key=key, vector=packed).on_conflict(
        conflict_target=[Meaning.key], update={"vector": packed, "blurred": None}
    ).execute()
    if Meaning.get_by_id(key).by_person:
        return
    gone = Placement.delete().where(Placement.response == key).execute()
    rows = rows_for(key, found, merged_now() if found else {})
    if rows:
        Placement.insert_many(rows).execute()
    if rows or gone:
        responses.touch(key, now)


def _load(mark: tuple[Any, ...]) -> Known:
    state = topics.state()
    voters: Any = (
        Meaning.select(Meaning.vector, Meaning.blurred, Placement.topic)
        .join(Placement, on=(Placement.response == Meaning.key))
        .where(Meaning.blurred.is_null(False), Placement.main)
        .order_by(Meaning.key)
        .tuples()
    )
    found = list(voters)
    taught = _taught(state)
    if found:
        rows, blurred = (meanings.unpacked([each[at] for each in found]) for at in (0, 1))
    else:
        rows = blurred = np.zeros((0, vectors.load().dimensions), np.float32)
    terms = {topic.id: topic.terms for topic in state.topics.values()}
    return Known(mark, placing.index(rows, blurred, [each[2] for each in found], taught), terms, state.merged)


def _taught(state: State) -> dict[str, np.ndarray]:
    """What people taught: labels, examples and the comments that they put there."""
    names = [topic.id for topic in state.topics.values() if topic.taught]
    if not names:
        return {}
    moved: Any = (
        Meaning.select(Meaning.key, Meaning.vector, Placement.topic)
        .join(Placement, on=(Placement.response == Meaning.key))
        .where(Meaning.by_person, Meaning.vector != "", Placement.by_person, Placement.topic.in_(names))
        .order_by(Meaning.key)
        .tuples()
    )
    found = list(moved)
    rows = meanings.unpacked([vector for _, vector, _ in found])
    places = {str(key): Place(topic, by_person=True) for key, _, topic in found}
    whole = State(state.topics, places, state.merged, state.lineage)
    return reviewing.means_taught(whole, [str(key) for key, _, _ in found], rows, vectors.load())
