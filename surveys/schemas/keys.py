"""What comes in and goes out about API keys."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from surveys.base.accounts.caller import SCOPES
from surveys.schemas.kinds import SHORT, Moment, Stored, kept, text


class KeyBody(ma.Schema):
    """A key to be made."""

    example = {"name": "dashboard", "scopes": ["read"], "surveys": None}

    name = text(SHORT, 1, required=True)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(tuple(SCOPES))), required=True, validate=validate.Length(min=1)
    )
    surveys = fields.List(
        text(100, 1), validate=validate.Length(max=1000), allow_none=True, load_default=None
    )


class KeyOut(Stored):
    """A key without its secret."""

    example: dict[str, Any] = {
        **KeyBody.example,
        "id": "key_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "prefix": "ek_3f9a",
        "created_at": "2026-11-20T09:30:00.000Z",
    }

    id = fields.String()
    name = fields.String()
    scopes = fields.List(fields.String())
    surveys = fields.List(fields.String(), allow_none=True)
    prefix = fields.String()
    created_at = Moment()


class MadeFeed(ma.Schema):
    """A saved view of the feed, by its name."""

    id = fields.String()
    name = fields.String()


class MadeWebhook(ma.Schema):
    """A webhook, by where it leads."""

    id = fields.String()
    url = fields.String()


class MadeRule(ma.Schema):
    """A rule that tells the team of something, by its name."""

    id = fields.String()
    name = fields.String()


class MadeDigest(ma.Schema):
    """A digest, named by its readers."""

    id = fields.String()
    email = fields.String()


class KeyListed(KeyOut):
    """A key in a list, with the saved views, webhooks, rules and digests that it made and that go with it."""

    example = {
        **KeyOut.example,
        "feeds": [{"id": "feed_01k9z6w3m4v8h2q5t7x0c1d2e3", "name": "Unhappy"}],
        "webhooks": [{"id": "wh_01k9z6w3m4v8h2q5t7x0c1d2e3", "url": "https://hooks.example/earshot"}],
        "rules": [{"id": "rule_01k9z6w3m4v8h2q5t7x0c1d2e3", "name": "NPS of the checkout"}],
        "digests": [{"id": "dig_01k9z6w3m4v8h2q5t7x0c1d2e3", "email": "board@example.com"}],
    }

    feeds = fields.List(fields.Nested(MadeFeed))
    webhooks = fields.List(fields.Nested(MadeWebhook))
    rules = fields.List(fields.Nested(MadeRule))
    digests = fields.List(fields.Nested(MadeDigest))


class KeyRevoking(ma.Schema):
    """What becomes of what the key made."""

    keep_feeds = kept("saved views", "lead nowhere any more")
    keep_webhooks = kept("webhooks", "hear nothing any more")
    keep_rules = kept("rules", "say nothing any more")
    keep_digests = kept("digests", "are not sent any more")


class KeyCreated(KeyOut):
    """A key with its secret, shown this once."""

    example = {**KeyOut.example, "key": "ek_…"}

    key = fields.String()


class KeyList(ma.Schema):
    """A page of keys."""

    example = {"items": [KeyListed.example], "next": None}

    items = fields.List(fields.Nested(KeyListed))
    next = fields.String(allow_none=True)
