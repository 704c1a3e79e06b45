"""Triggers: something happened; whom do we ask? Every one gets a receipt, which is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from surveys import ask_history, budgets, daily_counts, invitations, people, responses, ticket_resolutions
from surveys.base import db, ids
from surveys.domain import addresses, eligibility, schedule
from surveys.domain.eligibility import Ask, Decision
from surveys.models import Invitation, Person, Resolution, Survey, Trigger

log = structlog.get_logger()

#: How long a delivery id or repeated bytes are known again.
REMEMBERED = timedelta(hours=72)

#: A helpdesk is asked for an address for some 83 hours (`jobs.RETRY_AFTER`); later nothing comes any more.
LOOKED_UP = timedelta(days=4)


@dataclass(frozen=True)
class Origin:
    """Where a trigger came from: `source` is a connection's id, or the survey's for a call of the API.

    `delivery` is the sender's id of this delivery, `fingerprint` the digest of its bytes.
    """

    source: str
    connection_id: str | None = None
    skip_tags: tuple[str, ...] = ()
    delivery: str | None = None
    fingerprint: str | None = None
    can_look_up: bool = False


def receive(
    survey: Survey, said: dict[str, Any], now: datetime, origin: Origin | None = None, dry_run: bool = False
) -> Trigger:
    """Decide about one trigger, carry the decision out, and keep the receipt.

    `said` is what was understood, as JSON in the shape of the API's body; a ticket may also have `resolution` and
    `ref`. A dry run decides alike and changes nothing that any rule looks at.
    """
    origin = origin or Origin(source=survey.id)

    def verb() -> Trigger:
        case = _hold(survey, said, origin)
        if not dry_run:
            _name_ticket(case, now)
        trigger = _new(survey, said, origin, dry_run, now)
        repeated = None if dry_run else _repeated(origin, now)
        if repeated:
            # What it says is kept with the first receipt already.
            trigger.decision = trigger.rule = "duplicate"
            trigger.reason, trigger.body = repeated, None
        elif origin.can_look_up and case.who is None and said["deliver"]:
            trigger.decision, trigger.rule = "deferred", "lookup"
            trigger.reason = "no e-mail address is known; the helpdesk is being asked"
        else:
            _settle(trigger, case, now)
        _insert(trigger)
        return trigger

    return db.write(verb)


def complete(
    trigger_id: str, said: dict[str, Any], now: datetime, skip_tags: tuple[str, ...] = ()
) -> Trigger | None:
    """Decide about a trigger whose address was looked up; None when that has happened already, or it is gone."""

    def verb() -> Trigger | None:
        trigger = _looked_up(trigger_id)
        if trigger is None:
            return None
        origin = Origin(
            trigger.connection_id or trigger.survey_id, trigger.connection_id, skip_tags=skip_tags
        )
        case = _hold(trigger.survey, said, origin)
        # Whoever had the ticket in hand until now may have taken it back.
        trigger = _looked_up(trigger_id)
        if trigger is None:
            return None
        trigger.body = said
        _settle(trigger, case, now)
        trigger.save()
        return trigger

    return db.write(verb)


def ignore(
    survey: Survey, origin: Origin, reason: str, now: datetime, ticket_id: str | None = None
) -> Trigger:
    """Keep the receipt of a call that asks nobody."""

    def verb() -> Trigger:
        trigger = _new(survey, None, origin, False, now)
        trigger.decision, trigger.reason, trigger.ticket_id = "ignored", reason, ticket_id
        _insert(trigger)
        return trigger

    return db.write(verb)


def take_back(
    survey: Survey, origin: Origin, ticket_id: str, reason: str, now: datetime, reopened: bool
) -> Trigger:
    """The ticket is not solved any more (`reopened`), or was taken away: cancel what is not sent.

    A reopened ticket may be solved again and asked about again, also where the helpdesk has no mark for each
    resolution and says it with the very same bytes; one that was taken away may not.
    """

    def verb() -> Trigger:
        db.serialise(ticket_resolutions.ticket_name(origin.source, ticket_id))
        # Only a delivery's id tells a late repetition from a second reopening.
        if origin.delivery and _seen(origin, Trigger.delivery == origin.delivery, now):
            return ignore(survey, origin, f"{reason}; this delivery was handled already", now, ticket_id)
        here = (Resolution.source == origin.source) & (Resolution.ticket_id == ticket_id)
        asked = [m.invitation for m in Resolution.select().where(here) if m.invitation]
        count = sum(invitations.cancel(each, reason, now) for each in asked)
        if reopened:
            Resolution.delete().where(
                here
                & Resolution.resolution.in_(["", ticket_resolutions.CLAIMED, ticket_resolutions.claimed("")])
            ).execute()
            mine = (Trigger.connection_id == origin.connection_id) & (Trigger.ticket_id == ticket_id)
            Trigger.update(fingerprint=None).where(mine).execute()
        # A look-up still under way must not ask any more.
        waits = (Trigger.connection_id == origin.connection_id) & (Trigger.ticket_id == ticket_id)
        Trigger.update(decision="ignored", rule=None, reason=reason, body=None).where(
            waits & (Trigger.rule == "lookup")
        ).execute()
        done = f"; {count} invitation{'s' if count != 1 else ''} cancelled" if count else ""
        return ignore(survey, origin, reason + done, now, ticket_id)

    return db.write(verb)


def give_up(now: datetime) -> int:
    """Close look-ups that no helpdesk answered, and forget what was said of a customer whom nobody knows; how many."""
    over = (Trigger.rule == "lookup") & (Trigger.created_at < now - LOOKED_UP)
    reason = "no e-mail address is known; the helpdesk did not answer"
    query = Trigger.update(decision="suppressed", rule="no_address", reason=reason, body=None).where(over)
    return db.write(query.execute)


def identity(said: Mapping[str, Any]) -> people.Identity | None:
    """Whom a trigger names; a key's holder or a proven helpdesk vouches for it."""
    person = said.get("person") or {}
    who = people.Identity(
        person.get("id"),
        addresses.normal(person.get("email")),
        person.get("name"),
        verified=True,
        vouched=True,
    )
    return who if who.known else None


