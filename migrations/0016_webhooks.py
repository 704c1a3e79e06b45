"""Webhooks: who wants to hear of what, the events, and what became of each delivery."""

import functools
import json

import peewee
from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    Field,
    IntegerField,
    Model,
    SmallIntegerField,
    SqliteDatabase,
    TextField,
)

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

    class Response(Table):
        key = BigIntegerField(primary_key=True)

    class Webhook(Table):
        id = TextField(primary_key=True)
        url = TextField()
        events = peewee.JSONField(dumps=_DUMPS)
        surveys = peewee.JSONField(null=True, dumps=_DUMPS)
        secret = TextField()
        made_by = TextField()
        enabled = BooleanField()
        failures = IntegerField()
        rests_until = UTCField(null=True)
        lease_until = UTCField(null=True)
        created_at = UTCField()

    class WebhookEvent(Table):
        key = peewee.BigAutoField()
        id = TextField(unique=True)
        type = TextField()
        survey_id = TextField(null=True)
        response = peewee.ForeignKeyField(
            Response, null=True, on_delete="CASCADE", column_name="response_key"
        )
        subject = TextField()
        test = BooleanField()
        created_at = UTCField()

        class Meta:
            table_name = "webhook_event"
            indexes = ((("subject", "key"), False), (("created_at",), False))

    class WebhookDelivery(Table):
        webhook = peewee.ForeignKeyField(Webhook, on_delete="CASCADE", column_name="webhook_id", index=False)
        event = peewee.ForeignKeyField(WebhookEvent, on_delete="CASCADE", column_name="event_key")
        state = TextField()
        attempts = IntegerField()
        queued_at = UTCField()
        due_at = UTCField()
        status = SmallIntegerField(null=True)
        error = TextField(null=True)
        ended_at = UTCField(null=True)

        class Meta:
            table_name = "webhook_delivery"
            primary_key = peewee.CompositeKey("webhook", "event")
            constraints = [SQL("CHECK (state IN ('pending', 'delivered', 'dead', 'gone'))")]

    WebhookDelivery.add_index(
        WebhookDelivery.webhook,
        WebhookDelivery.due_at,
        name="webhook_delivery_due",
        where=SQL("state = 'pending'"),
    )

    class WebhookTotal(Table):
        type = TextField(primary_key=True)
        n = BigIntegerField()

        class Meta:
            table_name = "webhook_total"

    return Webhook, WebhookEvent, WebhookDelivery, WebhookTotal


def up(migrator, db):
    db.create_tables(tables(db))


def down(migrator, db):
    db.drop_tables(tables(db))
