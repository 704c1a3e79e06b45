"""The bell and the worker's processes."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading

import psycopg
import pytest

from surveys.base import clock, db, jobs, settings, worker
from tests import servers
from tests.surveys.test_serving import wait_for
from tests.threads import together

#: What a child does whose parent, before the fork, was `parent` and is now `found`.
CHILD = """
import os
from surveys.base import worker
os.getppid = lambda: {found}
worker.end_with_parent({parent})
print("lives")
"""


@pytest.mark.parametrize(
    ("parent", "found", "lives"),
    [
        # In a container the service itself is process 1.
        (1, 1, True),
        (4711, 4711, True),
        # An orphan is adopted by process 1, or by a reaper nearer by.
        (4711, 1, False),
        (4711, 4712, False),
    ],
)
def test_a_process_ends_at_once_when_it_has_lost_the_one_that_made_it(parent, found, lives):
    command = [sys.executable, "-c", CHILD.format(parent=parent, found=found)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == ((0, "lives\n") if lives else (-signal.SIGTERM, ""))


def test_a_process_goes_with_the_one_that_made_it():
    """The signal comes from the system: a killed parent runs no code of its own."""
    family = """
import functools, os, subprocess, sys
from surveys.base import worker
child = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
subprocess.Popen(child, preexec_fn=functools.partial(worker.end_with_parent, os.getpid()))
os.read(0, 1)
"""
    read, write = os.pipe()
    parent = subprocess.Popen([sys.executable, "-c", family], stdin=subprocess.PIPE, stdout=write)
    os.close(write)
    with open(read) as said:
        assert said.readline() == "up\n"
        parent.kill()
        # The end of the file: nobody holds the pipe any more.
        assert said.read() == ""
    parent.wait()
    parent.stdin.close()


def test_a_frozen_server_keeps_nobody_who_rings(postgres, tmp_path, monkeypatch):
    """Its system still takes what we send, so that no time-out of the network ends the wait."""
    monkeypatch.setattr("surveys.base.db.postgres.AttentiveConnection.deadline", 0.5)
    url = postgres.create_database("bell")
    worker.install(settings.read({"DATA_DIR": str(tmp_path), "DATABASE_URL": url}))
    ringing = worker._huey()
    ringing.ring()
    backend = ringing.storage.conn.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(psycopg.OperationalError):
            ringing.ring()
    finally:
        os.kill(backend, signal.SIGCONT)
    ringing.ring()
    assert ringing.storage.queue_size() >= 2
    worker.close()


@pytest.fixture
def hanging(world, monkeypatch):
    """As in a worker: two calls to a server that hangs until told, and a job of the house; the pipe and the done."""
    read, write = os.pipe()
    done = []
    monkeypatch.setattr(jobs, "_handlers", {})
    monkeypatch.setattr(jobs, "_lanes", {})
    monkeypatch.setattr(worker, "_working", True)
    monkeypatch.setattr(worker, "_beside", {})
    jobs.on("call", lane=jobs.CALLS)(lambda payload, now: os.read(read, 1))
    jobs.on("reading")(lambda payload, now: done.append(payload["n"]))
    for kind in ("call", "call", "reading"):
        db.write(lambda kind=kind: jobs.enqueue(kind, {"n": 3}, clock.now()))
    yield write, done
    os.write(write, b"xx")
    for child in worker._beside.values():
        os.waitpid(child, 0)
    for end in (read, write):
        os.close(end)


def states():
    """Of all jobs, in the order they were written."""
    return [job.state for job in jobs.Job.select().order_by(jobs.Job.id)]


def test_a_server_that_hangs_holds_up_nothing_of_the_house(hanging):
    write, done = hanging
    assert worker.drain() == 1
    assert done == [3]
    wait_for(lambda: states() == [jobs.RUNNING, jobs.NEW, jobs.DONE])
    # While it hangs there is no second process for its lane.
    lane = dict(worker._beside)
    assert worker.drain() == 0
    assert worker._beside == lane
    os.write(write, b"xx")
    wait_for(lambda: states() == [jobs.DONE] * 3)


def test_a_worker_that_ends_has_the_call_in_hand_finished(hanging):
    write, _ = hanging
    worker.drain()
    wait_for(lambda: states()[0] == jobs.RUNNING)
    child = worker._beside.pop(jobs.CALLS)
    os.kill(child, signal.SIGTERM)
    os.write(write, b"xx")
    assert os.waitpid(child, 0)[1] == 0
    assert states()[:2] == [jobs.DONE, jobs.NEW]


#: A worker whose first job takes as long as engines that load; what it leaves behind.
LOADING = """
import time
from surveys.base import clock, db, hands, jobs, settings, worker
from surveys.base.db import migrations
from wsgi import create_app
create_app()
chosen = settings.read()
migrations.up(chosen)
@jobs.on("loading")
def load(payload, now):
    print("begun", flush=True)
    time.sleep(600)
