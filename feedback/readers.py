"""Who gets the notices of rules by mail: a member at once, anybody else after their own click, and until they stop it.

It is one answer for an address, whichever rules lead there: a mailbox of many is asked once, and its stop holds for
all of them.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from feedback.models import Digest, Reader
from surveys import links, people
from surveys.base import db, delivery, ids, jobs, signing
from surveys.base.accounts import members
from surveys.base.accounts.members import Member
from surveys.base.delivery.message import (
    AUTOMATIC,
    DeliveryFailed,
    DeliveryUnknown,
    Message,
    stopped_at,
)
from surveys.base.errors import Clash, Missing
from surveys.domain import addresses
from surveys.mail import service_mail
from surveys.models import Webhook
from surveys.webhooks.telling import MAIL, Mailbox

#: The job that asks somebody whether they want notices.
ASK = "reader to confirm"

#: Who is in no rule any more is forgotten after that, unless they refused.
KEPT = timedelta(days=30)

SENDING, SENT, UNKNOWN, FAILED = "sending", "sent", "unknown", "failed"

WAITING, RUNNING, STOPPED = "waiting", "running", "stopped"

_WHY = "You get this once, because somebody entered your address."

_ASKED = """Hello,

somebody at {site} wants to send you a mail whenever customers say there what a rule of the team looks for.

Do you want that? Say so here; until then nothing is sent:
{link}

If not, do nothing, or say so there: then nobody can ask you for it again.
"""


def welcome(email: str, now: datetime) -> Reader:
    """The row of an address that a rule leads to, made where there is none; who has no account is asked by mail.

    Of whoever must not be asked it counts as stopped. Whoever left the team and came back, by another account, is
    somebody new; a stop holds for the address. Call it in a transaction.
    """
    email = addresses.normal(email) or ""
    db.serialise(f"reader {email}")
    row = Reader.get_or_none(Reader.email == email)
    member = _member(email)
    if row is None:
        row = Reader(id=ids.new("rdr"), email=email, created_at=now)
        row.save(force_insert=True)
    elif row.member is not None and row.member != _id(member):
        # Whose address it was has left; whoever reads mail there now is somebody else.
        row.member = row.confirmed_at = row.outcome = None
    if member is not None and row.member is None:
        row.member, row.confirmed_at = member.id, row.confirmed_at or now
    if state(row) == WAITING and why_not(email) is not None:
        row.stopped_at = now
    row.save()
    if state(row) == WAITING and row.outcome in (None, FAILED):
        Reader.update(outcome=None).where(Reader.id == row.id).execute()
        jobs.enqueue(ASK, {"reader": row.id}, now)
    return row


def mailbox(hook: Webhook, now: datetime) -> Mailbox | None:
    """Where the mails of a rule's row go, and where its reader stops them; None while nobody there wants them."""
    email = addresses.normal(hook.secret)
    if not email:
        # Nobody can unseal it; whoever sends says so.
        return Mailbox(hook.secret, None)
    row = Reader.get_or_none(Reader.email == email)
    if row is None or row.member != _id(_member(email)):
        row = db.write(lambda: welcome(email, now))
    if state(row) != RUNNING:
        return None
    return Mailbox(hook.secret, links.to(f"/d/{token(row)}"), row.member)


def states(hooks: Sequence[Webhook]) -> dict[str, str]:
    """How it stands with those of a rule's rows that carry mail, in one word, by their ids."""
    found = {hook.id: addresses.normal(hook.secret) or "" for hook in hooks if hook.kind == MAIL}
    rows = {row.email: row for row in Reader.select().where(Reader.email.in_(sorted(set(found.values()))))}
    return {id_: state(rows[email]) if email in rows else WAITING for id_, email in found.items()}


def members_of(hooks: Sequence[Webhook]) -> list[str | None]:
    """Who of the team reads the mails of each of a rule's rows; None for nobody of it."""
    found = [addresses.normal(hook.secret) or "" if hook.kind == MAIL else "" for hook in hooks]
    named = Member.email.in_(sorted(set(found)))
    joined = Member.select(Member.id, Member.email).where(named, Member.joined_at.is_null(False))
    known = {row.email: row.id for row in joined}
    return [known.get(email) for email in found]


def check(email: str, field: str) -> None:
    """Raises Clash where somebody without an account must not be asked."""
    why = why_not(addresses.normal(email) or "")
    if why is not None:
        raise Clash(why, field)