def frozen(said: Mapping[str, Any], connection_id: str | None) -> dict[str, Any]:
    """The columns of an invitation that keep agent, team and ticket as they are at this moment."""
    ticket, agent, team = _ticket(said), said.get("agent") or {}, said.get("team") or {}
    shown = {name: ticket.get(name) for name in ("id", "number", "subject", "url", "channel")}
    return {
        "connection_id": connection_id,
        "touchpoint": said.get("touchpoint"),
        # Addresses of members are kept in this form too: by them a member finds their own answers.
        "agent_id": agent.get("id") or addresses.normal(agent.get("email")),
        "agent_name": agent.get("name"),
        "team_id": team.get("id") or team.get("name"),
        "team_name": team.get("name"),
        "ticket": shown if ticket else None,
        "ticket_ref": ticket.get("ref"),
        "tags": ticket.get("tags") or None,
        "properties": said.get("properties") or None,
    }


def frozen_without_customer(said: Mapping[str, Any], connection_id: str) -> dict[str, Any]:
    """The same for printed links: nothing that the customer wrote or is, for no person goes with it when erased."""
    kept = frozen(said, connection_id)
    ticket = {name: value for name, value in (kept["ticket"] or {}).items() if name not in ("subject", "url")}
    return {**kept, "ticket": ticket, "tags": None, "properties": None}


def resolution_of(ticket: Mapping[str, Any]) -> str:
    """What tells one resolution of a ticket from another; "" where the helpdesk says nothing of the kind."""
    return ticket.get("resolution") or ""


def told_of(connection_id: str, ticket_id: str) -> dict[str, Any] | None:
    """What the connection's helpdesk last said of a ticket in a proven call; None when it never named it."""
    row = (
        Trigger.select(Trigger.body)
        .where(
            (Trigger.connection_id == connection_id)
            & (Trigger.ticket_id == ticket_id)
            & Trigger.body.is_null(False)
        )
        .order_by(Trigger.created_at.desc())
        .first()
    )
    return row.body if row else None


# ------------------------------------------------------------------------------------------------------


_insert = db.Insert(Trigger)
_insert_mark = db.Insert(Resolution)
_marks = db.Rows(Resolution, Resolution.source, Resolution.ticket_id)


