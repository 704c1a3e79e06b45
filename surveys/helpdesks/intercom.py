"""Intercom: conversations closed by an admin and tickets resolved, in the shapes of API 1.x and 2.x."""

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
    plain,
    resolution,
    tags,
    url,
)

PROOF = "signature"
API = "https://api.intercom.io"
VERSION = "2.11"
CLOSED = {"conversation.admin.closed", "conversation.closed", "conversation.operator.closed", "ticket.closed"}
OPENED = {"conversation.admin.opened", "conversation.admin.open.assigned", "conversation.admin.unsnoozed"}
REPLIED = {"conversation.user.replied", "conversation.contact.replied", "conversation.admin.snoozed"}
STATE_CHANGED = {"ticket.state.updated"}
DELETED = {"conversation.deleted", "ticket.deleted"}
PEOPLE = {"user", "lead", "contact", "visitor"}


def signed(call: Call, secret: str, now: datetime) -> bool:
    """`sha1=` and the hex HMAC-SHA1 of the body, keyed with the client secret. Repeats are told by id.

    https://developers.intercom.com/docs/webhooks/webhook-notifications
    """
    return proofs.hex_signature(call, "X-Hub-Signature", secret, "sha1", "sha1=")


PROOFS = {"signature": signed}


def read(call: Call, connection: Connection) -> Event | Ignored:
    """The notification's topic and the conversation or ticket in `data.item`."""
    payload = body.parse(call)
    if isinstance(payload, Ignored):
        return payload
    topic = line(payload.get("topic")) or ""
    if topic == "ping":
        return Ignored("a test call (ping)")
    item = at(payload, "data", "item")
    item_id = ident(first(at(item, "id"), at(item, "conversation_id"), at(item, "ticket_id")))
    if item_id is None or not topic.startswith(("conversation.", "ticket.")):
        return Ignored(f"the topic {topic or '(none)'} is not about a conversation or ticket")
    kind, reason = _kind(topic, item, connection)
    is_ticket = topic.startswith("ticket.") or at(item, "type") == "ticket"
    closing = _closing(item)
    solved_at = moment(at(closing, "created_at"))
    event = Event(
        source="intercom",
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=item_id,
            number=ident(at(item, "ticket_id")),
            subject=_subject(item),
            url=_page(payload, item, item_id),
            tags=tags(first(at(item, "tags", "tags"), at(item, "tags"))),
            channel=channel(first(at(item, "source", "type"), at(item, "first_contact_reply", "type"))),
            solved_at=solved_at,
            # A ticket's closing is told twice, as closed and as a state, each with a part of its own.
            resolution="" if is_ticket else resolution(solved_at),
            ref="ticket" if is_ticket else "conversation",
        ),
        customer=_customer(item),
        agent=_agent(item, closing),
        team=Named(ident(first(at(item, "team_assignee_id"), at(item, "team_assignee", "id")))),
        delivery=ident(payload.get("id")),
    )
    return needing(event, ["customer.email", "customer.language", "team.name"])


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """A note by the admin whose id is the connection's `user`.

    No tag: tags go by ids that have to be made first.
    """
    base = base_url(connection, API)
    if base is None or connection.write_back is None:
        return ()
    note = {
        "message_type": "note",
        "type": "admin",
        "admin_id": connection.write_back.user,
        "body": wording.markup(rating),
    }
    kind = "tickets" if ticket.ref == "ticket" else "conversations"
    address = f"{base}/{kind}/{segment(ticket.id)}/reply"
    return (Request("POST", address, _headers(connection), json=note),)


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """The contact, who also has the language: what is set by hand, else the browser's."""
    base = base_url(connection, API)
    if base is None or event.customer.email or event.customer.id is None:
        return None
    address = f"{base}/contacts/{segment(event.customer.id)}"
    return Lookup(Request("GET", address, _headers(connection)), lambda reply: _completed(event, reply))


