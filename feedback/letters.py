"""Letters: what somebody of the team writes to one person, each sent at most once (docs/promises.md, P3).

What a letter is about says what it is made of, and hears what became of it; see `Kind`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.models import Letter
from surveys import people
from surveys.base import db, delivery, ids, jobs
from surveys.base.accounts.caller import Caller
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Message
from surveys.mail import letters as the_mail
from surveys.models import Person

DUE = "letter due"

SCHEDULED, SENDING, SENT, UNKNOWN, FAILED, CANCELLED = (
    *("scheduled", "sending", "sent", "unknown", "failed", "cancelled"),
)

#: What the person may say on the page behind a letter.
FIXED, NOT_YET = ANSWERS = ("fixed", "not_yet")

#: Why a letter that counts as sent reached nobody: it is a file of the outbox.
FILED = "no mail server was set: it lies in the outbox"

#: In these it never reached anybody, and the same may be written again.
LOST = (FAILED, CANCELLED)


@dataclass(frozen=True)
class Kind:
    """What letters of one kind are about. `against`: why it must not leave any more, None: it may. `became`: told, in
    the transaction, that it was sent or will not be. `taken_back`: why it must not leave, asked last, in the
    transaction in which it begins to; it locks what whoever takes letters back locks too."""

    against: Callable[[Letter, datetime], str | None]
    compose: Callable[[Letter], Message]
    became: Callable[[Letter, datetime], None]
    taken_back: Callable[[Letter], str | None] = lambda letter: None


_kinds: dict[str, Kind] = {}


def use_kinds(kinds: dict[str, Kind]) -> None:
    """Say what letters there are."""
    _kinds.update(kinds)


def put(kind: str, person_id: str, caller: Caller, now: datetime, **values: Any) -> Letter:
    """Have a letter sent now. Call it in a transaction; `values`: what letters of its kind need."""
    row = written(kind, person_id, caller, now, **values)
    put_all([row])
    queue([row.id], now)
    return row


def written(kind: str, person_id: str, caller: Caller, now: datetime, **values: Any) -> Letter:
    """A letter that is kept nowhere yet, for `put_all`; `values`: what letters of its kind need."""
    return Letter(
        id=ids.new("let"),
        kind=kind,
        person=person_id,
        made_by={"id": caller.id, "name": caller.name},
        created_at=now,
        state=SCHEDULED,
        **values,
    )


def put_all(rows: Sequence[Letter]) -> None:
    """Keep letters, which nobody sends before they are put into the queue. Call it in a transaction."""
    _insert.many([row.__data__ for row in rows])


_insert = db.Insert(Letter)


def queue(letter_ids: Sequence[str], now: datetime) -> None:
    """Have letters that are kept sent now; what has left already leaves no second time. Call it in a transaction."""
    jobs.enqueue_all(DUE, [({"letter": each}, now) for each in letter_ids])


@dataclass(frozen=True)
class Reach:
    """Whether somebody may be written to. `email`: where to; `claimed`: an address that nobody vouches for, for the
    member's own mail program; `why_not`: what speaks against any mail of ours."""

    email: str | None
    claimed: str | None
    unsubscribed: bool
    why_not: str | None


def reach(person: Person | None, contacts: Sequence[str | None], asked_consent: bool) -> Reach:
    """Whether somebody may be answered. `contacts`: what their answers allow; `asked_consent`: they were asked for it.

    Who gets no surveys by mail is answered only where they asked for it themselves.
    """
    if person is None:
        return Reach(None, None, False, "nobody knows who answered")
    rows = _rows(person)
    email = the_mail.address_of(rows)
    claimed = next((row.shown_email for row in rows if row.shown_email), None) if email is None else None
    unsubscribed = any(row.never_ask for row in rows) or people.is_unsubscribed(
        [*rows, *(people.at_address(email) if email else [])]
    )
    return Reach(email, claimed, unsubscribed, _against(email, contacts, asked_consent, unsubscribed))


