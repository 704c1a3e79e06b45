"""Puts comments into topics as they arrive: the comments that are there vote."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import peewee
from peewee import SQL

from feedback import conditions, vectors
from feedback.analysis import cleaning, evidence
from feedback.analysis.sentiment import reading
from feedback.analysis.topics import placing, representations, reviewing
from feedback.domain.topics import Place, State
from feedback.models import Meaning, Placement, Reading, Topic, TopicChange, TopicReview
from feedback.topics import topics
from surveys import responses
from surveys.base import db
from surveys.models import Erased, Response

#: Steps of a review whose voters are all written.
INDEXED = ("writing", "done")

#: A comment that takes longer is left alone, in seconds of processor time.
PATIENCE = 5.0


@dataclass(frozen=True)
class Known:
    """What placing needs, as it was at `mark`. `keys`: the responses that it was made from."""

    mark: tuple[Any, ...]
    keys: frozenset[int]
    index: placing.Index
    marks: evidence.Marks
    merged: Mapping[str, str]

    @property
    def changed(self) -> int | None:
        """The newest change of a topic at that moment."""
        newest: int | None = self.mark[2]
        return newest

    @cached_property
    def centres(self) -> Mapping[str, np.ndarray]:
        """The centre of each topic; of one that nobody is in yet, what people taught."""
        return {**self.index.taught, **self.index.centres}


@dataclass(frozen=True)
class Subject:
    """A comment in one topic: by which phrases, how near to its centre (cosine), with which feeling."""

    topic: str
    evidence: list[str]
    closeness: float
    sentiment: str | None


@dataclass(frozen=True)
class Arrived:
    """What is known of a comment that is to be placed, and the `mark` that `Known` has at that moment.

    `language` as it was read, `vector` as it was packed before (None: not yet), `by_person`: a person placed it,
    `placements`: in how many topics it is.
    """

    key: int
    comment: str
    test: bool
    language: str | None
    vector: str | None
    by_person: bool
    placements: int
    mark: tuple[Any, ...]


_known: Known | None = None


def arrived(key: int) -> Arrived | None:
    """What stands about the response `key`; None when it is gone."""
    found = _look(key=key).fetchone()
    if found is None:
        return None
    comment, test, language, vector, by_person, _votes, placements, *mark = found
    words = (comment or "").strip()
    return Arrived(key, words, bool(test), language, vector, bool(by_person), placements, _mark(mark))


def known(mark: tuple[Any, ...] | None = None) -> Known:
    """The topics as they stand; read again after each review, each change that a person makes, and whenever words
    were taken back (another `mark`).
    """
    global _known
    if mark is None:
        mark = _mark(_look_at_topics().fetchone())
    if _known is None or _known.mark != mark:
        _known = _spared(_known, mark) or _load(mark)
    return _known


def place(arrived: Arrived, among: Known, now: datetime) -> None:
    """Put a response's comment into its topics, or let it wait; nothing moves while the comment stays the same."""
    (placed,) = placing.place([arrived.comment], among.index, representations.current())
    packed = vectors.packed(placed.meaning)
    if arrived.vector == packed:
        return
    found = [] if arrived.by_person else _subjects([placed], among)[0]
    db.write(lambda: _keep(arrived, packed, found, among, now))


def forget(key: int, now: datetime) -> None:
    """A response has no comment any more: nothing is known of what it means, but for what a person said."""

    def verb() -> None:
        known = Meaning.get_or_none(Meaning.key == key)
        placed = list(Placement.select().where(Placement.response == key))
        if known is not None and known.by_person:
            if known.vector is None and not any(row.evidence for row in placed):
                return
            Meaning.update(vector=None, blurred=None, representation=None).where(Meaning.key == key).execute()
            # Evidence is words of the comment.
            Placement.update(evidence=[]).where(Placement.response == key).execute()
        else:
            Meaning.delete().where(Meaning.key == key).execute()
            Placement.delete().where(Placement.response == key).execute()
        responses.touch(key, now)
        db.count(db.TAKEN_BACK)

    db.write(verb)


def forget_leftovers(now: datetime) -> None:
    """Forget what is known of responses that are gone or have no comment any more.

    A reader that was at work while the words were taken back may have written afterwards.
    """
    silent = conditions.is_silent()
    left: Any = (
        Meaning.select(Meaning.key, Response.key)
        .left_outer_join(Response, on=(Response.key == Meaning.key))
        .where(Response.key.is_null() | (silent & (Meaning.vector.is_null(False) | ~Meaning.by_person)))
        .tuples()
    )
    placed: Any = Placement.select(Placement.response).join(Response).where(silent).distinct().tuples()
    found = list(left)
    for part in topics.chunks([key for key, there in found if there is None]):
        db.write(functools.partial(_forget_gone, part))
    for key in sorted({key for key, there in found if there is not None} | {key for (key,) in placed}):
        forget(key, now)


