"""What foreign bytes may hold: it is counted before anything is parsed, for parsing is what takes long.

A call may have a mebibyte. Counting a sign in it takes a fraction of a millisecond; parsing the worst of them took
seconds. What a helpdesk sends stays far below every number here.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

#: Signs that begin or part values in JSON, those within texts among them. Real payloads have one in 15 bytes or fewer.
MOST_SIGNS = 100_000
MOST_FIELDS = 1000
MOST_ESCAPES = 40_000
MOST_ELEMENTS = 20_000


class TooMuch(ValueError):
    """There is more in it than is read; the message says of what."""


def read_json(content: bytes | str) -> Any:
    """JSON, with raw line breaks in texts, as templates make them, and null for NaN. Raises ValueError, TooMuch."""
    text = content
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    if sum(map(text.count, "[{,:")) > MOST_SIGNS:
        raise TooMuch("the JSON has too many values")
    try:
        return json.loads(text, strict=False, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def read_form(text: str) -> list[tuple[str, str]]:
    """The fields of a form. Where too much is escaped, each field is cut. Raises TooMuch."""
    fields = text.split("&", MOST_FIELDS)
    if len(fields) > MOST_FIELDS:
        raise TooMuch("the form has too many fields")
    if text.count("%") > MOST_ESCAPES:
        longest = 3 * MOST_ESCAPES // len(fields)
        fields = [field[:longest] for field in fields]
    return parse_qsl("&".join(fields), keep_blank_values=True)


def check_xml(text: str) -> None:
    """Raise TooMuch for XML with too many elements or attributes."""
    if text.count("<") > MOST_ELEMENTS or text.count("=") > MOST_ELEMENTS:
        raise TooMuch("the XML has too many elements")
