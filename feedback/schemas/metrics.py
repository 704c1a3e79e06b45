"""The numbers."""

from dataclasses import asdict
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback import results
from feedback.numbers import Brief, Compared, Number, Segment
from feedback.schemas.filters import Segments


class MetricsQuery(Segments):
    """Which number. `survey` or `metric` is required. A segment's name narrows to one value of it."""

    interval = fields.String(validate=validate.OneOf(results.INTERVALS))
    repeat = fields.String(validate=validate.OneOf(("all", "latest")), load_default="all")
    by = fields.String(validate=validate.Length(1, 120))


class BriefOut(ma.Schema):
    """A number."""

    n = fields.Integer()
    value = fields.Float(allow_none=True, metadata={"description": "null without answers."})
    interval = fields.List(fields.Float(), allow_none=True)


class ChangeOut(ma.Schema):
    """How far a value is from that of the period before, in points of the metric."""

    difference = fields.Float(allow_none=True)
    z = fields.Float(allow_none=True)
    distinguishable = fields.Boolean(metadata={"description": "Whether chance alone hardly explains it."})


class AskedOut(ma.Schema):
    """Who was asked. Asks younger than the answer window are `still_open`, answered or not, and in no rate."""

    sent = fields.Integer()
    answered = fields.Integer()
    still_open = fields.Integer()
    response_rate = fields.Float(allow_none=True)


_ASKED = AskedOut()


class BreakOut(ma.Schema):
    """Where what is asked changed: before and after are not quite the same question."""

    survey = fields.String()
    definition = fields.Integer()
    start = fields.String(metadata={"format": "date"})


class PointOut(BriefOut):
    """The number of the day, week or month that begins at `start`."""

    start = fields.String(metadata={"format": "date"})


class SegmentOut(BriefOut):
    """The number of one segment. `rank_band`: the best and the worst rank that it may hold."""

    key = fields.String(allow_none=True, metadata={"description": "null: those of whom it is not known."})
    name = fields.String(allow_none=True, metadata={"description": "Where the key is not its own name."})
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    rank_band = fields.List(fields.Integer(), allow_none=True)


class MetricsOut(BriefOut):
    """The number and all that stands beside it."""

    example = {
        "metric": "nps",
        "definition": 1,
        "n": 100,
        "counts": {"promoter": 60, "passive": 20, "detractor": 20},
        "value": 40.0,
        "interval": [23.4, 54.3],
        "confidence": 0.95,
        "mean": 7.9,
    }

    metric = fields.String()
    definition = fields.Integer(allow_none=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    scores = fields.Dict(keys=fields.String(), values=fields.Integer())
    confidence = fields.Float()
    mean = fields.Float(allow_none=True)
    mean_interval = fields.List(fields.Float(), allow_none=True)
    repeat = fields.String()
    previous = fields.Nested(BriefOut, allow_none=True)
    change = fields.Nested(ChangeOut, allow_none=True)
    asked = fields.Nested(
        AskedOut,
        allow_none=True,
        metadata={"description": "null when narrowed to a segment that no ask knows: channel, topic."},
    )
    breaks = fields.List(fields.Nested(BreakOut))
    series = fields.List(fields.Nested(PointOut))
    groups = fields.List(fields.Nested(SegmentOut))
    groups_left_out = fields.Integer(
        metadata={"description": f"Segments beyond the {results.MOST_GROUPS} with most answers."}
    )

    def dump(self, obj: Number, *, many: bool | None = None) -> dict[str, Any]:
        """As marshmallow's, written by hand: a series may have thousands of points."""
        return {
            "metric": obj.metric,
            "definition": obj.definition,
            **compared(obj),
            "counts": obj.counts,
            "scores": {str(score): n for score, n in obj.scores.items()},
            "confidence": obj.confidence,
            "mean": obj.mean,
            "mean_interval": obj.mean_interval,
            "repeat": "latest" if obj.latest else "all",
            "asked": _ASKED.dump(obj.asked) if obj.asked else None,
            "breaks": [{**asdict(each), "start": each.start.isoformat()} for each in obj.breaks],
            "series": [{"start": point.start.isoformat(), **_brief(point)} for point in obj.series],
            "groups": [_segment(each) for each in obj.groups],
            "groups_left_out": obj.groups_left_out,
        }


def compared(found: Compared) -> dict[str, Any]:
    """A number, the one before it and how far they are apart, as the API shows them."""
    return {
        **_brief(found),
        "previous": _brief(found.previous) if found.previous else None,
        "change": asdict(found.change) if found.change else None,
    }


def _brief(brief: Brief) -> dict[str, Any]:
    return {"n": brief.n, "value": brief.value, "interval": brief.interval}


def _segment(segment: Segment) -> dict[str, Any]:
    name = {"name": segment.name} if segment.named else {}
    return {
        "key": segment.key,
        **_brief(segment),
        "counts": segment.counts,
        "rank_band": segment.rank_band,
        **name,
    }
