"""Guessing is slow: after a few failures each further one costs a longer wait, exact over all processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import IntegerField, TextField

from surveys.base import db, signing
from surveys.base.db import Table, UTCField

#: So long after the last failure nothing is remembered.
FORGOTTEN_AFTER = timedelta(hours=24)


class Attempt(Table):
    """Failures in a row of one account, one address, or one account from one address, by a keyed hash."""

    key = TextField(primary_key=True)
    failures = IntegerField()
    last_at = UTCField()


@dataclass(frozen=True)
class Count:
    """Something whose failures are counted: `free` of them cost nothing; then the wait doubles up to `longest`."""

    name: str
    free: int
    longest: timedelta

    @property
    def key(self) -> str:
        """What stands for it in the table."""
        return signing.keyed_hash("attempt", self.name)

    def wait(self, failures: int) -> timedelta:
        """How long after the last of so many failures the next try may come."""
        over = failures - self.free
        return min(timedelta(seconds=2 ** min(over, 20)), self.longest) if over >= 0 else timedelta(0)


def counts(what: str, account: str, network: str) -> list[Count]:
    """What a try on an account from a network counts for.

    Many addresses can slow an account but never lock it: its own wait stays short.
    """
    return [
        Count(f"{what}\0{account}\0{network}", 5, timedelta(minutes=15)),
        Count(f"{what}\0\0{network}", 30, timedelta(minutes=15)),
        Count(f"{what}\0{account}", 50, timedelta(minutes=1)),
    ]


def of_network(what: str, network: str) -> list[Count]:
    """What a try counts for that names no account: a whole office may share the network, so its wait stays short."""
    return [Count(f"{what}\0\0{network}", 30, timedelta(minutes=1))]


def begin(counted: Sequence[Count], now: datetime) -> int:
    """0 when the try may be made, which then counts as failed until `succeeded`; else the seconds to wait."""

    def verb() -> int:
        db.serialise(*(each.key for each in counted))
        rows = {row.key: row for row in Attempt.select().where(Attempt.key.in_([c.key for c in counted]))}
        fresh = {key: row for key, row in rows.items() if now - row.last_at < FORGOTTEN_AFTER}
        waits = [
            (fresh[each.key].last_at + each.wait(fresh[each.key].failures) - now).total_seconds()
            for each in counted
            if each.key in fresh
        ]
        if (longest := max(waits, default=0.0)) > 0:
            return int(longest) + 1
        for each in counted:
            failures = fresh[each.key].failures + 1 if each.key in fresh else 1
            Attempt.insert(key=each.key, failures=failures, last_at=now).on_conflict(
                conflict_target=[Attempt.key], preserve=[Attempt.failures, Attempt.last_at]
            ).execute()
        return 0

    return db.write(verb)


def succeeded(counted: Sequence[Count]) -> None:
    """The try was right: the first of `counted` begins anew, and the others did not fail this time.

    Whoever has an account of their own gets no fresh tries at those of others by it.
    """
    first, *others = counted

    def verb() -> None:
        Attempt.delete().where(Attempt.key == first.key).execute()
        less = {Attempt.failures: Attempt.failures - 1}
        keys = [each.key for each in others]
        Attempt.update(less).where(Attempt.key.in_(keys) & (Attempt.failures > 0)).execute()

    db.write(verb)


def tidy(now: datetime) -> None:
    """Forget old failures."""
    db.write(lambda: Attempt.delete().where(Attempt.last_at < now - FORGOTTEN_AFTER).execute())
