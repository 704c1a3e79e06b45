"""People over the API: made, found, changed, handed out, erased."""

from datetime import timedelta

import pytest
import time_machine

from surveys import links
from surveys.base import clock, ids
from surveys.models import Invitation, Person
from tests.conftest import ON_SQLITE


def put(api, status=201, **values):
    return api.post("/api/people", values, status)


def test_a_person_is_made_once_and_then_brought_up_to_date(api):
    made = put(api, email="Ann@Example.com ".strip(), name="Ann", properties={"plan": "pro"})
    assert made["id"].startswith("per_")
    assert (made["email"], made["verified"], made["language"]) == ("ann@example.com", True, None)
    again = put(api, 200, email="ann@example.com", language="de")
    assert (again["id"], again["name"], again["language"]) == (made["id"], "Ann", "de")
    assert again["properties"] == {"plan": "pro"}
    assert len(api.get("/api/people")["items"]) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"email": "ANN@example.com"}, {"ann@example.com"}),
        ({"email": "cid@example.com"}, {"cid@example.com"}),
        ({"id": "c-1"}, {"cid@example.com"}),
        ({"email": "nobody@example.com"}, set()),
        ({}, {"ann@example.com", "bob@example.com", "cid@example.com"}),
    ],
)
def test_people_are_found_by_address_and_by_id(api, query, found):
    put(api, email="ann@example.com")
    put(api, email="bob@example.com")
    put(api, id="c-1", email="cid@example.com")
    assert {item["email"] for item in api.get("/api/people", **query)["items"]} == found


def test_our_own_id_finds_a_person_too(api):
    made = put(api, email="ann@example.com")
    assert [item["id"] for item in api.get("/api/people", id=made["id"])["items"]] == [made["id"]]
    assert api.get(f"/api/people/{made['id']}") == made


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "Ann"}, "email"),
        ({"email": "not an address"}, "email"),
        ({"email": "a@example.com", "unsubscribed_at": None}, "unsubscribed_at"),
        ({"email": "a@example.com", "verified": True}, "verified"),
        ({"email": "a@example.com", "language": "x y"}, "language"),
        ({"email": "a@example.com", "properties": {"a": {"b": 1}}}, "properties"),
    ],
)
def test_a_person_that_cannot_be_is_refused_by_field(api, body, field):
    assert list(api.post("/api/people", body, 422)["error"]["fields"]) == [field]


def test_a_person_changes_and_clashes_with_nobody(api):
    ann, bob = put(api, email="ann@example.com"), put(api, email="bob@example.com")
    changed = api.patch(f"/api/people/{ann['id']}", {"email": "ann@new.example", "company": "Acme"})
    assert (changed["email"], changed["company"]) == ("ann@new.example", "Acme")
    api.patch(f"/api/people/{bob['id']}", {"email": "ann@new.example"}, 409)
    api.patch(f"/api/people/{bob['id']}", {"email": None}, 409)
    assert api.get(f"/api/people/{bob['id']}")["email"] == "bob@example.com"


def test_a_person_with_an_id_keeps_the_address_apart(api):
    made = put(api, id="u1", email="ann@example.com")
    moved = api.patch(f"/api/people/{made['id']}", {"external_id": None})
    assert (moved["external_id"], moved["email"]) == (None, "ann@example.com")
    assert put(api, 200, email="ann@example.com")["id"] == made["id"]


def test_unsubscribing_holds_for_every_row_of_the_address(api, make):
    survey = make.survey()
    make.response(survey, person={"email": "ann@example.com"})
    ann = put(api, email="ann@example.com")
    first = api.post(f"/api/people/{ann['id']}/unsubscribe", {}, 200)["unsubscribed_at"]
    assert first
    assert api.post(f"/api/people/{ann['id']}/unsubscribe", {}, 200)["unsubscribed_at"] == first
    assert Person.select().where(Person.unsubscribed_at.is_null()).count() == 0


def test_an_export_holds_all_that_is_known(api, make):
    ann = put(api, email="ann@example.com", name="Ann", properties={"plan": "pro"})
    survey = make.survey()
    invitation = invite(survey, ann["id"])
    make.response(survey, 3, comment="Too slow", invitation=links.invitation_token(invitation.id))
    make.response(survey, 5, comment="By a mere claim", person={"email": "ann@example.com"})
    make.response(survey, 9, comment="Somebody else", person={"email": "bob@example.com"})
    tables = api.get(f"/api/people/{ann['id']}/export")["tables"]
    assert {row["comment"] for row in tables["response"]} == {"Too slow", "By a mere claim"}
    assert {row["email"] for row in tables["person"]} == {"ann@example.com"}
    assert [row["id"] for row in tables["invitation"]] == [invitation.id]
    assert "edit_key_hash" not in tables["response"][0]


