"""Jobs: written with their cause, taken by one, tried again, and at last dead."""

import contextlib
import itertools
import random
import threading
import time
from datetime import UTC, datetime, timedelta

import peewee
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
    monkeypatch.setattr(jobs, "_reactions", {})
    monkeypatch.setattr(jobs, "_lanes", {})
    monkeypatch.setattr(jobs, "_bulk_owed", 0)
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


def test_many_workers_share_the_jobs_and_run_each_once(handled):
    for number in range(60):
        add("good", number)

    def take(_):
        taken = 0
        while found := jobs.run_due(lambda: NOW, 7):
            taken += found
        return taken

    assert sum(together(6, take)) == 60
    assert sorted(handled) == list(range(60))


def work(seconds=30):
    """Use processor time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@pytest.mark.parametrize(
    ("limit", "lane", "handler", "error"),
    [
        ("HOUSE_SECONDS", None, lambda: threading.Event().wait(30), "TooSlow"),
        ("HOUSE_SECONDS", jobs.HOUSE, lambda: threading.Event().wait(30), "TooSlow"),
        ("PROCESSOR_SECONDS", jobs.HOUSE, work, "TooMuchWork"),
        ("TIME_LIMIT_SECONDS", jobs.CALLS, lambda: threading.Event().wait(30), "TooSlow"),
    ],
)
def test_a_job_that_takes_too_long_is_stopped(handled, monkeypatch, limit, lane, handler, error):
    monkeypatch.setattr(jobs, limit, 0.05)
    jobs.on("slow", lane=lane or jobs.HOUSE)(lambda payload, now: handler())
    add("slow", 1)
    add("good", 2)
    assert jobs.run_due(lambda: NOW, lane=lane) >= 1
    run()
    assert handled == [2]
    assert [job.error for job in Job.select().order_by(Job.id)] == [error, None]


def test_time_in_which_others_have_the_processor_is_not_counted():
    """A starved machine is no fault of the job."""
    with jobs.processor_limit(0.05):
        threading.Event().wait(0.2)


def test_limits_within_limits_go_on_afterwards():
    def outer():
        with pytest.raises(jobs.TooMuchWork, match=r"0\.05 s"), jobs.processor_limit(0.05):
            work()
        with jobs.time_limit(30):
            work()

    with pytest.raises(jobs.TooMuchWork, match=r"0\.2 s"), jobs.processor_limit(0.2):
        outer()


def test_done_jobs_are_tidied_away_after_a_day_and_dead_ones_when_nobody_released_them(handled):
    add("good", 1)
    add("bad", 2)
    add("bad", 3)
    run()
    Job.update(state=jobs.DEAD, due_at=NOW).where(Job.id == Job.select(peewee.fn.MAX(Job.id))).execute()
    assert jobs.tidy(NOW + timedelta(hours=23)) == 0
    assert jobs.tidy(NOW + timedelta(hours=25)) == 1
    assert jobs.tidy(NOW + timedelta(days=89)) == 0
    assert jobs.tidy(NOW + timedelta(days=91)) == 1
    assert [job.state for job in Job.select()] == [jobs.FAILED]


def test_the_neighbours_of_a_job_that_kills_its_worker_are_run(world, handled, monkeypatch):
    """They were taken together with it, and none of them has begun when the worker dies."""

    class Killed(BaseException):
        pass

    @jobs.on("poison")
    def poison(payload, now):
        raise Killed

    add("poison", 0)
    for number in range(1, 5):
        add("good", number)
    now = NOW
    for _ in range(40):
        now += timedelta(minutes=6)
        with contextlib.suppress(Killed):
            run(now)
    assert sorted(handled) == [1, 2, 3, 4]
    assert [job.state for job in Job.select().order_by(Job.id)] == [jobs.DEAD] + [jobs.DONE] * 4


def test_what_a_killed_process_had_taken_is_given_back_and_the_killer_counted(handled):
    for number in range(3):
        add("good", number)
    lease = NOW + jobs.LEASE
    _, killer, third = Job.select().order_by(Job.id)
    Job.update(state=jobs.RUNNING, attempts=1, lease_until=lease).execute()
    # Taken by another process, which lives.
    Job.update(lease_until=lease + timedelta(seconds=1)).where(Job.id == third.id).execute()
    jobs.give_back(killer.id, lease, NOW)
    rows = list(Job.select().order_by(Job.id))
    assert [(job.state, job.attempts, job.error) for job in rows] == [
        (jobs.NEW, 0, None),
        (jobs.FAILED, 1, jobs.WORKER_DIED),
        (jobs.RUNNING, 1, None),
    ]
    assert timedelta(seconds=5) <= rows[1].due_at - NOW <= timedelta(seconds=6)
    # Told twice, it changes nothing.
    jobs.give_back(killer.id, lease, NOW)
    assert list(Job.select().order_by(Job.id).tuples()) == [tuple(job.__data__.values()) for job in rows]
    # It comes alone, after all others.
    later = NOW + timedelta(seconds=10)
    assert run(later) == 1
    assert handled == [0]
    assert run(later) == 1
    assert handled == [0, 1]


def test_a_killer_is_dead_after_its_last_attempt(handled):
    add("good", 1)
    Job.update(state=jobs.RUNNING, attempts=len(jobs.RETRY_AFTER) + 1, lease_until=NOW).execute()
    jobs.give_back(Job.get().id, NOW, NOW)
    assert (Job.get().state, Job.get().error) == (jobs.DEAD, jobs.WORKER_DIED)


def test_what_a_worker_has_no_time_for_is_given_back_before_its_lease_ends(handled):
    """Otherwise a second worker would take it while the first still means to."""
    for number in range(6):
        add("good", number)
    moments = iter(NOW + timedelta(seconds=25) * number for number in range(100))
    assert jobs.run_due(lambda: next(moments)) < 6
    waiting = list(Job.select().where(Job.state == jobs.NEW))
    assert {(job.attempts, job.lease_until) for job in waiting} == {(0, None)}
    assert len(waiting) == 6 - len(handled)
    run()
    assert handled == list(range(6))


def test_what_came_in_bulk_waits_behind_the_rest_and_is_never_left_standing(handled):
    """Also what became due later goes first; a job that comes meanwhile waits for one in hand, not for a batch."""

    @jobs.on("old")
    def old(payload, now):
        handled.append(payload["n"])
        if payload["n"] == 12:
            add("good", 1)

    @jobs.on("busy day")
    def again(payload, now):
        handled.append("now")
        add("busy day", 1)

    rows = [({"n": number}, NOW - timedelta(days=365)) for number in range(10, 16)]
    db.write(lambda: jobs.enqueue_all("old", rows, in_bulk=True))
    add("good", 0)
    while run():
        pass
    assert handled == [0, 10, 11, 12, 1, 13, 14, 15]
    db.write(lambda: jobs.enqueue_all("old", rows[:2], in_bulk=True))
    add("busy day", 0)
    del handled[:]
    while not {10, 11} <= set(handled):
        assert run() == 1
    assert len(handled) < 6


def test_whoever_is_told_to_end_finishes_the_job_in_hand_and_gives_back_the_others(handled, monkeypatch):
    monkeypatch.setattr(jobs, "_stopping", lambda: bool(handled))
    for in_bulk in (False, True):
        del handled[:]
        rows = [({"n": number}, NOW) for number in range(3)]
        db.write(lambda in_bulk=in_bulk, rows=rows: jobs.enqueue_all("good", rows, in_bulk=in_bulk))
        assert run() == 1
        assert run() == 0
        left = list(Job.select().where(Job.state != jobs.DONE))
        waiting = jobs.BULK if in_bulk else jobs.NEW
        assert [(job.state, job.attempts, job.lease_until) for job in left] == [(waiting, 0, None)] * 2
        db.write(Job.delete().execute)


def test_a_job_that_has_to_wait_for_another_writer_has_not_failed(handled, tmp_path):
    """SQLite has one writer; the error is the one that it gives."""
    first = peewee.sqlite3.connect(tmp_path / "x", isolation_level=None)
    first.execute("BEGIN IMMEDIATE")

    @jobs.on("writes")
    def writes(payload, now):
        second = peewee.sqlite3.connect(tmp_path / "x", isolation_level=None, timeout=0)
        with contextlib.closing(second):
            second.execute("BEGIN IMMEDIATE")
        handled.append(payload["n"])

    add("writes", 1)
    add("good", 2)
    for _ in range(3):
        with pytest.raises(peewee.sqlite3.OperationalError):
            run()
    first.close()
    jobs.let_go()
    assert [(job.state, job.attempts, job.error) for job in Job.select()] == [(jobs.NEW, 0, None)] * 2
    assert run() == 2
    assert handled == [1, 2]


def test_a_slow_server_holds_up_the_jobs_of_its_own_lane_alone(handled):
    called = []
    jobs.on("call", lane=jobs.CALLS)(lambda payload, now: called.append(payload["n"]))
    jobs.on("letter", lane=jobs.MAIL)(lambda payload, now: called.append(payload["n"]))
    add("call", 1)
    add("letter", 2)
    add("good", 3)
    add("call", 4)
    assert [jobs.is_due(NOW, lane) for lane in (jobs.HOUSE, *jobs.OUTWARD)] == [True, True, True]
    assert jobs.run_due(lambda: NOW, lane=jobs.HOUSE) == 1
    assert (handled, called) == ([3], [])
    assert jobs.run_due(lambda: NOW, lane=jobs.MAIL) == 1
    assert called == [2]
    # One at a time: the second is not taken, and no lease of it runs, while the first may hang.
    assert jobs.run_due(lambda: NOW, lane=jobs.CALLS) == 1
    assert called == [2, 1]
    assert [job.attempts for job in Job.select().order_by(Job.id)] == [1, 1, 1, 0]
    assert [jobs.is_due(NOW, lane) for lane in (jobs.HOUSE, *jobs.OUTWARD)] == [False, False, True]


def test_what_leaves_the_house_has_a_lane_of_its_own():
    mail = (
        "invitation due",
        "invitation reminder due",
        "member mail",
        "letter due",
        "follow-up alert",
        "loop tried out",
        "digest to confirm",
        "digest due",
        "topic came back",
        "loop due",
        "reader to confirm",
    )
    calls = (
        "look up",
        "note due",
        "note to be told",
        "mail reports to be confirmed",
        "issue to be made",
        "issue to be looked at",
    )
    assert jobs._lanes == dict.fromkeys(mail, jobs.MAIL) | dict.fromkeys(calls, jobs.CALLS)


def test_the_last_ring_is_heard_after_the_last_job(world, monkeypatch):
    """A ring that comes too soon after another is not lost: its job may have missed the look that the other made."""
    clock, rung = [100.0], []
    monkeypatch.setattr(jobs.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(jobs, "_next_ring", 0.0)
    monkeypatch.setattr(jobs, "_bell", lambda wait: rung.append(clock[0] + wait))
    dice = random.Random(1)
    asked = []
    for _ in range(200):
        clock[0] += dice.expovariate(20)
        asked.append(clock[0])
        jobs.ring()
        assert rung[-1] >= asked[-1]
    apart = [later - earlier for earlier, later in itertools.pairwise(rung)]
    assert min(apart) >= jobs.RINGS_APART - 1e-6
    assert len(rung) < 60


def test_a_turn_that_lost_its_database_is_written_down_when_it_is_back(handled, monkeypatch):
    """Else what was taken would wait for five minutes, until its lease is over."""
    away = [True]

    @jobs.on("lost")
    def lost(payload, now):
        if away.pop():
            raise db.DatabaseAway("gone")
        handled.append("found")

    for number, kind in enumerate(["good", "lost", "good"]):
        add(kind, number)
    away.insert(0, False)
    with pytest.raises(db.DatabaseAway):
        run()
    assert {job.state for job in Job.select()} == {jobs.RUNNING}
    assert run() == 1
    assert handled == [0, 2]
    assert run(NOW + timedelta(seconds=jobs.RETRY_AFTER[0] * 1.1 + 1)) == 1
    assert handled == [0, 2, "found"]
    assert {job.state for job in Job.select()} == {jobs.DONE}


def test_what_was_done_when_the_database_went_away_is_not_done_again(handled, monkeypatch):
    add("good", 1)
    finish = jobs._finish

    def away(turn):
        monkeypatch.setattr(jobs, "_finish", finish)
        raise db.DatabaseAway("gone")

    monkeypatch.setattr(jobs, "_finish", away)
    with pytest.raises(db.DatabaseAway):
        run()
    assert run() == 0
    assert handled == [1]
    assert Job.get().state == jobs.DONE


def test_a_turn_is_no_longer_written_down_when_others_may_have_taken_its_jobs(handled, monkeypatch):
    add("good", 1)
    finish = jobs._finish

    def away(turn):
        monkeypatch.setattr(jobs, "_finish", finish)
        raise db.DatabaseAway("gone")

    monkeypatch.setattr(jobs, "_finish", away)
    with pytest.raises(db.DatabaseAway):
        run()
    assert run(NOW + jobs.LEASE + timedelta(seconds=1)) == 1
    assert handled == [1, 1]


def fails(payload, now):
    raise ValueError("a text that somebody wrote")


def test_a_reaction_that_fails_keeps_no_other_from_running_and_ends_by_itself(handled):
    tries = []

    def failing(payload, now):
        tries.append(payload["n"])
        fails(payload, now)

    def good(payload, now):
        handled.append(payload["n"])

    jobs.react({"happened": [(failing,), (good,)]})
    add("happened", 1)
    at = NOW
    for _ in range(12):
        run(at)
        at += timedelta(days=2)
    assert handled == [1]
    assert len(tries) == len(jobs.RETRY_AFTER) + 1
    [event, alone] = Job.select().order_by(Job.id)
    assert (event.state, event.error) == (jobs.DONE, None)
    assert (alone.state, alone.error, alone.kind) == (jobs.DEAD, "ValueError", "happened")
    assert "somebody" not in str(alone.payload)


def test_a_chain_waits_for_its_first_and_goes_on_when_that_is_done(handled):
    broken = [True]

    def first(payload, now):
        if broken:
            fails(payload, now)
        handled.append("first")

    def second(payload, now):
        handled.append("second")

    def other(payload, now):
        handled.append("other")

    jobs.react({"happened": [(first, second), (other,)]})
    add("happened", 1)
    run()
    assert handled == ["other"]
    broken.clear()
    run(NOW + timedelta(minutes=1))
    assert handled == ["other", "first", "second"]
    assert {job.state for job in Job.select()} == {jobs.DONE}


def test_what_killed_its_worker_is_parted_from_what_did_not(handled):
    jobs.react({"happened": [(fails,), (lambda payload, now: handled.append(payload["n"]),)]})
    add("happened", 1)
    Job.update(state=jobs.FAILED, attempts=1, error=jobs.WORKER_DIED).execute()
    run()
    run()
    assert handled == [1]
    assert sorted((job.state, job.payload.get("reaction") is not None) for job in Job.select()) == [
        (jobs.DONE, False), (jobs.DONE, True), (jobs.FAILED, True),
    ]  # fmt: skip


def test_a_job_of_a_reaction_that_there_is_no_more_is_done(handled):
    jobs.react({"happened": [(fails,), (fails,)]})
    db.write(lambda: jobs.enqueue("happened", {"n": 1, "reaction": "of.another.version"}, NOW))
    run()
    assert [job.state for job in Job.select()] == [jobs.DONE]
