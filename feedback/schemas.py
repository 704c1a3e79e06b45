"""What the feed and the numbers take and give over HTTP."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import marshmallow as ma
from marshmallow import fields, validate

from feedback import feed
from surveys.base import web
from surveys.domain.metrics import METRICS
from surveys.schemas.answers import CHANNELS, AnswerBody, uuid_form
from surveys.schemas.kinds import Truth

#: The channel of responses that came over POST /api/responses and name no other.
IMPORTED = "import"


@dataclass(frozen=True)
class Given:
    """A moment or a day as a caller gave it."""

    value: datetime | date

    def moment(self, zone: ZoneInfo) -> datetime:
        """The moment; of a day, its first one in `zone`."""
        if isinstance(self.value, datetime):
            return self.value
        return datetime.combine(self.value, time(), zone).astimezone(UTC)


class When(fields.String):
    """RFC 3339 with an offset, or a day such as 2026-09-14 (its midnight in TIME_ZONE)."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            if len(text) == 10:
                found: datetime | date = date.fromisoformat(text)
            else:
                # A plus sign that was not percent-encoded arrives as a space.
                found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
                if found.tzinfo is None:
                    raise ValueError(text)
                found = found.astimezone(UTC)
            if not 1970 <= found.year <= 9000:
                raise ValueError(text)
        except (ValueError, OverflowError):
            raise ma.ValidationError(
                "Must be a time such as 2026-09-14T10:00:00Z, or a day such as 2026-09-14."
            ) from None
        return Given(found)


class FeedFilters(ma.Schema):
    """Which responses."""

    survey = fields.String()
    metric = fields.String()
    group = fields.String()
    sentiment = fields.String(validate=validate.OneOf(("negative", "neutral", "positive")))
    topic = fields.String()
    status = fields.String()
    agent = fields.String()
    team = fields.String()
    channel = fields.String()
    touchpoint = fields.String()
    language = fields.String()
    tag = fields.String()
    q = fields.String(validate=validate.Length(max=1000))
    mismatch = fields.String(
        validate=validate.OneOf(("1",)),
        metadata={"description": "1: only where the words say the opposite of the score."},
    )
    since = When()
    until = When()


class FeedQuery(FeedFilters, web.PageArgs):
    """Which page of the feed."""

    like = fields.String(
        validate=validate.Length(1, 100),
        metadata={"description": "A response's id: comments like its own, the nearest first, one page."},
    )

    order = fields.String(validate=validate.OneOf(feed.ORDERS), load_default="desc")


