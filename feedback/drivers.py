"""Drivers: what topics do to the value, and how that changed since the period before."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from feedback import results
from feedback.domain import drivers as domain
from feedback.domain.drivers import Impact
from feedback.models import Topic


def moving(selection: results.Selection, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """The topics that move the value, the strongest first, and how each changed since the period before.

    A topic that had `domain.LEAST` responses in either period is listed, so that what went away is seen too;
    without an impact now, the one that explains most of the change comes first.
    """
    whole = results.compared(selection, zone, now)
    return {
        "metric": selection.metric.key,
        **asdict(whole),
        "items": topics(selection, now),
    }


def topics(selection: results.Selection, now: datetime) -> list[dict[str, Any]]:
    """The topics of `moving` alone, without the value they move."""
    earlier = results.period_before(selection, now)
    current, past = impacts(selection), impacts(earlier) if earlier else {}
    names = {name for name, n in _sizes(current, past).items() if n >= domain.LEAST}
    labels = Topic.select(Topic.id, Topic.label).where(Topic.id.in_(sorted(names) or [""]))
    items = [
        {
            "topic": {"id": topic.id, "label": topic.label},
            **shown(current.get(topic.id)),
            **_change(current.get(topic.id), past.get(topic.id), earlier is not None),
        }
        for topic in labels
    ]
    return sorted(items, key=_strength)


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


def _change(now: Impact | None, before: Impact | None, is_known: bool) -> dict[str, Any]:
    """Share and contribution, and with a period before (`is_known`) what they were and what that explains."""
    part, past = _part(now), _part(before)
    return {
        "share": part["share"],
        "contribution": part["contribution"],
        "previous": past if is_known else None,
        "explains": part["contribution"] - past["contribution"] if is_known else None,
    }


def _part(found: Impact | None) -> dict[str, Any]:
    """Size and contribution; nothing of either where nobody spoke of it."""
    if found is None:
        return {"n": 0, "share": 0.0, "value": None, "contribution": 0.0}
    return {name: getattr(found, name) for name in ("n", "share", "value", "contribution")}


def _strength(item: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        item["impact"] is None,
        -abs(item["impact"] or 0.0),
        -abs(item["explains"] or 0.0),
        -item["n"],
        item["topic"]["id"],
    )
