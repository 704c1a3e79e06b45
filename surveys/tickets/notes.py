"""Ratings on their way back: score and comment as a private note on the ticket that was rated."""

from datetime import datetime, timedelta
from typing import Any

from surveys import events, responses
from surveys.base import db, jobs
from surveys.domain.metrics import METRICS
from surveys.helpdesks import HELPDESKS
from surveys.helpdesks.helpdesk import Rating, Request, Ticket
from surveys.models import Connection, Invitation, Response
from surveys.tickets import connections

#: A comment follows its score: the note is written when nothing has changed for this long.
SETTLES = timedelta(minutes=5)

NOTE_DUE = "note due"

TOLD = "note to be told"

#: What `events.SETTLED` was called before; jobs of that name may still wait.
FORMERLY_SETTLED = "rating settled"


def wait(payload: dict[str, Any], now: datetime) -> None:
    """Look again when the respondent is done."""
    row = _rated(payload["key"])
    if row is not None and _requests(row):
        later = {"key": row.key, "revision": row.revision}
        db.write(lambda: jobs.enqueue(events.SETTLED, later, now, due_at=now + SETTLES))


@jobs.on(FORMERLY_SETTLED)
def settle(payload: dict[str, Any], now: datetime) -> None:
    """Write the note of this revision, once, unless a later one is under way. Each request is tried by itself."""
    row = _rated(payload["key"])
    if row is None or row.revision != payload["revision"]:
        return
    count = len(_requests(row))

    def verb() -> None:
        fresh = Invitation.noted_revision.is_null() | (Invitation.noted_revision < row.revision)
        mine = (Invitation.id == row.invitation_id) & fresh
        if Invitation.update(noted_revision=row.revision).where(mine).execute():
            for part in range(count):
                jobs.enqueue(NOTE_DUE, {"key": row.key, "part": part}, now)

    db.write(verb)


@jobs.on(NOTE_DUE, lane=jobs.CALLS)
def write(payload: dict[str, Any], now: datetime) -> None:
    """Send one of the requests that make the note: its text, or its tag. At least once (docs/promises.md, P4)."""
    row = _rated(payload["key"])
    requests = _requests(row) if row is not None else ()
    if payload["part"] < len(requests):
        connections.send(requests[payload["part"]])


def has_ticket(row: Response) -> bool:
    """Whether a response is about a ticket that a note can be put on."""
    return bool(_requests(row, ""))


def tell(key: int, told: str, now: datetime) -> None:
    """Have a private note say `told` on the ticket of a response, where one is known. Call it in a transaction."""
    jobs.enqueue(TOLD, {"key": key, "told": told}, now)


@jobs.on(TOLD, lane=jobs.CALLS)
def write_told(payload: dict[str, Any], now: datetime) -> None:
    """Send that note. At least once (docs/promises.md, P4)."""
    row = responses.stored(payload["key"])
    for request in _requests(row, payload["told"])[:1] if row is not None else ():
        connections.send(request)


def _rated(key: int) -> Response | None:
    """The response, if it is one that a ticket should hear of."""
    row = responses.stored(key)
    if row is None or row.invitation_id is None or row.score is None or row.excluded or row.test:
        return None
    return row


def _requests(row: Response, told: str | None = None) -> tuple[Request, ...]:
    invitation = row.invitation
    if row.score is None or invitation is None or invitation.connection_id is None or not invitation.ticket:
        return ()
    connection = Connection.get_or_none(Connection.id == invitation.connection_id)
    if connection is None:
        return ()
    metric = METRICS[row.survey.metric]
    rating = Rating(metric=metric.key, score=row.score, best=metric.maximum, comment=row.comment, told=told)
    ticket = Ticket(
        id=invitation.ticket["id"],
        number=invitation.ticket.get("number"),
        channel=invitation.ticket.get("channel"),
        ref=invitation.ticket_ref or "",
    )
    return HELPDESKS[connection.kind].notes(ticket, rating, connections.view(connection))
