"""Drivers: what topics do to the value, and how that changed since the period before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from feedback import labels, results, rollups
from feedback.domain import drivers as domain
from feedback.domain.drivers import Impact
from feedback.models import Theme, Topic
from feedback.numbers import Drivers, Mover

#: What may move a value.
LEVELS: dict[str, Any] = {"topic": Topic, "theme": Theme}


def moving(selection: results.Selection, zone: ZoneInfo, now: datetime, level: str = "topic") -> Drivers:
    """The value, and the topics or themes that move it, with how each changed since the period before."""
    whole = results.compared(selection, zone, now)
    return Drivers(
        whole.n,
        whole.value,
        whole.interval,
        whole.previous,
        whole.change,
        selection.metric.key,
        tuple(topics(selection, now, level)),
        level,
    )


@rollups.steady()
def topics(selection: results.Selection, now: datetime, level: str = "topic") -> list[Mover]:
    """The topics or themes that move the value, the strongest first, without the value.

    One that had `domain.LEAST` responses in either period is listed, so that what went away is seen too;
    without an impact now, the one that explains most of the change comes first.
    """
    earlier = results.period_before(selection, now)
    current = impacts(selection, level=level)
    past = _parts(earlier, level) if earlier else {}
    names = {name for name, n in _sizes(current, past).items() if n >= domain.LEAST}
    found = [
        Mover(id_, label, current.get(id_), past.get(id_), earlier is not None)
        for id_, label in _named(level).items()
        if id_ in names
    ]
    return sorted(found, key=_strength)


def impacts(selection: results.Selection, only: str | None = None, level: str = "topic") -> dict[str, Impact]:
    """What each topic or theme, or `only` one of them, does to the value over all responses."""
    return domain.impacts(selection.metric, *_counts(selection, level, only))


# ------------------------------------------------------------------------------------------------------


def _parts(selection: results.Selection, level: str) -> dict[str, Impact]:
    """The size and the contribution of each topic or theme: all that is told of the period before."""
    return domain.parts(selection.metric, *_counts(selection, level))


def _counts(
    selection: results.Selection, level: str, only: str | None = None
) -> tuple[results.Counts, dict[str, results.Counts]]:
    """How often each score was given, in all and by those who speak of each topic or theme."""
    everything, found = results.counts_with(selection, level, only)
    return everything, {name: counts for name, counts in found.items() if name is not None}


def _named(level: str) -> dict[str, str]:
    """What all topics or themes are called: a page asks for those of many surveys."""
    table = LEVELS[level]

    def read() -> dict[str, str]:
        return dict(list(table.select(table.id, labels.column(table)).tuples()))

    return rollups.once(("named", level, *labels.languages()), read)


def _sizes(current: Mapping[str, Impact], past: Mapping[str, Impact]) -> dict[str, int]:
    """How many responses each topic has in the period in which it had more."""
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
