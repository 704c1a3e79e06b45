"""Topics, what they do to the value, and what corrections taught."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback.schemas.kinds import When
from surveys.base.http import lists
from surveys.domain.metrics import METRICS
from surveys.schemas.kinds import Stored


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


class TopicsQuery(TopicQuery, lists.PageArgs):
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


class TopicOut(Stored):
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
