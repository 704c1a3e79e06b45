"""Letters: what somebody of the team writes to one person, and what they answered; who heard that a case is overdue."""

import functools
import json

import peewee
from peewee import SQL, Field, Model, SqliteDatabase, TextField

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

    class Person(Table):
        id = TextField(primary_key=True)

    class FollowUp(Table):
        id = TextField(primary_key=True)

        class Meta:
            table_name = "follow_up"

    class Letter(Table):
        id = TextField(primary_key=True)
        kind = TextField()
        person = peewee.ForeignKeyField(Person, on_delete="CASCADE", column_name="person_id")
        follow_up = peewee.ForeignKeyField(
            FollowUp, null=True, on_delete="CASCADE", column_name="follow_up_id"
        )
        email = TextField()
        language = TextField()
        text = TextField(null=True)
        made_by = peewee.JSONField(dumps=_DUMPS)
        marked = peewee.BooleanField(default=False)
        state = TextField(default="scheduled")
        reason = TextField(null=True)
        created_at = UTCField()
        sent_at = UTCField(null=True)
        answer = TextField(null=True)
        said = TextField(null=True)
        answered_at = UTCField(null=True)

        class Meta:
            constraints = [
                SQL("CHECK (state IN ('scheduled', 'sending', 'sent', 'unknown', 'failed', 'cancelled'))"),
                SQL("CHECK (answer IN ('fixed', 'not_yet'))"),
            ]

    return (Letter,)


def up(migrator, db):
    json_type = "TEXT" if isinstance(db, SqliteDatabase) else "JSONB"
    db.execute_sql(f'ALTER TABLE follow_up ADD COLUMN "overdue_at" {moment_type(db)}')
    db.execute_sql(f"ALTER TABLE follow_up ADD COLUMN \"alerted\" {json_type} NOT NULL DEFAULT '[]'")
    db.create_tables(tables(db))


def down(migrator, db):
    """What was written to people, and what they answered, is lost."""
    db.drop_tables(tables(db))
    for column in ("alerted", "overdue_at"):
        db.execute_sql(f'ALTER TABLE follow_up DROP COLUMN "{column}"')


def moment_type(db):
    """What moments are kept in."""
    return "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"
