"""Issue trackers, the issue of a topic in one of them, and what happened to it."""

import functools
import json

import peewee
from peewee import SQL, Field, Model, SqliteDatabase, TextField

_DUMPS = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def tables(db):
    """What this migration makes, as it was when it was written. What is sealed is text."""
    db._field_types = {**db._field_types, "UTC": moment_type(db)}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Topic(Table):
        id = TextField(primary_key=True)

    class Tracker(Table):
        id = TextField(primary_key=True)
        name = TextField()
        kind = TextField()
        settings = peewee.JSONField(dumps=_DUMPS)
        credentials = TextField()
        secret = TextField(null=True)
        created_at = UTCField()
        checked_at = UTCField(null=True)
        problem = TextField(null=True)
        heard_at = UTCField(null=True)

    class TopicIssue(Table):
        topic = peewee.ForeignKeyField(Topic, primary_key=True, on_delete="CASCADE", column_name="topic_id")
        tracker = peewee.ForeignKeyField(Tracker, on_delete="CASCADE", column_name="tracker_id", index=False)
        state = TextField()
        marker = TextField()
        title = TextField(null=True)
        text = TextField(null=True)
        address = TextField(null=True)
        ref = TextField(null=True)
        key = TextField(null=True)
        url = TextField(null=True)
        reason = TextField(null=True)
        told = TextField()
        proposal = TextField(null=True)
        proposed_by = TextField(null=True)
        proposed_at = UTCField(null=True)
        former = TextField(null=True)
        paused = TextField(null=True)
        made_by = TextField()
        created_at = UTCField()

        class Meta:
            table_name = "topic_issue"
            constraints = [
                SQL("CHECK (state IN ('wanted', 'trying', 'unknown', 'failed', 'linked', 'gone'))"),
                SQL("CHECK (paused IN ('person', 'status'))"),
                SQL("CHECK ((state IN ('linked', 'gone')) = (ref IS NOT NULL))"),
            ]
            indexes = ((("tracker", "ref"), False),)

    class IssueEvent(Table):
        id = peewee.BigAutoField()
        topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
        what = TextField()
        status = TextField(null=True)
        key = TextField(null=True)
        made_by = TextField(null=True)
        at = UTCField()

        class Meta:
            table_name = "issue_event"

    return Tracker, TopicIssue, IssueEvent


def up(migrator, db):
    db.create_tables(tables(db))


def down(migrator, db):
    """Which topic has which issue is lost; the issues stay where they are."""
    db.drop_tables(list(reversed(tables(db))))


def moment_type(db):
    """What moments are kept in."""
    return "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"
