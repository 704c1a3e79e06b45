"""The team's own tags."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from surveys.schemas.kinds import COLOUR, text

MOST = 30


class TeamTagBody(ma.Schema):
    """One tag of the team's own set."""

    example: dict[str, Any] = {"tag": "Hooray!", "meaning": "Worth telling everybody.", "color": "#17714f"}

    tag = text(200, 1, required=True)
    meaning = text(300, 1, required=True)
    color = fields.String(allow_none=True, load_default=None, validate=COLOUR)


class TeamTags(ma.Schema):
    """The whole set, in the team's order; a bare list of the tags is taken too."""

    bare = "items"

    example: dict[str, Any] = {"items": [TeamTagBody.example]}

    items = fields.List(fields.Nested(TeamTagBody), required=True, validate=validate.Length(max=MOST))

    @ma.validates_schema
    def _once(self, data: Mapping[str, Any], **_: Any) -> None:
        names = [each["tag"].casefold() for each in data["items"]]
        if len(set(names)) < len(names):
            raise ma.ValidationError({"items": ["Each tag once."]})
