"""What came of a fix, and the addresses at which others see it."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback.domain.effects import VERDICTS
from feedback.proofs import Proof
from feedback.schemas.topics import ImpactOut, impact
from surveys.schemas.kinds import Moment


class ProofPinOut(ma.Schema):
    """Something else that happened meanwhile."""

    at = Moment()
    kind = fields.String()
    text = fields.String()


class ValuesOut(ma.Schema):
    """What the topic did to the value before and after; of no response where the surveys have no one metric. Its own
    value says the least: when a fix works, the few who still speak of it are the angriest."""

    before = fields.Nested(ImpactOut)
    after = fields.Nested(ImpactOut)


class EffectOut(ma.Schema):
    """What changed about a topic's share of the comments, beyond what topics do that nobody touched. No cause is
    claimed: `pins` are what else happened."""

    example: dict[str, Any] = {
        "share_before": 0.061,
        "share_after": 0.024,
        "change": -0.58,
        "interval": [-0.71, -0.39],
        "verdict": "fell",
        "untouched": 29,
        "rank": 2,
        "weeks_before": 26,
        "weeks_after": 8,
        "shipped_at": "2026-09-14T08:00:00.000Z",
        "pins": [],
        "values": {
            "before": {"n": 640, "impact": -2.1, "interval": [-3.4, -0.9], "value": -38.0},
            "after": {"n": 77, "impact": -0.6, "interval": [-1.4, 0.2], "value": -45.0},
        },
        "strip": [-0.61, -0.2, 0.0, 0.15],
    }

    share_before = fields.Float(allow_none=True, metadata={"description": "Of all comments, 0 to 1."})
    share_after = fields.Float(allow_none=True)
    change = fields.Float(
        allow_none=True,
        metadata={"description": "Relative, and beyond the untouched topics': -0.58 is a fall by 58 %."},
    )
    interval = fields.List(fields.Float(), allow_none=True, metadata={"description": "95 %, of `change`."})
    verdict = fields.String(validate=validate.OneOf(VERDICTS))
    untouched = fields.Integer(
        metadata={
            "description": "Topics with 10 comments or more that nobody shipped, merged, split or taught."
        }
    )
    rank = fields.Integer(
        allow_none=True, metadata={"description": "1: it fell the most, of `untouched` + 1 topics."}
    )
    weeks_before = fields.Integer()
    weeks_after = fields.Integer()
    shipped_at = Moment()
    pins = fields.List(fields.Nested(ProofPinOut))
    values = fields.Nested(ValuesOut, metadata={"description": "What it did to the value, before and after."})
    strip = fields.List(
        fields.Float(), metadata={"description": "The change of each untouched topic; the middle one is 0."}
    )

    @classmethod
    def of(cls, proof: Proof) -> dict[str, Any]:
        """What is shown of a proof."""
        effect = vars(proof.effect)
        before, after = map(impact, proof.impacts)
        values = {"before": before, "after": after}
        return {**effect, "shipped_at": proof.shipped_at, "pins": proof.pins, "values": values}


class CardOut(ma.Schema):
    """An address that anybody may open, and a block of Markdown for an issue."""

    example = {
        "url": "https://earshot.example/proof/card_01k9z6",
        "markdown": "[![What came of it](https://earshot.example/proof/card_01k9z6.svg)]"
        "(https://earshot.example/proof/card_01k9z6)",
    }

    url = fields.String()
    markdown = fields.String()
