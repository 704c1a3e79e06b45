"""What a search of the feed costs over a million responses, in turn with an earlier checkout. See README.md."""

import argparse
import contextlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests import servers
from tests.bench import client, processes

#: Responses that the checkout makes; the database repeats them.
BLOCK = 5000

FILL = f"""
import os
from surveys import catalogue
from surveys.base import clock
from tests.bench import reading
from wsgi import create_app
app = create_app(dict(os.environ))
with app.app_context():
    reading._fill(catalogue.create({{"name": "Benchmark", "metric": "nps"}}, clock.now()), {BLOCK})
"""

#: Of a repeated response, what is its own.
OWN = {
    "key": "key + k * 1000000",
    "first_tick": f"first_tick + k * {BLOCK}",
    "changed_tick": f"changed_tick + k * {BLOCK}",
    "comment": "replace(comment, ' zebra', '')",
    "search_text": "replace(search_text, ' zebra', '')",
}

COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = 'response' AND is_generated = 'NEVER'"

WORDS = {
    "a common word": "delivery",
    "two words": "card declined",
    "a phrase": '"card declined"',
    "a rare word": "zebra",
    "what is not there": "unicorn",
    "a Korean word": "배송이",
}


def main() -> None:
    """Fill a database in the earlier checkout, bring a copy of it up to date, search both in turn, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.searching", description=__doc__)
    parser.add_argument("--beside", type=Path, required=True, help="the earlier checkout")
    parser.add_argument("--responses", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=10, help="searches for each word in a round")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-searching-", dir="/var/tmp"))
        )
        settings = {"shared_buffers": "512MB"}
        cluster = (
            stack.enter_context(servers.postgres(settings, parent="/var/tmp")) if arguments.postgres else None
        )
        begun = time.monotonic()
        earlier, later = _filled(arguments, folder, cluster)
        print(f"filled in {time.monotonic() - begun:.0f} s", flush=True)
        services = {"before": _served(arguments.beside.resolve(), earlier)}
        begun = time.monotonic()
        services["now"] = _served(servers.ROOT, later)
        print(f"brought up to date and started in {time.monotonic() - begun:.0f} s", flush=True)
        for service in services.values():
            stack.callback(service.stop)
        print(_table(arguments, services, cluster))


def _filled(
    arguments: argparse.Namespace, folder: Path, cluster: servers.Postgres | None
) -> tuple[dict[str, str], dict[str, str]]:
    """The settings of both, each with a database of its own that holds the same."""
    earlier, later = ({**client.SETTINGS, "DATA_DIR": str(folder / name)} for name in ("earlier", "later"))
    Path(earlier["DATA_DIR"]).mkdir()
    if cluster is not None:
        earlier["DATABASE_URL"] = cluster.create_database("earlier")
        later["DATABASE_URL"] = cluster.database_url("later")
    environment = {**servers.surroundings(), **earlier}
    for done in (["-m", "flask", "--app", "wsgi", "migrate"], ["-c", FILL]):
        subprocess.run([sys.executable, *done], cwd=arguments.beside, env=environment, check=True)
    copies = arguments.responses // BLOCK
    if cluster is None:
        with contextlib.closing(sqlite3.connect(folder / "earlier" / "earshot.db")) as file, file:
            columns = [row[1] for row in file.execute("PRAGMA table_info(response)")]
            _repeat(file.execute, columns, copies, "lower(hex(randomblob(16)))")
            file.execute("ANALYZE")
        shutil.copytree(folder / "earlier", folder / "later")
    else:
        with psycopg.connect(earlier["DATABASE_URL"], autocommit=True) as server:
            columns = [row[0] for row in server.execute(COLUMNS)]
            _repeat(server.execute, columns, copies, "gen_random_uuid()::text")
            server.execute("VACUUM ANALYZE")
        with psycopg.connect(cluster.url + "/postgres", autocommit=True) as server:
            server.execute("CREATE DATABASE later TEMPLATE earlier")
        shutil.copytree(folder / "earlier", folder / "later")
    return earlier, later


def _repeat(execute: Any, columns: Sequence[str], copies: int, new_id: str) -> None:
    own = {**OWN, "id": new_id}
    last = execute("SELECT MAX(first_tick) FROM response").fetchone()[0]
    for start in range(1, copies, 20):
        numbers = ", ".join(f"({k})" for k in range(start, min(start + 20, copies)))
        listed = ", ".join(f'"{name}"' for name in columns)
        values = ", ".join(own.get(name, f'"{name}"') for name in columns)
        execute(
            f"INSERT INTO response ({listed}) SELECT {values} "
            f"FROM (SELECT * FROM response WHERE first_tick <= {last}) AS block, "
            f"(SELECT column1 AS k FROM (VALUES {numbers}) AS listed) AS copies ORDER BY k, first_tick"
        )
    korean = "comment = '배송이 느려요', search_text = '배송이 느려요'"
    execute(f"UPDATE response SET {korean} WHERE comment IS NOT NULL AND first_tick % 100 = 2")
    execute(f"UPDATE clock SET tick = {copies * BLOCK + 1}")


def _served(tree: Path, settings: dict[str, str]) -> servers.Service:
    return servers.Service.start(settings, directory=tree, deadline=1200)


def _table(
    arguments: argparse.Namespace, services: dict[str, servers.Service], cluster: servers.Postgres | None
) -> str:
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for number in range(arguments.rounds + 1):
        for what, word in WORDS.items():
            for name, service in services.items():
                path = f"{service.url}/api/feed?q={quote(word)}"
                spent, waits = _spent(service, cluster), []
                for _ in range(arguments.repeats):
                    begun = time.perf_counter()
                    client.ask(path)
                    waits.append((time.perf_counter() - begun) * 1000)
                worked = (_spent(service, cluster) - spent) * 1000 / arguments.repeats
                # The first round only warms up.
                if number:
                    taken.setdefault((what, name), []).append((worked, statistics.median(waits)))
    lines = [
        "| search for | processor ms before | now | times | ms by the clock before | now |",
        "|---|---|---|---|---|---|",
    ]
    for what in WORDS:
        before, now = (taken[what, name] for name in ("before", "now"))
        times = statistics.median(b[0] / a[0] for a, b in zip(before, now, strict=True) if a[0])
        shown = [statistics.median(each[at] for each in turns) for at in (0, 1) for turns in (before, now)]
        lines.append(
            f"| {what} | {shown[0]:.1f} | {shown[1]:.1f} | {times:.2f} | {shown[2]:.1f} | {shown[3]:.1f} |"
        )
    return "\n".join(lines)


def _spent(service: servers.Service, cluster: servers.Postgres | None) -> float:
    """Processor seconds of the service's web processes, and of PostgreSQL's."""
    web = sum(seconds for role, seconds in processes.seconds_of(service.process.pid).items() if role == "web")
    if cluster is None:
        return web
    return web + processes.seconds_of_postgres(cluster)


if __name__ == "__main__":
    main()
