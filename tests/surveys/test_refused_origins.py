"""Which websites were refused can be seen in the survey, and costs nothing that a flood could ask for."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import peewee
import pytest

from surveys import catalogue, refused_origins
from surveys.base import clock, db
from surveys.models import RefusedOrigin

SHOP = "https://shop.example"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def survey(make):
    return make.survey(allowed_origins=[SHOP])


def call(world, path, origin, body=None):
    return world.client.post(path, json=body or {}, headers={"Origin": origin}).status_code


def refused(api, survey):
    """Origin and count, the last one first."""
    return [
        (each["origin"], each["count"]) for each in api.get(f"/api/surveys/{survey.id}")["refused_origins"]
    ]


def test_a_refused_call_is_counted_by_its_origin(world, api, make, survey):
    answer = make.answer(survey, score=9)
    person = {"person": {"id": "u1"}}
    assert call(world, "/r", "https://www.shop.example", answer) == 403
    assert call(world, f"/w/{survey.id}/ask", "https://www.shop.example", person) == 403
    assert call(world, f"/w/{survey.id}/event", "null", {"invitation": None, "event": "shown"}) == 403
    assert call(world, "/r", SHOP, answer) == 201
    assert set(refused(api, survey)) == {("null", 1), ("https://www.shop.example", 2)}
    (listed,) = [each for each in api.get("/api/surveys")["items"] if each["id"] == survey.id]
    assert listed["refused_origins"] == api.get(f"/api/surveys/{survey.id}")["refused_origins"]
    assert abs(datetime.fromisoformat(listed["refused_origins"][0]["last_at"]) - clock.now()) < timedelta(
        minutes=1
    )
    assert refused(api, make.survey()) == []


def test_an_origin_that_is_allowed_by_now_is_not_named(world, api, make, survey):
    call(world, "/r", "https://www.shop.example", make.answer(survey, score=9))
    api.patch(f"/api/surveys/{survey.id}", {"allowed_origins": [SHOP, "https://WWW.shop.example:443"]})
    assert refused(api, survey) == []
    assert call(world, "/r", "https://www.shop.example", make.answer(survey, score=9)) == 201


def test_the_newest_are_kept_each_cut(api, survey):
    for number in range(50):
        refused_origins.note(survey, f"https://{number:02}.example", NOW + timedelta(seconds=number))
        if number % 7 == 0:
            refused_origins.write()
    refused_origins.note(survey, "https://" + "x" * 5000 + "\x00\n", NOW + timedelta(hours=1))
    found = refused(api, survey)
    assert found[0] == ("https://" + "x" * 192, 1)
    assert found[1:] == [(f"https://{number:02}.example", 1) for number in range(49, 30, -1)]
    assert RefusedOrigin.select().count() == refused_origins.MOST


def test_a_flood_of_refused_calls_is_a_write_a_second(world, api, make, survey, monkeypatch):
    monkeypatch.setattr(refused_origins, "PAUSE_SECONDS", 3600)
    writes = []
    write = db.write
    monkeypatch.setattr(db, "write", lambda *given: (writes.append(1), write(*given))[1])
    for number in range(100):
        assert call(world, "/r", f"https://{number}.example", make.answer(survey, score=9)) == 403
    assert len(refused(api, survey)) == refused_origins.MOST
    assert writes == []
    refused_origins.write()
    assert (len(writes), RefusedOrigin.select().count()) == (1, refused_origins.MOST)


def test_what_was_counted_is_written_soon_by_itself(survey, monkeypatch):
    monkeypatch.setattr(refused_origins, "PAUSE_SECONDS", 0.01)
    for count, at in ((1, NOW), (2, NOW + timedelta(days=1))):
        refused_origins.note(survey, "https://a.example", at)
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join()
        (row,) = RefusedOrigin.select()
        assert (row.count, row.last_at) == (count, at)


def test_what_cannot_be_written_is_kept_until_it_can(api, survey, monkeypatch):
    monkeypatch.setattr(refused_origins, "PAUSE_SECONDS", 3600)
    refused_origins.note(survey, "https://a.example", NOW)
    with monkeypatch.context() as patch:

        def away(*_):
            raise peewee.OperationalError("database or disk is full")

        patch.setattr(db, "write", away)
        with pytest.raises(peewee.OperationalError):
            refused_origins.write()
        refused_origins.note(survey, "https://a.example", NOW)
        assert refused(api, survey) == [("https://a.example", 2)]
        for number in range(100):
            refused_origins.note(survey, f"https://{number}.example", NOW - timedelta(days=1))
            with pytest.raises(peewee.OperationalError):
                refused_origins.write()
        assert len(refused_origins._counted[survey.id]) == refused_origins.MOST
    refused_origins.write()
    assert RefusedOrigin.get(RefusedOrigin.origin == "https://a.example").count == 2
    assert refused(api, survey)[0] == ("https://a.example", 2)


def test_a_survey_that_was_deleted_meanwhile_keeps_nothing_back(api, make, survey):
    other = make.survey()
    refused_origins.note(survey, "https://a.example", NOW)
    refused_origins.write()
    refused_origins.note(survey, "https://a.example", NOW)
    refused_origins.note(other, "https://a.example", NOW)
    catalogue.delete(survey, True, NOW)
    refused_origins.write()
    assert refused(api, other) == [("https://a.example", 1)]
    assert RefusedOrigin.select().count() == 1


def test_metrics_count_refused_calls_and_name_nobody(world, api, make, survey):
    def count():
        text = world.client.get("/metrics").text
        (line,) = [each for each in text.splitlines() if each.startswith("earshot_origins_refused_total")]
        return float(line.split()[1])

    before = count()
    origin = f"https://{uuid.uuid4().hex}.example"
    call(world, "/r", origin, make.answer(survey, score=9))
    world.client.options("/r", headers={"Origin": origin})
    assert count() == before + 2
    assert origin not in world.client.get("/metrics").text
