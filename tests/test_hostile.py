"""Whatever is sent, no route answers with a 5xx, and nothing of it is stored."""

import base64
import gzip
import http.client
import json
import re
import socket
import uuid
from urllib.parse import quote, urlsplit

import pytest

from surveys.base import db
from surveys.base.http import lists
from tests import effort, servers
from tests.conftest import ADMIN_KEY, ON_SQLITE

ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


def rows(world):
    """How many rows every table holds."""
    with world.app.app_context():
        return {table._meta.table_name: table.select().count() for table in db.registered()}


def shape(answer):
    """Check that an answer is a 4xx in the contract's shape, and return its status."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.get_data(as_text=True)[:300])
    error = answer.get_json()["error"]
    assert set(error) == {"code", "message", "fields", "request_id"}
    assert all(isinstance(line, str) for lines in error["fields"].values() for line in lines)
    return answer.status_code


def paths(app, *methods):
    """Every route with one of these methods, its parameters filled with what names nothing."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.methods & set(methods):
            # `any` converters take only the values they list.
            path = re.sub(r"<any\('?([^,')]+)[^)]*\):\w+>", r"\1", rule.rule)
            found.append((rule, re.sub(r"<[^>]+>", "unknown", re.sub(r"<int:\w+>", "0", path))))
    return found


#: What makes a body hostile, and the status that it has to get from a route that takes JSON.
BODIES = {
    "empty": (b"", 400),
    "blank": (b"  \n ", 400),
    "cut off": (b'{"id": "', 400),
    "no JSON": (b"score=9", 400),
    "two documents": (b"{}{}", 400),
    "a comment": (b"{} // x", 400),
    "single quotes": (b"{'a': 1}", 400),
    "NaN": (b'{"score": NaN}', 400),
    "Infinity": (b'{"score": Infinity}', 400),
    "-Infinity": (b'{"score": [-Infinity]}', 400),
    "1e400": (b'{"score": 1e400}', 422),
    "-1e400": (b'{"score": -1e400}', 422),
    "5,000 digits": (b'{"score": ' + b"9" * 5000 + b"}", 422),
    "5,000 digits and a fraction": (b'{"score": ' + b"9" * 5000 + b".5}", 422),
    "5,000 digits in an exponent": (b'{"score": 1e' + b"9" * 5000 + b"}", 422),
    "10,000 deep lists": (b"[" * 10_000, 422),
    "closed lists": (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 422),
    "deep objects": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 422),
    "17 deep": (b'{"a":' + b"[" * 16 + b"]" * 16 + b"}", 422),
    "a list": (b"[1]", 422),
    "a text": (b'"x"', 422),
    "a number": (b"9", 422),
    "null": (b"null", 422),
    "true": (b"true", 422),
    "twice": (b'{"score": 1, "score": 2}', 422),
    "twice a half pair": (b'{"\\ud800": 1, "\\ud800": 2}', 422),
    "twice NUL": (b'{"\\u0000": 1, "\\u0000": 2}', 422),
    "twice inside": (b'{"person": {"id": "a", "id": "b"}}', 422),
    "twice, once escaped": (b'{"score": 1, "\\u0073core": 2}', 422),
    "unknown": (b'{"nonsense": 1}', 422),
    "unknown prototype": (b'{"__proto__": {"a": 1}, "constructor": 1}', 422),
    "NUL": (b'{"comment": "a\\u0000b"}', 422),
    "NUL in a name": (b'{"a\\u0000b": 1}', 422),
    "raw NUL": (b'{"comment": "a\x00b"}', 400),
    "half a pair": (b'{"comment": "\\ud83d"}', 422),
    "the wrong half": (b'{"comment": "\\udc00\\ud800"}', 422),
    "half a pair in a name": (b'{"\\udfff": 1}', 422),
    "half a pair deep inside": (b'{"a": [{"b": ["\\ud800"]}]}', 422),
    "bad UTF-8": (b'{"comment": "\xff\xfe"}', 400),
    "overlong UTF-8": (b'{"comment": "\xc0\x80"}', 400),
    "encoded half pair": (b'{"comment": "\xed\xa0\x80"}', 400),
    "Latin-1": ('{"comment": "Größe"}'.encode("latin-1"), 400),
    "BOM": (b"\xef\xbb\xbf{}", 400),
    "UTF-16": ('{"comment": "x"}'.encode("utf-16"), 400),
    "UTF-32": ('{"comment": "x"}'.encode("utf-32"), 400),
    "quotes that never end": (b"[" * 17 + b'"' + b'\\"' * 16_000, 422),
    "a backslash at the end": (b"[" * 17 + b'"\\', 422),
}


