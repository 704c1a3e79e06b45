"""What the widget asks before it asks, and what it tells afterwards."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from surveys.base.http import bodies
from surveys.schemas.answers import PersonClaim
from surveys.schemas.kinds import SHORT, Moment, check, text


class AskBody(ma.Schema):
    """May this person be asked now?"""

    example = {"person": {"id": "cust-881"}, "touchpoint": "checkout"}

    body_limit = bodies.PUBLIC_BODY
    types = ("application/json", "text/plain")

    person = fields.Nested(PersonClaim, required=True)
    touchpoint = text(SHORT, allow_none=True, load_default=None)

    @ma.validates("person")
    def _somebody(self, value: dict[str, Any], **_: Any) -> None:
        check(value.get("id") or value.get("email"), "Give an id or an email.")


class AskOut(ma.Schema):
    """The answer; `invitation` is the token that goes with the response."""

    ask = fields.Boolean()
    rule = fields.String(allow_none=True)
    next_eligible_at = Moment(allow_none=True)
    invitation = fields.String(allow_none=True)


class OriginOut(ma.Schema):
    """Whether answers from the page that asks are refused."""

    refused = fields.String(
        allow_none=True,
        metadata={"description": "What is to be done so that they are taken; null where they are."},
    )


class EventBody(ma.Schema):
    """What became of the survey on the page."""

    example = {"invitation": None, "event": "shown"}

    body_limit = bodies.PUBLIC_BODY
    types = ("application/json", "text/plain")

    invitation = text(300, 1, allow_none=True, required=True)
    event = fields.String(required=True, validate=validate.OneOf(("shown", "dismissed")))
