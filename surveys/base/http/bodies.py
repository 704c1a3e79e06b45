"""Bodies and forms: read within a limit, refused when they cannot be stored faithfully."""

import io
import json
import math
import re
import uuid
from collections.abc import Iterable
from typing import Any

import marshmallow as ma
from flask import Request, g, request
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import FormDataParser

from surveys.base.errors import Refused
from surveys.base.http import openapi
from surveys.base.http.problems import Problem

PUBLIC_BODY = 32 * 1024


API_BODY = 1024 * 1024


DEPTH = 16


FORM_PARTS = 50

#: The same of a form of the team's pages: a survey has many settings.
TEAM_FORM_PARTS = 500


def form_fields(limit: int) -> dict[str, str]:
    """The fields of an HTML form, the first of each name; files are not read.

    Raises 413, 415 (neither of the two forms that browsers send) or 422 (text that cannot be stored).
    """
    form, _ = _parsed(limit)
    # A part of a multipart form may come without a name; no browser sends one.
    fields = {name: value for name, value in form.to_dict().items() if name is not None}
    check_text(fields)
    g.fields_sent, g.form_does = tuple(fields), fields.get("do")
    return fields


def form_files(limit: int) -> dict[str, bytes]:
    """The files of an HTML form, the first of each name; a field in which none was chosen is left out."""
    _, files = _parsed(limit)
    return {name: file.read() for name, file in files.to_dict().items() if name is not None and file.filename}


def _parsed(limit: int) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    if request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Problem(415, "Send the body as multipart/form-data or application/x-www-form-urlencoded.")
    raw = body_bytes(limit)
    parts = FORM_PARTS if limit <= PUBLIC_BODY else TEAM_FORM_PARTS
    parser = FormDataParser(_in_memory, max_form_memory_size=limit, max_form_parts=parts)
    _, form, files = parser.parse(io.BytesIO(raw), request.mimetype, len(raw), request.mimetype_params)
    return form, files


def _in_memory(*_: Any, **__: Any) -> io.BytesIO:
    # Where the body is already; Werkzeug would open files for it.
    return io.BytesIO()


def body_bytes(limit: int) -> bytes:
    """The raw body. Raises a 413 over `limit` bytes, whether a length was announced or not."""
    raw = g.get("body")
    if raw is not None:
        return raw
    if (request.content_length or 0) > limit:
        raise Problem(413, f"The body is larger than {limit} bytes.")
    # One byte more than allowed, read by ourselves: Werkzeug cuts a chunked body at its limit silently.
    request.max_content_length = None
    raw = request.stream.read(limit + 1)
    if len(raw) > limit:
        raise Problem(413, f"The body is larger than {limit} bytes.")
    g.body = raw
    return raw


def read_json(limit: int, types: Iterable[str] = ("application/json",)) -> Any:
    """The body as JSON: UTF-8, no NaN, no duplicate names, no NUL or lone surrogate, at most 16 deep.

    Raises 413, 415, 400 (not JSON) or 422 (JSON that cannot be stored faithfully).
    """
    mimetype = request.mimetype
    if mimetype not in types and not (mimetype.endswith("+json") and "application/json" in types):
        raise Problem(415, f"Send the body as {' or '.join(types)}.")
    return parse_json(body_bytes(limit))


def parse_json(raw: bytes) -> Any:
    """`read_json` for bytes that are already here."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(400, "The body is not UTF-8.") from None
    # json.loads would need a Python frame a level; deep nesting is refused by a scan that needs none.
    if (text.count("[") + text.count("{")) > DEPTH and _depth(text) > DEPTH:
        raise Problem(422, f"The body is nested more than {DEPTH} deep.")
    try:
        # A byte-order mark is refused by json.loads alone, whatever else it is told.
        value = json.loads(text) if text.startswith("\ufeff") else _DECODER.decode(text)
    except RecursionError:
        raise Problem(422, f"The body is nested more than {DEPTH} deep.") from None
    except ValueError as error:
        raise Problem(400, f"The body is not JSON: {str(error)[:120]}") from None
    # A NUL or half a surrogate pair can only come out of an escape; most bodies have none.
    if "\\u" in text or "\x00" in text:
        check_text(value)
    return value


def check_text(value: Any, path: str = "") -> None:
    """Raise a 422 when a text in `value` holds NUL or a lone surrogate: databases differ on them."""
    if isinstance(value, str):
        if "\x00" in value or _SURROGATE.search(value):
            raise Refused("Must not contain NUL or half of a surrogate pair.", path or "_")
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(name, path or "_")
            check_text(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_text(item, f"{path}.{index}" if path else str(index))


_SURROGATE = re.compile("[\ud800-\udfff]")


# Possessive, and content with a string that never ends: otherwise 32 KiB of escaped quotes take ten seconds.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        token = match.group()
        if token in "[{":  # noqa: S105
            depth += 1
            deepest = max(deepest, depth)
        elif token in "]}":  # noqa: S105
            depth -= 1
    return deepest


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        check_text(twice)
        raise Refused("Is given twice.", twice[:100])
    return value


def _no_giant(digits: str) -> int:
    if len(digits) > 20:
        raise Problem(422, "The body holds a number that is too large.")
    return int(digits)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Problem(422, "The body holds a number that is too large.")
    return value


# Made once: json.loads makes another for every call that says how to parse.
_DECODER = json.JSONDecoder(
    parse_constant=_no_constant, object_pairs_hook=_no_duplicates, parse_int=_no_giant, parse_float=_finite
)


class StrictParser(FlaskParser):
    """webargs reading bodies our way, refusing every field that no schema names."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": ma.RAISE, "query": ma.RAISE}

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        value = read_json(
            getattr(schema, "body_limit", API_BODY), getattr(schema, "types", ("application/json",))
        )
        # A schema of one list may take that list by itself.
        if isinstance(value, list) and (only := getattr(schema, "bare", None)):
            value = {only: value}
        if not isinstance(value, dict):
            raise Problem(422, "The body must be a JSON object.", {"_": ["Must be an object."]})
        g.fields_sent = tuple(value)
        return value

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        for name, value in req.args.items(multi=True):
            if "\x00" in name or "\x00" in value:
                raise Refused("Must not contain NUL.", name.replace("\x00", "") or "_")
            check_text(value, name)
        return super().load_querystring(req, schema)

    def handle_error(self, error: ma.ValidationError, *_: Any, **__: Any) -> Any:
        raise error


class Routes(openapi.Described):
    """A flask-smorest blueprint with strict bodies."""

    ARGUMENTS_PARSER = StrictParser()


def new_uuid(text: str) -> str:
    """A UUID in its usual form. Raises ValueError.

    Also for the nil and the max UUID (RFC 9562, 5.9 and 5.10): scripts send them when they made none, and the answers
    of all their visitors would be one.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) or set(text.lower()) in (
        {"0", "-"},
        {"f", "-"},
    ):
        raise ValueError(text)
    return str(uuid.UUID(text))
