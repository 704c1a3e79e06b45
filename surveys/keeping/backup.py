"""Backups: everything there is in one file, made while the service runs, restored into either database.

A backup is gzipped lines of JSON: the manifest; for each table, parents first, its name and columns and then a
line for each row; at last the counts. So it can be read without us (zcat), goes from SQLite to PostgreSQL and
back, and a file that was cut short is told from a whole one before anything is touched.
"""

import contextlib
import gzip
import json
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from surveys import daily_counts, segment_counts, tombstones
from surveys.base import db, jobs, sealing, signing
from surveys.base.accounts.one_time_links import OneTimeLink
from surveys.base.accounts.sessions import Session
from surveys.base.db import compact, database
from surveys.base.db import migrations as db_migrations
from surveys.base.settings import Settings
from surveys.keeping import erasure
from surveys.models import Person, Response
from surveys.webhooks import telling

log = structlog.get_logger()

FORMAT = 1
BATCH = 1000

#: Called with how many more rows are done.
Progress = Callable[[int], None]

_NAME = re.compile(r"[a-z_]{1,60}")


class NotABackup(Exception):
    """The file is none of ours, is damaged, or was made by a newer version."""


class NotEmpty(Exception):
    """The database holds answers, which a restore would replace."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself; `rows` and `columns` by table are known once it was read through."""

    made_at: datetime
    migrations: list[str]
    secret_key: str
    secret_keys_before: list[str]
    database: str
    rows: dict[str, int]
    columns: dict[str, list[str]]


@dataclass(frozen=True)
class Restored:
    """What a restore did. `differing`: daily counts that do not equal the responses, which none should.

    `new_secret`: the backup's SECRET_KEY is in force from now on. `unknown_secrets`: how many keys of the backup
    neither are in force nor stand in SECRET_KEY_BEFORE, so that links made under them lead nowhere.
    """

    rows: dict[str, int]
    held: int
    erased_again: dict[str, int]
    differing: int
    new_secret: bool
    unknown_secrets: int


_looks: dict[str, Callable[[datetime], object]] = {}


def look_first(looks: Mapping[str, Callable[[datetime], object]]) -> None:
    """Have each of these, by name, look at what a restore brought back, before anything that waits is held.

    For what makes mail or calls out of what rows say: what those rows owed was told before the restore, as far as
    anybody knows, and what a look puts into the queue is held with all the rest.
    """
    _looks.update(looks)


