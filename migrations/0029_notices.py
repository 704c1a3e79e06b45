"""Rules that tell the team of something, what they said, and where to: webhooks of other kinds, which a rule owns."""

import functools
import json

import peewee
from peewee import BigIntegerField, BooleanField, Field, Model, SqliteDatabase, TextField

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

    class FollowUp(Table):
        id = TextField(primary_key=True)

        class Meta:
            table_name = "follow_up"

    class NoticeRule(Table):
        id = TextField(primary_key=True)
        name = TextField()
        when = peewee.JSONField(dumps=_DUMPS)
        segment = TextField(null=True)
        filters = peewee.JSONField(dumps=_DUMPS)
        surveys = peewee.JSONField(null=True, dumps=_DUMPS)
        enabled = BooleanField()
        snoozed_until = UTCField(null=True)
        looked_at = UTCField(null=True)
        made_by = TextField()
        created_at = UTCField()

        class Meta:
            table_name = "notice_rule"

    class Notice(Table):
        id = TextField(primary_key=True)
        rule = peewee.ForeignKeyField(NoticeRule, on_delete="CASCADE", column_name="rule_id", index=False)
        response = peewee.ForeignKeyField(
            Response, null=True, on_delete="CASCADE", column_name="response_key", index=False
        )
        follow_up = peewee.ForeignKeyField(
            FollowUp, null=True, on_delete="CASCADE", column_name="follow_up_id", index=False
        )
        subject = TextField()
        mark = TextField()
        why = peewee.JSONField(dumps=_DUMPS)
        told = BooleanField()
        useful = BooleanField(null=True)
        began_at = UTCField()
        over_at = UTCField(null=True)

        class Meta:
            indexes = ((("rule", "mark"), True), (("rule", "began_at"), False))

    for field, name in ((Notice.response, "notice_response"), (Notice.follow_up, "notice_follow_up")):
        Notice.add_index(field, name=name, where=field.is_null(False))

    return NoticeRule, Notice


def up(migrator, db):
    db.execute_sql("ALTER TABLE webhook ADD COLUMN \"kind\" TEXT NOT NULL DEFAULT 'webhook'")
    db.execute_sql('ALTER TABLE webhook ADD COLUMN "owner" TEXT')
    db.execute_sql('CREATE INDEX "webhook_owner" ON "webhook" ("owner")')
    db.execute_sql('ALTER TABLE webhook_event ADD COLUMN "owner" TEXT')
    db.create_tables(tables(db))


def down(migrator, db):
    """Rules, what they said and where to are lost."""
    db.drop_tables(tables(db))
    db.execute_sql("DELETE FROM webhook WHERE owner IS NOT NULL")
    db.execute_sql("DELETE FROM webhook_event WHERE owner IS NOT NULL")
    db.execute_sql('ALTER TABLE webhook_event DROP COLUMN "owner"')
    db.execute_sql('DROP INDEX "webhook_owner"')
    db.execute_sql('ALTER TABLE webhook DROP COLUMN "owner"')
    db.execute_sql('ALTER TABLE webhook DROP COLUMN "kind"')
