"""Who may be lost, and why; and how long customers stay."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback.domain.lost import KINDS
from surveys.schemas.kinds import Moment


class ReasonOut(ma.Schema):
    """Why somebody may be lost, and where to look at it."""

    kind = fields.String(
        validate=validate.OneOf(KINDS),
        metadata={
            "description": "`leaving`: words of leaving; `not_yet`: said so, and nobody solved it; `fell`: the last "
            "score is 3 or more below the one before it, or from the best group into the worst; `unhappy_twice`: the "
            "last two answers to a survey are of its worst group; `follow_up`: open, or closed without a word; "
            "`silent`: two asks of a survey or more without an answer, after answering it before."
        },
    )
    points = fields.Integer(metadata={"description": "Fixed for each kind."})
    at = Moment()
    response = fields.String(metadata={"description": "The answer that it was seen in."})
    follow_up = fields.String(allow_none=True)
    url = fields.String(metadata={"description": "The team's page of it."})


class LostOut(ma.Schema):
    """Somebody who may be lost. Points only order the list."""

    person = fields.String(attribute="person.id")
    name = fields.String(attribute="person.name", allow_none=True)
    points = fields.Integer()
    reasons = fields.List(fields.Nested(ReasonOut))


class LostList(ma.Schema):
    """A page of people who may be lost, those with the most points first."""

    example: dict[str, Any] = {
        "items": [
            {
                "person": "per_01k9z6w3m4v8h2q5t7x0c1d2e3",
                "name": "Ann",
                "points": 7,
                "reasons": [
                    {
                        "kind": "leaving",
                        "points": 4,
                        "at": "2026-11-27T15:40:00.000Z",
                        "response": "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
                        "follow_up": None,
                        "url": "https://earshot.example/team/feed/6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
                    },
                    {
                        "kind": "fell",
                        "points": 3,
                        "at": "2026-11-27T15:40:00.000Z",
                        "response": "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
                        "follow_up": None,
                        "url": "https://earshot.example/team/feed/6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
                    },
                ],
            }
        ],
        "next": None,
    }

    items = fields.List(fields.Nested(LostOut))
    next = fields.String(allow_none=True)


class SurvivalOut(ma.Schema):
    """How many were still customers after some days, in percent; `at_risk`: people still looked at then."""

    days = fields.Integer()
    share = fields.Float()
    interval = fields.List(fields.Float(), metadata={"description": "95 %."})
    at_risk = fields.Integer()


class StaysOut(ma.Schema):
    """People by their first answer."""

    group = fields.String(
        validate=validate.OneOf(("low", "middle", "high")), metadata={"description": "Of the scale."}
    )
    n = fields.Integer()
    left = fields.Integer()
    stay = fields.List(fields.Nested(SurvivalOut))


class StaysList(ma.Schema):
    """How long customers stay after their first answer, by its group; nothing where no person has the property
    `left_on`, a day such as 2026-11-30."""

    example: dict[str, Any] = {
        "items": [
            {
                "group": "low",
                "n": 120,
                "left": 31,
                "stay": [{"days": 30, "share": 94.1, "interval": [88.0, 97.2], "at_risk": 104}],
            }
        ]
    }

    items = fields.List(fields.Nested(StaysOut))
