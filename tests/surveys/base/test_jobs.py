"""Jobs: written with their cause, taken by one, tried again, and at last dead."""

import contextlib
import threading
from datetime import UTC, datetime, timedelta

import pytest

from surveys.base import db, jobs
from surveys.base.jobs import Job
from tests.threads import together

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def handled(monkeypatch, world):
    """What the handlers of the kinds "good", "bad" and "slow" were called with; no other handler is registered."""
    calls = []
    monkeypatch.setattr(jobs, "_handlers", {})
    jobs.on("good")(lambda payload, now: calls.append(payload["n"]))

    @jobs.on("bad")
    def bad(payload, now):
        calls.append(payload["n"])
        raise ValueError("a text that somebody wrote")

    return calls


def add(kind, number, due_at=None):
    """Write a job as its cause would."""
    db.write(lambda: jobs.enqueue(kind, {"n": number}, NOW, due_at))


def run(now=NOW):
    """Be the worker at a moment."""
    return jobs.run_due(lambda: now)


def test_a_job_is_written_with_its_cause_or_not_at_all(handled):
    def verb():
        jobs.enqueue("good", {"n": 1}, NOW)
        raise LookupError

    with pytest.raises(LookupError):
        db.write(verb)
    assert run() == 0
    assert handled == []


def test_jobs_run_once_in_the_order_they_became_due(handled):
    add("good", 2, NOW + timedelta(seconds=2))
    add("good", 1)
    assert run() == 1
    assert run(NOW + timedelta(seconds=2)) == 1
    assert run(NOW + timedelta(days=1)) == 0
    assert handled == [1, 2]
    assert {job.state for job in Job.select()} == {jobs.DONE}


def test_a_failing_job_never_stops_the_next(handled):
    for number, kind in enumerate(["bad", "good", "bad", "good", "unheard of"]):
        add(kind, number)
    assert run() == 5
    assert handled == [0, 1, 2, 3]
    assert [job.state for job in Job.select().order_by(Job.id)] == [
        "failed",
        "done",
        "failed",
        "done",
        "done",
    ]


def test_a_failure_is_tried_again_later_and_later_and_is_then_dead(handled):
    add("bad", 1)
    now = NOW
    for wait in jobs.RETRY_AFTER:
        assert run(now) == 1
        job = Job.get()
        assert job.state == jobs.FAILED
        assert wait <= (job.due_at - now).total_seconds() <= wait * 1.1
        assert run(job.due_at - timedelta(seconds=1)) == 0
        now = job.due_at
    assert run(now) == 1
    assert Job.get().state == jobs.DEAD
    assert run(now + timedelta(days=365)) == 0
    assert len(handled) == len(jobs.RETRY_AFTER) + 1
    assert jobs.backlog(now) == {"dead": 1}


def test_what_is_kept_of_a_failure_quotes_nobody(handled):
    add("bad", 1)
    run()
    assert Job.get().error == "ValueError"


def test_a_job_whose_worker_died_is_taken_again_after_its_lease(handled):
    add("good", 1)
    Job.update(state=jobs.RUNNING, attempts=1, lease_until=NOW + jobs.LEASE).execute()
    assert run(NOW + jobs.LEASE) == 0
    assert run(NOW + jobs.LEASE + timedelta(seconds=1)) == 1
    assert handled == [1]


def test_a_job_that_kills_its_worker_each_time_ends_dead(handled):
    """Neither result nor error ever comes back; the lease alone tells."""
    add("good", 1)
    Job.update(state=jobs.RUNNING, attempts=len(jobs.RETRY_AFTER) + 1, lease_until=NOW).execute()
    add("good", 2)
    run(NOW + timedelta(minutes=10))
    assert handled == [2]
    assert [job.state for job in Job.select().order_by(Job.id)] == [jobs.DEAD, jobs.DONE]


def test_the_neighbours_of_a_job_that_kills_its_worker_are_done(handled, monkeypatch):
    moment = [NOW]

    class Killed(BaseException):
        pass

    @jobs.on("deadly")
    def deadly(payload, now):
        raise Killed

    add("good", 1)
    add("deadly", 2)
    add("good", 3)
    for _ in range(20):
        with contextlib.suppress(Killed):
            while jobs.run_due(lambda: moment[0]):
                pass
        moment[0] += jobs.LEASE + timedelta(seconds=1)
    assert [job.state for job in Job.select().order_by(Job.id)] == [jobs.DONE, jobs.DEAD, jobs.DONE]
    assert set(handled) == {1, 3}


def test_what_slow_jobs_leave_no_time_for_is_given_back(handled):
    moment = [NOW]

    @jobs.on("slow")
    def slow(payload, now):
        moment[0] += timedelta(minutes=3)

    add("slow", 1)
    add("slow", 2)
    add("good", 3)
    jobs.run_due(lambda: moment[0])
    last = Job.select().order_by(Job.id.desc()).get()
    assert (handled, last.state, last.attempts) == ([], jobs.NEW, 0)
    jobs.run_due(lambda: moment[0])
    assert handled == [3]


def test_many_workers_share_the_jobs_and_run_each_once(handled):
    for number in range(60):
        add("good", number)

    def work(_):
        taken = 0
        while found := jobs.run_due(lambda: NOW, 7):
            taken += found
        return taken

    assert sum(together(6, work)) == 60
    assert sorted(handled) == list(range(60))


def test_a_job_that_takes_too_long_is_stopped(handled, monkeypatch):
    monkeypatch.setattr(jobs, "TIME_LIMIT_SECONDS", 0.05)
    jobs.on("slow")(lambda payload, now: threading.Event().wait(30))
    add("slow", 1)
    add("good", 2)
    run()
    assert handled == [2]
    assert [job.error for job in Job.select().order_by(Job.id)] == ["TooSlow", None]


def test_done_jobs_are_tidied_away_after_a_day_and_the_dead_are_kept(handled):
    add("good", 1)
    add("bad", 2)
    run()
    assert jobs.tidy(NOW + timedelta(hours=23)) == 0
    assert jobs.tidy(NOW + timedelta(hours=25)) == 1
    assert [job.state for job in Job.select()] == [jobs.FAILED]
