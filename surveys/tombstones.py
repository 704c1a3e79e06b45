"""Tombstones: keyed hashes of who and what was erased, so that no restore brings them back."""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from surveys.base import db, signing
from surveys.domain import addresses
from surveys.models import Tombstone

#: Kinds of what is buried; an address and an id that look alike are not the same grave. EMAIL: somebody asked for
#: everybody to be erased who goes by it. ADDRESS: it went with its last owner, so nothing may name it any more.
PERSON, EMAIL, ADDRESS, EXTERNAL_ID, RESPONSE = "person", "email", "address", "external id", "response"

_stone = db.Lookup(Tombstone.digest)

#: Where tombstones are kept beside the database, which a restore overwrites.
FILE = "tombstones.json"


def digest(kind: str, value: str) -> str:
    """The keyed hash by which `value` is known again; it does not give the value away."""
    return signing.keyed_hash("tombstone " + kind, value.strip().lower())


def bury(kind: str, values: Iterable[str | None], now: datetime) -> None:
    """Leave a tombstone for each value. Call it in the transaction of the erasure."""
    keep({digest(kind, value): now for value in values if value})


def keep(graves: dict[str, datetime]) -> None:
    """Write tombstones, digest to moment of erasure; the later moment wins. Call it in a transaction."""
    for name, moment in graves.items():
        Tombstone.insert(digest=name, erased_at=moment).on_conflict(
            conflict_target=[Tombstone.digest],
            update={Tombstone.erased_at: moment},
            where=Tombstone.erased_at < moment,
        ).execute()


def stands(kind: str, value: str) -> bool:
    """Whether `value` was erased, at any time."""
    return _stone(digest(kind, value)) is not None


def count() -> int:
    """How many there are: one more with whatever is erased, so that nothing worked out before that is taken for new."""
    return Tombstone.select().count()


def known() -> dict[str, datetime]:
    """All tombstones of the database, digest to moment of erasure."""
    rows: Any = Tombstone.select(Tombstone.digest, Tombstone.erased_at).tuples()
    return dict(rows)


def mirrored(data_dir: Path) -> dict[str, datetime]:
    """The tombstones in the file beside the database; none when there is no file."""
    try:
        stored = json.loads((data_dir / FILE).read_text())
    except FileNotFoundError:
        return {}
    return {name: datetime.fromisoformat(moment) for name, moment in stored.items()}


def mirror(data_dir: Path) -> int:
    """Bring the file up to date with the database, in one step and mode 0600; how many it holds."""
    before = mirrored(data_dir)
    graves = {**before, **known()}
    if graves != before:
        stored = {name: moment.isoformat() for name, moment in sorted(graves.items())}
        replace_file(data_dir / FILE, json.dumps(stored, indent=0).encode())
    return len(graves)


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in place of what `path` holds, durably, mode 0600: a reader sees the old or the new."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_buried(graves: dict[str, datetime], kind: str, value: str | None, since: datetime) -> bool:
    """True when `value`, known to us since `since`, was erased later: who comes back afterwards is somebody new."""
    if not value:
        return False
    moments = [graves[digest] for digest in _digests(kind, value) if digest in graves]
    return any(since <= moment for moment in moments)


def is_erased(kind: str, value: str, since: datetime) -> bool:
    """`is_buried` by the tombstones of the database."""
    found = [_stone(digest) for digest in _digests(kind, value)]
    return any(since <= stone.erased_at for stone in found if stone is not None)


def _digests(kind: str, value: str) -> list[str]:
    # Addresses were buried as they were typed before they had one form.
    names = addresses.spellings(value) if kind in (EMAIL, ADDRESS) else (value,)
    return [digest(kind, name) for name in names]
