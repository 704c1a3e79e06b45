"""A file that only takes up room: SQLite cannot even delete on a full disk, so erasing may throw it overboard."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

FILE = "ballast"
BYTES = 16 * 1024 * 1024


def lay(data_dir: Path) -> bool:
    """Put the ballast in; False when the disk has no room to spare for it."""
    path = data_dir / FILE
    return _reaches(path, BYTES) or _fill(path, BYTES)


def lay_again(data_dir: Path) -> int:
    """Put back, after it was thrown out, what there is room for: whole, or a smaller part of it; how many bytes."""
    path = data_dir / FILE
    for part in (1, 2, 4, 8, 16):
        if _reaches(path, BYTES // part) or _fill(path, BYTES // part):
            return BYTES // part
    return 0


def _reaches(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size >= size


def _fill(path: Path, size: int) -> bool:
    before = path.stat().st_size if path.exists() else 0
    try:
        # Not by trying: that would leave no room to anybody else for a moment.
        if shutil.disk_usage(path.parent).free < size - before:
            return False
        with open(path, "ab") as file:
            # Not truncate(): a hole takes up no room.
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError:
        with contextlib.suppress(OSError):
            if before:
                os.truncate(path, before)
            else:
                path.unlink(missing_ok=True)
        return False
    return True


def drop(data_dir: Path) -> bool:
    """Throw the ballast out; True when there was some, and the disk lets go of it."""
    try:
        (data_dir / FILE).unlink()
    except OSError:
        return False
    return True


class Room:
    """What a command does in its body may throw the ballast out; afterwards it is put back, as far as there is room.

    `full` is the error by which it is told that there is no room.
    """

    def __init__(self, data_dir: Path, full: type[Exception]) -> None:
        self._data_dir, self._full = data_dir, full
        self._thrown = False
        #: Whether less could be put back than was thrown out.
        self.shrank = False

    def __enter__(self) -> "Room":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._thrown:
            self.shrank = lay_again(self._data_dir) < BYTES

    def do(self, verb: Callable[[], T]) -> T:
        """The result of `verb`, which is done again when there was no room, and so must not mind."""
        try:
            return verb()
        except self._full:
            if self._thrown or not drop(self._data_dir):
                raise
            self._thrown = True
            return verb()
