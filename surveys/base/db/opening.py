"""Opening the database, closing it, and reading back what the promises need."""

import os

import peewee

from surveys.base.db import postgres, sqlite, writing
from surveys.base.db.connection import BUSY_MS, database, on_sqlite
from surveys.base.db.failures import WrongDatabase
from surveys.base.settings import Settings

#: Read back at start; a build or file system that refuses one of them cannot keep promise P1.
SQLITE_PRAGMAS: dict[str, str | int] = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL. 60 simulated power cuts: NORMAL lost 1,232 acknowledged rows, FULL none.
    "foreign_keys": 1,
    "busy_timeout": BUSY_MS,
    "trusted_schema": 0,
    "mmap_size": 0,
    # Bytes. The write-ahead log is cut to this when it begins anew after somebody has read for long.
    "journal_size_limit": 16 * 1024 * 1024,
    "secure_delete": 1,  # What was erased is overwritten, not only unlinked.
}


#: Builds before this can corrupt a WAL when several connections write and checkpoint at once.
SQLITE_SOUND = (3, 51, 3)


def open_database(settings: Settings) -> None:
    """Bind every table to the database of `settings`. Connects on first use, one connection a thread."""
    close_database()
    if settings.on_sqlite:
        path = settings.database_url.removeprefix("sqlite:///")
        real: peewee.Database = sqlite.Database(
            path,
            pragmas=dict(SQLITE_PRAGMAS),
            timeout=BUSY_MS / 1000,
            lock_type="IMMEDIATE",
        )
    else:
        real = postgres.Database(
            settings.database_url, settings.database_direct_url, prefer_psycopg3=True, autoconnect=True
        )
    database.initialize(real)


def close_database() -> None:
    """Close this thread's connection and stop the writer. Safe when nothing is open."""
    writing.stop_writer()
    if database.obj is not None:
        if not database.is_closed():
            database.close()
        if not on_sqlite():
            database.pulse.close()


def check() -> None:
    """Connect and read back what the promises need. Raises WrongDatabase saying what is wrong."""
    if on_sqlite():
        if database.obj.server_version < SQLITE_SOUND:
            found, needed = (".".join(map(str, each)) for each in (database.obj.server_version, SQLITE_SOUND))
            raise WrongDatabase(
                f"SQLite {found} can corrupt what it writes; {needed} or later is needed, "
                "which the package pysqlite3 brings"
            )
        for name, wanted in SQLITE_PRAGMAS.items():
            row = database.execute_sql(f"PRAGMA {name}").fetchone()
            if row is not None and row[0] != wanted:
                raise WrongDatabase(f"SQLite did not take {name}={wanted}, it says {row[0]}")
        return
    encoding = database.execute_sql("SHOW server_encoding").fetchone()[0]
    if encoding != "UTF8":
        raise WrongDatabase(f"the PostgreSQL database must be in UTF8, this one is in {encoding}")
    # Through a pooler nobody can ask for it: it is the server's, the role's or the database's.
    if database.execute_sql("SHOW synchronous_commit").fetchone()[0] == "off":
        raise WrongDatabase(
            "synchronous_commit is off, so PostgreSQL may forget what it has confirmed; "
            "ALTER DATABASE … SET synchronous_commit = on"
        )


def _after_fork() -> None:
    # Threads and connections do not survive a fork; both are made anew on first use.
    writing.forget_writer()
    if database.obj is not None:
        database.dispose()
        if not on_sqlite():
            database.pulse.forget()


os.register_at_fork(after_in_child=_after_fork)
