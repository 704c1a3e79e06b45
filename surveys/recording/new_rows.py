"""The row of a new answer, and what follows from its other columns."""

from collections.abc import Iterable, Mapping, Sequence
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
    if answer.network is not None and invitation is None:
        values["abuse_key"] = signing.keyed_hash("abuse " + values["day"], answer.network)
    row: Response = db.row_of(Response, values)
    if invitation is not None:
        responses.take_from(row, invitation)
    return row


def flag(
    row: Response,
    arrival: Arrival,
    invitation: Invitation | None,
    lately: Mapping[int, int],
    beside: Iterable[Response] = (),
) -> None:
    """Set the flags of a new row and what follows from them.

    `lately`: see `stored_lately`; `beside` it others are about to be stored.
    """
    flags = list(arrival.answer.flags)
    if invitation is not None and invitation.unverified:
        flags.append(responses.UNVERIFIED)
    if row.key in lately:
        where, since = (row.survey_id, row.abuse_key), _since(arrival)
        coming = sum((o.survey_id, o.abuse_key) == where and o.key > since for o in beside)
        if lately[row.key] + coming >= arrival.burst_limit:
            flags.append("burst")
    if flags:
        row.flags, row.excluded = flags, True
    derive(arrival.survey, row)


def stored_lately(new: Sequence[tuple[Arrival, Response]]) -> dict[int, int]:
    """For rows of which there may be too many, by key: how many of their network stand since BURST_SECONDS.

    Counts no further than to the limit. On PostgreSQL one statement counts for all.
    """
    asked = [(arrival, row) for arrival, row in new if arrival.burst_limit and row.abuse_key is not None]
    if not asked or db.on_sqlite():
        return {row.key: _burst(**_window(arrival, row)).fetchone()[0] for arrival, row in asked}
    windows = db.compact([{"key": row.key, **_window(arrival, row)} for arrival, row in asked])
    return dict(db.database.execute_sql(_BURSTS, (windows,)).fetchall())


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


def _since(arrival: Arrival) -> int:
    return clock.microseconds(arrival.now) - BURST_SECONDS * 1_000_000


def _window(arrival: Arrival, row: Response) -> dict[str, Any]:
    return {
        "survey": row.survey_id,
        "abuse_key": row.abuse_key,
        "since": _since(arrival),
        "limit": arrival.burst_limit,
    }


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
_BURSTS = """
    SELECT given.key, (
        SELECT COUNT(*) FROM (
            SELECT FROM response
            WHERE survey_id = given.survey AND abuse_key = given.abuse_key AND key > given.since
            LIMIT given."limit"
        ) AS stored
    )
    FROM json_to_recordset(%s::json) AS given (key bigint, survey text, abuse_key text, since bigint, "limit" bigint)
"""
_FIELDS = list(Response._meta.fields)
