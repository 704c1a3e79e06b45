"""What is known of one person, all of it: to be handed out, or to be erased everywhere."""

import contextlib
import functools
import json
import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee
import structlog
from peewee import fn

from surveys import people, responses, tombstones
from surveys.base import clock, db, jobs
from surveys.domain import addresses
from surveys.models import Invitation, Person, Response

log = structlog.get_logger()

#: How many ids are looked for in one statement.
AT_ONCE = 50

#: How many people are compared with the tombstones at a time.
BATCH = 1000

_data_dir: Path | None = None


def use_directory(data_dir: Path) -> None:
    """Where tombstones are kept beside the database."""
    global _data_dir
    _data_dir = data_dir


def rows_of(person: Person) -> list[Person]:
    """The person; for a verified one every row of the same person, and those who only claimed to be them.

    A mere claim reaches nobody else: whoever typed an address must not have its owner erased or shown.
    """
    if not person.verified:
        return [person]
    rows = people.same(people.identity_of(person))
    owned = [a for row in rows for a in (row.email, row.known_email) if a]
    known = [row.external_id for row in rows if row.external_id]
    claimed = Person.email.in_(owned) | Person.claimed_email.in_(owned) | Person.external_id.in_(known)
    claims = Person.select().where(~Person.verified & claimed)
    return sorted([*rows, *claims], key=lambda row: (row.created_at, row.id))


def rows_named(email: str | None = None, external_id: str | None = None) -> list[Person]:
    """Every row of whoever goes by this address or id; of those who only claim it, just the row that does."""
    address = addresses.normal(email)
    found: dict[str, Person] = {}
    for row in people.named(email=email, external_id=external_id):
        proven = external_id is not None or address in (row.email, row.known_email)
        found |= {each.id: each for each in (rows_of(row) if proven else [row])}
    return list(found.values())


