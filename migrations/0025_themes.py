"""Themes have an address of their own, and a reading knows whether its comment says nothing.

Until now a topic had the label of its theme; from here on it has the theme's id.
"""

import hashlib

import peewee
from peewee import BooleanField, Field, Model, SqliteDatabase, TextField


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

    class Theme(Table):
        id = TextField(primary_key=True)
        label = TextField()
        status = TextField()
        owner = TextField(null=True)
        merged_into = TextField(null=True)
        named = BooleanField()
        settled = BooleanField()
        created_at = UTCField()

    return (Theme,)


def up(migrator, db):
    """Topics are a few hundred; the new column of readings is empty, which takes no time whatever their number."""
    (theme,) = tables(db)
    db.create_tables([theme])
    truth = "INTEGER" if isinstance(db, SqliteDatabase) else "BOOLEAN"
    db.execute_sql(f'ALTER TABLE topic ADD COLUMN "theme_by_person" {truth} NOT NULL DEFAULT false')
    db.execute_sql(f'ALTER TABLE reading ADD COLUMN "says_nothing" {truth}')
    db.execute_sql('CREATE INDEX "reading_says_nothing" ON "reading" ("key") WHERE "says_nothing"')
    topic = peewee.Table("topic", ("id", "theme", "created_at"), _database=db)
    first = peewee.fn.MIN(topic.created_at)
    for label, at in list(
        topic.select(topic.theme, first).where(topic.theme.is_null(False)).group_by(topic.theme).tuples()
    ):
        made = "thm_" + hashlib.sha256(label.encode("utf-8", "replace")).hexdigest()[:16]
        theme.insert(id=made, label=label, status="new", named=False, settled=False, created_at=at).execute()
        topic.update(theme=made).where(topic.theme == label).execute()


def down(migrator, db):
    """What people called themes stays as their labels; who looks after one is lost."""
    (theme,) = tables(db)
    db.execute_sql("UPDATE topic SET theme = (SELECT label FROM theme WHERE theme.id = topic.theme)")
    db.execute_sql("DROP INDEX reading_says_nothing")
    db.execute_sql('ALTER TABLE reading DROP COLUMN "says_nothing"')
    db.execute_sql('ALTER TABLE topic DROP COLUMN "theme_by_person"')
    db.drop_tables([theme])
