"""Explore: any metric by any segment or property, two of them crossed, as a table and a drawing, with an export."""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response as Reply
from flask import make_response, request

from feedback import exploring, segments
from feedback.dashboard import charts, forms, layout, registry, words
from feedback.domain import cells
from feedback.exploring import Cell
from feedback.results import INTERVALS
from feedback.schemas.team import ExploreQuery
from feedback.segments import PROPERTY
from surveys import visible
from surveys.base import clock
from surveys.base.errors import Refused
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import Survey

say = words.say

ADDRESS = "/team/explore"

#: What numbers can be told apart by, beside properties.
BY = ("agent", "team", "channel", "ticket_channel", "touchpoint", "language", "topic", "theme")

#: Columns of a crossed table, the largest.
ACROSS = 8

#: Properties to choose from that no survey is counted by.
MOST_PROPERTIES = 30


@registry.page(title=say("explore"), address=ADDRESS, scope="read", nav="listen", icon="search", place=7)
def index() -> Any:
    """The table for what the address asks; without anything asked, the form alone."""
    asked = layout.query(ExploreQuery())
    if not all(request.args.values()):
        return layout.led(layout.here())
    surveys = list(visible.surveys(registry.caller()).order_by(Survey.created_at, Survey.id))
    metrics = _together(surveys)
    chosen = _chosen(asked, surveys)
    if asked.get("survey") and not chosen:
        raise registry.not_found()
    if not chosen and len(surveys) == 1:
        chosen = surveys
    found = _found(asked, chosen) if chosen else None
    # Who sees one survey of a metric finds that one in the list, and no sum of it.
    which = chosen[0].id if len(chosen) == 1 else asked.get("survey")
    return layout.page(
        "explore.html",
        say("explore"),
        surveys=surveys,
        metrics=metrics,
        which=which,
        asked=asked,
        query=request.args,
        found=found,
        by=_named(asked["by"]) if asked.get("by") else None,
        choices=[
            (name, _named(name))
            for name in (*BY, *(f"{PROPERTY}{each}" for each in _properties(chosen, asked)))
        ],
        intervals=INTERVALS,
        export=layout.at(ADDRESS + "/export.csv", request.args.to_dict(), survey=which) if found else None,
        zoom=_zoom,
    )


@registry.page(title=say("export"), address=ADDRESS + "/export.csv", scope="read")
def export() -> Reply:
    """The same table as a file."""
    asked = layout.query(ExploreQuery())
    if "survey" not in asked:
        return layout.led(layout.at(ADDRESS))
    chosen = _chosen(asked, list(visible.surveys(registry.caller()).order_by(Survey.created_at, Survey.id)))
    if not chosen:
        raise registry.not_found()
    found = _found(asked, chosen)
    if (again := forms.asked_again()) is not None:
        return again
    text = io.StringIO()
    table = csv.writer(text, delimiter=asked.get("delimiter", ","))
    counted = ["asked", "answered_of_asked"] if found["asks"] else []
    table.writerow(["segment", "across", "n", "value", "low", "high", *counted])
    for row in found["rows"]:
        asks = [row["asked"].sent, row["asked"].answered] if found["asks"] else []
        for column, cell in zip(found["columns"], row["cells"], strict=True):
            low, high = cell["interval"] or (None, None)
            name = row["key"] or row["name"]
            table.writerow([cells.cell(name), cells.cell(column), cell["n"], cell["value"], low, high, *asks])
    answer = make_response(text.getvalue().encode("utf-8-sig"))
    answer.mimetype = "text/csv"
    answer.headers["Content-Disposition"] = 'attachment; filename="explore.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


# ------------------------------------------------------------------------------------------------------


#: In the place of a survey: all of a metric.
OF_METRIC = "metric:"


def _together(surveys: list[Survey]) -> list[Metric]:
    """The metrics of which there are several surveys: these come to one value."""
    counts = Counter(survey.metric for survey in surveys)
    return [metric for key, metric in METRICS.items() if counts[key] > 1]


def _chosen(asked: Mapping[str, Any], surveys: list[Survey]) -> list[Survey]:
    """The surveys that the address names: one, or all of a metric."""
    name = asked.get("survey") or ""
    if name.startswith(OF_METRIC):
        return [survey for survey in surveys if survey.metric == name.removeprefix(OF_METRIC)]
    return [survey for survey in surveys if survey.id == name]


def _zoom(row: Mapping[str, Any], interval: str) -> str | None:
    """The address that shows a bucket of time by shorter ones."""
    finer = {"month": "week", "week": "day"}.get(interval)
    return (
        layout.here(since=row["since"], until=row["until"], interval=finer)
        if finer and row["since"]
        else None
    )


