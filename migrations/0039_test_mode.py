"""Whether a survey is in test mode, in which every answer that begins is a test."""

from peewee import SqliteDatabase


def up(migrator, db):
    truth = "INTEGER" if isinstance(db, SqliteDatabase) else "BOOLEAN"
    db.execute_sql(f'ALTER TABLE survey ADD COLUMN "test_mode" {truth} NOT NULL DEFAULT false')


def down(migrator, db):
    """Answers that were tests stay tests."""
    db.execute_sql('ALTER TABLE survey DROP COLUMN "test_mode"')
