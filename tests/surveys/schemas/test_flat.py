"""A flat schema says what marshmallow says, of what is right and of what is wrong."""

import uuid

import marshmallow as ma
import pytest

from feedback.schemas.responses import ImportBody
from surveys.schemas.answers import AnswerBody
from surveys.schemas.flat import Flat

RIGHT = {"id": "6F1C1A52-6F0E-4B7E-9D59-3F2B8F6F7A10", "survey": "sv_1"}

BODIES = {
    "just what must be there": RIGHT,
    "everything": {
        **RIGHT,
        "revision": 7,
        "score": 9,
        "comment": "Quick.",
        "answers": {"q1": ["a", "b"], "q2": 3},
        "edit_key": "0" * 32,
        "person": {"id": "u1", "email": "ann@shop.example"},
        "touchpoint": "checkout",
        "language": "de",
        "page": "https://ann:secret@shop.example/thanks?mail=ann#top",
        "properties": {"plan": "pro", "seats": 3},
        "final": True,
        "channel": "link",
        "test": False,
    },
    "nulls": {**RIGHT, "score": None, "comment": None, "answers": None, "person": None, "page": None},
    "an empty page": {**RIGHT, "page": ""},
    "no survey": {"id": RIGHT["id"]},
    "an unknown field": {**RIGHT, "colour": "red"},
    "many mistakes": {
        "id": "7",
        "score": 4.9,
        "revision": 0,
        "colour": "red",
        "language": "no tag",
        "test": 1,
    },
    "a score in text": {**RIGHT, "score": "4"},
    "a score off every scale": {**RIGHT, "score": 101},
    "a wrong person": {**RIGHT, "person": {"email": "nobody", "age": 7}},
    "answers of the wrong kind": {**RIGHT, "answers": {"q1": {"a": 1}}},
    "a null that may not be": {**RIGHT, "test": None},
    "a page that is too long": {**RIGHT, "page": "https://shop.example/?" + "a" * 2000},
    "a name that is no text": {**RIGHT, 7: 7},
}


def outcome(load, body):
    try:
        return load(body, unknown=ma.RAISE)
    except ma.ValidationError as error:
        return error.messages


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_answer_loads_as_with_marshmallow(body):
    schema = AnswerBody()
    found = outcome(schema.load, body)
    assert found == outcome(lambda *a, **k: ma.Schema.load(schema, *a, **k), body)


def test_ids_and_pages_come_out_tidy():
    loaded = AnswerBody().load(BODIES["everything"])
    assert loaded["id"] == RIGHT["id"].lower()
    assert loaded["page"] == "https://shop.example/thanks"


def test_each_import_without_an_id_gets_its_own():
    schema = ImportBody()
    first, second = (schema.load({"survey": "sv_1", "score": 9})["id"] for _ in range(2))
    assert first != second
    assert uuid.UUID(first)


def test_a_schema_with_a_hook_cannot_be_flat():
    class Hooked(Flat):
        """Would be passed by."""

        @ma.post_load
        def change(self, data, **_):
            return {}

    with pytest.raises(TypeError, match="Hooked has hooks"):
        Hooked()