def takers(app):
    """Method and path of every operation that the document says takes JSON."""
    for path, operations in app.extensions["openapi"]()["paths"].items():
        for method in operations.keys() & {"post", "patch", "put"}:
            if "application/json" in operations[method].get("requestBody", {}).get("content", {}):
                yield method.upper(), re.sub(r"\{[^}]+\}", "unknown", path)


def test_the_document_knows_what_takes_json(app):
    found = set(takers(app))
    assert {
        ("POST", "/r"),
        ("POST", "/api/surveys"),
        ("PATCH", "/api/surveys/unknown"),
        ("POST", "/api/feeds"),
    } <= found


#: Read without a fault, and refused for what a database might be asked to keep.
READABLE = ["1e400", "5,000 digits", "17 deep", "unknown", "NUL", "NUL in a name", "half a pair"]


@pytest.mark.parametrize(
    ("template", "name"),
    [*(("sqlite", name) for name in BODIES), *(("postgresql", name) for name in READABLE)],
    indirect=["template"],
)
def test_every_route_that_takes_json_survives(world, name):
    body, status = BODIES[name]
    before = rows(world)
    for method, path in takers(world.app):

        def send(method=method, path=path):
            answer = world.client.open(
                path, method=method, data=body, content_type="application/json", headers=ADMIN
            )
            assert shape(answer) == status, (method, path)

        # What takes quadratic time takes a thousand here.
        assert effort.units(send, 300) < 300, (method, path)
    assert rows(world) == before


TYPES = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/xml")


def test_no_route_minds_a_body_of_another_type(world):
    before = rows(world)
    for name, (body, _) in BODIES.items():
        kind = TYPES[len(name) % len(TYPES)]
        for method, path in takers(world.app):
            answer = world.client.open(path, method=method, data=body, content_type=kind, headers=ADMIN)
            assert shape(answer) == 415, (method, path, name)
        for path in ("/s/unknown", "/in/unknown", "/api/topics/review"):
            answer = world.client.post(path, data=body, content_type=kind, headers=ADMIN)
            assert answer.status_code < 500, (path, name)
    # Asking for a review of the topics is taken, whatever comes along, and written down.
    asked = {"job": 0, "topic_review": 0, "audit_entry": 0}
    assert rows(world) | asked == before | asked


def texts(hostile):
    """Bodies that would be good but for one text."""
    answer = {"id": str(uuid.uuid4()), "survey": "SURVEY", "score": 9}
    yield "/r", answer | {"comment": hostile}
    yield "/r", answer | {"answers": {"q": hostile}}
    yield "/r", answer | {"answers": {hostile: "a"}}
    yield "/r", answer | {"answers": {"q": [hostile]}}
    yield "/r", answer | {"properties": {hostile: 1}}
    yield "/r", answer | {"properties": {"plan": hostile}}
    yield "/r", answer | {"person": {"id": hostile}}
    yield "/r", answer | {"person": {"email": f"{hostile}@example.com"}}
    yield "/r", answer | {"person": {"id": "a", "name": hostile}}
    yield "/r", answer | {"person": {"id": "a", "signature": hostile}}
    yield "/r", answer | {"survey": hostile}
    yield "/r", answer | {"id": hostile}
    for name in ("touchpoint", "language", "page", "channel", "invitation", "edit_key"):
        yield "/r", answer | {name: hostile * 20}
    survey = {"name": "x", "metric": "nps"}
    yield "/api/surveys", survey | {"name": hostile}
    yield "/api/surveys", survey | {"metric": hostile}
    yield "/api/surveys", survey | {"product": hostile}
    yield "/api/surveys", survey | {"question": {"en": hostile}}
    yield "/api/surveys", survey | {"question": {hostile: "en"}}
    yield "/api/surveys", survey | {"thanks": {"detractor": {"en": hostile}}}
    yield "/api/surveys", survey | {"allowed_origins": [f"https://{hostile}"]}
    yield "/api/surveys", survey | {"widget": {"target": hostile}}
    yield "/api/surveys", survey | {"widget": {"pages": [hostile]}}
    yield "/api/keys", {"name": hostile, "scopes": ["read"]}
    yield "/api/keys", {"name": "x", "scopes": [hostile]}
    yield "/api/keys", {"name": "x", "scopes": ["read"], "surveys": [hostile]}
    yield "/api/feeds", {"name": hostile}
    yield "/api/feeds", {"name": "x", "filters": {"q": hostile}}
    yield "/api/feeds", {"name": "x", "filters": {hostile: "x"}}


