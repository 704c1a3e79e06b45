"""What happened with a person, one after the other: asks, refusals with their reason, answers, mails, cases."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from feedback import feed
from feedback.item import Item
from feedback.models import FollowUp, Letter, OwnWord
from surveys.models import Invitation, Person, Response, Trigger


@dataclass(frozen=True)
class Event:
    """Something that happened. `kind`: decided, sent, reminded, declined, failed, answered, case, closed, letter, said.

    `what`: the decision, status or kind; `why`: the reason that was given; `of`: the row or item that it is about.
    """

    at: datetime
    kind: str
    survey: str | None = None
    what: str | None = None
    why: str | None = None
    of: Any = field(default=None, compare=False)


def timeline(people: Sequence[Person], surveys: list[str] | None, most: int) -> list[Event]:
    """The newest `most` events of a person's rows, the last first; `surveys`: the only ones the reader may see."""
    ids = [person.id for person in people]

    def narrowed(query: Any, column: Any) -> Any:
        return query if surveys is None else query.where(column.in_(surveys))

    events = []
    receipts = narrowed(Trigger.select().where(Trigger.person.in_(ids), ~Trigger.dry_run), Trigger.survey)
    for row in receipts.order_by(Trigger.created_at.desc()).limit(most):
        events.append(Event(row.created_at, "decided", row.survey_id, row.decision, row.reason, row))
    asks = narrowed(Invitation.select().where(Invitation.person.in_(ids)), Invitation.survey)
    for row in asks.order_by(Invitation.created_at.desc()).limit(most):
        moments = (
            ("sent", row.sent_at, row.channel),
            ("reminded", row.reminded_at, row.channel),
            ("declined", row.declined_at, None),
            (
                "failed",
                row.created_at if row.status in ("failed", "unknown", "cancelled") else None,
                row.status,
            ),
        )
        events += [
            Event(at, kind, row.survey_id, what, row.reason if kind == "failed" else None, row)
            for kind, at, what in moments
            if at
        ]
    given = narrowed(Response.select(Response.key).where(Response.person.in_(ids)), Response.survey)
    keys = [row.key for row in given.order_by(Response.key.desc()).limit(most)]
    events += [Event(item.created_at, "answered", item.survey, None, None, item) for item in feed.some(keys)]
    if surveys is None:
        for case in FollowUp.select().where(FollowUp.person.in_(ids)):
            events.append(Event(case.opened_at, "case", None, case.status, case.rule, case))
            if case.closed_at:
                events.append(Event(case.closed_at, "closed", None, case.status, case.reason, case))
        for letter in Letter.select().where(Letter.person.in_(ids)):
            at = letter.sent_at or letter.created_at
            events.append(Event(at, "letter", None, letter.state, letter.reason, letter))
            if letter.answered_at:
                events.append(Event(letter.answered_at, "said", None, letter.answer, None, letter))
        own = OwnWord.select().join(Response, on=(Response.key == OwnWord.response))
        for word in own.where(Response.person.in_(ids)):
            events.append(Event(word.answered_at, "said", None, word.answer, None, word))
    events.sort(key=lambda event: event.at, reverse=True)
    return events[:most]


def asked(people: Sequence[Person], surveys: list[str] | None) -> tuple[int, int, int]:
    """How often a person was asked, how often they answered that, and how often unasked, as in a page."""
    ids = [person.id for person in people]
    sent = Invitation.select().where(Invitation.person.in_(ids), Invitation.sent_at.is_null(False))
    answered = Response.select().where(Response.person.in_(ids), ~Response.test)
    if surveys is not None:
        sent, answered = (
            sent.where(Invitation.survey.in_(surveys)),
            answered.where(Response.survey.in_(surveys)),
        )
    to_asks = answered.where(Response.invitation.is_null(False)).count()
    return sent.count(), to_asks, answered.count() - to_asks


def company(
    name: str, everybody: Any, surveys: list[str] | None, most: int
) -> tuple[list[Person], int, list[Item]]:
    """The people of a company, out of the query `everybody` and at most so many; how many answers they gave; and the
    newest answers.
    """
    people = list(everybody.where(Person.company == name).order_by(Person.created_at.desc()).limit(most))
    filters = {"company": name}
    return people, feed.count(filters, surveys), feed.page(filters, 20, surveys=surveys).items
