"""Mail to members: an invitation to the team, and the link to a new password."""

from datetime import datetime
from typing import Any

from surveys import links
from surveys.base import db, delivery, jobs
from surveys.base.accounts import members, one_time_links
from surveys.base.accounts.one_time_links import RESET, WELCOME
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Message
from surveys.domain import addresses
from surveys.mail import service_mail

DUE = "member mail"

_SUBJECTS = {WELCOME: "You are invited to Earshot", RESET: "Your new password for Earshot"}

_KEYS = {WELCOME: "Choose a password", RESET: "Choose a new password"}

_WHY = "You get this because of your account here, or because you are to have one."

_TEXTS = {
    WELCOME: """Hello,

you are invited to read with us what customers say, on {site}.

Choose a password here, once and within 72 hours:
{link}

If you expected no invitation, do nothing: without a password there is no account.
""",
    RESET: """Hello,

somebody asked for a new password for your account on {site}.

Choose it here, once and within two hours:
{link}

If it was not you, do nothing: your password stays as it is.
""",
}


def enqueue(kind: str, email: str, now: datetime) -> None:
    """Have the worker write to whoever has this address. It takes as long where nobody has it."""
    db.write(lambda: jobs.enqueue(DUE, {"kind": kind, "email": addresses.as_typed(email) or ""}, now))


@jobs.on(DUE, lane=jobs.MAIL)
def send(payload: dict[str, Any], now: datetime) -> None:
    """Send one link. It is made here, so that it lies in no queue; an address that is nobody's gets no mail."""
    kind, member = payload["kind"], members.by_email(payload["email"])
    if member is None or (member.joined_at is None) != (kind == WELCOME):
        return
    token = one_time_links.make(kind, now, member.id)
    mail = Message(
        to=member.email,
        name=member.name,
        subject=_SUBJECTS[kind],
        text=_TEXTS[kind].format(
            site=links.to(members.home(member.role)), link=links.to(f"/team/{kind}/{token}")
        ),
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    try:
        delivery.transport("mail").send(service_mail.dressed(mail, _KEYS[kind], _WHY), now)
    except DeliveryUnknown:
        # It may have arrived; whoever waits in vain asks again.
        return
    except DeliveryFailed as error:
        if error.again:
            raise
