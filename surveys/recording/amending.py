"""A later arrival of an answer changes the row that is stored."""

from datetime import datetime
from typing import Any

from surveys import events, responses
from surveys.base import jobs, signing
from surveys.base.errors import Clash
from surveys.domain import revisions, schedule
from surveys.models import Invitation, Response, Survey
from surveys.recording.arrivals import Answer, Arrival, person_of
from surveys.recording.bearers import check_bearer, check_open
from surveys.recording.new_rows import derive
from surveys.recording.storing import note_answer


def editable_until(survey: Survey, response: Response) -> datetime:
    """Until when the respondent may change the answer."""
    return schedule.editable_until(response.created_at, survey.edit_window_hours)


def amend(
    arrival: Arrival, row: Response, offset: int, is_alias: bool, invitation: Invitation | None
) -> Response:
    """Merge an arrival into `row`, whose revisions count from `offset` for it, and give it back; in a transaction.

    `is_alias`: it came under a second id, which its invitation proves. Raises Clash, Answered and Gone.
    """
    survey, answer, now = arrival.survey, arrival.answer, arrival.now
    if row.survey_id != survey.id:
        raise Clash("This id belongs to another survey's answer.", "id")
    if not is_alias and not answer.own:
        _check_key(row, answer)
    # An import says what is so now, whatever the respondent's own revisions were.
    revision = row.revision + 1 if answer.vouched else offset + answer.revision
    changes: dict[str, Any] = {}
    flags = list(answer.flags)
    if (
        invitation is not None
        and row.invitation_id is None
        and responses.by_invitation(invitation.id) is None
    ):
        check_bearer(invitation, None)
        check_open(invitation, now)
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
        person = person_of(arrival.who, asked, now)
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
        if not changes.keys() - {"seconds"}:
            # The same said later took longer, and is the same.
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
    derive(survey, row)
    if changes or fresh_flags:
        responses.settle(row, before, now)
    if changes or fresh_flags or is_later:
        # Also for a revision that says the same again: whoever waited for the one before gives up.
        jobs.enqueue_all(events.AMENDED, [({"key": row.key}, now)], in_bulk=answer.history)
    if changes or fresh_flags:
        if before[0] is None and row.score is not None:
            note_answer(row, row.person, row.invitation, now)
        elif "invitation" in changes:
            note_answer(row, None, asked, now)
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


def _check_key(row: Response, answer: Answer) -> None:
    given = signing.keyed_hash("edit", answer.edit_key) if answer.edit_key else ""
    if row.edit_key_hash and not signing.same(given, row.edit_key_hash):
        raise Clash("The edit key of the first recording must come with every later one.", "edit_key")
