"""Links that let in once: an invitation, the first administrator's way in, a new password."""

import hashlib
import secrets
from datetime import datetime, timedelta

import peewee
from peewee import SQL, TextField

from surveys.base import db
from surveys.base.accounts.members import Member
from surveys.base.db import Table, UTCField

WELCOME, RESET = "welcome", "reset"

#: How long each kind is good.
GOOD_FOR = {WELCOME: timedelta(hours=72), RESET: timedelta(hours=2)}


class OneTimeLink(Table):
    """One link. The token has 256 random bits, and only its SHA-256 is kept.

    `member` is null where whoever follows the link says who they are; `role` is then what they become.
    """

    digest = TextField(primary_key=True)
    kind = TextField()
    member = peewee.ForeignKeyField(Member, null=True, on_delete="CASCADE", column_name="member_id")
    role = TextField(null=True)
    created_at = UTCField()
    expires_at = UTCField()

    member_id: str | None

    class Meta:
        table_name = "one_time_link"
        constraints = [SQL("CHECK (kind IN ('welcome', 'reset'))")]


def make(kind: str, now: datetime, member_id: str | None = None, role: str | None = None) -> str:
    """The token of a new link, which is not kept. For a member, or for whoever becomes one in `role`."""
    token = secrets.token_urlsafe(32)
    db.write(
        lambda: OneTimeLink.create(
            digest=_digest(token),
            kind=kind,
            member=member_id,
            role=role,
            created_at=now,
            expires_at=now + GOOD_FOR[kind],
        )
    )
    return token


def look_up(kind: str, token: str, now: datetime) -> OneTimeLink | None:
    """The link with this token, unless it was used or has run out."""
    return OneTimeLink.get_or_none(
        (OneTimeLink.digest == _digest(token)) & (OneTimeLink.kind == kind) & (OneTimeLink.expires_at > now)
    )


def use(link: OneTimeLink) -> bool:
    """Use a link up, and with it all of its kind for the same member; False when somebody was first.

    Called in a transaction, which it makes wait for others that use links.
    """
    db.serialise("one-time links")
    if OneTimeLink.delete().where(OneTimeLink.digest == link.digest).execute() != 1:
        return False
    if link.member_id is not None:
        forget(link.member_id, link.kind)
    return True


def forget(member_id: str, kind: str) -> None:
    """Forget a member's links of one kind; called in a transaction."""
    OneTimeLink.delete().where((OneTimeLink.member == member_id) & (OneTimeLink.kind == kind)).execute()


def forget_first() -> None:
    """Forget every link that leads to no member; called in a transaction."""
    OneTimeLink.delete().where(OneTimeLink.member.is_null()).execute()


def tidy(now: datetime) -> None:
    """Forget links that have run out."""
    db.write(lambda: OneTimeLink.delete().where(OneTimeLink.expires_at < now).execute())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
