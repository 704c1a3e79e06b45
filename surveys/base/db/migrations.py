"""Migrations: apply them under a lock, take them back, say which are missing, and whether the tables fit."""

import contextlib
import dataclasses
import fcntl
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from playhouse.migrations import Runner

from surveys.base import db
from surveys.base.settings import Settings

DIRECTORY = Path(__file__).resolve().parents[3] / "migrations"

#: Any number will do, as long as nobody else locks on it.
ADVISORY_LOCK = 7_291_644_118


def pending() -> list[str]:
    """Names of the migrations that are not applied yet, in order."""
    return [migration.name for migration in _runner().status() if migration.path and not migration.applied]


def up(settings: Settings) -> list[str]:
    """Apply what is missing, one process at a time; the names applied."""
    with _alone(settings):
        applied = _runner().up()
        db.settle_clock()
        return applied


def down(settings: Settings, target: str | None = None) -> list[str]:
    """Take back the last migration, or all back through `target`; the names taken back."""
    with _alone(settings):
        return _runner().down(target)


def applied() -> list[str]:
    """Names of the migrations that are applied, in order."""
    return [migration.name for migration in _runner().status() if migration.applied]


def known() -> list[str]:
    """Names of all migrations that this version has, in order."""
    return [migration.name for migration in _runner().migrations()]


def differences() -> list[str]:
    """What of the tables would make a statement of this version fail; empty when they fit.

    That is tables, columns and unique indexes that are missing, columns of another type, and those that must have a
    value although this version knows none. For each a clause that names it.
    """
    columns, indexes = _columns_found(), _indexes_found()
    found: list[str] = []
    for table, (wanted, unique) in _expected(db.on_sqlite()).items():
        if table not in columns:
            found.append(f"table {table} is missing")
            continue
        present = columns[table]
        for name, (kind, nullable) in wanted.items():
            if name not in present:
                found.append(f"column {table}.{name} is missing")
                continue
            if present[name][0] != kind:
                found.append(f"column {table}.{name} holds {present[name][0]}, not {kind}")
            if present[name][1] != nullable:
                found.append(f"column {table}.{name} {'must not' if nullable else 'may'} be empty")
        for name, (_, nullable, has_default) in present.items():
            if name not in wanted and not nullable and not has_default:
                found.append(f"column {table}.{name} is unknown and must not be empty")
        found += [f"index {name} is missing" for name in unique - indexes.get(table, set())]
    return found


@functools.cache
def _expected(on_sqlite: bool) -> dict[str, tuple[dict[str, tuple[str, bool]], set[str]]]:
    """By table: type of each column and whether it may be empty, and the names of unique indexes."""
    found = {}
    for model in db.registered():
        meta: Any = model._meta  # type: ignore[attr-defined]
        keys = {field.name for field in meta.get_primary_keys()}
        columns = {
            field.column_name: (_kind(field, on_sqlite), field.null and field.name not in keys)
            for field in meta.sorted_fields
        }
        unique = {index._name for index in meta.fields_to_index() if index._unique}
        found[meta.table_name] = columns, unique
    return found


def _columns_found() -> dict[str, dict[str, tuple[str, bool, bool]]]:
    """By table and column: its type, whether it may be empty, and whether it has a default; none that is computed."""
    if db.on_sqlite():
        # What belongs to a primary key has a value anyway.
        query = (
            'SELECT m.name, c.name, c.type, NOT c."notnull", c.dflt_value IS NOT NULL OR c.pk '
            "FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table'"
        )
    else:
        query = (
            "SELECT table_name, column_name, data_type, is_nullable = 'YES', column_default IS NOT NULL "
            "FROM information_schema.columns WHERE table_schema = current_schema() AND is_generated = 'NEVER'"
        )
    found: dict[str, dict[str, tuple[str, bool, bool]]] = {}
    for table, column, kind, nullable, has_default in db.database.execute_sql(query).fetchall():
        found.setdefault(table, {})[column] = (kind.lower(), bool(nullable), bool(has_default))
    return found


def _indexes_found() -> dict[str, set[str]]:
    """Names of indexes by table."""
    if db.on_sqlite():
        query = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'"
    else:
        query = "SELECT tablename, indexname FROM pg_indexes WHERE schemaname = current_schema()"
    found: dict[str, set[str]] = {}
    for table, name in db.database.execute_sql(query).fetchall():
        found.setdefault(table, set()).add(name)
    return found


#: What information_schema calls types that are written otherwise in CREATE TABLE.
_CALLED = {"bigserial": "bigint", "timestamptz": "timestamp with time zone"}


def _kind(field: Any, on_sqlite: bool) -> str:
    """The type of a field's column as the database names it."""
    kind = field.ddl_datatype(db.database.get_sql_context()).sql.lower()
    return kind if on_sqlite else _CALLED.get(kind, kind)


def replace(
    settings: Settings,
    names: list[str],
    columns: Mapping[str, Sequence[str]],
    load: Callable[[], None],
    settle: Callable[[], None],
) -> None:
    """Empty the database, apply `names`, `load`, apply the other migrations, `settle`: all of it or nothing.

    `names` must be the first of `known()`. For a restore: a backup is loaded into the tables it was made from, which
    have the `columns` that it has, by table.
    """
    with _alone(settings), db.database.atomic():
        present = applied()
        if present:
            _runner().down(present[0])
        _runner().up(names[-1])
        _take_away_all_but(columns)
        load()
        _runner().up()
        settle()


def _take_away_all_but(columns: Mapping[str, Sequence[str]]) -> None:
    """Remove tables and columns that a backup does not have: an earlier text of 0001 made none (see 0002)."""
    found = _columns_found()
    for model in reversed(db.registered()):
        table = model._meta.table_name  # type: ignore[attr-defined]
        if table in found and table not in columns:
            db.database.execute_sql(f'DROP TABLE "{table}"')
            continue
        # SQLite drops no column of a foreign key: then the backup fits nothing, as loading it will say.
        kept = {key.column for key in db.database.get_foreign_keys(table)} if db.on_sqlite() else set()
        for name in set(found.get(table, ())) - set(columns.get(table, ())) - kept:
            # SQLite drops no column that an index knows; PostgreSQL drops the index too.
            for index in db.database.get_indexes(table) if db.on_sqlite() else ():
                if index.sql and f'"{name}"' in index.sql:
                    db.database.execute_sql(f'DROP INDEX "{index.name}"')
            db.database.execute_sql(f'ALTER TABLE "{table}" DROP COLUMN "{name}"')


def _runner() -> Runner:
    return Runner(db.database.obj, str(DIRECTORY))


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    if settings.on_sqlite:
        with open(settings.data_dir / "migrate.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    if db.is_pooled():
        with _alone_behind_a_pooler(settings):
            yield
        return
    db.patient()
    db.database.execute_sql("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
    try:
        yield
    finally:
        db.database.execute_sql("SELECT pg_advisory_unlock(%s)", (ADVISORY_LOCK,))


@contextlib.contextmanager
def _alone_behind_a_pooler(settings: Settings) -> Iterator[None]:
    """Around the pooler where there is a way; else another transaction holds the lock as long as that takes."""
    direct = settings.database_direct_url
    if direct is not None:
        db.open_database(dataclasses.replace(settings, database_url=direct, database_direct_url=None))
        try:
            with _alone(settings):
                yield
        finally:
            db.open_database(settings)
        return
    db.patient()
    with contextlib.closing(db.connect(settings.database_url)) as holding:
        holding.deadline = None
        with holding.transaction():
            holding.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            holding.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
            yield
            # The lock is of use only where it still is.
            holding.execute("SELECT 1")
