"""POST /r and OPTIONS /r as the contract has them."""

import contextlib
import http.client
import json
import re
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine

from surveys import people, recording, responses
from surveys.base import db, signing
from surveys.domain.metrics import METRICS
from surveys.models import Person, Response
from tests import servers
from tests.conftest import ON_SQLITE
from tests.make import EDIT_KEY
from tests.threads import together

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SHOP, FOREIGN = "https://shop.example", "https://foreign.example"


def fields(answer, status=422):
    """The fields an error names; everything else about the error's shape is checked on the way."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    error = answer.get_json()["error"]
    assert set(error) == {"code", "message", "fields", "request_id"}
    assert error["request_id"] == answer.headers["X-Request-Id"]
    return set(error["fields"])


def cors(answer):
    """What the CORS headers of an answer allow; whoever may read it may also read how long to wait."""
    headers = {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}
    exposed = headers.pop("Access-Control-Expose-Headers", None)
    assert exposed == ("Retry-After" if headers else None)
    return headers


def test_the_first_recording_is_a_201_and_a_repeat_a_200_with_the_same_body(client, make):
    survey = make.survey(edit_window_hours=24)
    body = make.answer(survey, score=9, edit_key=EDIT_KEY)
    with time_machine.travel(NOW, tick=False):
        first = client.post("/r", json=body)
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        again = client.post("/r", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert first.get_json() == {
        "id": body["id"], "survey": survey.id, "score": 9, "group": "promoter", "revision": 1,
        "created_at": "2026-03-10T12:00:00.000Z", "editable_until": "2026-03-11T12:00:00.000Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    "typed", [" {}", "{}\n", "\t{} ", "\u00a0{}\u200b", "\ufeff{}", "{}.", " {}.\r\n"], ids=ascii
)
def test_nobodys_answer_is_refused_for_what_a_template_left_around_an_address(client, api, make, typed):
    survey, plain = make.survey(), "robin@shop.example"
    body = make.answer(survey, person={"email": typed.format(plain)})
    assert client.post("/r", json=body).status_code == 201
    person = api.post("/api/people", {"email": typed.format(plain)})
    assert person["email"] == plain
    assert api.post("/api/people", {"email": plain}, status=200)["id"] == person["id"]


@pytest.mark.parametrize("digit", "0fF")
def test_an_id_that_a_script_did_not_make_is_refused(client, make, digit):
    """Else the answers of all visitors of its page would be one."""
    nil = re.sub("[0-9]", digit, str(uuid.UUID(int=0)))
    assert fields(client.post("/r", json={**make.answer(make.survey()), "id": nil})) == {"id"}
    # Any other is somebody's, however little chance there is in it.
    ones = {**make.answer(make.survey()), "id": "11111111-1111-1111-1111-111111111111"}
    assert client.post("/r", json=ones).status_code == 201


@pytest.mark.parametrize("nothing", ["id", "email", "name", "signature"])
def test_null_is_nothing_said_of_who_answers(client, api, make, nothing):
    person = {"id": "u-1", "email": "robin@shop.example", "name": "Robin", "signature": "00"}
    body = make.answer(make.survey(), person={**person, nothing: None})
    assert client.post("/r", json=body).status_code == 201
    assert client.post("/r", json=make.answer(make.survey(), person=dict.fromkeys(person))).status_code == 201


def test_what_a_template_left_around_a_signature_is_no_part_of_it(client, make):
    survey = make.survey(require_signed_identity=True)

    def signature(text):
        return signing.hmac_sha256_hex(people.identity_secret(survey), text)

    for typed in (f" {signature('u-1')}", f"{signature('u-1')}\n", f"v2={signature('id:u-1')}\r\n"):
        body = make.answer(survey, person={"id": "u-1", "signature": typed})
        assert client.post("/r", json=body).status_code == 201


def test_a_score_is_not_needed_at_first(client, make):
    answer = client.post("/r", json=make.answer(make.survey()))
    assert answer.status_code == 201
    assert (answer.get_json()["score"], answer.get_json()["group"]) == (None, None)


def test_the_same_json_is_taken_as_text(client, make):
    body = make.answer(make.survey(), score=9, comment="Größe 日本")
    for kind in ("text/plain", "text/plain; charset=utf-8", "text/plain;charset=UTF-8"):
        body["id"] = str(uuid.uuid4())
        answer = client.post("/r", data=json.dumps(body).encode(), content_type=kind)
        assert answer.status_code == 201
        assert Response.get(Response.id == body["id"]).comment == "Größe 日本"


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/html", None]
)
def test_any_other_type_is_a_415(client, make, kind):
    body = json.dumps(make.answer(make.survey(), score=9))
    fields(client.post("/r", data=body, content_type=kind), 415)
    assert not Response.select().exists()


@pytest.mark.parametrize("key", METRICS)
def test_a_score_must_fit_the_scale_of_the_metric(client, make, key):
    survey, metric = make.survey(key), METRICS[key]
    for score in range(metric.minimum - 2, metric.maximum + 3):
        answer = client.post("/r", json=make.answer(survey, score=score))
        if score in metric.scores:
            assert answer.status_code == 201
            assert answer.get_json()["group"] == metric.group_of(score)
        else:
            assert fields(answer) == {"score"}


@ON_SQLITE
@pytest.mark.parametrize(
    "score", ["4.9", '"4"', "true", "4.0", "4e0", "[4]", "{}", "false", '""', "0.5", "10e400"]
)
def test_whole_numbers_are_strict(client, make, score):
    body = json.dumps(make.answer(make.survey(), score="?")).replace('"?"', score)
    answer = client.post("/r", data=body, content_type="application/json")
    assert fields(answer) <= {"score"}
    assert not Response.select().exists()


@ON_SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "not-a-uuid"), ("id", None), ("id", 4), ("id", "{6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10}"),
        ("id", "6f1c1a526f0e4b7e9d593f2b8f6f7a10"),
        ("revision", 0), ("revision", 1.0), ("revision", "1"), ("revision", True), ("revision", None),
        ("revision", 10**12), ("survey", 5), ("survey", ""), ("comment", 5), ("comment", "x" * 10_001),
        ("comment", ["a"]), ("answers", []), ("answers", {"q": {"nested": 1}}), ("answers", "x"), ("edit_key", "short"),
        ("edit_key", 5), ("person", "ann"), ("person", []), ("person", {"email": "no address"}), ("person", {"id": 5}),
        ("person", {"surname": "x"}), ("language", "not a tag!"), ("language", 5), ("page", 5), ("page", "x" * 2001),
        ("properties", []), ("properties", {"a": {"b": 1}}), ("properties", {"a": [1]}),
        ("properties", {str(n): n for n in range(51)}), ("final", 1), ("final", "true"), ("channel", "sms"),
        ("channel", None), ("test", "yes"), ("test", 0), ("nonsense", 1), ("created_at", "2026-01-01T00:00:00Z"),
        ("excluded", False), ("flags", []), ("touchpoint", "x" * 201), ("invitation", 7), ("invitation", "forged"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_422_that_names_the_field(client, make, field, value):
    answer = client.post("/r", json={**make.answer(make.survey(), score=9), field: value})
    assert {name.partition(".")[0] for name in fields(answer)} == {field}
    assert not Response.select().exists()


@pytest.mark.parametrize("field", ["id", "survey"])
def test_id_and_survey_are_required(client, make, field):
    body = make.answer(make.survey(), score=9)
    del body[field]
    assert fields(client.post("/r", json=body)) == {field}


def test_an_id_is_the_same_however_it_is_written(client, make):
    body = make.answer(make.survey(), score=9)
    assert client.post("/r", json=body).status_code == 201
    assert client.post("/r", json={**body, "id": body["id"].upper()}).status_code == 200
    assert Response.select().count() == 1


def test_clashes_are_409(client, make):
    survey, other = make.survey(edit_window_hours=1), make.survey()
    body = make.answer(survey, score=9, edit_key=EDIT_KEY)
    with time_machine.travel(NOW, tick=False):
        assert client.post("/r", json=body).status_code == 201
        assert fields(client.post("/r", json={**body, "survey": other.id}), 409) == {"id"}
        assert fields(client.post("/r", json={**body, "edit_key": "f" * 32}), 409) == {"edit_key"}
        assert fields(client.post("/r", json={k: v for k, v in body.items() if k != "edit_key"}), 409)
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        assert fields(client.post("/r", json={**body, "revision": 2, "score": 1}), 409) == set()
        assert client.post("/r", json=body).status_code == 200
        assert client.post("/r", json={**body, "revision": 2}).status_code == 200
    assert Response.get().score == 9


def test_unsigned_people_are_refused_where_identity_is_required(client, make):
    survey = make.survey(require_signed_identity=True)
    assert fields(client.post("/r", json=make.answer(survey, score=9))) == {"person"}
    body = make.answer(survey, score=9, person={"id": "u1", "signature": "0" * 64})
    assert fields(client.post("/r", json=body)) == {"person"}
    assert not Person.select().exists()


def test_an_unknown_and_an_archived_survey_are_the_same_404(client, api, make):
    with time_machine.travel(NOW, tick=False):
        survey = make.survey()
        unknown = client.post("/r", json=make.answer("sv_unknown", score=9))
        api.patch(f"/api/surveys/{survey.id}", {"status": "archived"})
    with time_machine.travel(NOW + timedelta(hours=72), tick=False):
        assert client.post("/r", json=make.answer(survey, score=9)).status_code == 201
    with time_machine.travel(NOW + timedelta(hours=72, seconds=1), tick=False):
        archived = client.post("/r", json=make.answer(survey, score=9))
    assert (fields(unknown, 404), fields(archived, 404)) == (set(), set())
    assert bytes_but_for_id(unknown) == bytes_but_for_id(archived)


def test_a_survey_that_was_made_archived_is_not_open_for_ever(client, make):
    with time_machine.travel(NOW, tick=False):
        survey = make.survey(status="archived")
    with time_machine.travel(NOW + timedelta(hours=73), tick=False):
        assert client.post("/r", json=make.answer(survey, score=9)).status_code == 404


def bytes_but_for_id(answer):
    """The body without the request's id."""
    return answer.get_data().replace(answer.headers["X-Request-Id"].encode(), b"")