def _kind(topic: str, item: Any, connection: Connection) -> tuple[Kind, str]:
    if topic in CLOSED:
        return "solved", ""
    if topic in OPENED:
        return "reopened", f"the conversation was reopened ({topic})"
    if topic in DELETED:
        return "withdrawn", "the conversation was deleted"
    if topic in STATE_CHANGED:
        state = at(item, "ticket_state")
        labels = [at(state, key) for key in ("category", "internal_label", "external_label")]
        return statuses.kind(connection, labels if isinstance(state, dict) else [state])
    state = line(at(item, "state"))
    if topic in REPLIED and state and state != "closed":
        return "reopened", f"the conversation is {state}"
    return "other", f"{topic} is not a change of status"


def _parts(item: Any) -> list[dict[str, Any]]:
    listed = first(
        at(item, "conversation_parts", "conversation_parts"), at(item, "ticket_parts", "ticket_parts")
    )
    return items(first(listed, at(item, "conversation_parts")))


def _closing(item: Any) -> dict[str, Any]:
    """The last part that closed it, {} when the payload has none."""
    return next((part for part in reversed(_parts(item)) if part.get("part_type") == "close"), {})


def _subject(item: Any) -> str | None:
    opening = first(at(item, "source"), at(item, "conversation_message"))
    attributes = at(item, "ticket_attributes")
    return (
        plain(at(opening, "subject"))
        or line(at(item, "title"))
        or line(first(at(attributes, "_default_title_"), at(attributes, "title")))
    )


def _page(payload: dict[str, Any], item: Any, item_id: str) -> str | None:
    app = ident(payload.get("app_id"))
    built = (
        f"https://app.intercom.com/a/inbox/{segment(app)}/inbox/conversation/{segment(item_id)}"
        if app
        else None
    )
    return url(first(at(item, "links", "conversation_web"), built))


def _customer(item: Any) -> Customer:
    """The contact, with name and address from whichever place has them for the same person.

    API 2.x names the contact by id only and has the address with the author of the first message, who is an
    admin when we wrote first; API 1.x has all of it in `user`.
    """
    contact = first(at(item, "contacts", "contacts", 0), at(item, "contacts", 0), at(item, "user"))
    contact_id = ident(at(contact, "id"))
    author = first(at(item, "source", "author"), at(item, "conversation_message", "author"))
    is_person = line(at(author, "type")) in PEOPLE
    wrote = is_person and ident(at(author, "id")) in (contact_id, None)
    known = [
        contact,
        at(item, "user"),
        author if wrote or (contact is None and is_person) else None,
    ]
    return Customer(
        id=contact_id or ident(at(known[2], "id")),
        email=next((found for found in (email(at(each, "email")) for each in known) if found), None),
        name=next((found for found in (name(at(each, "name")) for each in known) if found), None),
        language=language(at(contact, "language_override"), at(contact, "browser_language")),
    )


def _agent(item: Any, closing: dict[str, Any]) -> Agent:
    """The admin who closed it, else the one assigned; nobody when a bot closed it."""
    assignee = at(item, "assignee")
    author = closing.get("author")
    if at(author, "type") == "bot":
        return Agent()
    if at(author, "type") != "admin":
        author = assignee if at(assignee, "type") == "admin" else {"id": at(item, "admin_assignee_id")}
    agent_id = ident(at(author, "id"))
    if ident(at(assignee, "id")) != agent_id:
        assignee = None
    written = next(
        (part["author"] for part in _parts(item) if ident(at(part, "author", "id")) == agent_id), None
    )
    known = (author, assignee, written) if agent_id else ()
    return Agent(
        agent_id,
        next((found for found in (name(at(each, "name")) for each in known) if found), None),
        next((found for found in (email(at(each, "email")) for each in known) if found), None),
    )


def _completed(event: Event, reply: Any) -> Event:
    spoken = language(at(reply, "language_override"), at(reply, "browser_language"))
    return learnt(event, Customer(None, email(at(reply, "email")), name(at(reply, "name")), spoken))


def _headers(connection: Connection) -> dict[str, str]:
    token = connection.write_back.token if connection.write_back else ""
    return {**bearer(token), "Intercom-Version": VERSION}
