"""How long from POST /r to the read comment, and what a worker with nothing to do costs. See README.md."""

import argparse
import contextlib
import json
import random
import sqlite3
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests import servers
from tests.bench import client, figures, processes

COMMENT = "The checkout was quick, but my card was declined twice."

#: How often the database is asked whether the comment has been read.
LOOK_SECONDS = 0.002


def main() -> None:
    """Start each checkout, post comments to them in turn, print."""
    arguments = _arguments()
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(servers.postgres(parent="/var/tmp")) if arguments.postgres else None
        checkouts = [servers.ROOT, *arguments.beside]
        services = [stack.enter_context(_running(tree, n, cluster)) for n, tree in enumerate(checkouts)]
        waits: list[list[float]] = [[] for _ in services]
        for post in services:
            # The first comment loads the engines.
            post()
        spent = [processes.seconds_of(post.pid) for post in services]
        begun = time.monotonic()
        time.sleep(arguments.rest)
        for tree, before, post in zip(checkouts, spent, services, strict=True):
            after, seconds = processes.seconds_of(post.pid), time.monotonic() - begun
            idle = (after.get("worker", 0.0) - before.get("worker", 0.0)) / seconds
            memory = sum(
                p.memory_full_info().pss for role, p in processes.of_service(post.pid) if role == "worker"
            )
            print(f"{tree.name}: worker at rest {idle:.2%} of a core, {memory / 2**20:.0f} MiB")
        chance = random.Random(7)
        for _ in range(arguments.comments):
            for post, found in zip(services, waits, strict=True):
                # Comments come whenever they like: a look that happens in step with them would tell nothing.
                time.sleep(chance.uniform(0.2, 1.5))
                found.append(post() * 1000)
        for tree, found in zip(checkouts, waits, strict=True):
            late = figures.percentile(found, 95)
            print(
                f"{tree.name}: read after {figures.spread(found)}, p95 {late:.1f} ms ({len(found)} comments)"
            )


class _Post:
    """Posts a comment; the seconds until it is read."""

    def __init__(self, url: str, pid: int, is_read: Callable[[str], Any]) -> None:
        self.pid, self._url, self._is_read = pid, url, is_read
        self._survey = client.make_survey(url)

    def __call__(self) -> float:
        body = {"id": str(uuid.uuid4()), "survey": self._survey, "score": 3, "comment": COMMENT}
        headers = {"Content-Type": "application/json"}
        begun = time.perf_counter()
        request = urllib.request.Request(f"{self._url}/r", json.dumps(body).encode(), headers)
        urllib.request.urlopen(request, timeout=30).close()
        while not self._is_read(body["id"]):
            if time.perf_counter() - begun > 60:
                raise TimeoutError("The comment was not read in a minute.")
            time.sleep(LOOK_SECONDS)
        return time.perf_counter() - begun


@contextlib.contextmanager
def _running(tree: Path, number: int, cluster: servers.Postgres | None) -> Iterator[_Post]:
    asked = "SELECT 1 FROM reading JOIN response ON response.key = reading.key WHERE response.id = {}"
    with tempfile.TemporaryDirectory(prefix="earshot-hearing-", dir="/var/tmp") as folder:
        settings = {**client.SETTINGS, "DATA_DIR": folder}
        if cluster is not None:
            settings["DATABASE_URL"] = cluster.create_database(f"hearing{number}")
        served = servers.Service.start(settings, directory=tree)
        try:
            if cluster is None:
                file = sqlite3.connect(f"file:{folder}/earshot.db?mode=ro", uri=True)
                look: Any = lambda id_: file.execute(asked.format("?"), (id_,)).fetchone()  # noqa: E731
            else:
                server = psycopg.connect(settings["DATABASE_URL"], autocommit=True)
                look = lambda id_: server.execute(asked.format("%s"), (id_,)).fetchone()  # noqa: E731
            yield _Post(served.url, served.process.pid, look)
        finally:
            served.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hearing", description=__doc__)
    parser.add_argument("--comments", type=int, default=60, help="comments to each")
    parser.add_argument("--rest", type=float, default=10, help="seconds of idleness before the comments")
    parser.add_argument(
        "--beside", type=Path, nargs="*", default=[], help="other checkouts, measured in turn with this"
    )
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    return parser.parse_args()


if __name__ == "__main__":
    main()