def test_a_paused_survey_still_takes_queued_answers(client, make):
    assert client.post("/r", json=make.answer(make.survey(status="paused"), score=9)).status_code == 201


def test_a_test_answer_is_kept_and_never_counts(client, api, make):
    survey = make.survey()
    assert client.post("/r", json=make.answer(survey, score=0, test=True)).status_code == 201
    assert api.get("/api/metrics", survey=survey.id)["n"] == 0
    assert api.get("/api/feed")["items"][0]["test"] is True


def test_in_test_mode_what_begins_is_a_test_for_good_and_what_began_before_is_none(client, api, make):
    survey = make.survey()
    before, within = make.answer(survey, score=9), make.answer(survey, score=0, test=False)
    assert client.post("/r", json=before).status_code == 201
    api.patch(f"/api/surveys/{survey.id}", {"test_mode": True})
    assert client.post("/r", json=within).status_code == 201
    assert client.post("/r", json={**before, "score": 10, "revision": 2}).status_code == 200
    imported = {"id": str(uuid.uuid4()), "survey": survey.id, "score": 8}
    assert not api.post("/api/responses", imported)["test"]
    assert api.patch(f"/api/surveys/{survey.id}", {"test_mode": False})["test_mode"] is False
    assert client.post("/r", json={**within, "score": 1, "test": False, "revision": 7}).status_code == 200
    found = {item["id"]: (item["score"], item["test"]) for item in api.get("/api/feed")["items"]}
    assert found == {before["id"]: (10, False), within["id"]: (1, True), imported["id"]: (8, False)}
    assert api.get("/api/metrics", survey=survey.id)["n"] == 2
    # Whoever left the mode on by mistake imports what was real after all.
    api.post("/api/responses", {"id": within["id"], "survey": survey.id, "score": 1, "test": False}, 200)
    assert api.get("/api/metrics", survey=survey.id)["n"] == 3
    assert api.get(f"/api/responses/{within['id']}")["test"] is False


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ("https://shop.example/thanks?order=5&mail=a@b.c#top", "https://shop.example/thanks"),
        ("https://ann:secret@shop.example:8443/a/b", "https://shop.example:8443/a/b"),
        ("https://shop.example?x=1", "https://shop.example"),
        ("/thanks?x=1", "/thanks"),
        ("http://[broken", None),
        ("", ""),
    ],
)
def test_the_page_is_kept_without_query_fragment_and_credentials(client, make, page, kept):
    assert client.post("/r", json=make.answer(make.survey(), score=9, page=page)).status_code == 201
    assert Response.get().page == kept


