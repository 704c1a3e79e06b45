"""The numbers."""

import marshmallow as ma
from marshmallow import fields, validate

from feedback import results
from feedback.schemas.filters import Segments


class MetricsQuery(Segments):
    """Which number. `survey` or `metric` is required. A segment's name narrows to one value of it."""

    interval = fields.String(validate=validate.OneOf(results.INTERVALS))
    repeat = fields.String(validate=validate.OneOf(("all", "latest")), load_default="all")
    by = fields.String(validate=validate.Length(1, 120))


class Brief(ma.Schema):
    """A number."""

    n = fields.Integer()
    value = fields.Float(allow_none=True)
    interval = fields.List(fields.Float(), allow_none=True)


class MetricsOut(Brief):
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
    previous = fields.Nested(Brief, allow_none=True)
    change = fields.Dict(allow_none=True)
    asked = fields.Dict(
        allow_none=True,
        metadata={"description": "null when narrowed to a segment that no ask knows: channel, topic."},
    )
    breaks = fields.List(fields.Dict())
    series = fields.List(fields.Dict())
    groups = fields.List(fields.Dict())
    groups_left_out = fields.Integer(
        metadata={"description": f"Segments beyond the {results.MOST_GROUPS} with most answers."}
    )
