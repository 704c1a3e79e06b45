"""kill -9 of a web process every 200 ms under load, and of any other now and then: is any answer lost or doubled?

Clients do what our widget does: they repeat an answer under the same id until it is acknowledged.
See README.md.
"""

import argparse
import collections
import contextlib
import http.client
import json
import queue
import random
import signal
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from collections.abc import Mapping

import psutil

from tests import servers
from tests.bench import client, processes


def main() -> None:
    """Kill, count and print; fails when an acknowledged answer is lost or any is there twice."""
    arguments = _arguments()
    with contextlib.ExitStack() as stack:
        # /var/tmp, because /tmp may be in memory.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-kill9-", dir="/var/tmp"))
        environment = {
            **client.SETTINGS,
            "DATA_DIR": folder,
            "PORT": str(servers.free_port()),
            "WEB_CONCURRENCY": arguments.web,
        }
        if arguments.postgres:
            cluster = stack.enter_context(servers.postgres(parent="/var/tmp"))
            environment["DATABASE_URL"] = cluster.create_database("earshot")
        victim = Victim(environment)
        stack.callback(victim.stop)
        survey = client.make_survey(victim.url)
        clients = Clients(victim.url, survey)
        _rain(victim, clients, arguments)
        victim.wait_until_ready()
        clients.finish()
        stored = _stored(victim.url, survey)
        counted = client.ask(f"{victim.url}/api/metrics?survey={survey}")["n"]
    print(f"killed: {dict(victim.killed)}, {victim.starts} starts of the service")
    print(f"answers given: {clients.asked}, requests: {dict(clients.outcomes)}")
    sys.exit(_verdict(clients, stored, counted))


class Victim:
    """The service, whose processes are killed one by one and which is started again when its master dies."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.killed: collections.Counter[str] = collections.Counter()
        self.starts = 0
        self._environment = environment
        self._start()

    @property
    def url(self) -> str:
        """Where it answers; the same after each restart."""
        return self._service.url

    def kill_web(self, choose: random.Random) -> None:
        """kill -9 of one of the processes that answer; gunicorn's master forks another at once."""
        web = [process for role, process in self._processes() if role == "web"]
        if web:
            self._kill("web", choose.choice(web))

    def kill_other(self, choose: random.Random) -> None:
        """kill -9 of one of the others, whichever it is; they take a second or two to come back."""
        others = [(role, process) for role, process in self._processes() if role != "web"]
        if not others:
            return
        role, process = choose.choice(others)
        self._kill(role, process)
        # Its children are the master's to bring back; itself is ours, and what is left of its group goes
        # with it, as under systemd.
        if role == "master":
            self._service.kill()
            self._start()

    def _kill(self, role: str, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
            self.killed[role] += 1

    def _processes(self) -> list[tuple[str, psutil.Process]]:
        return processes.of_service(self._service.process.pid)

    def wait_until_ready(self) -> None:
        """Return when it answers again."""
        self._service.wait_until_ready()

    def stop(self) -> None:
        """End it gracefully."""
        self._service.stop()

    def _start(self) -> None:
        self._service = servers.Service.start(self._environment)
        self.starts += 1


class Clients:
    """Many patient clients; each takes an answer off a queue and sends it until it is acknowledged."""

    def __init__(self, url: str, survey: str, number: int = 64) -> None:
        self.asked = 0
        self.acknowledged: dict[str, int] = {}  # id -> score
        self.refused: list[str] = []
        self.outcomes: collections.Counter[str] = collections.Counter()
        self._address, self._survey = urllib.parse.urlsplit(url), survey
        self._waiting: queue.Queue[tuple[str, int] | None] = queue.Queue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def ask(self) -> None:
        """One more visitor answers."""
        self._waiting.put((str(uuid.uuid4()), self.asked % 11))
        self.asked += 1

    def finish(self, deadline: float = 120) -> None:
        """Return when every answer has been acknowledged; TimeoutError after `deadline` seconds."""
        for _ in self._threads:
            self._waiting.put(None)
        end = time.monotonic() + deadline
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))
            if thread.is_alive():
                raise TimeoutError(f"Only {len(self.acknowledged)} of {self.asked} were acknowledged.")

    def _work(self) -> None:
        while answer := self._waiting.get():
            while not self._send(*answer):
                # The widget waits longer; here it is about as many collisions as possible.
                time.sleep(0.05)

    def _send(self, identity: str, score: int) -> bool:
        """Whether the matter is settled: acknowledged, or refused for good, which must not happen."""
        body = json.dumps(
            {"id": identity, "survey": self._survey, "score": score, "comment": "Killed, not lost."}
        )
        connection = http.client.HTTPConnection(self._address.netloc, timeout=5)
        try:
            connection.request("POST", "/r", body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException) as problem:
            self.outcomes[type(problem).__name__] += 1
            return False
        finally:
            connection.close()
        self.outcomes[str(reply.status)] += 1
        if reply.status in (200, 201):
            self.acknowledged[identity] = score
            return True
        if reply.status < 500:
            self.refused.append(identity)
        return reply.status < 500


def _rain(victim: Victim, clients: Clients, arguments: argparse.Namespace) -> None:
    """Answers at a steady rate, and a kill at each tick, but not while the supervisor restarts."""
    over = threading.Event()

    def visitors() -> None:
        begin = time.monotonic()
        while not over.wait(max(0, begin + clients.asked / arguments.rate - time.monotonic())):
            clients.ask()

    visiting = threading.Thread(target=visitors)
    visiting.start()
    choose = random.Random(arguments.seed)
    try:
        begin = time.monotonic()
        tick, others = begin, 1
        while (tick := max(tick + arguments.every, time.monotonic())) < begin + arguments.seconds:
            time.sleep(max(0, tick - time.monotonic()))
            if tick - begin >= others * arguments.others:
                others += 1
                victim.kill_other(choose)
            else:
                victim.kill_web(choose)
    finally:
        over.set()
        visiting.join()


def _verdict(clients: Clients, stored: list[tuple[str, int]], counted: int) -> int:
    """Print what came of it; the exit status."""
    there = dict(stored)
    lost = [i for i, score in clients.acknowledged.items() if there.get(i) != score]
    doubled = len(stored) - len(there)
    print(f"acknowledged {len(clients.acknowledged)}, lost {len(lost)}, duplicated {doubled}")
    print(f"refused {len(clients.refused)}, stored {len(there)}, in the number {counted}")
    wrong = lost or doubled or clients.refused or counted != len(there) or len(there) != clients.asked
    return 1 if wrong else 0


def _stored(url: str, survey: str) -> list[tuple[str, int]]:
    """Id and score of every answer in the feed, as often as it is there."""
    found: list[tuple[str, int]] = []
    cursor = ""
    while True:
        page = client.ask(f"{url}/api/feed?survey={survey}&order=asc&limit=200{cursor}")
        if not page["items"]:
            return found
        found += [(item["id"], item["score"]) for item in page["items"]]
        cursor = "&cursor=" + urllib.parse.quote(page["next"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kill9", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=0.2, help="seconds between two kills")
    parser.add_argument(
        "--others",
        type=float,
        default=10,
        help="seconds between two kills of something else than a web process",
    )
    parser.add_argument("--web", default="2", help="web processes (WEB_CONCURRENCY)")
    parser.add_argument("--rate", type=float, default=100, help="answers a second")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--seed", type=int, default=1, help="for the choice of whom to kill")
    return parser.parse_args()


if __name__ == "__main__":
    main()
