"""Up to when a digest has told, so that a member who moves to another zone misses nothing; null: not known."""

from peewee import SqliteDatabase


def up(migrator, db):
    kind = "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"
    db.execute_sql(f'ALTER TABLE digest ADD COLUMN "told_until" {kind}')


def down(migrator, db):
    """The next digest begins with the day, whatever the last one told of."""
    db.execute_sql('ALTER TABLE digest DROP COLUMN "told_until"')