@pytest.mark.parametrize("hostile", ["\x00", "a\x00b", "\ud800", "x\udfff"])
def test_nul_and_half_pairs_are_refused_in_every_text(world, make, hostile):
    survey = make.survey()
    before = rows(world)
    for path, body in texts(hostile):
        body = body | ({"survey": survey.id} if body.get("survey") == "SURVEY" else {})
        answer = world.client.post(
            path, data=json.dumps(body), content_type="application/json", headers=ADMIN
        )
        assert shape(answer) == 422, body
    assert rows(world) == before


VALUES = [None, True, 0, -1, 1.5, 10**19, "", "x", [], [None], [[]], {}, {"a": None}, {"": {}}]


def test_no_type_in_any_field_breaks_a_route(world, make):
    """Any value of any type for each field of each body of the document: taken or refused, never a fault."""
    for value in VALUES:
        make.survey()
        spec = world.app.extensions["openapi"]()
        schemas = spec["components"]["schemas"]
        for path, operations in spec["paths"].items():
            for method in operations.keys() - {"parameters"}:
                operation = operations[method]
                for content in (operation.get("requestBody") or {}).get("content", {}).values():
                    schema = schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
                    for name in schema.get("properties", {}):
                        url = re.sub(r"\{[^}]+\}", "unknown", path)
                        answer = world.client.open(
                            url, method=method.upper(), json={name: value}, headers=ADMIN
                        )
                        assert answer.status_code < 500, (method, path, name, value)


MISFITS = [
        ("/api/surveys", {"name": "x", "metric": "nps", "allowed_origins": ["http://["]}, "allowed_origins"),
        ("/api/surveys", {"name": "x", "metric": "nps", "allowed_origins": ["https://a.example:x"]}, "allowed_origins"),
        ("/api/surveys", {"name": "x", "metric": "nps", "allowed_origins": ["https://a@b.example"]}, "allowed_origins"),
        ("/api/surveys", {"name": "x", "metric": "nps", "allowed_origins": ["null"]}, "allowed_origins"),
        ("/api/surveys", {"name": "x", "metric": "nps", "allowed_origins": ["*"]}, "allowed_origins"),
        ("/api/surveys", {"name": "x", "metric": "nps", "allowed_origins": ["https://a.example/x"]}, "allowed_origins"),
        ("/api/surveys", {"name": "x", "metric": "nps", "languages": []}, "languages"),
        ("/api/surveys", {"name": "x", "metric": "nps", "languages": ["xx"]}, "languages"),
        ("/api/surveys", {"name": "x", "metric": "nps", "sampling": 1.01}, "sampling"),
        ("/api/surveys", {"name": "x", "metric": "nps", "delay_minutes": 1.0}, "delay_minutes"),
        ("/api/surveys", {"name": "x", "metric": "nps", "quarantine_days": 2**31}, "quarantine_days"),
        ("/api/surveys", {"name": "x", "metric": "nps", "thanks": {"nobody": {"en": "x"}}}, "thanks"),
        ("/api/surveys", {"name": "x", "metric": "nps", "labels": {"11": {"en": "x"}}}, "labels"),
        ("/api/surveys", {"name": "x", "metric": "nps", "id": "sv_mine"}, "id"),
        ("/api/surveys", {"name": "x", "metric": "nps", "definition": 7}, "definition"),
        ("/api/surveys", {"name": "x", "metric": "nps", "created_at": "2026-01-01T00:00:00Z"}, "created_at"),
        ("/api/surveys", {"name": "x", "metric": "nps", "identity_secret": "s"}, "identity_secret"),
        ("/api/keys", {"name": "x", "scopes": ["read"], "surveys": [f"s{n}" for n in range(90_000)]}, "surveys"),
        ("/api/keys", {"name": "x", "scopes": ["root"]}, "scopes"),
        ("/api/keys", {"name": "x", "scopes": []}, "scopes"),
        ("/api/feeds", {"name": "x", "filters": {"since": "yesterday"}}, "filters"),
        ("/api/feeds", {"name": "x", "filters": {"limit": "5"}}, "filters"),
        ("/api/feeds", {"name": "x", "filters": {"q": 5}}, "filters"),
        ("/api/feeds", {"name": "x", "filters": []}, "filters"),
    ]  # fmt: skip


