"""Members may choose the language in which they read names of topics."""


def up(migrator, db):
    db.execute_sql('ALTER TABLE member ADD COLUMN "language" TEXT')


def down(migrator, db):
    """Names are told in the language of each browser."""
    db.execute_sql('ALTER TABLE member DROP COLUMN "language"')
