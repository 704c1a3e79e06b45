"""What a killed process had in hand is found by others, at once and by one of them."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from surveys.base import clock, db, hands, jobs
from tests.servers import ROOT
from tests.surveys.test_serving import wait_for

LEASE = datetime(2026, 3, 10, 12, 5, 0, 123456, tzinfo=UTC)


@pytest.fixture
def living(tmp_path):
    """Starts processes that hold a job (0: nothing) and live until they are killed."""
    made = []

    def start(job_id):
        ready, begun = os.pipe()
        child = os.fork()
        if not child:
            try:
                hand = hands.Hand(tmp_path)
                hand.hold(job_id + 1, LEASE)
                hand.hold(job_id, LEASE) if job_id else hand.empty()
                os.write(begun, b"x")
                signal.pause()
            finally:
                os._exit(1)
        made.append(child)
        assert os.read(ready, 1) == b"x"
        os.close(ready)
        os.close(begun)
        return child

    yield start
    for child in made:
        kill(child)


def kill(child):
    """As the system does when memory runs out."""
    try:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def test_what_a_killed_process_held_is_told_once(living, tmp_path):
    first, second, idle = living(7), living(1_000_000), living(0)
    assert list(hands.dropped(tmp_path)) == []
    kill(first)
    assert list(hands.dropped(tmp_path)) == [(7, LEASE)]
    assert list(hands.dropped(tmp_path)) == []
    kill(second)
    kill(idle)
    assert list(hands.dropped(tmp_path)) == [(1_000_000, LEASE)]
    assert list(tmp_path.iterdir()) == []


def test_looking_costs_nobody_a_hand(living, tmp_path):
    """The system gives up a process's lock when that process closes any file of it."""
    own = hands.Hand(tmp_path)
    own.hold(5, LEASE)
    assert list(hands.dropped(tmp_path, own)) == []
    child = os.fork()
    if not child:
        os._exit(len(list(hands.dropped(tmp_path))))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    own.close()
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_given_back_is_told_again(living, tmp_path):
    kill(living(7))
    found = hands.dropped(tmp_path)
    assert next(found) == (7, LEASE)
    # As when giving it back raises.
    found.close()
    assert list(hands.dropped(tmp_path)) == [(7, LEASE)]


def test_without_a_folder_there_is_nothing(tmp_path):
    assert list(hands.dropped(tmp_path / "hands")) == []


WORKER = """
import os, signal, sys
from surveys.base import jobs, worker
from wsgi import create_app

create_app()
jobs._handlers.clear()
jobs._reactions.clear()
jobs.on("good")(lambda payload, now: None)
jobs.on("poison")(lambda payload, now: os.kill(os.getpid(), signal.SIGKILL))
jobs.on("endless")(lambda payload, now: signal.pause())
worker.work()
"""


@pytest.fixture
def worker(world):
    """Starts a worker that is killed by "poison" and never done with "endless"; the processes."""
    made = []

    def start():
        made.append(
            subprocess.Popen(
                [sys.executable, "-c", WORKER], cwd=ROOT, start_new_session=True,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **world.environment},
            )
        )  # fmt: skip
        return made[-1]

    yield start
    for process in made:
        end(process)


def end(process):
    """kill -9 of a worker and all that it made."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def states(kind):
    """Of all jobs of a kind, in the order they were written."""
    rows = jobs.Job.select().where(jobs.Job.kind == kind).order_by(jobs.Job.id)
    return [(job.state, job.attempts) for job in rows]


def test_a_job_that_kills_its_worker_holds_up_no_other(world, worker):
    """The lease would do so for five minutes, and the look after it for another."""
    for kind in ["poison", *["good"] * 99]:
        db.write(lambda kind=kind: jobs.enqueue(kind, {}, clock.now()))
    worker()
    wait_for(lambda: set(states("good")) == {(jobs.DONE, 1)}, 60)
    # It is counted, tried again, and comes alone.
    wait_for(lambda: states("poison")[0][1] >= 2, 60)
    for _ in range(3):
        db.write(lambda: jobs.enqueue("good", {}, clock.now()))
    wait_for(lambda: set(states("good")) == {(jobs.DONE, 1)}, 60)
    assert jobs.Job.get(jobs.Job.kind == "poison").error == jobs.WORKER_DIED


def test_what_a_killed_service_had_in_hand_is_run_when_it_is_back(world, worker):
    for kind in ("endless", "good"):
        db.write(lambda kind=kind: jobs.enqueue(kind, {}, clock.now()))
    first = worker()
    wait_for(lambda: states("endless") == [(jobs.RUNNING, 1)], 60)
    hand = world.settings.data_dir / "hands"
    wait_for(lambda: any(path.stat().st_size for path in hand.iterdir()), 60)
    end(first)
    worker()
    wait_for(lambda: states("good") == [(jobs.DONE, 1)], 60)
