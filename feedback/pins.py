"""Pins: notes of what happened, shown on every chart; and benchmarks, values from elsewhere shown as a line."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from feedback.models import Benchmark, Pin
from surveys.base import db, ids


def visible(surveys: Sequence[str] | None) -> Any:
    """A query of the pins on charts of these surveys (None: of all), with those that stand on every chart."""
    query = Pin.select()
    return query if surveys is None else query.where(Pin.survey.in_(surveys) | Pin.survey.is_null())


def within(
    surveys: Sequence[str] | None, since: datetime | None = None, until: datetime | None = None
) -> list[Pin]:
    """The pins of a period, oldest first; `since` inclusive, `until` exclusive."""
    query = visible(surveys)
    if since:
        query = query.where(Pin.at >= since)
    if until:
        query = query.where(Pin.at < until)
    return list(query.order_by(Pin.at, Pin.id))


def add(at: datetime, text: str, kind: str, survey: str | None, made_by: str | None, now: datetime) -> Pin:
    """Pin a note to the charts of a survey, or (None) to all."""

    def verb() -> Pin:
        return Pin.create(
            id=ids.new("pin"), at=at, text=text, kind=kind, survey=survey, made_by=made_by, created_at=now
        )

    return db.write(verb)


def remove(pin_id: str, surveys: Sequence[str] | None) -> bool:
    """Take a pin off; whether there was one. Who sees some surveys alone takes off only pins of theirs."""
    query = Pin.delete().where(Pin.id == pin_id)
    if surveys is not None:
        query = query.where(Pin.survey.in_(surveys))
    return db.write(query.execute) == 1


def benchmarks(surveys: Sequence[str]) -> dict[str, list[Benchmark]]:
    """What the value of each of some surveys is held against, oldest first."""
    found: dict[str, list[Benchmark]] = {survey: [] for survey in surveys}
    rows = Benchmark.select().where(Benchmark.survey.in_(list(surveys)))
    for row in rows.order_by(Benchmark.created_at, Benchmark.id):
        found[row.survey_id].append(row)
    return found


def compare(survey: str, value: float, source: str, made_by: str | None, now: datetime) -> Benchmark:
    """Hold a survey's value against one from elsewhere, in the metric's points."""

    def verb() -> Benchmark:
        return Benchmark.create(
            id=ids.new("bm"), survey=survey, value=value, source=source, made_by=made_by, created_at=now
        )

    return db.write(verb)


def drop_benchmark(benchmark_id: str, surveys: Sequence[str] | None) -> bool:
    """Take a benchmark off; whether there was one."""
    query = Benchmark.delete().where(Benchmark.id == benchmark_id)
    if surveys is not None:
        query = query.where(Benchmark.survey.in_(surveys))
    return db.write(query.execute) == 1