# ---------------------------------------------------------------------------------------------- CORS


@ON_SQLITE
@pytest.mark.parametrize(
    ("origin", "status", "allowed"),
    [
        (None, 201, False),
        (SHOP, 201, True),
        ("http://localhost", 201, False),
        (FOREIGN, 403, False),
        ("null", 403, False),
        ("https://shop.example:443", 403, False),
        ("https://shop.example.evil.example", 403, False),
        ("http://shop.example", 403, False),
        ("HTTPS://SHOP.EXAMPLE", 403, False),
        ("", 403, False),
    ],
)
def test_who_may_post_from_where(client, make, origin, status, allowed):
    survey = make.survey(allowed_origins=[SHOP])
    make.survey(allowed_origins=["https://other.example"])
    headers = {} if origin is None else {"Origin": origin}
    answer = client.post("/r", json=make.answer(survey, score=9), headers=headers)
    assert answer.status_code == status
    assert cors(answer) == ({"Access-Control-Allow-Origin": SHOP} if allowed else {})
    assert "Origin" in answer.vary
    assert Response.select().count() == (status == 201)


def test_an_origin_that_only_another_survey_allows_is_foreign(client, make):
    survey = make.survey(allowed_origins=[SHOP])
    make.survey(allowed_origins=[FOREIGN])
    answer = client.post("/r", json=make.answer(survey, score=9), headers={"Origin": FOREIGN})
    assert (answer.status_code, cors(answer)) == (403, {})


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (SHOP, 204),
        ("https://paused.example", 204),
        ("https://archived.example", 403),
        (FOREIGN, 403),
        ("null", 403),
    ],
)
def test_a_preflight_is_answered_for_the_origins_of_living_surveys(client, make, origin, status):
    make.survey(allowed_origins=["https://first.example", SHOP])
    make.survey(allowed_origins=["https://paused.example"], status="paused")
    make.survey(allowed_origins=["https://archived.example"], status="archived")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = client.options("/r", headers={"Origin": origin, **asked})
    assert answer.status_code == status
    assert "Origin" in answer.vary
    given = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type",
        "Access-Control-Max-Age": "86400",
    }
    assert cors(answer) == (given if status == 204 else {})
    assert answer.get_data() == b"" or status == 403