db.write(lambda: jobs.enqueue_all("loading", [({}, clock.now())] * 2))
# A process that is forked while another thread is in SQLite may hang.
worker._ringer.settle()
worker.work()
print([(job.state, job.attempts) for job in jobs.Job.select()], list(hands.dropped(chosen.data_dir / "hands")))
"""


def test_a_worker_that_is_told_to_end_ends_also_while_a_job_takes_long(tmp_path):
    environment = {**servers.surroundings(), "DATA_DIR": str(tmp_path)}
    running = subprocess.Popen(
        [sys.executable, "-c", LOADING], cwd=servers.ROOT, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        said = list(iter(running.stdout.readline, "begun\n"))
        running.terminate()
        said.append(running.communicate(timeout=60)[0])
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 0, said
    assert said[-1].splitlines()[-1] == "[('new', 0), ('new', 0)] []"
    for word in ("error", "elapsed", "did not finish"):
        assert word not in "".join(said)


def test_threads_that_ring_for_the_first_time_together_open_one_connection(postgres, tmp_path, monkeypatch):
    made, make = [], worker.PostgresHuey

    def slowly(*given, **options):
        made.append(given)
        threading.Event().wait(0.2)
        return make(*given, **options)

    monkeypatch.setattr(worker, "PostgresHuey", slowly)
    url = postgres.create_database("first")
    worker.install(settings.read({"DATA_DIR": str(tmp_path), "DATABASE_URL": url}))
    try:
        assert len({id(each) for each in together(4, lambda _: worker._huey())}) == 1
        assert len(made) == 1
    finally:
        worker.close()


def test_processes_that_hang_the_bell_together_hang_one(postgres, tmp_path):
    """The web's processes and the worker's begin at the same moment, in a database that has no tables of the bell."""
    url = postgres.create_database("hung")
    given = settings.read({"DATA_DIR": str(tmp_path), "DATABASE_URL": url})
    for _ in range(10):
        for bell in together(8, lambda _: worker._on_postgres(given)):
            bell.storage.close()
        with db.connect(url) as connection:
            connection.execute("DROP TABLE huey_kv, huey_schedule, huey_task, huey_counter")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (psycopg.errors.DiskFull("somebody's words"), "53100"),
        (sqlite3.OperationalError("database or disk is full"), "OperationalError"),
    ],
)
def test_a_bell_that_cannot_be_reached_is_told_of_in_one_line_a_minute(caplog, monkeypatch, error, reason):
    said, clock = logging.getLogger("huey.consumer.Said"), [0.0]
    monkeypatch.setattr(worker.time, "monotonic", lambda: clock[0])
    briefly = worker._Briefly()
    said.addFilter(briefly)
    try:
        for moment in (0.0, 1.0, 59.0, 60.0):
            clock[0] = moment
            for text in ("Error reading from queue", "Error reading schedule."):
                try:
                    raise error
                except type(error):
                    said.exception(text)
        try:
            raise LookupError
        except LookupError:
            said.exception("Unhandled")
    finally:
        said.removeFilter(briefly)
    assert [record.getMessage() for record in caplog.records] == [
        *[f"Error reading from queue: {reason}", f"Error reading schedule: {reason}"] * 2,
        "Unhandled",
    ]
    assert [bool(record.exc_info) for record in caplog.records] == [False] * 4 + [True]
