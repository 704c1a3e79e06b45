"""What is known of one person, all of it: to be handed out, or to be erased everywhere."""

import contextlib
import functools
import json
import operator
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import peewee
from peewee import fn

from surveys import people, responses, tombstones
from surveys.base import clock, db, jobs
from surveys.base.delivery import mail
from surveys.domain import addresses
from surveys.models import Invitation, Person, Resolution, Response, ScannedDomain, Tombstone, Trigger

#: How many ids are looked for in one statement.
AT_ONCE = 50

#: How many people are compared with the tombstones at a time.
BATCH = 1000

#: The kind of jobs that clean up after an erasure.
ERASED = "person erased"

#: Databases up to these sizes are written anew after an erasure, and at night: writers wait meanwhile, for about a
#: second per 100 MB, and the worker needs as much memory.
REWRITTEN_AT_ONCE, REWRITTEN_AT_NIGHT = 32 << 20, 256 << 20

#: A mail that was on its way to the outbox while its person was erased may be written this long afterwards.
ON_ITS_WAY = timedelta(minutes=1)

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
    owned = [a for row in rows for a in people.addresses_of(row)]
    known = [row.external_id for row in rows if row.external_id]
    claimed = Person.email.in_(owned) | Person.claimed_email.in_(owned) | Person.external_id.in_(known)
    claims = Person.select().where(~Person.verified & claimed)
    return sorted([*rows, *claims], key=lambda row: (row.created_at, row.id))


def rows_named(email: str | None = None, external_id: str | None = None) -> list[Person]:
    """Every row of whoever goes by this address or id; of those who only claim it, just the row that does.

    Who is verified by an id and only claims the address is somebody else, and not among them.
    """
    address = addresses.normal(email)
    found: dict[str, Person] = {}
    for row in people.named(email=email, external_id=external_id):
        if external_id is not None or address in people.addresses_of(row):
            found |= {each.id: each for each in rows_of(row)}
        elif not row.verified:
            found[row.id] = row
    return list(found.values())


def export(who: Sequence[Person], now: datetime) -> dict[str, Any]:
    """All that is kept about these rows of one person, by table, made from the column tags."""
    found = _Traces(who)
    tables: dict[str, list[dict[str, Any]]] = {}
    for table in db.registered():
        where = found.where(table)
        if where is None:
            continue
        shown = [field for field in table._meta.sorted_fields if db.is_told(table, field)]
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

    An address goes with its last owner: it is emptied where somebody else only claimed it, and nothing that waits
    names it any more. What these rows only claimed is left to its owner. Tombstones are left for the rows, for their
    responses and addresses, and for the address or id that the erasure was asked for by. Daily counts stay right,
    and whoever follows the feed learns what to delete.
    """

    def verb() -> dict[str, int]:
        found = _Traces(who, with_tickets=True)
        gone: dict[str, int] = {}
        for table in reversed(db.registered()):
            if table is not Response and (where := found.where(table)) is not None:
                gone[table._meta.table_name] = table.select().where(where).count()
        released = _released(who, email)
        _forget_mentions(found, released, gone)
        rows = list(Response.select().where(found.where(Response)))
        for row in rows:
            responses.remove(row, now)
        gone["response"] = len(rows)
        domains = found.domains()
        gone["resolution"] = gone.get("resolution", 0) + _forget_tickets(found)
        for table in reversed(db.registered()):
            if db.about(table) in ("person", "invitation") and table is not Response:
                table.delete().where(found.where(table)).execute()
        _forget_domains(domains)
        gone["claimed_email"] = _empty_claims(Person.claimed_email.in_(released))
        asked_for = addresses.normal(email)
        tombstones.bury(tombstones.PERSON, found.people, now)
        tombstones.bury(tombstones.EMAIL, [asked_for], now)
        tombstones.bury(tombstones.ADDRESS, [each for each in released if each != asked_for], now)
        tombstones.bury(tombstones.EXTERNAL_ID, [external_id], now)
        if any(gone.values()):
            jobs.enqueue(ERASED, {"at": now.isoformat()}, now)
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
            elif _claims_buried(person, graves):
                emptied = db.write(functools.partial(_empty_claims, Person.id == person.id))
                gone["claimed_email"] = gone.get("claimed_email", 0) + emptied
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


def clean_up() -> int:
    """`settle`, and remove what lies outside the rows: mail in the outbox, and copies that SQLite leaves in its pages.

    How many mails. A large database is written anew only at night, see `rewrite`.
    """
    mails = mail.Outbox(_data_dir / "outbox", mail.NOBODY).forget(_is_gone) if _data_dir is not None else 0
    db.rewrite(REWRITTEN_AT_ONCE)
    settle()
    return mails


def rewrite(now: datetime) -> bool:
    """Write SQLite's file anew when something was erased since yesterday; whether that was done."""
    since = now - timedelta(days=1)
    return Tombstone.select().where(Tombstone.erased_at >= since).exists() and db.rewrite(REWRITTEN_AT_NIGHT)


