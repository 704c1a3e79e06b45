"""Lists of whom to tell what came of a topic, kept as they were shown."""

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
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

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

    class LoopList(Table):
        id = TextField(primary_key=True)
        topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
        digest = TextField()
        left_out = peewee.JSONField(dumps=_DUMPS)
        created_at = UTCField()

    class Listed(Table):
        loop_list = peewee.ForeignKeyField(
            LoopList, on_delete="CASCADE", column_name="loop_list_id", index=False
        )
        place = peewee.IntegerField()
        person = peewee.ForeignKeyField(Person, on_delete="CASCADE", column_name="person_id")
        response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")

        class Meta:
            primary_key = peewee.CompositeKey("loop_list", "place")

    return LoopList, Listed


def up(migrator, db):
    db.create_tables(tables(db))


def down(migrator, db):
    """Lists that somebody looks at are made anew."""
    db.drop_tables(list(reversed(tables(db))))
