"""Makes one dictionary out of whatever bytes a helpdesk posts; the Content-Type is a hint only."""

from __future__ import annotations

import json
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from surveys.helpdesks import bounds
from surveys.helpdesks.helpdesk import Call, Ignored

MAX_DEPTH = 16

#: What the Western legacy encoding has no letter for; looking each of them up would take half a second.
_NO_LETTER = bytes.maketrans(b"\x81\x8d\x8f\x90\x9d", b"?????")


def parse(call: Call) -> dict[str, Any] | Ignored:
    """The body's fields, nested as in JSON, or why there are none. Never raises.

    JSON, forms with bracketed keys (`a[b][]`) and XML are told apart by their first character. XML with a
    DTD is refused: entities are how XML reads files and eats memory.
    """
    text = _decoded(call)
    if not text:
        return Ignored("the body is empty")
    try:
        if text[0] in '{["':
            return _from_json(text)
        if text[0] == "<":
            return _from_xml(text)
        if "=" in text:
            return _from_form(text)
    except bounds.TooMuch as much:
        return Ignored(str(much))
    return Ignored("the body is neither JSON nor a form nor XML")


def _decoded(call: Call) -> str:
    """Text in UTF-8, UTF-16 or UTF-32, else as the Western legacy encoding that mislabelled forms come in."""
    for encoding in dict.fromkeys((json.detect_encoding(call.body), "utf-8-sig")):
        try:
            return call.body.decode(encoding, "strict").strip("\ufeff \t\r\n\0")
        except UnicodeDecodeError:
            continue
    return call.body.translate(_NO_LETTER).decode("cp1252").strip(" \t\r\n\0")


def _from_json(text: str) -> dict[str, Any] | Ignored:
    value = _json(text)
    if isinstance(value, str):
        # Some senders encode their JSON twice.
        value = _json(value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is _BROKEN:
        return Ignored("the body is not valid JSON")
    return value if isinstance(value, dict) else Ignored("the body is not a JSON object")


_BROKEN = object()


def _json(text: str) -> Any:
    try:
        return bounds.read_json(text)
    except bounds.TooMuch:
        raise
    except ValueError:
        return _BROKEN


def _from_form(text: str) -> dict[str, Any] | Ignored:
    pairs = bounds.read_form(text)
    if len(pairs) == 1 and pairs[0][1].lstrip()[:1] == "{":
        return _from_json(pairs[0][1].strip())
    fields: dict[str, Any] = {}
    for key, value in pairs:
        _put(fields, _steps(key), value)
    return fields


def _steps(key: str) -> list[str]:
    """`a[b][c]` as ["a", "b", "c"]."""
    return key.replace("]", "").split("[", MAX_DEPTH)[:MAX_DEPTH]


def _put(fields: dict[str, Any], steps: list[str], value: str) -> None:
    for number, step in enumerate(steps[:-1]):
        if steps[number + 1 :] == [""]:
            kept = fields.setdefault(step, [])
            if isinstance(kept, list):
                kept.append(value)
            return
        inner = fields.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        fields = inner
    fields[steps[-1]] = value


def _from_xml(text: str) -> dict[str, Any] | Ignored:
    bounds.check_xml(text)
    try:
        root = fromstring(text, forbid_dtd=True)
    except DefusedXmlException:
        return Ignored("XML with a document type is refused")
    except (ParseError, ValueError, RecursionError):
        return Ignored("the body is not valid XML")
    fields = _children(root, 1)
    if fields is None:
        return Ignored("the XML is nested too deeply")
    # Senders differ in whether the root is a wrapper: both readings are offered.
    return {**fields, _tag(root): fields} if isinstance(fields, dict) else {_tag(root): fields}


def _children(element: Element, depth: int) -> dict[str, Any] | str | None:
    if depth > MAX_DEPTH:
        return None
    if not len(element):
        return element.text or ""
    fields: dict[str, list[Any]] = {}
    for child in element:
        value = _children(child, depth + 1)
        if value is None:
            return None
        fields.setdefault(_tag(child), []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2].replace("-", "_")
