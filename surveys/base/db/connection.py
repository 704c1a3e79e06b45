"""The connection of a thread: which database it leads to, and reading one state of it."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import peewee
from peewee import DatabaseProxy

from surveys.base.db import postgres

database = DatabaseProxy()


BUSY_MS = 5000


def on_sqlite() -> bool:
    """True when the bound database is SQLite."""
    return isinstance(database.obj, peewee.SqliteDatabase)


def name() -> str:
    """What the bound database is called: the file, or the name on the PostgreSQL server."""
    if on_sqlite():
        return os.path.basename(database.obj.database)
    return database.execute_sql("SELECT current_database()").fetchone()[0]


def address() -> str:
    """Where the bound database is: the file, or server and name on PostgreSQL, without anything that opens it."""
    found = database.obj.database
    if on_sqlite():
        return str(found)
    parts = urlsplit(found)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def rows_in(table: str) -> int:
    """How many rows a table of ours has, whatever its columns are."""
    return database.execute_sql(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0]  # noqa: S608


def is_pooled(url: str | None = None) -> bool:
    """Whether a pooler stands in front of PostgreSQL, so that nothing may outlive a transaction.

    Looks for the server where it is not found yet. Raises peewee.OperationalError when it is away. `url`: the address
    that is meant; of another than that of the bound database nothing is known, and no pooler is assumed.
    """
    bound = database.obj
    if not isinstance(bound, postgres.Database) or url not in (None, bound.database):
        return False
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
        return bound.pulse.finds_pooler()


def connect(url: str) -> Any:
    """A connection of one's own to PostgreSQL, in UTC, that gives up on a server it no longer hears of.

    For the bound database it knows, as all others do, when the server answers nobody. Raises psycopg's errors.
    """
    bound = database.obj
    if isinstance(bound, postgres.Database) and bound.database == url:
        return bound.pulse.connect()
    return postgres.connect(url)


def truncate_log() -> None:
    """Move SQLite's write-ahead log into the database and cut it to nothing: it holds what was just erased.

    Does less when others read or write meanwhile; then their next checkpoints overwrite the log.
    """
    if on_sqlite():
        database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def patient() -> None:
    """Lift the deadlines from this thread's connection: migrations and dumps may take long, and so may we meanwhile."""
    if on_sqlite():
        return
    database.connection().deadline = None
    if not is_pooled():
        database.execute_sql("SET idle_in_transaction_session_timeout = 0")


@contextlib.contextmanager
def snapshot() -> Iterator[None]:
    """Read the same state of the database in every query of the body, whatever others write meanwhile."""
    if database.in_transaction():
        yield
        return
    with database.transaction("DEFERRED" if on_sqlite() else None):
        if not on_sqlite():
            database.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def forget_connection() -> None:
    """Drop this thread's connection after a failure, so that the next call makes a new one."""
    if database.obj is not None and not database.is_closed():
        connection = database.connection()
        # Not close(), which refuses inside a transaction.
        database.dispose()
        with contextlib.suppress(Exception):
            connection.close()
