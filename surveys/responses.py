"""Responses that are stored: found, excluded, attributed, tagged, touched, deleted. Each change is one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import SQL

from surveys import daily_counts, events, segment_counts, ticket_resolutions, tombstones
from surveys.base import clock, db, jobs
from surveys.base.errors import Clash, Missing
from surveys.models import Alias, Erased, Invitation, Person, Response, ResponseTag
from surveys.webhooks import telling

#: The flag of an answer through a printed link: it may be anybody's, the agent's too.
UNVERIFIED = "unverified"

#: The flag of an answer that somebody took out of the value, which no later arrival puts back.
BY_HAND = "by_hand"

#: Columns that come with the invitation alone.
FROM_INVITATION = (
    "invitation", "agent_id", "agent_name", "team_id", "team_name", "ticket", "ticket_id", "ticket_channel", "tags",
)  # fmt: skip

#: Rows under lock, by one of their keys.
by_id = db.Lookup(Response.id, lock=True)
by_key = db.Lookup(Response.key, lock=True)
by_invitation = db.Lookup(Response.invitation, lock=True)
#: A row as it stands, without lock.
stored = db.Lookup(Response.key)
#: An invitation as it stands, without lock.
glance = db.Lookup(Invitation.id)


@dataclass(frozen=True)
class Outcome:
    """What came of an answer: a status that the words `me.<status>` tell of, and what the team says to it.

    `asks`: whether it is solved for them is asked, to which they `said` so far fixed, not_yet or nothing (None).
    """

    status: str
    note: str | None
    asks: bool = False
    said: str | None = None


Outcomes = Mapping[int, Sequence[Outcome]]


def _none(keys: Sequence[int], language: str) -> Outcomes:
    return {}


#: An answer's key, what is said, in which words, and when.
Hearing = Callable[[int, str, str | None, datetime], None]


def _deaf(key: int, said: str, text: str | None, now: datetime) -> None:
    raise Missing


def _nowhere(key: int) -> list[str]:
    return []


_outcomes: Callable[[Sequence[int], str], Outcomes] = _none
_hear: Hearing = _deaf
_heard_as: Callable[[int], list[str]] = _nowhere


def use_outcomes(
    find: Callable[[Sequence[int], str], Outcomes], hear: Hearing, heard_as: Callable[[int], list[str]]
) -> None:
    """How to know what came of answers, by their keys, in a language; who hears what is said to it; and under which ids
    that was noted elsewhere, which is asked before an answer is deleted.
    """
    global _outcomes, _hear, _heard_as
    _outcomes, _hear, _heard_as = find, hear, heard_as


def say_of_outcome(key: int, said: str, text: str | None, now: datetime) -> None:
    """Whoever answered says of what came of it that it is `fixed` for them, or `not_yet`. Raises Missing where nobody
    asked them."""
    if not any(each.asks for found in _outcomes([key], "").values() for each in found):
        raise Missing
    _hear(key, said, text, now)


def came_of(keys: Sequence[int], language: str) -> Outcomes:
    """What came of answers, by their keys, in a language."""
    return _outcomes(keys, language)


def find(response_id: str) -> Response | None:
    """The response with this id, also when the id is a second one of the same invitation."""
    found = Response.get_or_none(Response.id == response_id)
    if found is None:
        alias = Alias.get_or_none(Alias.id == response_id)
        return alias.response if alias else None
    return found


def exclude(response: Response, excluded: bool, now: datetime) -> Response:
    """Take a response out of the value, or back in.

    Raises Clash for one through a printed link when the customer's own answer counts: one a resolution does.
    """

    def verb() -> Response:
        invitation = glance(response.invitation_id) if response.invitation_id else None
        if invitation is not None:
            ticket_resolutions.hold(invitation)
        row = by_key(response.key)
        if row is None:
            raise Missing
        if not excluded and invitation is not None and invitation.unverified and _counts(invitation):
            raise Clash("The customer's own answer to this resolution of the ticket counts.", "excluded")
        flags = [flag for flag in row.flags or [] if flag != BY_HAND] + ([BY_HAND] if excluded else [])
        if row.excluded == excluded and flags == (row.flags or []):
            return row
        before = (row.score, row.counted)
        row.excluded, row.flags = excluded, flags or None
        settle(row, before, now)
        save(row, ["excluded", "counted", "flags"])
        if not excluded:
            # What was not looked at while it stood aside is looked at now.
            jobs.enqueue(events.AMENDED, {"key": row.key}, now)
        if row.counted and invitation is not None:
            displace(invitation, now)
        return row

    return db.write(verb)


def attribute(invitation_id: str, now: datetime) -> None:
    """Put the answer to an invitation down to agent and team as the invitation now has them; nothing else changes.

    Call it in a transaction.
    """
    row = by_invitation(invitation_id)
    if row is None:
        return
    # Tags were set by hand.
    tags = row.tags
    take_from(row, Invitation.get_by_id(invitation_id))
    row.tags = tags
    settle(row, (row.score, row.counted), now)
    save(row, [name for name in (*FROM_INVITATION, "touchpoint") if name not in ("invitation", "tags")])
    jobs.enqueue(events.AMENDED, {"key": row.key}, now)


def set_tags(response: Response, tags: list[str], now: datetime) -> None:
    """Replace the tags of a response."""

    def verb() -> None:
        row = by_key(response.key)
        if row is None:
            raise Missing
        row.tags = list(dict.fromkeys(tags))
        settle(row, (row.score, row.counted), now)
        save(row, ["tags"])
        ResponseTag.delete().where(ResponseTag.response == row.key).execute()
        index_tags(row)

    db.write(verb)


def allow(response: Response, contact: str | None, now: datetime) -> None:
    """Keep whether we may write about a response: at any time, for what was allowed can be taken back.

    Raises Missing.
    """

    def verb() -> None:
        row = by_key(response.key)
        if row is None:
            raise Missing
        if row.contact == contact:
            return
        row.contact = contact
        # What a browser still sends, of an earlier moment, changes it no more.
        row.revision += 1
        row.revisions = {**row.revisions, "contact": row.revision}
        settle(row, (row.score, row.counted), now)
        save(row, ["contact", "revision", "revisions"])
        jobs.enqueue(events.AMENDED, {"key": row.key}, now)

    db.write(verb)


def touch(key: int, now: datetime) -> None:
    """Give a response a new version, for whoever follows the feed. Call it in a transaction."""
    _touch(key=key, tick=db.tick(), at=Response.updated_at.db_value(now))
    telling.note_changes([key], now)


def touch_all(keys: Sequence[int], now: datetime) -> None:
    """`touch` for a few hundred responses at once."""
    Response.update(version=Response.version + 1, changed_tick=db.tick(), updated_at=now).where(
        Response.key.in_(keys)
    ).execute()
    telling.note_changes(keys, now)


def withdraw_contact(rows: Sequence[Person], now: datetime) -> None:
    """Somebody, whose rows are `rows`, wants no letter about any of their answers; a later answer may allow it again.

    Call it in a transaction.
    """
    mine: Any = Response.select(Response.key).where(
        Response.person.in_([row.id for row in rows]), Response.contact.is_null(False)
    )
    keys = [key for (key,) in mine.tuples()]
    if keys:
        Response.update(contact=None).where(Response.key.in_(keys)).execute()
        touch_all(keys, now)


def delete(response: Response, now: datetime) -> None:
    """Remove a response and all that was derived from it; followers of the feed learn its id."""
    db.write(lambda: remove(response, now))


def remove(response: Response, now: datetime) -> None:
    """`delete` inside the caller's transaction; nothing when it is gone already."""
    # Locked first: what others are just writing about it is to be seen, and goes too.
    row = by_key(response.key)
    if row is None:
        return
    before = (row.score, row.counted)
    row.counted = False
    daily_counts.moved(row, before)
    segment_counts.forget(row.key)
    others = [alias.id for alias in Alias.select(Alias.id).where(Alias.response == row.key)]
    heard_as = _heard_as(row.key)
    for table in db.registered():
        meta: Any = table._meta
        if meta.about == "response":
            column = meta.columns.get("response_key") or meta.primary_key
            table.delete().where(column == row.key).execute()
    Response.delete().where(Response.key == row.key).execute()
    Erased.insert(
        id=row.id,
        key=row.key,
        survey_id=row.survey_id,
        changed_tick=db.tick(),
        version=row.version + 1,
        erased_at=now,
    ).on_conflict(
        conflict_target=[Erased.id],
        preserve=[Erased.key, Erased.changed_tick, Erased.version, Erased.erased_at],
    ).execute()
    tombstones.bury(tombstones.RESPONSE, [row.id, *others], now)
    told = {"key": row.key, "id": row.id, "survey": row.survey_id}
    jobs.enqueue(events.ERASED, told | ({"heard_as": heard_as} if heard_as else {}), now)


