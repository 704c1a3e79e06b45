"""Creating calls that may be repeated: the first answer is kept for a day and given again."""

from datetime import datetime, timedelta

import peewee

from surveys.base import db, sealing
from surveys.base.db import Table, UTCField
from surveys.base.errors import Clash, Refused

KEPT = timedelta(days=1)

#: A call that began this long ago and has no answer died, perhaps after it had made something.
ABANDONED = timedelta(minutes=2)


class IdempotentCall(Table):
    """The first answer to one call; `status` null while it is still running. One with a secret in it is sealed."""

    digest = peewee.TextField(primary_key=True)
    body_digest = peewee.TextField()
    status = peewee.SmallIntegerField(null=True)
    answer = peewee.TextField(null=True)
    sealed = peewee.BooleanField(default=False)
    created_at = UTCField(index=True)

    class Meta:
        table_name = "idempotent_call"
        about = "mention"
        holds = {"answer": db.FREE_TEXT}


class OtherBody(Refused):
    """The key came with another body before."""

    def __init__(self) -> None:
        super().__init__("Was used with another body.", "Idempotency-Key")


class StillRunning(Clash):
    """The first call has not been answered yet."""

    def __init__(self) -> None:
        super().__init__("The first call with this Idempotency-Key is still running.")


class Unanswered(Clash):
    """The first call died before its answer was kept: nobody knows whether it made anything."""

    def __init__(self) -> None:
        super().__init__(
            "The first call with this Idempotency-Key was cut off, and may have made what it was to make. "
            "Look for it, and call again with another key only when it is not there."
        )


def begin(digest: str, body_digest: str, now: datetime) -> IdempotentCall | None:
    """Claim the key, or return the finished first call. Raises OtherBody, StillRunning, Unanswered."""

    def claim() -> IdempotentCall | None:
        mine = IdempotentCall.digest == digest
        IdempotentCall.delete().where(mine & (IdempotentCall.created_at < now - KEPT)).execute()
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
        raise Unanswered if earlier.created_at < now - ABANDONED else StillRunning
    return earlier


def finish(digest: str, status: int, answer: str, sealed: bool = False) -> None:
    """Keep the answer for whoever repeats the call.

    `sealed`: it holds a secret that is shown this once. Others stay plain, so that an erasure finds whom they mention.
    """
    kept = sealing.seal(answer) if sealed else answer
    query = IdempotentCall.update(status=status, answer=kept, sealed=sealed)
    db.write(query.where(IdempotentCall.digest == digest).execute)


def answer_of(call: IdempotentCall) -> str:
    """The answer that was kept. Raises sealing.Unreadable."""
    kept = call.answer or ""
    return sealing.unseal(kept) if call.sealed else kept


def forget(digest: str) -> None:
    """Give the key free: the call made nothing."""
    db.write(IdempotentCall.delete().where(IdempotentCall.digest == digest).execute)


def tidy(now: datetime) -> int:
    """Remove answers older than a day; how many."""
    return db.write(IdempotentCall.delete().where(IdempotentCall.created_at < now - KEPT).execute)
