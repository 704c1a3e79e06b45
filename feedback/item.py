"""One response as it leaves the house: frozen values that `feed` makes, and pages, files and schemas read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Who:
    """The person who responded; `verified` is false for a claim that nobody proved."""

    id: str
    name: str | None
    verified: bool


@dataclass(frozen=True, slots=True)
class Named:
    """An agent or a team, with the name of that time."""

    id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Feeling:
    """How a comment reads: negative, neutral or positive, and from -1 to 1; both are None where no engine read it."""

    label: str | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Sentiment(Feeling):
    """What holds of a comment: what a person said of it, else what was read.

    `by_words`: what its words say by themselves; only where mismatches were asked for.
    """

    by_words: Feeling | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """A topic of a comment, the words that put it there, and how the comment speaks of it."""

    id: str
    label: str
    evidence: list[str] | None
    sentiment: str | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """The ticket that a response is about, as the helpdesk told of it."""

    id: str | None
    number: str | None
    url: str | None
    channel: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """The follow-up of a response: its id and how far it is."""

    id: str
    status: str


@dataclass(frozen=True, slots=True)
class Item:
    """One response. Its survey's `redact` has been applied. `sentiment` is None until the comment has been read.

    `asked_at`: when the invitation was sent that it answers; None where nobody was asked. `seconds`: how long it took
    from the survey being seen, where that is known.

    `similarity`: 0 to 1, how much its comment is like another; None where nobody asked for that.
    """

    id: str
    survey: str
    metric: str
    score: int | None
    group: str | None
    comment: str | None
    answers: dict[str, Any]
    language: str | None
    person: Who | None
    sentiment: Sentiment | None
    topics: tuple[Mention, ...]
    channel: str
    touchpoint: str | None
    agent: Named | None
    team: Named | None
    ticket: Ticket | None
    properties: dict[str, Any]
    tags: list[str]
    flags: list[str]
    excluded: bool
    test: bool
    follow_up: Case | None
    triage: str
    contact: str | None
    asked_at: datetime | None
    seconds: int | None
    version: int
    created_at: datetime
    updated_at: datetime
    similarity: float | None = None

    @property
    def answered_after(self) -> int | None:
        """Seconds from being asked to answering; None where nobody was asked, or the answer came before the ask."""
        if self.asked_at is None or self.asked_at > self.created_at:
            return None
        return int((self.created_at - self.asked_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Deleted:
    """What is left of a response that was deleted."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Left:
    """A response that changed and does not fit what a follower of changes asked for."""

    id: str
    version: int
