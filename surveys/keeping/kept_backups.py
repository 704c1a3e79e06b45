"""Backups by themselves: one a day into BACKUP_DIR, each read back, seven days and four weeks of them kept."""

import contextlib
import fcntl
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog

from surveys import tombstones
from surveys.base import clock, db, worker
from surveys.base.settings import Settings
from surveys.keeping import backup

log = structlog.get_logger()

DAYS, WEEKS = 7, 4
#: A backup this old is made anew within the hour: the machine was off at night, or the last try failed.
OVERDUE = timedelta(hours=25)

_FAILURES: tuple[type[Exception], ...] = (OSError, backup.NotABackup, *db.FAILURES)
_FILE = re.compile(r"earshot-(\d{4}-\d{2}-\d{2})\.gz")
#: Beside the data: what could not be written into BACKUP_DIR must be told all the same.
_STATE = "backup.json"


@dataclass(frozen=True)
class State:
    """When the last good backup was made (None: never), and whether the last try failed."""

    at: datetime | None = None
    failed: bool = False


def state(settings: Settings) -> State | None:
    """How the backups of this machine are; None where BACKUP_DIR is not set."""
    if settings.backup_dir is None:
        return None
    try:
        stored = json.loads((settings.data_dir / _STATE).read_text())
        at = datetime.fromisoformat(stored["at"]) if stored["at"] else None
        return State(at, bool(stored["failed"]))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, KeyError, TypeError):
        return State(failed=True)


def duties(settings: Settings) -> tuple[Callable[[datetime], None], Callable[[datetime], None]]:
    """What is done every night, and what every hour."""

    def back_up(now: datetime) -> None:
        if settings.backup_dir is not None:
            worker.beside(functools.partial(make, settings), "backup")

    def make_up_for_a_backup(now: datetime) -> None:
        before = state(settings)
        if before is not None and (before.at is None or before.failed or now - before.at > OVERDUE):
            back_up(now)

    return back_up, make_up_for_a_backup


def make(settings: Settings) -> State:
    """Write today's backup, read it back, and remove those that need not be kept; tells how it went, and notes it."""
    now = clock.now()
    before = state(settings) or State()
    try:
        assert settings.backup_dir is not None
        with _alone(settings.backup_dir) as alone:
            if not alone:
                return before
            _write(settings.backup_dir, settings, now)
        found = State(now, failed=False)
    except _FAILURES as error:
        db.forget_connection()
        why = error.strerror if isinstance(error, OSError) else None
        log.error("backup failed", reason=why or type(error).__name__)
        found = State(before.at, failed=True)
    told = asdict(found) | {"at": found.at.isoformat() if found.at else None}
    with contextlib.suppress(OSError):
        tombstones.replace_file(settings.data_dir / _STATE, json.dumps(told).encode())
    return found


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[bool]:
    """Whether no other worker writes into the folder meanwhile. Raises OSError where it is not there."""
    with open(directory / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _write(directory: Path, settings: Settings, now: datetime) -> None:
    # Alone here: what lies unfinished is of somebody who was killed.
    for rest in directory.glob(".earshot-*"):
        rest.unlink()
    unread = directory / f".earshot-{now.astimezone(UTC):%Y-%m-%d}.unread"
    try:
        counts = backup.write(unread, settings, now)
        if backup.check(unread).rows != counts:
            raise backup.NotABackup("It holds other rows than were written.")
        unread.replace(directory / f"earshot-{now.astimezone(UTC):%Y-%m-%d}.gz")
    finally:
        unread.unlink(missing_ok=True)
    for path in not_kept(directory.iterdir()):
        path.unlink()
    log.info("backup made", rows=sum(counts.values()))


def not_kept(paths: Iterable[Path]) -> list[Path]:
    """Those of our backups that may go: all but the newest seven, and of the older ones the last of each of the newest
    four weeks. Files of other names are not ours."""
    days: dict[date, Path] = {}
    for path in paths:
        if named := _FILE.fullmatch(path.name):
            with contextlib.suppress(ValueError):
                days[date.fromisoformat(named[1])] = path
    newest = sorted(days, reverse=True)
    weeks: dict[tuple[int, int], date] = {}
    for day in newest[DAYS:]:
        weeks.setdefault(day.isocalendar()[:2], day)
    kept = {*newest[:DAYS], *list(weeks.values())[:WEEKS]}
    return [path for day, path in days.items() if day not in kept]
