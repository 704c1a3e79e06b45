"""The company that asks: its brand, of the service and over it of a survey, and its logos."""

import functools
import json

import peewee
from peewee import Field, IntegerField, Model, SmallIntegerField, SqliteDatabase, TextField

_DUMPS = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def tables(db):
    """What this migration makes, as it was when it was written; parents first."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Brand(Table):
        id = SmallIntegerField(primary_key=True)
        said = peewee.JSONField(dumps=_DUMPS)
        updated_at = UTCField()

    class Logo(Table):
        hash = TextField(primary_key=True)
        type = TextField()
        content = TextField()
        width = IntegerField()
        height = IntegerField()
        shown_at = UTCField()

    return Brand, Logo


def up(migrator, db):
    kind = "TEXT" if isinstance(db, SqliteDatabase) else "JSONB"
    db.execute_sql(f'ALTER TABLE survey ADD COLUMN "brand" {kind}')
    db.create_tables(tables(db))


def down(migrator, db):
    """Brands and logos are lost."""
    db.drop_tables(tables(db))
    db.execute_sql('ALTER TABLE survey DROP COLUMN "brand"')
