"""Zendesk: a trigger that posts our template, or the event `ticket.status_changed`."""

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
    basic,
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
    language,
    line,
    moment,
    name,
    properties,
    tags,
    url,
)

PROOF = "signature"
EVENT = "zen:event-type:"
STATUS_EVENTS = {"ticket.status_changed", "ticket.custom_status_changed", "ticket.created"}
# Zendesk closes a merged ticket and tags it so.
MERGED_TAG = "closed_by_merge"
WITHDRAWN_EVENTS = {
    "ticket.merged",
    "ticket.marked_as_spam",
    "ticket.soft_deleted",
    "ticket.permanently_deleted",
}


def signed(call: Call, secret: str, now: datetime) -> bool:
    """base64 HMAC-SHA256 over timestamp and body, at most an hour old.

    https://developer.zendesk.com/documentation/webhooks/verifying/
    """
    stamp = call.header("X-Zendesk-Webhook-Signature-Timestamp")
    return proofs.fresh_iso(stamp, now, proofs.ONE_HOUR) and proofs.base64_signature(
        call, "X-Zendesk-Webhook-Signature", secret, "sha256", stamp.encode("utf-8", "replace") + call.body
    )


PROOFS = {"signature": signed}


def read(call: Call, connection: Connection) -> Event | Ignored:
    """The ticket event or our trigger template, told apart by the event's `type`."""
    payload = body.parse(call)
    if isinstance(payload, Ignored):
        return payload
    kind = line(payload.get("type")) or ""
    if kind.startswith(EVENT):
        return _event(kind.removeprefix(EVENT), payload, connection)
    return _trigger(call, payload, connection)


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """A private comment, and a tag by the call that adds to the tags there are.

    A *closed* ticket takes neither (422).
    """
    base = base_url(connection)
    if base is None:
        return ()
    at_ticket = f"{base}/api/v2/tickets/{segment(ticket.id)}"
    comment = {"ticket": {"comment": {"body": wording.text(rating), "public": False}}}
    return (
        Request("PUT", f"{at_ticket}.json", _authorization(connection), json=comment),
        Request(
            "PUT", f"{at_ticket}/tags.json", _authorization(connection), json={"tags": [wording.tag(rating)]}
        ),
    )


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """The ticket with its users and groups beside it, which also tells the agent's and the team's name."""
    base = base_url(connection)
    if base is None or event.customer.email:
        return None
    address = f"{base}/api/v2/tickets/{segment(event.ticket.id)}.json?include=users,groups,brands"
    return Lookup(Request("GET", address, _authorization(connection)), lambda reply: _completed(event, reply))


def _trigger(call: Call, payload: dict[str, Any], connection: Connection) -> Event | Ignored:
    ticket = payload["ticket"] if isinstance(payload.get("ticket"), dict) else {}
    ticket_id = ident(first(ticket.get("id"), payload.get("ticket_id")))
    if ticket_id is None:
        return Ignored("the call names no ticket: is the template the one of our Zendesk page?")
    kind, reason = _trigger_kind(payload, ticket, connection)
    event = Event(
        source="zendesk",
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            number=ticket_id,
            subject=line(first(ticket.get("subject"), ticket.get("title"))),
            url=url(first(ticket.get("link"), ticket.get("url"))),
            tags=tags(ticket.get("tags")),
            channel=channel(ticket.get("via")),
            solved_at=moment(first(ticket.get("solved_at"), ticket.get("updated_at"))),
        ),
        customer=Customer(
            id=ident(at(payload, "requester", "id")),
            email=email(at(payload, "requester", "email")),
            name=name(at(payload, "requester", "name")),
            language=language(at(payload, "requester", "locale"), at(payload, "requester", "language")),
            company=line(_name_of(payload.get("organization"))),
        ),
        agent=Agent(
            ident(at(payload, "assignee", "id")),
            name(_name_of(payload.get("assignee"))),
            email(at(payload, "assignee", "email")),
        ),
        team=Named(ident(at(ticket, "group", "id")), line(_name_of(ticket.get("group")))),
        brand=Named(ident(at(ticket, "brand", "id")), line(_name_of(ticket.get("brand")))),
        delivery=ident(call.header("X-Zendesk-Webhook-Invocation-Id")),
        properties=properties([("form", ticket.get("form")), ("priority", ticket.get("priority"))]),
    )
    return needing(event, ["customer.email"])


