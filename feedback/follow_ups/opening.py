"""Which answers open a case by themselves, once they have settled; all of it off unless a survey says so."""

from datetime import datetime, timedelta
from typing import Any

from feedback.domain.follow_ups import Said, rule
from feedback.follow_ups import cases
from feedback.models import FollowUpResponse, Reading
from surveys import people, recording, responses
from surveys.base import db, jobs
from surveys.base.errors import Missing
from surveys.domain.follow_ups import OFF
from surveys.models import Person, Response

#: A comment follows its score: an answer is looked at when nothing has changed for this long.
SETTLES = timedelta(minutes=5)

TO_CONSIDER = "follow-up to consider"

#: How often a response is looked at again while its comment is not read yet.
TRIES = 12

#: So long after it can no longer be changed, an answer is history, as an import brings it, and opens nothing.
LATE = timedelta(days=1)


def wait(payload: dict[str, Any], now: datetime) -> None:
    """Look at an answer when the respondent is done, where its survey has rules."""
    row = responses.stored(payload["key"])
    if row is not None and _is_ruled(row, now):
        later = {"key": row.key, "revision": row.revision}
        db.write(lambda: jobs.enqueue(TO_CONSIDER, later, now, due_at=now + SETTLES))


@jobs.on(TO_CONSIDER)
def consider(payload: dict[str, Any], now: datetime) -> None:
    """Open a case for an answer, or let it join its person's, where a rule of its survey says so."""
    row = responses.stored(payload["key"])
    # A later revision is looked at by itself.
    if row is None or row.revision != payload["revision"] or not _is_ruled(row, now):
        return
    rules = row.survey.open_follow_ups
    reading = Reading.get_or_none(Reading.key == row.key)
    found = rule(
        rules, Said(row.score, reading.text_score if reading is not None else None, row.contact, _before(row))
    )
    if found is not None:
        _admit(row.key, found, now)
    elif rules.get("negative") and (row.comment or "").strip() and reading is None:
        tries = payload.get("tries", 0) + 1
        if tries <= TRIES:
            again = {**payload, "tries": tries}
            db.write(lambda: jobs.enqueue(TO_CONSIDER, again, now, due_at=now + SETTLES))


# ------------------------------------------------------------------------------------------------------


def _is_ruled(row: Response, now: datetime) -> bool:
    survey = recording.survey_of(row.survey_id)
    if survey is None or row.test or row.excluded:
        return False
    rules = survey.open_follow_ups
    if not rules or rules == OFF:
        return False
    if now > recording.editable_until(survey, row) + LATE:
        return False
    return not FollowUpResponse.select().where(FollowUpResponse.response == row.key).exists()


def _before(row: Response) -> list[int]:
    """The last two scores of the same person and survey before this answer, the newest first."""
    if row.person_id is None:
        return []
    person = Person.get_by_id(row.person_id)
    known = people.same(people.identity_of(person)) if person.verified else []
    earlier: Any = Response.select(Response.score).where(
        Response.person.in_([person.id, *(each.id for each in known)]),
        Response.survey == row.survey_id,
        Response.key < row.key,
        Response.counted,
    )
    return [score for (score,) in earlier.order_by(Response.key.desc()).limit(2).tuples()]


def _admit(key: int, found: str, now: datetime) -> None:
    try:
        db.write(lambda: cases.admit(key, found, now))
    except Missing:
        # Deleted meanwhile.
        return
