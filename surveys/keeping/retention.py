"""What is kept no longer: receipts nobody looks at, people long unheard of, mail that was only filed."""

import functools
import operator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from surveys import triggers
from surveys.base import db
from surveys.keeping import erasure
from surveys.models import Invitation, Person, Resolution, Trigger

#: Receipts of calls that asked nobody tell of a set-up that does not work; for longer than this nobody wonders.
KEEP_IDLE = timedelta(days=30)

#: Files of the outbox stand for mail that would have been sent.
KEEP_FILED = timedelta(days=30)

#: Rows that go in one transaction.
AT_ONCE = 1000


def trim_receipts(now: datetime, days: int) -> int:
    """Remove receipts and the marks of asked tickets older than `days` (0: keep them); how many.

    Calls that asked nobody go sooner, and what they said once it cannot be a repetition any more.
    """
    idle = _idle()
    said = idle & Trigger.body.is_null(False) & (Trigger.created_at < now - triggers.REMEMBERED)
    # A look-up still under way is deferred, not idle: what it says is needed.
    db.write(Trigger.update(body=None).where(said).execute)
    old = Trigger.created_at < now - KEEP_IDLE
    count = _remove(Trigger, idle & old)
    if days:
        past = now - timedelta(days=days)
        count += _remove(Trigger, Trigger.created_at < past)
        count += db.write(Resolution.delete().where(Resolution.created_at < past).execute)
    return count


def forget_people(now: datetime, days: int) -> int:
    """Erase whoever was not asked and said nothing for `days` (0: nobody), with all they said; how many rows.

    Who asked us never to ask again, or unsubscribed, stays known: we could not keep to it otherwise.
    """
    if not days:
        return 0
    rows = list(Person.select().where(_quiet(now, days)).limit(AT_ONCE))
    for row in rows:
        erasure.erase([row], now)
    return len(rows)


def due(now: datetime, receipt_days: int, people_days: int, outbox: Path) -> dict[str, int]:
    """What the next night would remove: how many `receipts`, `people` and filed `mails`."""
    receipts = _idle() & (Trigger.created_at < now - KEEP_IDLE)
    if receipt_days:
        receipts |= Trigger.created_at < now - timedelta(days=receipt_days)
    return {
        "receipts": Trigger.select().where(receipts).count(),
        "people": Person.select().where(_quiet(now, people_days)).count() if people_days else 0,
        "mails": len(_filed_long_ago(now, outbox)),
    }


def empty_outbox(now: datetime, directory: Path) -> int:
    """Remove mails that were filed long ago; how many."""
    old = _filed_long_ago(now, directory)
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


def _idle() -> Any:
    """Receipts of calls that asked nobody."""
    return Trigger.decision.in_(["ignored", "duplicate"]) | Trigger.dry_run


def _filed_long_ago(now: datetime, directory: Path) -> list[Path]:
    oldest = (now - KEEP_FILED).timestamp()
    return [file for file in directory.glob("*.eml") if file.stat().st_mtime < oldest]


def _quiet(now: datetime, days: int) -> Any:
    """People who were not asked and said nothing for so long, and may be forgotten."""
    past = now - timedelta(days=days)
    heard = (Person.last_asked_at, Person.last_answered_at, Person.last_declined_at)
    silent = [column.is_null() | (column < past) for column in heard]
    bound = Person.never_ask | Person.unsubscribed_at.is_null(False)
    waiting = Invitation.select(Invitation.person).where(
        Invitation.status == "scheduled", Invitation.person.is_null(False)
    )
    quiet = functools.reduce(operator.and_, silent, Person.created_at < past) & ~bound
    return quiet & Person.id.not_in(waiting)


def _remove(table: type[Trigger], where: Any) -> int:
    """Delete rows a few at a time, so that answers are stored in between."""
    count = 0
    while ids := [row.id for row in table.select(table.id).where(where).limit(AT_ONCE)]:
        count += db.write(table.delete().where(table.id.in_(ids)).execute)
    return count
