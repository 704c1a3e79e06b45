"""What happens in the invented year: who is asked, who answers, and what they say. Pure; the seed decides all."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

DAYS = 365

#: Weights by which things are drawn.
LANGUAGES = {"en": 46, "de": 21, "fr": 12, "es": 10, "ja": 6, "ar": 5}
TOPICS = {
    "nps": {"delivery": 5, "quality": 6, "price": 5, "app": 4, "support": 3, "checkout": 2},
    "csat": {"support": 9, "refund": 5, "delivery": 4, "quality": 2},
    "ces": {"checkout": 9, "app": 3, "price": 1},
}
PLANS = {"free": 60, "club": 30, "club plus": 10}
COUNTRIES = {
    "en": ("GB", "US", "IE"), "de": ("DE", "AT", "CH"), "fr": ("FR", "BE"), "es": ("ES", "MX"),
    "ja": ("JP",), "ar": ("AE", "EG"),
}  # fmt: skip

#: Agents: id, name, team, and how much better (or worse) than the others they leave people.
AGENTS = (
    ("a-01", "Maya Okafor", "t-orders", 0.09), ("a-02", "Jonas Weber", "t-orders", 0.02),
    ("a-03", "Priya Nair", "t-orders", 0.04), ("a-04", "Tom Hughes", "t-returns", -0.12),
    ("a-05", "Léa Martin", "t-returns", 0.03), ("a-06", "Diego Ruiz", "t-returns", 0.0),
    ("a-07", "Yuki Tanaka", "t-advice", 0.07), ("a-08", "Sara Haddad", "t-advice", 0.05),
)  # fmt: skip
TEAMS = {"t-orders": "Orders", "t-returns": "Returns", "t-advice": "Advice"}
TICKET_CHANNELS = {"email": 5, "chat": 4, "phone": 2}
SUBJECTS = {
    "support": "Question about an order", "refund": "Where is my refund?", "delivery": "Parcel not here",
    "quality": "Something broke",
}  # fmt: skip

#: How an address is asked: share of invitations that are answered, declined, or cannot be delivered.
ANSWERED, DECLINED, BOUNCED = 0.31, 0.04, 0.02

PEOPLE = 1400
FIRST = ("Ann", "Ben", "Carla", "David", "Elif", "Finn", "Greta", "Hugo", "Ines", "Jack", "Karim", "Lucía",
         "Marc", "Nora", "Omar", "Paula", "Quinn", "Rosa", "Sven", "Tara", "Vera", "Yara", "Zoe", "Aiko")  # fmt: skip
LAST = ("Adams", "Bauer", "Costa", "Dubois", "Evans", "Fischer", "García", "Haddad", "Ito", "Jansen", "Keller",
        "López", "Moreau", "Novak", "Olsen", "Petit", "Rossi", "Schmidt", "Tanaka", "Vogel", "Walker")  # fmt: skip

_PHRASES = json.loads((Path(__file__).with_name("phrases.json")).read_text())


@dataclass(frozen=True)
class Person:
    """One customer."""

    id: str
    name: str
    email: str
    language: str
    plan: str
    country: str


@dataclass(frozen=True)
class Ticket:
    """A ticket somebody solved."""

    id: str
    number: str
    subject: str
    channel: str
    agent_id: str
    agent_name: str
    team_id: str
    team_name: str


@dataclass(frozen=True)
class Ask:
    """One survey put to somebody at `asked_at`; `at` is when they answered or declined, None for silence."""

    survey: str
    channel: str
    language: str
    asked_at: datetime
    person: Person | None = None
    outcome: str = "answered"
    at: datetime | None = None
    score: int | None = None
    comment: str | None = None
    touchpoint: str | None = None
    ticket: Ticket | None = None
    tags: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def invited(self) -> bool:
        """True when a mail asked; else a page did."""
        return self.channel == "email"


def asks(seed: int, until: datetime, responses: int) -> list[Ask]:
    """The year that ends at `until`, in the order in which things happen, with about so many `responses`.

    In March the shop moves its warehouse: until May parcels are late, and that is what people write about. In
    July prices go up. In September a better app comes. The same arguments give the same year.
    """
    dice = random.Random(seed)
    people = [_person(dice, number) for number in range(PEOPLE)]
    found = [ask for ask in _all(dice, people, until, responses) if ask.asked_at < until]
    return sorted(found, key=lambda ask: (ask.at or ask.asked_at, ask.id))


def _all(dice: random.Random, people: list[Person], until: datetime, responses: int) -> Iterator[Ask]:
    shares = {"nps": 0.45, "csat": 0.32, "ces": 0.23}
    for survey, share in shares.items():
        wanted = round(responses * share)
        mailed = {"nps": 0.4, "csat": 1.0, "ces": 0.0}[survey]
        for _ in range(round(wanted * (1 - mailed))):
            yield _on_a_page(dice, survey, dice.choice(people), _moment(dice, until))
        for _ in range(round(wanted * mailed / ANSWERED)):
            yield _by_mail(dice, survey, dice.choice(people), _moment(dice, until), until)


def _on_a_page(dice: random.Random, survey: str, person: Person, at: datetime) -> Ask:
    known = dice.random() < 0.45
    channel = dice.choices(["widget", "link", "kiosk"], [8, 2, 1])[0] if survey == "nps" else "widget"
    touchpoint = {"nps": "after purchase", "ces": "checkout"}[survey] if channel != "kiosk" else "store"
    said = _said(dice, survey, person, at, 0.0)
    return Ask(
        survey=survey, channel=channel, language=person.language, asked_at=at, at=at,
        person=person if known else None, touchpoint=touchpoint, properties=_properties(dice, person),
        flags=("too_fast",) if dice.random() < 0.004 else (), id=_uuid(dice), **said,
    )  # fmt: skip


def _by_mail(dice: random.Random, survey: str, person: Person, asked_at: datetime, until: datetime) -> Ask:
    luck, delay = dice.random(), timedelta(hours=dice.expovariate(1 / 20), minutes=2)
    ticket, bonus = None, 0.0
    topic = _drawn(dice, _weights(survey, asked_at))
    if survey == "csat":
        ticket, bonus = _ticket(dice, topic)
    about: dict[str, Any] = {
        "survey": survey, "channel": "email", "language": person.language, "asked_at": asked_at,
        "person": person, "touchpoint": "ticket solved" if ticket else "after delivery", "ticket": ticket,
        "properties": _properties(dice, person), "id": _uuid(dice),
        "tags": (topic,) if ticket and dice.random() < 0.6 else (),
    }  # fmt: skip
    at = asked_at + delay
    if luck < ANSWERED and at < until:
        return Ask(at=at, **about, **_said(dice, survey, person, at, bonus, topic))
    if luck < ANSWERED + DECLINED and at < until:
        return Ask(outcome="declined", at=at, **about)
    if luck > 1 - BOUNCED:
        return Ask(outcome="failed", **about)
    return Ask(outcome="sent", **about)


def _said(
    dice: random.Random, survey: str, person: Person, at: datetime, bonus: float, topic: str | None = None
) -> dict[str, Any]:
    """Score and comment, which fit each other."""
    topic = topic or _drawn(dice, _weights(survey, at))
    mood = dice.gauss(0.78, 0.2) + bonus + _events(topic, at) + (0.03 if person.plan != "free" else 0.0)
    mood = min(1.0, max(0.0, mood))
    low, high = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}[survey]
    kind = "bad" if mood < 0.55 else "mixed" if mood < 0.72 else "good"
    writes = dice.random() < {"bad": 0.8, "mixed": 0.5, "good": 0.55}[kind]
    return {
        "score": round(low + mood * (high - low)),
        "comment": _comment(dice, person.language, topic, kind) if writes else None,
    }


def _events(topic: str, at: datetime) -> float:
    """What the year does to how people feel about a topic."""
    if topic == "delivery" and _in_move(at):
        return -0.38
    if topic == "price" and at.month in (7, 8):
        return -0.22
    if topic == "app" and at.month >= 9:
        return 0.12
    return -0.06 if topic in ("refund", "app") else 0.0


def _in_move(at: datetime) -> bool:
    return (3, 9) <= (at.month, at.day) <= (5, 4)


def _weights(survey: str, at: datetime) -> dict[str, int]:
    """What people talk about at that time."""
    weights = dict(TOPICS[survey])
    if _in_move(at) and "delivery" in weights:
        weights["delivery"] *= 3
    if at.month in (7, 8) and "price" in weights:
        weights["price"] *= 2
    return weights


def _comment(dice: random.Random, language: str, topic: str, kind: str) -> str:
    phrases = _PHRASES[language]
    text = dice.choice(phrases[topic][kind])
    if dice.random() < 0.3:
        text += ("" if language == "ja" else " ") + dice.choice(phrases["closing"][kind])
    filled = re.sub(r"\{(\w+)\}", lambda slot: dice.choice(phrases["slots"][slot[1]]), text)
    return filled[0].upper() + filled[1:]


def _ticket(dice: random.Random, topic: str) -> tuple[Ticket, float]:
    agent_id, agent_name, team_id, bonus = dice.choice(AGENTS)
    number = str(dice.randrange(10_000, 99_999))
    ticket = Ticket(
        id=number, number=f"#{number}", subject=SUBJECTS[topic], channel=_drawn(dice, TICKET_CHANNELS),
        agent_id=agent_id, agent_name=agent_name, team_id=team_id, team_name=TEAMS[team_id],
    )  # fmt: skip
    return ticket, bonus


def _person(dice: random.Random, number: int) -> Person:
    first, last = dice.choice(FIRST), dice.choice(LAST)
    language = _drawn(dice, LANGUAGES)
    return Person(
        id=f"customer-{number:04}",
        name=f"{first} {last}",
        email=f"customer{number:04}@example.com",
        language=language,
        plan=_drawn(dice, PLANS),
        country=dice.choice(COUNTRIES[language]),
    )


def _properties(dice: random.Random, person: Person) -> dict[str, Any]:
    return {"plan": person.plan, "country": person.country, "order_value": dice.randrange(15, 400)}


def _moment(dice: random.Random, until: datetime) -> datetime:
    """Some moment of the year: more towards its end, fewer at night and on weekends."""
    while True:
        days = DAYS * (1 - dice.random() ** 1.15)
        at = (until - timedelta(days=DAYS - days)).astimezone(UTC)
        wake = 0.15 if at.hour < 6 else 0.5 if at.hour < 9 or at.hour > 21 else 1.0
        if dice.random() < wake * (0.6 if at.weekday() >= 5 else 1.0):
            return at


def _drawn(dice: random.Random, weights: dict[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def _uuid(dice: random.Random) -> str:
    digits = f"{dice.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
