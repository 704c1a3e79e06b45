"""`POST /api/triggers` with a long history behind it, and many triggers at once for few people. See README.md."""

import argparse
import contextlib
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests import servers
from tests.bench import client, figures, processes

#: Who was invited, over and over, before the benchmark begins: `n` counts from 0.
HISTORY = """
WITH RECURSIVE seq(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM seq WHERE n + 1 < {count})
INSERT INTO {table} ({columns}) SELECT {values} FROM seq
"""

#: What has long been done by the time a history of years lies there.
SETTLED = {
    "sqlite": ("ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"),
    "postgresql": ("VACUUM ANALYZE", "CHECKPOINT"),
}


def main() -> None:
    """Fill, load, print; fails when an answer is refused or somebody is asked twice."""
    arguments = _arguments()
    faults = []
    for kind in arguments.databases:
        # /var/tmp, because /tmp may be in memory, where durable costs nothing.
        with tempfile.TemporaryDirectory(prefix="earshot-bench-", dir="/var/tmp") as folder:  # noqa: SIM117
            with _service(kind, Path(folder)) as (served, execute):
                url = served.url
                survey = client.make_survey(url)
                _fill(execute, survey, arguments.history, kind)
                if not arguments.fresh:
                    for statement in SETTLED[kind]:
                        execute(statement)
                faults += _paced(kind, url, served.process.pid, Path(folder), survey, arguments)
                faults += _crowd(kind, url, arguments)
    if faults:
        sys.exit("\n".join(faults))


def _paced(
    kind: str, url: str, pid: int, folder: Path, survey: str, arguments: argparse.Namespace
) -> list[str]:
    """Half of the triggers name somebody who was invited before, half somebody new; times from the due moment."""

    def body(number: int) -> dict[str, Any]:
        known = number % 2 == 0
        name = f"p{number * 7919 % (arguments.history // 4)}" if known else f"new{number}"
        return {"survey": survey, "person": {"email": f"{name}@example.com"}, "ticket": {"id": f"b{number}"}}

    client.fire(url, [body(n) for n in range(-100, 0)], arguments.rate)
    bodies = [body(n) for n in range(int(arguments.rate * arguments.seconds))]
    before = processes.seconds_of(pid)
    with figures.meanwhile(url, folder):
        waits, decisions = client.fire(url, bodies, arguments.rate)
    spent = {
        role: f"{(seconds - before.get(role, 0)) * 1000 / len(bodies):.1f} ms"
        for role, seconds in processes.seconds_of(pid).items()
    }
    print(
        f"{kind}: {arguments.history:,} invitations, {arguments.rate:g} triggers/s for {arguments.seconds:g} s: "
        f"{figures.spread(waits)}; {dict(decisions)}; processor time a trigger: {spent}",
        flush=True,
    )
    return [f"{kind}: {decisions['error']} triggers failed"] * (decisions["error"] > 0)


def _crowd(kind: str, url: str, arguments: argparse.Namespace) -> list[str]:
    """As fast as SENDERS connections can: each person must be asked once."""
    survey = client.make_survey(url)
    bodies = [
        {"survey": survey, "person": {"email": f"crowd{number % arguments.people}@example.com"}}
        for number in range(arguments.crowd)
    ]
    begun = time.monotonic()
    _, decisions = client.fire(url, bodies)
    seconds = time.monotonic() - begun
    asked = Counter()
    cursor: str | None = ""
    while cursor is not None:
        page = client.ask(
            f"{url}/api/invitations?survey={survey}&limit=200" + (f"&cursor={cursor}" if cursor else "")
        )
        asked.update(item["person"] for item in page["items"])
        cursor = page["next"]
    print(
        f"{kind}: {arguments.crowd:,} triggers for {arguments.people} people over {client.SENDERS} connections in "
        f"{seconds:.1f} s: {dict(decisions)}; invitations a person: at most {max(asked.values())}",
        flush=True,
    )
    twice = sum(count > 1 for count in asked.values())
    return [f"{kind}: {twice} people asked twice"] * (twice > 0) + [
        f"{kind}: {len(asked)} of {arguments.people} people asked, {decisions['error']} triggers failed"
    ] * (len(asked) != arguments.people or decisions["error"] > 0)


def _fill(execute: Callable[[str], None], survey: str, count: int, kind: str) -> None:
    """`count` invitations over two years for a quarter as many people, and a receipt for each."""
    if kind == "sqlite":
        ago = "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now', '-' || ({}) || ' seconds')"
        yes, no = "1", "0"
    else:
        ago = "now() - ({}) * interval '1 second'"
        yes, no = "true", "false"
    # From 40 days to two years ago: everybody is out of quarantine.
    then = ago.format(f"3456000 + n * {59_616_000 / count}")
    people = count // 4
    last = ago.format("3456000")
    tables = {
        "person": (people, {
            "id": "'per_' || n", "email": "'p' || n || '@example.com'", "verified": yes, "last_asked_at": last,
            "never_ask": no, "days_between_asks": "0", "created_at": last,
        }),
        "invitation": (count, {
            "id": "'inv_' || n", "survey_id": f"'{survey}'", "person_id": f"'per_' || (n % {people})",
            "channel": "'email'", "status": "'expired'", "unverified": no, "scanned": no,
            "send_at": then, "sent_at": then, "expires_at": then, "created_at": then,
            "email": f"'p' || (n % {people}) || '@example.com'",
        }),
        "trigger": (count, {
            "id": "'trg_' || n", "survey_id": f"'{survey}'", "person_id": f"'per_' || (n % {people})",
            "invitation_id": "'inv_' || n", "decision": "'scheduled'", "dry_run": no, "created_at": then,
        }),
        "resolution": (count, {
            "source": f"'{survey}'", "ticket_id": "'t' || n", "resolution": "''", "invitation_id": "'inv_' || n",
            "created_at": then,
        }),
    }  # fmt: skip
    for table, (rows, values) in tables.items():
        execute(
            HISTORY.format(
                count=rows,
                table=f'"{table}"',
                columns=", ".join(values),
                values=", ".join(values.values()),
            )
        )


@contextlib.contextmanager
def _service(kind: str, folder: Path) -> Iterator[tuple[servers.Service, Callable[[str], None]]]:
    environment = {**client.SETTINGS, "DATA_DIR": str(folder)}
    with contextlib.ExitStack() as stack:
        if kind == "postgresql":
            cluster = stack.enter_context(servers.postgres(parent="/var/tmp"))
            environment["DATABASE_URL"] = cluster.create_database("bench")
        served = stack.enter_context(servers.service(environment))

        def execute(statement: str) -> None:
            if kind == "postgresql":
                with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
                    connection.execute(statement)
                return
            connection = sqlite3.connect(folder / "earshot.db", timeout=60)
            with contextlib.closing(connection), connection:
                connection.execute(statement)

        yield served, execute


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.triggers", description=__doc__)
    parser.add_argument("--history", type=int, default=1_000_000, help="invitations there are already")
    parser.add_argument("--rate", type=float, default=50, help="triggers a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--fresh", action="store_true", help="no statistics and no vacuum: just imported")
    parser.add_argument("--crowd", type=int, default=10_000, help="triggers sent at once")
    parser.add_argument("--people", type=int, default=100, help="people they are for")
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"]
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