def test_what_does_not_fit_is_a_422_that_names_the_field(world):
    for path, body, field in MISFITS:
        before = rows(world)
        answer = world.client.post(path, json=body, headers=ADMIN)
        assert shape(answer) == 422
        assert {name.partition(".")[0] for name in answer.get_json()["error"]["fields"]} == {field}
        assert rows(world) == before


# --------------------------------------------------------------------------------- addresses and queries


def cursor(*parts):
    """A cursor that says what a real one would not."""
    return lists.encode_cursor(*parts)


CURSORS = [
    "x", "!", "ä", "%00", "AAAA", "=" * 8, "9" * 501, cursor(), cursor(1), cursor(None, None), cursor("a", "b"),
    cursor("2026-01-01T00:00:00", "sv_1"), cursor("2026-01-01T00:00:00+00:00", "\x00"),
    cursor("2026-01-01T00:00:00+00:00", "\ud800"), cursor("0001-01-01T00:00:00+23:59", "x"),
    cursor("9999-12-31T23:59:59-23:59", "x"), cursor("desc", 2**63, 1), cursor("desc", -(2**63), 1),
    cursor("desc", 1, True),
    cursor("desc", 1.0, 1), cursor("\x00", 1, 1), cursor("desc", "1", "2"), cursor("asc", 1, 1),
    base64.urlsafe_b64encode(b"[" * 300).decode(), base64.urlsafe_b64encode(b"9" * 300).decode(),
    base64.urlsafe_b64encode(b'["desc",1e999,NaN]').decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(),
]  # fmt: skip


def test_an_odd_cursor_is_a_422(world, make):
    for odd in CURSORS:
        make.survey()
        for path in ("/api/feed", "/api/surveys", "/api/keys", "/api/feeds"):
            answer = world.client.get(path, query_string={"cursor": odd}, headers=ADMIN)
            assert shape(answer) == 422, (path, odd)
            assert set(answer.get_json()["error"]["fields"]) == {"cursor"}


LIMITS = ["0", "-1", "201", "1.0", "x", "", "1e2", "9" * 5000, "1_0", " 5", "+5", "٣", "0x10"]


def test_a_limit_out_of_range_is_a_422(world):
    for limit in LIMITS:
        for path in ("/api/feed", "/api/surveys", "/api/keys", "/api/feeds"):
            answer = world.client.get(path, query_string={"limit": limit}, headers=ADMIN)
            assert shape(answer) == 422, (path, limit)
            assert set(answer.get_json()["error"]["fields"]) == {"limit"}


QUERIES = [
    "nonsense=1", "survey=%00", "survey=%ED%A0%80", "%00=1", "q=" + "x" * 1001, "order=sideways",
    "since=yesterday", "since=2026-13-01", "since=2026-01-01T00:00:00", "since=0001-01-01", "since=9999-12-31",
    "until=10000-01-01", "since=%00", "since=2026-01-01T00:00:00%2B99:99", "sentiment=happy", "limit=%00",
]  # fmt: skip


def test_an_odd_query_of_the_feed_is_refused_or_harmless(world):
    for query in QUERIES:
        answer = world.client.get(f"/api/feed?{query}", headers=ADMIN)
        assert shape(answer) == 422


ODD_QUESTIONS = [
        "", "survey=sv_unknown", "metric=none", "metric=nps&by=nonsense", "metric=nps&by=property:",
        "metric=nps&interval=year", "metric=nps&repeat=first", "metric=nps&nonsense=1", "metric=nps&by=%00",
        "metric=nps&interval=day&since=1970-01-01&until=8999-01-01", "metric=nps&agent=%00",
        "metric=nps&property:%00=x",
    ]  # fmt: skip


def test_an_odd_question_for_a_number_is_refused(world, make):
    for query in ODD_QUESTIONS:
        make.survey()
        assert shape(world.client.get(f"/api/metrics?{query}", headers=ADMIN)) in (404, 422)


