"""`flask serve` as processes: what dies is started anew, and nothing outlives what started it."""

import json
import socket
import stat
import time
from urllib.parse import urlsplit

import psutil
import pytest
import requests

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


def test_what_is_no_request_is_logged_as_json_and_without_its_words(service):
    at = urlsplit(service.url)
    with socket.create_connection((at.hostname, at.port), timeout=10) as line:
        line.sendall(b"GET /me/per_1.0.SECRET of Ann HTTP/9.z\r\n\r\n")
        assert b"400" in line.recv(100)
    wait_for(lambda: "Invalid request" in service.log.read_text())
    said = service.log.read_text()
    assert "SECRET" not in said
    (line,) = [line for line in said.splitlines() if "Invalid request" in line]
    assert json.loads(line)["event"] == "Invalid request"


def test_invented_methods_are_counted_together(service):
    for number in range(3):
        requests.request(f"MADEUP{number}", f"{service.url}/r", timeout=10)
    counted = requests.get(f"{service.url}/metrics", timeout=10).text
    assert 'method="other"' in counted
    assert "MADEUP" not in counted


def test_what_people_said_is_readable_for_nobody_else(service):
    files = list(service.log.parent.glob("*.db*"))
    assert len(files) >= 2
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
