"""Zammad: a trigger's or scheduler's webhook, with the default payload or our template."""

from __future__ import annotations

from dataclasses import replace
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
    language,
    line,
    moment,
    name,
    properties,
    resolution,
    tags,
    url,
)

PROOF = "signature"
# Zammad's own user number 1, "-", owns what nobody owns.
NOBODY_ID = "1"


def signed(call: Call, secret: str, now: datetime) -> bool:
    """`sha1=` and the hex HMAC-SHA1 of the body. No time: repeats are told by X-Zammad-Delivery.

    https://admin-docs.zammad.org/en/latest/manage/webhook/payload.html
    """
    return proofs.hex_signature(call, "X-Hub-Signature", secret, "sha1", "sha1=")


PROOFS = {"signature": signed}


def read(call: Call, connection: Connection) -> Event | Ignored:
    """The ticket; there is no event name, the trigger's conditions decide when it is sent."""
    payload = body.parse(call)
    if isinstance(payload, Ignored):
        return payload
    ticket = payload.get("ticket")
    if isinstance(ticket, dict) and ident(ticket.get("id")):
        return _default(call, ticket, payload.get("article"), connection)
    if ident(payload.get("ticket_id")):
        return _custom(call, payload, connection)
    if line(payload.get("error")):
        return Ignored(f"Zammad could not render the template: {line(payload.get('error'), 120)}")
    return Ignored("the call names no ticket")


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """An internal article, and a tag by the call that adds one to those there are."""
    base = base_url(connection)
    if base is None:
        return ()
    article = {
        "ticket_id": int(ticket.id) if ticket.id.isascii() and ticket.id.isdecimal() else ticket.id,
        "subject": "Rating",
        "body": wording.text(rating),
        "content_type": "text/plain",
        "type": "note",
        "internal": True,
    }
    label = {"item": wording.tag(rating), "object": "Ticket", "o_id": article["ticket_id"]}
    return (
        Request("POST", f"{base}/api/v1/ticket_articles", _headers(connection), json=article),
        Request("POST", f"{base}/api/v1/tags/add", _headers(connection), json=label),
    )


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """The ticket with all that hangs on it: users, group and tags."""
    base = base_url(connection)
    if base is None or event.customer.email:
        return None
    address = f"{base}/api/v1/tickets/{segment(event.ticket.id)}?all=true"
    return Lookup(Request("GET", address, _headers(connection)), lambda reply: _completed(event, reply))


def _default(call: Call, ticket: dict[str, Any], article: Any, connection: Connection) -> Event:
    kind, reason = statuses.kind(connection, [_name_of(ticket.get("state"))])
    if wording.ours(at(article, "body")):
        kind, reason = "other", "our own note"
    ticket_id = ident(ticket.get("id")) or ""
    solved_at = (
        moment(first(ticket.get("last_close_at"), ticket.get("close_at"))) if kind == "solved" else None
    )
    customer, owner, group = ticket.get("customer"), ticket.get("owner"), ticket.get("group")
    event = Event(
        source="zammad",
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            number=ident(ticket.get("number")),
            subject=line(ticket.get("title")),
            url=_page(connection, ticket_id),
            tags=tags(ticket.get("tags")),
            channel=channel(ticket.get("create_article_type")),
            solved_at=solved_at,
            resolution=resolution(solved_at),
        ),
        customer=Customer(
            id=ident(first(at(customer, "id"), ticket.get("customer_id"))),
            email=email(at(customer, "email")),
            name=name(at(customer, "firstname"), at(customer, "lastname")),
            language=language(at(customer, "preferences", "locale")),
            company=line(first(_name_of(ticket.get("organization")), at(customer, "organization"))),
        ),
        agent=_agent(
            first(at(owner, "id"), ticket.get("owner_id")),
            name(at(owner, "firstname"), at(owner, "lastname")),
            at(owner, "email"),
        ),
        team=Named(ident(first(at(group, "id"), ticket.get("group_id"))), line(_name_of(group))),
        delivery=ident(call.header("X-Zammad-Delivery")),
        properties=properties([("priority", _name_of(ticket.get("priority"))), ("type", ticket.get("type"))]),
    )
    return needing(event, ["customer.email", "tags", "customer.language"])


def _custom(call: Call, payload: dict[str, Any], connection: Connection) -> Event:
    state = payload.get("state")
    if line(state) or line(payload.get("event")) != "ticket.solved":
        kind, reason = statuses.kind(connection, [state])
    else:
        kind, reason = "solved", ""
    ticket_id = ident(payload.get("ticket_id")) or ""
    solved_at = (
        moment(first(payload.get("closed_at"), payload.get("solved_at"))) if kind == "solved" else None
    )
    event = Event(
        source="zammad",
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            number=ident(payload.get("number")),
            subject=line(first(payload.get("subject"), payload.get("title"))),
            url=_page(connection, ticket_id),
            tags=tags(payload.get("tags")),
            channel=channel(payload.get("channel")),
            solved_at=solved_at,
            resolution=resolution(solved_at),
        ),
        customer=Customer(
            id=ident(payload.get("customer_id")),
            email=email(payload.get("customer_email")),
            name=name(payload.get("customer_name")),
            language=language(payload.get("customer_locale")),
            company=line(payload.get("organization")),
        ),
        agent=_agent(payload.get("agent_id"), name(payload.get("agent_name")), payload.get("agent_email")),
        team=Named(ident(payload.get("group_id")), line(payload.get("group"))),
        delivery=ident(call.header("X-Zammad-Delivery")),
    )
    return needing(event, ["customer.email"])


def _agent(agent_id: Any, full: str | None, address: Any) -> Agent:
    number = ident(agent_id)
    return Agent() if number == NOBODY_ID else Agent(number, full, email(address))


def _page(connection: Connection, ticket_id: str) -> str | None:
    base = base_url(connection)
    return url(f"{base}/#ticket/zoom/{segment(ticket_id)}") if base else None


def _completed(event: Event, reply: Any) -> Event:
    ticket = at(reply, "assets", "Ticket", event.ticket.id)
    users = at(reply, "assets", "User")
    person = at(users, ident(at(ticket, "customer_id")) or "")
    owner = at(users, event.agent.id or "")
    event = replace(event, ticket=replace(event.ticket, tags=event.ticket.tags or tags(at(reply, "tags"))))
    return learnt(
        event,
        Customer(
            ident(at(person, "id")),
            email(at(person, "email")),
            name(at(person, "firstname"), at(person, "lastname")),
            language(at(person, "preferences", "locale")),
        ),
        Agent(None, name(at(owner, "firstname"), at(owner, "lastname")), email(at(owner, "email"))),
    )


def _name_of(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else value


def _headers(connection: Connection) -> dict[str, str]:
    return {"Authorization": f"Token token={connection.write_back.token if connection.write_back else ''}"}
