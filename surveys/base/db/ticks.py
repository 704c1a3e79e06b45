"""The order of commits: ticks by which a reader follows what has changed."""

from typing import Any

from peewee import SQL, Field

from surveys.base.db.connection import database, on_sqlite


def tick() -> Any:
    """A value for the columns `first_tick` and `changed_tick`: later commits never carry a smaller one.

    SQLite: a counter, because writers come one after the other. PostgreSQL: the transaction's id, with which
    a reader can leave out whatever might still be preceded by an open transaction (see `settled`). The
    database's `tick_base` is added, so that a dump restored into a younger cluster keeps counting upward.
    """
    if on_sqlite():
        return database.execute_sql(
            "UPDATE clock SET tick = tick + 1 WHERE id = 1 RETURNING tick"
        ).fetchone()[0]
    return SQL(POSTGRES_TICK)


def new_tick() -> int:
    """`tick` as a number, for statements that are not put together by the query builder."""
    if on_sqlite():
        return tick()
    return database.execute_sql(f"SELECT {POSTGRES_TICK}").fetchone()[0]


#: A row of the table `clock`: how often words were taken back that a process may hold in its memory.
TAKEN_BACK = 2


def count(what: int) -> None:
    """Add one to a counter beside the clock. Call it in a transaction, as the last thing it writes.

    Others that count wait for its end, so whoever reads a number may read all that was counted up to it.
    """
    database.execute_sql(
        f"INSERT INTO clock (id, tick) VALUES ({what:d}, 1) "  # noqa: S608
        "ON CONFLICT (id) DO UPDATE SET tick = clock.tick + 1"
    )


POSTGRES_TICK = "(pg_current_xact_id()::text::bigint + (SELECT tick FROM clock WHERE id = 1))"


def settled(column: Field) -> Any:
    """An expression: no transaction still open can commit a smaller tick than this row's."""
    if on_sqlite():
        return SQL("1 = 1")
    return column < SQL(
        "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint + (SELECT tick FROM clock WHERE id = 1))"
    )


def settle_clock() -> None:
    """After a restore: raise the clock so that new ticks exceed all stored ones.

    A dump may come from an older PostgreSQL cluster, whose transaction ids were higher, or from the other database.
    """
    if "response" not in database.get_tables():
        return
    latest = (
        "(SELECT MAX(tick) FROM (SELECT COALESCE(MAX(changed_tick), 0) AS tick FROM response "
        "UNION ALL SELECT COALESCE(MAX(changed_tick), 0) FROM erased) AS ticks)"
    )
    if on_sqlite():
        enough = f"MAX(tick, {latest})"
    else:
        enough = f"GREATEST(tick, 1 + {latest} - pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
    database.execute_sql(f"UPDATE clock SET tick = {enough} WHERE id = 1")  # noqa: S608