def _found(asked: Mapping[str, Any], surveys: list[Survey]) -> dict[str, Any]:
    """Rows and columns of the table: a row for each value of `by` (or each bucket), a column for each of `across`."""
    zone, now = layout.zone(), clock.now()
    since = asked["since"].moment(zone) if asked.get("since") else None
    until = asked["until"].moment(zone) if asked.get("until") else None
    moment = layout.as_of(asked)
    if moment is not None and (until is None or moment < until):
        until = moment
    by, across = asked.get("by"), asked.get("across")
    for name in (by, across):
        if name and name not in BY and not (name.startswith(PROPERTY) and len(name) > len(PROPERTY)):
            raise Refused(say("explore.no_segment"), "by")
    if by and by == across:
        raise Refused(say("explore.same"), "across")
    if {by, across} == {"topic", "theme"}:
        raise Refused(say("explore.theme"), "across")
    table = exploring.table(surveys, (since, until), by, across, ACROSS, zone, now, asked["interval"])
    metric = METRICS[surveys[0].metric]
    which = {"survey": surveys[0].id} if len(surveys) == 1 else {"metric": metric.key}
    edges = [edge for row in table.rows for cell in row.cells for edge in cell.interval or ()]
    axis = charts.axis(metric, edges)
    ends = {"since": request.args.get("since"), "until": request.args.get("until")}
    if moment is not None:
        ends["until"] = clock.stamp(until)
    return {
        "columns": [column or say("explore.all") for column in table.columns],
        "rows": [
            {
                "name": _bucket(row.start, asked["interval"]) if row.start else row.name or _in_none(by),
                "key": row.name if row.start else None,
                "cells": [_shown(cell, metric, {**which, **ends}, axis) for cell in row.cells],
                "asked": row.asked,
                **_edges(row.start, asked["interval"], ends),
            }
            for row in table.rows
        ],
        "axis": [charts.value(metric, edge) for edge in axis],
        "asks": any(row.asked and (row.asked.sent or row.asked.still_open) for row in table.rows),
        "left_out": table.left_out,
        "columns_left_out": table.columns_left_out,
        "without": table.without,
        "across": _named(across) if across else None,
        "as_of": moment,
    }


def _bucket(start: date, interval: str) -> str:
    """What a bucket of time is called."""
    if interval == "month":
        return f"{start:%B %Y}"
    day = f"{start.day} {start:%b %Y}"
    return say("explore.week", day=day) if interval == "week" else day


def _edges(start: date | None, interval: Any, ends: Mapping[str, str | None]) -> dict[str, str | None]:
    """When a bucket begins and ends, within the period that was asked for."""
    if start is None:
        return {"since": None, "until": None}
    until = schedule.next_first_day(start, interval).isoformat()
    return {
        "since": max(start.isoformat(), ends["since"] or ""),
        "until": min(until, ends["until"]) if ends["until"] else until,
    }


def _shown(cell: Cell, metric: Metric, query: Mapping[str, Any], axis: tuple[float, float]) -> dict[str, Any]:
    """A cell in words, with the feed that shows its answers; a bucket of time ends no later than the period does."""
    told = None
    if cell.query is not None:
        told = {**query, **cell.query, "counted": "1"}
        for name, edge in (("since", max), ("until", min)):
            both = [each[name] for each in (query, cell.query) if each.get(name)]
            told[name] = edge(both) if both else None
    return {
        "n": cell.n,
        "value": cell.value,
        "interval": cell.interval,
        "told": charts.value(metric, cell.value),
        "range": charts.interval(metric, cell.interval),
        "strip": charts.strip(cell.value, cell.interval, axis),
        "href": layout.at("/team/feed", told) if told else None,
    }


def _in_none(segment: str | None) -> str:
    """What answers without a segment are called."""
    key = f"{segment}s.none"
    return say(key) if key in words.WORDS else say("explore.unknown")


def _named(segment: str) -> str:
    key = f"filter.{segment}"
    return say(key) if key in words.WORDS else segment.removeprefix(PROPERTY)


def _properties(surveys: list[Survey], asked: Mapping[str, Any]) -> list[str]:
    """The properties that surveys are counted by, those that their newest answers carry, and what is asked for."""
    counted = [name for survey in surveys for name in survey.segments]
    chosen = [str(asked.get(name) or "") for name in ("by", "across")]
    seen = sorted(segments.lately([survey.id for survey in surveys], MOST_PROPERTIES)) if surveys else []
    named = [name.removeprefix(PROPERTY) for name in chosen if name.startswith(PROPERTY)]
    return list(dict.fromkeys([*counted, *seen, *named]))
