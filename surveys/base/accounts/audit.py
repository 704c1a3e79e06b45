"""The audit log: who changed what, and when. Names of fields are kept, never what they hold."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from peewee import TextField

from surveys.base import db, ids, signing
from surveys.base.accounts.caller import Caller
from surveys.base.db import IDENTIFIER, PSEUDONYM, JSONField, Table, UTCField


class AuditEntry(Table):
    """One change that was made.

    `caller`: the name of a member or a key, or "command line"; `caller_id`: the member's or the key's id. `thing`: the
    id of what was changed; where that leads to a person it is a keyed hash, so that nothing is left of who is erased,
    behind what the id begins with and a colon: `fu:…`.
    """

    id = TextField(primary_key=True)
    at = UTCField()
    caller = TextField()
    caller_id = TextField(null=True)
    action = TextField()
    thing = TextField(null=True)
    fields = JSONField()
    request_id = TextField(null=True)

    class Meta:
        table_name = "audit_entry"
        indexes = ((("at", "id"), False),)
        holds = {"caller": IDENTIFIER, "caller_id": PSEUDONYM, "thing": PSEUDONYM}

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: what they changed themselves."""
        return cls.caller_id == caller.id


#: Beginnings of ids that stay when what they name is erased: they lead to nobody.
_LASTING = (
    *("sv_", "key_", "mem_", "con_", "top_", "thm_", "feed_"),
    *("goal_", "rule_", "wh_", "trk_", "pin_", "bm_"),
)

#: Beginnings of ids that are kept as hashes: they say what kind of thing it was.
_FLEETING = frozenset(("fu", "per", "inv", "dig", "ntc", "loop"))


def note(
    caller: str,
    caller_id: str | None,
    action: str,
    thing: str | None,
    fields: Sequence[str],
    request_id: str | None,
    now: datetime,
) -> None:
    """Write one change down. `fields`: the names of what was given."""
    db.write(
        lambda: AuditEntry.create(
            id=ids.new("aud"),
            at=now,
            caller=caller,
            caller_id=caller_id,
            action=action,
            thing=None if thing is None else stored(thing),
            fields=[name[:100] for name in fields][:50],
            request_id=request_id,
        )
    )


def stored(thing: str) -> str:
    """An id as the log holds it."""
    if thing.startswith(_LASTING):
        return thing
    kind = kind_of(thing, "_")
    return f"{kind}:{_hashed(thing)}" if kind else _hashed(thing)


def kind_of(thing: str, mark: str = ":") -> str | None:
    """What the id of a thing that is kept as a hash begins with, as far as the log says so."""
    kind = thing.partition(mark)[0]
    return kind if kind in _FLEETING else None


def entries(thing: str | None = None, caller_id: str | None = None, besides: Collection[str] = ()) -> Any:
    """The changes of one thing and of those `besides` it, by one caller, or all, as a query."""
    found = AuditEntry.select()
    if thing is not None:
        # Of many things older entries hold the hash alone.
        held = {name for each in (thing, *besides) for name in (stored(each), _hashed(each))}
        found = found.where(AuditEntry.thing.in_(held))
    if caller_id is not None:
        found = found.where(AuditEntry.caller_id == caller_id)
    return found


def forget(before: datetime) -> int:
    """Forget changes that are older; how many."""
    return db.write(lambda: AuditEntry.delete().where(AuditEntry.at < before).execute())


def _hashed(thing: str) -> str:
    return signing.keyed_hash("audit", thing)