def forget_networks(now: datetime) -> int:
    """Drop abuse keys older than 48 hours; how many."""
    oldest = clock.microseconds(now - timedelta(hours=48))
    query = Response.update(abuse_key=None).where(Response.abuse_key.is_null(False) & (Response.key < oldest))
    return db.write(query.execute)


def take_from(row: Response, invitation: Invitation) -> None:
    """Agent, team and ticket as they were when the person was asked."""
    if invitation.person_id:
        row.person_id = invitation.person_id
    row.agent_id, row.agent_name = invitation.agent_id, invitation.agent_name
    row.team_id, row.team_name = invitation.team_id, invitation.team_name
    row.ticket = invitation.ticket
    row.ticket_id = (invitation.ticket or {}).get("id")
    row.ticket_channel = (invitation.ticket or {}).get("channel")
    row.tags = invitation.tags
    for name in ("touchpoint", "language", "properties"):
        setattr(row, name, with_invitation(name, getattr(row, name), invitation))
    if "channel" not in row.revisions and invitation.channel == "email":
        row.channel = "email"


def with_invitation(name: str, value: Any, invitation: Invitation | None) -> Any:
    """What a field holds that carried `value`: where the answer says nothing, what the invitation said."""
    if invitation is None:
        return value
    if name == "properties" and invitation.properties:
        return {**invitation.properties, **(value or {})}
    return getattr(invitation, name) if value is None and name in ("touchpoint", "language") else value


