"""What a merge or a split would do before anybody confirms it: which comments move, how size and impact change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from feedback import results
from feedback.domain import drivers, statistics
from feedback.domain.drivers import Impact
from feedback.domain.statistics import Counts, Interval
from feedback.models import Placement, Topic
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


def merge(topic: Topic, into: Topic, scope: Scope) -> Rehearsal:
    """What putting all of `topic` into `into` would do."""
    stage = _Stage(scope, topic)
    here, there = _in(topic.id), _in(into.id)
    both = stage.count(here & there)
    moving = stage.count(here)
    return Rehearsal(
        moving,
        both,
        (stage.part(topic.label, here), stage.part(into.label, there)),
        (stage.part(into.label, here | there),),
    )


def split(topic: Topic, label: str, keys: Sequence[int], scope: Scope) -> Rehearsal:
    """What making a topic called `label` of some of a topic's comments would do."""
    stage = _Stage(scope, topic)
    here, leaving = _in(topic.id), Response.key.in_(list(keys))
    return Rehearsal(
        stage.count(here & leaving),
        0,
        (stage.part(topic.label, here),),
        (stage.part(topic.label, here & ~leaving), stage.part(label, here & leaving)),
    )


# ------------------------------------------------------------------------------------------------------


class _Stage:
    """All comments of a scope, and the scores of all its responses."""

    def __init__(self, scope: Scope, topic: Topic) -> None:
        self._scope = scope
        self._comments = (
            Response.select()
            .where(*scope.conditions, Response.comment.is_null(False), Response.comment != "")
            .count()
        )
        selection = scope.selection
        self._scores: Counts = results.counts_with(selection, "topic", topic.id)[0] if selection else {}

    def count(self, where: Any) -> int:
        """How many responses are meant."""
        found: int = Response.select().where(*self._scope.conditions, where).count()
        return found

    def part(self, label: str, where: Any) -> Part:
        """The topic that the responses `where` would make."""
        rows: Any = (
            Response.select(Response.score, Response.counted, fn.COUNT(Response.key))
            .where(*self._scope.conditions, where)
            .group_by(Response.score, Response.counted)
            .tuples()
        )
        counts: dict[int, int] = {}
        n = 0
        for score, counted, many in rows:
            n += many
            if counted:
                counts[score] = counts.get(score, 0) + many
        metric = self._scope.metric
        # A comment may be in a topic and be blank since; it is still one of the topic's.
        total = max(self._comments, n)
        return Part(
            label,
            n,
            100 * n / total if total else 0.0,
            statistics.share_interval(n, total),
            drivers.impact(metric, self._scores, counts) if metric and self._scores else None,
        )


def _in(topic_id: str) -> Any:
    return Response.key.in_(Placement.select(Placement.response).where(Placement.topic == topic_id))
