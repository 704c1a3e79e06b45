"""Members of the team: sessions, one-time links, failed tries, second factor; and the audit log."""

import functools
import json

import peewee
from peewee import SQL, BigIntegerField, BooleanField, Field, IntegerField, Model, SqliteDatabase, TextField

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

    class Member(Table):
        id = TextField(primary_key=True)
        email = TextField(unique=True)
        name = TextField(null=True)
        role = TextField()
        surveys = peewee.JSONField(null=True, dumps=_DUMPS)
        agent = TextField(null=True)
        password_hash = TextField(null=True)
        totp_secret = TextField(null=True)
        totp_step = BigIntegerField(null=True)
        oidc_subject = TextField(null=True, unique=True)
        created_at = UTCField()
        joined_at = UTCField(null=True)

        class Meta:
            constraints = [SQL("CHECK (role IN ('viewer', 'agent', 'editor', 'administrator'))")]

    class SecondFactorRule(Table):
        role = TextField(primary_key=True)

        class Meta:
            table_name = "second_factor_rule"

    class Session(Table):
        digest = TextField(primary_key=True)
        member = peewee.ForeignKeyField(Member, on_delete="CASCADE", column_name="member_id")
        awaits_code = BooleanField(default=False)
        created_at = UTCField()
        seen_at = UTCField()
        trusted_at = UTCField(null=True)

    class OneTimeLink(Table):
        digest = TextField(primary_key=True)
        kind = TextField()
        member = peewee.ForeignKeyField(Member, null=True, on_delete="CASCADE", column_name="member_id")
        role = TextField(null=True)
        created_at = UTCField()
        expires_at = UTCField()

        class Meta:
            table_name = "one_time_link"
            constraints = [SQL("CHECK (kind IN ('welcome', 'reset'))")]

    class Attempt(Table):
        key = TextField(primary_key=True)
        failures = IntegerField()
        last_at = UTCField()

    class RecoveryCode(Table):
        member = peewee.ForeignKeyField(Member, on_delete="CASCADE", column_name="member_id", index=False)
        digest = TextField()

        class Meta:
            table_name = "recovery_code"
            primary_key = peewee.CompositeKey("member", "digest")

    class AuditEntry(Table):
        id = TextField(primary_key=True)
        at = UTCField()
        caller = TextField()
        caller_id = TextField(null=True)
        action = TextField()
        thing = TextField(null=True)
        fields = peewee.JSONField(dumps=_DUMPS)
        request_id = TextField(null=True)

        class Meta:
            table_name = "audit_entry"
            indexes = ((("at", "id"), False),)

    return [Member, SecondFactorRule, Session, OneTimeLink, Attempt, RecoveryCode, AuditEntry]


def up(migrator, db):
    db.create_tables(tables(db))


def down(migrator, db):
    db.drop_tables(tables(db))