def write(
    path: Path, settings: Settings, now: datetime, progress: Progress = lambda _: None
) -> dict[str, int]:
    """Write everything into `path` (mode 0600) as it was at one moment, while others write; rows by table.

    The file appears whole or not at all. It holds the key that signs tokens: keep it as safe as the data. On SQLite
    a copy of the database lies beside it meanwhile, if there is room.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with (
                gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=3) as packed,
                _one_moment(path.parent) as source,
            ):
                counts = _write_all(packed, source, settings, now, progress)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return counts


def total() -> int:
    """About how many rows a backup will have, for a progress bar."""
    return sum(map(db.rows_in, _tables()))


def check(path: Path, progress: Progress = lambda _: None) -> Manifest:
    """Read a backup through and return its manifest. Raises NotABackup when it is not whole."""
    try:
        return _checked(path, progress)
    except NotABackup:
        raise
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # A damaged byte can leave lines that are JSON and mean nothing.
        raise NotABackup(f"This is no backup of Earshot ({type(error).__name__}).") from error


def _checked(path: Path, progress: Progress) -> Manifest:
    counts: dict[str, int] = {}
    columns: dict[str, list[str]] = {}
    lines = _lines(path)
    manifest = _manifest(next(lines, None))
    table = ""
    for line in lines:
        if isinstance(line, list):
            counts[table] += 1
            progress(1)
        elif "end" in line:
            if line["end"] != counts:
                raise NotABackup("The counts in it do not fit its rows.")
            # The sum over the whole is checked by reading beyond the last line.
            if next(lines, None) is not None:
                raise NotABackup("Something follows its end.")
            return replace(manifest, rows=counts, columns=columns)
        else:
            table = line["table"]
            counts[table], columns[table] = 0, line["columns"]
    raise NotABackup("It was cut short.")


def restore(
    path: Path, settings: Settings, now: datetime, force: bool = False, progress: Progress = lambda _: None
) -> Restored:
    """Put a backup in place of what the database holds, all of it or nothing.

    Nothing of before leaves the house by itself afterwards: jobs that were waiting are held, and so is what
    `look_first` finds to be told. Who was erased since the
    backup is erased again, as far as the tombstones in the database replaced and in DATA_DIR tell. Raises
    NotABackup, and NotEmpty when there are answers or people and `force` is not given.
    """
    manifest = check(path)
    if manifest.migrations != db_migrations.known()[: len(manifest.migrations)] or not manifest.migrations:
        raise NotABackup("It was made by another version of Earshot, newer than this one.")
    db.patient()
    graves = _graves(settings, force)
    held = 0

    def settle() -> None:
        # In the same transaction: no worker may see a waiting job before it is held.
        nonlocal held
        if wrong := db_migrations.differences():
            raise NotABackup(f"It fits no version of Earshot: {'; '.join(wrong)}.")
        db.settle_clock()
        # They stand as of a tick of the other database.
        segment_counts.forget_all()
        _look(now)
        held = jobs.hold()
        # Whoever has signed out since the backup stays out, and a link that was used stays used.
        for table in (Session, OneTimeLink):
            table.delete().execute()
        telling.give_up()

    db_migrations.replace(
        settings, manifest.migrations, manifest.columns, lambda: _load(path, progress), settle
    )
    new_secret = _take_over_secret(settings, manifest)
    erased_again = erasure.replay(graves, now)
    erasure.settle()
    in_force = manifest.secret_key if new_secret else settings.secret_key
    unknown = {manifest.secret_key, *manifest.secret_keys_before} - {in_force, *settings.secret_keys_before}
    return Restored(
        manifest.rows, held, erased_again, len(daily_counts.differences()), new_secret, len(unknown)
    )


# --------------------------------------------------------------------------------------------- writing


#: What must stay free beside the copy of a database, in bytes: the backup itself, and what others write meanwhile.
SPARE = 64 * 1024 * 1024


@contextlib.contextmanager
def _one_moment(directory: Path) -> Iterator[Any]:
    """A connection that sees everything as it is now, whatever others write meanwhile.

    On SQLite that is one to a copy in `directory`, made in one go: as long as somebody reads a moment that is gone,
    the write-ahead log cannot begin anew and grows. Without room for a copy it is the database itself.
    """
    db.patient()
    connection = database.connection()
    if db.on_sqlite():
        copy = _copied(connection, directory)
        if copy is not None:
            with contextlib.closing(copy):
                yield copy
            return
    # One snapshot for all tables; on SQLite a plain BEGIN takes no lock that a writer would wait for.
    connection.execute("BEGIN" if db.on_sqlite() else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        yield connection
    finally:
        connection.execute("ROLLBACK")


def _copied(connection: Any, directory: Path) -> Any:
    """A connection to a copy of SQLite's database, which has no name any more and goes with it; None without room."""
    size = connection.execute(
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    ).fetchone()[0]
    if shutil.disk_usage(directory).free < 2 * size + SPARE:
        return None
    # Made by us, so that it is for nobody else. VACUUM INTO fills an empty file.
    descriptor, name = tempfile.mkstemp(prefix=".earshot-", suffix=".copy", dir=directory)
    os.close(descriptor)
    try:
        connection.execute("VACUUM INTO ?", (name,))
        return type(connection)(name)
    finally:
        # Who has opened it reads on.
        os.unlink(name)


def _write_all(
    file: Any, source: Any, settings: Settings, now: datetime, progress: Progress
) -> dict[str, int]:
    applied = source.execute("SELECT name FROM schema_migration ORDER BY name").fetchall()
    head = {
        "earshot": FORMAT,
        "made_at": now.isoformat(),
        "migrations": [name for (name,) in applied],
        "secret_key": settings.secret_key,
        "secret_keys_before": list(settings.secret_keys_before),
        "database": "sqlite" if db.on_sqlite() else "postgresql",
    }
    file.write(_line(head))
    counts: dict[str, int] = {}
    for name in _tables():
        columns = _columns(name)
        file.write(_line({"table": name, "columns": list(columns)}))
        counts[name] = 0
        for rows in _rows(source, name, columns):
            file.write(b"".join(_line(list(row)) for row in rows))
            counts[name] += len(rows)
            progress(len(rows))
    file.write(_line({"end": counts}))
    return counts


def _line(value: Any) -> bytes:
    return compact(value).encode() + b"\n"


def _tables() -> list[str]:
    """Our tables, parents first."""
    present = set(database.get_tables())
    return [name for table in db.registered() if (name := table._meta.table_name) in present]


def _columns(table: str) -> dict[str, str]:
    """Names and types of the stored columns; what the database computes itself is left out."""
    if db.on_sqlite():
        rows = database.execute_sql(f'PRAGMA table_xinfo("{table}")').fetchall()
        return {row[1]: row[2] for row in rows if not row[6]}
    rows = database.execute_sql(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = %s AND is_generated = 'NEVER' "
        "ORDER BY ordinal_position",
        (table,),
    ).fetchall()
    return dict(rows)


#: How PostgreSQL writes a value the way SQLite holds it.
_AS_STORED = {
    "jsonb": '"{}"::text',
    "timestamp with time zone": 'to_char("{}" AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')',
}


def _rows(source: Any, table: str, columns: dict[str, str]) -> Iterator[list[tuple]]:
    """All rows of a table in batches, none of which stays in memory."""
    names = ", ".join(_AS_STORED.get(kind, '"{}"').format(name) for name, kind in columns.items())
    statement = f'SELECT {names} FROM "{table}"'  # noqa: S608
    # On PostgreSQL a named cursor stays on the server and sends a batch at a time.
    cursor = source.cursor() if db.on_sqlite() else source.cursor(name="backup")
    try:
        cursor.execute(statement)
        while rows := cursor.fetchmany(BATCH):
            yield rows
    finally:
        cursor.close()


