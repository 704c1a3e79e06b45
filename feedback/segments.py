"""What tells answers apart: what numbers are broken down by, and numbers and the feed are narrowed to."""

import functools
import json
import math
import operator
from collections.abc import Callable, Collection
from typing import Any

import peewee
from peewee import fn

from feedback.models import Placement, Reading, Theme, Topic
from surveys.base import db
from surveys.models import Response

#: Segments and the columns they stand in.
SEGMENTS: dict[str, Any] = {
    "agent": Response.agent_id,
    "team": Response.team_id,
    "channel": Response.channel,
    "ticket_channel": Response.ticket_channel,
    "touchpoint": Response.touchpoint,
    "language": fn.COALESCE(Reading.language, Response.language),
    "topic": Placement.topic,
    "theme": Topic.theme,
}

#: A condition on a column of keys.
Within = Callable[[Any], Any]

#: Before the name of a property of the response, which is a segment too.
PROPERTY = "property:"


def column(segment: str) -> Any:
    """The expression a segment is read from; `property:<name>` reads the response's properties."""
    if segment.startswith(PROPERTY):
        return as_text(Response.properties, segment.removeprefix(PROPERTY))
    return SEGMENTS[segment]


def same(key: Any, within: Within | None) -> Any:
    """Whether a column is the key of the response. `within`: what is asked of that key is asked of the column as well.

    PostgreSQL does not conclude the one from the other: for the answers of a day it would read what hangs on all.
    """
    return (key == Response.key) & within(key) if within else key == Response.key


def joined(query: Any, names: Collection[str], within: Within | None = None) -> Any:
    """A query of responses with the tables that some segments stand in; an answer comes once for each topic, also of
    one theme (`count`). `within`: see `same`.
    """
    if "language" in names:
        query = query.left_outer_join(Reading, on=same(Reading.key, within), src=Response)
    if {"topic", "theme"} & set(names):
        query = query.left_outer_join(Placement, on=same(Placement.response, within), src=Response)
    if "theme" in names:
        query = query.left_outer_join(Topic, on=(Topic.id == Placement.topic), src=Placement)
    return query


#: Of each survey the newest answers tell which properties there are today.
NEWEST = 100

#: Surveys whose newest answers one statement reads.
TOGETHER = 50


def lately(surveys: Collection[str], most: int) -> set[str]:
    """The names of properties that the newest answers of some surveys carry, no more than `most`."""
    found: dict[str, None] = {}
    for some in peewee.chunked(surveys, TOGETHER):
        rows = db.database.execute(functools.reduce(operator.add, map(_newest_properties, some))).fetchall()
        carried = (Response.properties.python_value(properties) for (properties,) in rows if properties)
        found |= dict.fromkeys(name for properties in carried for name in properties)
        if len(found) >= most:
            break
    return set(list(found)[:most])


def _newest_properties(survey: str) -> Any:
    newest = Response.select(Response.properties).where(Response.survey == survey)
    newest = newest.order_by(Response.key.desc()).limit(NEWEST).alias("newest")
    return peewee.Select([newest], [newest.c.properties])


def count(names: Collection[str]) -> Any:
    """How many answers there are in such a query; in two topics of one theme, an answer is one."""
    return fn.COUNT(Response.key.distinct() if "theme" in names else Response.key)


def themes() -> dict[str, str | None]:
    """The theme above each topic, None for none."""
    return dict(db.database.execute(Topic.select(Topic.id, Topic.theme)).fetchall())


def placed(theme_id: str) -> Any:
    """Whether a response is in some topic of a theme, or of the one it went into."""
    return Response.key.in_(Theme.placed(theme_id))


def as_text(properties: Any, name: str) -> Any:
    """A property as text, written alike on both databases: SQLite would give 1 for true and numbers as numbers."""
    if not db.on_sqlite():
        # peewee writes the name into the statement, where a percent sign would begin a parameter.
        return properties.path(name.replace("%", "%%")).as_text()
    found = properties.path(name)
    return peewee.Case(
        None,
        [(fn.json_type(found) == kind, kind) for kind in ("true", "false")],
        found.as_text().cast("TEXT"),
    )


def has(segment: str, value: str) -> Any:
    """Whether a response has this value of a property.

    PostgreSQL finds rare values in an index; SQLite walks, but takes only rows to pieces that hold the text at all.
    """
    name = segment.removeprefix(PROPERTY)
    is_so = column(segment) == value
    literal = _literal(value)
    if not db.on_sqlite():
        holds = Response.properties.contains({name: value})
        if literal is not None:
            holds |= Response.properties.contains({name: literal})
        return holds & is_so
    # A fraction may be spelled otherwise in JSON than SQLite spells it.
    if not isinstance(literal, float):
        is_so = (fn.INSTR(Response.properties, db.compact(value)[1:-1]) > 0) & is_so
    return is_so


def _literal(value: str) -> bool | float | int | None:
    """The truth or number that a text spells."""
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return (
        found
        if isinstance(found, bool | int) or (isinstance(found, float) and math.isfinite(found))
        else None
    )
