"""Any system that can sign a Standard Webhook or send a bearer key: our own event, `ticket.solved`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from surveys.helpdesks import body, proofs, statuses
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
SOLVED = {"solved", "closed", "resolved", "completed"}
REOPENED = {"reopened", "opened", "unsolved"}
WITHDRAWN = {"deleted", "merged", "spam", "removed"}
BY_STATUS = {"updated", "changed", "status_changed", "status"}


def proved(call: Call, secret: str, now: datetime) -> bool:
    """A Standard Webhooks signature; a call that carries none may show the secret as a bearer key instead."""
    if call.header("webhook-signature"):
        return proofs.standard_webhooks(call, secret, now)
    return proofs.same(f"Bearer {secret}", call.header("authorization"))


PROOFS = {"signature": proved}


def read(call: Call, connection: Connection) -> Event | Ignored:
    """The event in our own form:

    `type`, and under `data` (or at the top) ticket, customer, agent, team, brand.
    """
    payload = body.parse(call)
    if isinstance(payload, Ignored):
        return payload
    said = line(first(payload.get("type"), payload.get("event"), call.header("webhook-event"))) or ""
    data = payload["data"] if isinstance(payload.get("data"), dict) else payload
    ticket_id = ident(first(at(data, "ticket", "id"), data.get("ticket_id"), at(data, "ticket", "number")))
    if ticket_id is None:
        return Ignored(f"the event {said or 'without a type'} names no ticket")
    kind, reason = _kind(said, data, connection)
    solved_at = moment(first(at(data, "ticket", "solved_at"), at(data, "ticket", "closed_at")))
    return Event(
        source="generic",
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            number=ident(at(data, "ticket", "number")),
            subject=line(at(data, "ticket", "subject")),
            url=url(at(data, "ticket", "url")),
            tags=tags(at(data, "ticket", "tags")),
            channel=channel(at(data, "ticket", "channel")),
            solved_at=solved_at,
            resolution=resolution(solved_at),
        ),
        customer=_customer(first(data.get("customer"), data.get("person"), data.get("requester"))),
        agent=Agent(
            ident(at(data, "agent", "id")), name(_named(data.get("agent"))), email(at(data, "agent", "email"))
        ),
        team=Named(ident(at(data, "team", "id")), line(_named(data.get("team")))),
        brand=Named(ident(at(data, "brand", "id")), line(_named(data.get("brand")))),
        delivery=ident(first(call.header("webhook-id"), payload.get("id"))),
        properties=properties(data["properties"].items()) if isinstance(data.get("properties"), dict) else {},
    )


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """None: a generic system takes ratings by our outgoing webhooks."""
    return ()


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """None: there is no API to ask."""
    return None


def _kind(said: str, data: dict[str, Any], connection: Connection) -> tuple[Kind, str]:
    """The event's name decides; the status where the name leaves it open or the connection lists words."""
    word = said.casefold().rpartition(".")[2]
    status = at(data, "ticket", "status")
    if word in SOLVED and not (connection.solved_statuses is not None and line(status)):
        return "solved", ""
    if word in SOLVED | BY_STATUS | {""}:
        return statuses.kind(connection, [status], [at(data, "ticket", "previous_status")])
    if word in REOPENED:
        return "reopened", "the ticket was reopened"
    if word in WITHDRAWN:
        return "withdrawn", f"the ticket was taken away ({word})"
    return "other", f"{said} is not about a resolution"


def _customer(data: Any) -> Customer:
    company = at(data, "company")
    return Customer(
        id=ident(at(data, "id")),
        email=email(at(data, "email")),
        name=name(at(data, "name")),
        language=language(at(data, "language"), at(data, "locale")),
        company=line(_named(company)),
    )


def _named(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else value