@jobs.on(ERASED)
def _clean_up(payload: dict[str, Any], now: datetime) -> None:
    if not jobs.waits(ERASED, payload.get("at")):
        clean_up()


# ------------------------------------------------------------------------------------------------------


class _Traces:
    """The ids by which rows of some people are found.

    `with_tickets`: also rows that name nobody but a ticket of theirs, which no other person has: marks, receipts of
    calls that asked nobody, and what printed links led to.
    """

    def __init__(self, who: Sequence[Person], with_tickets: bool = False) -> None:
        self.people = [person.id for person in who]
        own: Any = Invitation.select(Invitation.id).where(Invitation.person.in_(self.people))
        self.invitations: list[str] = [row[0] for row in own.tuples()]
        self.receipts: list[str] = []
        self.tickets = _own_tickets(self.people) if with_tickets else []
        for ticket in self.tickets:
            self.invitations += _printed(ticket)
            self.receipts += [row.id for row in Trigger.select(Trigger.id).where(_told(ticket))]
        theirs = Response.person.in_(self.people) | Response.invitation.in_(self.invitations)
        found: Any = Response.select(Response.key, Response.id).where(theirs)
        self.responses: dict[int, str] = dict(found.tuples())

    def where(self, table: type[db.Table]) -> Any:
        """The condition on rows of `table` that are about them; None when it holds nothing about people."""
        if table is Person:
            return Person.id.in_(self.people)
        if table is Invitation:
            return Invitation.id.in_(self.invitations)
        if table is Trigger:
            return Trigger.person.in_(self.people) | Trigger.id.in_(self.receipts)
        if table is Response:
            return Response.key.in_(list(self.responses))
        if db.about(table) == "person":
            return _column(table, "person").in_(self.people)
        if db.about(table) == "invitation":
            return _column(table, "invitation").in_(self.invitations)
        if db.about(table) == "response":
            return _column(table, "response").in_(list(self.responses))
        return None

    def ids(self) -> list[str]:
        """What a queue or a kept answer may mention of them, beside their addresses."""
        found = [str(key) for key in self.responses]
        for table in db.registered():
            field: Any = table._meta.fields.get("id")
            where = self.where(table) if isinstance(field, peewee.TextField) else None
            if where is not None:
                rows: Any = table.select(field).where(where).tuples()
                found += [row[0] for row in rows]
        return found

    def domains(self) -> set[str]:
        """The domains that mail to them went to."""
        rows: Any = Invitation.select(Invitation.email).where(self.where(Invitation)).tuples()
        return {domain for (email,) in rows if (domain := addresses.domain_of(email))}


#: Where a ticket is known from (a connection, or a survey for the API), and its id there.
_Ticket = tuple[str, str]


def _own_tickets(people_ids: Sequence[str]) -> list[_Ticket]:
    """The tickets that these people were asked about, and nobody else."""
    told: Any = Trigger.select(fn.COALESCE(Trigger.connection_id, Trigger.survey), Trigger.ticket_id).where(
        Trigger.person.in_(people_ids) & Trigger.ticket_id.is_null(False)
    )
    marked: Any = Resolution.select(Resolution.source, Resolution.ticket_id).join(Invitation)
    marked = marked.where(Invitation.person.in_(people_ids))
    found: set[_Ticket] = {*told.tuples(), *marked.tuples()}
    return sorted(ticket for ticket in found if not _is_others(ticket, people_ids))


def _is_others(ticket: _Ticket, people_ids: Sequence[str]) -> bool:
    told = Trigger.select().where(_from(ticket), Trigger.person.not_in(people_ids))
    marked = Resolution.select().join(Invitation).where(_of(ticket), Invitation.person.not_in(people_ids))
    return told.exists() or marked.exists()


def _printed(ticket: _Ticket) -> list[str]:
    """Invitations to nobody in particular that belong to a ticket."""
    marked: Any = Resolution.select(Invitation.id).join(Invitation)
    return [row[0] for row in marked.where(_of(ticket), Invitation.person.is_null()).tuples()]


def _told(ticket: _Ticket) -> Any:
    """Receipts that name a ticket and nobody."""
    return _from(ticket) & Trigger.person.is_null()


def _from(ticket: _Ticket) -> Any:
    source, ticket_id = ticket
    by_api = Trigger.connection_id.is_null() & (Trigger.survey == source)
    return (Trigger.ticket_id == ticket_id) & ((Trigger.connection_id == source) | by_api)


