"""Responses over the API: imported, looked up, corrected, excluded, deleted."""

import uuid

import pytest

from feedback.models import Placement, Reading, Topic
from surveys import daily_counts, responses
from surveys.base import clock, jobs
from surveys.models import Response
from tests.conftest import ON_SQLITE

LAST_MAY = "2026-05-04T10:00:00Z"


def test_an_import_brings_all_that_a_helpdesk_knows(api, make):
    survey = make.survey("csat")
    body = {
        "survey": survey.id,
        "score": 2,
        "comment": "It took a week",
        "created_at": LAST_MAY,
        "person": {"email": "ann@example.com", "name": "Ann"},
        "agent": {"id": "a1", "name": "Maya"},
        "team": {"id": "t1", "name": "Support"},
        "ticket": {"id": "77", "number": "1077", "subject": "Refund", "channel": "chat"},
        "tags": ["refund", "refund", "slow"],
        "channel": "email",
        "language": "en",
        "properties": {"plan": "pro"},
    }
    item = api.post("/api/responses", body)
    assert item["created_at"] == "2026-05-04T10:00:00.000Z"
    assert (item["agent"], item["team"]) == ({"id": "a1", "name": "Maya"}, {"id": "t1", "name": "Support"})
    assert (item["ticket"]["number"], item["tags"], item["channel"]) == ("1077", ["refund", "slow"], "email")
    assert (item["person"]["name"], item["person"]["verified"]) == ("Ann", True)
    assert api.get(f"/api/responses/{item['id']}") == item
    assert api.get("/api/feed", tag="slow", agent="a1")["items"] == [item]
    person = api.get("/api/people", email="ann@example.com")["items"][0]
    assert person["last_answered_at"] == item["created_at"]


def test_history_that_is_imported_is_read_behind_what_is_said_now(api, make):
    survey = make.survey()
    old = api.post("/api/responses", {"survey": survey.id, "score": 3, "created_at": LAST_MAY})
    api.post("/api/responses", {"survey": survey.id, "score": 4})
    api.post(
        "/api/responses", {"id": old["id"], "survey": survey.id, "score": 5, "created_at": LAST_MAY}, 200
    )
    states = [job.state for job in jobs.Job.select().order_by(jobs.Job.id)]
    assert states == [jobs.BULK, jobs.NEW, jobs.BULK]
    assert (jobs.backlog(clock.now()), jobs.hold()) == ({"bulk": 2, "new": 1}, 3)


def test_an_import_counts_on_its_own_day(api, make):
    survey = make.survey()
    api.post("/api/responses", {"survey": survey.id, "score": 10, "created_at": LAST_MAY})
    number = api.get("/api/metrics", survey=survey.id, since="2026-05-04", until="2026-05-05")
    assert (number["n"], number["value"]) == (1, 100.0)
    assert daily_counts.differences() == []


def test_an_import_repeated_with_its_id_is_one_row(api, make):
    body = {"survey": make.survey().id, "score": 7, "id": str(uuid.uuid4()), "created_at": LAST_MAY}
    first = api.post("/api/responses", body)
    assert api.post("/api/responses", body, 200) == first
    assert api.post("/api/responses", {**body, "score": 7, "id": body["id"].upper()}, 200) == first
    assert Response.select().count() == 1


def test_an_import_that_says_otherwise_amends_whenever_it_comes(api, make, world):
    body = {
        "survey": make.survey().id,
        "id": str(uuid.uuid4()),
        "created_at": LAST_MAY,
        "score": 7,
        "comment": "Fine",
        "agent": {"id": "a1", "name": "Maya"},
        "tags": ["old"],
    }
    first = api.post("/api/responses", body)
    api.patch(f"/api/responses/{first['id']}", {"tags": ["vip"]})
    later = {**body, "score": 2, "agent": {"id": "a2", "name": "Noa"}, "person": {"id": "u1", "name": "Ann"}}
    second = api.post("/api/responses", later, 200)
    assert (second["score"], second["group"], second["comment"]) == (2, "detractor", "Fine")
    assert (second["agent"]["id"], second["person"]["name"]) == ("a2", "Ann")
    assert (second["tags"], second["created_at"]) == (["vip"], first["created_at"])
    assert api.post("/api/responses", later, 200) == second
    assert api.get("/api/metrics", survey=body["survey"])["counts"]["detractor"] == 1
    assert api.get("/api/feed", agent="a2")["items"][0]["id"] == first["id"]
    assert daily_counts.differences() == []


