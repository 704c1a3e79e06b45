"""FreeScout (module API & Webhooks): closing with a reply raises two events with the same bytes."""

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
    learnt,
    needing,
    segment,
)
from surveys.helpdesks.reading import (
    at,
    ident,
    tags,
    url,
)

PROOF = "signature"


def signed(call: Call, secret: str, now: datetime) -> bool:
    """base64 HMAC-SHA1 of the body; the key is the one the module shows, md5(APP_KEY + "webhook_key").

    https://freescout.net/module/api-webhooks/
    """
    return proofs.base64_signature(call, "X-FreeScout-Signature", secret, "sha1")


PROOFS = {"signature": signed}


def read(call: Call, connection: Connection) -> Event | Ignored:
    """The conversation in the body; the event's name is in a header."""
    topic = call.header("X-FreeScout-Event")
    payload = body.parse(call)
    if isinstance(payload, Ignored):
        return payload
    if topic and not topic.startswith("convo."):
        return Ignored(f"{topic} is not about a conversation")
    event = conversations.event("freescout", topic, payload, connection)
    if isinstance(event, Ignored):
        return event
    base = base_url(connection)
    if base and event.ticket.url is None:
        page = url(f"{base}/conversation/{segment(event.ticket.id)}")
        event = replace(event, ticket=replace(event.ticket, url=page))
    return needing(event, ["customer.email", "brand.name", "tags", "customer.language"])


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """A note by the user whose id is the connection's `user`. No tag: the API only replaces the whole list.

    https://api-docs.freescout.net/#create-thread
    """
    base = base_url(connection)
    if base is None or connection.write_back is None:
        return ()
    user = connection.write_back.user
    note: dict[str, Any] = {"type": "note", "text": wording.markup(rating)}
    if user.isdecimal():
        note["user"] = int(user)
    address = f"{base}/api/conversations/{segment(ticket.id)}/threads"
    return (Request("POST", address, _headers(connection), json=note),)


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """The conversation with its tags."""
    base = base_url(connection)
    if base is None or event.customer.email:
        return None
    address = f"{base}/api/conversations/{segment(event.ticket.id)}?embed=tags"
    return Lookup(Request("GET", address, _headers(connection)), lambda reply: _completed(event, reply))


def _completed(event: Event, reply: Any) -> Event:
    person = at(reply, "customer")
    found = tags(at(reply, "_embedded", "tags"))
    event = replace(event, ticket=replace(event.ticket, tags=event.ticket.tags or found))
    customer = Customer(
        ident(at(person, "id")), conversations.address_of(person), conversations.name_of(person)
    )
    return learnt(event, customer)


def _headers(connection: Connection) -> dict[str, str]:
    return {"X-FreeScout-API-Key": connection.write_back.token if connection.write_back else ""}