def test_a_page_may_read_every_refusal(client, make):
    survey = make.survey(allowed_origins=[SHOP])
    good = make.answer(survey, score=9, edit_key=EDIT_KEY)
    assert client.post("/r", json=good, headers={"Origin": SHOP}).status_code == 201
    text = json.dumps(good)
    cases = {
        400: {"data": "{", "content_type": "text/plain"},
        404: {"json": {**good, "survey": "sv_gone"}},
        409: {"json": {**good, "edit_key": "f" * 32}},
        413: {"data": text + " " * 40_000, "content_type": "text/plain"},
        415: {"data": text, "content_type": "text/html"},
        422: {"json": {**good, "score": 99}},
    }
    for status, options in cases.items():
        answer = client.post("/r", headers={"Origin": SHOP}, **options)
        fields(answer, status)
        assert cors(answer) == {"Access-Control-Allow-Origin": SHOP}, status
        if status != 409:
            foreign = client.post("/r", headers={"Origin": FOREIGN}, **options)
            assert cors(foreign) == {}, status
    packed = client.post(
        "/r", data=text, headers={"Origin": SHOP, "Content-Encoding": "gzip"}, content_type="text/plain"
    )
    fields(packed, 415)
    assert cors(packed) == {"Access-Control-Allow-Origin": SHOP}


def test_a_page_may_read_that_the_database_is_away(client, make, monkeypatch):
    survey = make.survey(allowed_origins=[SHOP])

    def fail(*_):
        raise db.DatabaseAway("gone")

    monkeypatch.setattr(recording, "record", fail)
    answer = client.post("/r", json=make.answer(survey, score=9), headers={"Origin": SHOP})
    fields(answer, 503)
    assert cors(answer) == {"Access-Control-Allow-Origin": SHOP}
    assert re.fullmatch(r"\d+", answer.headers["Retry-After"])


