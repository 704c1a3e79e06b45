"""What would have happened under other rules: stored triggers of a period, decided anew one after the other."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from surveys import ask_history, budgets, daily_counts, invitations, people, triggers
from surveys.domain import eligibility
from surveys.domain.eligibility import Ask, Budget, PersonFacts
from surveys.models import Invitation, Person, Response, Survey, Trigger

#: Triggers read at a time; the people among them are looked up together.
BATCH = 500


@dataclass
class _Past:
    """What is known of one person: real asks of other surveys or of earlier, and the asks of this replay.

    `company`: the one whose budget their invitations counted for.
    """

    company: str | None = None
    asks: list[datetime] = field(default_factory=list)
    answers: list[datetime] = field(default_factory=list)
    declines: list[datetime] = field(default_factory=list)
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """How many were asked, and how many each rule refused."""

    asked: int
    by_rule: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Replay(Decided):
    """The same under other rules, of how many `triggers`, and what was decided at the time."""

    triggers: int
    was: Decided


class _Company:
    """When a company was asked in a quarter: by other surveys and by the widget as it was, and by this replay."""

    def __init__(self, survey: Survey, name: str, since: datetime) -> None:
        self.survey, self.name, self.since = survey, name, since
        self.replayed: list[datetime] = []
        self._real: dict[datetime, list[datetime]] = {}

    def asks(self, now: datetime) -> list[datetime]:
        """The moments of the asks in the quarter of `now`."""
        quarter = ask_history.quarter(now)[0]
        if quarter not in self._real:
            waited = ask_history.waiting("company", (), self.name, now)
            self._real[quarter] = [
                _asked_at(row) for row in waited if not _is_replayed(row, self.survey, self.since)
            ]
        return self._real[quarter] + self.replayed


def run(survey: Survey, since: datetime, until: datetime, rules: Mapping[str, Any]) -> Replay:
    """Replay the survey's triggers of [since, until) under its rules with the changes in `rules` (facts.RULES).

    Answers and declines count as they really came; an ask of the replay counts from the moment of its trigger.
    Repeated deliveries, ignored calls and dry runs are left out; a repeated resolution stays one.
    """
    changed = Survey(**{**survey.__data__, **rules})
    # What the pace had lowered is undone when the share itself is the question.
    changed.paced_sampling = None if "sampling" in rules else survey.paced_sampling
    asked, refused = 0, Counter[str]()
    was_asked, was_refused = 0, Counter[str]()
    total = 0
    pasts: dict[str, _Past] = {}
    companies: dict[str, _Company] = {}
    marks: set[tuple[str, str, str]] = set()
    for batch in _batches(survey, since, until):
        _read_pasts(survey, [t.person_id for t in batch if t.person_id], since, pasts)
        for trigger in batch:
            total += 1
            if trigger.decision in ("scheduled", "deferred"):
                was_asked += 1
            else:
                was_refused[trigger.rule or trigger.decision] += 1
            past = pasts.get(trigger.person_id or "", _Past())
            said = trigger.body or {}
            company = budgets.company_of(said, [past.person] if past.person else []) or past.company
            if company and company not in companies:
                companies[company] = _Company(survey, company, since)
            theirs = companies[company].asks(trigger.created_at) if company else []
            ask = _ask(changed, trigger, said, past, theirs, marks)
            decision = eligibility.decide(ask, trigger.created_at)
            if not decision.allowed:
                refused[decision.rule or ""] += 1
                continue
            asked += 1
            past.asks.append(trigger.created_at)
            marks.add(_mark(trigger, said))
            if company:
                companies[company].replayed.append(trigger.created_at)
    return Replay(asked, dict(refused), total, Decided(was_asked, dict(was_refused)))


def _batches(survey: Survey, since: datetime, until: datetime) -> Iterable[list[Trigger]]:
    mine = (
        (Trigger.survey == survey.id)
        & (Trigger.created_at < until)
        & ~Trigger.dry_run
        & (Trigger.decision != "ignored")
        & Trigger.body.is_null(False)
    )
    after = Trigger.created_at >= since
    while True:
        query = Trigger.select().where(mine & after).order_by(Trigger.created_at, Trigger.id)
        rows = list(query.limit(BATCH))
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        last = rows[-1]
        after = (Trigger.created_at > last.created_at) | (
            (Trigger.created_at == last.created_at) & (Trigger.id > last.id)
        )


def _read_pasts(survey: Survey, ids: list[str], since: datetime, pasts: dict[str, _Past]) -> None:
    fresh = sorted(set(ids) - pasts.keys())
    if not fresh:
        return
    for person in Person.select().where(Person.id.in_(fresh)):
        pasts[person.id] = _Past(person=person)
    asks = Invitation.select().where(Invitation.person.in_(fresh))
    for row in asks:
        past = pasts[row.person_id or ""]
        past.company = row.company or past.company
        if row.status in ask_history.ASKING and not _is_replayed(row, survey, since):
            past.asks.append(_asked_at(row))
        if row.survey_id == survey.id and row.declined_at:
            past.declines.append(row.declined_at)
    answers = Response.select(Response.person, Response.created_at).where(
        Response.person.in_(fresh) & (Response.survey == survey.id) & Response.score.is_null(False)
    )
    for answer in answers:
        pasts[answer.person_id or ""].answers.append(answer.created_at)


def _is_replayed(row: Invitation, survey: Survey, since: datetime) -> bool:
    """What the survey's triggers asked in the period is what the replay decides anew."""
    return row.survey_id == survey.id and row.created_at >= since and row.channel != invitations.WIDGET


