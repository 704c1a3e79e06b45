"""Digests as they come in and go out."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback.models import Digest
from feedback.schemas.filters import ViewFilters
from surveys.base.http.bodies import PUBLIC_BODY
from surveys.schemas import pages
from surveys.schemas.kinds import Address, Moment, Stored, free, made, why_paused


class DigestBody(ma.Schema):
    """Who wants to read what, and how often. Who has no account confirms it by a click in a mail first."""

    example: dict[str, Any] = {
        "email": "board@example.com",
        "when": "weekly",
        "filters": {"sentiment": "negative", "language": "de"},
    }

    email = Address(required=True)
    when = fields.String(required=True, validate=validate.OneOf(Digest.WHEN))
    filters = free("Those of the feed, but for times.", load_default=dict)

    @ma.post_load
    def _narrow(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        given = {name: value for name, value in data["filters"].items() if value is not None}
        wrong = {name: ["Does not go with a digest."] for name in ("since", "until") if name in given}
        try:
            data["filters"] = ViewFilters().load(given, unknown=ma.INCLUDE)
        except ma.ValidationError as error:
            wrong = {**error.messages_dict, **wrong}
        if wrong:
            raise ma.ValidationError({"filters": wrong})
        return data


class DigestOut(Stored):
    """A digest. `state`: waiting (for its reader's click), running, paused (nothing came the last time, or nothing may
    leave: then `paused` says why) or stopped.

    `outcome`: what became of the last mail (while it waits, of the one that asks): sent, nothing (to tell), failed, or
    unknown (it may have arrived).
    """

    example: dict[str, Any] = {
        **DigestBody.example,
        "id": "dig_01k9z6w3m4v8h2q5t7x0c1d2",
        "state": "waiting",
        "paused": None,
        "outcome": None,
        "sent_at": None,
        "created_at": "2026-11-20T09:30:00.000Z",
    }

    id = fields.String()
    email = fields.String()
    when = fields.String()
    filters = free("Those of the feed.")
    state = made(fields.String(), lambda row: state(row))
    paused = why_paused()
    outcome = fields.String(allow_none=True)
    sent_at = Moment(allow_none=True)
    created_at = Moment()


class DigestList(ma.Schema):
    """Digests, newest first."""

    example = {"items": [DigestOut.example], "next": None}

    items = fields.List(fields.Nested(DigestOut))
    next = fields.String(allow_none=True)


class DigestForm(ma.Schema):
    """What the reader says on the page of a digest; a mail program sends `List-Unsubscribe` (RFC 8058)."""

    types = ("application/x-www-form-urlencoded", "multipart/form-data")
    body_limit = PUBLIC_BODY

    class Meta:
        unknown = ma.EXCLUDE

    do = fields.String(validate=validate.OneOf(("confirm", "stop")), load_default="stop")
    acted = pages.acted()
    token = pages.token()
    one_click = fields.String(data_key="List-Unsubscribe", load_default=None, allow_none=True)


def state(row: Digest) -> str:
    """How it stands with a digest, in one word. What keeps it from leaving was looked up before."""
    if row.stopped_at is not None:
        return "stopped"
    if row.confirmed_at is None:
        return "waiting"
    return "paused" if row.paused or row.outcome == "nothing" else "running"