# --------------------------------------------------------------------------------------------- limits


class TestLimits:
    """With a PUBLIC_LIMIT of 5."""

    @pytest.fixture
    def settings_overrides(self):
        """Five writes a minute, behind one proxy."""
        return {"PUBLIC_LIMIT": "5", "TRUSTED_PROXIES": "1"}

    def post(self, client, make, survey, address="203.0.113.5", **headers):
        """An answer from an address."""
        return client.post(
            "/r", json=make.answer(survey, score=9), headers={"X-Forwarded-For": address, **headers}
        )

    def test_the_sixth_write_in_any_sixty_seconds_is_refused(self, client, make):
        survey = make.survey(allowed_origins=[SHOP])
        with time_machine.travel(NOW, tick=False) as clock:
            for _ in range(5):
                assert self.post(client, make, survey).status_code == 201
                clock.shift(10)
            # 50 s after the first.
            refused = self.post(client, make, survey, Origin=SHOP)
            fields(refused, 429)
            assert refused.headers["Retry-After"] in ("10", "11")
            assert cors(refused) == {"Access-Control-Allow-Origin": SHOP}
            clock.shift(10.001)
            assert self.post(client, make, survey).status_code == 201
            assert self.post(client, make, survey).status_code == 429
            clock.shift(10)
            assert self.post(client, make, survey).status_code == 201

    def test_waiting_as_long_as_told_is_enough(self, client, make):
        survey = make.survey()
        with time_machine.travel(NOW, tick=False) as clock:
            for _ in range(5):
                self.post(client, make, survey)
            refused = self.post(client, make, survey)
            clock.shift(int(refused.headers["Retry-After"]))
            assert self.post(client, make, survey).status_code == 201

    @ON_SQLITE
    @pytest.mark.parametrize(
        ("first", "second", "together"),
        [
            ("203.0.113.5", "203.0.113.6", False),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
            ("::ffff:203.0.113.5", "203.0.113.5", True),
            ("9.9.9.9, 203.0.113.5", "8.8.8.8, 203.0.113.5", True),
            ("203.0.113.5, 9.9.9.9", "203.0.113.5, 8.8.8.8", False),
            ("9.9.9.9:1234", "8.8.8.8:1234", False),
            ("9.9.9.9:1234", "9.9.9.9:4321", True),
            ("[2001:db8:1:2::1]:1", "2001:db8:1:2::9", True),
            ("[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", False),
            ("_a", "_b:80", False),
            ("unknown", "unknown", True),
            ("unknown", "9.9.9.9", False),
            # Nobody is named: the proxy itself.
            ("203.0.113.5, unknown", "203.0.113.6, -", True),
        ],
    )
    def test_what_counts_as_one_address(self, client, make, first, second, together):
        survey = make.survey()
        for _ in range(5):
            assert self.post(client, make, survey, first).status_code == 201
        assert self.post(client, make, survey, second).status_code == (429 if together else 201)

    @pytest.mark.parametrize(
        ("first", "second", "together"),
        [
            ({"Forwarded": "for=9.9.9.9;proto=https"}, {"Forwarded": "for=8.8.8.8"}, False),
            ({"Forwarded": 'for="9.9.9.9:1"'}, {"Forwarded": "by=1.2.3.4;For=9.9.9.9"}, True),
            ({"Forwarded": "for=1.1.1.1, for=9.9.9.9"}, {"Forwarded": "for=2.2.2.2, for=9.9.9.9"}, True),
            ({"Forwarded": 'for="[2001:db8::1]:80"'}, {"X-Forwarded-For": "2001:db8::2"}, True),
            # A proxy that writes the one lets the other pass as it came.
            (
                {"X-Forwarded-For": "9.9.9.9", "Forwarded": "for=1.1.1.1"},
                {"X-Forwarded-For": "9.9.9.9", "Forwarded": "for=2.2.2.2"},
                True,
            ),
        ],
    )
    def test_the_standard_header_names_the_caller_too(self, client, make, first, second, together):
        survey = make.survey()
        for headers, status in [(first, 201)] * 5 + [(second, 429 if together else 201)]:
            sent = client.post("/r", json=make.answer(survey, score=9), headers=headers)
            assert sent.status_code == status

    def test_many_threads_get_exactly_the_limit(self, world, make):
        survey = make.survey()
        statuses = together(20, lambda _: self.post(world.client, make, survey).status_code)
        assert Counter(statuses) == {201: 5, 429: 15}


