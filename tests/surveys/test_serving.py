"""`flask serve` as processes: what dies is started anew, and nothing outlives what started it."""

import errno
import functools
import json
import os
import re
import runpy
import signal
import socket
import stat
import subprocess
import sys
import time
from urllib.parse import urlsplit

import click
import psutil
import pytest
import requests

from surveys.commands import service as service_commands
from tests import servers


def wait_for(condition, seconds=60):
    """Wait until it is so; a busy machine may take its time, and the workers are nice to everybody else on it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.05)


def workers(service):
    """The worker that `serve` started, and the processes that it made itself."""
    for child in psutil.Process(service.process.pid).children():
        if child.name() == service_commands.WORKER_NAME:
            return child, child.children(recursive=True)
    return None, []


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One for all that leave it running."""
    # Gunicorn reads the number of processes too, and ends when it is none: one that is empty is none given.
    given = {"DATA_DIR": str(tmp_path_factory.mktemp("served")), "WEB_CONCURRENCY": ""}
    with servers.service(given) as running:
        wait_for(lambda: len(workers(running)[1]) >= 2)
        yield running


def test_a_killed_worker_takes_its_processes_along_and_comes_back(service):
    worker, made = workers(service)
    worker.kill()
    wait_for(lambda: not any(process.is_running() for process in made))
    wait_for(lambda: len(workers(service)[1]) >= 2)
    assert workers(service)[0].pid != worker.pid
    (line,) = [each for each in service.log.read_text().splitlines() if "started anew" in each]
    assert (json.loads(line)["process"], json.loads(line)["status"]) == ("worker", -9)


def test_a_second_service_on_the_same_sqlite_file_is_refused(service):
    done = servers.run_once({"DATA_DIR": str(service.log.parent)})
    assert done.returncode == 1
    assert done.stdout.startswith("Error: Another Earshot runs on ")
    assert servers.answers(f"{service.url}/readyz", 10)


@pytest.mark.parametrize("host", ["::1", pytest.param("[::1]", marks=pytest.mark.prove)])
def test_it_listens_on_an_address_of_ipv6_and_says_so(tmp_path, host):
    port = servers.free_port()
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "serve"]
    said = tmp_path / "said"
    with open(said, "wb") as output:
        running = subprocess.Popen(
            command, cwd=servers.ROOT, stdout=output, stderr=output,
            env={"PATH": os.environ["PATH"], "HOST": host, "PORT": str(port), "DATA_DIR": str(tmp_path)},
        )  # fmt: skip
    try:
        wait_for(lambda: f"Earshot is at http://[::1]:{port}/\n" in said.read_text(), 60)
        # Whoever waits for that line finds it answering.
        assert requests.get(f"http://[::1]:{port}/healthz", timeout=10).status_code == 200
    finally:
        running.terminate()
        running.wait(60)
    assert running.returncode == 0, said.read_text()


def test_where_its_output_goes_may_be_full(tmp_path):
    port = servers.free_port()
    with open("/dev/full", "wb") as output:
        running = subprocess.Popen(
            servers.SERVE, cwd=servers.ROOT, stdout=output, stderr=output,
            env={"PATH": os.environ["PATH"], "PORT": str(port), "DATA_DIR": str(tmp_path)},
        )  # fmt: skip
    try:
        wait_for(lambda: servers.answers(f"http://127.0.0.1:{port}/readyz"), 60)
    finally:
        running.terminate()
        running.wait(60)
    assert running.returncode == 0


@pytest.mark.parametrize(
    ("given", "status", "named"),
    [
        ({"HOST": "300.1.1.1"}, 78, "HOST"),
        # From the range that documents use: no machine has it.
        ({"HOST": "192.0.2.1"}, 1, "192.0.2.1"),
        ({"HOST": "2001:db8::1"}, 1, "[2001:db8::1]"),
        ({"ADMIN_KEY": "two lines\nof a key that is long enough, surely"}, 78, "ADMIN_KEY"),
        ({"DATABASE_URL": "sqlite:////dev/null/earshot.db"}, 1, "database"),
        ({"DATABASE_URL": "postgresql://ann:s3cret@127.0.0.1:1/x"}, 1, "database"),
    ],
)
def test_what_cannot_work_stops_the_start_with_a_sentence(tmp_path, given, status, named):
    done = servers.run_once({"DATA_DIR": str(tmp_path), **given})
    assert done.returncode == status
    assert done.stdout.startswith("Error: ")
    assert named in done.stdout
    assert "Traceback" not in done.stdout
    assert "s3cret" not in done.stdout


