"""What the rules of asking need to know, read from the tables."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from peewee import fn

from surveys import daily_counts, people
from surveys.base import db
from surveys.domain import schedule
from surveys.domain.eligibility import Budget, PersonFacts, SurveyFacts
from surveys.models import Invitation, Person, Response, Survey

#: Invitations that asked, or still will.
ASKING = ("scheduled", "sending", "sent", "unknown", "answered", "declined", "expired")

#: The columns of a survey that the rules read; a backtest may change any of them.
RULES = (
    "quarantine_days",
    "wait_after_answer_days",
    "wait_after_decline_days",
    "priority",
    "sampling",
    "skip_tags",
    "staff_domains",
    "excluded_addresses",
    "person_budget",
    "company_budget",
)


def _nobody(person_ids: Sequence[str]) -> bool:
    return False


_owed_help: Callable[[Sequence[str]], bool] = _nobody


def use_owed_help(check: Callable[[Sequence[str]], bool]) -> None:
    """How to know whether somebody, by the ids of their rows, is to be helped before any survey asks again."""
    global _owed_help
    _owed_help = check


def _nothing(person_ids: Sequence[str], since: datetime, until: datetime) -> Mapping[str, int]:
    return {}


_mailed: Callable[[Sequence[str], datetime, datetime], Mapping[str, int]] = _nothing


def use_mailed(count: Callable[[Sequence[str], datetime, datetime], Mapping[str, int]]) -> None:
    """How to know how many other mails people get in a time, by the ids of their rows: they count in the budget."""
    global _mailed
    _mailed = count


def had(person_ids: Sequence[str], now: datetime) -> Counter[str]:
    """How much some people had this quarter of what a budget for a person counts, by the ids of their rows."""
    since, until = quarter(now)
    asks: Any = Invitation.select(Invitation.person, Invitation.status, Invitation.send_at)
    rows = asks.where(Invitation.person.in_(list(person_ids))).tuples()
    counts = Counter(
        person for person, status, at in rows if status in ASKING and at is not None and since <= at < until
    )
    counts.update(_mailed(person_ids, since, until))
    return counts


def of_survey(survey: Survey, skip_tags: Sequence[str] = ()) -> SurveyFacts:
    """The survey; `skip_tags` of the connection count beside its own."""
    share = survey.sampling if survey.paced_sampling is None else min(survey.sampling, survey.paced_sampling)
    return SurveyFacts(
        id=survey.id,
        status=survey.status,  # type: ignore[arg-type]
        quarantine_days=survey.quarantine_days,
        wait_after_answer_days=survey.wait_after_answer_days,
        wait_after_decline_days=survey.wait_after_decline_days,
        priority=survey.priority,
        sampling=share,
        skip_tags=(*survey.skip_tags, *skip_tags),
        staff_domains=tuple(survey.staff_domains),
        excluded_addresses=tuple(survey.excluded_addresses),
    )


def of_person(
    survey: Survey, rows: Sequence[Person], key: str, address: str | None, company: str | None, now: datetime
) -> PersonFacts:
    """The person whose verified rows are `rows`. `key`: what always names them, for sampling."""
    ids = [row.id for row in rows]
    # Claims too: no claimer can mark them, but whoever runs the service may have unsubscribed the address there.
    addressed = people.at_address(address) if address else []
    return PersonFacts(
        key=key,
        address=address,
        unsubscribed_at=_first(row.unsubscribed_at for row in (*rows, *addressed)),
        bounced_at=_first(row.bounced_at for row in addressed),
        never_ask=any(row.never_ask for row in rows),
        days_between_asks=max((row.days_between_asks for row in rows), default=0),
        last_asked_at=_last(row.last_asked_at for row in rows),
        last_answered_at=last_answer(survey, ids),
        last_declined_at=_last(ask.declined_at for ask in asks_of(ids) if ask.survey_id == survey.id),
        budgets=_budgets(survey, ids, company, now),
        owed_help=bool(ids) and _owed_help(ids),
    )


def of_claim(survey: Survey, rows: Sequence[Person], key: str) -> PersonFacts:
    """Somebody who only claims to be a person: nothing but what this survey was told under the same claim."""
    return PersonFacts(key=key, last_answered_at=last_answer(survey, [row.id for row in rows]))


def last_answer(survey: Survey, person_ids: Iterable[str]) -> datetime | None:
    """When one of these last answered this survey."""
    return _last(
        Response.created_at.python_value(created_at)
        for person_id in person_ids
        for created_at, survey_id, score, test in _answers(person=person_id)
        if survey_id == survey.id and score is not None and not test
    )


def heard_by(
    surveys: Sequence[str], person_ids: Sequence[str]
) -> dict[str, tuple[datetime | None, datetime | None]]:
    """When these surveys alone last asked each person, and last had an answer of them; by the person's id."""
    moment: Any = fn.MAX(fn.COALESCE(Invitation.sent_at, Invitation.send_at))
    asks: Any = (
        Invitation.select(Invitation.person, moment.converter(Invitation.sent_at.python_value))
        .where(
            Invitation.survey.in_(surveys) & Invitation.person.in_(person_ids) & Invitation.status.in_(ASKING)
        )
        .group_by(Invitation.person)
    )
    said: Any = (
        Response.select(Response.person, fn.MAX(Response.created_at))
        .where(
            Response.survey.in_(surveys)
            & Response.person.in_(person_ids)
            & Response.score.is_null(False)
            & ~Response.test
        )
        .group_by(Response.person)
    )
    asked, answered = dict(list(asks.tuples())), dict(list(said.tuples()))
    return {each: (asked.get(each), answered.get(each)) for each in person_ids}


