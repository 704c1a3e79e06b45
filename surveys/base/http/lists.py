"""Lists: how much of one, newest first, and the cursor of the next page."""

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from surveys.base.errors import Refused
from surveys.base.http.bodies import check_text

PAGE_DEFAULT, PAGE_MOST = 50, 200


def encode_cursor(*parts: Any) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(text: str, *kinds: type) -> list[Any]:
    """What `encode_cursor` was given. Raises a 422 when it was not ours or for another kind of list."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        check_text(parts)
    except (binascii.Error, ValueError, RecursionError, Refused):
        parts = None
    bounds = not isinstance(parts, list) or any(type(p) is int and abs(p) >= 2**63 for p in parts)
    if (
        bounds
        or len(parts) != len(kinds)
        or any(type(p) is not kind for p, kind in zip(parts, kinds, strict=True))
    ):
        raise Refused("Is not a cursor of this list.", "cursor")
    return parts


class Digits(ma.fields.Integer):
    """A whole number in a query: plain digits, where int() also takes `1_0`, ` 5` and `٣`."""

    def _validated(self, value: Any) -> Any:
        if not re.fullmatch("-?[0-9]{1,18}", str(value)):
            raise self.make_error("invalid", input=value)
        return int(value)


class PageArgs(ma.Schema):
    """How much of a list."""

    limit = Digits(
        load_default=PAGE_DEFAULT,
        validate=ma.validate.Range(1, PAGE_MOST),
        metadata={"description": "Items a page."},
    )
    cursor = ma.fields.String(
        metadata={"description": "`next` of the page before."}, validate=ma.validate.Length(1, 500)
    )


def newest_first(
    query: Any, created_at: Any, id_: Any, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """One page of `query`, newest first, and the cursor of the next page (None on the last)."""
    if cursor:
        text, last_id = decode_cursor(cursor, str, str)
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError(text)
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Refused("Is not a cursor of this list.", "cursor") from None
        query = query.where((created_at < moment) | ((created_at == moment) & (id_ < last_id)))
    rows = list(query.order_by(created_at.desc(), id_.desc()).limit(limit + 1))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], encode_cursor(getattr(last, created_at.name).isoformat(), getattr(last, id_.name))
