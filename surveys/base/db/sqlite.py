"""SQLite on a disk that may fill up or fail: the first error is the one that is told, and nothing is half kept."""

from typing import Any

import peewee

#: Errors, by the beginning of their names, after which trying again later makes sense (https://sqlite.org/rescode.html).
AWAY = (
    "SQLITE_BUSY",
    "SQLITE_CANTOPEN",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_LOCKED",
    "SQLITE_NOMEM",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
)


class Ended(peewee.OperationalError):
    """SQLite has taken back the transaction by itself, so that what follows must not be kept either."""


class Database(peewee.SqliteDatabase):
    """peewee's, which knows that SQLite ends a transaction when the disk is full or fails.

    https://sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction": a ROLLBACK is then an error,
    which would hide the one that led to it, and every further statement would be kept by itself.
    """

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """As peewee's. Raises Ended inside a transaction that SQLite has ended."""
        if self.in_transaction() and not self._holds_transaction():
            if sql.startswith("ROLLBACK TO SAVEPOINT"):
                # There is nothing to go back to, and the error that ended it is being raised.
                return None
            raise Ended("SQLite has ended the transaction")
        return super().execute_sql(sql, params)

    def commit(self) -> None:
        """As peewee's. Raises Ended when SQLite has ended the transaction."""
        if not self._holds_transaction():
            raise Ended("SQLite has ended the transaction")
        super().commit()

    def rollback(self) -> None:
        """As peewee's; nothing when SQLite has done it. A connection that cannot do it is closed, which does it too."""
        if not self._holds_transaction():
            return
        try:
            super().rollback()
        except peewee.PeeweeException:
            self.close()

    def _holds_transaction(self) -> bool:
        return not self.is_closed() and self.connection().in_transaction


def is_away(error: Exception) -> bool:
    """Whether an error of the driver means that the database is full, busy or on a disk that fails."""
    return str(getattr(error, "sqlite_errorname", "")).startswith(AWAY)
