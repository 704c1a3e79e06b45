"""What is done once an hour, and what the worker looks for again."""

import random
from datetime import timedelta

import pytest

from surveys import daily_counts
from surveys.base import clock, db, jobs, worker
from surveys.base.http import idempotency
from surveys.models import DailyCount, Response


@pytest.fixture
def now():
    return clock.now()


def test_the_hour_tidies_what_is_over(world, make, now):
    row = make.response(make.survey(), at=now - timedelta(hours=49))
    Response.update(abuse_key="x").where(Response.key == row.key).execute()
    db.write(lambda: idempotency.begin("old", "body", now - timedelta(days=2)))
    world.work()
    done = jobs.Job.update(created_at=now - timedelta(days=2)).where(jobs.Job.state == jobs.DONE).execute()
    assert done == 1
    worker.do_duties(now)
    assert Response.get().abuse_key is None
    assert jobs.Job.select().count() == 0
    assert idempotency.IdempotentCall.select().count() == 0


def test_a_duty_that_fails_keeps_no_other_from_being_done(world, make, now, monkeypatch):
    def broken(_):
        raise RuntimeError("broken")

    done = []
    monkeypatch.setattr(worker, "_hourly", {"broken": broken, "sound": done.append})
    worker.do_duties(now)
    assert done == [now]


def test_the_slots_of_past_days_become_one_and_the_numbers_stay(world, make, now):
    survey = make.survey()
    dice = random.Random(1)
    for _ in range(40):
        make.response(
            survey, dice.randrange(11), at=now - timedelta(days=dice.choice([0, 1, 2]), minutes=dice.random())
        )
    today = daily_counts.day_of(now)
    fresh = DailyCount.select().where(DailyCount.day == today).count()
    removed = daily_counts.compact(now)
    assert (removed > 0) is (world.kind == "postgresql")
    assert DailyCount.select().where(DailyCount.slot > 0, DailyCount.day < today).count() == 0
    assert DailyCount.select().where(DailyCount.day == today).count() == fresh
    assert daily_counts.differences() == []
    assert daily_counts.compact(now) == 0
    make.response(survey, 5, at=now - timedelta(days=1))
    assert daily_counts.differences() == []


class Ringer:
    """Remembers in how many seconds the worker is to look again."""

    def __init__(self):
        self.delays = []

    def ring_in(self, seconds):
        self.delays.append(seconds)


@pytest.fixture
def ringer(world, monkeypatch):
    """Stands for what rings the bell."""
    made = Ringer()
    monkeypatch.setattr(worker, "_next_look", None)
    monkeypatch.setattr(worker, "_ringer", made)
    return made


@pytest.mark.parametrize(
    ("seconds", "looks"), [(-9, [1.0]), (0, [1.0]), (5, [5.0]), (59, [59.0]), (61, []), (None, [])]
)
def test_the_worker_looks_again_when_a_job_is_soon_due(ringer, now, seconds, looks):
    if seconds is not None:
        due = now + timedelta(seconds=seconds)
        db.write(lambda: jobs.enqueue("later", {}, now, due))
    worker.look_again(now)
    worker.look_again(now)
    assert ringer.delays == looks


def test_a_database_that_cannot_say_when_the_next_job_is_due_is_asked_again(ringer, now, monkeypatch):
    def away(now):
        raise db.DatabaseAway("gone")

    monkeypatch.setattr(jobs, "next_due", away)
    worker.look_again(now)
    assert ringer.delays == [1.0]


def test_an_earlier_job_brings_the_look_forward(ringer, now):
    for seconds in (50, 10, 30):
        due = now + timedelta(seconds=seconds)
        db.write(lambda due=due: jobs.enqueue("later", {}, now, due))
        worker.look_again(now)
    assert ringer.delays == [50.0, 10.0]


def test_dead_jobs_run_again_once_released(world, now):
    db.write(lambda: jobs.enqueue("kind a", {}, now))
    db.write(lambda: jobs.enqueue("kind b", {}, now))
    jobs.Job.update(state=jobs.DEAD, attempts=10).execute()
    assert jobs.release(now, "kind a") == 1
    assert jobs.overview() == [("kind a", "new", 1), ("kind b", "dead", 1)]
    assert jobs.release(now) == 1
