"""May this person be asked now, and if not, why not and when?"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from surveys.domain import addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyFacts:
    """What the rules need of the survey. No days, no wait; `sampling` is a share, 0 to 1."""

    id: str
    status: Literal["active", "paused", "archived"] = "active"
    quarantine_days: int = 30
    wait_after_answer_days: int = 7
    wait_after_decline_days: int = 30
    priority: int = 0
    sampling: float = 1.0
    skip_tags: tuple[str, ...] = ()
    staff_domains: tuple[str, ...] = ()
    excluded_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many asks one person or one company may get in the quarter that ends at `ends_at`, and has got.

    `sent` asks cannot be taken back; `waiting` holds the priority of each invitation not yet sent.
    """

    of: Literal["person", "company"]
    limit: int
    sent: int
    ends_at: datetime
    waiting: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """What the rules need of the person. `key` is whatever always names the same person (an id or address).

    `last_asked_at` is over all surveys and channels, and lies ahead when an invitation is scheduled;
    `last_answered_at` and `last_declined_at` are of this survey. `never_ask` and `days_between_asks` are what
    the person has chosen on their own page. `owed_help`: they said that what was promised them is not solved yet.
    """

    key: str
    address: str | None = None
    unsubscribed_at: datetime | None = None
    bounced_at: datetime | None = None
    never_ask: bool = False
    days_between_asks: int = 0
    last_asked_at: datetime | None = None
    last_answered_at: datetime | None = None
    last_declined_at: datetime | None = None
    budgets: tuple[Budget, ...] = ()
    owed_help: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One wish to put a survey to a person. `zone` is the one in which reasons name days."""

    survey: SurveyFacts
    person: PersonFacts
    by_mail: bool
    already_asked: bool = False
    tags: tuple[str, ...] = ()
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome. `rule` and `reason` say what refused; `next_eligible_at` is the first moment at which no
    rule would refuse, None when no waiting helps. `replaces` names the budgets in which one waiting
    invitation of lower priority has to give way."""

    allowed: bool
    rule: str | None = None
    reason: str | None = None
    next_eligible_at: datetime | None = None
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one rule says against asking, and until when it will say so (None: for good)."""

    why: str
    until: datetime | None = None


def decide(ask: Ask, now: datetime) -> Decision:
    """Whether `ask` may be carried out at `now` (aware), by the first of RULES that refuses.

    The moment promised in a refusal has been tried against every rule, so that deferring to it is safe.
    """
    refused = _first_refusal(ask, now)
    if refused is None:
        return Decision(allowed=True, replaces=_full_budgets(ask, now))
    rule, refusal = refused
    free_at = _free_at(ask, refusal)
    reason = refusal.why
    if free_at is not None:
        reason += f"; may be asked again on {_day(free_at, ask)}"
    return Decision(False, rule, reason, free_at)


def paused(ask: Ask, now: datetime) -> Refusal | None:
    """A survey that is paused or archived asks nobody."""
    if ask.survey.status == "active":
        return None
    return Refusal(f"the survey is {ask.survey.status}")


def no_address(ask: Ask, now: datetime) -> Refusal | None:
    """Mail needs an address."""
    return Refusal("no e-mail address is known") if ask.by_mail and not ask.person.address else None


def unsubscribed(ask: Ask, now: datetime) -> Refusal | None:
    """Unsubscribing ends all mail surveys; asking never to be asked ends every channel."""
    if ask.person.never_ask:
        return Refusal("asked us not to ask any more")
    if ask.by_mail and ask.person.unsubscribed_at is not None:
        return Refusal(f"unsubscribed on {_day(ask.person.unsubscribed_at, ask)}")
    return None


def bounced(ask: Ask, now: datetime) -> Refusal | None:
    """An address that does not exist is not written to again."""
    if ask.by_mail and ask.person.bounced_at is not None:
        return Refusal(f"mail to this address bounced on {_day(ask.person.bounced_at, ask)}")
    return None


def owed_help(ask: Ask, now: datetime) -> Refusal | None:
    """Who said "not yet" is helped first, however long that takes."""
    return Refusal("said that it is not solved yet, and is helped first") if ask.person.owed_help else None


def duplicate(ask: Ask, now: datetime) -> Refusal | None:
    """One resolution of one ticket asks once."""
    return Refusal("this resolution of the ticket was asked about already") if ask.already_asked else None


def excluded(ask: Ask, now: datetime) -> Refusal | None:
    """Tickets with a skip tag, our own staff, listed addresses, and mailboxes that nobody reads."""
    skipped = {tag.strip().casefold() for tag in ask.survey.skip_tags}
    for tag in ask.tags:
        if tag.strip().casefold() in skipped:
            return Refusal(f'the tag "{tag}" is to be skipped')
    if not ask.person.address:
        return None
    address = addresses.normal(ask.person.address) or ""
    local, _, domain = address.rpartition("@")
    for each in ask.survey.staff_domains:
        staff = addresses.normal_domain(each.strip().removeprefix("@"))
        if domain == staff or domain.endswith(f".{staff}"):
            return Refusal("the address belongs to staff")
    if address in {addresses.normal(each) for each in ask.survey.excluded_addresses}:
        return Refusal("the address is on the list of those not to be asked")
    if _NOBODY.search(local):
        return Refusal("nobody reads mail to this address")
    return None


def quarantine(ask: Ask, now: datetime) -> Refusal | None:
    """No survey asks within the quarantine after any other, or sooner than the person wishes."""
    days = max(ask.survey.quarantine_days, ask.person.days_between_asks)
    return _wait("asked", ask.person.last_asked_at, days, ask, now)


def wait_after_answer(ask: Ask, now: datetime) -> Refusal | None:
    """Who has answered this survey is left alone by it for a while."""
    return _wait(
        "answered this survey", ask.person.last_answered_at, ask.survey.wait_after_answer_days, ask, now
    )


def wait_after_decline(ask: Ask, now: datetime) -> Refusal | None:
    """Who has declined this survey is left alone by it for a while."""
    return _wait(
        "declined this survey", ask.person.last_declined_at, ask.survey.wait_after_decline_days, ask, now
    )


def budget(ask: Ask, now: datetime) -> Refusal | None:
    """A quarter's asks are limited; one not yet sent gives way to a survey of higher priority."""
    for each in ask.person.budgets:
        binding = each.sent + sum(priority >= ask.survey.priority for priority in each.waiting)
        if now < each.ends_at and binding >= each.limit:
            why = f"the {each.of}'s {each.limit} asks of this quarter are used up"
            return Refusal(why, each.ends_at if each.limit > 0 else None)
    return None


