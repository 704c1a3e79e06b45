"""What answers whose words contradict their score do to a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from feedback import countings, results, rollups
from feedback.domain import statistics
from feedback.domain.statistics import Summary
from surveys import daily_counts
from surveys.base import clock
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import Survey


@dataclass(frozen=True)
class Effect:
    """The value of a survey as it is and without its `n` mismatches: nobody knows which of score and words is meant."""

    n: int
    now: Summary
    without: Summary


def count(surveys: Sequence[Survey], until: datetime | None = None) -> int:
    """How many answers of these surveys, given before `until`, contradict themselves."""
    return sum(_scores(surveys, until).values())


def since(surveys: Sequence[Survey], most: int, before: int | None) -> datetime | None:
    """The moment from which on there are `most` of them before a key (None: before now), or all of them where there
    are fewer.

    So nobody looks for one in days that hold none. None where there is none at all.
    """
    last = daily_counts.day_of(clock.moment(before)) if before is not None else None
    days = rollups.tallies(countings.MISMATCHES, surveys, by_day=True)
    found, first = 0, None
    for day in sorted(map(str, days), reverse=True):
        if last is None or day <= last:
            first = day
            # Of the day of the key some may lie behind it.
            found += sum(sum(tally.counts.values()) for tally in days[day].values()) if day != last else 0
        if found >= most:
            break
    return schedule.starts_at(date.fromisoformat(first), daily_counts.time_zone()) if first else None


def effect(survey: Survey, zone: ZoneInfo, until: datetime | None = None) -> Effect:
    """What the mismatches of a survey do to its value, of answers given before `until`."""
    metric = METRICS[survey.metric]
    odd = _scores([survey], until)
    scores = results.scores(results.Selection(metric, [survey], until=until), zone)
    rest = {score: max(0, n - odd.get(score, 0)) for score, n in scores.items()}
    return Effect(sum(odd.values()), statistics.summarise(metric, scores), statistics.summarise(metric, rest))


# ------------------------------------------------------------------------------------------------------


def _scores(surveys: Sequence[Survey], until: datetime | None) -> dict[int, int]:
    """How often each score was given in answers that contradict themselves."""
    found = rollups.tallies(countings.MISMATCHES, surveys, until=until)
    return {score: n for tally in found.get(None, {}).values() for score, n in tally.counts.items()}
