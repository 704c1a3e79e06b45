"""The plain values every helpdesk adapter works with: what came in, what was understood, what goes back."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import quote

from surveys.helpdesks import bounds

Kind = Literal["solved", "reopened", "withdrawn", "other"]


@dataclass(frozen=True)
class Call:
    """One HTTP call to `/in/{connection}` exactly as it arrived.

    `headers` has lower-cased names (use `Call.of`), `body` is the raw bytes that signatures cover, `query`
    maps a name to all its values.
    """

    method: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Sequence[str]] | None = None,
    ) -> Call:
        """A call from any mapping of headers, whatever the case of their names."""
        return cls(method.upper(), {k.lower(): v for k, v in headers.items()}, body, query or {})

    def header(self, name: str) -> str:
        """The header's value without surrounding blanks, or "" when it is absent."""
        return self.headers.get(name.lower(), "").strip()

    @property
    def content_type(self) -> str:
        """What the sender says the body is. A hint only: helpdesks get it wrong."""
        return self.header("content-type")

    @functools.cached_property
    def json(self) -> Any:
        """The body as JSON, read once; None for what is none, and for more than is read."""
        try:
            return bounds.read_json(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class WriteBack:
    """Credentials for the helpdesk's own API: base `url`, `user` and `token` as the vendor's page says."""

    url: str = ""
    user: str = ""
    token: str = ""


@dataclass(frozen=True)
class Connection:
    """What an adapter must know of the connection a call came to.

    `proof` None means the helpdesk's default. `solved_statuses` None means the words in `statuses.py`.
    """

    kind: str
    secret: str
    proof: str | None = None
    solved_statuses: Sequence[str] | None = None
    skip_tags: Sequence[str] = ()
    write_back: WriteBack | None = None


@dataclass(frozen=True)
class Customer:
    """Whom to ask. Every field may be unknown."""

    id: str | None = None
    email: str | None = None
    name: str | None = None
    language: str | None = None
    company: str | None = None


@dataclass(frozen=True)
class Agent:
    """Who is credited with the resolution; all None when nobody is."""

    id: str | None = None
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class Named:
    """A team or a brand."""

    id: str | None = None
    name: str | None = None


NOBODY = Agent()
NOTHING = Named()


@dataclass(frozen=True)
class Ticket:
    """The ticket as frozen at the moment of the event.

    `resolution` is stable over every announcement of the same resolution ("" where the helpdesk gives no
    such mark: then a ticket has one resolution until it is reopened). `ref` is what a write-back needs
    besides the id and has to be kept with it.
    """

    id: str
    number: str | None = None
    subject: str | None = None
    url: str | None = None
    tags: tuple[str, ...] = ()
    channel: str | None = None
    solved_at: datetime | None = None
    resolution: str = ""
    ref: str = ""


@dataclass(frozen=True)
class Event:
    """What a proven call says about one ticket.

    `kind`: "solved" asks; "reopened" (the ticket is not solved now) and "withdrawn" (spam, deleted, merged
    away) cancel what is not sent; "other" changes nothing. `reason` says why for every kind but "solved".
    `delivery` is the sender's own id of this delivery or event, None where it has none. `needs_enrichment`
    names the fields that are missing here and that the helpdesk's API would tell, such as "customer.email"
    or "tags".
    """

    source: str
    kind: Kind
    ticket: Ticket
    customer: Customer = Customer()
    agent: Agent = Agent()
    team: Named = Named()
    brand: Named = Named()
    delivery: str | None = None
    reason: str = ""
    needs_enrichment: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ignored:
    """A proven call that means nothing to us, and why, in words for the receipt."""

    reason: str


@dataclass(frozen=True)
class Challenge:
    """An answer the helpdesk expects instead of a receipt."""

    body: str = ""
    content_type: str = "text/plain"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One outbound HTTP request, to be sent through the outbound client.

    When `grant` is set, send that first and add `Authorization: Bearer <access_token of its JSON reply>` here
    (RFC 6749, section 4.4).
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    grant: Request | None = None


@dataclass(frozen=True)
class Lookup:
    """A request for what an event lacks, and how its parsed JSON reply completes the event.

    `complete` never raises: from a useless reply it gives the event back unchanged.
    """

    request: Request
    complete: Callable[[Any], Event]


@dataclass(frozen=True)
class Rating:
    """What a person answered, for the note on their ticket. `url` is our own page of the response.

    `told`: what the note says in the place of the rating, where it tells of something else.
    """

    metric: str
    score: int
    best: int
    comment: str | None = None
    url: str | None = None
    told: str | None = None


Proof = Callable[[Call, str, datetime], bool]


class Helpdesk(Protocol):
    """What each adapter module offers."""

    @property
    def PROOF(self) -> str:
        """The proof asked for when the connection names none: "signature", "signature_rule" or "shared"."""

    @property
    def PROOFS(self) -> Mapping[str, Proof]:
        """The vendor's own schemes by name; "shared" needs none."""

    def read(self, call: Call, connection: Connection) -> Event | Ignored | Challenge:
        """What a proven call says. Never raises, whatever the bytes."""

    def notes(self, ticket: Ticket, rating: Rating, connection: Connection) -> tuple[Request, ...]:
        """The requests that put a rating on its ticket, privately, the note first; () without credentials or a way."""

    def lookup(self, event: Event, connection: Connection) -> Lookup | None:
        """How to learn the address of an event that has none; None when it has one or there is no way."""


def fingerprint(call: Call) -> str:
    """SHA-256 of the raw body in hex: repeated bytes have the same one.

    Kept instead of the body, which may hold secrets.
    """
    return hashlib.sha256(call.body).hexdigest()


def needing(event: Event, names: Sequence[str], always: Sequence[str] = ()) -> Event:
    """The event with `needs_enrichment` set: those of `names` it lacks, then `always`.

    What belongs to an agent, a team or a brand is only missing when there is one.
    """
    known = {
        "customer.email": event.customer.email,
        "customer.name": event.customer.name,
        "customer.language": event.customer.language,
        "agent.name": event.agent.name or not event.agent.id,
        "agent.email": event.agent.email or not event.agent.id,
        "team.name": event.team.name or not event.team.id,
        "brand.name": event.brand.name or not event.brand.id,
        "tags": event.ticket.tags,
    }
    missing = [name for name in names if not known[name]]
    return replace(event, needs_enrichment=tuple(dict.fromkeys([*missing, *always])))


def learnt(
    event: Event, customer: Customer, agent: Agent = NOBODY, team: Named = NOTHING, brand: Named = NOTHING
) -> Event:
    """The event with its gaps filled from a reply; what it says already stays."""
    event = replace(
        event,
        customer=_filled(event.customer, customer),
        agent=_filled(event.agent, agent),
        team=_filled(event.team, team),
        brand=_filled(event.brand, brand),
    )
    still = needing(event, [name for name in event.needs_enrichment if name != "tags"])
    tags = [name for name in event.needs_enrichment if name == "tags" and not event.ticket.tags]
    return replace(still, needs_enrichment=(*still.needs_enrichment, *tags))


def base_url(connection: Connection, default: str = "") -> str | None:
    """Where the helpdesk's API is, without a trailing slash; None without usable credentials."""
    back = connection.write_back
    if back is None or not back.token:
        return None
    url = (back.url or default).strip().rstrip("/")
    return url if url.startswith(("https://", "http://")) else None


def segment(value: str) -> str:
    """One path segment: an id from a webhook can never climb out of its place in a URL."""
    return quote(value, safe="").replace(".", "%2E") if set(value) <= {"."} else quote(value, safe="")


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic authentication (RFC 7617)."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """The header of a bearer token (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}


_Who = TypeVar("_Who", Customer, Agent, Named)


def _filled(have: _Who, more: _Who) -> _Who:
    return replace(have, **{key: value for key, value in vars(more).items() if getattr(have, key) is None})
