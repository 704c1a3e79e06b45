"""What answers whose words contradict their score do to a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from feedback import countings, results, rollups
from feedback.domain import statistics
from feedback.domain.statistics import Summary
from surveys.domain.metrics import METRICS
from surveys.models import Survey


@dataclass(frozen=True)
class Effect:
    """The value of a survey as it is and without its `n` mismatches: nobody knows which of score and words is meant."""

    n: int
    now: Summary
    without: Summary


def count(surveys: Sequence[Survey]) -> int:
    """How many answers of these surveys contradict themselves."""
    return sum(_scores(surveys).values())


def effect(survey: Survey, zone: ZoneInfo, now: datetime) -> Effect:
    """What the mismatches of a survey do to its value."""
    metric = METRICS[survey.metric]
    odd = _scores([survey])
    scores = results.number(results.Selection(metric, [survey]), zone, now).scores
    rest = {score: max(0, n - odd.get(score, 0)) for score, n in scores.items()}
    return Effect(sum(odd.values()), statistics.summarise(metric, scores), statistics.summarise(metric, rest))


# ------------------------------------------------------------------------------------------------------


def _scores(surveys: Sequence[Survey]) -> dict[int, int]:
    """How often each score was given in them."""
    found = rollups.tallies(countings.MISMATCHES, surveys)
    return {score: n for tally in found.get(None, {}).values() for score, n in tally.counts.items()}
