"""Responses: imported, listed, handed out, and what people say of them."""

import uuid
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback import columns
from feedback.models import Triage
from feedback.schemas.filters import FeedFilters
from feedback.schemas.kinds import CHANNELS, IMPORTED, delimiter
from surveys.base.http import bodies, lists
from surveys.schemas.answers import AnswerBody, uuid_form
from surveys.schemas.kinds import Moment, NamedOut, TicketOut, Truth, free


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


FEELINGS = ("negative", "neutral", "positive")


class PersonBrief(ma.Schema):
    """Who answered; `verified` is false for an unsigned claim."""

    id = fields.String()
    name = fields.String(allow_none=True)
    verified = fields.Boolean()


class SentimentOut(ma.Schema):
    """How a comment reads, from -1 to 1."""

    label = fields.String(validate=validate.OneOf(FEELINGS))
    score = fields.Float()


class TopicBrief(ma.Schema):
    """A topic of a comment, the words that say so, and how the comment speaks of it."""

    id = fields.String()
    label = fields.String()
    evidence = fields.List(fields.String())
    sentiment = fields.String(allow_none=True)


class FollowUpBrief(ma.Schema):
    """Who has to get in touch, and how far they are."""

    id = fields.String()
    status = fields.String()


class ResponseOut(ma.Schema):
    """One response. `sentiment` is null and `topics` are empty until its comment has been read."""

    example: dict[str, Any] = {
        "id": "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "metric": "nps",
        "score": 3,
        "group": "detractor",
        "comment": "The checkout declined my card twice.",
        "language": "en",
        "sentiment": {"label": "negative", "score": -0.62},
        "topics": [],
        "channel": "widget",
        "touchpoint": "checkout",
        "created_at": "2026-11-20T09:30:00.000Z",
    }

    id = fields.String()
    survey = fields.String()
    metric = fields.String()
    score = fields.Integer(allow_none=True)
    group = fields.String(allow_none=True)
    comment = fields.String(allow_none=True)
    answers = free("Further answers, by question.")
    language = fields.String(allow_none=True)
    person = fields.Nested(PersonBrief, allow_none=True)
    sentiment = fields.Nested(SentimentOut, allow_none=True)
    topics = fields.List(fields.Nested(TopicBrief))
    channel = fields.String()
    touchpoint = fields.String(allow_none=True)
    agent = fields.Nested(NamedOut, allow_none=True)
    team = fields.Nested(NamedOut, allow_none=True)
    ticket = fields.Nested(TicketOut, allow_none=True)
    properties = free("What the page or the trigger said of the moment.")
    tags = fields.List(fields.String())
    flags = fields.List(fields.String(), metadata={"description": "Why it is suspect."})
    excluded = fields.Boolean()
    test = fields.Boolean()
    follow_up = fields.Nested(FollowUpBrief, allow_none=True)
    triage = fields.String(metadata={"description": "Whether somebody has looked at it: `unread` at first."})
    contact = fields.String(
        allow_none=True,
        metadata={"description": "Whether the respondent may be answered (`reply`), told `news`, or `both`."},
    )
    asked_at = Moment(
        allow_none=True,
        metadata={"description": "When the invitation was sent that it answers; null: nobody was asked."},
    )
    seconds = fields.Integer(
        allow_none=True,
        metadata={"description": "From the survey being seen to its last being sent, where known."},
    )
    version = fields.Integer()
    created_at = Moment()
    updated_at = Moment()

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """As marshmallow's, from the one place that says how an item is shown."""
        return columns.whole(obj)


class ResponseList(ma.Schema):
    """A page of responses."""

    example: dict[str, Any] = {"items": [ResponseOut.example], "next": None}

    items = fields.List(fields.Nested(ResponseOut))
    next = fields.String(allow_none=True)


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
        validate=validate.OneOf(FEELINGS),
        allow_none=True,
        metadata={"description": "null: as the engine reads it."},
    )
