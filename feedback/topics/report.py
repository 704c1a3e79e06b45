"""What is told of topics and themes: frozen values that `reports` makes, and pages and schemas read.

`limited`: whoever asks sees some surveys alone; what comes from all surveys together is None or empty, and not told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from feedback.domain.drivers import Impact
from feedback.domain.surges import Surge
from feedback.domain.topics import Change
from feedback.numbers import Week


@dataclass(frozen=True, slots=True)
class Named:
    """A theme by its name."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Heard:
    """How many comments speak of a topic or theme, their share of all (0 to 1), and how many speak of it how."""

    size: int
    share: float
    sentiment: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Measured(Heard):
    """The same with the last weeks, oldest first, a surge of late, and what it does to the value.

    `impact` is None where nobody who speaks of it gave a score, and over surveys that share no metric.
    """

    trend: tuple[Week, ...]
    surge: Surge | None
    impact: Impact | None


@dataclass(frozen=True, slots=True)
class Typical:
    """A comment near to what a topic is about, and the words that put it there."""

    id: str
    comment: str
    score: int | None
    evidence: Sequence[str]
    by_person: bool


@dataclass(frozen=True, slots=True)
class Given:
    """Which status a topic was given, what it was until then, when and by whom (None: by an upgrade)."""

    status: str
    former: str
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ThemeLine:
    """One line of a theme's lineage, like `domain.topics.Change` of a topic's."""

    kind: str
    theme: str
    label: str | None
    other: str | None
    other_label: str | None
    former_label: str | None
    by_person: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class TopicReport:
    """A topic: what it is, and what it comes to (None for one that was merged).

    `typical` comments, `evidence` (phrases, and in how many comments each stands), `lineage` and `history` are None
    where nobody asked for them; the last two also for who is limited.
    """

    id: str
    label: str
    status: str
    owner: str | None
    issue_url: str | None
    theme: Named | None
    named: bool
    taught: bool
    merged_into: str | None
    candidates: Sequence[str]
    phrases: Sequence[str]
    examples: Sequence[str]
    created_at: datetime
    shipped_at: datetime | None
    note: Mapping[str, str] | None
    limited: bool
    numbers: Measured | None
    typical: Sequence[Typical] | None = None
    evidence: Sequence[tuple[str, int]] | None = None
    lineage: Sequence[Change] | None = None
    history: Sequence[Given] | None = None


@dataclass(frozen=True, slots=True)
class ThemeReport:
    """A theme: what it is, the ids of its topics, and what it comes to; no more than its size beside a list of topics.

    `lineage` is None where nobody asked for it, and for who is limited.
    """

    id: str
    label: str
    status: str
    owner: str | None
    named: bool
    merged_into: str | None
    created_at: datetime
    limited: bool
    numbers: Heard
    topics: Sequence[str]
    lineage: Sequence[ThemeLine] | None = None


@dataclass(frozen=True, slots=True)
class Rising:
    """A topic that is talked about more than before (`surge`), or is new. `size` is that of a new one."""

    id: str
    label: str
    is_new: bool
    size: int | None
    surge: Surge | None
    trend: tuple[Week, ...]


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """How far a review of all topics is: `share`, 0 to 1, of the step it is at."""

    id: int
    state: str
    step: str | None
    share: float
    comments: int | None
    moved: int | None
    asked_at: datetime
    ended_at: datetime | None
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """All live topics, the largest first; how many comments there are, and how many of them are in no topic.

    `metric`: the one of the surveys that were looked at, None where they share none.
    """

    items: Sequence[TopicReport]
    metric: str | None
    comments: int
    unplaced: int
    review: ReviewReport | None

    @property
    def share_unplaced(self) -> float:
        """The share of comments that are in no topic, 0 to 1."""
        return self.unplaced / self.comments if self.comments else 0.0


@dataclass(frozen=True, slots=True)
class Overview(Listed):
    """The same with all live themes, why comments are in no topic, and how many say nothing."""

    themes: Sequence[ThemeReport]
    reasons: Mapping[str, int]
    said_nothing: int