def test_many_imports_of_one_moment_all_find_a_place(api, make):
    body = {"survey": make.survey().id, "score": 7, "created_at": "2026-05-04T00:00:00Z"}
    for _ in range(60):
        api.post("/api/responses", body)
    assert Response.select().count() == 60
    assert len(api.get("/api/responses", since="2026-05-04", until="2026-05-05")["items"]) == 50


@ON_SQLITE
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"score": 11}, "score"),
        ({"score": "9"}, "score"),
        ({"survey": "sv_missing"}, "survey"),
        ({"created_at": "2999-01-01T00:00:00Z"}, "created_at"),
        ({"created_at": "2026-05-04T10:00:00"}, "created_at"),
        ({"created_at": "1950-05-04T10:00:00Z"}, "created_at"),
        ({"id": "7"}, "id"),
        ({"channel": "pigeon"}, "channel"),
        ({"agent": {"name": "Maya"}}, "agent.id"),
        ({"tags": [""]}, "tags.0"),
        ({"edit_key": "0" * 32}, "edit_key"),
        ({"excluded": True}, "excluded"),
    ],
)
def test_an_import_that_cannot_be_is_refused_by_field(api, make, change, field):
    body = {"survey": make.survey().id, "score": 9, **change}
    assert list(api.post("/api/responses", body, 422)["error"]["fields"]) == [field]
    assert Response.select().count() == 0


def test_an_import_needs_no_signature_and_reaches_an_archived_survey(api, make):
    survey = make.survey(require_signed_identity=True, status="archived")
    item = api.post("/api/responses", {"survey": survey.id, "score": 9, "person": {"id": "u1"}})
    assert item["person"]["verified"] is True


def test_an_import_names_id_and_address_as_one_persons(api, make):
    """As a trigger does: whoever may import vouches for both, so a follow-up may write to the address."""
    person = {"id": "u1", "email": "Ada@Example.com"}
    response = api.post("/api/responses", {"survey": make.survey().id, "score": 2, "person": person})["id"]
    (found,) = api.get("/api/people", id="u1")["items"]
    assert (found["email"], found["email_claimed"], found["verified"]) == ("ada@example.com", False, True)
    case = api.post("/api/follow-ups", {"response": response})["id"]
    api.call(
        "POST", f"/api/follow-ups/{case}/reply", 202, json={"text": "We look into it.", "language": "en"}
    )


def test_what_a_person_says_of_a_response_stands(api, make, world):
    row = make.response(make.survey(), 9, comment="Wonderful, just wonderful")
    Topic.create(id="top_a", label="Checkout", created_at=clock.now())
    world.work()
    version = api.get(f"/api/responses/{row.id}")["version"]
    said = {"tags": ["vip"], "topics": ["top_a"], "sentiment": "negative"}
    item = api.patch(f"/api/responses/{row.id}", said)
    assert item["tags"] == ["vip"]
    assert item["topics"] == [{"id": "top_a", "label": "Checkout", "evidence": [], "sentiment": None}]
    assert item["sentiment"] == {"label": "negative", "score": -1.0}
    assert item["version"] > version
    assert Reading.get().by_person
    assert Placement.get().by_person
    responses.touch(row.key, clock.now())
    world.work()
    assert api.get(f"/api/responses/{row.id}")["sentiment"]["label"] == "negative"
    assert api.patch(f"/api/responses/{row.id}", {"topics": []})["topics"] == []
    assert [i["id"] for i in api.get("/api/feed", tag="vip", sentiment="negative")["items"]] == [row.id]


def test_where_a_person_put_a_response_no_revision_of_the_respondent_takes_it_away(api, make, world):
    survey = make.survey()
    Topic.create(id="top_a", label="Checkout", created_at=clock.now())
    for comment in (None, "The checkout was slow"):
        row = make.response(survey, 3, comment=comment)
        world.work()
        api.patch(f"/api/responses/{row.id}", {"topics": ["top_a"]})
        Placement.update(evidence=["slow"]).execute()
        make.response(survey, 3, id=row.id, revision=2, comment=None, final=True)
        world.work()
        (topic,) = api.get(f"/api/responses/{row.id}")["topics"]
        assert (topic["id"], topic["evidence"]) == ("top_a", [])
        assert Placement.get(Placement.response == row.key).by_person


