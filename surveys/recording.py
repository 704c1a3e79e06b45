"""Recording: an answer arrives, and is stored or merged into what is stored. One arrival is one transaction."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import peewee
from peewee import SQL

from surveys import (
    daily_counts,
    events,
    invitations,
    links,
    people,
    responses,
    ticket_resolutions,
    tombstones,
)
from surveys.base import clock, db, jobs, signing
from surveys.base.errors import Clash, Gone, Missing, Refused
from surveys.domain import folding, revisions, schedule
from surveys.domain.metrics import METRICS
from surveys.models import Alias, Invitation, Person, Response, Survey, Tombstone

#: Queued answers of browsers that were offline are still taken this long after a survey was archived.
ARCHIVED_GRACE = invitations.KEPT_BY_BROWSERS

BURST_SECONDS = 60


class Answered(Clash):
    """Somebody answered for this resolution of the ticket already; a printed link cannot change that."""


@dataclass
class Answer:
    """One arrival of one answer. `values` holds only the fields that it carried.

    `vouched`: an administrator imports it. Then the person is who they are said to be; archived surveys, and surveys
    that want signed identities, take it; and where it differs from what is stored, it amends that, at any time.
    `attribution`: agent, team, ticket and tags as columns, where no invitation knows them. The tags of the first
    import stay, because people change them afterwards. `history`: it is not what somebody says now, so its comment is
    read when those of now are. `own`: it comes from the respondent's own page, which needs
    no edit key.
    """

    id: str
    revision: int
    values: dict[str, Any]
    edit_key: str | None = None
    invitation: str | None = None
    person: dict[str, Any] | None = None
    flags: list[str] = field(default_factory=list)
    network: str | None = None
    created_at: datetime | None = None
    vouched: bool = False
    attribution: dict[str, Any] = field(default_factory=dict)
    history: bool = False
    own: bool = False


def record(survey: Survey, answer: Answer, now: datetime, burst_limit: int = 0) -> tuple[Response, bool]:
    """Store `answer`, or merge it into what is stored under its id; the row and whether it is new.

    Each field keeps the value of the highest revision that carried it; at equal revision the first stored
    wins. So any order of arrival, any number of times, gives the same row. `burst_limit`: answers a minute,
    survey and network above which new ones are flagged; 0 for none. Raises Refused, Clash, Answered, Gone and Missing.
    """
    if survey.archived_at and now > survey.archived_at + ARCHIVED_GRACE and not answer.vouched:
        raise Missing
    _check(survey, answer)
    who = people.identity(survey, answer.person, answer.vouched)
    invitation_id = None
    if answer.invitation:
        try:
            invitation_id = links.invitation_id(answer.invitation, now)
        except links.BadToken:
            raise Refused("Is not an invitation of ours.", "invitation") from None
    arrival = _Arrival(survey, answer, who, invitation_id, now, burst_limit)
    return db.write(lambda: _record(arrival), _record_new if arrival.is_plain else None, arrival)


def editable_until(survey: Survey, response: Response) -> datetime:
    """Until when the respondent may change the answer."""
    return schedule.editable_until(response.created_at, survey.edit_window_hours)


def to_invitation(invitation: Invitation, own: str | None = None) -> Response | None:
    """The answer to the invitation, which its bearer may see and change.

    Raises Answered for a printed link once somebody has answered, unless with the id `own` that the bearer proved.
    """
    row = Response.get_or_none(Response.invitation == invitation.id)
    if row is None or row.id != own:
        _check_bearer(invitation, row)
    return row


# ------------------------------------------------------------------------------------------------------


def _check(survey: Survey, answer: Answer) -> None:
    score = answer.values.get("score")
    metric = METRICS[survey.metric]
    if score is not None and not metric.accepts(score):
        raise Refused(f"Must be between {metric.minimum} and {metric.maximum}.", "score")


@dataclass
class _Arrival:
    """What came in, checked as far as it can be without looking at what is stored.

    `row`: what `_record_new` tried to insert.
    """

    survey: Survey
    answer: Answer
    who: people.Identity | None
    invitation_id: str | None
    now: datetime
    burst_limit: int
    row: Response | None = None

    @property
    def is_plain(self) -> bool:
        """True for nearly all: nothing has to be looked up before it is known to be new."""
        if self.answer.vouched or self.answer.revision > 1 or self.survey.require_signed_identity:
            return False
        return self.who is None and self.invitation_id is None


def _record_new(arrivals: Sequence[_Arrival]) -> list[Any]:
    """`_record` for many plain arrivals: a few statements for all of them. ALONE for what is not new after all."""
    new: dict[int, Response] = {}
    ids: set[str] = set()
    for arrival in arrivals:
        row = _new_row(arrival, None, None)
        # What comes twice, id or microsecond, is settled one after the other.
        if row.id not in ids and row.key not in new:
            _flag(row, arrival, None, new.values())
            new[row.key] = arrival.row = row
            ids.add(row.id)
    stored = _insert(list(new.values()))
    _follow([(row, None, None) for row in stored])
    taken = {row.key for row in stored}
    return [(a.row, True) if a.row and a.row.key in taken else db.ALONE for a in arrivals]


def _record(arrival: _Arrival) -> tuple[Response, bool]:
    survey, answer, now = arrival.survey, arrival.answer, arrival.now
    # Locked, so that two devices that answer one invitation at once come one after the other.
    if arrival.invitation_id and (seen := responses.glance(arrival.invitation_id)):
        ticket_resolutions.hold(seen)
    invitation = _invitation(arrival.invitation_id) if arrival.invitation_id else None
    if arrival.invitation_id and (invitation is None or invitation.survey_id != survey.id):
        raise Refused("Is not an invitation to this survey.", "invitation")
    _check_identity(survey, answer, arrival.who, invitation)
    # A first revision is nearly always new: it is inserted at once, and only a conflict makes us look.
    look = answer.revision > 1 or invitation is not None or arrival.row is not None
    for attempt in range(20):
        if look:
            row, offset, is_alias = _stored(answer, invitation)
            if row is not None:
                return _amend(survey, row, offset, is_alias, answer, arrival.who, invitation, now), False
            if not answer.vouched and tombstones.stands(tombstones.RESPONSE, answer.id):
                raise Gone("The answer was deleted.")
            if invitation is not None:
                _check_open(invitation, now)
        # Somebody else may be first with the id, the invitation or the microsecond: then look again.
        # An import may bring many answers of one moment, so each attempt looks further around.
        moved = secrets.randbelow(1000 << attempt) if attempt else 0
        person = _person(arrival.who, invitation, now)
        row = _new_row(arrival, person, invitation, moved)
        _flag(row, arrival, invitation)
        if _insert([row], answer.vouched):
            _follow([(row, person, invitation)], answer.history)
            return row, True
        look = True
    raise db.DatabaseAway("no free key")


def _check_identity(
    survey: Survey, answer: Answer, who: people.Identity | None, invitation: Invitation | None
) -> None:
    if not survey.require_signed_identity or invitation is not None or answer.vouched:
        return
    if who is not None and who.verified:
        return
    if who is None and Response.select().where(Response.id == answer.id).exists():
        return
    raise Refused("This survey takes only answers of people whose identity is signed.", "person")


def _stored(answer: Answer, invitation: Invitation | None) -> tuple[Response | None, int, bool]:
    """The row this answer belongs to, what its revisions count from, whether it came under a second id."""
    row = responses.by_id(answer.id)
    if row is not None:
        return row, 0, False
    alias = _alias(answer.id)
    if alias is not None:
        return responses.by_key(alias.response_key), alias.offset, True
    if invitation is None:
        return None, 0, False
    row = responses.by_invitation(invitation.id)
    _check_bearer(invitation, row)
    if row is None:
        return None, 0, False
    # A second device answered the same invitation: what it says is newer than all that is stored.
    Alias.insert(id=answer.id, response=row.key, offset=row.revision).execute()
    return row, row.revision, True


def _check_bearer(invitation: Invitation, row: Response | None) -> None:
    """Raise Answered for a printed link when somebody answered by it (`row`), or the customer by their own.

    Whoever has a printed link can have it name any ticket: what is stored is not theirs to see or to change.
    """
    if invitation.unverified and (row is not None or responses.of_twin(invitation) is not None):
        raise Answered("This resolution of the ticket was answered already.")


def _check_open(invitation: Invitation, now: datetime) -> None:
    if invitations.is_over(invitation, now):
        raise Gone("This invitation can no longer be answered.")


_stones = db.Prepared(
    lambda: Tombstone.select(Tombstone.digest).where(db.is_among(Tombstone.digest, "digests"))
)
_alias = db.Lookup(Alias.id)
_aliases = db.Prepared(lambda: Alias.select(Alias.id).where(db.is_among(Alias.id, "ids")))
_invitation = db.Lookup(Invitation.id, lock=True)


def _new_row(
    arrival: _Arrival, person: Person | None, invitation: Invitation | None, moved: int = 0
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


def _flag(
    row: Response, arrival: _Arrival, invitation: Invitation | None, beside: Iterable[Response] = ()
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
    _derive(arrival.survey, row)


def _insert(rows: list[Response], vouched: bool = False) -> list[Response]:
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
    unwanted = _second_ids(rows) | (set() if vouched else _deleted(rows))
    if count == len(rows) and not unwanted:
        return rows
    # Nobody else has our tick.
    ours = (Response.first_tick == tick) & Response.key.in_([row.key for row in rows])
    if unwanted:
        Response.delete().where(ours & Response.id.in_(list(unwanted))).execute()
    inserted = {found.id for found in Response.select(Response.id).where(ours)}
    return [row for row in rows if row.id in inserted]


def _second_ids(rows: Sequence[Response]) -> set[str]:
    """Ids under which another answer was amended."""
    return {id_ for (id_,) in _aliases(ids=db.listed([row.id for row in rows])).fetchall()}


def _deleted(rows: Sequence[Response]) -> set[str]:
    """Ids of answers that were deleted."""
    stones = {tombstones.digest(tombstones.RESPONSE, row.id): row.id for row in rows}
    return {stones[digest] for (digest,) in _stones(digests=db.listed(list(stones))).fetchall()}


_FIELDS = list(Response._meta.fields)
# SQLite's OR IGNORE, which the builder would write for an action, also swallows a NOT NULL violation.
_insert_rows = db.Insert(Response, action="nothing")


def _follow(
    recorded: Sequence[tuple[Response, Person | None, Invitation | None]], history: bool = False
) -> None:
    """What belongs to new rows: counts, tags, person and invitation, and the job."""
    daily_counts.counted(row for row, _, _ in recorded)
    for row, person, invitation in recorded:
        if row.tags:
            responses.index_tags(row)
        _note_answer(row, person, invitation, row.created_at)
    read = [({"key": row.key}, row.updated_at) for row, _, _ in recorded]
    jobs.enqueue_all(events.RECORDED, read, in_bulk=history)


def _amend(
    survey: Survey,
    row: Response,
    offset: int,
    is_alias: bool,
    answer: Answer,
    who: people.Identity | None,
    invitation: Invitation | None,
    now: datetime,
) -> Response:
    if row.survey_id != survey.id:
        raise Clash("This id belongs to another survey's answer.", "id")
    if row.edit_key_hash and not is_alias and not answer.own:
        given = signing.keyed_hash("edit", answer.edit_key) if answer.edit_key else ""
        if not signing.same(given, row.edit_key_hash):
            raise Clash("The edit key of the first recording must come with every later one.", "edit_key")
    # An import says what is so now, whatever the respondent's own revisions were.
    revision = row.revision + 1 if answer.vouched else offset + answer.revision
    changes: dict[str, Any] = {}
    flags = list(answer.flags)
    if (
        invitation is not None
        and row.invitation_id is None
        and responses.by_invitation(invitation.id) is None
    ):
        _check_bearer(invitation, None)
        _check_open(invitation, now)
        changes["invitation"] = invitation.id
        flags += [responses.UNVERIFIED] if invitation.unverified else []
    asked = invitation if "invitation" in changes else row.invitation if row.invitation_id else None
    carried = {
        name: responses.with_invitation(name, value, asked)
        for name, value in answer.values.items()
        if name in revisions.MERGED
    }
    stored = {name: getattr(row, name) for name in carried}
    differing, carriers = revisions.merged(stored, row.revisions, carried, revision, differing=answer.vouched)
    changes |= differing
    if answer.person is not None and invitation is None and revisions.is_newer(carriers, "person", revision):
        carriers["person"] = revision
        person = _person(who, asked, now)
        if (person.id if person else None) != row.person_id:
            changes["person"] = person.id if person else None
    if answer.vouched and row.invitation_id is None:
        about = {name: value for name, value in answer.attribution.items() if name != "tags"}
        changes |= {
            name: value for name, value in about.items() if not revisions.same(getattr(row, name), value)
        }
    fresh_flags = [flag for flag in flags if flag not in (row.flags or [])]
    if answer.vouched and not changes:
        return row
    if not changes and carriers == row.revisions and revision <= row.revision and not fresh_flags:
        return row
    if now > editable_until(survey, row) and not answer.vouched:
        if not changes:
            return row
        raise Clash("The answer can no longer be changed; its edit window is over.")
    before = (row.score, row.counted)
    for name, value in changes.items():
        setattr(row, name, value)
    if asked is not None and "invitation" in changes:
        responses.take_from(row, asked)
        responses.index_tags(row)
    is_later = revision > row.revision
    row.revision, row.revisions = max(row.revision, revision), carriers
    if fresh_flags:
        row.flags, row.excluded = (row.flags or []) + fresh_flags, True
    _derive(survey, row)
    if changes or fresh_flags:
        responses.settle(row, before, now)
    if changes or fresh_flags or is_later:
        # Also for a revision that says the same again: whoever waited for the one before gives up.
        jobs.enqueue_all(events.AMENDED, [({"key": row.key}, now)], in_bulk=answer.history)
    if changes or fresh_flags:
        if before[0] is None and row.score is not None:
            _note_answer(row, row.person, row.invitation, now)
        elif "invitation" in changes:
            _note_answer(row, None, asked, now)
    responses.save(
        row,
        [
            *revisions.MERGED,
            *responses.FROM_INVITATION,
            "group",
            "search_text",
            "counted",
            "flags",
            "excluded",
            "revision",
            "revisions",
        ],
    )
    return row


def _derive(survey: Survey, row: Response) -> None:
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


def _person(who: people.Identity | None, invitation: Invitation | None, now: datetime) -> Person | None:
    if invitation is not None and (invitation.person_id or invitation.unverified):
        # Whom an answer by a printed link names is asked as if it had not been given.
        return invitation.person
    return people.find_or_create(who, now) if who else None


def _note_answer(row: Response, person: Person | None, invitation: Invitation | None, at: datetime) -> None:
    if row.score is None or row.test:
        return
    if invitation is not None and invitation.answered_at is None:
        Invitation.update(status="answered", answered_at=at).where(Invitation.id == invitation.id).execute()
    if invitation is not None and row.counted:
        responses.displace(invitation, at)
    if person is not None and (person.last_answered_at is None or person.last_answered_at < at):
        Person.update(last_answered_at=at).where(Person.id == person.id).execute()


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
