"""One form for every address that is kept: the domain in A-labels, so that two spellings are one person.

People whom only the spelling kept apart become one: everything of the newer row goes to the older. The newest refusal
wins. An address in a survey's own lists stays as it was typed; it is compared in the one form.
"""

import functools
import json
import unicodedata

import idna
import peewee
import structlog
from peewee import SQL, BigIntegerField, BooleanField, Field, IntegerField, Model, SqliteDatabase, TextField

log = structlog.get_logger()

#: Rows that are looked at together.
BATCH = 1000

#: The columns of a person that hold an address.
ADDRESSES = ("email", "claimed_email", "known_email")

SAME = "SELECT id FROM person WHERE email = ? AND verified = ? AND id <> ?"
RESPELL = "UPDATE person SET email = ?, claimed_email = ?, known_email = ? WHERE id = ?"
MAIL = "UPDATE invitation SET email = ? WHERE id = ?"

_DUMPS = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width; either sorts."""

    field_type = "UTC"


def tables(db):
    """What this migration reads and writes of the tables, as they were when it was written."""

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Person(Table):
        id = TextField(primary_key=True)
        external_id = TextField(null=True)
        email = TextField(null=True)
        claimed_email = TextField(null=True)
        known_email = TextField(null=True)
        name = TextField(null=True)
        language = TextField(null=True)
        company = TextField(null=True)
        properties = peewee.JSONField(null=True, dumps=_DUMPS)
        verified = BooleanField()
        last_asked_at = UTCField(null=True)
        last_answered_at = UTCField(null=True)
        last_declined_at = UTCField(null=True)
        unsubscribed_at = UTCField(null=True)
        bounced_at = UTCField(null=True)
        bounce_lifted_at = UTCField(null=True)
        never_ask = BooleanField()
        days_between_asks = IntegerField()
        created_at = UTCField()

    class Invitation(Table):
        id = TextField(primary_key=True)
        person_id = TextField(null=True)
        email = TextField(null=True)

    class Trigger(Table):
        id = TextField(primary_key=True)
        person_id = TextField(null=True)

    class Response(Table):
        key = BigIntegerField(primary_key=True)
        person_id = TextField(null=True)
        version = IntegerField()
        changed_tick = BigIntegerField()

    class ScannedDomain(Table):
        domain = TextField(primary_key=True)
        invitations = IntegerField()

        class Meta:
            table_name = "scanned_domain"

    return Person, Invitation, Trigger, Response, ScannedDomain


def up(migrator, db):
    person, invitation, trigger, response, scanned = tables(db)
    same, respell, mail = (_own_words(db, each) for each in (SAME, RESPELL, MAIL))
    changed = merged = refusals = 0
    touched = set()
    for id_, verified, *kept in _batches(
        person.id, person.verified, *(getattr(person, n) for n in ADDRESSES)
    ):
        if id_ in touched:
            # A merge has changed or removed it since it was read.
            fresh = person.get_or_none(person.id == id_)
            kept = [getattr(fresh, name) for name in ADDRESSES] if fresh else []
        spelled = [normal(address) for address in kept]
        if spelled == kept:
            continue
        changed += 1
        known = same((spelled[0], verified, id_)).fetchone() if spelled[0] != kept[0] else None
        if known is None:
            respell((*spelled, id_))
            continue
        row, other = person.get_by_id(id_), person.get_by_id(known[0])
        touched |= {row.id, other.id}
        if row.external_id and other.external_id:
            # Two ids of one address: as where an id and its address are given together.
            respell((None, spelled[0], spelled[0] if verified else None, id_))
        else:
            _merge(db, row, other, spelled, (person, invitation, trigger, response))
            merged += 1
            refusals += any(each.unsubscribed_at or each.never_ask for each in (row, other))
    for id_, address in _batches(invitation.id, invitation.email):
        if (email := normal(address)) != address:
            mail((email, id_))
    for row in list(scanned.select()):
        if (domain := normal_domain(row.domain)) != row.domain:
            row.delete_instance()
            known = scanned.update(invitations=scanned.invitations + row.invitations)
            if not known.where(scanned.domain == domain).execute():
                scanned.insert(domain=domain, invitations=row.invitations).execute()
    if changed:
        log.info("addresses brought into one form", people=changed, merged=merged, refusals_kept=refusals)


def down(migrator, db):
    """Nothing to take back: the one form is one of those that were kept before."""


def _own_words(db, sql):
    """A statement made once: there may be many rows, and the query builder costs more than the database."""
    spelled = sql if isinstance(db, SqliteDatabase) else sql.replace("?", "%s")
    return lambda values: db.execute_sql(spelled, values)


def _merge(db, row, other, spelled, models):
    """Make one of two people: the one with an id of the caller's stays, else the older."""
    person, invitation, trigger, response = models
    order = [row, other]
    order.sort(key=lambda each: (each.external_id is None, each.created_at, each.id))
    stays, goes = order
    newer = max(order, key=lambda each: (each.created_at, each.id))
    older = row if newer is other else other
    for name, value in zip(ADDRESSES, spelled, strict=True):
        setattr(row, name, value)

    def newest(name):
        return getattr(newer, name) if getattr(newer, name) is not None else getattr(older, name)

    def latest(name):
        return max((getattr(each, name) for each in order if getattr(each, name) is not None), default=None)

    merged = {name: newest(name) for name in ("name", "language", "company", "properties")}
    merged |= {name: normal(newest(name)) for name in ("claimed_email", "known_email")}
    merged |= {
        name: latest(name)
        for name in (
            "last_asked_at",
            "last_answered_at",
            "last_declined_at",
            "unsubscribed_at",
            "bounced_at",
            "bounce_lifted_at",
        )
    }
    if (
        merged["bounced_at"]
        and merged["bounce_lifted_at"]
        and merged["bounced_at"] < merged["bounce_lifted_at"]
    ):
        merged["bounced_at"] = None
    merged |= {
        "email": row.email,
        "never_ask": row.never_ask or other.never_ask,
        "days_between_asks": max(row.days_between_asks, other.days_between_asks),
        "created_at": min(row.created_at, other.created_at),
    }
    for table in (invitation, trigger):
        table.update(person_id=stays.id).where(table.person_id == goes.id).execute()
    # Whoever follows the feed is told. `updated_at` stays: by it an erasure is replayed after a restore.
    theirs = response.person_id == goes.id
    if response.select().where(theirs).exists():
        response.update(person_id=stays.id, version=response.version + 1, changed_tick=_tick(db)).where(
            theirs
        ).execute()
    person.delete().where(person.id == goes.id).execute()
    person.update(merged).where(person.id == stays.id).execute()


