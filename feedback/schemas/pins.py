"""Pins on charts."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback.models import Pin
from surveys.schemas.kinds import Moment, Stored, text


class PinBody(ma.Schema):
    """Something that happened."""

    example: dict[str, Any] = {
        "at": "2026-11-12T09:00:00Z",
        "text": "Checkout 5.2 went out",
        "kind": "release",
        "survey": None,
    }

    at = Moment(required=True, metadata={"description": "RFC 3339."})
    text = text(300, 1, required=True)
    kind = fields.String(validate=validate.OneOf(Pin.KINDS), load_default="other")
    survey = fields.String(
        allow_none=True,
        load_default=None,
        validate=validate.Length(1, 100),
        metadata={"description": "null: on the charts of all surveys."},
    )


class PinOut(Stored):
    """A pin."""

    example: dict[str, Any] = {
        "id": "pin_01k9z6w3m4v8h2q5t7x0c1d2e3",
        **PinBody.example,
        "created_at": "2026-11-12T09:04:11.000Z",
    }

    id = fields.String()
    at = Moment()
    text = fields.String()
    kind = fields.String()
    survey = fields.String(attribute="survey_id", allow_none=True)


class PinList(ma.Schema):
    """Pins, newest first."""

    example = {"items": [PinOut.example], "next": None}

    items = fields.List(fields.Nested(PinOut))
    next = fields.String(allow_none=True)