def _trigger_kind(
    payload: dict[str, Any], ticket: dict[str, Any], connection: Connection
) -> tuple[Kind, str]:
    if MERGED_TAG in tags(ticket.get("tags")):
        return "withdrawn", "the ticket was merged into another"
    if line(ticket.get("status")) or line(payload.get("event")) != "ticket.solved":
        return statuses.kind(connection, [ticket.get("status")])
    return "solved", ""


def _event(kind: str, payload: dict[str, Any], connection: Connection) -> Event | Ignored:
    detail = payload.get("detail")
    ticket_id = ident(at(detail, "id"))
    if ticket_id is None or not kind.startswith("ticket."):
        return Ignored(f"the event {kind} names no ticket")
    meaning, reason = _event_kind(kind, payload, connection)
    base = base_url(connection)
    event = Event(
        source="zendesk",
        kind=meaning,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            number=ticket_id,
            subject=line(at(detail, "subject")),
            url=url(f"{base}/agent/tickets/{segment(ticket_id)}") if base else None,
            tags=tags(at(detail, "tags")),
            channel=channel(at(detail, "via", "channel")),
            solved_at=moment(first(payload.get("time"), at(detail, "updated_at"))),
        ),
        customer=Customer(id=ident(at(detail, "requester_id"))),
        agent=Agent(ident(at(detail, "assignee_id"))),
        team=Named(ident(at(detail, "group_id"))),
        brand=Named(ident(at(detail, "brand_id"))),
        delivery=ident(payload.get("id")),
        properties=properties([("priority", at(detail, "priority")), ("type", at(detail, "type"))]),
    )
    return needing(event, ["customer.email", "customer.name", "agent.name", "team.name", "brand.name"])


def _event_kind(kind: str, payload: dict[str, Any], connection: Connection) -> tuple[Kind, str]:
    if kind in WITHDRAWN_EVENTS:
        return "withdrawn", f"the ticket was taken away ({kind})"
    if kind not in STATUS_EVENTS:
        return "other", f"{kind} is not a change of status"
    detail, change = payload.get("detail"), payload.get("event")
    if MERGED_TAG in tags(at(detail, "tags")):
        return "withdrawn", "the ticket was merged into another"
    if kind == "ticket.created":
        return statuses.kind(connection, [at(detail, "status"), at(detail, "custom_status")], ["NEW"])
    now = [first(at(change, "current"), at(detail, "status"))]
    if kind == "ticket.status_changed":
        # A connection may list the id of a custom status and subscribe to this event alone.
        now.append(at(detail, "custom_status"))
    return statuses.kind(connection, now, [at(change, "previous")])


def _completed(event: Event, reply: Any) -> Event:
    ticket = at(reply, "ticket")
    users = {ident(user.get("id")): user for user in items(at(reply, "users"))}
    names = {
        (kind, ident(each.get("id"))): line(each.get("name"))
        for kind in ("groups", "brands")
        for each in items(at(reply, kind))
    }
    requester = ident(at(ticket, "requester_id")) or event.customer.id
    person = users.get(requester, {})
    agent_id = ident(at(ticket, "assignee_id")) or event.agent.id
    # The agent was frozen when the ticket was solved: only a name for the same one is taken over.
    agent = users.get(agent_id, {}) if agent_id == event.agent.id else {}
    return learnt(
        event,
        Customer(
            requester,
            email(person.get("email")),
            name(person.get("name")),
            language(person.get("locale"), person.get("language")),
        ),
        Agent(None, name(agent.get("name")), email(agent.get("email"))),
        Named(None, names.get(("groups", event.team.id)) if event.team.id else None),
        Named(None, names.get(("brands", event.brand.id)) if event.brand.id else None),
    )


def _authorization(connection: Connection) -> dict[str, str]:
    """An API token goes with the agent's address, an OAuth token alone."""
    back = connection.write_back
    if back is None:
        return {}
    return basic(f"{back.user}/token", back.token) if back.user else bearer(back.token)


def _name_of(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else value
