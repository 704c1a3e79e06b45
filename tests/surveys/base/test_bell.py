"""The bell and the worker's processes."""

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from surveys.base import bell, db, settings

#: What a child does whose parent, before the fork, was `parent` and is now `found`.
CHILD = """
import os
from surveys.base import bell
os.getppid = lambda: {found}
bell.end_with_parent({parent})
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
from surveys.base import bell
child = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
subprocess.Popen(child, preexec_fn=functools.partial(bell.end_with_parent, os.getpid()))
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
    monkeypatch.setattr(db._DeadlineConnection, "deadline", 0.5)
    url = postgres.create_database("bell")
    bell.install(settings.read({"DATA_DIR": str(tmp_path), "DATABASE_URL": url}))
    ringing = bell._huey()
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
    bell.close()
