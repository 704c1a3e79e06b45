"""What the team's pages take in their address and in their forms."""

import marshmallow as ma
from marshmallow import fields, validate

from feedback.models import Pin
from feedback.schemas.kinds import When
from surveys.schemas.kinds import text

PERIODS = ("30d", "90d", "12m", "all")


class OverviewQuery(ma.Schema):
    """Which period, and as known when."""

    period = fields.String(validate=validate.OneOf(PERIODS), load_default="12m")
    as_of = When(
        metadata={"description": "Only what was recorded up to the end of this day, or before this moment."}
    )


class OverviewForm(ma.Schema):
    """A pin or a benchmark, set or taken off."""

    class Meta:
        unknown = ma.EXCLUDE

    do = fields.String(required=True, validate=validate.OneOf(("pin", "unpin", "compare", "uncompare")))
    id = text(100)
    at = When()
    kind = fields.String(validate=validate.OneOf(Pin.KINDS), load_default="other")
    survey = text(100, load_default="")
    value = fields.Float(allow_nan=False)
    # Last: from here on the name is the field's.
    text = text(300, load_default="")
