"""Asks in a page: may the website show the survey to this person now?"""

from datetime import datetime

from surveys import ask_history, budgets, daily_counts, invitations, people
from surveys.base import db
from surveys.domain import eligibility
from surveys.domain.eligibility import Ask, Decision
from surveys.models import Invitation, Survey


def in_page(
    survey: Survey, who: people.Identity, touchpoint: str | None, now: datetime
) -> tuple[Decision, Invitation | None]:
    """May the website show the survey to this person now? Then it is their invitation, and they count as asked."""

    def verb() -> tuple[Decision, Invitation | None]:
        rows = people.hold(who)
        company = budgets.company_of({}, rows)
        budgets.hold(company)
        address = people.address(who, rows)
        person = ask_history.of_person(survey, rows, address or who.external_id or "", address, company, now)
        decision = eligibility.decide(
            Ask(
                survey=ask_history.of_survey(survey),
                person=person,
                by_mail=False,
                zone=daily_counts.time_zone(),
            ),
            now,
        )
        if not decision.allowed:
            return decision, None
        for budget in decision.replaces:
            budgets.make_room(budget, survey, rows, company, now)
        found = people.find_or_create(who, now, rows)
        kept = {"person": found.id if found else None, "company": company, "touchpoint": touchpoint}
        asked = people.same(who)
        return decision, invitations.invite(survey, asked, invitations.WIDGET, now, kept, now)

    return db.write(verb)


def of_claim(survey: Survey, who: people.Identity, now: datetime) -> Decision:
    """The same for somebody whose identity is not signed: only what this survey was told under that claim counts."""
    if survey.require_signed_identity:
        return Decision(False, "identity", "this survey asks only people whose identity is signed")
    rows = people.claims(who)
    person = ask_history.of_claim(survey, rows, who.external_id or who.email or "")
    return eligibility.decide(
        Ask(
            survey=ask_history.of_survey(survey), person=person, by_mail=False, zone=daily_counts.time_zone()
        ),
        now,
    )
