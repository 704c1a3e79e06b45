"""What a merge or a split would do before anybody confirms it: which comments move, how size and impact change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from feedback import countings, labels, results, rollups
from feedback.domain import drivers, statistics
from feedback.domain.drivers import Impact
from feedback.domain.statistics import Counts, Interval
from feedback.models import Placement, Theme, Topic
from feedback.topics import reports
from feedback.topics.reports import Scope
from surveys.models import Response


@dataclass(frozen=True)
class Part:
    """A topic before or after: its comments, their share of all in percent, and what they do to the value.

    `impact` is None where the surveys looked at share no one metric.
    """

    label: str
    n: int
    share: float
    interval: Interval | None
    impact: Impact | None


@dataclass(frozen=True)
class Rehearsal:
    """`moving`: comments that would move; `both`: those that are in both topics already."""

    moving: int
    both: int
    before: tuple[Part, ...]
    after: tuple[Part, ...]


@rollups.steady()
def merge(topic: Topic, into: Topic, scope: Scope) -> Rehearsal:
    """What putting all of `topic` into `into` would do."""
    stage = _Stage(scope, "topic", topic.id)
    here, there = stage.all_in(topic.id), stage.all_in(into.id)
    return Rehearsal(
        here.n,
        stage.all_in(topic.id, into.id).n,
        (stage.part(labels.of(topic), here), stage.part(labels.of(into), there)),
        (stage.part(labels.of(into), stage.in_any(topic.id, into.id)),),
    )


@rollups.steady()
def merge_themes(theme: Theme, into: Theme, scope: Scope) -> Rehearsal:
    """What putting all topics of `theme` under `into` would do. A comment in topics of both is one comment there."""
    stage = _Stage(scope, "theme", theme.id)
    here, there = (
        [id_ for id_, above in results.themes_of_topics().items() if above == each.id]
        for each in (theme, into)
    )
    moving, standing = stage.in_any(*here), stage.in_any(*there)
    both = stage.in_any(*here, *there)
    return Rehearsal(
        moving.n,
        moving.n + standing.n - both.n,
        (stage.part(labels.of(theme), moving), stage.part(labels.of(into), standing)),
        (stage.part(labels.of(into), both),),
    )


@rollups.steady()
def split(topic: Topic, label: str, keys: Sequence[int], scope: Scope) -> Rehearsal:
    """What making a topic called `label` of some of a topic's comments would do."""
    stage = _Stage(scope, "topic", topic.id)
    here, leaving = stage.all_in(topic.id), stage.of(topic.id, keys)
    return Rehearsal(
        leaving.n,
        0,
        (stage.part(labels.of(topic), here),),
        (stage.part(labels.of(topic), here.without(leaving)), stage.part(label, leaving)),
    )


# ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Said:
    """A set of responses: how many there are, and how often each score was given in those that count."""

    n: int
    counts: Counts

    def without(self, others: "_Said") -> "_Said":
        """The set without `others`, which must all be in it."""
        left = {score: n - others.counts.get(score, 0) for score, n in self.counts.items()}
        return _Said(self.n - others.n, {score: n for score, n in left.items() if n})


class _Stage:
    """All comments of a scope, and the scores of all its responses; about a topic or a theme (`level`, `name`)."""

    def __init__(self, scope: Scope, level: str, name: str) -> None:
        self._scope = scope
        self._comments = reports.comments(scope)
        selection = scope.selection
        self._scores: Counts = results.counts_with(selection, level, name)[0] if selection else {}
        self._placed, self._scored = (
            [
                (frozenset(countings.together(value)), tally.counts)
                for value, tally in rollups.tallies(name, scope.surveys, scope.since, scope.until)
                .get(None, {})
                .items()
            ]
            for name in (countings.TOGETHER, countings.SCORES)
        )

    def all_in(self, *topic_ids: str) -> _Said:
        """The responses that are in all of these topics."""
        return self._those(frozenset(topic_ids).issubset)

    def in_any(self, *topic_ids: str) -> _Said:
        """The responses that are in one of these topics or more."""
        wanted = frozenset(topic_ids)
        return self._those(lambda topics: not wanted.isdisjoint(topics))

    def of(self, topic_id: str, keys: Sequence[int]) -> _Said:
        """Those of some responses that are in a topic."""
        rows: Any = (
            Response.select(Response.score, Response.counted, fn.COUNT(Response.key))
            .join(Placement, on=(Placement.response == Response.key))
            .where(*self._scope.conditions, Placement.topic == topic_id, Placement.response.in_(list(keys)))
            .group_by(Response.score, Response.counted)
            .tuples()
        )
        found = list(rows)
        return _Said(sum(n for *_, n in found), {score: n for score, counted, n in found if counted})

    def _those(self, is_meant: Callable[[frozenset[str]], bool]) -> _Said:
        counts: dict[int, int] = {}
        for topics, scores in self._scored:
            if is_meant(topics):
                for score, n in scores.items():
                    counts[score] = counts.get(score, 0) + n
        return _Said(sum(sum(felt.values()) for topics, felt in self._placed if is_meant(topics)), counts)

    def part(self, label: str, said: _Said) -> Part:
        """The topic that these responses would make."""
        metric = self._scope.metric
        # A comment may be in a topic and be blank since; it is still one of the topic's.
        total = max(self._comments, said.n)
        return Part(
            label,
            said.n,
            100 * said.n / total if total else 0.0,
            statistics.share_interval(said.n, total),
            drivers.impact(metric, self._scores, said.counts) if metric and self._scores else None,
        )
