"""Bodies of every kind, believed by their bytes and not by their Content-Type."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.helpdesks import HELPDESKS, body
from surveys.helpdesks.helpdesk import Call, Challenge, Event, Ignored
from tests.surveys.helpdesks.cases import connection

WANTED = {"a": {"b": "1", "c": ["2", "3"]}, "d": "é &"}


def parsed(raw: bytes, content_type: str = ""):
    return body.parse(Call.of("POST", {"Content-Type": content_type}, raw))


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json", "application/xml", "nonsense"]
)
@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(WANTED).encode(),
        b"\xef\xbb\xbf\r\n" + json.dumps(WANTED, ensure_ascii=False).encode(),
        json.dumps(WANTED).encode("utf-16"),
        json.dumps([WANTED]).encode(),
        json.dumps(json.dumps(WANTED)).encode(),
        b"a[b]=1&a[c][]=2&a[c][]=3&d=%C3%A9+%26",
        b"a%5Bb%5D=1&a%5Bc%5D%5B%5D=2&a%5Bc%5D%5B%5D=3&d=%C3%A9%20%26",
        b"payload=" + json.dumps(WANTED).replace(" ", "+").replace("&", "%26").replace("\\", "%5C").encode(),
    ],
)
def test_json_and_forms_are_told_apart_by_their_bytes(raw, content_type):
    assert parsed(raw, content_type) == WANTED


def test_xml_gives_its_elements_with_and_without_the_root():
    xml = '<?xml version="1.0" encoding="UTF-8"?><hook><a><b>1</b><c>2</c><c>3</c></a><d>é &amp;</d></hook>'
    assert parsed(xml.encode(), "application/json") == {**WANTED, "hook": WANTED}


@pytest.mark.parametrize(
    "raw",
    [
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a><b>1</b></a>',
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "http://10.0.0.1/">]><a>&x;</a>'.encode("utf-16"),
        b"<!doctype html><html></html>",
    ],
)
def test_xml_with_a_document_type_is_refused(raw):
    assert isinstance(parsed(raw), Ignored)


def test_the_reason_names_the_document_type():
    assert parsed(b"<!DOCTYPE a><a/>") == Ignored("XML with a document type is refused")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b'{"a": 1', "not valid JSON"),
        (b'{"subject": "a "quoted" word"}', "not valid JSON"),
        (b'{"a": ' + b"[" * 90_000, "not valid JSON"),
        (b'{"a": [' + b"[]," * 60_000 + b"1]}", "too many values"),
        (b"<a>" + b"<b/>" * 30_000 + b"</a>", "too many elements"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'"text"', "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"hello", "neither"),
        (b"<a><b></a>", "not valid XML"),
        (b"<a>" * 20 + b"</a>" * 20, "too deeply"),
        (b"&".join(b"a%d=1" % i for i in range(1001)), "too many fields"),
    ],
)
def test_what_cannot_be_read_is_ignored_with_the_reason(raw, reason):
    assert reason in parsed(raw).reason


def test_raw_line_breaks_and_not_a_number_are_forgiven():
    assert parsed(b'{"a": "x\ny", "b": NaN, "c": -Infinity}') == {"a": "x\ny", "b": None, "c": None}


def test_a_form_in_a_legacy_encoding_is_read():
    assert parsed(b"d=th\xe9") == {"d": "thé"}


@pytest.mark.parametrize(
    "raw", [b"a[b]=1&a=2&a[c]=3", b"a=1&a[b]=2", b"a[]=1&a[b]=2", b"a]=1", b"a[b=1&]=2", b"=&=="]
)
def test_clashing_form_keys_never_raise(raw):
    assert isinstance(parsed(raw), dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    "ticket",
    "data",
    "item",
    "conversation",
    "meta",
    "sender",
    "assignee",
    "customer",
    "requester",
    "agent",
    "id",
    "email",
    "name",
    "tags",
    "labels",
    "status",
    "state",
    "type",
    "topic",
    "event",
    "payload",
    "convo",
    "author",
    "source",
    "contacts",
    "conversation_parts",
    "part_type",
    "close",
    "detail",
    "current",
    "previous",
    "changed_attributes",
    "freshdesk_webhook",
    "ticket_id",
    "ticket_status",
    "triggered_event",
    "rule",
    "assignees",
    "authors",
    "address",
    "latest_message",
    "to_fields",
    "closedAt",
    "closedByUser",
    "primaryCustomer",
    "_embedded",
    "threads",
    "owner",
    "group",
    "article",
    "body",
    "title",
    "recipient",
    "handle",
    "emitted_at",
    "status_category",
    "users",
    "shared_labels",
    "team",
    "brand",
    "mailbox",
    "created_at",
    "updated_at",
    "subject",
]
WORDS = st.sampled_from(
    [
        "solved",
        "closed",
        "resolved",
        "archive",
        "ticket.solved",
        "conversation.admin.closed",
        "ticket.state.updated",
        "zen:event-type:ticket.status_changed",
        "conversation_status_changed",
        "1",
        0,
        10**40,
        -1.5e300,
        "{{x}}",
        "\ud800",
    ]
)
SHAPED = st.recursive(
    JSON | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=40,
)


def is_understood(kind: str, raw: bytes) -> bool:
    headers = {"X-Front-Challenge": "c"} if raw[:1] == b"{" and len(raw) % 7 == 0 else {}
    answer = HELPDESKS[kind].read(Call.of("POST", headers, raw), connection(kind))
    return isinstance(answer, Event | Ignored | Challenge)


@pytest.mark.parametrize("kind", HELPDESKS)
@settings(max_examples=30, deadline=None)
@given(data=st.dictionaries(st.sampled_from(KEYS), SHAPED, max_size=10) | JSON)
def test_no_json_makes_an_adapter_raise(kind, data):
    assert is_understood(kind, json.dumps(data).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("kind", HELPDESKS)
@settings(max_examples=30, deadline=None)
@given(raw=st.binary(max_size=400) | st.text(alphabet='<>!&;ab=[]{}":,%', max_size=80).map(str.encode))
def test_no_bytes_make_an_adapter_raise(kind, raw):
    assert is_understood(kind, raw)