def _tick(db):
    if isinstance(db, SqliteDatabase):
        return db.execute_sql("UPDATE clock SET tick = tick + 1 WHERE id = 1 RETURNING tick").fetchone()[0]
    return SQL("(pg_current_xact_id()::text::bigint + (SELECT tick FROM clock WHERE id = 1))")


def _batches(key, *columns):
    """The key and the columns of every row, a few rows at a time."""
    query, last = key.model.select(key, *columns).order_by(key).limit(BATCH), None
    while True:
        rows = list((query.where(key > last) if last is not None else query).tuples())
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1][0]


# ------------------------------------------------------------------------------- the form, as it was then


def normal(address):
    """Domain in A-labels (IDNA 2008, UTS #46 non-transitional), the rest in lower case and NFC."""
    if not address:
        return None
    typed = address.strip().lower()
    if typed.isascii():
        return typed.rstrip(".") or None
    local, at, domain = typed.rpartition("@")
    return _lower(local) + at + normal_domain(domain) if at else _lower(typed)


def normal_domain(domain):
    if domain.isascii():
        return domain.strip().lower().rstrip(".")
    domain = domain.strip()
    try:
        return idna.encode(domain, uts46=True).decode().rstrip(".")
    except idna.IDNAError:
        pass
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False)
    except idna.IDNAError:
        return _lower(domain).rstrip(".")
    return ".".join(_label(label) for label in mapped.split(".")).rstrip(".")


def _label(label):
    plain = label.isascii() or label[0] == "-" or label[-1] == "-"
    return label if plain else "xn--" + label.encode("punycode").decode()


def _lower(text):
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