def quarter(now: datetime) -> tuple[datetime, datetime]:
    """The first moment of this quarter and of the next."""
    zone = daily_counts.time_zone()
    day = schedule.day_of(now, zone)
    return (
        schedule.starts_at(schedule.first_day(day, "quarter"), zone),
        schedule.starts_at(schedule.next_first_day(day, "quarter"), zone),
    )


def waiting(of: str, person_ids: Iterable[str], company: str | None, now: datetime) -> list[Invitation]:
    """The invitations of this quarter that a budget counts, of a person or of a company."""
    since, until = quarter(now)
    if of == "person":
        found = asks_of(person_ids)
    else:
        this_quarter = (Invitation.send_at >= since) & (Invitation.send_at < until)
        found = list(Invitation.select().where((Invitation.company == company) & this_quarter))
    return [ask for ask in found if ask.status in ASKING and ask.send_at and since <= ask.send_at < until]


def asks_of(person_ids: Iterable[str]) -> list[Invitation]:
    """Every invitation of these.

    By person alone, the rest being for Python: told the survey too, a database that knows no statistics may well
    walk through all that the survey ever sent.
    """
    return [ask for person_id in person_ids for ask in _asks(person_id)]


def company_key(company: str | None) -> str | None:
    """A company's name as it is compared."""
    return " ".join(company.split()).casefold() or None if company else None


def _budgets(survey: Survey, ids: Sequence[str], company: str | None, now: datetime) -> tuple[Budget, ...]:
    found: list[Budget] = []
    kinds: list[tuple[Literal["person", "company"], int | None, Any]] = [
        ("person", survey.person_budget, ids),
        ("company", survey.company_budget, company),
    ]
    for of, limit, whose in kinds:
        if limit is None or (of == "company" and not whose):
            continue
        asks = waiting(of, ids, company, now) if whose else []
        unsent = tuple(ask.survey.priority for ask in asks if ask.status == "scheduled")
        sent = (
            len(asks)
            - len(unsent)
            + (sum(_mailed(ids, *quarter(now)).values()) if of == "person" and ids else 0)
        )
        found.append(Budget(of=of, limit=limit, sent=sent, ends_at=quarter(now)[1], waiting=unsent))
    return tuple(found)


_asks = db.Rows(Invitation, Invitation.person)
_answers = db.Prepared(
    lambda: Response.select(Response.created_at, Response.survey, Response.score, Response.test).where(
        Response.person == db.slot("person")
    )
)


def _first(moments: Any) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _last(moments: Any) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
