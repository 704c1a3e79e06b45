"""What each worker process has in hand, written where others find it when the process was killed.

A killed process says nothing, and the lease of its jobs would hold them for minutes. So each has a file in
DATA_DIR/hands, in which the job stands that it is at, and which it keeps locked. The system takes the lock away however
the process ends, so a file that can be locked belongs to nobody any more. Nothing here need reach a disk: after a power
cut the lease tells.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path


class Hand:
    """The file of this process. What cannot be written is left out: then the lease tells."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        unlocked = directory / f".{name}"
        self.path = directory / name
        self._file = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        # Not flock, which a child that was forked would go on holding.
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(self.path)

    def hold(self, job_id: int, lease_until: datetime) -> None:
        """Say which job is begun, and the lease of all that were taken with it."""
        with contextlib.suppress(OSError):
            # Always as long as before, so that a reader never finds a half.
            os.pwrite(
                self._file, f"{job_id:020d} {lease_until.isoformat(timespec='microseconds')}\n".encode(), 0
            )

    def empty(self) -> None:
        """Say that nothing is in hand."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Remove the file: this process ends by itself, with nothing in hand."""
        self.path.unlink(missing_ok=True)
        os.close(self._file)


def dropped(directory: Path, own: Hand | None = None) -> Iterator[tuple[int, datetime]]:
    """The job that each process was at which is dead now, and the lease of all that it had taken with it.

    Each is given to one caller, and is gone once that one asks for the next. `own` is left out: whoever opens and
    closes a file gives up the lock on it.
    """
    for path in directory.glob("[0-9]*") if directory.exists() else ():
        if own is not None and path == own.path:
            continue
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if said := os.read(file, 100).split():
                yield int(said[0]), datetime.fromisoformat(said[1].decode())
            os.ftruncate(file, 0)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            # It lives.
            pass
        finally:
            os.close(file)
