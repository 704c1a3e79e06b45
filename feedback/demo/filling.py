"""Writing the invented year into the database; its answers come through the verb that real ones come through."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from feedback.demo import year
from surveys import catalogue, links, recording
from surveys.base import db, ids
from surveys.models import Invitation, Person, Survey

PRODUCT = "Northwind Outdoor (demo)"
NAMES = {"nps": "Relationship", "csat": "Support", "ces": "Checkout"}

#: Rows that are written together.
BATCH = 10

#: Seconds of a transaction, after which others get their turn: enough that a flush of the disk does not count.
TRANSACTION_SECONDS = 0.2

#: Seconds between two. Whoever waits for SQLite looks again every 0.1 s (sqliteDefaultBusyCallback), so that one who
#: waits gets in between.
ROOM_SECONDS = 0.11

T = TypeVar("T")


def is_there() -> bool:
    """True when the demo was filled in before."""
    return Survey.select().where(Survey.product == PRODUCT).exists()


def fill(asks: Sequence[year.Ask], now: datetime, progress: Callable[[int], None]) -> dict[str, int]:
    """Store the asks in their order; how many responses, invitations and people there are of them.

    New surveys are made `now`, and not when their first answer came: one that was there before stays the first.
    """
    surveys = _surveys(now)
    known = _people(asks)
    _in_turns(asks, partial(_store, surveys=surveys, known=known), progress)
    return {
        "responses": sum(ask.score is not None for ask in asks),
        "invitations": sum(ask.invited for ask in asks),
        "people": len(known),
    }


def _in_turns(
    rows: Sequence[T], store: Callable[[Sequence[T]], None], progress: Callable[[int], object] = bool
) -> None:
    """Write all rows in their order, in short transactions that leave others room."""

    def verb() -> int:
        began, place = time.monotonic(), done
        while place < len(rows) and (place == done or time.monotonic() - began < TRANSACTION_SECONDS):
            store(rows[place : place + BATCH])
            place += BATCH
        return min(place, len(rows))

    done = 0
    while done < len(rows):
        if done:
            time.sleep(ROOM_SECONDS)
        before, done = done, db.write(verb)
        progress(done - before)


def _surveys(now: datetime) -> dict[str, Survey]:
    """The three surveys; those of an earlier run are used again."""
    found = {survey.metric: survey for survey in Survey.select().where(Survey.product == PRODUCT)}
    for metric, name in NAMES.items():
        if metric not in found:
            values: dict[str, Any] = {
                "name": name,
                "metric": metric,
                "product": PRODUCT,
                "languages": list(year.LANGUAGES),
            }
            values["ask_contact"] = metric in year.ASKS_CONTACT
            found[metric] = catalogue.create(values, now)
    return found


def _people(asks: Sequence[year.Ask]) -> dict[str, str]:
    """Ids of all customers by address, made where they are new."""
    first: dict[str, year.Ask] = {}
    asked: dict[str, datetime] = {}
    for ask in asks:
        if ask.person is not None:
            first.setdefault(ask.person.email, ask)
            if ask.invited:
                asked[ask.person.email] = max(ask.asked_at, asked.get(ask.person.email, ask.asked_at))

    old: Any = Person.select(Person.email, Person.id).where(Person.email.is_null(False), Person.verified)
    known: dict[str, str] = {email: id_ for email, id_ in old.tuples() if email in first}
    rows = [_person(ask, asked.get(email)) for email, ask in first.items() if email not in known]
    _in_turns(rows, lambda batch: Person.insert_many(batch).execute())
    return known | {row["email"]: row["id"] for row in rows}


def _person(ask: year.Ask, asked_at: datetime | None) -> dict[str, Any]:
    who = ask.person
    assert who is not None
    return {
        "id": ids.new("per"),
        "email": who.email,
        "name": who.name,
        "language": who.language,
        "properties": {"plan": who.plan, "country": who.country},
        "verified": True,
        "last_asked_at": asked_at,
        "created_at": ask.asked_at,
    }


def _store(batch: Sequence[year.Ask], surveys: dict[str, Survey], known: dict[str, str]) -> None:
    invitations = {ask.id: _invitation(ask, surveys, known) for ask in batch if ask.invited}
    if invitations:
        Invitation.insert_many(list(invitations.values())).execute()
    for ask in batch:
        if ask.score is not None:
            invitation = invitations.get(ask.id)
            _answer(ask, surveys[ask.survey], invitation["id"] if invitation else None)


def _invitation(ask: year.Ask, surveys: dict[str, Survey], known: dict[str, str]) -> dict[str, Any]:
    ticket = ask.ticket
    return {
        "id": ids.new("inv"),
        "survey": surveys[ask.survey].id,
        "person": known[ask.person.email] if ask.person else None,
        "channel": "email",
        # An answer makes it answered when it comes.
        "status": "sent" if ask.outcome == "answered" else ask.outcome,
        "touchpoint": ask.touchpoint,
        "language": ask.language,
        "agent_id": ticket.agent_id if ticket else None,
        "agent_name": ticket.agent_name if ticket else None,
        "team_id": ticket.team_id if ticket else None,
        "team_name": ticket.team_name if ticket else None,
        "ticket": _shown(ticket) if ticket else None,
        "tags": list(ask.tags) or None,
        "properties": ask.properties,
        "send_at": ask.asked_at,
        "sent_at": None if ask.outcome == "failed" else ask.asked_at,
        "declined_at": ask.at if ask.outcome == "declined" else None,
        "created_at": ask.asked_at,
    }


def _shown(ticket: year.Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id, "number": ticket.number, "subject": ticket.subject, "channel": ticket.channel,
        "url": f"https://help.example.com/tickets/{ticket.id}",
    }  # fmt: skip


def _answer(ask: year.Ask, survey: Survey, invitation: str | None) -> None:
    assert ask.at is not None
    values = {
        "score": ask.score,
        "comment": ask.comment,
        "language": ask.language,
        "touchpoint": ask.touchpoint,
        "channel": ask.channel,
        "properties": ask.properties,
        "contact": ask.contact,
        "final": True,
    }
    by_page = ask.person is not None and invitation is None
    answer = recording.Answer(
        id=ask.id,
        revision=1,
        values=values,
        invitation=links.invitation_token(invitation) if invitation else None,
        person={"email": ask.person.email, "name": ask.person.name} if by_page and ask.person else None,
        flags=list(ask.flags),
        created_at=ask.at,
        vouched=True,
        history=True,
    )
    recording.record(survey, answer, ask.at)
