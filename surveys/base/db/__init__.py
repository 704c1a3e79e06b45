"""The database, SQLite or PostgreSQL: opening it, writing to it durably, and the base class of tables."""

import contextlib
import errno
import functools
import hashlib
import json
import operator
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import peewee
import psycopg
from peewee import SQL, DatabaseProxy, Field, Model

from surveys.base.db import postgres, sqlite
from surveys.base.db.writer import ALONE, Together, Writer
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
    # Bytes. The write-ahead log is cut to this when it begins anew after somebody has read for long.
    "journal_size_limit": 16 * 1024 * 1024,
    "secure_delete": 1,  # What was erased is overwritten, not only unlinked.
}

#: Builds before this can corrupt a WAL when several connections write and checkpoint at once.
SQLITE_SOUND = (3, 51, 3)

DEADLOCK_RETRIES = 5


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


# ---------------------------------------------------------------------------------------------- opening


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
        real = postgres.Database(settings.database_url, prefer_psycopg3=True, autoconnect=True)
    database.initialize(real)


def close_database() -> None:
    """Close this thread's connection and stop the writer. Safe when nothing is open."""
    global _writer
    writer, _writer = _writer, None
    if writer is not None:
        writer.stop()
    if database.obj is not None:
        if not database.is_closed():
            database.close()
        if not on_sqlite():
            database.pulse.close()


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


def name() -> str:
    """What the bound database is called: the file, or the name on the PostgreSQL server."""
    if on_sqlite():
        return os.path.basename(database.obj.database)
    return database.execute_sql("SELECT current_database()").fetchone()[0]


def rows_in(table: str) -> int:
    """How many rows a table of ours has, whatever its columns are."""
    return database.execute_sql(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0]  # noqa: S608


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


def patient() -> None:
    """Lift the deadlines from this thread's connection: migrations and dumps may take long, and so may we meanwhile."""
    if not on_sqlite():
        database.connection().deadline = None
        database.execute_sql("SET idle_in_transaction_session_timeout = 0")


# ---------------------------------------------------------------------------------------------- writing


def write(verb: Callable[[], T], together: Together | None = None, item: Any = None) -> T:
    """Run `verb` in a transaction and return its result after the commit, never before.

    On SQLite one thread does all writing of a process (`writer`), so that one flush of the disk serves many.
    PostgreSQL groups commits itself. `together` is for a verb of which there are many at once: it does for a
    list of `item`s what the verb does for one, with fewer statements, and on both databases in that thread; it
    raises nothing but what is the database's fault, and gives ALONE for those that the verb must do.

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


_writer: Writer | None = None


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


def _after_fork() -> None:
    # Threads and connections do not survive a fork; both are made anew on first use.
    global _writer, _writer_lock
    _writer, _writer_lock = None, threading.Lock()
    if database.obj is not None:
        database.dispose()
        if not on_sqlite():
            database.pulse.forget()


os.register_at_fork(after_in_child=_after_fork)


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


def forget_connection() -> None:
    """Drop this thread's connection after a failure, so that the next call makes a new one."""
    if not database.is_closed():
        connection = database.connection()
        # Not close(), which refuses inside a transaction.
        database.dispose()
        with contextlib.suppress(Exception):
            connection.close()


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


# ----------------------------------------------------------------------------------------------- tables


class UTCField(Field):
    """A moment in UTC: TIMESTAMPTZ on PostgreSQL; on SQLite RFC 3339 text of fixed width, so that it sorts."""

    field_type = "UTC"

    def db_value(self, value: Any) -> Any:
        if value is None or isinstance(value, peewee.Node):
            return value
        return _moment_text(value) if on_sqlite() else _moment(value)

    def python_value(self, value: Any) -> datetime | None:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value.astimezone(UTC) if value is not None else None