def sampling(ask: Ask, now: datetime) -> Refusal | None:
    """Only a share of people is asked, always the same ones for one survey."""
    if _position(ask.survey.id, ask.person.key) < ask.survey.sampling:
        return None
    return Refusal(f"not among the {100 * ask.survey.sampling:g} % of people whom this survey asks")


RULES: list[Callable[[Ask, datetime], Refusal | None]] = [
    paused,
    no_address,
    unsubscribed,
    bounced,
    owed_help,
    duplicate,
    excluded,
    quarantine,
    wait_after_answer,
    wait_after_decline,
    budget,
    sampling,
]

# Mailboxes of programs: the usual spellings of "no reply", and the bounce addresses of RFC 2142 and RFC 3464.
_NOBODY = re.compile(
    r"(?:^|[-_.+])(?:no|do[-_.]?not)[-_.]?reply(?:\Z|[-_.+\d])|^(?:mailer-daemon|postmaster|bounces?)(?:\Z|[-+])"
)


def _first_refusal(ask: Ask, now: datetime) -> tuple[str, Refusal] | None:
    for rule in RULES:
        refusal = rule(ask, now)
        if refusal is not None:
            return rule.__name__, refusal
    return None


def _free_at(ask: Ask, refusal: Refusal) -> datetime | None:
    """When every rule lets the ask pass; each step is later than the one before, so this ends."""
    at = refusal.until
    while at is not None:
        later = _first_refusal(ask, at)
        if later is None:
            return at
        at = later[1].until
    return None


def _wait(what: str, since: datetime | None, days: int, ask: Ask, now: datetime) -> Refusal | None:
    if since is None or days == 0 or now >= since + timedelta(days=days):
        return None
    if since > now:
        why = f"already to be {what} on {_day(since, ask)}"
    else:
        why = f"{what} {_ago((now - since).days)}"
    return Refusal(why, since + timedelta(days=days))


def _full_budgets(ask: Ask, now: datetime) -> tuple[str, ...]:
    return tuple(
        each.of
        for each in ask.person.budgets
        if now < each.ends_at and each.sent + len(each.waiting) >= each.limit
    )


def _position(survey: str, person: str) -> float:
    """Where a person stands in a survey's sample: a number from 0 up to 1 that never changes."""
    digest = hashlib.sha256(f"{survey}\n{person}".encode()).digest()
    # 53 bits are what a float holds exactly; more could round up to 1.
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def _ago(days: int) -> str:
    if days == 0:
        return "less than a day ago"
    return "1 day ago" if days == 1 else f"{days} days ago"


def _day(moment: datetime, ask: Ask) -> str:
    return moment.astimezone(ask.zone).date().isoformat()
