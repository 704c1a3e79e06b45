"""Invitations: one survey put to one person, from being scheduled to being answered, declined or cancelled.

For whoever sends: `start_sending` before the first byte leaves, then exactly one of `sent`, `failed`,
`unknown` and `not_sent`; an invitation found half-way is `unknown` and never sent again by itself
(docs/promises.md, P3).
One whose every attempt failed before anything left is `failed`, until somebody lets its job run again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from surveys import ask_history, links, people
from surveys.base import db, ids, jobs
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import Invitation, Person, Survey

#: The kinds of jobs that ask for a mail; both carry {"invitation": id}.
DUE, REMINDER_DUE = "invitation due", "invitation reminder due"

#: How an invitation reaches its person.
EMAIL, LINK, WIDGET = "email", "link", "widget"

#: How long a browser keeps an answer that it cannot send (docs/promises.md, P5).
KEPT_BY_BROWSERS = timedelta(hours=72)


def invite(
    survey: Survey,
    rows: Sequence[Person],
    channel: str,
    send_at: datetime,
    frozen: Mapping[str, Any],
    now: datetime,
) -> Invitation:
    """Ask the person whose rows are `rows` (none: whoever gets the link). Call it in a transaction.

    `frozen`: the columns that stay as they are at this moment: agent, team, ticket, address … Mail is due at
    `send_at`; a link counts as sent then; the widget's is sent when it is shown. The person counts as asked at once.
    """
    invitation = Invitation(
        id=ids.new("inv"),
        survey=survey,
        channel=channel,
        status="sent" if channel == LINK else "scheduled",
        send_at=send_at,
        sent_at=send_at if channel == LINK else None,
        expires_at=schedule.expires_at(send_at, survey.answer_window_days),
        created_at=now,
        **frozen,
    )
    _insert(invitation)
    _asked(rows, send_at)
    if channel == EMAIL:
        jobs.enqueue(DUE, {"invitation": invitation.id}, now, due_at=send_at)
    return invitation


def is_over(invitation: Invitation, now: datetime) -> bool:
    """Whether it takes no first answer any more: its window has passed, or it was cancelled.

    What the widget asked in time was answered in time: the answer may still wait in a browser.
    """
    if invitation.answered_at is not None:
        return False
    if invitation.channel == WIDGET:
        return invitation.expires_at is not None and now > invitation.expires_at + KEPT_BY_BROWSERS
    return invitation.status == "cancelled" or (
        invitation.expires_at is not None and now > invitation.expires_at
    )


def cancel(invitation: Invitation, reason: str, now: datetime) -> bool:
    """Take back an invitation that is not sent, and its ask with it; False when it was too late."""

    def verb() -> bool:
        rows = _hold(invitation)
        if not _move(invitation.id, ["scheduled"], "cancelled", reason=reason):
            return False
        _asked_anew(rows)
        return True

    return db.write(verb)


def start_sending(invitation_id: str, now: datetime) -> Invitation | None:
    """Mark as being sent, before DATA; the invitation, or None when it must not be sent (now, or ever).

    Who unsubscribed, bounced or asked to be left alone since, and a survey that no longer asks, cancel it. One
    that is found marked already was cut off half-way: it becomes `unknown`.
    """
    # Read before the transaction, so that answers and triggers wait for nothing but the change of one row.
    invitation = _invitation(invitation_id)
    if invitation is None:
        return None
    if invitation.status == "sending":
        unknown(invitation, "the sender stopped half-way")
    if invitation.status != "scheduled":
        return None
    reason = _reason_against(invitation, now)
    if reason:
        cancel(invitation, reason, now)
        return None
    if not db.write(lambda: _move(invitation_id, ["scheduled"], "sending")):
        return None
    invitation.status = "sending"
    return invitation


def sent(invitation: Invitation, now: datetime) -> None:
    """The mail was accepted at `now`: the answer window opens, and a reminder is due if the survey has one."""

    def verb() -> None:
        survey: Survey = invitation.survey
        expires = schedule.expires_at(now, survey.answer_window_days)
        if not _move(
            invitation.id, ["sending", "unknown"], "sent", sent_at=now, expires_at=expires, reason=None
        ):
            return
        _asked(_hold(invitation), now)
        if survey.reminder_days is not None:
            due = now + timedelta(days=survey.reminder_days)
            jobs.enqueue(REMINDER_DUE, {"invitation": invitation.id}, now, due_at=due)

    db.write(verb)


def failed(invitation: Invitation, reason: str, now: datetime) -> None:
    """The mail was refused for good: the person was not asked."""

    def verb() -> None:
        rows = _hold(invitation)
        if _move(invitation.id, ["sending", "scheduled"], "failed", reason=reason):
            _asked_anew(rows)

    db.write(verb)


def bounced(invitation: Invitation, reason: str) -> bool:
    """The mail came back for good: the person was not asked. False when it is settled already, as by an answer."""

    def verb() -> bool:
        rows = _hold(invitation)
        if not _move(invitation.id, ["sending", "sent", "unknown", "expired"], "failed", reason=reason):
            return False
        _asked_anew(rows)
        return True

    return db.write(verb)


def not_sent(invitation: Invitation, reason: str) -> None:
    """Nothing left the house: back to scheduled. The job that asked tries again."""
    db.write(lambda: _move(invitation.id, ["sending"], "scheduled", reason=reason))


def give_up(invitation_id: str, reason: str, now: datetime) -> None:
    """No attempt is left: what never left the house has failed, what was cut off half-way is unknown."""

    def verb() -> None:
        invitation = Invitation.get_or_none(Invitation.id == invitation_id)
        if invitation is not None and not _move(
            invitation_id, ["sending"], "unknown", reason="the sender stopped half-way"
        ):
            failed(invitation, f"given up: {invitation.reason or reason}", now)

    db.write(verb)


def take_up(invitation_id: str, now: datetime) -> None:
    """Somebody lets the mail that was given up be tried again: the person counts as asked."""

    def verb() -> None:
        invitation = Invitation.get_or_none(Invitation.id == invitation_id)
        if invitation is not None and _move(invitation_id, ["failed"], "scheduled", reason=None):
            _asked(_hold(invitation), now)

    db.write(verb)


def open_counts() -> dict[str, int]:
    """How many invitations stand in each state that somebody may have to look at."""
    looked_at = ("scheduled", "sending", "unknown", "failed")
    counted = Invitation.select(Invitation.status, fn.COUNT(Invitation.id))
    rows: Any = counted.where(Invitation.status.in_(looked_at)).group_by(Invitation.status).tuples()
    return {status: 0 for status in looked_at} | dict(list(rows))


def unknown(invitation: Invitation, reason: str) -> None:
    """Nobody can tell whether the mail arrived: it is shown to the operator and not sent again by itself."""
    db.write(lambda: _move(invitation.id, ["sending"], "unknown", reason=reason))


def start_reminding(invitation_id: str, now: datetime) -> Invitation | None:
    """Mark as reminded, before DATA; the invitation, or None when it was, or needs no reminder any more."""

    def verb() -> Invitation | None:
        invitation = Invitation.get_or_none((Invitation.id == invitation_id) & (Invitation.status == "sent"))
        if invitation is None or now >= invitation.expires_at or _reason_against(invitation, now):
            return None
        mine = (Invitation.id == invitation_id) & Invitation.reminded_at.is_null()
        if not Invitation.update(reminded_at=now).where(mine).execute():
            return None
        return Invitation.get_by_id(invitation_id)

    return db.write(verb)


def shown(invitation: Invitation, now: datetime) -> None:
    """The widget showed it. Mail that waits for its time is not shown by a widget, whoever has its link."""
    if invitation.channel == WIDGET:
        db.write(lambda: _move(invitation.id, ["scheduled"], "sent", sent_at=now))


def decline(invitation: Invitation, now: datetime) -> None:
    """The person does not want to answer this one; one that is answered already stays so.

    Nobody was asked by printed links, and nobody declines by them.
    """

    def verb() -> None:
        if invitation.unverified:
            return
        open_ = ["scheduled", "sent", "unknown", "expired"]
        moved = _move(invitation.id, open_, "declined", declined_at=now, sent_at=invitation.sent_at or now)
        if moved and invitation.person_id:
            Person.update(last_declined_at=now).where(Person.id == invitation.person_id).execute()

    db.write(verb)


def expire(now: datetime) -> int:
    """Close what was not answered within its window, and what the widget never came to show; how many."""
    stale = Invitation.status.in_(["sent", "unknown"]) | (
        (Invitation.status == "scheduled") & (Invitation.channel == WIDGET)
    )
    query = Invitation.update(status="expired").where(stale & (Invitation.expires_at <= now))
    return db.write(query.execute)


def addresses(invitation: Invitation, metric: str) -> dict[str, Any]:
    """The invitation's page, and that page with each score of the metric preselected."""
    url = links.invitation(invitation.id)
    return {"url": url, "score_urls": {str(s): f"{url}?score={s}" for s in METRICS[metric].scores}}