def _looked_up(trigger_id: str) -> Trigger | None:
    """The trigger if it still waits for an address."""
    return Trigger.get_or_none((Trigger.id == trigger_id) & (Trigger.rule == "lookup"))


def _new(
    survey: Survey, said: dict[str, Any] | None, origin: Origin, dry_run: bool, now: datetime
) -> Trigger:
    return Trigger(
        id=ids.new("trg"),
        survey=survey,
        connection_id=origin.connection_id,
        decision="ignored",
        dry_run=dry_run,
        body=said,
        delivery=origin.delivery,
        fingerprint=origin.fingerprint,
        ticket_id=_ticket(said or {}).get("id"),
        created_at=now,
    )


@dataclass(frozen=True)
class _Case:
    """What is to be decided, with the rows of its person and the marks on its ticket."""

    survey: Survey
    said: dict[str, Any]
    origin: Origin
    who: people.Identity | None
    rows: list[Person]
    marks: list[Resolution]

    @property
    def ticket(self) -> dict[str, Any]:
        return _ticket(self.said)

    @property
    def address(self) -> str | None:
        return people.address(self.who, self.rows)

    @property
    def company(self) -> str | None:
        return budgets.company_of(self.said, self.rows)


def _hold(survey: Survey, said: dict[str, Any], origin: Origin) -> _Case:
    """Make everybody wait who decides about the same person, ticket, delivery or budget; then read what is known."""
    who, ticket_id = identity(said), _ticket(said).get("id")
    names = [ticket_resolutions.ticket_name(origin.source, ticket_id)] if ticket_id else []
    names += [f"seen {origin.source} {each}" for each in (origin.delivery, origin.fingerprint) if each]
    if who is None:
        db.serialise(*names)
    rows = people.hold(who, *names) if who is not None else []
    budgets.hold(budgets.company_of(said, rows))
    marks = _marks(origin.source, ticket_id) if ticket_id else []
    return _Case(survey, said, origin, who, rows, marks)


def _repeated(origin: Origin, now: datetime) -> str | None:
    """Why this call was seen before."""
    if origin.delivery and _seen(origin, Trigger.delivery == origin.delivery, now):
        return "this delivery was handled already"
    if origin.fingerprint and _seen(origin, Trigger.fingerprint == origin.fingerprint, now):
        return "the same bytes were handled already"
    return None


def _seen(origin: Origin, what: Any, now: datetime) -> bool:
    here = Trigger.connection_id == origin.connection_id
    return Trigger.select().where(here & what & (Trigger.created_at > now - REMEMBERED)).exists()


def _settle(trigger: Trigger, case: _Case, now: datetime) -> None:
    """Decide, and write into the receipt what came of it."""
    survey, said, rows = case.survey, case.said, case.rows
    decision = _decide(case, trigger.id, now)
    trigger.rule, trigger.reason = decision.rule, decision.reason
    trigger.next_eligible_at = decision.next_eligible_at
    at = now if decision.allowed else decision.next_eligible_at
    deferred = not decision.allowed and said["on_block"] == "defer" and at is not None
    if decision.allowed:
        trigger.decision = "scheduled"
    elif deferred:
        trigger.decision = "deferred"
    else:
        trigger.decision = {"duplicate": "duplicate", "sampling": "sampled_out"}.get(
            decision.rule or "", "suppressed"
        )
    if trigger.dry_run:
        # No trace: nobody becomes known by a dry run, and what it said of a stranger is not kept.
        trigger.person = rows[0] if rows else None
        if not rows:
            trigger.body = None
        return
    person = _person(case, now)
    trigger.person = person
    if person is None:
        trigger.body = {**said, "person": None}
    if decision.allowed or deferred:
        for budget in decision.replaces:
            budgets.make_room(budget, survey, rows, case.company, now)
        send_at = _send_at(survey, said, at or now, now)
        kept = frozen(said, case.origin.connection_id) | {
            "person": person.id if person else None,
            "email": case.address,
            "company": case.company,
            "language": (said.get("person") or {}).get("language") or (person.language if person else None),
        }
        channel = invitations.EMAIL if said["deliver"] else invitations.LINK
        asked = rows if person is None or person.id in {row.id for row in rows} else [*rows, person]
        trigger.invitation = invitations.invite(survey, asked, channel, send_at, kept, now)
        _mark(case, trigger.invitation.id, now)


