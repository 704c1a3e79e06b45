"""What comes in and goes out when an answer is recorded."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import marshmallow as ma
from marshmallow import fields, validate

from surveys.base.http import bodies
from surveys.domain import follow_ups
from surveys.schemas.flat import Flat
from surveys.schemas.kinds import (
    LONG,
    SHORT,
    TAG,
    Address,
    Moment,
    Properties,
    Truth,
    check,
    language_tag,
    text,
    whole,
)

CHANNELS = ("widget", "link", "email", "kiosk")


class PersonClaim(ma.Schema):
    """Who answers. With a valid `signature` the identity counts as verified, without as claimed."""

    # Null is nothing said, as in the rest of an answer: a script writes it where its visitor has no name.
    id = text(SHORT, 1, allow_none=True)
    email = Address(allow_none=True)
    name = text(SHORT, allow_none=True)
    signature = text(
        128,
        allow_none=True,
        metadata={
            "description": "`v2=` and the hex HMAC-SHA256, with the survey's identity secret, over `id:` and the id, "
            "or without an id over `email:` and the address in lower case; or, without `v2=`, over either alone."
        },
    )


def uuid_form(value: str) -> None:
    """Refuse what is no UUID in one of its usual forms."""
    try:
        bodies.new_uuid(value)
    except ValueError:
        raise ma.ValidationError("Must be a UUID.") from None


def any_score(value: Any) -> None:
    """Refuse what is a score on no scale; the survey's own is checked where the survey is known."""
    check(type(value) is int, "Must be a whole number.")
    check(-100 <= value <= 100, "Is outside every scale.")


def more_answers(value: dict[str, Any]) -> None:
    """Refuse answers to further questions that are neither text, a number, true or false nor a list of texts."""
    for item in value.values():
        check(
            item is None
            or (isinstance(item, str) and len(item) <= 10_000)
            or isinstance(item, (int, float, bool))
            or (
                isinstance(item, list)
                and len(item) <= 100
                and all(isinstance(i, str) and len(i) <= LONG for i in item)
            ),
            "Answers must be text, numbers, true/false or lists of texts.",
        )


def bare_page(address: str) -> str | None:
    """A page's address without query, fragment and credentials: they may name people."""
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return None
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


#: What a column holds, some 68 years.
MOST_SECONDS = 2**31 - 1


def passed(seconds: int) -> int | None:
    """How long something took by somebody's clock; None where that was set back meanwhile."""
    return seconds if seconds >= 0 else None


class AnswerBody(Flat):
    """One recording, or a later revision, of one response."""

    body_limit = bodies.PUBLIC_BODY
    types: tuple[str, ...] = ("application/json", "text/plain")
    example = {
        "id": "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
        "revision": 1,
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "score": 9,
        "comment": "Quick and friendly.",
        "edit_key": "00112233445566778899aabbccddeeff",
        "touchpoint": "checkout",
        "language": "en",
    }

    id = fields.String(required=True, validate=uuid_form, post_load=bodies.new_uuid)
    revision = whole(1, 1_000_000, load_default=1)
    survey = text(100, 1, required=True)
    score = fields.Raw(allow_none=True, validate=any_score, metadata={"type": "integer"})
    comment = text(10_000, allow_none=True)
    answers = fields.Dict(keys=text(100, 1), values=fields.Raw(), allow_none=True, validate=more_answers)
    edit_key = text(128, 16)
    invitation = text(300, 1, allow_none=True)
    person = fields.Nested(PersonClaim, allow_none=True)
    touchpoint = text(SHORT, allow_none=True)
    language = fields.String(validate=language_tag, allow_none=True)
    page = text(LONG, allow_none=True, post_load=bare_page)
    properties = Properties(allow_none=True)
    contact = fields.String(
        validate=validate.OneOf(follow_ups.CONTACTS),
        allow_none=True,
        metadata={"description": "May we write to you about this: to answer, with news of it, or both?"},
    )
    final = Truth()
    seconds = whole(
        -MOST_SECONDS,
        MOST_SECONDS,
        allow_none=True,
        post_load=passed,
        metadata={
            "description": "Since the survey was seen; what a clock that was set back says is not kept."
        },
    )
    channel = fields.String(validate=validate.OneOf(CHANNELS))
    test = Truth()


_LOWER_UUID = re.compile(r"(?!(?:[0-]+|[f-]+)\Z)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _is_text(most: int, least: int = 0) -> Callable[[Any], bool]:
    return lambda value: value is None or (type(value) is str and least <= len(value) <= most)


def _is_named(most: int, is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether a value is null, or an object of at most so many names whose values are all right."""
    return lambda value: (
        value is None
        or (
            type(value) is dict
            and len(value) <= most
            and all(1 <= len(name) <= 100 and is_right(each) for name, each in value.items())
        )
    )


def _is_property(value: Any) -> bool:
    return value is None or type(value) in (int, float, bool) or (type(value) is str and len(value) <= LONG)


def _is_answer(value: Any) -> bool:
    return type(value) in (int, float, bool) or (type(value) is str and len(value) <= 10_000)


#: What is right without any doubt. `AnswerBody` says the rules; a test compares the two.
_PLAIN: dict[str, Callable[[Any], Any]] = {
    "id": lambda value: type(value) is str and _LOWER_UUID.fullmatch(value),
    "revision": lambda value: type(value) is int and 1 <= value <= 1_000_000,
    "survey": lambda value: type(value) is str and 1 <= len(value) <= 100,
    "score": lambda value: value is None or (type(value) is int and -100 <= value <= 100),
    "comment": _is_text(10_000),
    "edit_key": lambda value: type(value) is str and 16 <= len(value) <= 128,
    "invitation": _is_text(300, 1),
    "touchpoint": _is_text(SHORT),
    "language": lambda value: value is None or (type(value) is str and TAG.fullmatch(value)),
    "page": _is_text(LONG),
    "properties": _is_named(50, _is_property),
    "answers": _is_named(50, _is_answer),
    "contact": lambda value: value is None or (type(value) is str and value in follow_ups.CONTACTS),
    "final": lambda value: type(value) is bool,
    "seconds": lambda value: value is None or (type(value) is int and 0 <= value <= MOST_SECONDS),
    "channel": lambda value: type(value) is str and value in CHANNELS,
    "test": lambda value: type(value) is bool,
}


def plainly(body: Any) -> dict[str, Any] | None:
    """What AnswerBody would load of a body in which nothing is out of the ordinary; None of any other."""
    if type(body) is not dict or "id" not in body or "survey" not in body:
        return None
    for name, value in body.items():
        is_right = _PLAIN.get(name)
        if is_right is None or not is_right(value):
            return None
    given = {"revision": 1, **body}
    if given.get("page") is not None:
        given["page"] = bare_page(given["page"])
    return given


class RecordedBody(ma.Schema):
    """What a recording answers."""

    example = {
        "id": "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "score": 9,
        "group": "promoter",
        "revision": 1,
        "created_at": "2026-11-20T09:30:00.000Z",
        "editable_until": "2026-11-27T09:30:00.000Z",
    }

    id = fields.String()
    survey = fields.String()
    score = fields.Integer(allow_none=True)
    group = fields.String(allow_none=True)
    revision = fields.Integer()
    created_at = Moment()
    editable_until = Moment()
