"""New rows go into the database, with what belongs to them: counts, tags, person and invitation, and the job."""

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from surveys import daily_counts, events, responses, tombstones
from surveys.base import db, jobs
from surveys.models import Alias, Invitation, Person, Response, Tombstone


def insert(rows: list[Response], vouched: bool = False) -> list[Response]:
    """Insert rows unless the id, the invitation or the key is taken, or the id was deleted; those that are stored now.

    `vouched`: whoever imports may bring back what was deleted.
    """
    tick = db.new_tick()
    for row in rows:
        row.first_tick = row.changed_tick = tick
    count = _insert_rows.many([row.__data__ for row in rows])
    if not count:
        return []
    # Asked afterwards: where a deletion made room for the row, its tombstone can be seen by now.
    unwanted = _unwanted_ids(rows, vouched)
    if count == len(rows) and not unwanted:
        return rows
    # Nobody else has our tick.
    ours = (Response.first_tick == tick) & Response.key.in_([row.key for row in rows])
    if unwanted:
        Response.delete().where(ours & Response.id.in_(list(unwanted))).execute()
    inserted = {found.id for found in Response.select(Response.id).where(ours)}
    return [row for row in rows if row.id in inserted]


def insert_at_once(rows: Sequence[Response], read_as: Mapping[int, str]) -> set[int]:
    """`insert` and `follow` on PostgreSQL for plain answers, in two exchanges with it; the keys that are stored now.

    The transaction is its own. `read_as`: for some rows, by key, the version of the survey that they go by; a row
    whose survey has changed since is left out too.
    """
    # Two of us that bring the same ids do not wait for each other.
    left = sorted(rows, key=lambda row: row.id)
    while left:
        new, unwanted = db.begun_with(
            [
                (_recording(), (_as_json(left), daily_counts.any_slot(), events.RECORDED)),
                # Asked afterwards, as in `insert`.
                (_UNWANTED, (_guarded(left, read_as),)),
            ],
            lambda found: not found[1],
        )
        if not unwanted:
            jobs.ring()
            return {key for (key,) in new}
        refused = {key for (key,) in unwanted}
        left = [row for row in left if row.key not in refused]
    return set()


def follow(
    recorded: Sequence[tuple[Response, Person | None, Invitation | None]], history: bool = False
) -> None:
    """What belongs to new rows: counts, tags, person and invitation, and the job."""
    daily_counts.counted(row for row, _, _ in recorded)
    for row, person, invitation in recorded:
        if row.tags:
            responses.index_tags(row)
        note_answer(row, person, invitation, row.created_at)
    read = [({"key": row.key}, row.updated_at) for row, _, _ in recorded]
    jobs.enqueue_all(events.RECORDED, read, in_bulk=history)


def note_answer(row: Response, person: Person | None, invitation: Invitation | None, at: datetime) -> None:
    """Write down that person and invitation were answered, by the score that `row` has now."""
    if row.score is None or row.test:
        return
    if invitation is not None and invitation.answered_at is None:
        Invitation.update(status="answered", answered_at=at).where(Invitation.id == invitation.id).execute()
    if invitation is not None and row.counted:
        responses.displace(invitation, at)
    if person is not None and (person.last_answered_at is None or person.last_answered_at < at):
        Person.update(last_answered_at=at).where(Person.id == person.id).execute()


def _as_json(rows: Sequence[Response]) -> str:
    """Rows by the names of their columns, without what is null: one parameter, however many there are."""
    return db.compact(
        [
            {
                column: value.isoformat() if isinstance(value, datetime) else value
                for name, column in _COLUMNS
                if (value := row.__data__[name]) is not None
            }
            for row in rows
        ]
    )


def _guarded(rows: Sequence[Response], read_as: Mapping[int, str]) -> str:
    return db.compact(
        [
            {
                "key": row.key,
                "id": row.id,
                "digest": tombstones.digest(tombstones.RESPONSE, row.id),
                "survey": row.survey_id,
                "read_as": read_as.get(row.key),
            }
            for row in rows
        ]
    )


@functools.cache
def _recording() -> str:
    """Rows, their counts and their jobs in one statement; the keys of those that were not there."""
    columns = ", ".join(f'"{column}"' for _, column in _COLUMNS)
    values = ", ".join(
        db.POSTGRES_TICK if name.endswith("_tick") else f'"{column}"' for name, column in _COLUMNS
    )
    return f"""
        WITH new AS (
            INSERT INTO response ({columns}) SELECT {values} FROM json_populate_recordset(NULL::response, %s::json)
            ON CONFLICT DO NOTHING RETURNING key, survey_id, day, definition, score, counted, updated_at
        ),
        counted AS ({daily_counts.adding("new")}),
        queued AS ({jobs.queueing("jsonb_build_object('key', key)", "updated_at", "new ORDER BY key")})
        SELECT key FROM new
    """  # noqa: S608


def _unwanted_ids(rows: Sequence[Response], vouched: bool) -> set[str]:
    """Ids under which another answer was amended and, unless `vouched`, ids of answers that were deleted."""
    stones = {} if vouched else {tombstones.digest(tombstones.RESPONSE, row.id): row.id for row in rows}
    found = _unwanted(ids=db.listed([row.id for row in rows]), digests=db.listed(list(stones)))
    return {stones.get(each, each) for (each,) in found.fetchall()}


def _build_unwanted() -> Any:
    second = Alias.select(Alias.id).where(db.is_among(Alias.id, "ids"))
    return second.union_all(
        Tombstone.select(Tombstone.digest).where(db.is_among(Tombstone.digest, "digests"))
    )


_unwanted = db.Prepared(_build_unwanted)
_COLUMNS = [(field.name, field.column_name) for field in Response._meta.sorted_fields]
_UNWANTED = """
    SELECT key FROM json_to_recordset(%s::json) AS given (key bigint, id text, digest text, survey text, read_as text)
    WHERE EXISTS (SELECT FROM alias WHERE alias.id = given.id)
    OR EXISTS (SELECT FROM tombstone WHERE tombstone.digest = given.digest)
    OR read_as IS NOT NULL AND NOT EXISTS (
        SELECT FROM survey WHERE survey.id = given.survey AND survey.xmin::text = given.read_as
    )
"""
# SQLite's OR IGNORE, which the builder would write for an action, also swallows a NOT NULL violation.
_insert_rows = db.Insert(Response, action="nothing")