class FeedOut(ma.Schema):
    """A page of the feed."""

    example = {
        "items": [
            {
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
        ],
        "next": None,
    }

    items = fields.List(fields.Dict())
    next = fields.String(allow_none=True)


class SavedFeedBody(ma.Schema):
    """A view to be saved."""

    example = {"name": "Unhappy in German", "filters": {"sentiment": "negative", "language": "de"}}

    name = fields.String(required=True, validate=validate.Length(1, 200))
    filters = fields.Dict(load_default=dict)


class SavedFeedOut(ma.Schema):
    """A saved view."""

    example: dict[str, Any] = {**SavedFeedBody.example, "id": "feed_01k9z6w3m4v8h2q5t7x0c1d2e3"}

    id = fields.String()
    name = fields.String()
    filters = fields.Dict()


class SavedFeedCreated(SavedFeedOut):
    """A saved view with its token, shown this once."""

    example = {
        **SavedFeedOut.example,
        "token": "…",
        "urls": {kind: f"https://surveys.example.com/feed/….{kind}" for kind in ("atom", "json", "csv")},
    }

    token = fields.String()
    urls = fields.Dict(keys=fields.String(), values=fields.String())


class SavedFeedList(ma.Schema):
    """Saved views."""

    example = {"items": [SavedFeedOut.example], "next": None}

    items = fields.List(fields.Nested(SavedFeedOut))
    next = fields.String(allow_none=True)


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


def _possible(value: datetime) -> None:
    if not 1970 <= value.year <= 9000:
        raise ma.ValidationError("Must be a moment since 1970.")


class ImportBody(AnswerBody):
    """One response from elsewhere. `id` makes a repeat harmless; `created_at` is when it was given."""

    class Meta:
        exclude = ("revision", "edit_key", "invitation")

    body_limit = web.API_BODY
    types: tuple[str, ...] = ("application/json",)
    example = {
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "score": 9,
        "comment": "Quick and friendly.",
        "created_at": "2026-09-14T10:00:00Z",
    }

    id = fields.String(validate=uuid_form, post_load=web.new_uuid, load_default=lambda: str(uuid.uuid4()))
    channel = fields.String(validate=validate.OneOf((*CHANNELS, IMPORTED)), load_default=IMPORTED)
    created_at = fields.AwareDateTime(
        validate=_possible, metadata={"description": "RFC 3339; not in the future."}
    )
    agent = fields.Nested(Named, allow_none=True)
    team = fields.Nested(Named, allow_none=True)
    ticket = fields.Nested(TicketBody, allow_none=True)
    tags = fields.List(tag(), validate=TAGS)


class ResponsesQuery(FeedFilters, web.PageArgs):
    """Which responses."""


class ExportQuery(ma.Schema):
    """Which responses to hand out."""

    survey = fields.String(validate=validate.Length(1, 100))
    since = When()
    until = When()


class ResponsePatch(ma.Schema):
    """What a person says of a response; everything else stays."""

    example = {"tags": ["vip"], "excluded": False}

    tags = fields.List(tag(), validate=TAGS)
    excluded = Truth()
    topics = fields.List(fields.String(validate=validate.Length(1, 100)), validate=validate.Length(max=50))
    sentiment = fields.String(validate=validate.OneOf(("negative", "neutral", "positive")))


def _label(**options: Any) -> fields.String:
    """What a topic is called: a line of text."""
    return fields.String(
        validate=validate.And(validate.Length(1, 80), validate.Regexp(r"\S[^\x00-\x1f]*\Z")), **options
    )


def _examples() -> fields.List:
    """What people said or might say of a topic."""
    return fields.List(fields.String(validate=validate.Length(1, 2000)), validate=validate.Length(max=100))


class TopicQuery(ma.Schema):
    """Which responses topics are looked at in."""

    survey = fields.String(validate=validate.Length(1, 100))
    metric = fields.String(validate=validate.OneOf(tuple(METRICS)))
    since = When()
    until = When()


class TopicsQuery(TopicQuery, web.PageArgs):
    """Which topics."""

    status = fields.String(validate=validate.Length(1, 50))


class TopicBody(ma.Schema):
    """A topic that a person describes; five examples are enough to recognise it."""

    example: dict[str, Any] = {
        "label": "Card declined",
        "examples": ["My card was declined at the checkout", "It refused my Visa", "Payment failed twice"],
    }

    label = _label(required=True)
    examples = _examples()


class TopicPatch(ma.Schema):
    """What is to change; everything else stays. A label stays for good; `status` is a word of your own."""

    example: dict[str, Any] = {
        "status": "in progress",
        "owner": "Maya",
        "issue_url": "https://issues.example/12",
    }

    label = _label()
    status = fields.String(validate=validate.Length(1, 50))
    owner = fields.String(allow_none=True, validate=validate.Length(max=200))
    issue_url = fields.Url(
        allow_none=True, schemes={"http", "https"}, require_tld=False, validate=validate.Length(max=2000)
    )


class MergeBody(ma.Schema):
    """Where the topic goes."""

    example = {"into": "top_2c26b46b68ffc68f"}

    into = fields.String(required=True, validate=validate.Length(1, 100))


class SplitBody(ma.Schema):
    """The new topic, and which responses' comments leave for it."""

    example = {"label": "Invoice missing", "responses": ["6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10"]}

    label = _label(required=True)
    responses = fields.List(
        fields.String(validate=validate.Length(1, 100)), required=True, validate=validate.Length(1, 500)
    )
    examples = _examples()


class ReviewOut(ma.Schema):
    """How far a review of all topics is."""

    example: dict[str, Any] = {"id": 7, "state": "running", "step": "grouping", "share": 0.4}

    id = fields.Integer()
    state = fields.String()
    step = fields.String(allow_none=True)
    share = fields.Float()
    comments = fields.Integer(allow_none=True)
    moved = fields.Integer(allow_none=True)
    asked_at = fields.String()
    ended_at = fields.String(allow_none=True)


class TopicOut(ma.Schema):
    """A topic: what it is, how large, whether it grows, how people feel and what it does to the value."""

    example: dict[str, Any] = {
        "id": "top_2c26b46b68ffc68f",
        "label": "Card declined",
        "status": "active",
        "size": 84,
        "share": 0.07,
        "sentiment": {"negative": 70, "neutral": 11, "positive": 3},
        "n": 80,
        "value": -41.2,
        "impact": -3.1,
        "interval": [-4.4, -1.7],
        "spans_zero": False,
        "surge": None,
    }

    class Meta:
        include = {
            name: fields.Raw()
            for name in (
                *("id", "label", "status", "owner", "issue_url", "wider", "named", "taught", "merged_into"),
                *("candidates", "phrases", "examples", "created_at", "size", "share", "sentiment", "trend"),
                *("surge", "n", "value", "value_interval", "impact", "interval", "spans_zero", "typical"),
                *("evidence", "lineage"),
            )
        }


class TopicList(ma.Schema):
    """A page of topics, the largest first, and the share of comments that are in none."""

    example: dict[str, Any] = {
        "items": [TopicOut.example],
        "next": None,
        "metric": "nps",
        "comments": 1200,
        "unplaced": {"n": 60, "share": 0.05},
        "review": {**ReviewOut.example, "state": "done", "share": 1.0},
    }

    items = fields.List(fields.Nested(TopicOut))
    next = fields.String(allow_none=True)
    metric = fields.String(allow_none=True)
    comments = fields.Integer()
    unplaced = fields.Dict()
    review = fields.Dict(allow_none=True)


class DriversOut(ma.Schema):
    """What moves the value, the strongest first; `explains`: what a topic did to it since the period before."""

    example: dict[str, Any] = {
        "metric": "nps",
        "n": 1200,
        "value": 32.5,
        "interval": [28.3, 36.6],
        "items": [
            {
                "topic": {"id": "top_2c26b46b68ffc68f", "label": "Card declined"},
                "n": 80,
                "value": -41.2,
                "impact": -3.1,
                "interval": [-4.4, -1.7],
                "spans_zero": False,
            }
        ],
    }

    metric = fields.String()
    n = fields.Integer()
    value = fields.Float(allow_none=True)
    interval = fields.List(fields.Float(), allow_none=True)
    previous = fields.Dict(allow_none=True)
    change = fields.Dict(allow_none=True)
    items = fields.List(fields.Dict())


class CorrectionsOut(ma.Schema):
    """What people's corrections of sentiments taught, survey by survey."""

    example: dict[str, Any] = {
        "items": [
            {
                "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
                "corrections": 40,
                "overruled": 31,
                "changed": 112,
                "words": [{"word": "nothing", "shift": 0.9}],
                "learnt_at": "2026-11-20T09:30:00.000Z",
            }
        ],
        "next": None,
    }

    items = fields.List(fields.Dict())
    next = fields.String(allow_none=True)