def _decide(case: _Case, trigger_id: str, now: datetime) -> Decision:
    who, ticket, address = case.who, case.ticket, case.address
    # Nobody in particular: the ticket, or this very trigger, has its place in the sample.
    key = address or (who.external_id if who else None) or ticket.get("id") or trigger_id
    ask = Ask(
        survey=ask_history.of_survey(case.survey, case.origin.skip_tags),
        person=ask_history.of_person(case.survey, case.rows, key, address, case.company, now),
        by_mail=case.said["deliver"],
        already_asked=_asked_already(case),
        tags=tuple(ticket.get("tags") or ()),
        zone=daily_counts.time_zone(),
    )
    return eligibility.decide(ask, now)


def _asked_already(case: _Case) -> bool:
    if not case.ticket.get("id"):
        return False
    return any(mark.resolution == resolution_of(case.ticket) for mark in case.marks)


def _mark(case: _Case, invitation_id: str | None, now: datetime) -> None:
    if case.ticket.get("id"):
        _insert_mark(
            Resolution(
                source=case.origin.source,
                ticket_id=case.ticket["id"],
                resolution=resolution_of(case.ticket),
                invitation=invitation_id,
                created_at=now,
            )
        )


def _ticket(said: Mapping[str, Any]) -> dict[str, Any]:
    return said.get("ticket") or {}


def _person(case: _Case, now: datetime) -> Person | None:
    if case.who is None:
        return None
    person = people.find_or_create(case.who, now, case.rows)
    told = case.said.get("person") or {}
    described = {name: told[name] for name in ("language", "company", "properties") if told.get(name)}
    return people.describe(person, described) if person else None


def _send_at(survey: Survey, said: dict[str, Any], free_at: datetime, now: datetime) -> datetime:
    """After the delay, counted from arrival, but not before the person may be asked, and in the send window."""
    delay = said["delay_minutes"] if said.get("delay_minutes") is not None else survey.delay_minutes
    earliest = max(free_at, now + timedelta(minutes=delay))
    if not survey.send_window or not said["deliver"]:
        return earliest
    return schedule.send_at(earliest, 0, _send_window(survey), _zone_of(said))


def _send_window(survey: Survey) -> schedule.SendWindow | None:
    """The survey's window. None for one that cannot be read: to ask at any hour is better than not to ask at all."""
    given = survey.send_window
    try:
        return schedule.SendWindow(
            # Earlier versions took a line feed at the end.
            opens=datetime.strptime(given["opens"].strip(), "%H:%M").time(),  # noqa: DTZ007
            closes=datetime.strptime(given["closes"].strip(), "%H:%M").time(),  # noqa: DTZ007
            weekdays=frozenset(given.get("weekdays", range(7))),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.error("a send window cannot be read", survey=survey.id, error=type(error).__name__)
        return None


def _zone_of(said: dict[str, Any]) -> tzinfo:
    """The person's time zone when one is told by its IANA name, else that of the service."""
    told = ((said.get("person") or {}).get("properties") or {}).get("time_zone")
    try:
        return ZoneInfo(told) if isinstance(told, str) else daily_counts.time_zone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return daily_counts.time_zone()


def _name_ticket(case: _Case, now: datetime) -> None:
    """A ticket that a printed link only claimed is real: what was answered there belongs to this resolution.

    Who answered is as unknown as before.
    """
    mark = next((mark for mark in case.marks if mark.resolution == ticket_resolutions.CLAIMED), None)
    if mark is None:
        return
    bound = ticket_resolutions.claimed(resolution_of(case.ticket))
    if any(each.resolution == bound for each in case.marks):
        return
    here = (Resolution.source == mark.source) & (Resolution.ticket_id == mark.ticket_id)
    Resolution.update(resolution=bound).where(here & (Resolution.resolution == mark.resolution)).execute()
    # What is decided next looks at the marks.
    mark.resolution = bound
    if mark.invitation_id is None:
        return
    told = frozen_without_customer(case.said, case.origin.source)
    Invitation.update(**told).where(Invitation.id == mark.invitation_id).execute()
    responses.attribute(mark.invitation_id, now)
