"""A topic's status is one of a few words, with a history; and what each member has read.

`active` becomes `new`, any other word `seen`: the history keeps the word of before.
"""

from datetime import UTC, datetime

import peewee
from peewee import BigIntegerField, Field, Model, SqliteDatabase, TextField

KNOWN = ("new", "seen", "planned", "in_progress", "shipped", "wont_do", "came_back")


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def tables(db):
    """What this migration makes, as it was when it was written, and the topics that it looks at."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Topic(Table):
        id = TextField(primary_key=True)
        status = TextField()

    class Member(Table):
        id = TextField(primary_key=True)

    class Response(Table):
        key = BigIntegerField(primary_key=True)

    class TopicStatus(Table):
        id = peewee.BigAutoField()
        topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
        status = TextField()
        former = TextField()
        made_by = TextField(null=True)
        at = UTCField()

        class Meta:
            table_name = "topic_status"

    class ReadComment(Table):
        member = peewee.ForeignKeyField(Member, on_delete="CASCADE", column_name="member_id", index=False)
        response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
        at = UTCField()

        class Meta:
            table_name = "read_comment"
            primary_key = peewee.CompositeKey("member", "response")

    return Topic, TopicStatus, ReadComment


def up(migrator, db):
    topic, topic_status, read_comment = tables(db)
    db.create_tables([topic_status, read_comment])
    now = datetime.now(UTC)
    at = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(db, SqliteDatabase) else now
    topic.update(status="new").where(topic.status == "active").execute()
    free = topic.status.not_in(KNOWN)
    said = topic.select(topic.id, peewee.Value("seen"), topic.status, peewee.Value(at)).where(free)
    columns = [topic_status.topic, topic_status.status, topic_status.former, topic_status.at]
    topic_status.insert_from(said, columns).execute()
    topic.update(status="seen").where(free).execute()


def down(migrator, db):
    """Topics that were left as the upgrade made them get their own word back; the other lines are lost."""
    topic, topic_status, read_comment = tables(db)
    ours = topic_status.select(topic_status.former).where(
        topic_status.topic == topic.id, topic_status.made_by.is_null(), topic_status.status == "seen"
    )
    topic.update(status=ours.limit(1)).where(topic.status == "seen", peewee.fn.EXISTS(ours)).execute()
    topic.update(status="active").where(topic.status == "new").execute()
    db.drop_tables([read_comment, topic_status])
