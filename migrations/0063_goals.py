"""Goals: a value that is to be reached by a day, and what was last said of it."""

import functools
import json

import peewee
from peewee import SQL, DoubleField, Field, Model, SqliteDatabase, TextField

_DUMPS = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def table(db):
    """What this migration makes, as it was when it was written."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Survey(Model):
        id = TextField(primary_key=True)

        class Meta:
            database = db
            legacy_table_names = False

    class Goal(Model):
        id = TextField(primary_key=True)
        name = TextField()
        survey = peewee.ForeignKeyField(Survey, null=True, on_delete="CASCADE", column_name="survey_id")
        metric = TextField()
        filters = peewee.JSONField(dumps=_DUMPS)
        target = DoubleField()
        start = TextField()
        due = TextField()
        surveys = peewee.JSONField(null=True, dumps=_DUMPS)
        made_by = TextField()
        created_at = UTCField()
        judged_at = UTCField(null=True)
        judged = peewee.JSONField(null=True, dumps=_DUMPS)
        told = TextField(null=True)
        ended_at = UTCField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            constraints = [SQL("CHECK (start < due)")]

    return Goal


def up(migrator, db):
    db.create_tables([table(db)])


def down(migrator, db):
    """What was to be reached is forgotten."""
    db.drop_tables([table(db)])
