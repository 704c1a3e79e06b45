"""Makes one dictionary out of whatever bytes a helpdesk posts; the Content-Type is a hint only."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from surveys.helpdesks.helpdesk import Call, Ignored

MAX_DEPTH = 16
MAX_FIELDS = 1000


def parse(call: Call) -> dict[str, Any] | Ignored:
    """The body's fields, nested as in JSON, or why there are none. Never raises.

    JSON, forms with bracketed keys (`a[b][]`) and XML are told apart by their first character. XML with a
    DTD is refused: entities are how XML reads files and eats memory.
    """
    text = _decoded(call)
    if not text:
        return Ignored("the body is empty")
    if text[0] in '{["':
        return _from_json(text)
    if text[0] == "<":
        return _from_xml(text)
    if "=" in text:
        return _from_form(text)
    return Ignored("the body is neither JSON nor a form nor XML")


def _decoded(call: Call) -> str:
    """Text in UTF-8, UTF-16 or UTF-32, else as the Western legacy encoding that mislabelled forms come in."""
    for encoding in dict.fromkeys((json.detect_encoding(call.body), "utf-8-sig")):
        try:
            return call.body.decode(encoding, "strict").strip("\ufeff \t\r\n\0")
        except UnicodeDecodeError:
            continue
    return call.body.decode("cp1252", "replace").strip(" \t\r\n\0")


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
        # A template may put raw line breaks into a string; NaN and Infinity say nothing.
        return json.loads(text, strict=False, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return _BROKEN


def _from_form(text: str) -> dict[str, Any] | Ignored:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return Ignored("the form has too many fields")
    if len(pairs) == 1 and pairs[0][1].lstrip()[:1] == "{":
        return _from_json(pairs[0][1].strip())
    fields: dict[str, Any] = {}
    for key, value in pairs:
        _put(fields, _steps(key), value)
    return fields


def _steps(key: str) -> list[str]:
    """`a[b][c]` as ["a", "b", "c"]."""
    head, *rest = key.replace("]", "").split("[")
    return [head, *rest][:MAX_DEPTH]


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
