"""Chatwoot: any event whose conversation is resolved, from webhooks, agent bots, rules and macros."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from surveys.helpdesks import body, proofs, statuses
from surveys.helpdesks import notes as wording
from surveys.helpdesks.helpdesk import (
    Agent,
    Call,
    Connection,
    Customer,
    Event,
    Ignored,
    Kind,
    Lookup,
    Named,
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
    channel,
    email,
    first,
    ident,
    items,
    language,
    line,
    moment,
    name,
    properties,
    tags,
    url,
)

PROOF = "signature"
# https://github.com/chatwoot/chatwoot: webhook_listener.rb, agent_bot_listener.rb, action services
STATUS_EVENTS = {
    "conversation_status_changed",
    "conversation_resolved",
    "conversation_opened",
    "macro.executed",
}
UPDATE_EVENTS = {"conversation_updated", "conversation_created"}
AUTOMATION = "automation_event."


def signed(call: Call, secret: str, now: datetime) -> bool:
    """`sha256=` and the hex HMAC-SHA256 over timestamp, dot and body, at most 5 minutes old (from 4.13)."""
    stamp = call.header("X-Chatwoot-Timestamp")
    return proofs.fresh(stamp, now, proofs.FIVE_MINUTES) and proofs.hex_signature(
        call,
        "X-Chatwoot-Signature",
        secret,
        "sha256",
        "sha256=",
        f"{stamp}.".encode("utf-8", "replace") + call.body,
    )


PROOFS = {"signature": signed}


def read(call: Call, connection: Connection) -> Event | Ignored:
    """The conversation at the top of the payload; events about messages carry it one level down."""
    payload = body.parse(call)
    if isinstance(payload, Ignored):
        return payload
    topic = line(payload.get("event")) or ""
    nested = payload.get("conversation")
    convo = nested if isinstance(nested, dict) else payload
    is_conversation = "meta" in convo or "status" in convo
    ticket_id = ident(first(convo.get("id"), convo.get("display_id")))
    if ticket_id is None or not is_conversation:
        return Ignored(f"the event {topic or '(none)'} names no conversation")
    kind, reason = _kind(topic, payload, convo, connection)
    account = ident(
        first(at(payload, "account", "id"), at(convo, "account_id"), at(convo, "messages", 0, "account_id"))
    )
    sender, assignee = at(convo, "meta", "sender"), at(convo, "meta", "assignee")
    is_person = at(convo, "meta", "assignee_type") in (None, "User") and at(assignee, "type") in (
        None,
        "user",
    )
    agent = assignee if is_person else None
    attributes = at(convo, "additional_attributes")
    event = Event(
        source="chatwoot",
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            number=ticket_id,
            subject=line(at(attributes, "mail_subject")),
            url=_page(connection, account, ticket_id),
            tags=tags(convo.get("labels")),
            channel=channel(first(convo.get("channel"), at(payload, "inbox", "channel_type"))),
            solved_at=moment(first(convo.get("updated_at"), convo.get("timestamp")))
            if kind == "solved"
            else None,
            ref=account or "",
        ),
        customer=Customer(
            id=ident(at(sender, "id")),
            email=_address(convo, sender),
            name=name(at(sender, "name")),
            language=_language(attributes, sender),
            company=line(at(sender, "additional_attributes", "company_name")),
        ),
        agent=Agent(ident(at(agent, "id")), name(at(agent, "name")), email(at(agent, "email"))),
        team=Named(ident(at(convo, "meta", "team", "id")), line(at(convo, "meta", "team", "name"))),
        brand=Named(ident(convo.get("inbox_id")), line(at(payload, "inbox", "name"))),
        delivery=ident(call.header("X-Chatwoot-Delivery")),
        properties=properties([("priority", convo.get("priority"))]),
    )
    return needing(event, ["customer.email", "agent.email", "brand.name"])


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """A private message.

    No label: the API only replaces the whole list, and would lose labels set meanwhile.
    """
    base, account = base_url(connection), _account(ticket.ref, connection)
    if base is None or account is None:
        return ()
    address = f"{base}/api/v1/accounts/{segment(account)}/conversations/{segment(ticket.id)}/messages"
    message = {"content": wording.text(rating), "private": True, "message_type": "outgoing"}
    return (Request("POST", address, _headers(connection), json=message),)


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """The contact."""
    base, account = base_url(connection), _account(event.ticket.ref, connection)
    if base is None or account is None or event.customer.email or event.customer.id is None:
        return None
    address = f"{base}/api/v1/accounts/{segment(account)}/contacts/{segment(event.customer.id)}"
    return Lookup(Request("GET", address, _headers(connection)), lambda reply: _completed(event, reply))


def _kind(
    topic: str, payload: dict[str, Any], convo: dict[str, Any], connection: Connection
) -> tuple[Kind, str]:
    if topic.startswith("message") and wording.ours(payload.get("content")):
        return "other", "our own note"
    changes = payload.get("changed_attributes")
    previous = [at(change, "status", "previous_value") for change in items(changes) if "status" in change]
    if topic in UPDATE_EVENTS and isinstance(changes, list) and not previous:
        return "other", "the conversation changed, its status did not"
    if topic in STATUS_EVENTS | UPDATE_EVENTS or topic.startswith(AUTOMATION):
        # Chatwoot also writes statuses as numbers in changed_attributes (enum): 1 is resolved.
        before = ["resolved" if value == 1 else value for value in previous]
        return statuses.kind(connection, [convo.get("status")], before)
    return "other", f"{topic or 'an event without a name'} is not a change of status"


def _address(convo: dict[str, Any], sender: Any) -> str | None:
    """The contact's address; in an e-mail inbox the conversation's source id is one too."""
    is_mail = convo.get("channel") == "Channel::Email"
    return email(at(sender, "email")) or (email(at(convo, "contact_inbox", "source_id")) if is_mail else None)


def _language(attributes: Any, sender: Any) -> str | None:
    return language(
        at(attributes, "conversation_language"),
        at(sender, "additional_attributes", "language"),
        at(attributes, "browser_language"),
        at(attributes, "browser", "browser_language"),
    )


def _page(connection: Connection, account: str | None, ticket_id: str) -> str | None:
    base = base_url(connection)
    if base is None or account is None:
        return None
    return url(f"{base}/app/accounts/{segment(account)}/conversations/{segment(ticket_id)}")


def _account(ref: str, connection: Connection) -> str | None:
    """The account's number: from the event, else the connection's `user`."""
    return ref or (connection.write_back.user if connection.write_back else "") or None


def _completed(event: Event, reply: Any) -> Event:
    person = first(at(reply, "payload", "contact"), at(reply, "payload"), reply)
    found = Customer(
        None,
        email(at(person, "email")),
        name(at(person, "name")),
        language(at(person, "additional_attributes", "language")),
    )
    return learnt(event, found)


def _headers(connection: Connection) -> dict[str, str]:
    return {"api_access_token": connection.write_back.token if connection.write_back else ""}
