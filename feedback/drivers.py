"""Drivers: what topics do to the value, and how that changed since the period before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from feedback import results
from feedback.domain import drivers as domain
from feedback.domain.drivers import Impact
from feedback.models import Topic
from feedback.numbers import Drivers, Mover


def moving(selection: results.Selection, zone: ZoneInfo, now: datetime) -> Drivers:
    """The value, and the topics that move it, with how each changed since the period before."""
    whole = results.compared(selection, zone, now)
    return Drivers(
        whole.n,
        whole.value,
        whole.interval,
        whole.previous,
        whole.change,
        selection.metric.key,
        tuple(topics(selection, now)),
    )


def topics(selection: results.Selection, now: datetime) -> list[Mover]:
    """The topics that move the value, the strongest first, without the value.

    A topic that had `domain.LEAST` responses in either period is listed, so that what went away is seen too;
    without an impact now, the one that explains most of the change comes first.
    """
    earlier = results.period_before(selection, now)
    current, past = impacts(selection), impacts(earlier) if earlier else {}
    names = {name for name, n in _sizes(current, past).items() if n >= domain.LEAST}
    labels = Topic.select(Topic.id, Topic.label).where(Topic.id.in_(sorted(names) or [""]))
    found = [
        Mover(topic.id, topic.label, current.get(topic.id), past.get(topic.id), earlier is not None)
        for topic in labels
    ]
    return sorted(found, key=_strength)


def impacts(selection: results.Selection, topic: str | None = None) -> dict[str, Impact]:
    """What each topic, or `topic` alone, does to the value over all responses."""
    everything, found = results.counts_with(selection, "topic", topic)
    by_topic = {name: counts for name, counts in found.items() if name is not None}
    return domain.impacts(selection.metric, everything, by_topic)


def shown(found: Impact | None) -> dict[str, Any]:
    """Value and impact as the API shows them; of no response at all when there is none."""
    names = ("value", "value_interval", "impact", "interval", "spans_zero", "p")
    return {"n": found.n if found else 0} | {name: getattr(found, name, None) for name in names}


# ------------------------------------------------------------------------------------------------------


def _sizes(current: Mapping[str, Impact], past: Mapping[str, Impact]) -> dict[str, int]:
    """Of each topic the responses of the period in which it had more."""
    return {
        name: max(each[name].n for each in (current, past) if name in each) for name in current.keys() | past
    }


def _strength(mover: Mover) -> tuple[Any, ...]:
    return (
        mover.impact is None,
        -abs(mover.impact or 0.0),
        -abs(mover.explains or 0.0),
        -mover.n,
        mover.topic,
    )
