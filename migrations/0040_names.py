"""What topics and themes are called in each language of their comments; until the next review in their own alone."""

from peewee import SqliteDatabase


def up(migrator, db):
    kind = "TEXT" if isinstance(db, SqliteDatabase) else "JSONB"
    for table in ("topic", "theme"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN \"names\" {kind} NOT NULL DEFAULT '{{}}'")


def down(migrator, db):
    """The names in other languages are lost; a review of a later version makes them anew."""
    for table in ("topic", "theme"):
        db.execute_sql(f'ALTER TABLE {table} DROP COLUMN "names"')
