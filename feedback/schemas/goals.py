"""Goals as they come in and go out."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import marshmallow as ma
from marshmallow import fields, validate

from feedback import segments
from feedback.domain import goals
from feedback.schemas.filters import ViewFilters
from feedback.schemas.kinds import Given, When
from feedback.schemas.metrics import BriefOut
from surveys.domain.metrics import METRICS
from surveys.schemas.kinds import SHORT, Moment, Number, free, text

#: What narrows a value.
NARROWING = tuple(segments.SEGMENTS)


class GoalPatch(ma.Schema):
    """What is to change; everything else stays, the survey or metric always."""

    example: dict[str, Any] = {"due": "2027-06-30"}

    name = text(SHORT, 1)
    filters = free("Those that narrow a value: agent, team, channel, language, topic, property:<name> …")
    target = Number(metadata={"description": "In points of the metric."})
    start = When(metadata={"description": "The day it runs from; a moment counts as its day in TIME_ZONE."})
    due = When(metadata={"description": "The day it has to be reached by."})

    @ma.validates_schema(skip_on_field_errors=True)
    def _narrowed(self, data: Mapping[str, Any], **_: Any) -> None:
        given = {name: value for name, value in (data.get("filters") or {}).items() if value is not None}
        wrong = {
            name: ["Does not narrow a value."]
            for name in given
            if name not in NARROWING and not name.startswith(segments.PROPERTY)
        }
        if not wrong:
            try:
                ViewFilters().load(given, unknown=ma.INCLUDE)
            except ma.ValidationError as error:
                raise ma.ValidationError({"filters": error.messages}) from None
        if wrong:
            raise ma.ValidationError({"filters": wrong})

    @ma.post_load
    def _without_nothing(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "filters" in data:
            given = data["filters"] or {}
            data["filters"] = {name: value for name, value in given.items() if value is not None}
        return data


class GoalBody(GoalPatch):
    """A goal to be made: a value of a survey, or of all surveys of a metric. It runs from today unless told."""

    example: dict[str, Any] = {
        "name": "Happier with the checkout",
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "filters": {"language": "de"},
        "target": 45,
        "start": "2026-12-01",
        "due": "2027-05-31",
    }

    name = text(SHORT, 1, required=True)
    survey = text(100, 1, allow_none=True)
    metric = fields.String(validate=validate.OneOf(tuple(METRICS)), allow_none=True)
    target = Number(required=True, metadata={"description": "In points of the metric."})
    due = When(required=True, metadata={"description": "The day it has to be reached by."})

    @ma.validates_schema(skip_on_field_errors=True)
    def _of_one(self, data: Mapping[str, Any], **_: Any) -> None:
        if bool(data.get("survey")) == bool(data.get("metric")):
            raise ma.ValidationError({name: ["Give survey or metric."] for name in ("survey", "metric")})


class GoalOut(ma.Schema):
    """A goal. `word`: what may be said of it: reached, on_course, behind, or cannot_tell (also: too early).

    `baseline`: the value of the 91 days before the start; `now`: of the last 28 days since then. `visible_after_weeks`:
    how long a rise to the target takes to be told from chance with as many answers as before, null where it never is;
    `smallest_visible`: the smallest rise, in points, that can be told by the end. `ended_at`: when the result was
    written down, after it was due.
    """

    example: dict[str, Any] = {
        "id": "goal_01k9z6w3m4v8h2q5t7x0c1d2",
        **GoalBody.example,
        "metric": "nps",
        "baseline": {"n": 812, "value": 34.2, "interval": [29.1, 39.2]},
        "now": {"n": 260, "value": 38.1, "interval": [29.4, 46.6]},
        "word": goals.CANNOT_TELL,
        "visible_after_weeks": 5,
        "smallest_visible": 9.8,
        "created_at": "2026-11-20T09:30:00.000Z",
        "ended_at": None,
    }

    id = fields.String()
    name = fields.String()
    survey = fields.String(allow_none=True)
    metric = fields.String()
    filters = free("What narrows the value.")
    target = fields.Float()
    start = fields.String(metadata={"format": "date"})
    due = fields.String(metadata={"format": "date"})
    baseline = fields.Nested(BriefOut)
    now = fields.Nested(BriefOut)
    word = fields.String(validate=validate.OneOf(goals.WORDS))
    visible_after_weeks = fields.Integer(allow_none=True)
    smallest_visible = fields.Float(allow_none=True)
    created_at = Moment()
    ended_at = Moment(allow_none=True)


class GoalList(ma.Schema):
    """Goals, newest first."""

    example = {"items": [GoalOut.example], "next": None}

    items = fields.List(fields.Nested(GoalOut))
    next = fields.String(allow_none=True)


def day(given: Given, zone: ZoneInfo) -> date:
    """The day that a caller means."""
    if isinstance(given.value, datetime):
        return given.value.astimezone(zone).date()
    return given.value