class TestWithoutProxies:
    """TRUSTED_PROXIES 0: nobody is believed."""

    @pytest.fixture
    def settings_overrides(self):
        """Two writes a minute."""
        return {"PUBLIC_LIMIT": "2"}

    def test_a_forged_address_does_not_help(self, client, make):
        survey = make.survey()
        statuses = [
            client.post(
                "/r", json=make.answer(survey, score=9), headers={"X-Forwarded-For": f"203.0.113.{n}"}
            ).status_code
            for n in range(3)
        ]
        assert statuses == [201, 201, 429]


class TestBurst:
    """More new answers of one network than the limit allows one address."""

    @pytest.fixture
    def settings_overrides(self):
        """Three a minute."""
        return {"PUBLIC_LIMIT": "3", "TRUSTED_PROXIES": "1"}

    def test_the_answers_over_the_limit_are_kept_but_do_not_count(self, client, api, make):
        survey, other = make.survey(), make.survey()

        def post(number, chosen=survey):
            answer = make.answer(chosen, score=0)
            sent = client.post("/r", json=answer, headers={"X-Forwarded-For": f"203.0.113.{number}"})
            assert sent.status_code == 201
            return Response.get(Response.id == answer["id"])

        with time_machine.travel(NOW, tick=False) as clock:
            rows = [post(number) for number in range(5)]
            assert [row.flags for row in rows] == [None, None, None, ["burst"], ["burst"]]
            assert api.get("/api/metrics", survey=survey.id)["n"] == 3
            assert post(9, other).flags is None
            clock.shift(61)
            assert post(7).flags is None

    def test_it_is_off_with_a_limit_of_0(self, make, world):
        survey = make.survey()
        rows = []
        for _ in range(9):
            answer = recording.Answer(
                id=str(uuid.uuid4()), revision=1, values={"score": 9}, network="203.0.113.0/24"
            )
            rows.append(recording.record(survey, answer, NOW, 0)[0])
        assert {bool(row.flags) for row in rows} == {False}


def test_no_address_is_kept_in_the_clear(client, make):
    survey = make.survey()
    client.post("/r", json=make.answer(survey, score=9), environ_base={"REMOTE_ADDR": "198.51.100.77"})
    row = Response.get()
    assert "198.51.100" not in repr(row.__data__)
    responses.forget_networks(row.created_at + timedelta(hours=47))
    assert Response.get().abuse_key
    responses.forget_networks(row.created_at + timedelta(hours=49))
    assert Response.get().abuse_key is None


# --------------------------------------------------------------------------- the real service, in parallel


@pytest.fixture
def several(world):
    """Three web processes on the test's own database, with a limit of 20."""
    environment = {**world.environment, "PUBLIC_LIMIT": "20", "WEB_CONCURRENCY": "3"}
    with servers.service(environment) as running:
        yield running


def post_all(service, answers):
    """The statuses of these answers, sent one after the other over one connection."""
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
    statuses = []
    with contextlib.closing(connection):
        for answer in answers:
            connection.request("POST", "/r", json.dumps(answer), {"Content-Type": "text/plain"})
            reply = connection.getresponse()
            reply.read()
            statuses.append(reply.status)
    return statuses


def test_the_limit_is_exact_over_several_processes(several, make):
    survey = make.survey()
    statuses = together(60, lambda _: post_all(several, [make.answer(survey, score=9)])[0])
    assert Counter(statuses) == {201: 20, 429: 40}
    assert Response.select().count() == 20


def test_the_same_id_from_fifty_threads_gives_one_row_each(world, make):
    survey = make.survey()
    answers = [make.answer(survey, score=index % 11) for index in range(10)]
    with servers.service(world.environment) as service:
        statuses = Counter(
            status for found in together(50, lambda _: post_all(service, answers)) for status in found
        )
    assert statuses == {201: 10, 200: 10 * 49}
    assert {row.id: row.score for row in Response.select()} == {a["id"]: a["score"] for a in answers}
