"""The row of a new answer, and what follows from its other columns."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import peewee
from peewee import SQL

from surveys import daily_counts, responses
from surveys.base import clock, db, signing
from surveys.domain import folding, revisions
from surveys.domain.metrics import METRICS
from surveys.models import Invitation, Person, Response, Survey
from surveys.recording.arrivals import Arrival

BURST_SECONDS = 60


def new_row(
    arrival: Arrival, person: Person | None, invitation: Invitation | None, moved: int = 0
) -> Response:
    """The row of a new answer, but for flags and ticks; its key is `moved` microseconds after its time."""
    answer = arrival.answer
    created = answer.created_at or arrival.now
    carriers = {name: answer.revision for name in answer.values if name in revisions.MERGED}
    if answer.person is not None:
        carriers["person"] = answer.revision
    tested = {}
    if arrival.survey.test_mode and not answer.vouched:
        # It stays a test, whatever its later revisions say and however the survey is switched meanwhile.
        tested, carriers["test"] = {"test": True}, revisions.LAST
    key = clock.microseconds(created) + moved
    values = {
        **dict.fromkeys(_FIELDS),
        **revisions.MERGED,
        "key": key,
        "id": answer.id,
        "survey": arrival.survey.id,
        "definition": arrival.survey.definition,
        "invitation": invitation.id if invitation else None,
        # Periods are told by the key, which may lie a moment later, on the next day.
        "day": daily_counts.day_of(clock.moment(key)),
        "revision": answer.revision,
        "revisions": carriers,
        "edit_key_hash": signing.keyed_hash("edit", answer.edit_key) if answer.edit_key else None,
        "created_at": created,
        "updated_at": arrival.now,
        "version": 1,
        "excluded": False,
        **answer.values,
        **tested,
        **answer.attribution,
        "person": person.id if person else None,
    }
    row: Response = db.row_of(Response, values)
    if invitation is not None:
        responses.take_from(row, invitation)
    return row


def flag(
    row: Response, arrival: Arrival, invitation: Invitation | None, beside: Iterable[Response] = ()
) -> None:
    """Set the flags of a new row and what follows from them; `beside` it others are about to be stored."""
    flags = list(arrival.answer.flags)
    if invitation is not None and invitation.unverified:
        flags.append(responses.UNVERIFIED)
    if arrival.answer.network is not None and invitation is None:
        row.abuse_key = signing.keyed_hash("abuse " + row.day, arrival.answer.network)
        if arrival.burst_limit and _is_burst(row, arrival.now, arrival.burst_limit, beside):
            flags.append("burst")
    if flags:
        row.flags, row.excluded = flags, True
    derive(arrival.survey, row)


def derive(survey: Survey, row: Response) -> None:
    """Set what follows from the other columns."""
    row.group = METRICS[survey.metric].group_of(row.score) if row.score is not None else None
    texts = [row.comment or "", *_texts(row.answers)]
    row.search_text = folding.searchable(" ".join(texts)) or None if any(texts) else None
    row.counted = row.score is not None and not row.excluded and not row.test


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


def _is_burst(row: Response, now: datetime, limit: int, beside: Iterable[Response]) -> bool:
    since = clock.microseconds(now) - BURST_SECONDS * 1_000_000
    where = (row.survey_id, row.abuse_key)
    stored = _burst(survey=where[0], abuse_key=where[1], since=since, limit=limit).fetchone()[0]
    return stored + sum((o.survey_id, o.abuse_key) == where and o.key > since for o in beside) >= limit


_burst = db.Prepared(
    lambda: Response.select(peewee.fn.COUNT(SQL("*"))).from_(
        Response.select(SQL("1"))
        .where(
            (Response.survey == db.slot("survey"))
            & (Response.abuse_key == db.slot("abuse_key"))
            & (Response.key > db.slot("since"))
        )
        .limit(db.slot("limit"))
    )
)
_FIELDS = list(Response._meta.fields)