# --------------------------------------------------------------------------------------------- reading


def _lines(path: Path) -> Iterator[Any]:
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                yield json.loads(line)
    except FileNotFoundError:
        raise NotABackup("There is no such file.") from None
    except EOFError:
        raise NotABackup("The file ends too early: a part of the backup is missing.") from None
    except (OSError, zlib.error, ValueError) as error:
        raise NotABackup(f"This is no backup of Earshot ({type(error).__name__}).") from error


def _manifest(head: Any) -> Manifest:
    if not isinstance(head, dict) or head.get("earshot") != FORMAT:
        raise NotABackup("It is no backup of Earshot, or one of a newer version.")
    return Manifest(
        made_at=datetime.fromisoformat(head["made_at"]).astimezone(UTC),
        migrations=head["migrations"],
        secret_key=head["secret_key"],
        secret_keys_before=head.get("secret_keys_before", []),
        database=head["database"],
        rows={},
        columns={},
    )


def _load(path: Path, progress: Progress) -> None:
    """Insert every row of a checked file, table by table."""
    lines = _lines(path)
    next(lines)
    table = ""
    columns: list[str] = []
    waiting: list[list[Any]] = []

    def flush() -> None:
        if waiting:
            _insert(table, columns, waiting)
            progress(len(waiting))
            waiting.clear()

    for line in lines:
        if isinstance(line, list):
            waiting.append(line)
            if len(waiting) >= BATCH:
                flush()
        else:
            flush()
            if "end" in line:
                break
            table, columns = line["table"], line["columns"]
            if not all(_NAME.fullmatch(name) for name in (table, *columns)):
                raise NotABackup("A name in it is none of ours.")
            present = {column.name for column in database.get_columns(table)}
            if strange := [name for name in columns if name not in present]:
                raise NotABackup(f"It fits no version of Earshot: column {table}.{strange[0]} is unknown.")
            # Migrations may have put a first row there.
            database.execute_sql(f'DELETE FROM "{table}"')  # noqa: S608
    if not db.on_sqlite():
        _continue_sequences()


def _insert(table: str, columns: list[str], rows: list[list[Any]]) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    if db.on_sqlite():
        marks = ", ".join("?" * len(columns))
        database.connection().executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # noqa: S608
        return
    kinds = _columns(table)
    truths = [index for index, name in enumerate(columns) if kinds[name] == "boolean"]
    with (
        database.connection().cursor() as cursor,
        cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy,
    ):
        for row in rows:
            for index in truths:
                row[index] = None if row[index] is None else bool(row[index])
            copy.write_row(row)


def _continue_sequences() -> None:
    """Let numbers that PostgreSQL gives out go on after those that were loaded."""
    rows = database.execute_sql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
        "AND column_default LIKE 'nextval(%%'"
    ).fetchall()
    for table, column in rows:
        database.execute_sql(
            f"SELECT setval(pg_get_serial_sequence('\"{table}\"', '{column}'), "  # noqa: S608
            f'(SELECT COALESCE(MAX("{column}"), 0) + 1 FROM "{table}"), false)'
        )


# --------------------------------------------------------------------------------------------- restoring


def _graves(settings: Settings, force: bool) -> dict[str, datetime]:
    """Who was erased, as far as the database about to be replaced and the file beside it know."""
    graves = tombstones.mirrored(settings.data_dir)
    present = set(database.get_tables())
    in_use = {"response", "person"} <= present and (Response.select().exists() or Person.select().exists())
    if in_use and not force:
        raise NotEmpty("The database holds answers or people.")
    if "tombstone" in present:
        for name, moment in tombstones.known().items():
            graves[name] = max(moment, graves.get(name, moment))
    return graves


def _look(now: datetime) -> None:
    """One that fails keeps neither the others from it nor the data from being restored."""
    for name, look in _looks.items():
        try:
            with database.atomic():
                look(now)
        except Exception as error:
            if db.away(error):
                raise
            log.error("look after a restore failed", look=name, exc_info=error)


def _take_over_secret(settings: Settings, manifest: Manifest) -> bool:
    """Sign with the backup's key from now on, unless the environment names one; True when that is another one.

    Where the environment's stays, what the backup holds sealed is sealed anew under it.
    """
    secret, before = manifest.secret_key, (*manifest.secret_keys_before, *settings.secret_keys_before)
    if secret != settings.secret_key and settings.secret_key_in_data_dir:
        tombstones.replace_file(settings.data_dir / "secret-key", secret.encode() + b"\n")
        signing.use_secret(secret, before)
        sealing.seal_plain()
        # The next start knows the earlier keys only if somebody names them.
        sealing.reseal()
        return True
    sealing.seal_plain()
    if secret != settings.secret_key or manifest.secret_keys_before:
        signing.use_secret(settings.secret_key, (secret, *before))
        sealing.reseal()
        signing.use_secret(settings.secret_key, settings.secret_keys_before)
    return False
