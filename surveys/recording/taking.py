"""An answer arrives: it is stored, or merged into what is stored. One arrival is one transaction."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from surveys import links, people, responses, ticket_resolutions, tombstones
from surveys.base import db
from surveys.base.errors import Gone, Missing, Refused
from surveys.domain.metrics import METRICS
from surveys.models import Alias, Invitation, Response, Survey
from surveys.recording.amending import amend
from surveys.recording.arrivals import ARCHIVED_GRACE, Answer, Arrival, Changed, person_of
from surveys.recording.bearers import check_bearer, check_open
from surveys.recording.new_rows import flag, new_row, stored_lately
from surveys.recording.storing import follow, insert, insert_at_once


def record(survey: Survey, answer: Answer, now: datetime, burst_limit: int = 0) -> tuple[Response, bool]:
    """Store `answer`, or merge it into what is stored under its id; the row and whether it is new.

    Each field keeps the value of the highest revision that carried it; at equal revision the first stored
    wins. So any order of arrival, any number of times, gives the same row. `burst_limit`: answers a minute,
    survey and network above which new ones are flagged; 0 for none. Raises Refused, Clash, Answered, Gone and Missing,
    and Changed where the survey was remembered and has changed.
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
    arrival = Arrival(survey, answer, who, invitation_id, now, burst_limit)
    return db.write(lambda: _record(arrival), _record_new if arrival.is_plain else None, arrival)


def _check(survey: Survey, answer: Answer) -> None:
    score = answer.values.get("score")
    metric = METRICS[survey.metric]
    if score is not None and not metric.accepts(score):
        if answer.remembered:
            # Perhaps by a metric that it no longer has.
            raise Changed
        raise Refused(f"Must be between {metric.minimum} and {metric.maximum}.", "score")


def _record_new(arrivals: Sequence[Arrival]) -> list[Any]:
    """`_record` for many plain arrivals: a few statements for all of them. ALONE for what is not new after all."""
    on_sqlite = db.on_sqlite()
    remembered = {id(each.survey): each for each in arrivals if each.answer.remembered}
    # PostgreSQL is asked together with all the rest.
    past = {survey for survey, arrival in remembered.items() if on_sqlite and arrival.is_past}
    new: dict[int, tuple[Arrival, Response]] = {}
    ids: set[str] = set()
    for arrival in arrivals:
        if id(arrival.survey) in past:
            continue
        row = new_row(arrival, None, None)
        # What comes twice, id or microsecond, is settled one after the other.
        if row.id not in ids and row.key not in new:
            arrival.row = row
            new[row.key] = arrival, row
            ids.add(row.id)
    lately = stored_lately(list(new.values()))
    rows: list[Response] = []
    for arrival, row in new.values():
        flag(row, arrival, None, lately, rows)
        rows.append(row)
    if on_sqlite:
        stored = insert(rows)
        follow([(row, None, None) for row in stored])
        taken = {row.key for row in stored}
    else:
        by = {key: each.survey.read_as or "" for key, (each, _) in new.items() if each.answer.remembered}
        taken = insert_at_once(rows, by)
    return [(a.row, True) if a.row and a.row.key in taken else db.ALONE for a in arrivals]


def _record(arrival: Arrival) -> tuple[Response, bool]:
    survey, answer, now = arrival.survey, arrival.answer, arrival.now
    if arrival.is_past:
        raise Changed
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
                return amend(arrival, row, offset, is_alias, invitation), False
            if not answer.vouched and tombstones.stands(tombstones.RESPONSE, answer.id):
                raise Gone("The answer was deleted.")
            if invitation is not None:
                check_open(invitation, now)
        # Somebody else may be first with the id, the invitation or the microsecond: then look again.
        # An import may bring many answers of one moment, so each attempt looks further around.
        moved = secrets.randbelow(1000 << attempt) if attempt else 0
        person = person_of(arrival.who, invitation, now)
        row = new_row(arrival, person, invitation, moved)
        flag(row, arrival, invitation, stored_lately([(arrival, row)]))
        if insert([row], answer.vouched):
            follow([(row, person, invitation)], answer.history)
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
    check_bearer(invitation, row)
    if row is None:
        return None, 0, False
    # A second device answered the same invitation: what it says is newer than all that is stored.
    Alias.insert(id=answer.id, response=row.key, offset=row.revision).execute()
    return row, row.revision, True


_alias = db.Lookup(Alias.id)
_invitation = db.Lookup(Invitation.id, lock=True)
