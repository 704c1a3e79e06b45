"""Numbers as values: what `results` tells, and what schemas, pages and drivers read."""

from dataclasses import dataclass
from datetime import date

from feedback.domain.drivers import Impact
from feedback.domain.statistics import Change, Interval


@dataclass(frozen=True, slots=True)
class Brief:
    """What some responses come to; `value` and `interval`, in points of the metric, are None without any."""

    n: int
    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Compared(Brief):
    """The same beside the period of the same length before; `previous` and `change` are None where there is none."""

    previous: Brief | None
    change: Change | None


@dataclass(frozen=True, slots=True)
class Point(Brief):
    """The same for the day, week or month that begins on the day `start`."""

    start: date


@dataclass(frozen=True, slots=True)
class Week:
    """How many there are of the week that begins on the day `start`."""

    start: date
    n: int


#: One point for each day, week or month of a period, also for those without responses, oldest first.
Series = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Segment(Brief):
    """The same for the responses that share `key`; None: those of which it is not known.

    `rank_band`: the best and the worst rank that it may hold among the others. `name`: what the key is called now;
    a key that is its own name is not `named`.
    """

    key: str | None
    counts: dict[str, int]
    rank_band: tuple[int, int] | None
    named: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class Times:
    """How long it takes half of some answers, in seconds: `after` being asked, of `asked` answers, and to fill in
    (`took`), of `timed`; None of none."""

    asked: int
    after: int | None
    timed: int
    took: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """How many were asked and how many of them answered; asks that are younger than the answer window are `still_open`
    and in neither. Of these, `open_answered` are answered already.
    """

    sent: int
    answered: int
    still_open: int
    open_answered: int = 0

    @property
    def waiting(self) -> int:
        """How many may still answer and have not."""
        return self.still_open - self.open_answered

    @property
    def response_rate(self) -> float | None:
        """The part of those asked who answered, 0 to 1; None where nobody was asked."""
        return self.answered / self.sent if self.sent else None


@dataclass(frozen=True, slots=True)
class Break:
    """On the day `start` the survey's `definition` began: from then on, what is asked is not quite the same."""

    survey: str
    definition: int
    start: date


@dataclass(frozen=True, slots=True)
class Number(Compared):
    """What a metric comes to over a selection of responses, and all that stands beside it.

    `counts`: responses by group; `scores`: by score. `definition`: that of the survey, None over several surveys.
    `latest`: whether only each person's last response counts. `asked`: None where asks do not know the segment.
    """

    metric: str
    definition: int | None
    counts: dict[str, int]
    scores: dict[int, int]
    confidence: float
    mean: float | None
    mean_interval: Interval | None
    latest: bool
    asked: Asked | None
    breaks: tuple[Break, ...]
    series: Series
    groups: tuple[Segment, ...]
    groups_left_out: int


@dataclass(frozen=True, slots=True)
class Mover:
    """What one topic or theme (`topic`: its id) does to the value, and what it did in the period before.

    None: nobody spoke of it then. `is_compared`: whether there is a period before; of it, only size and value are told.
    """

    topic: str
    label: str
    now: Impact | None
    before: Impact | None
    is_compared: bool

    @property
    def n(self) -> int:
        """The responses of the period that speak of it."""
        return self.now.n if self.now else 0

    @property
    def impact(self) -> float | None:
        """Points of the value that it makes; None where too few speak of it."""
        return self.now.impact if self.now else None

    @property
    def interval(self) -> Interval | None:
        """Where the impact lies."""
        return self.now.interval if self.now else None

    @property
    def p(self) -> float | None:
        """How often chance alone would move the value as far."""
        return self.now.p if self.now else None

    @property
    def explains(self) -> float | None:
        """Points of the change since the period before that it makes; None where there is none."""
        now, before = (each.contribution if each else 0.0 for each in (self.now, self.before))
        return now - before if self.is_compared else None


@dataclass(frozen=True, slots=True)
class Drivers(Compared):
    """A value, and the topics or themes (`level`) that move it, the strongest first."""

    metric: str
    movers: tuple[Mover, ...]
    level: str