def test_a_sentiment_that_a_person_gives_first_leaves_the_rest_to_be_read(api, make, world):
    survey = make.survey()
    row = make.response(
        survey, 10, comment="Die Lieferung war furchtbar, niemand hat mir geantwortet, schrecklich!"
    )
    api.patch(f"/api/responses/{row.id}", {"sentiment": "neutral"})
    world.work()
    item = api.get(f"/api/responses/{row.id}")
    assert (item["language"], item["sentiment"]) == ("de", {"label": "neutral", "score": 0.0})
    read = Reading.get_by_id(row.key)
    assert (read.by_person, read.text_label, read.shipped_label is not None) == (True, "negative", True)
    assert [each["id"] for each in api.get("/api/feed", language="de", mismatch="1")["items"]] == [row.id]
    version = item["version"]
    responses.exclude(row, True, clock.now())
    world.work()
    assert api.get(f"/api/responses/{row.id}")["version"] == version + 1
    make.response(survey, 10, id=row.id, revision=2, comment="")
    world.work()
    item = api.get(f"/api/responses/{row.id}")
    assert (item["language"], item["sentiment"]["label"]) == (None, "neutral")


def test_an_excluded_response_leaves_the_number_and_comes_back(api, make):
    survey = make.survey()
    row = make.response(survey, 0, flags=["burst"])
    assert api.get("/api/metrics", survey=survey.id)["n"] == 0
    assert api.patch(f"/api/responses/{row.id}", {"excluded": False})["excluded"] is False
    assert api.get("/api/metrics", survey=survey.id)["n"] == 1
    api.patch(f"/api/responses/{row.id}", {"excluded": True})
    assert api.get("/api/metrics", survey=survey.id)["n"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"topics": ["top_missing"], "tags": ["x"]}, "topics"),
        ({"sentiment": "angry"}, "sentiment"),
        ({"excluded": "yes"}, "excluded"),
        ({"score": 3}, "score"),
        ({"tags": "vip"}, "tags"),
    ],
)
def test_a_correction_is_taken_whole_or_not_at_all(api, make, body, field):
    row = make.response(make.survey())
    assert list(api.call("PATCH", f"/api/responses/{row.id}", 422, json=body)["error"]["fields"]) == [field]
    assert api.get(f"/api/responses/{row.id}")["tags"] == []


def test_a_deleted_response_is_gone_and_followers_learn_it(api, make):
    survey = make.survey()
    row = make.response(survey, 0)
    api.delete(f"/api/responses/{row.id}")
    api.get(f"/api/responses/{row.id}", 404)
    api.delete(f"/api/responses/{row.id}", 404)
    assert api.get("/api/metrics", survey=survey.id)["n"] == 0
    assert api.get("/api/feed", order="changed")["items"] == [{"id": row.id, "deleted": True, "version": 2}]


def test_a_limited_key_meets_foreign_responses_as_missing_ones(api, make):
    mine, other = make.survey(), make.survey()
    own, foreign = make.response(mine), make.response(other)
    limited = type(api)(api.world, make.key("write", surveys=[mine.id]))
    assert [item["id"] for item in limited.get("/api/responses")["items"]] == [own.id]
    for method in ("GET", "PATCH", "DELETE"):
        answers = [
            limited.call(method, f"/api/responses/{id_}", 404, **({"json": {}} if method == "PATCH" else {}))
            for id_ in (foreign.id, str(uuid.uuid4()))
        ]
        assert len({str({**answer["error"], "request_id": ""}) for answer in answers}) == 1
    refusals = [
        limited.post("/api/responses", {"survey": id_, "score": 1}, 422) for id_ in (other.id, "sv_missing")
    ]
    assert refusals[0]["error"]["fields"] == refusals[1]["error"]["fields"]


def test_reading_needs_read_and_changing_needs_write(api, make):
    row = make.response(make.survey())
    reader = type(api)(api.world, make.key("read"))
    reader.get(f"/api/responses/{row.id}")
    reader.patch(f"/api/responses/{row.id}", {"tags": []}, 403)
    reader.delete(f"/api/responses/{row.id}", 403)
    reader.post("/api/responses", {"survey": row.survey_id}, 403)


def test_pages_of_responses_follow_each_other(api, make):
    survey = make.survey()
    made = [make.response(survey).id for _ in range(5)]
    first = api.get("/api/responses", limit=3)
    second = api.get("/api/responses", limit=3, cursor=first["next"])
    assert [i["id"] for i in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None
    api.get("/api/responses", 422, cursor="nonsense")
