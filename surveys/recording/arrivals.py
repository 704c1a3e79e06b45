"""One arrival of one answer, as it came in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from surveys import invitations, people
from surveys.base import db
from surveys.models import Invitation, Person, Response, Survey

#: Queued answers of browsers that were offline are still taken this long after a survey was archived.
ARCHIVED_GRACE = invitations.KEPT_BY_BROWSERS


@dataclass
class Answer:
    """One arrival of one answer. `values` holds only the fields that it carried.

    `vouched`: an administrator imports it. Then the person is who they are said to be; archived surveys, and surveys
    that want signed identities, take it; and where it differs from what is stored, it amends that, at any time.
    `attribution`: agent, team, ticket and tags as columns, where no invitation knows them. The tags of the first
    import stay, because people change them afterwards. `history`: it is not what somebody says now, so its comment is
    read when those of now are. `own`: it comes from the respondent's own page, which needs no edit key.
    `remembered`: its survey is as `survey_of` remembers it, and may have changed since.
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
    remembered: bool = False


class Changed(Exception):
    """The survey is not what was remembered of it: read it again, and begin anew."""


#: A survey as it stands: the same object for all, as long as the database says the same.
survey_of = db.Lookup(Survey.id, shared=True)


@dataclass
class Arrival:
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

    @property
    def is_past(self) -> bool:
        """Whether the survey is another by now than was remembered. Asked in the transaction that records."""
        if not self.answer.remembered:
            return False
        now = survey_of(self.survey.id)
        return now is not self.survey and (now is None or now.__data__ != self.survey.__data__)


def person_of(who: people.Identity | None, invitation: Invitation | None, now: datetime) -> Person | None:
    """Whose answer it is, made if new: the invitation's person, else who they say to be. In a transaction."""
    if invitation is not None and (invitation.person_id or invitation.unverified):
        # Whom an answer by a printed link names is asked as if it had not been given.
        return invitation.person
    return people.find_or_create(who, now) if who else None
