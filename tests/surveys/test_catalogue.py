"""Surveys that are deleted while answers come in."""

import threading

import pytest

from surveys import catalogue, daily_counts, recording, responses
from surveys.base import clock, db
from surveys.models import DailyCount, Erased, Invitation, Response, Survey, Trigger


@pytest.fixture
def survey(make, api, monkeypatch):
    """A survey with five answers, three invitations and their receipts, deleted two rows at a time."""
    monkeypatch.setattr(catalogue, "AT_ONCE", 2)
    survey = make.survey()
    for number in range(3):
        api.post("/api/triggers", {"survey": survey.id, "person": {"email": f"a{number}@example.com"}}, 200)
    for _ in range(5):
        make.response(survey)
    return survey


def delete(api, survey):
    api.delete(f"/api/surveys/{survey.id}", responses="delete")


def test_a_survey_goes_with_all_that_hangs_on_it_in_small_transactions(api, survey, monkeypatch):
    sizes = []
    remove = catalogue._delete_some

    def counted(*arguments):
        tables = (Response, Invitation, Trigger)
        before = sum(table.select().count() for table in tables)
        gone = remove(*arguments)
        sizes.append(before - sum(table.select().count() for table in tables))
        return gone

    monkeypatch.setattr(catalogue, "_delete_some", counted)
    delete(api, survey)
    assert max(sizes) == 2
    assert Survey.get_or_none(Survey.id == survey.id) is None
    assert [table.select().count() for table in (Response, Invitation, Trigger, DailyCount)] == [0] * 4
    assert Erased.select().count() == 5
    assert daily_counts.differences() == []


def test_a_survey_that_is_being_deleted_takes_no_answer(world, api, make, survey, monkeypatch):
    statuses = []
    remove = responses.remove

    def answer():
        try:
            statuses.append(world.client.post("/r", json=make.answer(survey)).status_code)
        finally:
            db.forget_connection()

    def removed(row, now):
        if not statuses:
            caller = threading.Thread(target=answer)
            caller.start()
            caller.join()
        remove(row, now)

    monkeypatch.setattr(responses, "remove", removed)
    delete(api, survey)
    assert statuses == [404]
    assert Response.select().count() == 0


def test_an_answer_that_was_still_being_written_goes_too(api, make, survey, monkeypatch):
    """As an import does, which a survey takes also when it is archived."""
    write, late = db.write, []

    def written(verb, *more):
        result = write(verb, *more)
        if not late and not Response.select().exists():
            late.append(True)
            answer = recording.Answer(id="0" * 32, revision=1, vouched=True, values={"score": 3})
            recording.record(survey, answer, clock.now())
        return result

    monkeypatch.setattr(catalogue.db, "write", written)
    delete(api, survey)
    assert late
    assert Survey.get_or_none(Survey.id == survey.id) is None
    assert Response.select().count() == 0


def test_an_answer_to_a_survey_deleted_a_moment_ago_finds_nothing(world, api, make, survey, monkeypatch):
    """Whoever read the survey before it went."""
    delete(api, survey)
    monkeypatch.setattr(recording, "survey_of", lambda _: survey)
    assert world.client.post("/r", json=make.answer(survey)).status_code == 404


def test_responses_are_not_deleted_by_accident(api, survey):
    api.delete(f"/api/surveys/{survey.id}", 409)
    kept = Survey.get_by_id(survey.id)
    assert (kept.status, Response.select().count()) == ("active", 5)
