"""Loops are written in parts, and nothing leaves before the last one; cases keep how long they took, in open hours."""

from peewee import SqliteDatabase


def up(migrator, db):
    kind, number = ("TEXT", "REAL") if isinstance(db, SqliteDatabase) else ("TIMESTAMPTZ", "DOUBLE PRECISION")
    db.execute_sql(f'ALTER TABLE "loop" ADD COLUMN "ready_at" {kind}')
    # Until now they were written in one transaction.
    db.execute_sql('UPDATE "loop" SET ready_at = created_at')
    for name in ("answer_hours", "solve_hours"):
        db.execute_sql(f'ALTER TABLE follow_up ADD COLUMN "{name}" {number}')


def down(migrator, db):
    """What is not written to its end is gone: nobody was told by it. How long cases took is worked out anew."""
    db.execute_sql(
        "DELETE FROM letter WHERE id IN (SELECT letter_id FROM telling"
        ' JOIN "loop" ON "loop".id = telling.loop_id WHERE "loop".ready_at IS NULL)'
    )
    db.execute_sql('DELETE FROM "loop" WHERE ready_at IS NULL')
    db.execute_sql('ALTER TABLE "loop" DROP COLUMN "ready_at"')
    for name in ("answer_hours", "solve_hours"):
        db.execute_sql(f'ALTER TABLE follow_up DROP COLUMN "{name}"')