def _asked_at(row: Invitation) -> datetime:
    return row.sent_at or row.send_at or row.created_at


def _ask(
    survey: Survey,
    trigger: Trigger,
    said: dict[str, Any],
    past: _Past,
    company_asks: list[datetime],
    marks: set[tuple[str, str, str]],
) -> Ask:
    now, who, person = trigger.created_at, triggers.identity(said), past.person
    address = people.address(who, [person] if person else [])
    key = address or (who.external_id if who else None) or trigger.ticket_id or trigger.id
    told = PersonFacts(key=key, address=address)
    if person is not None:
        told = replace(
            told,
            unsubscribed_at=_before(person.unsubscribed_at, now),
            bounced_at=_before(person.bounced_at, now),
            never_ask=person.never_ask,
            days_between_asks=person.days_between_asks,
            last_asked_at=_latest(past.asks, now),
            last_answered_at=_latest(past.answers, now),
            last_declined_at=_latest(past.declines, now),
            budgets=(
                *_budget("person", survey.person_budget, past.asks, now),
                *_budget("company", survey.company_budget, company_asks, now),
            ),
        )
    return Ask(
        survey=replace(ask_history.of_survey(survey), status="active"),
        person=told,
        by_mail=said.get("deliver", True),
        already_asked=_mark(trigger, said) in marks,
        tags=tuple((said.get("ticket") or {}).get("tags") or ()),
        zone=daily_counts.time_zone(),
    )


def _mark(trigger: Trigger, said: dict[str, Any]) -> tuple[str, str, str]:
    """One resolution of one ticket; a trigger without a ticket is one by itself."""
    source, ticket = trigger.connection_id or trigger.survey_id, trigger.ticket_id or trigger.id
    return source, ticket, (said.get("ticket") or {}).get("resolution") or ""


def _budget(
    of: Literal["person", "company"], limit: int | None, asks: list[datetime], now: datetime
) -> tuple[Budget, ...]:
    if limit is None:
        return ()
    since, until = ask_history.quarter(now)
    return (Budget(of=of, limit=limit, sent=sum(since <= at <= now for at in asks), ends_at=until),)


def _before(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and moment <= now else None


def _latest(moments: Iterable[datetime], now: datetime) -> datetime | None:
    return max((moment for moment in moments if moment <= now), default=None)
