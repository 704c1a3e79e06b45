"""What a failure of the database means: away, full, busy, or a fault of ours."""

import errno

import peewee
import psycopg

from surveys.base.db import postgres, sqlite


class DatabaseAway(Exception):
    """The database cannot be reached or cannot take more; trying again later makes sense."""


class WrongDatabase(Exception):
    """The database answers but cannot be used: wrong encoding, settings not taken, migrations missing."""


#: Whatever goes wrong with a database, wrapped by peewee or, while rows are fetched, as the driver raises it.
FAILURES: tuple[type[Exception], ...] = (
    DatabaseAway,
    peewee.PeeweeException,
    peewee.sqlite3.Error,  # type: ignore[attr-defined]
    psycopg.Error,
)


def away(error: BaseException) -> bool:
    """True when `error` means that the database is away, full or busy: a 503, not a fault of ours.

    Also for an error of the driver that nobody has wrapped, as one that comes while rows are fetched.
    """
    if isinstance(error, DatabaseAway | sqlite.Ended | postgres.Lost | peewee.InterfaceError):
        return True
    cause = postgres.unwrapped(error)
    if isinstance(cause, psycopg.Error):
        return postgres.is_away(cause)
    return isinstance(cause, peewee.sqlite3.Error) and sqlite.is_away(cause)  # type: ignore[attr-defined]


def busy(error: BaseException) -> bool:
    """True when `error` means that somebody else has written into SQLite for longer than we waited."""
    name = getattr(postgres.unwrapped(error), "sqlite_errorname", None)
    return str(name).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def spoiled(error: BaseException) -> bool:
    """True when `error` means that the file is no SQLite database, or a damaged one: no start mends it."""
    name = getattr(postgres.unwrapped(error), "sqlite_errorname", None)
    return str(name).startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))


def no_room(error: BaseException) -> bool:
    """True when `error` means that the disk takes no more: files of ours lie beside the database."""
    return isinstance(error, OSError) and error.errno in (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EROFS,
    )


def reason(error: BaseException) -> str:
    """An error in a word for the log, without anything that somebody wrote: its code, else its class."""
    cause = postgres.unwrapped(error)
    if isinstance(cause, OSError) and cause.errno:
        return errno.errorcode.get(cause.errno, "OSError")
    code = getattr(cause, "sqlite_errorname", None) or postgres.sqlstate(cause)
    return code or type(cause).__name__


def lost_parent(error: BaseException) -> bool:
    """True when `error` means that what a new row refers to was deleted meanwhile."""
    if not isinstance(error, peewee.IntegrityError):
        return False
    return postgres.sqlstate(error) == "23503" or "FOREIGN KEY" in str(error)