def test_a_part_that_cannot_start_ends_the_service(tmp_path):
    """It is not started anew for ever."""
    done = servers.run_once({"DATA_DIR": str(tmp_path), "GUNICORN_CMD_ARGS": "--workers many"})
    assert done.returncode == 2
    assert done.stdout.count("invalid int value") == service_commands.STARTS
    assert done.stdout.splitlines()[-1].startswith("Error: Earshot cannot start: its web process ended")


@pytest.fixture
def own_signals():
    """Whoever supervises takes SIGTERM and SIGINT."""
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_worker_that_cannot_start_ends_the_service(world, own_signals, monkeypatch, capfd):
    def refuse():
        raise click.ClickException("Migrations are not applied: 0007.")

    monkeypatch.setattr(service_commands, "_work", refuse)
    start = functools.partial(service_commands._start_worker, world.settings)
    child = service_commands._Child("worker", start)
    assert service_commands._supervise([child], lambda: False, "") == 1
    said = capfd.readouterr().err
    assert said.count("Error: Migrations are not applied: 0007.") == service_commands.STARTS
    assert "cannot start: its worker process ended with status 1" in said.splitlines()[-1]


def test_a_service_that_fails_itself_leaves_no_process_running(own_signals):
    child = service_commands._Child(
        "worker", lambda: service_commands._Forked(functools.partial(time.sleep, 600))
    )

    def fail():
        raise RuntimeError("of the service's own")

    with pytest.raises(RuntimeError):
        service_commands._supervise([child], fail, "ready")
    assert child.process.poll() == -signal.SIGTERM


def test_a_process_that_the_system_has_no_room_for_is_tried_again(monkeypatch):
    tries = []

    def start():
        tries.append(len(tries))
        if len(tries) < service_commands.STARTS:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return subprocess.Popen(["true"])

    child = service_commands._Child("web", start)
    for at in range(service_commands.STARTS):
        child.started -= 1
        assert child.tend() is None
        assert (child.process is not None) == (at == service_commands.STARTS - 1)
    assert child.process.wait() == 0


def test_who_is_behind_waits_longer_than_who_is_in_front():
    """A connection that the service closes while nginx sends a request on it costs that request."""
    site = (servers.ROOT / "deploy" / "nginx.conf").read_text()
    (in_front,) = re.findall(r"keepalive_timeout (\d+)s;", site)
    behind = runpy.run_path(str(servers.ROOT / "gunicorn.conf.py"))["keepalive"]
    assert behind >= int(in_front) + 10
    assert f"idle for {behind} s" in (servers.ROOT / "deploy" / "README.md").read_text()


@pytest.mark.parametrize("name", ["nginx.conf", "nginx-container.conf"])
def test_nginx_leaves_it_to_the_service_to_compress_the_pages_of_the_team(name):
    """Debian's compresses all pages, whoever asks for them."""
    site = (servers.ROOT / "deploy" / name).read_text()
    locations = dict(re.findall(r"location (\S+) \{(.*?)\}", site, re.DOTALL))
    assert {path for path, said in locations.items() if "gzip off;" in said} == {"/team"}
    # Where a location names a header, it has none of those of the server.
    assert [path for path, said in locations.items() if "proxy_set_header" in said] == []
    assert all("proxy_pass http://earshot;" in said for said in locations.values())


def test_no_header_names_another_path_or_prefix(service):
    """Also on this machine, where the proxy is: it passes on what its callers send."""

    def status(path, **headers):
        return requests.get(service.url + path, headers=headers, timeout=10).status_code

    for name in ("SCRIPT_NAME", "Script_Name", "PATH_INFO", "REMOTE_USER", "SCRIPT-NAME", "PATH-INFO"):
        assert status("/healthz", **{name: "/x"}) == 200
        assert status("/x/healthz", **{name: "/x"}) == 404
        assert status("/nothing", **{name: "/healthz"}) == 404
    # Two words of TLS that differ are no fault of the caller's.
    assert status("/healthz", **{"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "off"}) == 200
    assert status("/metrics") == 200
    assert status("/metrics", Via="1.1 proxy") == 404


def test_a_killed_service_leaves_no_process_behind(tmp_path):
    with servers.service({"DATA_DIR": str(tmp_path)}) as service:
        wait_for(lambda: len(workers(service)[1]) >= 2)
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