def _of(ticket: _Ticket) -> Any:
    source, ticket_id = ticket
    return (Resolution.source == source) & (Resolution.ticket_id == ticket_id)


def _forget_tickets(found: _Traces) -> int:
    return sum(Resolution.delete().where(_of(ticket)).execute() for ticket in found.tickets)


def _column(table: type[db.Table], name: str) -> Any:
    """The column that refers to a person or a response; without one the primary key is theirs."""
    meta: Any = table._meta
    return meta.fields.get(name) or meta.primary_key


def _released(who: Sequence[Person], email: str | None) -> list[str]:
    """The addresses of verified rows, and the one that is named, that nobody verified has once these rows are gone."""
    leaving = {person.id for person in who}
    owned = {a for person in who if person.verified for a in people.addresses_of(person)}
    if asked_for := addresses.normal(email):
        owned.add(asked_for)
    return sorted(
        address
        for address in owned
        if all(row.id in leaving for row in people.at_address(address) if row.verified)
    )


def _empty_claims(where: Any) -> int:
    """Take the address from those who only claim it; how many."""
    return Person.update(claimed_email=None).where(where & Person.claimed_email.is_null(False)).execute()


def _forget_domains(domains: Iterable[str]) -> None:
    """Forget that machines opened mail to domains at which nobody is known any more: one may be a person's own."""
    for row in list(ScannedDomain.select().where(ScannedDomain.domain.in_(list(domains)))):
        if not Invitation.select().where(Invitation.email.endswith("@" + row.domain)).exists():
            row.delete_instance()


def _forget_mentions(found: _Traces, released: Sequence[str], gone: dict[str, int]) -> None:
    ids = found.ids()
    for table in db.registered():
        if db.about(table) != "mention":
            continue
        name = table._meta.table_name
        for column in (table._meta.fields[field] for field in db.holds(table)):
            forgotten = [_forget_ids(table, column, ids)]
            forgotten += [_forget_address(table, column, address) for address in released]
            gone[name] = gone.get(name, 0) + sum(forgotten)


def _forget_ids(table: type[db.Table], column: peewee.Field, ids: Sequence[str]) -> int:
    """Remove the rows that mention one of our ids. None is a part of another: each kind has one length."""
    text, count = peewee.Cast(column, "TEXT"), 0
    for start in range(0, len(ids), AT_ONCE):
        where = _any_of([_position(text, each) > 0 for each in ids[start : start + AT_ONCE]])
        count += table.delete().where(where).execute()
    return count


def _forget_address(table: type[db.Table], column: peewee.Field, address: str) -> int:
    """Remove the rows that mention an address, in any spelling; jimbob@… and bob@….au are not bob@…."""
    key: Any = table._meta.primary_key  # type: ignore[attr-defined]
    text = fn.LOWER(peewee.Cast(column, "TEXT"))
    local = address.rpartition("@")[0]
    # SQLite lowers A to Z alone, and JSON may spell other letters by their numbers.
    rows: Any = table.select(key, column).where(_position(text, local + "@" if local.isascii() else "@") > 0)
    named = [
        row[0] for row in rows.tuples() if any(addresses.named_in(each, address) for each in _texts(row[1]))
    ]
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
    names = [
        (tombstones.PERSON, person.id),
        (tombstones.EMAIL, person.email),
        (tombstones.EMAIL, person.known_email),
        (tombstones.EXTERNAL_ID, person.external_id),
    ]
    if not person.verified:
        names.append((tombstones.EMAIL, person.claimed_email))
    return any(tombstones.is_buried(graves, kind, value, person.created_at) for kind, value in names)


def _claims_buried(person: Person, graves: dict[str, datetime]) -> bool:
    return any(
        tombstones.is_buried(graves, kind, person.claimed_email, person.created_at)
        for kind in (tombstones.EMAIL, tombstones.ADDRESS)
    )


def _is_gone(address: str, written_at: datetime) -> bool:
    """Whether an address was erased after a mail to it was written."""
    since = written_at - ON_ITS_WAY
    return any(tombstones.is_erased(kind, address, since) for kind in (tombstones.EMAIL, tombstones.ADDRESS))


def _batches(query: Any, column: peewee.Field) -> Iterator[list[Any]]:
    query, last = query.order_by(column).limit(BATCH), None
    while True:
        rows = list(query.where(column > last) if last is not None else query)
        if not rows:
            return
        last = getattr(rows[-1], column.name)
        yield rows


def _plain(value: Any) -> Any:
    return clock.stamp(value) if isinstance(value, datetime) else value