STRANGE_QUESTIONS = [
        "since=1970-01-01&until=8999-01-01", "since=8999-01-01", "since=2026-01-01&until=2025-01-01",
        'by=property:a"b', "by=property:a.b", "by=property:a[0]", "by=property:$", "by=property:'", "by=property:a%5Cb",
        "by=property:%F0%9F%98%80", "by=property:{a}", "by=property:0", 'property:"=x', "property:a.b=x&by=agent",
        "interval=month&since=2020-01-01&until=2020-01-01", "by=topic", "by=language",
    ]  # fmt: skip


def test_a_strange_question_for_a_number_gets_one(world, make):
    for query in STRANGE_QUESTIONS:
        survey = make.survey()
        make.response(survey, 9, properties={"a": 1, 'a"b': "x", "a.b": "y"})
        answer = world.client.get(f"/api/metrics?metric=nps&{query}", headers=ADMIN)
        assert answer.status_code == 200, answer.get_data(as_text=True)


PARTS = [
        "%00",
        "a%00b",
        "%ED%A0%80",
        "%FF",
        "..%2F..%2Fetc",
        "%2e%2e",
        "x" * 5000,
        "%F0%9F%98%80",
        "'",
        '"',
        "%25s",
        "{}",
    ]  # fmt: skip


def test_no_path_breaks_a_route(world):
    for part in PARTS:
        for rule in world.app.url_map.iter_rules():
            path = re.sub(r"<any\('?([^,')]+)[^)]*\):\w+>", r"\1", rule.rule)
            if "<" not in path:
                continue
            path = re.sub(r"<[^>]+>", lambda _, part=part: part, path)
            for method in rule.methods - {"OPTIONS"}:
                answer = world.client.open(path, method=method, headers=ADMIN, json={})
                assert answer.status_code in range(400, 500), (method, rule.rule, answer.status_code)


NEARLY = [
        "//api//surveys",
        "//r",
        "/api/surveys/",
        "/r/",
        "/API/surveys",
        "/api/../api/surveys",
        "/%2Fapi",
        "/w//x.js",
        "/.env",
    ]  # fmt: skip


def test_a_path_that_is_nearly_right_is_a_404(world):
    for path in NEARLY:
        # As the server gives it: the client would read `//r` as a host.
        answer = world.client.get("/", headers=ADMIN, environ_overrides={"PATH_INFO": path})
        assert shape(answer) in (404, 405), path


HUGE = ["a" * 7000, "&" * 7000, "%" * 2000, "=" * 2000, "lang=" + quote("é" * 1000)]


def test_huge_queries_break_nothing(world, make):
    for query in HUGE:
        survey = make.survey()
        for path in (
            "/api/feed",
            "/api/metrics",
            f"/w/{survey.id}.js",
            f"/api/surveys/{survey.id}/qr.svg",
            "/healthz",
            "/r",
        ):
            assert world.client.get(f"{path}?{query}", headers=ADMIN).status_code < 500


TOUCHPOINTS = [("x" * 200, 200), ("😀" * 200, 422), ("é" * 201, 422)]


def test_what_does_not_fit_a_qr_code_is_a_422(world, make):
    for touchpoint, status in TOUCHPOINTS:
        survey = make.survey()
        for kind in ("svg", "png"):
            path = f"/api/surveys/{survey.id}/qr.{kind}"
            answer = world.client.get(path, query_string={"touchpoint": touchpoint}, headers=ADMIN)
            assert answer.status_code == status


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW"]


def test_a_method_that_a_route_does_not_take_is_a_405_with_allow(world):
    routes = world.app.url_map.bind("localhost")
    for path in {path for _, path in paths(world.app, "OPTIONS")}:
        # More than one rule may fit: /api/triggers/backtest is also an id.
        taken = set(routes.allowed_methods(path))
        for method in set(METHODS) - taken:
            answer = world.client.open(path, method=method, headers=ADMIN)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["Allow"].split(", ")) == taken
            # An answer to HEAD has no body.
            assert method == "HEAD" or answer.get_json()["error"]["code"] == "method_not_allowed"


WRONG_KEYS = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic eDp4",
        "bearer " + "x" * 5000,
        "Bearer ü",
        "Bearer \t",
        ADMIN_KEY,
    ]  # fmt: skip


