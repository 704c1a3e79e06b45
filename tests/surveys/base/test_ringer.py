"""Ringing: nobody waits for it, and none is lost."""

import os
import subprocess
import sys
import threading

import pytest

from surveys.base import clock, db, jobs, ringer, worker
from surveys.base.ringer import Ringer
from tests.surveys.test_serving import wait_for


@pytest.fixture
def made(monkeypatch):
    """Makes a ringer, and ends it."""
    monkeypatch.setattr(ringer, "AGAIN_SECONDS", 0.05)
    all_of_them = []

    def make(ring):
        all_of_them.append(Ringer(ring))
        return all_of_them[-1]

    yield make
    for each in all_of_them:
        each.stop()


def test_nobody_waits_for_a_bell_that_hangs(made):
    hangs, rung = threading.Event(), []

    def ring(seconds):
        hangs.wait()
        rung.append(seconds)

    rings = made(ring)
    for seconds in (0.0, 0.2, 0.4):
        rings.ring_in(seconds)
    assert rung == []
    hangs.set()
    rings.settle()
    assert rung == [0.0, 0.2, 0.4]


def test_a_bell_that_cannot_be_reached_is_rung_once_it_can(made):
    away, rung = threading.Event(), []

    def ring(seconds):
        if not away.is_set():
            raise OSError("no such host")
        rung.append(seconds)

    rings = made(ring)
    for _ in range(3):
        rings.ring_in(0.2)
    # Whoever ends waits for no bell that is away.
    rings.settle()
    away.set()
    wait_for(lambda: rung)
    rings.settle()
    assert rung[0] == 0.0


def test_a_process_that_ends_has_rung_before():
    script = """
import time
from surveys.base.ringer import Ringer
def ring(seconds):
    time.sleep(0.3)
    print("rung", flush=True)
Ringer(ring).ring_in(0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("rung\n", "")


def test_a_child_rings_although_its_parent_did_when_it_was_made(made):
    hangs, (read, write) = threading.Event(), os.pipe()
    parent = os.getpid()

    def ring(_):
        if os.getpid() == parent:
            hangs.wait()
        os.write(write, b"x")

    rings = made(ring)
    rings.ring_in(0)
    child = os.fork()
    if not child:
        rings.renew()
        rings.ring_in(0)
        rings.settle()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(read, 10) == b"x"
    hangs.set()
    rings.settle()
    for end in (read, write):
        os.close(end)


def test_what_is_written_does_not_wait_for_the_bell(world, bell, monkeypatch):
    hangs, rung = threading.Event(), []

    def ring(seconds):
        hangs.wait()
        rung.append(seconds)

    monkeypatch.setattr(worker._ringer, "_ring", ring)
    db.write(lambda: jobs.enqueue("anything", {}, clock.now()))
    assert jobs.Job.select().count() == 1
    assert rung == []
    hangs.set()
    wait_for(lambda: rung)
