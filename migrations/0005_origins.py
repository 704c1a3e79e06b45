"""Origins as browsers send them, and which were refused; the version of signatures; last line feeds go.

Earlier versions took `https://shop.example:443`, which no browser sends, and a line feed after a colour, an hour or a
page's pattern. What cannot be mended stays as it is.
"""

import functools
import ipaddress
import json
import re
from urllib.parse import urlsplit

import peewee
from peewee import SQL, Field, IntegerField, Model, SqliteDatabase, TextField

#: Rows that are looked at together.
BATCH = 500

_DUMPS = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def tables(db):
    """What this migration makes and changes, as it was when it was written."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Survey(Table):
        id = TextField(primary_key=True)
        allowed_origins = peewee.JSONField(dumps=_DUMPS)
        send_window = peewee.JSONField(null=True, dumps=_DUMPS)
        widget = peewee.JSONField(dumps=_DUMPS)

    class RefusedOrigin(Table):
        survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
        origin = TextField()
        count = IntegerField(constraints=[SQL("DEFAULT 1")])
        last_at = UTCField()

        class Meta:
            table_name = "refused_origin"
            primary_key = peewee.CompositeKey("survey", "origin")

    return Survey, RefusedOrigin


def up(migrator, db):
    survey, refused = tables(db)
    db.execute_sql('ALTER TABLE survey ADD COLUMN "signature_version" INTEGER NOT NULL DEFAULT 1')
    db.create_tables([refused])
    last = ""
    while rows := list(survey.select().where(survey.id > last).order_by(survey.id).limit(BATCH)):
        for row in rows:
            mended = {
                "allowed_origins": origins(row.allowed_origins),
                "send_window": hours(row.send_window),
                "widget": looks(row.widget),
            }
            changes = {name: value for name, value in mended.items() if value != getattr(row, name)}
            if changes:
                survey.update(changes).where(survey.id == row.id).execute()
        last = rows[-1].id


def down(migrator, db):
    """What was mended stays so: the version before takes it too."""
    _, refused = tables(db)
    db.drop_tables([refused])
    db.execute_sql('ALTER TABLE survey DROP COLUMN "signature_version"')


def origins(given):
    """Origins in the spelling of browsers, each once."""
    return list(dict.fromkeys(map(origin, given))) if isinstance(given, list) else given


def origin(given):
    """One origin; what is none stays."""
    try:
        parts = urlsplit(given)
        host = parts.hostname
        if parts.netloc.startswith("["):
            host = f"[{v6(ipaddress.IPv6Address(host))}]"
        elif re.fullmatch(r"[0-9.]+", host):
            host = str(ipaddress.IPv4Address(host))
        default = {"http": 80, "https": 443}[parts.scheme]
        return f"{parts.scheme}://{host}" + ("" if parts.port in (None, default) else f":{parts.port}")
    except (ValueError, TypeError, KeyError, AttributeError):
        return given


def v6(address):
    """An IPv6 address as browsers write it."""
    if address.ipv4_mapped:
        return f"::ffff:{int(address) >> 16 & 0xFFFF:x}:{int(address) & 0xFFFF:x}"
    return address.compressed


def hours(given):
    """A send window without line feeds."""
    if not isinstance(given, dict):
        return given
    return {name: bare(value) if name in ("opens", "closes") else value for name, value in given.items()}


def looks(given):
    """A widget's options without line feeds after colour and pages."""
    if not isinstance(given, dict):
        return given
    mended = {name: bare(value) if name == "color" else value for name, value in given.items()}
    if isinstance(given.get("pages"), list):
        mended["pages"] = [page for page in map(bare, given["pages"]) if page != ""]
    return mended


def bare(value):
    """A text without the line feed that `$` overlooked."""
    return value.strip("\r\n") if isinstance(value, str) else value
