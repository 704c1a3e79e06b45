"""Says to whom a follow-up may be given: to members whose role opens it, and who see a survey of its answers."""

from collections.abc import Collection
from typing import Any

from feedback.models import FollowUp, FollowUpResponse
from surveys.base.accounts import members
from surveys.base.accounts.caller import SCOPES
from surveys.base.accounts.members import ROLES, Member
from surveys.models import Response

#: What it takes to open a follow-up.
SCOPE = "write"


def candidates(case: FollowUp) -> list[Member]:
    """The members who have joined and can open a case, by name."""
    surveys = surveys_of(case)
    return [each for each in leads() if sees(each, surveys)]


def leads() -> list[Member]:
    """The members who have joined and can open follow-ups, by name."""
    joined = Member.select().where(Member.joined_at.is_null(False))
    return sorted(filter(works, joined), key=lambda each: (each.called.casefold(), each.id))


def against(member_id: str, case: FollowUp) -> str | None:
    """Why a case cannot be given to somebody, as a sentence; None where it can."""
    member = members.get(member_id)
    if member is None:
        return "There is no such member."
    if works(member) and sees(member, surveys_of(case)):
        return None
    return f"{member.called} cannot open this: an administrator can change what they may see."


def against_lead(member_id: str | None, stored: str | None) -> str | None:
    """Why somebody cannot look after what is overdue, as a sentence; None where they can, or do already (`stored`)."""
    if member_id in (None, stored):
        return None
    member = members.get(member_id)
    if member is None:
        return "There is no such member."
    return None if works(member) else f"{member.called} cannot open follow-ups with the role {member.role}."


def works(member: Member) -> bool:
    """Whether the role of a member opens follow-ups."""
    return any(SCOPE in SCOPES[own] for own in ROLES[member.role])


def sees(member: Member, surveys: Collection[str]) -> bool:
    """Whether a member sees one of these surveys."""
    return member.surveys is None or not set(surveys).isdisjoint(member.surveys)


def surveys_of(case: FollowUp) -> set[str]:
    """The surveys of a case's answers."""
    said: Any = (
        Response.select(Response.survey).join(FollowUpResponse).where(FollowUpResponse.follow_up == case.id)
    )
    return {survey for (survey,) in said.distinct().tuples()}
