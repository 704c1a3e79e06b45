"""Sessions of members: a secret in a cookie, its SHA-256 in a table, ended everywhere by deleting the row."""

import hashlib
import secrets
from datetime import datetime, timedelta

import peewee
from peewee import BooleanField, TextField

from surveys.base import db
from surveys.base.accounts.members import Member
from surveys.base.db import Table, UTCField

#: A session ends after so long without a call, and after so long in any case.
IDLE, WHOLE = timedelta(days=7), timedelta(days=30)

#: How long whoever gave the password may take to give the code.
CODE_WITHIN = timedelta(minutes=10)

#: For so long after the password was given it is not asked for again.
TRUST = timedelta(minutes=15)

#: A session is marked as seen once in so long, so that reading seldom writes.
_MARKED_EVERY = timedelta(hours=1)


class Session(Table):
    """One browser of one member. The secret has 256 random bits, so its digest needs no salt.

    `awaits_code`: the password was right and the second factor is missing, so nobody is signed in yet.
    `trusted_at`: when the password was last given.
    """

    digest = TextField(primary_key=True)
    member = peewee.ForeignKeyField(Member, on_delete="CASCADE", column_name="member_id")
    awaits_code = BooleanField(default=False)
    created_at = UTCField()
    seen_at = UTCField()
    trusted_at = UTCField(null=True)

    member_id: str

    def is_trusted(self, now: datetime) -> bool:
        """Whether the password was given a moment ago."""
        return self.trusted_at is not None and now < self.trusted_at + TRUST


def new_secret() -> str:
    """What a cookie holds. It is nobody's until a session begins with it."""
    return secrets.token_urlsafe(32)


def begin(member_id: str, now: datetime, awaits_code: bool = False, trusted: bool = True) -> str:
    """Begin a session under a new secret, which is returned and not kept. `trusted`: the password was given."""
    secret = new_secret()
    db.write(
        lambda: Session.create(
            digest=_digest(secret),
            member=member_id,
            awaits_code=awaits_code,
            created_at=now,
            seen_at=now,
            trusted_at=now if trusted else None,
        )
    )
    return secret


def look_up(secret: str, now: datetime) -> Session | None:
    """The session with this secret, with its member; asks the database each time, so that an end holds at once."""
    found = (
        Session.select(Session, Member)
        .join(Member)
        .where(
            (Session.digest == _digest(secret))
            & (Session.created_at > now - WHOLE)
            & (Session.seen_at > now - IDLE)
        )
        .first()
    )
    if found is None or (found.awaits_code and found.created_at < now - CODE_WITHIN):
        return None
    if now - found.seen_at > _MARKED_EVERY:
        db.write(lambda: Session.update(seen_at=now).where(Session.digest == found.digest).execute())
    return found


def trust(session: Session, now: datetime) -> None:
    """The password was given again."""
    db.write(lambda: Session.update(trusted_at=now).where(Session.digest == session.digest).execute())
    session.trusted_at = now


def end(secret: str) -> None:
    """End the session with this secret."""
    db.write(lambda: Session.delete().where(Session.digest == _digest(secret)).execute())


def end_all(member_id: str, but: Session | None = None) -> int:
    """End every session of a member `but` one; how many."""
    where = Session.member == member_id
    if but is not None:
        where &= Session.digest != but.digest
    return db.write(lambda: Session.delete().where(where).execute())


def others(session: Session, now: datetime) -> int:
    """How many other browsers the member is signed in with."""
    return (
        Session.select()
        .where(
            (Session.member == session.member_id)
            & (Session.digest != session.digest)
            & ~Session.awaits_code
            & (Session.created_at > now - WHOLE)
            & (Session.seen_at > now - IDLE)
        )
        .count()
    )


def tidy(now: datetime) -> None:
    """Forget sessions that have run out."""
    gone = (Session.created_at < now - WHOLE) | (Session.seen_at < now - IDLE)
    gone |= Session.awaits_code & (Session.created_at < now - CODE_WITHIN)
    db.write(lambda: Session.delete().where(gone).execute())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
