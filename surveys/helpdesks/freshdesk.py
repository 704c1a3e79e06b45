"""Freshdesk: an automation rule's webhook, as JSON, form or XML, in simple or advanced mode."""

from __future__ import annotations

import re
from typing import Any

from surveys.helpdesks import body, statuses
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
    Proof,
    Rating,
    Request,
    Ticket,
    base_url,
    basic,
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

# Freshdesk signs nothing: the rule carries the secret itself.
PROOF = "shared"
PROOFS: dict[str, Proof] = {}
WRAPPER = "freshdesk_webhook"
# https://developers.freshdesk.com/api/#ticket-properties
STATUS_NAMES = {"2": "Open", "3": "Pending", "4": "Resolved", "5": "Closed"}
STATUS_CHANGE = re.compile(r"status\W+from\W+(\w+)\W+to\W+(\w+)")


def read(call: Call, connection: Connection) -> Event | Ignored:
    """The fields of the rule, inside the wrapper `freshdesk_webhook` (simple mode) or without it."""
    payload = body.parse(call)
    if isinstance(payload, Ignored):
        return payload
    fields = payload[WRAPPER] if isinstance(payload.get(WRAPPER), dict) else payload
    ticket_id = ident(_field(fields, "id"))
    if ticket_id is None:
        return Ignored("the call names no ticket: does the rule send ticket_id?")
    kind, reason = _kind(fields, connection)
    solved_at = moment(
        first(_field(fields, "solved_at"), _field(fields, "resolved_at"), _field(fields, "closed_at"))
    )
    event = Event(
        source="freshdesk",
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            number=ticket_id,
            subject=line(_field(fields, "subject")),
            url=url(first(_field(fields, "url"), _field(fields, "portal_url"))),
            tags=tags(_field(fields, "tags")),
            channel=channel(_field(fields, "source")),
            solved_at=solved_at,
            resolution=resolution(solved_at),
        ),
        customer=Customer(
            id=ident(first(_field(fields, "requester_id"), _field(fields, "contact_id"))),
            email=email(first(*_of(fields, "email", "requester", "contact", "from"))),
            name=name(first(*_of(fields, "name", "requester", "contact"))),
            language=language(*_of(fields, "language", "contact", "requester")),
            company=line(first(_field(fields, "company_name"), _field(fields, "requester_company_name"))),
        ),
        agent=Agent(ident(_field(fields, "agent_id")), *_agent(fields)),
        team=Named(ident(_field(fields, "group_id")), line(_field(fields, "group_name"))),
        brand=Named(
            None, line(first(*map(line, (_field(fields, "product_name"), _field(fields, "portal_name")))))
        ),
        properties=properties([("type", _field(fields, "type")), ("priority", _field(fields, "priority"))]),
    )
    return needing(event, ["customer.email"])


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """A private note. No tag: the API only replaces the whole list, and would lose tags set meanwhile."""
    base = base_url(connection)
    if base is None:
        return ()
    note = {"body": wording.markup(rating), "private": True}
    address = f"{base}/api/v2/tickets/{segment(ticket.id)}/notes"
    return (Request("POST", address, _authorization(connection), json=note),)


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """The ticket with its requester."""
    base = base_url(connection)
    if base is None or event.customer.email:
        return None
    address = f"{base}/api/v2/tickets/{segment(event.ticket.id)}?include=requester"
    return Lookup(Request("GET", address, _authorization(connection)), lambda reply: _completed(event, reply))


def _field(fields: dict[str, Any], key: str) -> Any:
    """`ticket_<key>` as simple mode writes it, else `key` of an object `ticket` or at the top."""
    return first(fields.get(f"ticket_{key}"), at(fields, "ticket", key), fields.get(key))


def _of(fields: dict[str, Any], key: str, *roles: str) -> list[Any]:
    values = [_field(fields, f"{role}_{key}") for role in roles] + [at(fields, role, key) for role in roles]
    return [value for value in values if line(value)]


def _agent(fields: dict[str, Any]) -> tuple[str | None, str | None]:
    return name(first(*_of(fields, "name", "agent"))), email(first(*_of(fields, "email", "agent")))


def _kind(fields: dict[str, Any], connection: Connection) -> tuple[Kind, str]:
    """By the status label, else by the codes in `triggered_event`, such as `{status:{from:2,to:4}}`."""
    triggered = line(fields.get("triggered_event")) or ""
    if "note_type" in triggered and "status" not in triggered:
        return "other", "a note was added; the status did not change"
    change = STATUS_CHANGE.search(triggered)
    before, after = (STATUS_NAMES.get(code, code) for code in change.groups()) if change else (None, None)
    status = _field(fields, "status")
    words = [STATUS_NAMES.get(line(status) or "", status), line(status)] if line(status) else [after]
    return statuses.kind(connection, words, [before])


def _completed(event: Event, reply: Any) -> Event:
    person = at(reply, "requester")
    customer = Customer(
        ident(first(at(person, "id"), at(reply, "requester_id"))),
        email(at(person, "email")),
        name(at(person, "name")),
        language(at(person, "language")),
    )
    return learnt(event, customer)


def _authorization(connection: Connection) -> dict[str, str]:
    """The API key is the user; the password means nothing."""
    return basic(connection.write_back.token, "X") if connection.write_back else {}
