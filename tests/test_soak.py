"""Load for a while: the worker keeps its size, and the log of the database begins anew while a backup is made.

`make prove MINUTES=120` says for how long; see docs/benchmarks.md.
"""

import contextlib
import csv
import itertools
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests import servers
from tests.bench import client, processes

pytestmark = [pytest.mark.prove, pytest.mark.timeout(0)]

MINUTES = float(os.environ.get("MINUTES", "10"))
CALLS_A_SECOND = 25

#: MB: what the worker may have grown by in an hour, and what a single reading may be off by.
AN_HOUR, NOISE = 1.0, 0.5

#: Of the time, in which caches fill.
WARM_UP = 0.3

MOST_PROCESSES = 8

LOG_LIMIT = 64 * 1024 * 1024


@pytest.fixture
def service() -> Iterator[servers.Service]:
    """The service on SQLite, on a disk."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(contextlib.closing(_Folder()))
        settings = {**client.SETTINGS, "DATA_DIR": str(folder.path), "LOG_LEVEL": "WARNING"}
        yield stack.enter_context(servers.service(settings))


class _Folder:
    def __init__(self) -> None:
        self.path = Path("/var/tmp") / f"earshot-soak-{uuid.uuid4().hex}"

    def close(self) -> None:
        # What the service had in hand when it was killed may still be writing.
        end = time.monotonic() + 30
        while self.path.exists():
            assert time.monotonic() < end, self.path
            shutil.rmtree(self.path, ignore_errors=True)


@contextlib.contextmanager
def load(url: str, calls: Iterator[tuple[str, dict[str, Any]]], per_second: float) -> Iterator[list[int]]:
    """Make calls at a pace in the background; the statuses so far."""
    statuses: list[int] = []
    stop, lock, begun = threading.Event(), threading.Lock(), time.monotonic()
    numbered = enumerate(calls)

    def caller() -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {client.ADMIN_KEY}"
            while not stop.is_set():
                with lock:
                    number, call = next(numbered, (0, None))
                if call is None:
                    return
                path, body = call
                if stop.wait(max(0.0, begun + number / per_second - time.monotonic())):
                    return
                statuses.append(session.post(url + path, json=body, timeout=60).status_code)

    callers = [threading.Thread(target=caller) for _ in range(16)]
    for each in callers:
        each.start()
    try:
        yield statuses
    finally:
        stop.set()
        for each in callers:
            each.join()


def calls(survey: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a busy shop makes: answers with a comment, some amended, and triggers that lead to a mail."""
    with (servers.ROOT / "tests" / "data" / "sentiment-sentences.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        comments = [row["text"] for row in csv.DictReader(file)]
    dice, ids = random.Random(1), iter(range(1_000_000_000))
    for number in ids:
        person = {"email": f"p{number}@example.com"}
        answer = {"id": str(uuid.UUID(int=number + 1)), "survey": survey, "score": dice.randrange(11)}
        words = f"{dice.choice(comments)} {dice.choice(comments)} {number}"
        if number % 10 == 9:
            yield "/api/triggers", {"survey": survey, "person": person}
            continue
        yield "/r", {**answer, "comment": words, "person": person}
        if number % 10 == 8:
            yield "/r", {**answer, "revision": 2, "comment": dice.choice(comments)}


def sizes_of_worker(service: servers.Service) -> list[float]:
    """MB that each of the worker's processes has in memory, the largest first.

    Not their shares of what they share: two that were forked from one another come apart page by page, for as long as
    either goes on touching pages it had not touched, while neither grows.
    """
    found = [p for role, p in processes.of_service(service.process.pid) if role == "worker"]
    sizes = []
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            sizes.append(process.memory_info().rss / 1e6)
    return sorted(sizes, reverse=True)


def test_the_worker_keeps_its_size(service):
    sizes: list[tuple[float, list[float]]] = []
    begun = time.monotonic()
    with load(service.url, calls(client.make_survey(service.url)), CALLS_A_SECOND) as statuses:
        while (now := time.monotonic() - begun) < MINUTES * 60:
            sizes.append((now, sizes_of_worker(service)))
            time.sleep(min(10.0, MINUTES * 6))
    assert set(statuses) <= {200, 201}
    steady = [(at, found[0]) for at, found in sizes if at > WARM_UP * MINUTES * 60]
    # The median of all slopes between two readings: a single one that is off moves nothing (Theil–Sen).
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in itertools.combinations(steady, 2)]
    an_hour = statistics.median(slopes) * 3600
    tenths = [[round(size) for size in found] for _, found in sizes[:: max(1, len(sizes) // 10)]]
    print(f"\nworker, MB of each process at each tenth: {tenths}")
    print(
        f"{len(statuses)} calls in {MINUTES:g} minutes; the largest {an_hour:+.2f} MB an hour after the warm-up"
    )
    hours = (1 - WARM_UP) * MINUTES / 60
    assert an_hour * hours < AN_HOUR * hours + NOISE
    # The worker, huey's clock, who reads, and what runs beside: the lanes and a review.
    assert max(len(found) for _, found in sizes) <= MOST_PROCESSES


def test_the_log_stays_small_while_a_backup_is_made_under_load(service):
    """50,000 answers; the log once stood at 110 MB."""
    folder = Path(service.log).parent
    made = calls(client.make_survey(service.url))
    with load(service.url, itertools.islice(made, 50_000), 10_000) as statuses:
        while len(statuses) < 50_000:
            time.sleep(0.5)
    assert set(statuses) <= {200, 201}
    environment = {**os.environ, "DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "backup", str(folder / "backup.gz")]
    largest = 0
    with load(service.url, made, CALLS_A_SECOND):
        backup = subprocess.Popen(
            command, cwd=servers.ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        while backup.poll() is None:
            largest = max(largest, (folder / "earshot.db-wal").stat().st_size)
            time.sleep(0.05)
    said = backup.communicate()[0]
    print(f"\nthe log stood at {largest / 2**20:.1f} MiB at most: {said}")
    assert backup.returncode == 0
    assert largest < LOG_LIMIT
