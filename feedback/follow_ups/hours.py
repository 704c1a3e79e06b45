"""When the team is open and how soon it promises to answer and to solve: kept as one row, with standard values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from feedback.domain.business_hours import Hours, Shift
from feedback.models import OpeningHours
from surveys import daily_counts
from surveys.base import db, jobs, versions
from surveys.base.errors import Clash

#: The job that works out the due times of open cases anew.
CHANGED = "opening hours changed"

#: What holds until somebody says otherwise: one working day to answer, three to solve.
STANDARD: dict[str, Any] = {
    "time_zone": None,
    "open": [{"weekdays": [0, 1, 2, 3, 4], "opens": "09:00", "closes": "17:00"}],
    "holidays": [],
    "answer_within_hours": 8.0,
    "solve_within_hours": 24.0,
    "lead": None,
}


@dataclass(frozen=True)
class Promise:
    """When the team is open, and within how many hours of that it answers and solves."""

    hours: Hours
    answer: timedelta
    solve: timedelta


def stored() -> dict[str, Any]:
    """The values as they stand, by STANDARD's names."""
    row = OpeningHours.get_or_none(OpeningHours.id == 1)
    return {name: getattr(row, name) for name in STANDARD} if row is not None else dict(STANDARD)


def version(values: Mapping[str, Any]) -> str:
    """A few letters that stand for these values: other values have other letters."""
    return versions.of(values)


def put(values: Mapping[str, Any], now: datetime, known: str | None = None) -> None:
    """Replace all values; those not given are STANDARD's. The due times of open cases follow, see CHANGED.

    `known`: the version that is to be replaced. Raises Clash where the values are others by now.
    """
    row = {**STANDARD, **values, "updated_at": now}

    def verb() -> None:
        db.serialise("opening hours")
        if known is not None and known != version(stored()):
            raise Clash("Somebody changed the hours meanwhile.")
        OpeningHours.insert(id=1, **row).on_conflict(conflict_target=[OpeningHours.id], update=row).execute()
        jobs.enqueue(CHANGED, {}, now)

    db.write(verb)


def promise() -> Promise:
    """What the team promises now."""
    values = stored()
    zone = ZoneInfo(values["time_zone"]) if values["time_zone"] else daily_counts.time_zone()
    shifts = tuple(
        Shift(frozenset(each["weekdays"]), _minutes(each["opens"]), _minutes(each["closes"]))
        for each in values["open"]
    )
    return Promise(
        Hours(zone, shifts, frozenset(map(date.fromisoformat, values["holidays"]))),
        timedelta(hours=values["answer_within_hours"]),
        timedelta(hours=values["solve_within_hours"]),
    )


def _minutes(text: str) -> int:
    """Minutes since midnight of a time like 17:30."""
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
