"""Writing durably: in a transaction, answered after the commit."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import peewee

from surveys.base.db import postgres
from surveys.base.db.connection import database, on_sqlite
from surveys.base.db.failures import away
from surveys.base.db.tables import Table
from surveys.base.db.writer import ALONE, Together, Writer

T = TypeVar("T")


_writer_lock = threading.Lock()


DEADLOCK_RETRIES = 5


def rewrite(most: int) -> bool:
    """Write SQLite's file anew, so that no page keeps a copy of a deleted row; False for more than `most` bytes.

    `secure_delete` overwrites the row itself; when a page is divided, what moved away stays behind in its free space.
    Writers wait meanwhile. False also when the file is busy or the disk full: nothing is lost by it.
    """
    if not on_sqlite():
        return False
    pages, size = (
        database.execute_sql(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    if pages * size > most:
        return False
    try:
        database.execute_sql("VACUUM")
    except peewee.OperationalError:
        return False
    return True


def write(verb: Callable[[], T], together: Together | None = None, item: Any = None) -> T:
    """Run `verb` in a transaction and return its result after the commit, never before.

    On SQLite one thread does all writing of a process (`writer`), so that one flush of the disk serves many.
    PostgreSQL groups commits itself. `together` is for a verb of which there are many at once: it does for a
    list of `item`s what the verb does for one, with fewer statements, and on both databases in that thread; it
    raises nothing but what is the database's fault, and gives ALONE for those that the verb must do. On PostgreSQL
    it is called outside a transaction, and has committed what it gives back (see `begun_with`).

    `verb` may be run again (when a neighbour in the same transaction failed, or after a deadlock), so it must do
    nothing but read and write rows. Whatever it raises is raised here, with its rows rolled back.
    """
    if database.in_transaction():
        with database.atomic():
            return verb()
    if on_sqlite():
        return _the_writer().run(verb, together, item)
    if together is not None:
        result = _the_writer().run(verb, together, item)
        if result is not ALONE:
            return result
    for _ in range(DEADLOCK_RETRIES):
        try:
            with database.atomic():
                return verb()
        except peewee.OperationalError as error:
            # PostgreSQL ends one of two transactions that wait for each other; it did nothing, so do it again.
            if postgres.sqlstate(error) != "40P01":
                raise
    with database.atomic():
        return verb()


def begun_with(
    statements: Sequence[tuple[str, Any]], keep: Callable[[list[list[Any]]], bool] | None = None
) -> list[list[Any]]:
    """On PostgreSQL: `postgres.Database.begun_with`."""
    return database.obj.begun_with(statements, keep)


def serialise(*names: str) -> None:
    """Wait until no other transaction holds one of `names`, then hold them all until this one ends.

    SQLite has one writer at a time anyway. All are taken in one order, so that two never wait for each other.
    """
    if on_sqlite() or not names:
        return
    keys = sorted({int.from_bytes(hashlib.sha256(n.encode()).digest()[:8], signed=True) for n in names})
    database.execute_sql("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", (keys,))


def lock_out_writers(table: type["Table"]) -> None:
    """Make everybody else who writes to `table` wait until this transaction ends; readers go on.

    SQLite has one writer at a time anyway.
    """
    if not on_sqlite():
        database.execute_sql(f'LOCK TABLE "{table._meta.table_name}" IN EXCLUSIVE MODE')


_writer: Writer | None = None


def stop_writer() -> None:
    """Let the writer finish what it was given, and stop it; the next write starts another."""
    global _writer
    writer, _writer = _writer, None
    if writer is not None:
        writer.stop()


def forget_writer() -> None:
    """Begin without a writer in a process that was forked: the writer's thread stayed in its parent, and so did whoever
    held the lock."""
    global _writer, _writer_lock
    _writer, _writer_lock = None, threading.Lock()


def _the_writer() -> Writer:
    global _writer
    if _writer is None:
        with _writer_lock:
            if _writer is None:
                _writer = Writer(database, runs_alone=on_sqlite(), is_final=_is_final)
    return _writer


def _is_final(error: BaseException) -> bool:
    """True when trying again at once makes no sense: PostgreSQL is away, and not just in a deadlock."""
    return not on_sqlite() and away(error) and postgres.sqlstate(error) is None
