"""Daily counts while answers come in."""

import threading

import pytest

from surveys import daily_counts
from surveys.base import db
from surveys.models import Response


@pytest.fixture
def meanwhile(world, make, monkeypatch):
    """Another caller answers each time that the responses are counted, just before or just after."""
    survey = make.survey()
    for _ in range(3):
        make.response(survey, 9)
    callers = []

    def answer():
        try:
            make.response(survey, 9)
        finally:
            db.forget_connection()

    def start():
        callers.append(threading.Thread(target=answer))
        callers[-1].start()
        # On time, unless it is made to wait.
        callers[-1].join(1)

    count = daily_counts._from_responses

    def counted(when):
        def run():
            if when == "before":
                start()
            rows = count()
            if when == "after":
                start()
            return rows

        monkeypatch.setattr(daily_counts, "_from_responses", run)

    def settle():
        monkeypatch.setattr(daily_counts, "_from_responses", count)
        for caller in callers:
            caller.join()

    counted.settle = settle
    yield counted
    settle()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("which", [0, 7])
def test_an_answer_during_a_recount_is_counted_once(meanwhile, monkeypatch, when, which):
    daily_counts.rebuild()
    # Which of the rows of a day the answer is counted in (PostgreSQL).
    monkeypatch.setattr(daily_counts.random, "randrange", lambda _: which)
    meanwhile(when)
    daily_counts.rebuild()
    meanwhile.settle()
    assert Response.select().count() == 4
    assert daily_counts.differences() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_while_counts_are_compared_is_no_difference(meanwhile, when):
    meanwhile(when)
    assert daily_counts.differences() == []
