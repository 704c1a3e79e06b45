"""Cases whose answer or solution is owed, as rules and webhooks look at them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from feedback.models import FollowUp, FollowUpResponse
from surveys.models import Response


def cases_of(filters: Mapping[str, Any], surveys: list[str] | None) -> Any:
    """A query of the cases of a person, and of those that answers to some surveys are in (None: any)."""
    query = FollowUp.select()
    if filters.get("person"):
        query = query.where(FollowUp.person == filters["person"])
    chosen = surveys
    if filters.get("survey"):
        chosen = [each for each in (filters["survey"],) if surveys is None or each in surveys]
    if chosen is None:
        return query
    joined = FollowUpResponse.select(FollowUpResponse.follow_up).join(
        Response, on=(Response.key == FollowUpResponse.response)
    )
    return query.where(FollowUp.id.in_(joined.where(Response.survey.in_(chosen))))


def missed(case: FollowUp, now: datetime) -> list[tuple[datetime, dict[str, Any], datetime | None]]:
    """The promises of a case that are or were owed: since when, in which words that is told, and when each was kept."""
    clocks = (
        ("answer", case.answer_due_at, case.answer_why, case.first_answer_at or case.closed_at),
        ("solution", case.solve_due_at, case.solve_why, case.closed_at),
    )
    return [
        (due, {"case": case.id, "owed": owed, "why": why}, came)
        for owed, due, why, came in clocks
        if due is not None and due < (came or now)
    ]
