"""`flask serve` as processes: what dies is started anew, and nothing outlives what started it."""

import time

import psutil
import pytest

from tests import servers


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.05)


def workers(service):
    """The worker that `serve` started, and the processes that it made itself."""
    for child in psutil.Process(service.process.pid).children():
        if "worker" in child.cmdline():
            return child, child.children(recursive=True)
    return None, []


@pytest.fixture
def service(tmp_path):
    with servers.service({"DATA_DIR": str(tmp_path)}) as running:
        wait_for(lambda: len(workers(running)[1]) >= 2)
        yield running


def test_a_killed_worker_takes_its_processes_along_and_comes_back(service):
    worker, made = workers(service)
    worker.kill()
    wait_for(lambda: not any(process.is_running() for process in made))
    wait_for(lambda: len(workers(service)[1]) >= 2)
    assert workers(service)[0].pid != worker.pid


def test_a_killed_service_leaves_no_process_behind(service):
    everything = psutil.Process(service.process.pid).children(recursive=True)
    service.process.kill()
    service.process.wait()
    wait_for(lambda: not any(process.is_running() for process in everything))
