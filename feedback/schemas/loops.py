"""Closing the loop: who is told what came of what they said, and what they say to that."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback.domain.experiments import VERDICTS
from surveys import wording
from surveys.schemas.kinds import LONG, Moment, Number, check


def _is_language(tag: str) -> None:
    check(tag in wording.LANGUAGES, "Is no language that mail is written in, such as en or pt-BR.")


def _says_something(value: str) -> None:
    check(value.strip(), "Must say something.")


class LoopBody(ma.Schema):
    """What is told, by language; whom to leave out; and which share is told 60 days later, to see what telling does."""

    example: dict[str, Any] = {
        "text": {"en": "You can now pay by card again.", "de": "Die Zahlung mit Karte geht wieder."},
        "except": ["per_01k9z6w3m4v8h2q5t7x0c1d2e3"],
        "holdout": 0.1,
    }

    text = fields.Dict(
        keys=fields.String(validate=_is_language),
        values=fields.String(validate=[validate.Length(1, LONG), _says_something]),
        required=True,
        validate=validate.Length(1, 50),
    )
    without = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        data_key="except",
        load_default=list,
        validate=validate.Length(max=20_000),
    )
    holdout = Number(validate=validate.Range(0, 0.5), load_default=0.0)
    listed = fields.String(
        data_key="list",
        allow_none=True,
        load_default=None,
        validate=validate.Length(1, 100),
        metadata={
            "description": "The list that was looked at: only whom it names are told, of what it quotes. Left out or "
            "null: everybody who may be told now."
        },
    )


class HeardOut(ma.Schema):
    """Somebody who would be told, in which language, and the sentence of their own that is quoted."""

    person = fields.String()
    name = fields.String(allow_none=True)
    language = fields.String()
    sentence = fields.String()
    response = fields.String()


class AudienceOut(ma.Schema):
    """A page of who would be told of a topic, each once; and how many would not be, of all. `list`: what names them."""

    example: dict[str, Any] = {
        "items": [
            {
                "person": "per_01k9z6w3m4v8h2q5t7x0c1d2e3",
                "name": "Ann",
                "language": "en",
                "sentence": "My card was declined three times.",
                "response": "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
            }
        ],
        "next": None,
        "list": "list_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "left_out": {"no consent": 12, "unsubscribed": 1},
    }

    items = fields.List(fields.Nested(HeardOut))
    next = fields.String(allow_none=True)
    listed = fields.String(
        data_key="list",
        attribute="list",
        allow_none=True,
        metadata={
            "description": "Null where nobody may be told, and where the database takes no more while all stand on one "
            "page."
        },
    )
    left_out = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={
            "description": "People who spoke of it and are not told, by the reason. `changed since`: of the list, who "
            "may be told no more and is on no further page."
        },
    )


class LoopMadeOut(ma.Schema):
    """A loop that is being closed: nothing leaves before `send_at`, and until `undo_until` it can be undone."""

    example = {
        "id": "loop_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "send_at": "2026-11-29T10:10:00.000Z",
        "undo_until": "2026-11-29T10:10:00.000Z",
        "told": 37,
        "held_out": 4,
    }

    id = fields.String()
    send_at = Moment()
    undo_until = Moment()
    told = fields.Integer()
    held_out = fields.Integer()


class GroupOut(ma.Schema):
    """People of whom something is known, and the mean of it over them."""

    n = fields.Integer()
    mean = fields.Float(allow_none=True)


class ComparedOut(ma.Schema):
    """Those who were told against those who were not yet."""

    verdict = fields.String(
        validate=validate.OneOf(VERDICTS),
        metadata={"description": "Of those who were told; `too_few`: under 20 people on either side."},
    )
    told = fields.Nested(GroupOut, attribute="first")
    held_out = fields.Nested(GroupOut, attribute="second")
    difference = fields.Float(
        allow_none=True,
        metadata={"description": "Told less held out, within each loop; in points of percent."},
    )
    interval = fields.List(
        fields.Float(), allow_none=True, metadata={"description": "95 %, of `difference`."}
    )


class LoopEffectOut(ma.Schema):
    """What telling does: people who were told against those whom chance had told 60 days later, in those 60 days."""

    example: dict[str, Any] = {
        "loops": 9,
        "told": 812,
        "held_out": 93,
        "score": {
            "verdict": "higher",
            "told": {"n": 301, "mean": 64.2},
            "held_out": {"n": 31, "mean": 52.9},
            "difference": 11.0,
            "interval": [1.4, 20.6],
        },
        "answering": {
            "verdict": "indistinguishable",
            "told": {"n": 540, "mean": 41.1},
            "held_out": {"n": 60, "mean": 36.7},
            "difference": 4.3,
            "interval": [-8.6, 17.2],
        },
    }

    loops = fields.Integer(metadata={"description": "In which some were held out."})
    told = fields.Integer(metadata={"description": "Drawn to be told at once."})
    held_out = fields.Integer(metadata={"description": "Drawn to be told 60 days later."})
    score = fields.Nested(
        ComparedOut, metadata={"description": "The next score of each, in percent of its scale."}
    )
    answering = fields.Nested(
        ComparedOut, metadata={"description": "How many of those who were asked answered, in percent."}
    )


class LoopOut(ma.Schema):
    """What became of a loop. Silence is neither fixed nor not yet."""

    example: dict[str, Any] = {
        "id": "loop_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "topic": "top_2c26b46b68ffc68f",
        "status": "shipped",
        "send_at": "2026-11-29T10:10:00.000Z",
        "undo_until": "2026-11-29T10:10:00.000Z",
        "undone_at": None,
        "told": 37,
        "waiting": 0,
        "unsure": 0,
        "bounced": 1,
        "left_out": 0,
        "held_out": 4,
        "fixed": 11,
        "not_yet": 2,
        "interval": [57.8, 95.7],
        "effect": None,
    }

    id = fields.String()
    topic = fields.String()
    status = fields.String()
    send_at = Moment()
    undo_until = Moment()
    undone_at = Moment(allow_none=True)
    told = fields.Integer(metadata={"description": "Mails that left, those of unknown fate included."})
    waiting = fields.Integer()
    unsure = fields.Integer(metadata={"description": "Nobody knows whether they arrived; not sent again."})
    bounced = fields.Integer()
    left_out = fields.Integer(
        metadata={"description": "People who did not want it any more when it was due."}
    )
    held_out = fields.Integer()
    fixed = fields.Integer()
    not_yet = fields.Integer()
    interval = fields.List(
        fields.Float(), allow_none=True, metadata={"description": "95 %, of fixed among both, in percent."}
    )
    effect = fields.Nested(
        LoopEffectOut, allow_none=True, metadata={"description": "Null where nobody was to be told later."}
    )
