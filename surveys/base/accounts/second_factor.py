"""The second factor: one-time codes of an authenticator (RFC 6238), and recovery codes for when it is lost."""

import hashlib
import secrets
from datetime import datetime

import peewee
import pyotp
from peewee import TextField

from surveys.base import db
from surveys.base.accounts.members import Member
from surveys.base.db import Table

#: Seconds that one code is good for, and how many codes before and after are taken too: clocks differ.
STEP, AROUND = 30, 1

#: How many recovery codes a member has; each works once.
RECOVERY_CODES = 10

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class RecoveryCode(Table):
    """One recovery code. It has 79 random bits, and only its SHA-256 is kept."""

    member = peewee.ForeignKeyField(Member, on_delete="CASCADE", column_name="member_id", index=False)
    digest = TextField()

    class Meta:
        table_name = "recovery_code"
        primary_key = peewee.CompositeKey("member", "digest")


def new_secret() -> str:
    """The secret of an authenticator that is to be set up."""
    return pyotp.random_base32()


def address(secret: str, email: str, service: str) -> str:
    """What the authenticator reads from the picture (otpauth://)."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=service)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step that a code belongs to; None when it is none of those around `now`."""
    digits, current = "".join(code.split()), int(now.timestamp()) // STEP
    if not (digits.isascii() and digits.isdigit()):
        return None
    codes = pyotp.TOTP(secret)
    steps = range(current - AROUND, current + AROUND + 1)
    return next((step for step in steps if pyotp.utils.strings_equal(codes.generate_otp(step), digits)), None)


def switch_on(member_id: str, secret: str, step: int) -> list[str]:
    """Ask the member for codes of this secret from now on; the recovery codes, which are not kept."""

    def verb() -> list[str]:
        Member.update(totp_secret=secret, totp_step=step).where(Member.id == member_id).execute()
        return _new_codes(member_id)

    return db.write(verb)


def switch_off(member_id: str) -> None:
    """Ask the member for no code any more."""

    def verb() -> None:
        Member.update(totp_secret=None, totp_step=None).where(Member.id == member_id).execute()
        RecoveryCode.delete().where(RecoveryCode.member == member_id).execute()

    db.write(verb)


def new_codes(member_id: str) -> list[str]:
    """Other recovery codes instead of those before."""
    return db.write(lambda: _new_codes(member_id))


def codes_left(member_id: str) -> int:
    """How many recovery codes are unused."""
    return RecoveryCode.select().where(RecoveryCode.member == member_id).count()


def take(member: Member, code: str, now: datetime) -> bool:
    """Whether this is a code of the member's authenticator, or a recovery code. Each is taken once."""
    step = step_of(member.totp_secret, code, now) if member.totp_secret else None

    def verb() -> bool:
        if step is not None:
            unused = Member.totp_step.is_null() | (Member.totp_step < step)
            later = Member.update(totp_step=step).where((Member.id == member.id) & unused)
            return later.execute() == 1
        spent = (RecoveryCode.member == member.id) & (RecoveryCode.digest == _digest(code))
        return RecoveryCode.delete().where(spent).execute() == 1

    return db.write(verb)


def _new_codes(member_id: str) -> list[str]:
    codes = ["-".join(_group() for _ in range(4)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.delete().where(RecoveryCode.member == member_id).execute()
    for code in codes:
        RecoveryCode.insert(member=member_id, digest=_digest(code)).execute()
    return codes


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(4))


def _digest(code: str) -> str:
    plain = "".join(char for char in code.casefold() if char.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
