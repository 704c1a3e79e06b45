"""The feed and its saved views."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback import columns, feed
from feedback.schemas.filters import FeedFilters
from feedback.schemas.kinds import delimiter
from feedback.schemas.responses import ResponseOut
from surveys.base.http import lists
from surveys.schemas.kinds import Stored, free, why_paused


class FeedQuery(FeedFilters, lists.PageArgs):
    """Which page of the feed."""

    like = fields.String(
        validate=validate.Length(1, 100),
        metadata={"description": "A response's id: comments like its own, the nearest first, one page."},
    )

    order = fields.String(validate=validate.OneOf(feed.ORDERS), load_default="desc")


class ViewQuery(ma.Schema):
    """How a saved view is handed out."""

    delimiter = delimiter()


class FeedItem(ResponseOut):
    """A response, or what a follower of changes is told of one: its `id` and `version` and either `deleted` or `left`.

    `similarity` (0 to 1) stands beside the responses that `like` asked for.
    """

    deleted = fields.Boolean(metadata={"description": "true: it is gone; drop what you have of it."})
    left = fields.Boolean(metadata={"description": "true: it changed and fits the filters no more."})
    similarity = fields.Float()

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """As that of responses, and of what was deleted or left its id and version."""
        return columns.change(obj)


class FeedOut(ma.Schema):
    """A page of the feed."""

    example: dict[str, Any] = {"items": [ResponseOut.example], "next": None}

    items = fields.List(fields.Nested(FeedItem))
    next = fields.String(allow_none=True)


class SavedFeedBody(ma.Schema):
    """A view to be saved."""

    example = {"name": "Unhappy in German", "filters": {"sentiment": "negative", "language": "de"}}

    name = fields.String(required=True, validate=validate.Length(1, 200))
    filters = free("Those of the feed.", load_default=dict)


class SavedFeedOut(Stored):
    """A saved view."""

    example: dict[str, Any] = {
        **SavedFeedBody.example,
        "id": "feed_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "paused": None,
    }

    id = fields.String()
    name = fields.String()
    filters = free("Those of the feed.")
    paused = why_paused()


class SavedFeedCreated(SavedFeedOut):
    """A saved view with its token, shown this once."""

    example = {
        **SavedFeedOut.example,
        "token": "…",
        "urls": {
            kind: f"https://surveys.example.com/feed/….{kind}" for kind in ("atom", "json", "csv", "xlsx")
        },
    }

    token = fields.String()
    urls = fields.Dict(keys=fields.String(), values=fields.String())


class SavedFeedList(ma.Schema):
    """Saved views."""

    example = {"items": [SavedFeedOut.example], "next": None}

    items = fields.List(fields.Nested(SavedFeedOut))
    next = fields.String(allow_none=True)
