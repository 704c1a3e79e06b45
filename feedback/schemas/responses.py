"""Responses: imported, listed, handed out, and what people say of them."""

import uuid

import marshmallow as ma
from marshmallow import fields, validate

from feedback.models import Triage
from feedback.schemas.filters import FeedFilters
from feedback.schemas.kinds import CHANNELS, IMPORTED, delimiter
from surveys.base.http import bodies, lists
from surveys.schemas.answers import AnswerBody, uuid_form
from surveys.schemas.kinds import Moment, Truth


class Named(ma.Schema):
    """An agent or a team."""

    id = fields.String(required=True, validate=validate.Length(1, 200))
    name = fields.String(allow_none=True, validate=validate.Length(max=200))
    email = fields.Email(allow_none=True, validate=validate.Length(max=254))


class TicketBody(ma.Schema):
    """The ticket an answer is about."""

    id = fields.String(required=True, validate=validate.Length(1, 200))
    number = fields.String(allow_none=True, validate=validate.Length(max=200))
    subject = fields.String(allow_none=True, validate=validate.Length(max=1000))
    url = fields.String(allow_none=True, validate=validate.Length(max=2000))
    channel = fields.String(allow_none=True, validate=validate.Length(max=200))


TAGS = validate.Length(max=100)


def tag() -> fields.String:
    """One tag."""
    return fields.String(validate=validate.Length(1, 200))


class ImportBody(AnswerBody):
    """One response from elsewhere. `id` makes a repeat harmless; `created_at` is when it was given."""

    class Meta:
        exclude = ("revision", "edit_key", "invitation")

    body_limit = bodies.API_BODY
    types: tuple[str, ...] = ("application/json",)
    example = {
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "score": 9,
        "comment": "Quick and friendly.",
        "created_at": "2026-09-14T10:00:00Z",
    }

    id = fields.String(validate=uuid_form, post_load=bodies.new_uuid, load_default=lambda: str(uuid.uuid4()))
    channel = fields.String(validate=validate.OneOf(CHANNELS), load_default=IMPORTED)
    created_at = Moment(metadata={"description": "RFC 3339; not in the future."})
    agent = fields.Nested(Named, allow_none=True)
    team = fields.Nested(Named, allow_none=True)
    ticket = fields.Nested(TicketBody, allow_none=True)
    tags = fields.List(tag(), validate=TAGS)


class ResponsesQuery(FeedFilters, lists.PageArgs):
    """Which responses."""


class ExportQuery(FeedFilters):
    """Which responses to hand out, and how."""

    delimiter = delimiter()


class ResponsePatch(ma.Schema):
    """What a person says of a response; everything else stays."""

    example = {"tags": ["vip"], "excluded": False}

    tags = fields.List(tag(), validate=TAGS)
    excluded = Truth()
    triage = fields.String(validate=validate.OneOf(Triage.STATES))
    topics = fields.List(fields.String(validate=validate.Length(1, 100)), validate=validate.Length(max=50))
    sentiment = fields.String(
        validate=validate.OneOf(("negative", "neutral", "positive")),
        allow_none=True,
        metadata={"description": "null: as the engine reads it."},
    )