def test_erasing_takes_the_answers_and_keeps_the_numbers_right(api, make, world):
    survey = make.survey()
    ann = put(api, email="ann@example.com")
    make.response(survey, 0, invitation=links.invitation_token(invite(survey, ann["id"]).id))
    make.response(survey, 0, person={"email": "ann@example.com"})
    kept = make.response(survey, 10, person={"email": "bob@example.com"})
    world.work()
    assert api.get("/api/metrics", survey=survey.id)["n"] == 3
    api.delete(f"/api/people/{ann['id']}")
    assert [item["id"] for item in api.get("/api/feed")["items"]] == [kept.id]
    number = api.get("/api/metrics", survey=survey.id)
    assert (number["n"], number["value"]) == (1, 100.0)
    assert api.get("/api/people", email="ann@example.com")["items"] == []
    deleted = [item for item in api.get("/api/feed", order="changed")["items"] if item.get("deleted")]
    assert len(deleted) == 2
    assert Invitation.select().count() == 0


def test_a_mere_claim_never_erases_the_owner_of_an_address(api, make):
    put(api, email="ann@example.com")
    make.response(make.survey(), person={"email": "ann@example.com"})
    claimed = next(item for item in api.get("/api/people")["items"] if not item["verified"])
    api.delete(f"/api/people/{claimed['id']}")
    assert [item["verified"] for item in api.get("/api/people")["items"]] == [True]


def test_a_key_limited_to_a_survey_sees_only_whom_it_heard(api, make):
    mine, other = make.survey(), make.survey()
    heard = make.response(mine, person={"email": "heard@example.com"}).person_id
    foreign = make.response(other, person={"email": "foreign@example.com"}).person_id
    limited = type(api)(api.world, make.key("write", surveys=[mine.id]))
    assert [item["id"] for item in limited.get("/api/people")["items"]] == [heard]
    limited.get(f"/api/people/{heard}")
    limited.patch(f"/api/people/{heard}", {"name": "X"}, 403)
    limited.delete(f"/api/people/{heard}", 403)
    limited.post("/api/people", {"email": "new@example.com"}, 403)
    missing = limited.get("/api/people/per_missing", 404)["error"]
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/export"),
        ("POST", "/unsubscribe"),
    ):
        body = {"json": {}} if method in ("PATCH", "POST") else {}
        answer = limited.call(method, f"/api/people/{foreign}{path}", 404, **body)["error"]
        assert {**answer, "request_id": ""} == {**missing, "request_id": ""}


def test_a_limited_key_does_not_learn_when_other_surveys_asked_or_heard(api, make):
    mine, other = make.survey(quarantine_days=0), make.survey(quarantine_days=0)
    limited = type(api)(api.world, make.key("write", surveys=[mine.id]))
    then, later = clock.now() - timedelta(days=9), clock.now() + timedelta(days=1)
    ask = {"person": {"email": "ann@example.com"}, "deliver": False}
    with time_machine.travel(then, tick=False):
        token = api.post("/api/triggers", {**ask, "survey": mine.id}, 200)["invitation"]["url"]
        make.response(mine, 9, at=clock.now(), invitation=token.rpartition("/")[2])
        then = clock.stamp(clock.now())
    with time_machine.travel(later, tick=False):
        token = api.post("/api/triggers", {**ask, "survey": other.id}, 200)["invitation"]["url"]
        make.response(other, 9, at=clock.now(), invitation=token.rpartition("/")[2])
        later = clock.stamp(clock.now())
    (seen,) = limited.get("/api/people")["items"]
    assert (seen["last_asked_at"], seen["last_answered_at"]) == (then, then)
    assert limited.get(f"/api/people/{seen['id']}") == seen
    whole = api.get(f"/api/people/{seen['id']}")
    assert (whole["last_asked_at"], whole["last_answered_at"]) == (later, later)


def test_a_repeated_call_with_its_key_makes_one_person(api):
    headers = {"Idempotency-Key": "once"}
    first = api.post("/api/people", {"email": "ann@example.com"}, headers=headers)
    again = api.call("POST", "/api/people", json={"email": "ann@example.com"}, headers=headers)
    assert (again.status_code, again.get_json()) == (201, first)
    assert again.headers["Idempotent-Replayed"] == "true"


def invite(survey, person_id):
    return Invitation.create(
        id=ids.new("inv"),
        survey=survey.id,
        person=person_id,
        channel="email",
        status="sent",
        sent_at=clock.now(),
        created_at=clock.now(),
    )
