"""Help Scout: the webhook `convo.status` with payload V2."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from surveys.helpdesks import body, conversations, proofs
from surveys.helpdesks import notes as wording
from surveys.helpdesks.helpdesk import (
    Call,
    Connection,
    Customer,
    Event,
    Ignored,
    Lookup,
    Rating,
    Request,
    Ticket,
    base_url,
    bearer,
    learnt,
    needing,
    segment,
)
from surveys.helpdesks.reading import (
    at,
    first,
    ident,
)

PROOF = "signature"
API = "https://api.helpscout.net"


def signed(call: Call, secret: str, now: datetime) -> bool:
    """base64 HMAC-SHA1 of the body. https://developer.helpscout.com/webhooks/"""
    return proofs.base64_signature(call, "X-HelpScout-Signature", secret, "sha1")


PROOFS = {"signature": signed}


def read(call: Call, connection: Connection) -> Event | Ignored:
    """The conversation in the body; the event's name is in a header."""
    topic = call.header("X-HelpScout-Event")
    if topic == "helpscout.test":
        return Ignored("a test call (helpscout.test)")
    payload = body.parse(call)
    if isinstance(payload, Ignored):
        return payload
    if topic and not topic.startswith(("convo.", "beacon.chat.")):
        return Ignored(f"{topic} is not about a conversation")
    event = conversations.event("helpscout", topic, payload, connection)
    return event if isinstance(event, Ignored) else needing(event, ["customer.email", "brand.name"])


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """A note. No tag: the API only replaces the whole list, and would lose tags set meanwhile."""
    base = base_url(connection, API)
    if base is None:
        return ()
    address = f"{base}/v2/conversations/{segment(ticket.id)}/notes"
    return (_request("POST", address, base, connection, {"text": wording.markup(rating)}),)


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """The conversation, which names its primary customer."""
    base = base_url(connection, API)
    if base is None or event.customer.email:
        return None
    request = _request("GET", f"{base}/v2/conversations/{segment(event.ticket.id)}", base, connection)
    return Lookup(request, lambda reply: _completed(event, reply))


def _completed(event: Event, reply: Any) -> Event:
    person = first(at(reply, "primaryCustomer"), at(reply, "customer"))
    found = Customer(ident(at(person, "id")), conversations.address_of(person), conversations.name_of(person))
    return learnt(event, found)


def _request(method: str, address: str, base: str, connection: Connection, json: Any = None) -> Request:
    """An app id and secret are exchanged for a token first; without an app id the token is used as it is.

    https://developer.helpscout.com/mailbox-api/overview/authentication/#client-credentials-flow
    """
    back = connection.write_back
    if back is None or not back.user:
        return Request(method, address, bearer(back.token if back else ""), json=json)
    form = {"grant_type": "client_credentials", "client_id": back.user, "client_secret": back.token}
    return replace(
        Request(method, address, json=json), grant=Request("POST", f"{base}/v2/oauth2/token", form=form)
    )