def export(who: Sequence[Person], now: datetime) -> dict[str, Any]:
    """All that is kept about these rows of one person, by table, made from the column tags."""
    found = _Traces(who)
    tables: dict[str, list[dict[str, Any]]] = {}
    for table in db.registered():
        where = found.where(table)
        if where is None:
            continue
        shown = [f for f in table._meta.sorted_fields if _is_told(table, f)]
        query: Any = table.select(*shown).where(where).tuples()
        if rows := list(query):
            names = [field.name for field in shown]
            tables[table._meta.table_name] = [
                {name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows
            ]
    return {"people": [person.id for person in who], "exported_at": clock.stamp(now), "tables": tables}


def erase(
    who: Sequence[Person], now: datetime, email: str | None = None, external_id: str | None = None
) -> dict[str, int]:
    """Remove these rows of one person and everything about them; how many rows of each table went.

    Tombstones are left for the rows, for their responses and for the address or id that the erasure was asked
    for by. Daily counts stay right, and whoever follows the feed learns what to delete.
    """

    def verb() -> dict[str, int]:
        found = _Traces(who)
        gone: dict[str, int] = {}
        for table in reversed(db.registered()):
            if table is not Response and (where := found.where(table)) is not None:
                gone[table._meta.table_name] = table.select().where(where).count()
        _forget_mentions(found, gone)
        rows = list(Response.select().where(Response.person.in_(found.people)))
        for row in rows:
            responses.remove(row, now)
        gone["response"] = len(rows)
        for table in reversed(db.registered()):
            if db.about(table) == "person" and table is not Response:
                table.delete().where(found.where(table)).execute()
        tombstones.bury(tombstones.PERSON, found.people, now)
        tombstones.bury(tombstones.EMAIL, [addresses.normal(email)], now)
        tombstones.bury(tombstones.EXTERNAL_ID, [external_id], now)
        if who:
            jobs.enqueue("person erased", {}, now)
        return {name: count for name, count in gone.items() if count}

    return db.write(verb)


def replay(graves: dict[str, datetime], now: datetime) -> dict[str, int]:
    """Erase again whoever and whatever was erased after being recorded; how many rows of each table went.

    For after a restore: `graves` are tombstones, digest to moment, of the database that was replaced.
    """
    gone: dict[str, int] = {}
    if not graves:
        return gone
    db.write(lambda: tombstones.keep(graves))
    for batch in _batches(Person.select(), Person.id):
        for person in batch:
            if _is_buried(person, graves):
                for name, count in erase([person], now).items():
                    gone[name] = gone.get(name, 0) + count
    recorded = Response.select(Response.key, Response.id, Response.updated_at)
    for batch in _batches(recorded, Response.key):
        for row in batch:
            # Not `created_at`: an import names a moment of the past.
            if tombstones.is_buried(graves, tombstones.RESPONSE, row.id, row.updated_at):
                responses.delete(row, now)
                gone["response"] = gone.get("response", 0) + 1
    return gone


def settle() -> None:
    """After an erasure: cut the database's log, and keep the tombstones beside the database."""
    db.truncate_log()
    if _data_dir is not None:
        tombstones.mirror(_data_dir)


@jobs.on("person erased")
def _settle(payload: dict[str, Any], now: datetime) -> None:
    settle()


# ------------------------------------------------------------------------------------------------------


class _Traces:
    """The ids by which rows of some people are found."""

    def __init__(self, who: Sequence[Person]) -> None:
        self.people = [person.id for person in who]
        self.emails = sorted(
            {e for person in who for e in (person.email, person.claimed_email, person.known_email) if e}
        )
        found: Any = Response.select(Response.key, Response.id).where(Response.person.in_(self.people))
        self.responses: dict[int, str] = dict(found.tuples())

    def where(self, table: type[db.Table]) -> Any:
        """The condition on rows of `table` that are about them; None when it holds nothing about people."""
        if table is Person:
            return Person.id.in_(self.people)
        if db.about(table) == "person":
            return _column(table, "person").in_(self.people)
        if db.about(table) == "response":
            return _column(table, "response").in_(list(self.responses))
        return None

    def ids(self) -> list[str]:
        """What a queue or a kept answer may mention of them, beside their addresses."""
        invitations: Any = Invitation.select(Invitation.id).where(Invitation.person.in_(self.people)).tuples()
        return [
            *self.people,
            *(row[0] for row in invitations),
            *(str(key) for key in self.responses),
            *self.responses.values(),
        ]


def _column(table: type[db.Table], name: str) -> Any:
    """The column that refers to a person or a response; without one the primary key is theirs."""
    meta: Any = table._meta
    return meta.fields.get(name) or meta.primary_key


def _forget_mentions(found: _Traces, gone: dict[str, int]) -> None:
    for table in db.registered():
        if db.about(table) != "mention":
            continue
        name = table._meta.table_name
        for column in (table._meta.fields[field] for field in db.holds(table)):
            forgotten = [_forget_ids(table, column, found.ids())]
            forgotten += [_forget_address(table, column, address) for address in found.emails]
            gone[name] = gone.get(name, 0) + sum(forgotten)


def _forget_ids(table: type[db.Table], column: peewee.Field, ids: Sequence[str]) -> int:
    """Remove the rows that mention one of our ids. None is a part of another: each kind has one length."""
    text, count = peewee.Cast(column, "TEXT"), 0
    for start in range(0, len(ids), AT_ONCE):
        where = _any_of([_position(text, each) > 0 for each in ids[start : start + AT_ONCE]])
        count += table.delete().where(where).execute()
    return count


def _forget_address(table: type[db.Table], column: peewee.Field, address: str) -> int:
    """Remove the rows that mention an address; jimbob@… and bob@….au are not bob@…."""
    key: Any = table._meta.primary_key  # type: ignore[attr-defined]
    text = fn.LOWER(peewee.Cast(column, "TEXT"))
    whole = re.compile(rf"(?<![\w.+-])(?<!\w'){re.escape(address)}(?![\w-]|\.\w)")
    rows: Any = table.select(key, column).where(_position(text, address) > 0).tuples()
    named = [row[0] for row in rows if any(whole.search(each.lower()) for each in _texts(row[1]))]
    return sum(
        table.delete().where(key.in_(named[start : start + AT_ONCE])).execute()
        for start in range(0, len(named), AT_ONCE)
    )


def _position(text: Any, needle: str) -> Any:
    return fn.INSTR(text, needle) if db.on_sqlite() else fn.STRPOS(text, needle)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, or in one that is kept as text, the names of its fields among them."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in (*value, *value.values()):
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _any_of(conditions: Iterable[Any]) -> Any:
    return functools.reduce(operator.or_, conditions)


def _is_buried(person: Person, graves: dict[str, datetime]) -> bool:
    names = (
        (tombstones.PERSON, person.id),
        (tombstones.EMAIL, person.email),
        (tombstones.EMAIL, person.claimed_email),
        (tombstones.EMAIL, person.known_email),
        (tombstones.EXTERNAL_ID, person.external_id),
    )
    return any(tombstones.is_buried(graves, kind, value, person.created_at) for kind, value in names)


def _batches(query: Any, column: peewee.Field) -> Iterator[list[Any]]:
    query, last = query.order_by(column).limit(BATCH), None
    while True:
        rows = list(query.where(column > last) if last is not None else query)
        if not rows:
            return
        last = getattr(rows[-1], column.name)
        yield rows


def _is_told(table: type[db.Table], field: peewee.Field) -> bool:
    return field.name in db.holds(table) or isinstance(field, (db.UTCField, peewee.ForeignKeyField))


def _plain(value: Any) -> Any:
    return clock.stamp(value) if isinstance(value, datetime) else value