def subjects(comments: Sequence[str], among: Known) -> list[list[Subject]]:
    """For each comment the topics it is in, the main one first."""
    return _subjects(placing.place(comments, among.index, representations.current()), among)


def described(
    said: Sequence[tuple[str, str]], among: Known, read: Mapping[str, np.ndarray] | None = None
) -> list[Subject]:
    """Evidence and closeness for pairs of topic and the words that speak of it; `read` holds what texts mean that were
    read before."""
    names = [topic for topic, _ in said]
    texts = [cleaning.one_line(cleaning.strip(text)) for _, text in said]
    centres = among.centres
    rows = _read(texts, read or {})
    spoken = evidence.phrases(texts, names, among.marks, centres, representations.current())
    return [
        Subject(topic, phrases, float(rows[texts[at]] @ centres[topic]) if topic in centres else 0.0, None)
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


def _subjects(placed: Sequence[placing.Placement], among: Known) -> list[list[Subject]]:
    pairs = [(at, topic, said) for at, each in enumerate(placed) for topic, said in each.statements.items()]
    found: list[list[Subject]] = [[] for _ in placed]
    read = {text: row for each in placed for text, row in each.read.items()}
    for (at, _, _), subject in zip(pairs, described([p[1:] for p in pairs], among, read), strict=True):
        found[at].append(subject)
    for at, several in enumerate(found):
        if len(several) > 1:
            feelings = reading.labels(placed[at].statements.values())
            found[at] = [
                Subject(one.topic, one.evidence, one.closeness, str(felt) if felt else None)
                for one, felt in zip(several, feelings, strict=True)
            ]
    return found


def _read(texts: Sequence[str], known: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """What each of `texts` means, which is `known` of some."""
    new = [text for text in dict.fromkeys(texts) if text not in known]
    return {**known, **dict(zip(new, representations.current().encode(new), strict=True))} if new else known


def _forget_gone(keys: Sequence[int]) -> None:
    Meaning.delete().where(Meaning.key.in_(keys)).execute()
    db.count(db.TAKEN_BACK)


def _keep(arrived: Arrived, packed: str, found: Sequence[Subject], among: Known, now: datetime) -> None:
    key = arrived.key
    standing = _look_and_hold(key=key).fetchone()
    # Changed words have a job of their own, which may be done already.
    if standing is None or (standing[0] or "").strip() != arrived.comment:
        return
    _, by_person, votes, placements, changed = standing
    _remember(key=key, vector=packed, representation=representations.current().name)
    if not by_person:
        if placements:
            _take_out(key=key)
        merged = among.merged if changed == among.changed else merged_now()
        for row in rows_for(key, found, merged):
            _put_in(**{**row, "evidence": Placement.evidence.parameter(row["evidence"])})
        if found or placements:
            responses.touch(key, now)
    if votes or (by_person and arrived.vector):
        db.count(db.TAKEN_BACK)


def _mark(found: Sequence[Any]) -> tuple[Any, ...]:
    return str(db.database.obj.database), representations.current().name, *found


def _newest() -> tuple[Any, ...]:
    """The newest of each event that changes what placing knows; when none is new, nothing has to be read again.

    These are: the newest change of a topic, the newest review that has written its voters, the newest word of a
    person, the count of words taken back otherwise than by erasure, and two erasure ticks: the highest seen, and the
    highest below which nothing can still commit. Two erasures at once may commit in the other order than their ticks.
    """
    indexed = TopicReview.select(peewee.fn.MAX(TopicReview.id)).where(TopicReview.step.in_(INDEXED))
    settled = Topic.select(peewee.fn.MAX(Topic.settled_at))
    erased = Erased.select(peewee.fn.MAX(Erased.changed_tick))
    return (
        TopicChange.select(peewee.fn.MAX(TopicChange.id)),
        indexed,
        settled,
        db.Clock.select(db.Clock.tick).where(db.Clock.id == db.TAKEN_BACK),
        erased,
        erased.where(db.settled(Erased.changed_tick)),
    )


def _build_look() -> Any:
    """All that placing one comment has to know, in one question: each costs more than the search itself."""
    return (
        Response.select(
            Response.comment,
            Response.test,
            Reading.language,
            Meaning.vector,
            Meaning.by_person,
            Meaning.blurred.is_null(False),
            _placements(),
            *_newest(),
        )
        .left_outer_join(Reading, on=(Reading.key == Response.key))
        .left_outer_join(Meaning, on=(Meaning.key == Response.key))
        .where(Response.key == db.slot("key"))
    )


def _build_put_in() -> Any:
    names = ("topic", "response", "evidence", "by_person", "main", "closeness", "sentiment")
    return Placement.insert({getattr(Placement, name): db.slot(name) for name in names})


def _build_remember() -> Any:
    made = {Meaning.vector: db.slot("vector"), Meaning.representation: db.slot("representation")}
    return Meaning.insert({Meaning.key: db.slot("key"), Meaning.by_person: False, **made}).on_conflict(
        conflict_target=[Meaning.key], update={**made, Meaning.blurred: None}
    )


def _build_look_and_hold() -> Any:
    """What a transaction goes by that writes where a comment was placed: nobody changes the comment before it ends."""
    look = (
        Response.select(
            Response.comment,
            Meaning.by_person,
            Meaning.blurred.is_null(False),
            _placements(),
            TopicChange.select(peewee.fn.MAX(TopicChange.id)),
        )
        .left_outer_join(Meaning, on=(Meaning.key == Response.key))
        .where(Response.key == db.slot("key"))
    )
    return look if db.on_sqlite() else look.for_update(of=Response)


def _placements() -> Any:
    return Placement.select(peewee.fn.COUNT(SQL("1"))).where(Placement.response == Response.key)


_look = db.Prepared(_build_look)
_look_and_hold = db.Prepared(_build_look_and_hold)
_look_at_topics = db.Prepared(lambda: peewee.Select(columns=_newest()).bind(db.database.obj))
_remember = db.Prepared(_build_remember)
_take_out = db.Prepared(lambda: Placement.delete().where(Placement.response == db.slot("key")))
_put_in = db.Prepared(_build_put_in)


def _spared(known: Known | None, mark: tuple[Any, ...]) -> Known | None:
    """`known` under the new mark, if nothing but erasures happened and it was made from none of the erased comments.

    Most comments vote on nothing, and reading all voters again takes as long as placing a hundred comments.
    """
    if known is None or known.mark[:-2] != mark[:-2]:
        return None
    since: Any = Erased.select(Erased.key).where(Erased.changed_tick > (known.mark[-1] or 0)).tuples()
    return replace(known, mark=mark) if known.keys.isdisjoint(key for (key,) in since) else None


def _load(mark: tuple[Any, ...]) -> Known:
    state = topics.state()
    voters: Any = (
        Meaning.select(Meaning.vector, Meaning.blurred, Placement.topic, Meaning.key)
        .join(Placement, on=(Placement.response == Meaning.key))
        .where(Meaning.blurred.is_null(False), Placement.main)
        .where(Meaning.representation == representations.current().name)
        .order_by(Meaning.key)
        .tuples()
    )
    found = list(voters)
    taught, teachers = _taught(state)
    if found:
        rows, blurred = (vectors.unpacked([each[at] for each in found]) for at in (0, 1))
    else:
        rows = blurred = np.zeros((0, representations.current().dimensions), np.float32)
    terms = {topic.id: topic.terms for topic in state.topics.values()}
    return Known(
        mark,
        frozenset([each[3] for each in found] + teachers),
        placing.index(rows, blurred.__getitem__, [each[2] for each in found], taught),
        evidence.Marks(terms),
        state.merged,
    )


def _taught(state: State) -> tuple[dict[str, np.ndarray], list[int]]:
    """What people taught: labels, examples and the comments that people put there; and the responses
    of these comments.
    """
    names = [topic.id for topic in state.topics.values() if topic.taught]
    if not names:
        return {}, []
    moved: Any = (
        Meaning.select(Meaning.key, Meaning.vector, Placement.topic)
        .join(Placement, on=(Placement.response == Meaning.key))
        .where(Meaning.by_person, Meaning.vector != "", Placement.by_person, Placement.topic.in_(names))
        .where(Meaning.representation == representations.current().name)
        .order_by(Meaning.key)
        .tuples()
    )
    found = list(moved)
    rows = vectors.unpacked([vector for _, vector, _ in found])
    places = {str(key): Place(topic, by_person=True) for key, _, topic in found}
    whole = replace(state, places=places)
    keys = [key for key, _, _ in found]
    return reviewing.means_taught(whole, [str(key) for key in keys], rows, representations.current()), keys
