"""The tables of listening: what comments say, where they belong, and saved views of the feed."""

import peewee
from peewee import BigIntegerField, DoubleField, TextField

from surveys.base.db import FREE_TEXT, JSONField, Table, UTCField
from surveys.models import Response


class Reading(Table):
    """What the worker read in one response's comment. `label` is null where we say nothing rather than guess;
    `text_label` is what the words alone say, to find where they and the score disagree.
    """

    key = BigIntegerField(primary_key=True)
    language = TextField(null=True)
    label = TextField(null=True)
    score = DoubleField(null=True)
    words = JSONField(null=True)
    text_label = TextField(null=True)
    text_score = DoubleField(null=True)
    engine = TextField()
    by_person = peewee.BooleanField(default=False)
    read_at = UTCField()

    class Meta:
        indexes = ((("label", "key"), False),)
        about = "response"
        holds = {"words": FREE_TEXT}


class Topic(Table):
    """A subject that comments share. It keeps its id for good; `merged_into` tells where it went."""

    id = TextField(primary_key=True)
    label = TextField()
    status = TextField(default="active")
    owner = TextField(null=True)
    issue_url = TextField(null=True)
    merged_into = TextField(null=True)
    created_at = UTCField()


class Placement(Table):
    """One comment in one topic, with the phrases that put it there."""

    topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
    response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
    evidence = JSONField()
    by_person = peewee.BooleanField(default=False)

    class Meta:
        primary_key = peewee.CompositeKey("topic", "response")
        about = "response"
        holds = {"evidence": FREE_TEXT}


class FollowUp(Table):
    """Somebody has to get in touch with the person who answered."""

    id = TextField(primary_key=True)
    response = peewee.ForeignKeyField(Response, unique=True, on_delete="CASCADE", column_name="response_key")
    status = TextField(default="open")
    created_at = UTCField()
    closed_at = UTCField(null=True)

    class Meta:
        table_name = "follow_up"
        indexes = ((("status", "response"), False),)
        about = "response"


class SavedFeed(Table):
    """A saved view of the feed, read by whoever knows its token (kept as a hash)."""

    id = TextField(primary_key=True)
    name = TextField()
    filters = JSONField()
    surveys = JSONField(null=True)
    api_key = TextField()
    digest = TextField(unique=True)
    created_at = UTCField()

    class Meta:
        table_name = "saved_feed"
