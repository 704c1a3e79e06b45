"""A file that only takes up room: SQLite cannot even delete on a full disk, so erasing may throw it overboard."""

import os
from pathlib import Path

FILE = "ballast"
BYTES = 16 * 1024 * 1024


def lay(data_dir: Path) -> bool:
    """Put the ballast in; False when the disk has no room to spare for it."""
    path = data_dir / FILE
    if path.exists() and path.stat().st_size == BYTES:
        return True
    try:
        with open(path, "wb") as file:
            # Not truncate(): a hole takes up no room.
            os.posix_fallocate(file.fileno(), 0, BYTES)
    except OSError:
        path.unlink(missing_ok=True)
        return False
    return True


def drop(data_dir: Path) -> bool:
    """Throw the ballast out; True when there was some."""
    try:
        (data_dir / FILE).unlink()
    except FileNotFoundError:
        return False
    return True
