"""The plain values every tracker works with: the account, the issue that is to be made, what one says of an issue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from surveys.base.delivery.message import DeliveryFailed
from surveys.helpdesks.helpdesk import Call, Ignored, Request

#: How far an issue is: nobody began; it is worked on; done; not to be done; closed for another reason, as a duplicate.
OPEN, STARTED, DONE, DROPPED, CLOSED = STATES = ("open", "started", "done", "dropped", "closed")

#: Clocks differ, and an index lags: an issue is looked for among those made since so long before.
SLACK = timedelta(minutes=10)

#: So many pages of a list are looked through for an issue; more new issues than that, and nobody can tell.
MOST_PAGES = 10


class Declined(Exception):
    """The tracker said no, and did nothing. `again`: it may say yes later. `said`: its answer, as far as it is JSON."""

    def __init__(self, reason: str, again: bool = False, said: Any = None) -> None:
        super().__init__(reason)
        self.again, self.said = again, said


class Absent(Exception):
    """There is no such thing in the tracker, or the token does not see it."""


class Unclear(DeliveryFailed):
    """What came back tells nobody whether the tracker did anything."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, again=True)


@dataclass(frozen=True)
class Account:
    """An account at a tracker. `settings`: what names the place in it, by the tracker's own FIELDS."""

    settings: Mapping[str, str]
    user: str = ""
    token: str = ""
    secret: str = ""


@dataclass(frozen=True)
class Draft:
    """An issue that is to be made, in plain text. `marker` is a UUID by which it is found again. `badge`: the address
    of the topic's badge; None where it was taken back.
    """

    marker: str
    title: str
    lines: Sequence[str]
    badge: str | None
    page: str


@dataclass(frozen=True)
class Issue:
    """An issue as the tracker tells of it. `ref`: what it is asked for by; `key`: what people call it."""

    ref: str
    key: str
    url: str
    state: str


@dataclass(frozen=True)
class Heard:
    """A call of the tracker says that something changed about an issue, and who did it. Nothing else of it is believed:
    calls come late and out of their order, so the issue itself is asked for."""

    ref: str
    by: str | None = None


@dataclass(frozen=True)
class Field:
    """What must be known to reach a place in a tracker. `pattern`: what it may be; `default`: what it is when empty;
    `is_place`: it names the place.
    """

    name: str
    pattern: str
    example: str
    required: bool = True
    default: str = ""
    is_place: bool = True


@dataclass(frozen=True)
class Reached:
    """What a trial found: the `name` of the place, and what is wrong with it all the same."""

    name: str
    problem: str | None = None


#: Sends a request and gives the answer's JSON. Raises Declined, Absent, Unclear, and DeliveryFailed where none came.
Ask = Callable[[Request], Any]


class Tracker(Protocol):
    """What each tracker's module offers.

    Whatever asks raises what `Ask` raises; an answer that cannot be read is Unclear.
    """

    @property
    def NAME(self) -> str:
        """As people write it."""

    @property
    def FIELDS(self) -> Sequence[Field]:
        """What names the place in it."""

    @property
    def NEEDS_USER(self) -> bool:
        """Whether its token goes with the name of a user."""

    @property
    def OWN_SECRET(self) -> bool:
        """Whether it makes the secret of its webhooks itself."""

    def ready(self, account: Account, ask: Ask) -> Account:
        """The account with what must be asked before an issue can be made."""

    def create(self, account: Account, draft: Draft, ask: Ask) -> Issue:
        """Make an issue. Nobody can tell what an Unclear or a broken line left behind: look by `find`."""

    def find(self, account: Account, marker: str, since: datetime, now: datetime, ask: Ask) -> Issue | None:
        """The issue with a marker that was made since then; None where there is none (yet)."""

    def fetch(self, account: Account, ref: str, ask: Ask) -> Issue:
        """An issue as it is now."""

    def check(self, account: Account, ask: Ask) -> Reached:
        """Try the account out. Nothing is made."""

    def named(self, account: Account, url: str) -> str | None:
        """What `fetch` asks for the issue at an address; None where it is no issue of this place."""

    def proved(self, secret: str, call: Call, now: datetime) -> bool:
        """Whether a call to us carries the tracker's proof, over the bytes as they came."""

    def heard(self, account: Account, call: Call) -> Heard | Ignored:
        """What a proved call says."""


def text(value: Any, *names: str) -> str:
    """What stands in nested objects under these names, as text; "" where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def known(value: Any, *names: str) -> str:
    """The same of an answer that must have it. Raises Unclear."""
    found = text(value, *names)
    if not found:
        raise Unclear("an answer without " + ".".join(names))
    return found


def rows(value: Any, *names: str) -> list[Any]:
    """The list that stands there. Raises Unclear where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, list):
        raise Unclear("an answer without " + (".".join(names) or "a list"))
    return value
