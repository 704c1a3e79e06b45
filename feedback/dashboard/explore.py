"""Explore: any metric by any segment or property, two of them crossed, as a table and a drawing, with an export."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from flask import Response as Reply
from flask import make_response, request

from feedback import exploring
from feedback.dashboard import charts, forms, layout, registry, words
from feedback.domain import cells
from feedback.exploring import Cell
from feedback.results import INTERVALS
from feedback.schemas.team import ExploreQuery
from feedback.segments import PROPERTY
from surveys import visible
from surveys.base import clock
from surveys.base.errors import Refused
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import Survey

say = words.say

ADDRESS = "/team/explore"

#: What numbers can be told apart by, beside properties.
BY = ("agent", "team", "channel", "ticket_channel", "touchpoint", "language", "topic", "theme")

#: Columns of a crossed table, the largest.
ACROSS = 8


@registry.page(title=say("explore"), address=ADDRESS, scope="read", nav="listen", icon="search", place=7)
def index() -> Any:
    """The table for what the address asks; without anything asked, the form alone."""
    asked = layout.query(ExploreQuery())
    if not all(request.args.values()):
        return layout.led(layout.here())
    surveys = list(visible.surveys(registry.caller()).order_by(Survey.created_at, Survey.id))
    survey = next((each for each in surveys if each.id == asked.get("survey")), None)
    if asked.get("survey") and survey is None:
        raise registry.not_found()
    if survey is None and len(surveys) == 1:
        survey = surveys[0]
    found = _found(asked, survey) if survey else None
    return layout.page(
        "explore.html",
        say("explore"),
        surveys=surveys,
        survey=survey,
        asked=asked,
        query=request.args,
        found=found,
        by=_named(asked["by"]) if asked.get("by") else None,
        choices=[
            (name, _named(name)) for name in (*BY, *(f"{PROPERTY}{each}" for each in _properties(survey)))
        ],
        intervals=INTERVALS,
        export=layout.at(ADDRESS + "/export.csv", request.args.to_dict(), survey=survey.id)
        if survey
        else None,
    )


@registry.page(title=say("export"), address=ADDRESS + "/export.csv", scope="read")
def export() -> Reply:
    """The same table as a file."""
    asked = layout.query(ExploreQuery())
    if "survey" not in asked:
        return layout.led(layout.at(ADDRESS))
    survey = visible.own(Survey, asked["survey"], registry.caller(), field="survey")
    found = _found(asked, survey)
    if (again := forms.asked_again()) is not None:
        return again
    text = io.StringIO()
    table = csv.writer(text, delimiter=asked.get("delimiter", ","))
    table.writerow(["segment", "across", "n", "value", "low", "high"])
    for row in found["rows"]:
        for column, cell in zip(found["columns"], row["cells"], strict=True):
            low, high = cell["interval"] or (None, None)
            table.writerow([cells.cell(row["name"]), cells.cell(column), cell["n"], cell["value"], low, high])
    answer = make_response(text.getvalue().encode("utf-8-sig"))
    answer.mimetype = "text/csv"
    answer.headers["Content-Disposition"] = 'attachment; filename="explore.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


# ------------------------------------------------------------------------------------------------------


def _found(asked: Mapping[str, Any], survey: Survey) -> dict[str, Any]:
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
    table = exploring.table(survey, (since, until), by, across, ACROSS, zone, now, asked["interval"])
    metric = METRICS[survey.metric]
    ends = {"since": request.args.get("since"), "until": request.args.get("until")}
    if moment is not None:
        ends["until"] = clock.stamp(until)
    most = max((cell.n for row in table.rows for cell in row.cells), default=0) or 1
    return {
        "columns": [column or say("explore.all") for column in table.columns],
        "rows": [
            {
                "name": row.name or _in_none(by),
                "cells": [_shown(cell, metric, {"survey": survey.id, **ends}, most) for cell in row.cells],
            }
            for row in table.rows
        ],
        "left_out": table.left_out,
        "as_of": moment,
    }


def _shown(cell: Cell, metric: Metric, query: Mapping[str, Any], most: int) -> dict[str, Any]:
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
        "width": round(100 * cell.n / most, 1),
        "href": layout.at("/team/feed", told) if told else None,
    }


def _in_none(segment: str | None) -> str:
    """What answers without a segment are called."""
    key = f"{segment}s.none"
    return say(key) if key in words.WORDS else say("explore.unknown")


def _named(segment: str) -> str:
    key = f"filter.{segment}"
    return say(key) if key in words.WORDS else segment.removeprefix(PROPERTY)


def _properties(survey: Survey | None) -> list[str]:
    """The properties that the survey is counted by."""
    return list(survey.segments) if survey else []
