"""The base class of tables, and the columns that both databases keep alike."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import peewee
from peewee import Field, Model

from surveys.base.db.connection import database, on_sqlite


class UTCField(Field):
    """A moment in UTC: TIMESTAMPTZ on PostgreSQL; on SQLite RFC 3339 text of fixed width, so that it sorts."""

    field_type = "UTC"

    def db_value(self, value: Any) -> Any:
        if value is None or isinstance(value, peewee.Node):
            return value
        return _moment_text(value) if on_sqlite() else _moment(value)

    def python_value(self, value: Any) -> datetime | None:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value.astimezone(UTC) if value is not None else None


def _moment(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return value.astimezone(UTC)


def _moment_text(value: datetime) -> str:
    return _moment(value).isoformat(timespec="microseconds")[:-6] + "Z"


for _kind, _type in ((peewee.SqliteDatabase, "TEXT"), (peewee.PostgresqlDatabase, "TIMESTAMPTZ")):
    _kind.field_types = {**_kind.field_types, "UTC": _type}


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def compact(value: Any) -> str:
    """JSON as it is stored: without spaces, text as text."""
    return _ENCODER.encode(value)


class JSONField(peewee.JSONField):
    """JSON in TEXT on SQLite, JSONB on PostgreSQL."""

    def __init__(self, **options: Any) -> None:
        super().__init__(dumps=compact, **options)

    def parameter(self, value: Any) -> Any:
        """`value` as a parameter of a statement that is not put together by the query builder."""
        if value is None or not on_sqlite():
            return self.db_value(value)
        return compact(value)


#: What a column holds, for erase and export (docs/promises.md, Privacy).
IDENTIFIER, PSEUDONYM, FREE_TEXT, SCORE, TECHNICAL = (
    "identifier",
    "pseudonym",
    "free text",
    "score",
    "technical",
)


class Table(Model):
    """The base of every table. `Meta.holds` tags each column that is not merely technical.

    `Meta.about` names how a row reaches a person: a column of person ids ("person"), or of response keys
    ("response"), or of invitations ("invitation"), or any mention of an id in its text ("mention": queues and kept
    answers, which erase removes and export leaves out); None for tables that know nothing of people. Erase and export
    walk `registered()` by it. A person is told every column of their rows that is not tagged TECHNICAL.
    """

    #: `xmin::text` of the version that was read, by a `Lookup` that shares its rows on PostgreSQL.
    read_as: str | None = None

    class Meta:
        database = database
        legacy_table_names = False
        holds: dict[str, str] = {}
        about: str | None = None


def about(table: type[Table]) -> str | None:
    """How rows of `table` reach a person (`Meta.about`)."""
    return table._meta.about  # type: ignore[attr-defined]


def holds(table: type[Table]) -> dict[str, str]:
    """What the columns of `table` hold (`Meta.holds`)."""
    return table._meta.holds  # type: ignore[attr-defined]


def is_told(table: type[Table], field: Field) -> bool:
    """Whether whoever a row is about is told what this column holds."""
    return holds(table).get(field.name) != TECHNICAL


def registered() -> list[type[Table]]:
    """Every table there is, parents before those that refer to them."""
    found: list[type[Table]] = []
    pending: Iterable[type[Table]] = Table.__subclasses__()
    for table in pending:
        found.append(table)
    return peewee.sort_models(found)  # type: ignore[attr-defined]


class Clock(Table):
    """Row 1: the count of ticks (SQLite), or what is added to transaction ids (PostgreSQL). Others: see `count`."""

    id = peewee.IntegerField(primary_key=True)
    tick = peewee.BigIntegerField(default=0)
