"""API keys: issue, look up, revoke."""

import hashlib
import secrets
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import peewee

from surveys.base import db, ids
from surveys.base.accounts.caller import Caller
from surveys.base.db import JSONField, Table, UTCField


class ApiKey(Table):
    """One key. The key itself is not kept, only its SHA-256: it has 256 random bits, so no salt is needed."""

    id = peewee.TextField(primary_key=True)
    name = peewee.TextField()
    scopes = JSONField()
    surveys = JSONField(null=True)
    prefix = peewee.TextField()
    digest = peewee.TextField(unique=True)
    created_at = UTCField()
    revoked_at = UTCField(null=True)

    class Meta:
        table_name = "api_key"

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: itself. Others' names and limits tell of other surveys."""
        return cls.id == caller.id

    def caller(self) -> Caller:
        """Whoever sends this key."""
        surveys = None if self.surveys is None else frozenset(self.surveys)
        return Caller(self.id, self.name, frozenset(self.scopes), surveys)


def issue(
    name: str, scopes: Sequence[str], surveys: Sequence[str] | None, now: datetime, key: str | None = None
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is not kept. `key`: the secret to use instead of a new one."""
    secret = key or "ek_" + secrets.token_urlsafe(32)

    def insert() -> ApiKey:
        return ApiKey.create(
            id=ids.new("key"),
            name=name,
            scopes=sorted(set(scopes)),
            surveys=None if surveys is None else sorted(set(surveys)),
            prefix=secret[:7],
            digest=_digest(secret),
            created_at=now,
        )

    return db.write(insert), secret


def look_up(secret: str) -> ApiKey | None:
    """The key with this secret unless it is revoked. Asks the database each time: a revocation holds at once."""
    found = _by_digest(_digest(secret))
    return found if found is not None and found.revoked_at is None else None


_by_digest = db.Lookup(ApiKey.digest)


class Things(Protocol):
    """What keys and members made and what tells others by itself: saved views, webhooks. Others keep it."""

    def made_with(self, maker_ids: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        """The things, as a list of keys shows them, by the key or member that made them."""

    def revoke(self, maker_id: str) -> None:
        """The things go with their maker; called in the transaction that ends it."""

    def hand_over(self, maker_id: str) -> None:
        """The things stay although their maker goes; called in the transaction that ends it, while it still exists."""

    def narrow(self, maker_id: str) -> None:
        """The things are left paused, and kept to what their maker saw; called like `hand_over`."""


_things: dict[str, Things] = {}


def use_things(name: str, things: Things) -> None:
    """Who keeps the `feeds` or the `webhooks` that go with keys and members."""
    _things[name] = things


def kinds() -> tuple[str, ...]:
    """The kinds of what a key or a member makes, which may stay although their maker goes."""
    return tuple(_things)


def made_with(maker_ids: Sequence[str]) -> dict[str, dict[str, Sequence[Any]]]:
    """For each key or member what it made, by kind: {"key_…": {"feeds": […], "webhooks": […]}}."""
    found = {name: things.made_with(maker_ids) if maker_ids else {} for name, things in _things.items()}
    return {maker: {name: made.get(maker, []) for name, made in found.items()} for maker in maker_ids}


def part(maker_id: str, kept: Container[str] = (), ended: Container[str] = ()) -> None:
    """A maker goes: the kinds `kept` of what it made are the service's, those `ended` go too, and the rest is paused.

    Call it in the transaction that ends it, before that.
    """
    for name, things in _things.items():
        if name in kept:
            things.hand_over(maker_id)
        elif name in ended:
            things.revoke(maker_id)
        else:
            things.narrow(maker_id)


def revoke(key_id: str, now: datetime, kept: Container[str] = ()) -> bool:
    """Take a key out of use everywhere, and with it what it made; False when there is no such live key.

    `kept`: the kinds ("feeds", "webhooks") that stay and are the service's.
    """

    def verb() -> bool:
        query = ApiKey.update(revoked_at=now).where((ApiKey.id == key_id) & ApiKey.revoked_at.is_null())
        if query.execute() != 1:
            return False
        part(key_id, kept, [name for name in _things if name not in kept])
        return True

    return db.write(verb)


def hold(key_id: str) -> bool:
    """Whether a key is in use; it stays so until the transaction ends, in which this must be called."""
    found = ApiKey.select(ApiKey.id).where((ApiKey.id == key_id) & ApiKey.revoked_at.is_null())
    return (found if db.on_sqlite() else found.for_update()).first() is not None


def live() -> list[ApiKey]:
    """All keys in use, oldest first."""
    return list(ApiKey.select().where(ApiKey.revoked_at.is_null()).order_by(ApiKey.created_at, ApiKey.id))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
