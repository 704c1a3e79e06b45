"""Loops: who was told what came of what they said; one telling a person and week, over all topics."""

import functools
import json

import peewee
from peewee import Field, Model, SqliteDatabase, TextField

_DUMPS = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def tables(db):
    """What this migration makes, as it was when it was written."""
    db._field_types = {**db._field_types, "UTC": moment_type(db)}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Topic(Table):
        id = TextField(primary_key=True)

    class Person(Table):
        id = TextField(primary_key=True)

    class Response(Table):
        key = peewee.BigIntegerField(primary_key=True)

    class Letter(Table):
        id = TextField(primary_key=True)

    class Loop(Table):
        id = TextField(primary_key=True)
        topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
        status = TextField()
        text = peewee.JSONField(dumps=_DUMPS)
        holdout = peewee.DoubleField(default=0.0)
        made_by = peewee.JSONField(dumps=_DUMPS)
        created_at = UTCField()
        send_at = UTCField()
        undone_at = UTCField(null=True)

    class Telling(Table):
        letter = peewee.ForeignKeyField(
            Letter, primary_key=True, on_delete="CASCADE", column_name="letter_id"
        )
        loop = peewee.ForeignKeyField(Loop, on_delete="CASCADE", column_name="loop_id")
        person = peewee.ForeignKeyField(Person, on_delete="CASCADE", column_name="person_id", index=False)
        week = TextField()
        held_out = peewee.BooleanField(default=False)
        response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
        quote = TextField()
        due_at = UTCField()

        class Meta:
            indexes = ((("person", "week"), True),)

    return Loop, Telling


def up(migrator, db):
    db.create_tables(tables(db))


def down(migrator, db):
    """Who was told of what is lost."""
    db.execute_sql("DELETE FROM letter WHERE kind = 'told'")
    db.drop_tables(list(reversed(tables(db))))


def moment_type(db):
    """What moments are kept in."""
    return "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"
