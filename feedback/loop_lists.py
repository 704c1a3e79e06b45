"""Who would be told of a topic, kept as it was shown: all pages are of one list, and nobody else need be told."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN

from feedback import loops
from feedback.loops import Audience
from feedback.models import Listed, LoopList, Placement, Topic
from surveys.base import db, ids
from surveys.base.errors import Refused
from surveys.models import Person, Response, Survey

#: So long a list stands: whoever looks at it for longer makes another.
KEPT = timedelta(days=1)

#: People of one transaction: answers wait for no longer one.
AT_ONCE = 1000


@dataclass(frozen=True)
class Line:
    """Somebody on a list: their place, in which language they would be told, and the sentence that is quoted."""

    place: int
    person: Person
    response: Response
    language: str
    sentence: str


@dataclass(frozen=True)
class Page:
    """Some of a list; `following`: the place to go on after, None at the end; `left_out` is of all."""

    list_id: str | None
    lines: Sequence[Line]
    following: int | None
    left_out: Mapping[str, int]


def prepare(topic: Topic, limit: int, now: datetime) -> Page:
    """Work out who would be told of a topic now, and keep it; the first `limit` of them.

    Who looks again while nothing changed gets the list that is there. Of nobody there is no list.
    """
    found = loops.audience(topic, (), now)
    if not found.told:
        return Page(None, [], None, found.left_out)
    row = _kept(topic, found, now)
    lines = [
        Line(place, each.person, each.response, each.language, each.sentence)
        for place, each in enumerate(found.told[:limit])
    ]
    following = limit - 1 if len(found.told) > limit else None
    return Page(row.id, lines, following, found.left_out)


def page(row: LoopList, after: int, limit: int) -> Page:
    """The next people of a list, after a place. Who was erased since, or took their words back, is not on it."""
    query: Any = (
        Listed.select(Listed, Response, Person, Placement)
        .join(Response, on=(Response.key == Listed.response))
        .join(Person, on=(Person.id == Listed.person), src=Listed)
        .join(
            Placement,
            JOIN.LEFT_OUTER,
            on=((Placement.response == Response.key) & (Placement.topic == row.topic_id)),
            src=Response,
            attr="placed",
        )
        .where(Listed.loop_list == row.id, Listed.place > after)
        .order_by(Listed.place)
        .limit(limit + 1)
    )
    found = list(query)
    surveys = {each.id: each for each in Survey.select()}
    lines = []
    for each in found[:limit]:
        response, person = each.response, each.person
        response.survey = surveys[response.survey_id]
        if response.comment:
            placed = getattr(response, "placed", None)
            sentence = loops.sentence_of(
                row.topic, response, (placed.evidence if placed is not None else None) or []
            )
            lines.append(
                Line(each.place, person, response, loops.language_of((), person, response), sentence)
            )
    following = found[limit - 1].place if len(found) > limit else None
    return Page(row.id, lines, following, row.left_out)


def of(topic: Topic, list_id: str, field: str) -> LoopList:
    """A list of a topic. Raises Refused, naming `field`, for one that is not there (any more)."""
    row = LoopList.get_or_none((LoopList.id == list_id) & (LoopList.topic == topic.id))
    if row is None:
        raise Refused("There is no such list of this topic (any more). Ask for it again.", field)
    return row


def named(row: LoopList) -> dict[str, int]:
    """Whom a list names, by their ids, each with the key of what they said."""
    rows: Any = Listed.select(Listed.person, Listed.response).where(Listed.loop_list == row.id).tuples()
    return dict(rows)


def tidy(now: datetime) -> int:
    """Forget the lists that nobody goes on with; how many."""
    return db.write(LoopList.delete().where(LoopList.created_at < now - KEPT).execute)


# ------------------------------------------------------------------------------------------------------


def _kept(topic: Topic, found: Audience, now: datetime) -> LoopList:
    """The list as it is kept, made where there is none like it."""
    told = [(each.person.id, each.response.key) for each in found.told]
    digest = hashlib.sha256(repr((told, sorted(found.left_out.items()))).encode()).hexdigest()
    same = (
        (LoopList.topic == topic.id) & (LoopList.digest == digest) & (LoopList.created_at >= now - KEPT / 2)
    )
    known = LoopList.select().where(same).order_by(LoopList.created_at.desc()).first()
    if known is not None and Listed.select().where(Listed.loop_list == known.id).count() == len(told):
        return known
    row = LoopList(
        id=ids.new("list"), topic=topic.id, digest=digest, left_out=dict(found.left_out), created_at=now
    )
    db.write(functools.partial(row.save, force_insert=True))
    for start in range(0, len(told), AT_ONCE):
        db.write(functools.partial(_put, row.id, told, start))
    return row


def _put(list_id: str, told: Sequence[tuple[str, int]], start: int) -> None:
    """Keep some of a list; who was erased meanwhile has no place in it."""
    part = told[start : start + AT_ONCE]
    there = loops.standing([key for _, key in part])
    _insert.many(
        [
            {"loop_list": list_id, "place": start + at, "person": person, "response": key}
            for at, (person, key) in enumerate(part)
            if key in there
        ]
    )


_insert = db.Insert(Listed)
