"""Creating calls that may be repeated: the first answer is kept for a day and given again."""

from datetime import datetime, timedelta

import peewee

from surveys.base import db
from surveys.base.db import Table, UTCField

KEPT = timedelta(days=1)

#: A call that began this long ago and has no answer died; the key is free again.
ABANDONED = timedelta(minutes=2)


class IdempotentCall(Table):
    """The first answer to one call; `status` null while it is still running."""

    digest = peewee.TextField(primary_key=True)
    body_digest = peewee.TextField()
    status = peewee.SmallIntegerField(null=True)
    answer = peewee.TextField(null=True)
    created_at = UTCField()

    class Meta:
        table_name = "idempotent_call"
        about = "mention"
        holds = {"answer": db.FREE_TEXT}


class OtherBody(Exception):
    """The key came with another body before."""


class StillRunning(Exception):
    """The first call has not been answered yet."""


def begin(digest: str, body_digest: str, now: datetime) -> IdempotentCall | None:
    """Claim the key, or return the finished first call. Raises OtherBody and StillRunning."""

    def claim() -> IdempotentCall | None:
        over = (IdempotentCall.created_at < now - KEPT) | (
            IdempotentCall.status.is_null() & (IdempotentCall.created_at < now - ABANDONED)
        )
        # Of this key alone: to look through a day of calls would cost each of them more than its work.
        IdempotentCall.delete().where((IdempotentCall.digest == digest) & over).execute()
        try:
            with db.database.atomic():
                IdempotentCall.insert(digest=digest, body_digest=body_digest, created_at=now).execute()
        except peewee.IntegrityError:
            return IdempotentCall.get_by_id(digest)
        return None

    earlier = db.write(claim)
    if earlier is None:
        return None
    if earlier.body_digest != body_digest:
        raise OtherBody
    if earlier.status is None:
        raise StillRunning
    return earlier


def finish(digest: str, status: int, answer: str) -> None:
    """Keep the answer for whoever repeats the call."""
    db.write(
        IdempotentCall.update(status=status, answer=answer).where(IdempotentCall.digest == digest).execute
    )


def forget(digest: str) -> None:
    """Give the key free: the call made nothing."""
    db.write(IdempotentCall.delete().where(IdempotentCall.digest == digest).execute)


def tidy(now: datetime) -> int:
    """Remove answers older than a day; how many."""
    return db.write(IdempotentCall.delete().where(IdempotentCall.created_at < now - KEPT).execute)
