"""Secrets at rest: what must be read again, and so cannot be hashed, lies sealed in the database (Fernet).

The key is derived from SECRET_KEY, which is no part of the database. Whoever has a copy of the tables alone has no
secrets; whoever has both, as a backup made by `flask backup` does, has them. New values are sealed under the key in
force; those of the keys in SECRET_KEY_BEFORE are still read, until `reseal` has been round.
"""

import base64
import functools
import json
from typing import Any

import peewee
import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from surveys.base import db, signing

log = structlog.get_logger()


#: How every Fernet token begins: version 0x80, then the upper bytes of a time in seconds.
_SEALED = "gAAAAA"


class Unreadable(Exception):
    """It was sealed under a key that is not known here, or was changed since."""


def seal(text: str) -> str:
    """`text` encrypted and signed (AES-128-CBC with HMAC-SHA256), as URL-safe text; each time another one.

    https://github.com/fernet/spec/blob/master/Spec.md
    """
    return _cipher().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed. Raises Unreadable."""
    try:
        return _cipher().decrypt(sealed).decode()
    except InvalidToken:
        raise Unreadable from None


class SealedField(peewee.TextField):
    """A text that is sealed in the database and plain in Python.

    One that cannot be read is "", which proves nothing to anybody, and is logged; the row is otherwise of use.
    """

    def db_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, peewee.Node) else seal(value)

    def python_value(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return unseal(value)
        except Unreadable:
            log.error("a stored secret cannot be read: SECRET_KEY is another one", column=self.name)
            return ""


class SealedJSONField(SealedField):
    """The same for any JSON. What cannot be read is None."""

    def db_value(self, value: Any) -> Any:
        plain = value is None or isinstance(value, peewee.Node)
        return value if plain else super().db_value(db.compact(value))

    def python_value(self, value: Any) -> Any:
        text = super().python_value(value)
        return json.loads(text) if text else None


def reseal() -> int:
    """Seal every stored secret anew under the key in force; how many. Those that cannot be read stay as they are."""
    count = 0
    for table in db.registered():
        names = [field.name for field in table._meta.sorted_fields if isinstance(field, SealedField)]
        if names:
            count += db.write(functools.partial(_reseal, table, names))
    return count


def seal_plain() -> int:
    """Seal what was stored before anything was sealed; how many. What is sealed already stays."""
    count = 0
    for table in db.registered():
        for field in table._meta.sorted_fields:
            if isinstance(field, SealedField):
                count += db.write(functools.partial(_seal_plain, table, field))
    return count


# ------------------------------------------------------------------------------------------------------


def _seal_plain(table: type[db.Table], field: SealedField) -> int:
    key: Any = table._meta.primary_key  # type: ignore[attr-defined]
    as_it_is: Any = peewee.Cast(field, "TEXT")
    rows: Any = table.select(key, as_it_is).where(as_it_is.is_null(False)).tuples()
    plain = [(row, text) for row, text in rows if not text.startswith(_SEALED)]
    for row, text in plain:
        table.update({field: peewee.Value(seal(text), converter=False)}).where(key == row).execute()
    return len(plain)


def _reseal(table: type[db.Table], names: list[str]) -> int:
    count = 0
    key: Any = table._meta.primary_key  # type: ignore[attr-defined]
    for row in list(table.select()):
        readable = {name: value for name in names if (value := getattr(row, name))}
        if readable:
            table.update(**readable).where(key == getattr(row, key.name)).execute()
            count += len(readable)
    return count


def _cipher() -> MultiFernet:
    return _made(signing.derived_keys("seal"))


@functools.lru_cache(maxsize=4)
def _made(keys: tuple[bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