@jobs.on(DUE, lane=jobs.MAIL)
def send(payload: dict[str, Any], now: datetime) -> None:
    """Send one letter, unless it was sent, was being sent when a process died, or must not be sent any more."""
    letter = _start(payload["letter"], now)
    if letter is None:
        return
    try:
        message = _kinds[letter.kind].compose(letter)
    except Exception as error:
        _move(letter, SENDING, SCHEDULED, now, f"the mail could not be made ({type(error).__name__})")
        raise
    try:
        leaves = delivery.mail_leaves()
        delivery.transport("mail").send(message, now)
    except DeliveryUnknown as error:
        _move(letter, SENDING, UNKNOWN, now, f"the server fell silent after it had the mail ({error})")
    except DeliveryFailed as error:
        if error.again:
            _move(letter, SENDING, SCHEDULED, now, f"not sent: {error}")
            raise
        _move(letter, SENDING, FAILED, now, f"not sent: {error}")
    else:
        _move(letter, SENDING, SENT, now, None if leaves else FILED)


@jobs.on_death(DUE)
def give_up(payload: dict[str, Any], error: str, now: datetime) -> None:
    """No attempt is left: what never left the house has failed, what was cut off half-way is unknown."""
    letter = Letter.get_or_none(Letter.id == payload["letter"])
    if letter is not None and not _move(letter, SENDING, UNKNOWN, now, "the sender stopped half-way"):
        _move(letter, SCHEDULED, FAILED, now, f"given up: {letter.reason or error}")


def sent(letter_id: str) -> the_mail.Sent | None:
    """A letter that left, for who reports what became of its mail."""
    letter = Letter.get_or_none((Letter.id == letter_id) & Letter.state.in_((SENT, UNKNOWN, FAILED)))
    if letter is None:
        return None

    def bounced(reason: str, now: datetime) -> None:
        # It counts as one that never reached anybody, and may be written again.
        if not _move(letter, SENT, FAILED, now, reason):
            _move(letter, UNKNOWN, FAILED, now, reason)

    return the_mail.Sent(letter.email, letter.person, bounced)


def unsent(since: datetime) -> int:
    """How many letters of since then failed, or may have arrived."""
    return Letter.select().where(Letter.state.in_((FAILED, UNKNOWN)), Letter.created_at >= since).count()


def of_case(follow_up_id: str) -> list[Letter]:
    """The letters of a case, the first first."""
    found = Letter.select().where(Letter.follow_up == follow_up_id)
    return list(found.order_by(Letter.created_at, Letter.id))


# ------------------------------------------------------------------------------------------------------


def _rows(person: Person) -> list[Person]:
    """The person's row first: its address goes before those of the same person's other rows."""
    if not person.verified:
        return [person]
    others = [row for row in people.same(people.identity_of(person)) if row.id != person.id]
    return [person, *others]


def _against(
    email: str | None, contacts: Sequence[str | None], asked_consent: bool, unsubscribed: bool
) -> str | None:
    allowed = any(each in ("reply", "both") for each in contacts)
    if email is None:
        return "no address is known that anybody vouches for"
    if any(row.bounced_at is not None for row in people.at_address(email)):
        return "mail to this address bounced"
    if unsubscribed and not allowed:
        return "they want no mail, and did not ask to be answered"
    if (asked_consent or any(contacts)) and not allowed:
        return "they did not allow us to write to them about this"
    return None


def _start(letter_id: str, now: datetime) -> Letter | None:
    letter = Letter.get_or_none(Letter.id == letter_id)
    if letter is None:
        return None
    if letter.state == SENDING:
        _move(letter, SENDING, UNKNOWN, now, "the sender stopped half-way")
        return None
    if letter.state != SCHEDULED:
        return None
    kind = _kinds[letter.kind]
    reason = kind.against(letter, now)
    if reason is not None:
        _move(letter, SCHEDULED, CANCELLED, now, reason)
        return None

    def verb() -> bool:
        # What `against` saw may be past: whoever takes it back does so before this transaction, or is too late.
        reason = kind.taken_back(letter)
        if reason is not None:
            _move(letter, SCHEDULED, CANCELLED, now, reason)
            return False
        return _move(letter, SCHEDULED, SENDING, now)

    return letter if db.write(verb) else None


def _move(letter: Letter, before: str, state: str, now: datetime, reason: str | None = None) -> bool:
    """Change the state if it is still `before`: whoever changes the row has it, everybody else is late."""

    def verb() -> bool:
        mine = (Letter.id == letter.id) & (Letter.state == before)
        values = {"state": state, "reason": reason} | ({"sent_at": now} if state == SENT else {})
        if not Letter.update(values).where(mine).execute():
            return False
        for name, value in values.items():
            setattr(letter, name, value)
        if state in (SENT, UNKNOWN, *LOST):
            _kinds[letter.kind].became(letter, now)
        return True

    return db.write(verb)