def test_a_wrong_key_is_a_401(world):
    for authorization in WRONG_KEYS:
        for rule, path in paths(world.app, "GET", "POST", "PATCH", "DELETE"):
            if rule.rule.startswith("/api/") and not rule.rule.startswith(("/api/openapi", "/api/docs")):
                for method in rule.methods & {"GET", "POST", "PATCH", "DELETE"}:
                    answer = world.client.open(path, method=method, headers={"Authorization": authorization})
                    assert shape(answer) == 401, (method, path)
                    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


STRANGE_KEYS = ["", "x" * 256, "ü", "\t"]


def test_a_strange_idempotency_key_breaks_nothing(world):
    for key in STRANGE_KEYS:
        answer = world.client.post(
            "/api/surveys", json={"name": "x", "metric": "nps"}, headers={**ADMIN, "Idempotency-Key": key}
        )
        assert answer.status_code in (201, 422)


# ------------------------------------------------------------------------------------- the real service


@pytest.fixture
def live(world):
    """The real service on the test's own database."""
    with servers.service(world.environment) as running:
        yield running


def send(live, path, body, headers, method="POST"):
    """Status, headers and JSON of one call to the real service; `body`: bytes, or an iterable sent in chunks."""
    connection = http.client.HTTPConnection(urlsplit(live.url).netloc, timeout=30)
    chunked = not isinstance(body, bytes)
    try:
        connection.putrequest(method, path)
        for name, value in {**ADMIN, "Content-Type": "application/json", **headers}.items():
            connection.putheader(name, value)
        connection.putheader(
            *(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body))))
        )
        connection.endheaders()
        try:
            for part in body if chunked else [body]:
                connection.send(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
            if chunked:
                connection.send(b"0\r\n\r\n")
        except ConnectionError:
            # Refused before all of it was sent; the answer is there to be read.
            pass
        reply = connection.getresponse()
        return reply.status, reply.headers, json.loads(reply.read())
    finally:
        connection.close()


def bodies_over_the_limit_are_a_413_with_a_length_and_in_chunks(world, live, make):
    survey = make.survey()
    before = rows(world)
    answer = json.dumps(make.answer(survey, score=9)).encode()
    limits = {"/r": (32 * 1024, answer), "/api/surveys": (1024 * 1024, b'{"name": "x", "metric": "nps"}')}
    for path, (limit, good) in limits.items():
        for size in (limit + 1, 10_000_000):
            padded = good + b" " * (size - len(good))
            chunks = [padded[start : start + 8000] for start in range(0, size, 8000)]
            for body in (padded, iter(chunks)):
                status, _, reply = send(live, path, body, {})
                assert (status, reply["error"]["code"]) == (413, "too_large"), (path, size)
    assert rows(world) == before
    for path, (limit, good) in limits.items():
        padded = good + b" " * (limit - len(good))
        body = padded if path == "/r" else iter([padded[:1000], padded[1000:]])
        assert send(live, path, body, {})[0] == 201


def a_compressed_body_is_a_415(world, live, make):
    packed = gzip.compress(json.dumps(make.answer(make.survey(), score=9)).encode())
    before = rows(world)
    for coding in ("gzip", "deflate", "br", "GZIP", "x-gzip", "gzip, identity"):
        for path in ("/r", "/api/surveys"):
            for body in (packed, iter([packed])):
                status, _, reply = send(live, path, body, {"Content-Encoding": coding})
                assert (status, reply["error"]["code"]) == (415, "unsupported_media_type")
    assert rows(world) == before


def a_depth_of_100_000_is_a_422(world, live, make):
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"):
        status, _, reply = send(live, "/api/surveys", body, {})
        assert (status, reply["error"]["code"]) == (422, "invalid")


def a_connection_is_good_for_the_next_call_after_a_refusal(world, live, make):
    connection = http.client.HTTPConnection(urlsplit(live.url).netloc, timeout=30)
    answer = json.dumps(make.answer(make.survey(), score=9)).encode()
    for body, kind, status in (
        (answer + b" " * 40_000, "application/json", 413), (answer, "text/html", 415), (b"{", "text/plain", 400),
        (answer, "application/json", 201),
    ):  # fmt: skip
        connection.request("POST", "/r", body, {"Content-Type": kind})
        reply = connection.getresponse()
        reply.read()
        assert reply.status == status
    connection.close()


BROKEN = (
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /r HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /r HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /r HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: \x00\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
)


def broken_http_is_refused_and_the_service_lives_on(world, live, make):
    address = urlsplit(live.url)
    for raw in BROKEN:
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            first_line = connection.recv(65536).split(b"\r\n")[0]
        assert not re.match(rb"HTTP/1\.\d 5", first_line), (raw, first_line)
    assert servers.answers(f"{live.url}/healthz")


ON_THE_WIRE = (
    bodies_over_the_limit_are_a_413_with_a_length_and_in_chunks,
    a_compressed_body_is_a_415,
    a_depth_of_100_000_is_a_422,
    a_connection_is_good_for_the_next_call_after_a_refusal,
    broken_http_is_refused_and_the_service_lives_on,
)


@ON_SQLITE
def test_what_is_wrong_on_the_wire_is_refused_and_the_service_lives_on(world, live, make):
    for check in ON_THE_WIRE:
        check(world, live, make)


#: Moments for which another zone, the next day or the period before lies outside the calendar.
EDGES = [
    "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00-23:59", "9999-12-31T23:59:59-23:59",
    "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59+14:00", "0001-12-31T00:00:00+00:00", "9998-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+14:00",
]  # fmt: skip


def moments(app):
    """Each place of the document where a moment comes in: method, path, where, name."""
    spec = app.extensions["openapi"]()
    schemas = spec["components"]["schemas"]
    for path, operations in spec["paths"].items():
        for method in operations.keys() & {"get", "post", "patch", "put", "delete"}:
            operation = operations[method]
            for parameter in operation.get("parameters", []):
                if parameter.get("name") in ("since", "until"):
                    yield method, path, "query", parameter["name"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
                for field, schema in schemas.get(name, {}).get("properties", {}).items():
                    if schema.get("format") == "date-time":
                        yield method, path, "body", field


def test_a_moment_at_the_edge_of_the_calendar_is_a_422_that_names_it(world, make):
    survey = make.survey()
    make.response(survey)
    places = sorted(set(moments(world.app)))
    assert {
        ("get", "/api/triggers", "query", "since"),
        ("post", "/api/triggers/backtest", "body", "until"),
    } <= {*places}
    good = {"survey": survey.id, "since": "2026-01-01T00:00:00Z", "metric": "nps"}
    for method, path, where, name in places:
        for edge in EDGES:
            url = re.sub(r"\{kind\}", "csv", re.sub(r"\{(?!kind)[^}]+\}", "unknown", path))
            told = {"query_string": {name: edge}} if where == "query" else {"json": {**good, name: edge}}
            answer = world.client.open(url, method=method.upper(), headers=ADMIN, **told)
            assert shape(answer) == 422, (method, path, name, edge)
            assert name in answer.get_json()["error"]["fields"], (path, edge)
    for edge in EDGES:
        body = {"survey": survey.id, "ticket": {"id": "7", "solved_at": edge}}
        answer = world.client.post("/api/triggers", json=body, headers=ADMIN)
        assert (shape(answer), set(answer.get_json()["error"]["fields"])) == (422, {"ticket.solved_at"})
        cursors = [cursor(edge, "trg_1"), cursor(edge.replace("Z", "+00:00"), "trg_1")]
        for path in ("/api/triggers", "/api/invitations", "/api/surveys", "/api/people", "/api/connections"):
            for odd in cursors:
                assert world.client.get(path, query_string={"cursor": odd}, headers=ADMIN).status_code < 500


def test_a_helpdesk_that_tells_an_impossible_moment_is_asked_about_all_the_same(world, make):
    connection = {"name": "desk", "kind": "generic", "survey": make.survey(quarantine_days=0).id}
    made = world.client.post("/api/connections", json=connection, headers=ADMIN).get_json()
    proof = {"Authorization": f"Bearer {made['secret']}"}
    for number, edge in enumerate(EDGES):
        ticket = {"id": f"T-{number}", "solved_at": edge}
        body = {"type": "ticket.solved", "data": {"ticket": ticket, "customer": {"email": "a@b.example"}}}
        answer = world.client.post(f"/in/{made['id']}", json=body, headers=proof)
        assert (answer.status_code, answer.get_json()["decision"]) == (200, "scheduled"), edge
