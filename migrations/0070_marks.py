"""Counts of a period have a mark, new whenever they are made anew: a process that keeps sums of them goes by it."""

from peewee import SqliteDatabase


def up(migrator, db):
    """What is kept has one mark each, that nothing else has."""
    kind, number = "BIGINT", "floor(random() * 4e18)::bigint"
    if isinstance(db, SqliteDatabase):
        kind, number = "INTEGER", "abs(random() / 2)"
    db.execute_sql(f'ALTER TABLE segment_period ADD COLUMN "mark" {kind} NOT NULL DEFAULT 0')
    db.execute_sql(f'UPDATE segment_period SET "mark" = {number}')  # noqa: S608 (one of the two above)


def down(migrator, db):
    """The counts themselves stay."""
    db.execute_sql('ALTER TABLE segment_period DROP COLUMN "mark"')
