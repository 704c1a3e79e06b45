"""Budgets of a quarter: whose counts, who waits for whom, and who gives way."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from surveys import ask_history, invitations
from surveys.base import clock, db
from surveys.models import Person, Survey


def company_of(said: Mapping[str, Any], rows: list[Person]) -> str | None:
    """Whose budget counts: the company that is told, else the one that is known."""
    told = ask_history.company_key((said.get("person") or {}).get("company"))
    return told or next((ask_history.company_key(row.company) for row in rows if row.company), None)


def hold(company: str | None) -> None:
    """Make everybody wait who decides about the company: any survey's invitations count, by whichever channel."""
    if company:
        db.serialise(f"company {company}")


def make_room(budget: str, survey: Survey, rows: list[Person], company: str | None, now: datetime) -> None:
    """Cancel the invitation of lowest priority that a budget holds for later; the youngest of several."""
    asks = ask_history.waiting(budget, [row.id for row in rows], company, now)
    lower = [a for a in asks if a.status == "scheduled" and a.survey.priority < survey.priority]
    if lower:
        chosen = min(lower, key=lambda ask: (ask.survey.priority, -clock.microseconds(ask.created_at)))
        invitations.cancel(chosen, f"gave way to a survey of higher priority ({budget} budget)", now)
