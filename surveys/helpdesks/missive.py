"""Missive: a rule on closed (and reopened) conversations that calls a webhook."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from surveys.helpdesks import body, proofs
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
    line,
    name,
    tags,
    url,
)

PROOF = "signature"
API = "https://public.missiveapp.com"
# Rule types that say something about a conversation but not its state.
SILENT = ("comment", "label", "outgoing", "sent", "assign", "team", "draft", "task")


def signed(call: Call, secret: str, now: datetime) -> bool:
    """Hex HMAC-SHA256 of the body, with or without `sha256=`.

    https://missiveapp.com/docs/developers/webhooks
    """
    return proofs.hex_signature(call, "X-Hook-Signature", secret, "sha256", "sha256=")


PROOFS = {"signature": signed}


def read(call: Call, connection: Connection) -> Event | Ignored:
    """The rule that fired and its conversation.

    Saving a rule sends a call that names none: ignored, and 200.
    """
    payload = body.parse(call)
    if isinstance(payload, Ignored):
        return payload
    convo = payload.get("conversation")
    ticket_id = ident(at(convo, "id"))
    if ticket_id is None:
        return Ignored("the call names no conversation (a rule being saved does so)")
    message = first(payload.get("latest_message"), payload.get("message"))
    kind, reason = _kind(line(at(payload, "rule", "type")) or "", payload, convo)
    assignee = next(iter(items(at(convo, "assignees"))), None)
    event = Event(
        source="missive",
        kind=kind,
        reason=reason,
        ticket=Ticket(
            id=ticket_id,
            subject=line(
                first(at(convo, "subject"), at(convo, "latest_message_subject"), at(message, "subject"))
            ),
            url=url(at(convo, "web_url")),
            tags=tags(first(at(convo, "shared_labels"), at(convo, "shared_label_names"))),
            channel=channel(at(message, "type")),
            ref=ident(at(convo, "organization", "id")) or "",
        ),
        customer=_customer(convo, message),
        agent=Agent(ident(at(assignee, "id")), name(at(assignee, "name")), email(at(assignee, "email"))),
        team=Named(ident(at(convo, "team", "id")), line(at(convo, "team", "name"))),
        brand=Named(None, line(at(convo, "organization", "name"))),
    )
    return needing(event, ["customer.email"])


def notes(ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
    """A post, which only the team sees; it leaves the conversation closed. No label: labels go by id.

    https://missiveapp.com/docs/developers/rest-api/endpoints#create-post
    """
    base = base_url(connection, API)
    if base is None or connection.write_back is None:
        return ()
    said = wording.text(rating)
    post = {
        "conversation": ticket.id,
        "text": said,
        "notification": {"title": "Rating", "body": said.partition("\n")[0]},
        "username": "Earshot",
        # Contrary to its name, this keeps a closed conversation closed.
        "reopen": True,
        **({"organization": ticket.ref} if ticket.ref else {}),
    }
    return (Request("POST", f"{base}/v1/posts", bearer(connection.write_back.token), json={"posts": post}),)


def lookup(event: Event, connection: Connection) -> Lookup | None:
    """The conversation, whose authors may be more than the rule's payload shows."""
    base = base_url(connection, API)
    if base is None or connection.write_back is None or event.customer.email:
        return None
    address = f"{base}/v1/conversations/{segment(event.ticket.id)}"
    return Lookup(
        Request("GET", address, bearer(connection.write_back.token)), lambda reply: _completed(event, reply)
    )


def _kind(rule: str, payload: dict[str, Any], convo: Any) -> tuple[Kind, str]:
    """By the rule's type; where that is unknown, by whether everybody who has it has closed it."""
    states = items(at(convo, "assignees")) or items(at(convo, "users"))
    if states and all(each.get("trashed") is True or each.get("junked") is True for each in states):
        return "withdrawn", "the conversation is spam or deleted"
    if wording.ours(at(payload, "comment", "body")) or "comment" in payload:
        return "other", "a comment is not a change of status"
    if "reopen" in rule or "incoming" in rule:
        return "reopened", f"the conversation was reopened ({rule})"
    if "clos" in rule:
        return "solved", ""
    if any(word in rule for word in SILENT):
        return "other", f"{rule} is not a change of status"
    if states and all(each.get("closed") is True for each in states):
        return "solved", ""
    return "other", "the conversation is not closed"


def _customer(convo: Any, message: Any) -> Customer:
    """The first author, else recipient, who is neither a teammate nor one of our own addresses."""
    ours = {email(each.get("email")) for key in ("users", "assignees") for each in items(at(convo, key))}
    ours.add(email(at(message, "author", "email")))
    if at(message, "author"):
        # A message with an author was written by a teammate, so its sender is an address of ours.
        ours.add(email(at(message, "from_field", "address")))
    own = {each.casefold() for each in ours if each}
    sender = at(message, "from_field")
    seen = (
        items(at(convo, "authors"))
        + ([sender] if isinstance(sender, dict) else [])
        + items(at(message, "to_fields"))
    )
    for each in seen:
        address = email(each.get("address"))
        if address and address.casefold() not in own:
            return Customer(None, address, name(each.get("name")))
    return Customer()


def _completed(event: Event, reply: Any) -> Event:
    convo = first(at(reply, "conversations", 0), at(reply, "conversations"))
    return learnt(event, _customer(convo, None))