# ------------------------------------------------------------------------------------------------------


_invitation = db.Lookup(Invitation.id)
_insert = db.Insert(Invitation)
_set_asked = db.Prepared(
    lambda: Person.update({Person.last_asked_at: db.slot("at")}).where(Person.id == db.slot("id"))
)


def _move(invitation_id: str, before: Sequence[str], status: str, **values: Any) -> bool:
    """Change the status if it is one of `before`: whoever changes the row has it, everybody else is late."""
    mine = (Invitation.id == invitation_id) & Invitation.status.in_(before)
    return Invitation.update(status=status, **values).where(mine).execute() == 1


def _reason_against(invitation: Invitation, now: datetime) -> str | None:
    """Why mail that was decided on earlier must not go out any more."""
    if invitation.survey.status != "active":
        return f"the survey is {invitation.survey.status}"
    if invitation.person_id is None:
        return None
    person = ask_history.of_person(
        invitation.survey, _rows(invitation), invitation.person_id, invitation.email, None, now
    )
    if person.never_ask:
        return "asked us not to ask any more"
    if person.unsubscribed_at is not None:
        return "unsubscribed meanwhile"
    if person.owed_help:
        return "said that it is not solved yet, and is helped first"
    return "the address bounced meanwhile" if person.bounced_at is not None else None


def _rows(invitation: Invitation) -> list[Person]:
    person = invitation.person
    return people.same(people.identity_of(person)) if person else []


def _hold(invitation: Invitation) -> list[Person]:
    person = invitation.person
    return people.hold(people.identity_of(person)) if person else []


def _asked(rows: Sequence[Person], at: datetime) -> None:
    for row in rows:
        if row.last_asked_at is None or row.last_asked_at < at:
            _set_asked(at=Person.last_asked_at.db_value(at), id=row.id)
            row.last_asked_at = at


def _asked_anew(rows: Sequence[Person]) -> None:
    """Set the clock to the last ask that stands."""
    if not rows:
        return
    asks = ask_history.asks_of([row.id for row in rows])
    last = max((ask.sent_at or ask.send_at for ask in asks if ask.status in ask_history.ASKING), default=None)
    Person.update(last_asked_at=last).where(Person.id.in_([row.id for row in rows])).execute()
