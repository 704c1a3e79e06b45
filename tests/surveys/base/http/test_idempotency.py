"""Idempotency-Key: the first answer again, and nothing made twice."""

from collections import Counter
from datetime import timedelta

import pytest
import time_machine

from surveys.base import clock, db
from surveys.base.http import idempotency
from surveys.models import Survey
from tests.conftest import ADMIN_KEY, Api
from tests.threads import together

BODY = {"name": "x", "metric": "nps"}


def post(world, key, body=BODY, path="/api/surveys", secret=ADMIN_KEY):
    """A creating call."""
    headers = {"Idempotency-Key": key}
    return Api(world, secret).call("POST", path, json=body, headers=headers)


def test_the_same_key_and_body_give_the_first_answer_again(world):
    first, again = post(world, "k"), post(world, "k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_data() == again.get_data()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Survey.select().where(Survey.name == "x").count() == 1


def test_the_same_key_with_another_body_is_a_422(world):
    post(world, "k")
    assert post(world, "k", {**BODY, "name": "y"}).status_code == 422
    assert not Survey.select().where(Survey.name == "y").exists()


def test_one_callers_key_is_not_anothers(world, make):
    post(world, "k")
    assert "Idempotent-Replayed" not in post(world, "k", secret=make.key("write")).headers
    assert Survey.select().where(Survey.name == "x").count() == 2
    assert post(world, "k", {"name": "x", "scopes": ["read"]}, "/api/keys").status_code == 201


def test_a_call_that_made_nothing_leaves_the_key_free(world):
    assert post(world, "k", {**BODY, "metric": "none"}).status_code == 422
    assert post(world, "k").status_code == 201


def test_many_at_once_make_one(world):
    statuses = Counter(together(12, lambda _: post(world, "k").status_code))
    assert set(statuses) <= {201, 409}
    assert Survey.select().where(Survey.name == "x").count() == 1


class Killed(BaseException):
    """What a kill -9 does, as far as the code can tell."""


def test_a_call_that_died_after_it_made_something_makes_nothing_twice(world, monkeypatch):
    first = clock.now()

    def killed(*_):
        raise Killed

    with time_machine.travel(first, tick=False), monkeypatch.context() as patch:
        patch.setattr(idempotency, "finish", killed)
        with pytest.raises(Killed):
            post(world, "k")
    said = {}
    for moment in (timedelta(0), idempotency.ABANDONED + timedelta(seconds=1), timedelta(hours=23)):
        with time_machine.travel(first + moment, tick=False):
            answer = post(world, "k")
        assert answer.status_code == 409
        said[moment] = answer.get_json()["error"]["message"]
    still, cut_off, later = said.values()
    assert "still running" in still
    assert "cut off" in cut_off
    assert cut_off == later
    assert Survey.select().where(Survey.name == "x").count() == 1


def test_old_calls_are_found_by_an_index(world):
    """Each hour looks for them, and every key that comes looks for its own."""
    table = idempotency.IdempotentCall._meta.table_name
    assert any("created_at" in index.columns for index in db.database.get_indexes(table))


def test_a_key_is_forgotten_after_a_day(world):
    first = clock.now()
    with time_machine.travel(first, tick=False):
        post(world, "k")
    with time_machine.travel(first + timedelta(days=1, seconds=1), tick=False):
        assert "Idempotent-Replayed" not in post(world, "k").headers
