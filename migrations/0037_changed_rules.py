"""When the terms of a rule were last changed: what was said of its notices before says nothing of those of now."""

from peewee import SqliteDatabase


def up(migrator, db):
    kind = "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"
    db.execute_sql(f'ALTER TABLE notice_rule ADD COLUMN "changed_at" {kind}')


def down(migrator, db):
    """When they were changed is forgotten."""
    db.execute_sql('ALTER TABLE notice_rule DROP COLUMN "changed_at"')
