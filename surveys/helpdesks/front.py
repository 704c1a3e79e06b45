"""Front: application webhooks and rule webhooks on archived or resolved conversations, and its challenge."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from surveys.helpdesks import body, proofs, statuses
from surveys.helpdesks import notes as wording
from surveys.helpdesks.helpdesk import (
    Agent,
    Call,
    Challenge,
    Connection,
    Customer,
    Event,
    Ignored,
    Kind,
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
    channel,
    email,
    first,
    ident,
    items,
    line,
    moment,
    name,
    tags,
    url,
)

PROOF = "signature"
API = "https://api2.frontapp.com"
REOPENED = {"reopen", "unarchive", "restore", "reminder", "inbound"}
# What Front calls a conversation that needs nothing more, beside the usual words.
ARCHIVED = "archived"


def signed(call: Call, secret: str, now: datetime) -> bool:
    """base64 HMAC-SHA256 over milliseconds, colon and body, at most 5 minutes old.

    https://dev.frontapp.com/docs/application-webhooks
    """
    stamp = call.header("X-Front-Request-Timestamp")
    return proofs.fresh(stamp, now, proofs.FIVE_MINUTES, unit=0.001) and proofs.base64_signature(
        call, "X-Front-Signature", secret, "sha256", f"{stamp}:".encode("utf-8", "replace") + call.body
    )


def signed_by_rule(call: Call, secret: str, now: datetime) -> bool:
    """base64 HMAC-SHA1 of the body under the company's API secret.

    https://dev.frontapp.com/docs/rule-webhooks
    """
    return proofs.base64_signature(call, "X-Front-Signature", secret, "sha1")


PROOFS = {"signature": signed, "signature_rule": signed_by_rule}


def read(call: Call, connection: Connection) -> Event | Ignored | Challenge:
    """The event, which an application webhook wraps in `payload` and a rule webhook sends bare."""
    challenge = call.header("X-Front-Challenge")
    payload = body.parse(call)
    if challenge and (isinstance(payload, Ignored) or payload.get("type") in ("sync", None)):
        return Challenge(challenge)
    if isinstance(payload, Ignored):
        return payload
    said = payload["payload"] if isinstance(payload.get("payload"), dict) else payload
    topic = line(first(said.get("type"), payload.get("type"))) or ""
    convo = said.get("conversation")
    ticket_id = ident(first(at(convo, "id"), said.get("conversation_id")))
    if ticket_id is None:
        return Ignored(f"the event {topic or '(none)'} names no conversation")
    kind, reason = _kind(topic, said, convo, connection)
    event = Event(
        source="front",
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            number=ident(at(convo, "ticket_ids", 0)),
            subject=line(at(convo, "subject")),
            url=url(f"https://app.frontapp.com/open/{segment(ticket_id)}"),
            tags=tags(at(convo, "tags")),
            channel=_channel(convo, said),
            solved_at=moment(said.get("emitted_at")),
        ),
        customer=Customer(
            email=email(at(convo, "recipient", "handle")),
            name=name(at(convo, "recipient", "name")),
        ),
        agent=_agent(at(convo, "assignee")),
        delivery=ident(said.get("id")),
    )
    return needing(event, ["customer.email"], always=["team.name", "customer.language"])


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """A comment, by the teammate whose id is the connection's `user` or by the API. No tag: tags go by id."""
    base = base_url(connection, API)
    if base is None or connection.write_back is None:
        return ()
    author = {"author_id": connection.write_back.user} if connection.write_back.user else {}
    address = f"{base}/conversations/{segment(ticket.id)}/comments"
    comment = {"body": wording.text(rating), **author}
    return (Request("POST", address, bearer(connection.write_back.token), json=comment),)


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """The conversation's messages: somebody who called or chatted may have written by mail before."""
    base = base_url(connection, API)
    if base is None or connection.write_back is None or event.customer.email:
        return None
    address = f"{base}/conversations/{segment(event.ticket.id)}/messages"
    return Lookup(
        Request("GET", address, bearer(connection.write_back.token)), lambda reply: _completed(event, reply)
    )


def _kind(topic: str, said: dict[str, Any], convo: Any, connection: Connection) -> tuple[Kind, str]:
    if topic == "trash":
        return "withdrawn", "the conversation was deleted"
    if topic in REOPENED:
        return "reopened", f"the conversation was reopened ({topic})"
    category = at(convo, "status_category")
    if topic == "archive":
        # With ticketing on, an archived conversation may still wait for somebody.
        words = [category, at(convo, "status_id")] if line(category) else ["closed"]
        if connection.solved_statuses is not None:
            words = [category, at(convo, "status_id"), first(at(convo, "status"), ARCHIVED)]
        return statuses.kind(connection, words)
    if topic == "ticket_status_update":
        target = at(said, "target", "data")
        return statuses.kind(
            connection, [category, at(target, "category"), at(target, "name"), at(convo, "status_id")]
        )
    return "other", f"{topic or 'an event without a type'} is not a change of status"


def _channel(convo: Any, said: dict[str, Any]) -> str | None:
    """The type of the last message where the event has one, else "email" when the handle is an address."""
    message = first(at(convo, "last_message", "type"), at(said, "target", "data", "message_type"))
    handle = at(convo, "recipient", "handle")
    return channel(message) or ("email" if email(handle) else None)


def _agent(assignee: Any) -> Agent:
    full = name(at(assignee, "first_name"), at(assignee, "last_name"))
    return Agent(
        ident(at(assignee, "id")), full or name(at(assignee, "username")), email(at(assignee, "email"))
    )


def _completed(event: Event, reply: Any) -> Event:
    for message in items(at(reply, "_results")):
        if message.get("is_inbound") is not True:
            continue
        for recipient in items(message.get("recipients")):
            address = email(recipient.get("handle"))
            if recipient.get("role") == "from" and address:
                return learnt(event, Customer(None, address, name(recipient.get("name"))))
    return event
