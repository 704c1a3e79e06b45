"""What happens in the invented year: who is asked, who answers, and what they say. Pure; the seed decides all."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from feedback.demo.bag import Bag, kind_of

DAYS = 365

#: The highest score of who is unhappy, by metric.
UNHAPPY = {"nps": 4, "csat": 2, "ces": 2}

#: Metrics whose survey asks whether we may write to the respondent.
ASKS_CONTACT = ("nps", "csat")
#: How many of those who write allow what, summed up; and the unhappy, who want an answer, allow more.
CONTACT = (("both", 0.4), ("reply", 0.55), ("news", 0.65), (None, 1.0))
WANT_AN_ANSWER = 0.6

#: Weights by which things are drawn.
LANGUAGES = {"en": 48, "de": 12, "fr": 9, "es": 8, "it": 6, "nl": 5, "pt-BR": 5, "ja": 4, "ar": 3}
#: What people speak of where they are asked.
MATTERS = {
    "after purchase": {
        "delivery": 15, "quality": 13, "price": 12, "overall": 12, "app": 10, "club": 10, "sizes": 6, "search": 6,
        "stock": 5, "checkout": 4, "agents": 3, "payment": 3, "store": 3, "returns": 3, "packaging": 3, "tracking": 3,
        "nothing": 3, "shipping_cost": 2, "wait": 2, "refund": 2,
    },
    "after delivery": {
        "delivery": 17, "quality": 13, "packaging": 10, "tracking": 9, "sizes": 7, "overall": 6, "club": 4, "price": 3,
        "returns": 3, "shipping_cost": 2, "nothing": 2, "agents": 2, "search": 2, "app": 2, "stock": 2,
    },
    "ticket solved": {
        "agents": 10, "wait": 8, "solution": 9, "refund": 7, "returns": 8, "delivery": 4, "quality": 6, "payment": 5,
        "packaging": 4, "tracking": 4, "sizes": 4, "app": 3, "nothing": 3,
    },
    "checkout": {
        "checkout": 16, "payment": 14, "shipping_cost": 7, "search": 7, "app": 6, "stock": 4, "nothing": 3, "price": 2,
    },
    "store": {"store": 12, "stock": 3, "sizes": 2, "price": 2, "nothing": 1},
}  # fmt: skip
#: At the end of a ticket those who are content speak of the help; of what was wrong, if it was not one of these.
HELP = ("agents", "wait", "solution", "refund", "returns", "nothing")
PLANS = {"free": 60, "club": 30, "club plus": 10}
COUNTRIES = {
    "en": ("GB", "US", "IE"), "de": ("DE", "AT", "CH"), "fr": ("FR", "BE"), "es": ("ES", "MX"), "it": ("IT",),
    "nl": ("NL", "BE"), "pt-BR": ("BR", "PT"), "ja": ("JP",), "ar": ("AE", "EG"),
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
    "delivery": "Parcel not here", "tracking": "Where is my parcel?", "packaging": "Arrived damaged",
    "quality": "Something broke", "sizes": "Wrong size", "payment": "Charged twice",
    "returns": "How do I send it back?", "refund": "Where is my refund?", "app": "App does not work",
}  # fmt: skip
QUESTION = "Question about an order"

#: What a matter does to how people feel, all year.
LIKED = {
    "quality": 0.04, "store": 0.06, "agents": 0.05, "overall": 0.04, "refund": -0.06, "app": -0.06, "wait": -0.1,
    "tracking": -0.04, "stock": -0.1, "shipping_cost": -0.1, "search": -0.04,
}  # fmt: skip
#: How many of those who feel so write something.
WRITE = {"bad": 0.7, "mixed": 0.48, "good": 0.44}

#: How an address is asked: share of invitations that are answered, declined, or cannot be delivered.
ANSWERED, DECLINED, BOUNCED = 0.31, 0.04, 0.02

PEOPLE = 1400
FIRST = ("Ann", "Ben", "Carla", "David", "Elif", "Finn", "Greta", "Hugo", "Ines", "Jack", "Karim", "Lucía",
         "Marc", "Nora", "Omar", "Paula", "Quinn", "Rosa", "Sven", "Tara", "Vera", "Yara", "Zoe", "Aiko")  # fmt: skip
LAST = ("Adams", "Bauer", "Costa", "Dubois", "Evans", "Fischer", "García", "Haddad", "Ito", "Jansen", "Keller",
        "López", "Moreau", "Novak", "Olsen", "Petit", "Rossi", "Schmidt", "Tanaka", "Vogel", "Walker")  # fmt: skip


@dataclass(frozen=True)
class Event:
    """Something that goes on from `first` to `last` (month, day).

    People speak of `matter` so many `times` as often and like matters more or less (`liked`); comments filed under
    the event's name are added to the matter's of this `kind`.
    """

    first: tuple[int, int]
    last: tuple[int, int]
    matter: str
    kind: str
    times: int
    liked: dict[str, float]


EVENTS = {
    "warehouse": Event((3, 9), (5, 4), "delivery", "bad", 4, {"delivery": -0.4, "tracking": -0.3}),
    "rise": Event((7, 1), (8, 31), "price", "bad", 4, {"price": -0.3}),
    "update": Event((9, 1), (12, 31), "app", "good", 1, {"app": 0.18}),
}


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
    def contact(self) -> str | None:
        """What whoever writes and is known allows us: `reply`, `news` or `both`; None: nothing, or nobody asked them.

        The id decides, so that no other draw of the year hangs on it.
        """
        if self.survey not in ASKS_CONTACT or not self.comment or self.person is None:
            return None
        place = int(self.id[:8], 16) / 16**8
        if self.score is not None and self.score <= UNHAPPY[self.survey]:
            place *= WANT_AN_ANSWER
        return next(each for each, upto in CONTACT if place < upto)

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
    found = [ask for ask in _all(dice, Bag(dice), people, until, responses) if ask.asked_at < until]
    return sorted(found, key=lambda ask: (ask.at or ask.asked_at, ask.id))


def unhappy(asks: Sequence[Ask]) -> Iterator[Ask]:
    """Those of `asks` who are unhappy, say why and are known, the newest first."""
    for ask in reversed(asks):
        if ask.score is not None and ask.score <= UNHAPPY[ask.survey] and ask.comment and ask.person:
            yield ask


def _all(
    dice: random.Random, bag: Bag, people: list[Person], until: datetime, responses: int
) -> Iterator[Ask]:
    shares = {"nps": 0.45, "csat": 0.32, "ces": 0.23}
    for survey, share in shares.items():
        wanted = round(responses * share)
        mailed = {"nps": 0.4, "csat": 1.0, "ces": 0.0}[survey]
        for _ in range(round(wanted * (1 - mailed))):
            yield _on_a_page(dice, bag, survey, dice.choice(people), _moment(dice, until))
        for _ in range(round(wanted * mailed / ANSWERED)):
            yield _by_mail(dice, bag, survey, dice.choice(people), _moment(dice, until), until)


def _on_a_page(dice: random.Random, bag: Bag, survey: str, person: Person, at: datetime) -> Ask:
    known = dice.random() < 0.45
    channel = dice.choices(["widget", "link", "kiosk"], [8, 2, 1])[0] if survey == "nps" else "widget"
    touchpoint = {"nps": "after purchase", "ces": "checkout"}[survey] if channel != "kiosk" else "store"
    matter = _drawn(dice, _matters(touchpoint, person, at))
    said = _said(dice, bag, survey, person, at, matter, 0.0)
    return Ask(
        survey=survey, channel=channel, language=person.language, asked_at=at, at=at,
        person=person if known else None, touchpoint=touchpoint, properties=_properties(dice, person),
        flags=("too_fast",) if dice.random() < 0.004 else (), id=_uuid(dice), **said,
    )  # fmt: skip


def _by_mail(
    dice: random.Random, bag: Bag, survey: str, person: Person, asked_at: datetime, until: datetime
) -> Ask:
    luck, delay = dice.random(), timedelta(hours=dice.expovariate(1 / 20), minutes=2)
    ticket, bonus = None, 0.0
    touchpoint = {"nps": "after delivery", "csat": "ticket solved"}[survey]
    matter = _drawn(dice, _matters(touchpoint, person, asked_at))
    if survey == "csat":
        ticket, bonus = _ticket(dice, matter)
    about: dict[str, Any] = {
        "survey": survey, "channel": "email", "language": person.language, "asked_at": asked_at,
        "person": person, "touchpoint": touchpoint, "ticket": ticket,
        "properties": _properties(dice, person), "id": _uuid(dice),
        "tags": (matter if matter in SUBJECTS else "question",) if ticket and dice.random() < 0.6 else (),
    }  # fmt: skip
    at = asked_at + delay
    if luck < ANSWERED and at < until:
        return Ask(at=at, **about, **_said(dice, bag, survey, person, at, matter, bonus))
    if luck < ANSWERED + DECLINED and at < until:
        return Ask(outcome="declined", at=at, **about)
    if luck > 1 - BOUNCED:
        return Ask(outcome="failed", **about)
    return Ask(outcome="sent", **about)


def _said(
    dice: random.Random, bag: Bag, survey: str, person: Person, at: datetime, matter: str, bonus: float
) -> dict[str, Any]:
    """Score and comment, which fit each other."""
    mood = dice.gauss(0.78, 0.2) + bonus + _liked(matter, at) + (0.03 if person.plan != "free" else 0.0)
    mood = min(1.0, max(0.0, mood))
    low, high = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}[survey]
    kind = kind_of(mood)
    if survey == "csat" and kind != "bad" and matter not in HELP:
        matter = dice.choice(("agents", "solution", "solution", "wait"))
    return {
        "score": round(low + mood * (high - low)),
        "comment": _comment(dice, bag, person.language, matter, kind, at)
        if dice.random() < WRITE[kind]
        else None,
    }


def _liked(matter: str, at: datetime) -> float:
    """What the year does to how people feel about a matter."""
    return LIKED.get(matter, 0.0) + sum(event.liked.get(matter, 0.0) for _, event in _events(at))


def _events(at: datetime) -> list[tuple[str, Event]]:
    """What goes on at that time."""
    return [
        (name, event) for name, event in EVENTS.items() if event.first <= (at.month, at.day) <= event.last
    ]


def _matters(touchpoint: str, person: Person, at: datetime) -> dict[str, int]:
    """What somebody may talk about there and then."""
    weights = dict(MATTERS[touchpoint])
    if person.plan == "free":
        weights.pop("club", None)
    for _, event in _events(at):
        if event.matter in weights:
            weights[event.matter] *= event.times
    return weights


def _comment(dice: random.Random, bag: Bag, language: str, matter: str, kind: str, at: datetime) -> str:
    """What somebody writes: while something goes on, it comes up in every second comment that it adds to."""
    for name, event in _events(at):
        if (event.matter, event.kind) == (matter, kind) and dice.random() < 0.5:
            return bag.draw(language, matter, name)
    return bag.draw(language, matter, kind)


def _ticket(dice: random.Random, matter: str) -> tuple[Ticket, float]:
    agent_id, agent_name, team_id, bonus = dice.choice(AGENTS)
    number = str(dice.randrange(10_000, 99_999))
    ticket = Ticket(
        id=number, number=f"#{number}", subject=SUBJECTS.get(matter, QUESTION), channel=_drawn(dice, TICKET_CHANNELS),
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
