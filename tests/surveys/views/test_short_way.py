"""The short way of an answer says what the long way says."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import marshmallow as ma
import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ, run_wsgi_app

from surveys.models import Response, Survey
from surveys.schemas.answers import AnswerBody, plainly

SHOP = "https://shop.example"
EARLIER = "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10"

#: Fields in which names are the callers' own.
FREE = ("properties", "answers", "search_text")

#: By field, values of which some are right and some are not.
VALUES = {
    "id": [EARLIER, EARLIER.upper(), EARLIER.replace("-", ""), "x", 7, None],
    "revision": [1, 2, 1_000_000, 0, 1_000_001, 1.0, "1", True, None],
    "survey": ["sv_1", "", "x" * 100, "x" * 101, 7, None],
    "score": [0, 10, -100, 101, None, True, 9.0, "9"],
    "comment": ["", "Good", "x" * 10_000, "x" * 10_001, None, 7, ["x"]],
    "answers": [
        *({}, {"why": "x"}, {"why": 7, "again": True, "half": 0.5}, {"why": "x" * 10_000}, None, [], "x", 7),
        *({"why": "x" * 10_001}, {"why": None}, {"why": {}}, {"why": ["a", "b"]}, {"why": [1]}, {"": "x"}),
        *(
            {"x" * 100: "x"},
            {"x" * 101: "x"},
            {str(at): at for at in range(50)},
            {str(at): at for at in range(51)},
        ),
    ],
    "edit_key": ["x" * 16, "x" * 15, "x" * 128, "x" * 129, None],
    "invitation": ["t", "", "x" * 301, None],
    "person": [None, {"id": "u-1"}, {"email": "x"}],
    "touchpoint": ["checkout", "", "x" * 201, None, 7],
    "language": ["de", "pt-BR", "x", "de\n", "Deutsch!", "", None, 7],
    "page": ["https://a.example/x?y=1#z", "https://u:p@a.example/", "http://[", "", "x" * 2001, None, 7],
    "properties": [
        *({}, {"plan": "pro"}, {"seats": 7, "paid": False, "share": 0.5, "since": None}, None, [], "x", 7),
        *(
            {"x": [1]},
            {"x": {}},
            {"x": "x" * 2000},
            {"x": "x" * 2001},
            {"": 1},
            {"x" * 100: 1},
            {"x" * 101: 1},
        ),
        *({str(at): at for at in range(50)}, {str(at): at for at in range(51)}),
    ],
    "final": [True, False, None, 1, "true"],
    "channel": ["widget", "kiosk", "fax", None, ["widget"]],
    "contact": ["reply", "news", "both", "fax", None, 7],
    "test": [True, False, None, 0],
    "unknown": [1],
}


@settings(max_examples=600)
@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}))
def test_what_it_takes_is_what_the_schema_loads(body):
    try:
        loaded = AnswerBody().load(body)
    except ma.ValidationError:
        loaded = None
    assert plainly(body) in (None, loaded)


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_what_is_no_object_is_left_alone(body):
    assert plainly(body) is None


def bodies(survey):
    """Pairs of what is said of a call, and its body."""
    fresh = {"id": str(uuid.uuid4()), "survey": survey, "score": 9, "edit_key": "k" * 32}
    yield "new", fresh
    yield "again", fresh
    yield "amended", {**fresh, "revision": 2, "comment": "Später „besser“ 🙂", "final": True}
    yield "without its key", {**fresh, "edit_key": "j" * 32, "revision": 3}
    yield "of another survey", {**fresh, "survey": "sv_unknown"}
    yield "outside the scale", {**fresh, "id": str(uuid.uuid4()), "score": 11}
    yield "with a person", {**fresh, "id": str(uuid.uuid4()), "person": {"id": "u-1"}}
    yield (
        "with a page",
        {"id": str(uuid.uuid4()), "survey": survey, "page": "https://a.example/x?y#z", "channel": "link"},
    )
    yield (
        "with properties",
        {"id": str(uuid.uuid4()), "survey": survey, "properties": {"plan": "pro", "seats": 7}},
    )
    yield (
        "with answers",
        {"id": str(uuid.uuid4()), "survey": survey, "answers": {"why": "Ärger", "again": True}},
    )
    yield "with wrong properties", {"id": str(uuid.uuid4()), "survey": survey, "properties": {"plan": []}}
    yield "not ours", {**fresh, "id": str(uuid.uuid4()), "invitation": "forged"}
    yield "unknown field", {**fresh, "colour": "red"}


HEADERS = {
    "from no page": {},
    "from a shop": {"Origin": SHOP},
    "from a stranger": {"Origin": "https://evil.example"},
    "from ourselves": {"Origin": "http://localhost"},
    "from nowhere": {"Origin": "null"},
}


@pytest.mark.parametrize("name", HEADERS)
def test_both_ways_give_the_same_answer_and_the_same_row(world, make, name):
    """Each call is made to two surveys alike, to one on the short way and to the other on the long one."""
    told = []
    short, long = world.app.wsgi_app, world.app.wsgi_app.long_way
    with time_machine.travel(datetime(2026, 9, 14, 10, 15, tzinfo=UTC), tick=False) as clock:
        for way in (short, long):
            world.app.wsgi_app = way
            survey = make.survey(allowed_origins=[SHOP]).id
            said = []
            for about, body in bodies(survey):
                clock.shift(1)
                answer = world.client.post("/r", json=body, headers=HEADERS[name])
                shown = json.loads(answer.data)
                for given in ("id", "survey", "created_at", "editable_until"):
                    shown.pop(given, None)
                shown.get("error", {}).pop("request_id", None)
                kept = {
                    k.lower(): v
                    for k, v in answer.headers.items()
                    if k.lower() not in ("x-request-id", "content-length")
                }
                said.append((about, answer.status, shown, kept))
            rows = Response.select().where(Response.survey == survey).order_by(Response.key)
            left = [
                [
                    getattr(row, name)
                    for name in ("score", "comment", "page", "channel", "revision", "final", "flags", *FREE)
                ]
                for row in rows
            ]
            told.append((said, left))
    world.app.wsgi_app = short
    (short_said, short_left), (long_said, long_left) = told
    assert [pair for pair in zip(short_said, long_said, strict=True) if pair[0] != pair[1]] == []
    assert short_left == long_left


def test_the_ordinary_answer_takes_it_and_nothing_else_does(world, make):
    survey = make.survey(allowed_origins=[SHOP]).id
    taken = []
    world.app.wsgi_app.long_way, long_way = (
        lambda *call: taken.append(1) or long_way(*call),
        world.app.wsgi_app.long_way,
    )

    def went_long(**call):
        taken.clear()
        world.client.post("/r", **{"json": {"id": str(uuid.uuid4()), "survey": survey, "score": 9}, **call})
        return bool(taken)

    raw = json.dumps({"id": str(uuid.uuid4()), "survey": survey, "score": 9})
    assert not went_long()
    assert not went_long(headers={"Origin": SHOP})
    told = {"properties": {"plan": "pro", "seats": 7}, "answers": {"why": "x", "again": True}}
    assert not went_long(json={"id": str(uuid.uuid4()), "survey": survey, "score": 9, **told})
    assert not went_long(json=None, data=raw, content_type="text/plain;charset=UTF-8")
    assert went_long(json=None, data=raw, content_type="application/xml")
    assert went_long(headers={"Origin": "https://evil.example"})
    assert went_long(headers={"Content-Encoding": "gzip"})
    assert went_long(query_string={"x": "1"})
    assert went_long(json={"id": str(uuid.uuid4()), "survey": survey, "person": {"id": "u"}})
    assert went_long(json=None, data="{", content_type="application/json")


def test_a_page_that_names_no_host_is_answered_all_the_same(world, make):
    """HTTP/1.0 asks for none."""
    survey = make.survey(allowed_origins=[SHOP]).id
    environ = create_environ("/r", method="POST", headers={"Origin": SHOP}, json={
        "id": str(uuid.uuid4()), "survey": survey, "score": 9,
    })  # fmt: skip
    del environ["HTTP_HOST"]
    assert run_wsgi_app(world.app.wsgi_app, environ)[1] == "201 CREATED"


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

#: What changes of a survey behind the back of a process that remembers it, and what an answer then gets.
CHANGES = [
    ({"allowed_origins": []}, 403),
    ({"status": "archived", "archived_at": LONG_AGO}, 404),
    ({"metric": "csat"}, 422),
    ({"require_signed_identity": True}, 422),
    ({"definition": 7, "edit_window_hours": 1}, 201),
]


@pytest.mark.parametrize(("change", "status"), CHANGES)
def test_no_answer_is_recorded_by_what_a_survey_was_before(world, make, change, status):
    survey = make.survey(allowed_origins=[SHOP]).id

    def answer(**fields):
        body = {"id": str(uuid.uuid4()), "survey": survey, "score": 9, **fields}
        return world.client.post("/r", json=body, headers={"Origin": SHOP})

    assert [answer().status_code for _ in range(2)] == [201, 201]
    Survey.update(change).where(Survey.id == survey).execute()
    answered = answer()
    assert answered.status_code == status
    rows = list(Response.select().where(Response.survey == survey).order_by(Response.key))
    assert len(rows) == 2 + (status == 201)
    if status == 201:
        assert rows[-1].definition == 7
        made, until = (
            datetime.fromisoformat(answered.json[name]) for name in ("created_at", "editable_until")
        )
        assert until - made == timedelta(hours=1)


def test_no_later_revision_is_recorded_by_what_a_survey_was_before(world, make):
    survey = make.survey(allowed_origins=[SHOP]).id
    body = {"id": str(uuid.uuid4()), "survey": survey, "score": 9, "edit_key": "k" * 32}
    assert world.client.post("/r", json=body).status_code == 201
    Survey.update(allowed_origins=[]).where(Survey.id == survey).execute()
    later = world.client.post("/r", json={**body, "revision": 2, "score": 1}, headers={"Origin": SHOP})
    assert later.status_code == 403
    assert Response.get(Response.survey == survey).score == 9
