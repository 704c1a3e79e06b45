"""Digests: views of the feed that go by mail, again and again."""

import functools
import json

import peewee
from peewee import SQL, Field, Model, SqliteDatabase, TextField

_DUMPS = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def table(db):
    """What this migration makes, as it was when it was written."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Digest(Model):
        id = TextField(primary_key=True)
        email = TextField()
        member = TextField(null=True, index=True)
        when = TextField()
        filters = peewee.JSONField(dumps=_DUMPS)
        surveys = peewee.JSONField(null=True, dumps=_DUMPS)
        made_by = TextField()
        created_at = UTCField()
        confirmed_at = UTCField(null=True)
        stopped_at = UTCField(null=True)
        queued_for = TextField(null=True)
        begun_for = TextField(null=True)
        outcome = TextField(null=True)
        sent_at = UTCField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            constraints = [SQL("CHECK (\"when\" IN ('daily', 'weekly', 'monthly'))")]

    return Digest


def up(migrator, db):
    db.create_tables([table(db)])


def down(migrator, db):
    """Who wanted one is forgotten."""
    db.drop_tables([table(db)])