def settle(row: Response, before: tuple[int | None, bool], now: datetime) -> None:
    """Give a changed row its new version and carry it into the daily counts."""
    row.counted = row.score is not None and not row.excluded and not row.test
    daily_counts.moved(row, before)
    row.version += 1
    row.changed_tick = db.tick()
    row.updated_at = now
    telling.note_changes([row.key], now)


def save(row: Response, names: list[str]) -> None:
    """Write these columns of a settled row."""
    names = [*names, "version", "changed_tick", "updated_at"]
    fields = Response._meta.fields
    Response.update({fields[name]: row.__data__.get(name) for name in dict.fromkeys(names)}).where(
        Response.key == row.key
    ).execute()


def index_tags(row: Response) -> None:
    """Put the tags of a row where the feed finds them."""
    rows = [{"tag": tag, "response": row.key} for tag in dict.fromkeys(row.tags or [])]
    if rows:
        ResponseTag.insert_many(rows).on_conflict_ignore().execute()


def displace(invitation: Invitation, now: datetime) -> None:
    """The customer's own answer counts: one through a printed link that was put into the value goes out again."""
    printed = None if invitation.unverified else of_twin(invitation)
    if printed is None or not printed.counted:
        return
    before = (printed.score, printed.counted)
    printed.excluded, printed.flags = True, list(dict.fromkeys([*(printed.flags or []), UNVERIFIED]))
    settle(printed, before, now)
    save(printed, ["excluded", "counted", "flags"])


def of_twin(invitation: Invitation) -> Response | None:
    """The answer to the other invitation to one resolution of a ticket: the customer's own, or the printed link's."""
    other = ticket_resolutions.twin(invitation)
    return by_invitation(other.id) if other else None


# ------------------------------------------------------------------------------------------------------


def _counts(printed: Invitation) -> bool:
    """Whether the customer's own answer to the resolution counts."""
    own = of_twin(printed)
    return own is not None and own.counted


def _build_touch() -> Any:
    return Response.update(
        {
            Response.version: Response.version + 1,
            Response.changed_tick: db.slot("tick") if db.on_sqlite() else SQL(db.POSTGRES_TICK),
            Response.updated_at: db.slot("at"),
        }
    ).where(Response.key == db.slot("key"))


_touch = db.Prepared(_build_touch)
