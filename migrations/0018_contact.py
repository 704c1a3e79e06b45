"""Whether a survey asks if we may write to the respondent, and what each answer allows."""

from peewee import SqliteDatabase


def up(migrator, db):
    truth = "INTEGER" if isinstance(db, SqliteDatabase) else "BOOLEAN"
    db.execute_sql(f'ALTER TABLE survey ADD COLUMN "ask_contact" {truth} NOT NULL DEFAULT false')
    db.execute_sql('ALTER TABLE response ADD COLUMN "contact" TEXT')


def down(migrator, db):
    """What was allowed is lost."""
    db.execute_sql('ALTER TABLE response DROP COLUMN "contact"')
    db.execute_sql('ALTER TABLE survey DROP COLUMN "ask_contact"')
