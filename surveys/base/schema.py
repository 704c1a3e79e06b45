"""Migrations: apply them under a lock, take them back, say which are missing."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

from playhouse.migrations import Runner

from surveys.base import db
from surveys.base.settings import Settings

DIRECTORY = Path(__file__).resolve().parents[2] / "migrations"

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


def replace(
    settings: Settings, names: list[str], load: Callable[[], None], settle: Callable[[], None]
) -> None:
    """Empty the database, apply `names`, `load`, apply the other migrations, `settle`: all of it or nothing.

    `names` must be the first of `known()`. For a restore: a backup is loaded into the tables it was made from.
    """
    with _alone(settings), db.database.atomic():
        present = applied()
        if present:
            _runner().down(present[0])
        _runner().up(names[-1])
        load()
        _runner().up()
        settle()


def _runner() -> Runner:
    return Runner(db.database.obj, str(DIRECTORY))


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    if settings.on_sqlite:
        with open(settings.data_dir / "migrate.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    db.patient()
    db.database.execute_sql("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
    try:
        yield
    finally:
        db.database.execute_sql("SELECT pg_advisory_unlock(%s)", (ADVISORY_LOCK,))
