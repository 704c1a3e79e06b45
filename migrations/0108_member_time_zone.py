"""The zone in which a member reads times, and in whose morning their digests come; null: that of the service."""


def up(migrator, db):
    db.execute_sql('ALTER TABLE member ADD COLUMN "time_zone" TEXT')


def down(migrator, db):
    """All members read times in the service's zone."""
    db.execute_sql('ALTER TABLE member DROP COLUMN "time_zone"')