def _moment(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return value.astimezone(UTC)


def _moment_text(value: datetime) -> str:
    return _moment(value).isoformat(timespec="microseconds")[:-6] + "Z"


for _kind, _type in ((peewee.SqliteDatabase, "TEXT"), (peewee.PostgresqlDatabase, "TIMESTAMPTZ")):
    _kind.field_types = {**_kind.field_types, "UTC": _type}


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def compact(value: Any) -> str:
    """JSON as it is stored: without spaces, text as text."""
    return _ENCODER.encode(value)


class JSONField(peewee.JSONField):
    """JSON in TEXT on SQLite, JSONB on PostgreSQL."""

    def __init__(self, **options: Any) -> None:
        super().__init__(dumps=compact, **options)

    def parameter(self, value: Any) -> Any:
        """`value` as a parameter of a statement that is not put together by the query builder."""
        if value is None or not on_sqlite():
            return self.db_value(value)
        return compact(value)


#: What a column holds, for erase and export (docs/promises.md, Privacy).
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
    ("response"), or of invitations ("invitation"), or any mention of an id in its text ("mention": queues and kept
    answers, which erase removes and export leaves out); None for tables that know nothing of people. Erase and export
    walk `registered()` by it. A person is told every column of their rows that is not tagged TECHNICAL.
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


def is_told(table: type[Table], field: Field) -> bool:
    """Whether whoever a row is about is told what this column holds."""
    return holds(table).get(field.name) != TECHNICAL


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


def is_among(field: Field, name: str) -> Any:
    """An expression for `Prepared`: the field holds one of the values of the slot `name`, given as `listed`."""
    if on_sqlite():
        return field.in_(peewee.Select([peewee.fn.json_each(slot(name))], [SQL("value")]))
    return field == peewee.fn.ANY(slot(name))


def listed(values: Sequence[Any]) -> Any:
    """Values for `is_among`: a statement stays the same however many there are."""
    return compact(list(values)) if on_sqlite() else list(values)


class Prepared:
    """A query put together once: for every answer, the query builder would cost more than the database.

    `build` makes the query with `slot(name)` where values go; it is called once for each kind of database.
    """

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._made: dict[bool, tuple[str, list[Any]]] = {}

    def __call__(self, **values: Any) -> Any:
        """Run it and return the cursor."""
        sql, parameters = self.made()
        return database.execute_sql(sql, [values[p.name] if isinstance(p, _Slot) else p for p in parameters])

    def made(self) -> tuple[str, list[Any]]:
        """The text of the statement and its parameters, some of which are slots."""
        kind = on_sqlite()
        if kind not in self._made:
            self._made[kind] = self._build().sql()
        return self._made[kind]


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
    return row_of(
        table,
        {
            field.name: item if item is None else field.python_value(item)
            for field, item in zip(fields, found, strict=True)
        },
    )


def row_of(table: type[Table], values: dict[str, Any]) -> Any:
    """A row object that holds `values`, which must name all its fields, as if it had been read."""
    row: Any = table(__no_default__=True)
    row.__data__ = values
    return row


class Insert:
    """Insert whole rows of a table: a statement put together once.

    `on_conflict`: how the statement goes on, as peewee's method of that name takes it.
    """

    #: Rows of one statement. Few sizes, so that the statements stay prepared; SQLite takes 32,766 parameters.
    SIZES = (64, 32, 16, 8, 4, 2, 1)

    def __init__(self, table: type[Table], **on_conflict: Any) -> None:
        fields = self._fields = [field for field in table._meta.sorted_fields if not _numbered(field)]

        def build() -> Any:
            query = table.insert({field: slot(field.name) for field in fields})
            return query.on_conflict(**on_conflict) if on_conflict else query

        self._insert = Prepared(build)
        self._longer: dict[tuple[bool, int], str] = {}
        self._convert: dict[bool, list[tuple[str, Callable[[Any], Any] | None]]] = {}

    def __call__(self, row: Table) -> bool:
        """Insert `row`; columns it does not name are null. False when a conflict left it out."""
        return self.many([row.__data__]) > 0

    def many(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert rows, each field's value by its name (null when it has none); how many were inserted or changed."""
        names = self._converters()
        changed = start = 0
        while start < len(rows):
            size = next(size for size in self.SIZES if size <= len(rows) - start)
            values: list[Any] = []
            for row in rows[start : start + size]:
                for name, convert in names:
                    value = row.get(name)
                    values.append(value if value is None or convert is None else convert(value))
            changed += database.execute_sql(self._statement(size), values).rowcount
            start += size
        return changed

    def _converters(self) -> list[tuple[str, Callable[[Any], Any] | None]]:
        kind = on_sqlite()
        if kind not in self._convert:
            self._convert[kind] = [(field.name, _converter(field, kind)) for field in self._fields]
        return self._convert[kind]

    def _statement(self, size: int) -> str:
        sql, _ = self._insert.made()
        if size == 1:
            return sql
        key = on_sqlite(), size
        if key not in self._longer:
            one = "(" + ", ".join(["?" if key[0] else "%s"] * len(self._fields)) + ")"
            head, _, tail = sql.partition(one)
            self._longer[key] = head + ", ".join([one] * size) + tail
        return self._longer[key]


def _numbered(field: Field) -> bool:
    return isinstance(field, peewee.AutoField)


def _converter(field: Field, plain: bool) -> Callable[[Any], Any] | None:
    """What makes a value a parameter; None where drivers take it as it is, as of all of peewee's own fields."""
    if type(field) is JSONField:
        return field.parameter
    if type(field) is UTCField:
        return _moment_text if plain else _moment
    return None if type(field).__module__ == peewee.__name__ else field.db_value


class Lookup:
    """The row of a table in which one column has a value, locked until the end of the transaction if `lock`.

    `shared`: the same row object is given to all as long as the database says the same, so nobody may change it.
    """

    #: Rows that are shared at most; there are few surveys.
    SHARED = 256

    def __init__(self, field: Any, lock: bool = False, shared: bool = False) -> None:
        table = field.model
        self._table, self._fields = table, table._meta.sorted_fields
        self._shared: dict[Any, tuple[Any, Any]] | None = {} if shared else None

        def build() -> Any:
            query = table.select().where(field == slot("value")).limit(1)
            return query.for_update() if lock and not on_sqlite() else query

        self._select = Prepared(build)

    def __call__(self, value: Any) -> Any:
        """The row, or None."""
        found = self._select(value=value).fetchone()
        if found is None:
            return None
        if self._shared is None:
            return _row(self._table, self._fields, found)
        before, row = self._shared.get(value, (None, None))
        if before != found:
            row = _row(self._table, self._fields, found)
            if len(self._shared) >= self.SHARED:
                self._shared.clear()
            self._shared[value] = (found, row)
        return row


class Clock(Table):
    """Row 1: the count of ticks (SQLite), or what is added to transaction ids (PostgreSQL). Others: see `count`."""

    id = peewee.IntegerField(primary_key=True)
    tick = peewee.BigIntegerField(default=0)
