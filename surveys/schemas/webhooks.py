"""What comes in and goes out about webhooks."""

from typing import Any
from urllib.parse import urlsplit

import marshmallow as ma
from marshmallow import fields, validate

from surveys.base.http import lists
from surveys.schemas.kinds import LONG, Moment, Pasted, Stored, Truth, check, made, text, whole, why_paused
from surveys.webhooks import telling


class WebhookBody(ma.Schema):
    """Where events are to go, which, and of which surveys (null: of all). `enabled` false: nothing is queued."""

    example: dict[str, Any] = {
        "url": "https://app.example.com/hooks/earshot",
        "events": ["response.created", "comment.read"],
        "surveys": None,
    }

    url = Pasted(LONG, 1, required=True)
    events = fields.List(
        fields.String(validate=validate.OneOf(telling.TYPES)),
        required=True,
        validate=validate.Length(1, len(telling.TYPES)),
    )
    surveys = fields.List(text(100, 1), validate=validate.Length(1, 1000), allow_none=True, load_default=None)
    enabled = Truth()

    @ma.validates("url")
    def _web(self, value: str, **_: Any) -> None:
        try:
            scheme = urlsplit(value).scheme
        except ValueError:
            scheme = ""
        check(scheme in ("http", "https"), "Must begin with https://.")


class WebhookPatch(WebhookBody):
    """What is to change; everything else stays, the secret always."""

    example = {"events": ["response.created", "response.updated"]}

    def __init__(self, **options: Any) -> None:
        super().__init__(partial=True, **options)


class WebhookOut(Stored):
    """A webhook without its secret. `failures`: tries in a row that failed; it is left alone until `rests_until`."""

    example: dict[str, Any] = {
        **WebhookBody.example,
        "id": "wh_01k9z6w3m4v8h2q5t7x0c1d2",
        "enabled": True,
        "failures": 0,
        "rests_until": None,
        "paused": None,
        "created_at": "2026-11-20T09:30:00.000Z",
    }

    id = fields.String()
    url = fields.String()
    events = fields.List(fields.String())
    surveys = fields.List(fields.String(), allow_none=True)
    enabled = fields.Boolean()
    failures = fields.Integer()
    rests_until = Moment(allow_none=True)
    paused = why_paused()
    created_at = Moment()


class WebhookCreated(WebhookOut):
    """A new webhook with its secret, shown this once."""

    example = {**WebhookOut.example, "secret": "whsec_…"}

    secret = fields.String()


class SecretBody(ma.Schema):
    """For how many hours the secret of before signs along; 0 where it has leaked."""

    example = {"keep_hours": 24}

    keep_hours = whole(0, 168, load_default=24)


class WebhookList(ma.Schema):
    """A page of webhooks."""

    items = fields.List(fields.Nested(WebhookOut))
    next = fields.String(allow_none=True)


class DeliveryQuery(lists.PageArgs):
    """Which deliveries."""

    state = fields.String(validate=validate.OneOf(telling.STATES))


class DeliveryOut(Stored):
    """What became of one event at one webhook. `id` is its `webhook-id`, the same at every try.

    `state`: pending, delivered, dead (given up; `replay` sends it again), or gone (what it was about was deleted, or is
    not for this webhook: nothing was sent). `status` and `error` are those of the last try. `due_at`: of the next one.
    """

    example: dict[str, Any] = {
        "id": "msg_01k9z6w3m4v8h2q5t7x0c1d2",
        "type": "response.created",
        "test": False,
        "state": "delivered",
        "attempts": 1,
        "status": 200,
        "error": None,
        "created_at": "2026-11-20T09:30:00.000Z",
        "due_at": None,
        "ended_at": "2026-11-20T09:30:01.000Z",
    }

    id = fields.String(attribute="event.id")
    type = fields.String(attribute="event.type")
    test = fields.Boolean(attribute="event.test")
    state = fields.String()
    attempts = fields.Integer()
    status = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True)
    created_at = Moment(attribute="event.created_at")
    due_at = made(
        Moment(allow_none=True),
        lambda row: max(row.due_at, row.queued_at) if row.state == telling.PENDING else None,
    )
    ended_at = Moment(allow_none=True)


class DeliveryList(ma.Schema):
    """A page of deliveries."""

    items = fields.List(fields.Nested(DeliveryOut))
    next = fields.String(allow_none=True)


class ReplayBody(ma.Schema):
    """Which events are to be sent once more: those that happened from `since` until before `until` (left out: now)."""

    example = {"since": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z"}

    since = Moment(required=True)
    until = Moment(allow_none=True)

    @ma.validates_schema(skip_on_field_errors=True)
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("until") is not None and data["until"] <= data["since"]:
            raise ma.ValidationError({"until": ["Must be later than since."]})


class Replayed(ma.Schema):
    """How many events are sent once more."""

    queued = whole(0, 2**31)
