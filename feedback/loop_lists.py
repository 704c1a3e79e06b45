"""Who would be told of a topic, kept as it was shown: all pages are of one list, and nobody else need be told."""

import functools
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from peewee import JOIN

from feedback import loops
from feedback.loops import Audience
from feedback.models import Listed, LoopList, Placement, Topic
from surveys.base import db, ids
from surveys.base.errors import Refused
from surveys.models import Person, Response, Survey

log = structlog.get_logger()

#: So long a list stands: whoever looks at it for longer makes another.
KEPT = timedelta(days=1)

#: Why somebody on a list is not shown any more.
CHANGED = "changed since"

#: Lists of one topic that are kept, the newest: a program that asks every minute fills no disk.
MOST_LISTS = 10

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

    Who looks again while nothing changed gets the list that is there. Of nobody there is no list, nor where the
    database takes no more and all stand on this page.
    """
    found = loops.audience(topic, (), now)
    if not found.told:
        return Page(None, [], None, found.left_out)
    following = limit - 1 if len(found.told) > limit else None
    list_id: str | None = None
    try:
        list_id = _kept(topic, found, now).id
    except db.FAILURES as error:
        # Without a list nobody gets at the next page.
        if not db.away(error) or following is not None:
            raise
        db.forget_connection()
        log.warning("list of whom to tell not kept", error=db.reason(error))
    lines = [
        Line(place, each.person, each.response, each.language, each.sentence)
        for place, each in enumerate(found.told[:limit])
    ]
    return Page(list_id, lines, following, found.left_out)


def page(row: LoopList, after: int, limit: int) -> Page:
    """The next people of a list, after a place. Who was erased since, or took their words back, is not on it; nor are
    those who may be told no more, whom `left_out` counts as CHANGED."""
    query = _on(row, Listed, Response, Person, Placement).where(
        loops.may_still_be_told(), Listed.place > after
    )
    found = list(query.order_by(Listed.place).limit(limit + 1))
    surveys = {each.id: each for each in Survey.select()}
    lines = []
    for each in found[:limit]:
        response, person = each.response, each.person
        response.survey = surveys[response.survey_id]
        sentence = loops.sentence_of(row.topic, response, response.placed.evidence or [])
        lines.append(Line(each.place, person, response, loops.language_of((), person, response), sentence))
    following = found[limit - 1].place if len(found) > limit else None
    changed = _on(row, Listed.place).count() - _on(row, Listed.place).where(loops.may_still_be_told()).count()
    return Page(row.id, lines, following, {**row.left_out, **({CHANGED: changed} if changed else {})})


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
    """Forget the lists that nobody goes on with, and of each topic all but the newest; how many."""
    of_topic = Counter[str]()
    gone = []
    for row in LoopList.select().order_by(LoopList.created_at.desc(), LoopList.id.desc()):
        of_topic[row.topic_id] += 1
        if row.created_at < now - KEPT or of_topic[row.topic_id] > MOST_LISTS:
            gone.append(row.id)
    for list_id in gone:
        _forget(list_id)
    return len(gone)


# ------------------------------------------------------------------------------------------------------


def _on(row: LoopList, *columns: Any) -> Any:
    """A query of who is on a list, with what they said and, as `placed`, how that speaks of the topic."""
    rows = (
        Listed.select(*columns)
        .join(Response, on=(Response.key == Listed.response))
        .join(Person, on=(Person.id == Listed.person), src=Listed)
        .join(
            Placement,
            JOIN.LEFT_OUTER,
            on=((Placement.response == Response.key) & (Placement.topic == row.topic_id)),
            src=Response,
            attr="placed",
        )
    )
    return rows.where(Listed.loop_list == row.id)


def _kept(topic: Topic, found: Audience, now: datetime) -> LoopList:
    """The list as it is kept, made where there is none like it."""
    told = [(each.person.id, each.response.key) for each in found.told]
    digest = hashlib.sha256(repr(told).encode()).hexdigest()
    same = (
        (LoopList.topic == topic.id) & (LoopList.digest == digest) & (LoopList.created_at >= now - KEPT / 2)
    )
    known = LoopList.select().where(same).order_by(LoopList.created_at.desc()).first()
    if known is not None and Listed.select().where(Listed.loop_list == known.id).count() == len(told):
        # Most who come were not asked whether they want it: they change who is left out, and no list.
        if known.left_out != found.left_out:
            known.left_out = dict(found.left_out)
            db.write(functools.partial(known.save, only=[LoopList.left_out]))
        return known
    _make_room(topic)
    row = LoopList(
        id=ids.new("list"), topic=topic.id, digest=digest, left_out=dict(found.left_out), created_at=now
    )
    db.write(functools.partial(row.save, force_insert=True))
    for start in range(0, len(told), AT_ONCE):
        db.write(functools.partial(_put, row.id, told, start))
    return row


def _make_room(topic: Topic) -> None:
    """Forget the oldest lists of a topic, so that one more may be kept; two at most, for somebody waits.

    `tidy` has the others.
    """
    rows = LoopList.select(LoopList.id).where(LoopList.topic == topic.id)
    rows = rows.order_by(LoopList.created_at.desc(), LoopList.id.desc())
    for row in list(rows.offset(MOST_LISTS - 1))[-2:]:
        _forget(row.id)


def _forget(list_id: str) -> None:
    """Delete a list, AT_ONCE of its people at a time: all of them in one transaction would keep answers waiting."""
    mine = Listed.loop_list == list_id
    some = Listed.select(Listed.place).where(mine).order_by(Listed.place).limit(AT_ONCE)
    while db.write(Listed.delete().where(mine, Listed.place.in_(some)).execute):
        pass
    db.write(LoopList.delete().where(LoopList.id == list_id).execute)


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
