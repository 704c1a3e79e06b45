"""What Help Scout and FreeScout have in common: FreeScout's API copies Help Scout's conversation object."""

from __future__ import annotations

from typing import Any

from surveys.helpdesks import notes as wording
from surveys.helpdesks import statuses
from surveys.helpdesks.helpdesk import (
    Agent,
    Connection,
    Customer,
    Event,
    Ignored,
    Kind,
    Named,
    Ticket,
)
from surveys.helpdesks.reading import (
    at,
    channel,
    email,
    first,
    ident,
    line,
    moment,
    name,
    resolution,
    tags,
    url,
)

STATUS_EVENTS = {
    "convo.status",
    "convo.agent.reply.created",
    "convo.customer.reply.created",
    "convo.created",
    "convo.restored",
}
WITHDRAWN_EVENTS = {"convo.deleted", "convo.deleted_forever"}


def event(source: str, topic: str, convo: dict[str, Any], connection: Connection) -> Event | Ignored:
    """The event in a conversation object (payload V2, or V1); `topic` is "" where no header names it."""
    ticket_id = ident(convo.get("id"))
    if ticket_id is None:
        return Ignored(f"the event {topic or '(none)'} names no conversation")
    kind, reason = _kind(topic, convo, connection)
    solved_at = moment(convo.get("closedAt")) if kind == "solved" else None
    customer = first(
        convo.get("primaryCustomer"), convo.get("customer"), _if_customer(convo.get("createdBy"))
    )
    agent = first(_person(convo.get("closedByUser")), _person(convo.get("closedBy")), convo.get("assignee"))
    agent = first(agent, convo.get("owner"))
    mailbox = convo.get("mailbox")
    mailbox_id = ident(first(convo.get("mailboxId"), at(mailbox, "id")))
    mailbox_name = line(at(mailbox, "name"))
    return Event(
        source=source,
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            number=ident(convo.get("number")),
            subject=line(convo.get("subject")),
            url=url(at(convo, "_links", "web", "href")),
            tags=tags(convo.get("tags")),
            channel=channel(first(convo.get("type"), at(convo, "source", "type"))),
            solved_at=solved_at,
            resolution=resolution(solved_at),
        ),
        customer=Customer(
            id=ident(at(customer, "id")),
            email=address_of(customer),
            name=name_of(customer),
            company=line(first(at(customer, "company"), at(customer, "organization"))),
        ),
        agent=Agent(ident(at(agent, "id")), name_of(agent), address_of(agent)),
        team=Named(mailbox_id, mailbox_name),
        brand=Named(mailbox_id, mailbox_name),
    )


def name_of(person: Any) -> str | None:
    """First and last name, under either of the two spellings."""
    return name(
        first(at(person, "first"), at(person, "firstName")), first(at(person, "last"), at(person, "lastName"))
    )


def address_of(person: Any) -> str | None:
    """The person's address: their own, else the first of their list."""
    listed = first(at(person, "_embedded", "emails", 0), at(person, "emails", 0))
    return email(first(at(person, "email"), at(listed, "value"), listed))


def _kind(topic: str, convo: dict[str, Any], connection: Connection) -> tuple[Kind, str]:
    if topic in WITHDRAWN_EVENTS or convo.get("state") == "deleted":
        return "withdrawn", "the conversation was deleted"
    if wording.ours(at(convo, "_embedded", "threads", 0, "body")):
        return "other", "our own note"
    if topic and topic not in STATUS_EVENTS:
        return "other", f"{topic} is not a change of status"
    return statuses.kind(connection, [convo.get("status")])


def _person(value: Any) -> Any:
    """A user object that names somebody: there are bare ids too, and id 0 or a customer for nobody."""
    return value if ident(at(value, "id")) and at(value, "type") != "customer" else None


def _if_customer(value: Any) -> Any:
    return value if at(value, "type") == "customer" else None
