"""The database, SQLite or PostgreSQL: opening it, writing to it durably, and the base class of tables."""

import contextlib
import functools
import hashlib
import json
import operator
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import peewee
import psycopg
from peewee import SQL, DatabaseProxy, Field, Model

from surveys.base.settings import Settings

T = TypeVar("T")

database = DatabaseProxy()

_writer_lock = threading.Lock()

BUSY_MS = 5000

#: Read back at start; a build or file system that refuses one of them cannot keep promise P1.
SQLITE_PRAGMAS: dict[str, str | int] = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL. 60 simulated power cuts: NORMAL lost 1,232 acknowledged rows, FULL none.
    "foreign_keys": 1,
    "busy_timeout": BUSY_MS,
    "trusted_schema": 0,
    "mmap_size": 0,
    "secure_delete": 1,  # What was erased is overwritten, not only unlinked.
}

#: Builds before this can corrupt a WAL when several connections write and checkpoint at once.
SQLITE_SOUND = (3, 51, 3)

#: How long a reply of PostgreSQL may take; a frozen server keeps its connections open for ever.
POSTGRES_DEADLINE_SECONDS = 8.0


DEADLOCK_RETRIES = 5


class DatabaseAway(Exception):
    """The database cannot be reached or cannot take more; trying again later makes sense."""


class WrongDatabase(Exception):
    """The database answers but cannot be used: wrong encoding, settings not taken, migrations missing."""


# ---------------------------------------------------------------------------------------------- opening


def open_database(settings: Settings) -> None:
    """Bind every table to the database of `settings`. Connects on first use, one connection a thread."""
    close_database()
    if settings.on_sqlite:
        path = settings.database_url.removeprefix("sqlite:///")
        real: peewee.Database = peewee.SqliteDatabase(
            path,
            pragmas=dict(SQLITE_PRAGMAS),
            timeout=BUSY_MS / 1000,
            lock_type="IMMEDIATE",
        )
    else:
        real = _Postgres(settings.database_url, prefer_psycopg3=True, autoconnect=True)
    database.initialize(real)


def close_database() -> None:
    """Close this thread's connection and stop the writer. Safe when nothing is open."""
    global _writer
    writer, _writer = _writer, None
    if writer is not None:
        writer.stop()
    if database.obj is not None and not database.is_closed():
        database.close()


def on_sqlite() -> bool:
    """True when the bound database is SQLite."""
    return isinstance(database.obj, peewee.SqliteDatabase)


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


class _Postgres(peewee.PostgresqlDatabase):
    """PostgreSQL with a deadline on the client's side: a frozen server ignores statement_timeout."""

    def _connect(self) -> Any:
        return connect(self.database)


def connect(url: str) -> psycopg.Connection:
    """A connection of one's own to PostgreSQL, in UTC, that gives up on a server it no longer hears of."""
    return _DeadlineConnection.connect(
        url,
        autocommit=True,
        connect_timeout=2,
        keepalives_idle=10,
        keepalives_interval=3,
        keepalives_count=3,
        tcp_user_timeout=8000,
        options="-c timezone=UTC -c synchronous_commit=on",
    )


