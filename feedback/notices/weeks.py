"""The weeks of a value as a rule looks at them: its survey, narrowed by its filters, by each value of its segment."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from feedback import results
from feedback.domain import alarms
from feedback.domain.alarms import Spell, Week
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import Survey

#: How many values of a segment are watched: those with most answers.
MOST_SEGMENTS = 30

Weeks = dict[str | None, list[Week]]


def this_week(now: datetime, zone: ZoneInfo) -> date:
    """The Monday of the week that is not over yet."""
    return schedule.first_day(schedule.day_of(now, zone), "week")


def read(
    when: Mapping[str, Any],
    segment: str | None,
    filters: Mapping[str, str],
    since: date,
    until: date,
    zone: ZoneInfo,
) -> Weeks:
    """The weeks from the Monday `since` up to the Monday `until`, exclusive, those before any answer left out.

    Empty when the survey is gone.
    """
    survey = Survey.get_or_none(Survey.id == when["survey"])
    if survey is None:
        return {}
    metric = METRICS[survey.metric]
    selection = results.Selection(
        metric=metric,
        surveys=[survey],
        since=schedule.starts_at(since, zone),
        until=schedule.starts_at(until, zone),
        by=segment,
        segments=dict(filters),
    )
    counts = results.weekly(selection, zone, MOST_SEGMENTS)
    first = min((week for weeks in counts.values() for week in weeks), default=until)
    days = list(schedule.first_days(max(since, first), until, "week"))
    return {
        key: [alarms.week(metric, day, weeks.get(day, {})) for day in days] for key, weeks in counts.items()
    }


def why(when: Mapping[str, Any], segment: str | None, spell: Spell[str | None]) -> dict[str, Any]:
    """What is kept of a spell: its numbers, and what the survey and the segment's value are called."""
    survey = Survey.get_or_none(Survey.id == when["survey"])
    name = f"{METRICS[survey.metric].name} of {survey.name}" if survey is not None else when["survey"]
    return {
        "survey": when["survey"],
        "name": name,
        "segment": segment,
        "key": results.called(segment, spell.key) if segment and spell.key is not None else None,
        "before": round(spell.before, 2),
        "now": round(spell.now, 2),
        "n": spell.n,
        "since": spell.since.isoformat(),
        "at_once": spell.at_once,
        "looked_at": spell.looked_at,
        "settled": spell.settled,
    }


def said_at(week: date, zone: ZoneInfo) -> datetime:
    """The moment at which a week is judged: its end."""
    return schedule.starts_at(week + timedelta(weeks=1), zone)
