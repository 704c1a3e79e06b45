"""What a mail's links were opened for: scores that nobody has confirmed, and the marks that machines leave.

Mail scanners open every link. So what an opened link says is kept apart and never counts (docs/promises.md, "Mail
links and machines").
"""

from datetime import datetime, timedelta

import peewee

from surveys.base import clock, db
from surveys.domain import addresses
from surveys.models import Invitation, ScannedDomain

#: No person chooses two scores in a mail within this time.
AT_ONCE = timedelta(seconds=10)

#: From so many scanned mails on, all mail to a domain is taken for scanned.
RECURRING = 3


def note(invitation: Invitation, score: int, now: datetime) -> None:
    """Somebody or something opened the link of `score`."""

    def verb() -> None:
        row = _locked(invitation.id)
        if row is None:
            return
        stamp = clock.stamp(now)
        intents = {intent["score"]: intent for intent in row.intents or []}
        others = [each for each in intents.values() if each["score"] != score]
        count = intents.get(score, {"count": 0})["count"] + 1
        intents[score] = {"score": score, "at": stamp, "count": count}
        row.intents = list(intents.values())
        Invitation.update(intents=row.intents).where(Invitation.id == row.id).execute()
        hasty = any(now - datetime.fromisoformat(each["at"]) <= AT_ONCE for each in others)
        if hasty or _is_scanned(addresses.domain_of(row.email)):
            _mark(row)

    db.write(verb)


def decoy(invitation: Invitation) -> None:
    """Something opened the link that no person sees."""

    def verb() -> None:
        row = _locked(invitation.id)
        if row is not None:
            _mark(row)

    db.write(verb)


_locked = db.Lookup(Invitation.id, lock=True)


def _is_scanned(domain: str | None) -> bool:
    known = (ScannedDomain.domain == (domain or "")) & (ScannedDomain.invitations >= RECURRING)
    return ScannedDomain.select().where(known).exists()


def _mark(row: Invitation) -> None:
    if row.scanned:
        return
    Invitation.update(scanned=True).where(Invitation.id == row.id).execute()
    domain = addresses.domain_of(row.email)
    if domain is None:
        return
    ScannedDomain.insert(domain=domain, invitations=1).on_conflict(
        conflict_target=[ScannedDomain.domain],
        update={ScannedDomain.invitations: peewee.SQL("scanned_domain.invitations + 1")},
    ).execute()
