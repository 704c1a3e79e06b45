"""The secret that a webhook was signed with before, and until when it signs along."""

from peewee import SqliteDatabase


def up(migrator, db):
    kind = "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"
    db.execute_sql('ALTER TABLE webhook ADD COLUMN "former_secret" TEXT')
    db.execute_sql(f'ALTER TABLE webhook ADD COLUMN "former_until" {kind}')


def down(migrator, db):
    """Webhooks are signed with their new secrets alone."""
    for column in ("former_secret", "former_until"):
        db.execute_sql(f'ALTER TABLE webhook DROP COLUMN "{column}"')