def why_not(email: str) -> str | None:
    """Why an address must not be asked whether it wants mail about what customers say; None where it may be."""
    if _member(email) is not None:
        return None
    digests = (Digest.email == email) & Digest.member.is_null() & Digest.stopped_at.is_null(False)
    readers = (Reader.email == email) & Reader.stopped_at.is_null(False)
    if Digest.select().where(digests).exists() or Reader.select().where(readers).exists():
        return "Who reads mail there said that they want no such mail."
    customers = people.at_address(email)
    if people.is_unsubscribed(customers) or any(row.never_ask for row in customers):
        return "Who reads mail there wants no mail of ours."
    if any(row.bounced_at is not None for row in customers):
        return "Mail to this address comes back."
    return None


def token(row: Reader) -> str:
    """The secret in the address at which a reader confirms or stops notices."""
    return signing.sign("reader", row.id)


def opened_by(token: str, now: datetime) -> Reader:
    """The reader of a token. Raises Missing."""
    try:
        row = Reader.get_or_none(Reader.id == signing.read("reader", token, now))
    except signing.BadToken:
        row = None
    if row is None:
        raise Missing
    found: Reader = row
    return found


def confirm(row: Reader, now: datetime) -> None:
    """Its reader wants notices, those that come from now on."""
    db.write(
        Reader.update(confirmed_at=now, stopped_at=None)
        .where((Reader.id == row.id) & (Reader.confirmed_at.is_null() | Reader.stopped_at.is_null(False)))
        .execute
    )


def stop(row: Reader, now: datetime) -> None:
    """Its reader wants no more, or never did."""
    mine = (Reader.id == row.id) & Reader.stopped_at.is_null()
    db.write(Reader.update(stopped_at=now).where(mine).execute)


def state(row: Reader) -> str:
    """How it stands with a reader, in one word."""
    if row.stopped_at is not None:
        return STOPPED
    return WAITING if row.confirmed_at is None else RUNNING


def tidy(now: datetime) -> int:
    """Forget who is in no rule any more, KEPT after they came; a refusal of somebody without an account stays."""

    def verb() -> int:
        named = {addresses.normal(hook.secret) for hook in Webhook.select().where(Webhook.kind == MAIL)}
        old = Reader.select().where(Reader.created_at < now - KEPT)
        gone = [
            row.id
            for row in old
            if row.email not in named and (row.stopped_at is None or row.member is not None)
        ]
        return Reader.delete().where(Reader.id.in_(gone)).execute()

    return db.write(verb)


@jobs.on(ASK, lane=jobs.MAIL)
def ask(payload: dict[str, Any], now: datetime) -> None:
    """Ask somebody without an account whether they want notices, once, and not who must not be asked by now."""
    row = Reader.get_or_none(Reader.id == payload["reader"])
    if row is None or state(row) != WAITING:
        return
    if why_not(row.email) is not None:
        stop(row, now)
        return
    link = links.to(f"/d/{token(row)}")
    text = _ASKED.format(site=links.to(""), link=link)
    headers = AUTOMATIC | stopped_at(link)
    mail = Message(row.email, "Do you want these notices?", text, id=f"{row.id}.asked", headers=headers)
    ask_once(mail, lambda before, after: _mark(row.id, before, after), now)


def ask_once(mail: Message, mark: Callable[[str | None, str | None], bool], now: datetime) -> None:
    """Send the mail that asks somebody, at most once and in the company's look: it is marked before it leaves.

    `mark` says how far it is, and whether it was as far as its first argument.
    """
    if not mark(None, SENDING):
        # Somebody was killed half-way; whether it left is not known.
        mark(SENDING, UNKNOWN)
        return
    try:
        delivery.transport("mail").send(service_mail.dressed(mail, "Say whether you want it", _WHY), now)
    except DeliveryUnknown:
        mark(SENDING, UNKNOWN)
    except DeliveryFailed as error:
        mark(SENDING, None if error.again else FAILED)
        if error.again:
            raise
    else:
        mark(SENDING, SENT)


# ------------------------------------------------------------------------------------------------------


def _member(email: str) -> Member | None:
    found = members.by_email(email)
    return found if found is not None and found.joined_at is not None else None


def _id(member: Member | None) -> str | None:
    return member.id if member is not None else None


def _mark(reader_id: str, before: str | None, after: str | None) -> bool:
    """Mark how far asking a reader is: whether it was as far as `before`. What was confirmed stays."""
    stood = Reader.outcome.is_null() if before is None else Reader.outcome == before
    mine = (Reader.id == reader_id) & Reader.confirmed_at.is_null() & stood
    return bool(db.write(Reader.update(outcome=after).where(mine).execute))