class _DeadlineConnection(psycopg.Connection):
    """Gives up on a server that has been silent for POSTGRES_DEADLINE_SECONDS, and is then closed for good."""

    deadline: float | None = POSTGRES_DEADLINE_SECONDS

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        # psycopg passes through here for every exchange.
        try:
            return super().wait(gen, interval, self.deadline if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError("the database did not answer in time") from None


def truncate_log() -> None:
    """Move SQLite's write-ahead log into the database and cut it to nothing: it holds what was just erased.

    Does less when others read or write meanwhile; then their next checkpoints overwrite the log.
    """
    if on_sqlite():
        database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def patient() -> None:
    """Lift the deadline from this thread's connection: migrations and dumps may take long."""
    if not on_sqlite():
        database.connection().deadline = None


# ---------------------------------------------------------------------------------------------- writing


def write(verb: Callable[[], T]) -> T:
    """Run `verb` in a transaction and return its result after the commit, never before.

    On SQLite one thread does all writing of a process: it takes what has queued, commits it in one
    transaction and then answers every caller, so that one flush of the disk serves many. `verb` may be run
    again (when a neighbour in the same transaction failed, or after a deadlock), so it must do nothing but
    read and write rows. PostgreSQL groups commits itself. Whatever `verb` raises is raised here, with its
    rows rolled back.
    """
    if database.in_transaction():
        with database.atomic():
            return verb()
    if on_sqlite():
        return _the_writer().run(verb)
    for _ in range(DEADLOCK_RETRIES):
        try:
            with database.atomic():
                return verb()
        except peewee.OperationalError as error:
            # PostgreSQL ends one of two transactions that wait for each other; it did nothing, so do it again.
            if getattr(_driver_error(error), "sqlstate", None) != "40P01":
                raise
    with database.atomic():
        return verb()


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


class _Work:
    """One caller waiting for its verb."""

    __slots__ = ("done", "error", "result", "verb")

    def __init__(self, verb: Callable[[], Any]) -> None:
        self.verb = verb
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class _Writer:
    """The thread that writes for all others of this process (group commit)."""

    AT_ONCE = 256

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self.thread.start()

    def run(self, verb: Callable[[], T]) -> T:
        work = _Work(verb)
        self.waiting.put(work)
        work.done.acquire()
        if work.error is not None:
            raise work.error
        return work.result

    def stop(self) -> None:
        self.waiting.put(None)
        self.thread.join()

    def _serve(self) -> None:
        stopping = False
        while not stopping:
            batch = [self.waiting.get()]
            while len(batch) < self.AT_ONCE:
                try:
                    batch.append(self.waiting.get_nowait())
                except queue.Empty:
                    break
            stopping = None in batch
            self._commit([work for work in batch if work is not None])
        if not database.is_closed():
            database.close()

    def _commit(self, batch: list[_Work]) -> None:
        try:
            if not self._together(batch):
                self._each(batch)
        finally:
            for work in batch:
                work.done.release()

    def _together(self, batch: list[_Work]) -> bool:
        """All verbs in one transaction without savepoints; False when one failed and nothing was kept."""
        try:
            with database.atomic():
                for work in batch:
                    work.result = work.verb()
            return True
        except BaseException as error:
            if len(batch) == 1:
                batch[0].error = error
                return True
            return False

    def _each(self, batch: list[_Work]) -> None:
        """All verbs in one transaction, each in a savepoint, so that one failure costs only its own rows."""
        try:
            with database.atomic():
                for work in batch:
                    try:
                        with database.atomic():
                            work.result = work.verb()
                    except Exception as error:
                        work.error = error
        except BaseException as error:
            for work in batch:
                work.error = work.error or error


_writer: _Writer | None = None


def _the_writer() -> _Writer:
    global _writer
    if _writer is None:
        with _writer_lock:
            if _writer is None:
                _writer = _Writer()
    return _writer


def _after_fork() -> None:
    # Threads and connections do not survive a fork; both are made anew on first use.
    global _writer, _writer_lock
    _writer, _writer_lock = None, threading.Lock()
    if database.obj is not None:
        database.dispose()


os.register_at_fork(after_in_child=_after_fork)


def away(error: BaseException) -> bool:
    """True when `error` means that the database is away, full or busy: a 503, not a fault of ours."""
    cause = _driver_error(error)
    if isinstance(error, DatabaseAway):
        return True
    if on_sqlite():
        code = getattr(cause, "sqlite_errorname", "") or ""
        text = str(error)
        return code.startswith(
            (
                "SQLITE_FULL",
                "SQLITE_IOERR",
                "SQLITE_BUSY",
                "SQLITE_LOCKED",
                "SQLITE_READONLY",
                "SQLITE_CANTOPEN",
            )
        ) or any(
            part in text
            for part in (
                "disk is full",
                "disk I/O",
                "is locked",
                "readonly database",
                "unable to open database",
            )
        )
    if isinstance(error, peewee.InterfaceError):
        return True
    if isinstance(error, peewee.OperationalError):
        state = getattr(cause, "sqlstate", None)
        return state is None or state[:2] in ("08", "53", "57", "55", "40")
    return False


def lost_parent(error: BaseException) -> bool:
    """True when `error` means that what a new row refers to was deleted meanwhile."""
    if not isinstance(error, peewee.IntegrityError):
        return False
    return getattr(_driver_error(error), "sqlstate", None) == "23503" or "FOREIGN KEY" in str(error)


def _driver_error(error: BaseException) -> BaseException:
    return getattr(error, "orig", None) or error.__cause__ or error


def forget_connection() -> None:
    """Drop this thread's connection after a failure, so that the next call makes a new one."""
    try:
        if not database.is_closed():
            database.close()
    except peewee.PeeweeException:
        database.dispose()


# ------------------------------------------------------------------------------------- order of commits


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
    return SQL("(pg_current_xact_id()::text::bigint + (SELECT tick FROM clock WHERE id = 1))")


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


# ----------------------------------------------------------------------------------------------- tables


class UTCField(Field):
    """A moment in UTC: TIMESTAMPTZ on PostgreSQL; on SQLite RFC 3339 text of fixed width, so that it sorts."""

    field_type = "UTC"

    def db_value(self, value: Any) -> Any:
        if value is None or isinstance(value, peewee.Node):
            return value
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.isoformat(timespec="microseconds")[:-6] + "Z" if on_sqlite() else value

    def python_value(self, value: Any) -> datetime | None:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value.astimezone(UTC) if value is not None else None


for _kind, _type in ((peewee.SqliteDatabase, "TEXT"), (peewee.PostgresqlDatabase, "TIMESTAMPTZ")):
    _kind.field_types = {**_kind.field_types, "UTC": _type}


def compact(value: Any) -> str:
    """JSON as it is stored: without spaces, text as text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class JSONField(peewee.JSONField):
    """JSON in TEXT on SQLite, JSONB on PostgreSQL."""

    def __init__(self, **options: Any) -> None:
        super().__init__(dumps=compact, **options)

    def parameter(self, value: Any) -> Any:
        """`value` as a parameter of a statement that is not put together by the query builder."""
        if value is None or not on_sqlite():
            return self.db_value(value)
        return compact(value)


#: What a column holds, for erase and export (promises.md, Privacy).
IDENTIFIER, PSEUDONYM, FREE_TEXT, SCORE, TECHNICAL = (
    "identifier",
    "pseudonym",
    "free text",
    "score",
    "technical",
)


class Table(Model):
    """The base of every table. `Meta.holds` tags each column that is not merely technical.

    `Meta.about` names how a row reaches a person: a column of person ids ("person"), or of response keys
    ("response"), or any mention of an id in its text ("mention": queues and kept answers, which erase removes
    and export leaves out); None for tables that know nothing of people. Erase and export walk `registered()` by it.
    """

    class Meta:
        database = database
        legacy_table_names = False
        holds: dict[str, str] = {}
        about: str | None = None


def about(table: type[Table]) -> str | None:
    """How rows of `table` reach a person (`Meta.about`)."""
    return table._meta.about  # type: ignore[attr-defined]


def holds(table: type[Table]) -> dict[str, str]:
    """What the columns of `table` hold (`Meta.holds`)."""
    return table._meta.holds  # type: ignore[attr-defined]


def registered() -> list[type[Table]]:
    """Every table there is, parents before those that refer to them."""
    found: list[type[Table]] = []
    pending: Iterable[type[Table]] = Table.__subclasses__()
    for table in pending:
        found.append(table)
    return peewee.sort_models(found)  # type: ignore[attr-defined]


# -------------------------------------------------------------------------------- statements made once


class _Slot:
    """Where a parameter goes in a prepared statement."""

    def __init__(self, name: str) -> None:
        self.name = name


def slot(name: str) -> Any:
    """A named parameter for `Prepared`; values go to the database as they are given."""
    return peewee.Value(_Slot(name), converter=False)


class Prepared:
    """A query put together once: for every answer, the query builder would cost more than the database.

    `build` makes the query with `slot(name)` where values go; it is called once for each kind of database.
    """

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._made: dict[bool, tuple[str, list[Any]]] = {}

    def __call__(self, **values: Any) -> Any:
        """Run it and return the cursor."""
        kind = on_sqlite()
        if kind not in self._made:
            self._made[kind] = self._build().sql()
        sql, parameters = self._made[kind]
        return database.execute_sql(sql, [values[p.name] if isinstance(p, _Slot) else p for p in parameters])


class Rows:
    """The rows of a table for which some fields have given values: a statement put together once.

    `any_of`: one of the fields having its value is enough.
    """

    def __init__(
        self,
        table: type[Table],
        *fields: Any,
        order_by: Any = None,
        limit: int | None = None,
        any_of: bool = False,
    ) -> None:
        self._table, self._fields = table, table._meta.sorted_fields
        self._names = [field.name for field in fields]
        both = operator.or_ if any_of else operator.and_

        def build() -> Any:
            query = table.select().where(functools.reduce(both, (f == slot(f.name) for f in fields)))
            query = query.order_by(order_by) if order_by is not None else query
            return query.limit(limit) if limit else query

        self._select = Prepared(build)

    def __call__(self, *values: Any) -> list[Any]:
        """The rows, one value for each field."""
        found = self._select(**dict(zip(self._names, values, strict=True))).fetchall()
        return [_row(self._table, self._fields, item) for item in found]


def _row(table: type[Table], fields: list[Any], found: tuple) -> Any:
    row: Any = table(__no_default__=True)
    for field, item in zip(fields, found, strict=True):
        row.__data__[field.name] = field.python_value(item)
    row._dirty.clear()
    return row


class Insert:
    """Insert whole rows of a table: a statement put together once. `once`: leave a row be that is there already."""

    def __init__(self, table: type[Table], once: bool = False) -> None:
        fields = self._fields = table._meta.sorted_fields

        def build() -> Any:
            query = table.insert({field: slot(field.name) for field in fields})
            return query.on_conflict_ignore() if once else query

        self._insert = Prepared(build)

    def __call__(self, row: Table) -> bool:
        """Insert `row`; columns it does not name are null. False when it was left out."""
        values = ((field, row.__data__.get(field.name)) for field in self._fields)
        cursor = self._insert(
            **{f.name: f.parameter(v) if isinstance(f, JSONField) else f.db_value(v) for f, v in values}
        )
        return cursor.rowcount > 0


class Lookup:
    """The row of a table in which one column has a value, locked until the end of the transaction if `lock`."""

    def __init__(self, field: Any, lock: bool = False) -> None:
        table = field.model
        self._table, self._fields = table, table._meta.sorted_fields

        def build() -> Any:
            query = table.select().where(field == slot("value")).limit(1)
            return query.for_update() if lock and not on_sqlite() else query

        self._select = Prepared(build)

    def __call__(self, value: Any) -> Any:
        """The row, or None."""
        found = self._select(value=value).fetchone()
        if found is None:
            return None
        return _row(self._table, self._fields, found)


class Clock(Table):
    """One row: the count of ticks (SQLite), or what is added to transaction ids (PostgreSQL)."""

    id = peewee.IntegerField(primary_key=True)
    tick = peewee.BigIntegerField(default=0)
