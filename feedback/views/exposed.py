"""What surveys come to, for Prometheus: beside other figures on the same board."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from feedback import results, whole_days
from surveys import daily_counts
from surveys.base import clock, db
from surveys.base.http import observe
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import Survey

#: Whole days, and today so far.
DAYS = 30

#: Surveys that are told of, those made last.
MOST = 100

_LABELS = ("survey", "metric")


def install() -> None:
    """Have the values exposed with the counters."""
    observe.show("surveys", families)


def families() -> Iterable[Metric]:
    """Value, its interval and the number of answers of each survey in use; none where the database is away."""
    found = {
        name: GaugeMetricFamily(f"earshot_survey_{name}", f"{text}, {DAYS} days", labels=_LABELS)
        for name, text in (
            ("value", "What a survey comes to"),
            ("value_low", "Low end of the 95 % interval"),
            ("value_high", "High end of the 95 % interval"),
            ("answers", "Answers in the value of a survey"),
        )
    }
    try:
        _fill(found)
    except db.FAILURES:
        db.forget_connection()
        return []
    return found.values()


def _fill(found: dict[str, GaugeMetricFamily]) -> None:
    zone = daily_counts.time_zone()
    first = schedule.day_of(clock.now(), zone) - timedelta(days=DAYS - 1)
    since = schedule.starts_at(first, zone)
    used: Any = Survey.select(Survey.id, Survey.metric).where(Survey.status != "archived")
    with db.snapshot():
        surveys = list(used.order_by(Survey.created_at.desc(), Survey.id).limit(MOST).tuples())
        counts = whole_days.total_of_each([survey for survey, _ in surveys], since, None, zone)
        for labels in surveys:
            survey, metric = labels
            whole = results.brief(METRICS[metric], counts.get(survey, {}))
            found["answers"].add_metric(labels, whole.n)
            if whole.value is None or whole.interval is None:
                continue
            low, high = whole.interval
            for name, value in (("value", whole.value), ("value_low", low), ("value_high", high)):
                found[name].add_metric(labels, value)
