"""How many seconds an answer took from the survey being seen; null: nobody told."""


def up(migrator, db):
    db.execute_sql('ALTER TABLE response ADD COLUMN "seconds" INTEGER')


def down(migrator, db):
    """How long answers took is forgotten."""
    db.execute_sql('ALTER TABLE response DROP COLUMN "seconds"')
