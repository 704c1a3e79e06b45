"""Numbers, feed pages and searches over a million responses, on SQLite and on PostgreSQL.

Each figure is the median and the 95th percentile of one request through the whole application in process,
beside `SELECT 1` through the same database, so that a slow machine shows. See README.md.
"""

import argparse
import contextlib
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from feedback import results
from surveys import catalogue, daily_counts
from surveys.base import clock, db
from surveys.commands import service
from surveys.domain import folding
from surveys.domain.metrics import METRICS
from surveys.models import Response
from tests import servers
from tests.bench import client
from wsgi import create_app

WORDS = (
    "checkout", "card", "declined", "delivery", "late", "courier", "friendly", "staff", "price", "refund", "slow",
    "app", "crash", "login", "password", "invoice", "support", "answered", "quickly", "helpful", "waiting", "days",
    "broken", "size", "wrong", "colour", "website", "search", "found", "easy",
)  # fmt: skip


def main() -> None:
    """Fill both databases and print one table each as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reading", description=__doc__)
    parser.add_argument("--responses", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--only", choices=("sqlite", "postgres"))
    arguments = parser.parse_args()
    for kind in ("sqlite", "postgres"):
        if arguments.only in (None, kind):
            with _application(kind) as app:
                print(f"\n{kind}, {arguments.responses:,} responses over 365 days\n")
                print(_table(app, arguments))


@contextlib.contextmanager
def _application(kind: str) -> Iterator[Flask]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-bench-", dir="/var/tmp"))
        environment = {**client.SETTINGS, "DATA_DIR": folder}
        if kind == "postgres":
            cluster = stack.enter_context(servers.postgres({"shared_buffers": "512MB"}, parent="/var/tmp"))
            environment["DATABASE_URL"] = cluster.create_database("reading")
        app = create_app(environment)
        service.prepare(app.extensions["earshot"])
        yield app
        db.close_database()


def _table(app: Flask, arguments: argparse.Namespace) -> str:
    survey = catalogue.create({"name": "Benchmark", "metric": "nps"}, clock.now())
    started = time.monotonic()
    _fill(survey, arguments.responses)
    lines = [
        f"filled in {time.monotonic() - started:.0f} s",
        "",
        "| what | median ms | p95 ms |",
        "|---|---|---|",
    ]
    now = datetime.now(UTC)
    since = (now - timedelta(days=90)).date().isoformat()
    until = now.date().isoformat()
    one = {"survey": survey.id, "since": since, "until": until}
    asks: dict[str, tuple[str, dict[str, Any]]] = {
        "value by day over 90 days": ("/api/metrics", {**one, "interval": "day"}),
        "value by agent over 90 days": ("/api/metrics", {**one, "by": "agent"}),
        "value by agent over all": ("/api/metrics", {"survey": survey.id, "by": "agent"}),
        "feed, newest page": ("/api/feed", {}),
        "feed of a survey, detractors": ("/api/feed", {"survey": survey.id, "group": "detractor"}),
        "feed of an agent": ("/api/feed", {"agent": "ag_7"}),
        "feed, a page deep inside": ("/api/feed", {"until": (now - timedelta(days=200)).isoformat()}),
        "feed, order=asc from the start": ("/api/feed", {"order": "asc"}),
        "feed, order=changed from the start": ("/api/feed", {"order": "changed"}),
        "search for a common word": ("/api/feed", {"q": "delivery"}),
        "search for two words": ("/api/feed", {"q": "card declined"}),
        "search for a phrase": ("/api/feed", {"q": '"card declined"'}),
        "search for a rare word": ("/api/feed", {"q": "zebra"}),
        "search for what is not there": ("/api/feed", {"q": "unicorn"}),
    }
    caller = app.test_client()
    headers = {"Authorization": f"Bearer {client.ADMIN_KEY}"}

    def ask(path: str, query: dict[str, Any]) -> Callable[[], None]:
        def call() -> None:
            answer = caller.get(path, query_string=query, headers=headers)
            assert answer.status_code == 200, answer.get_data(as_text=True)

        return call

    timings = {"SELECT 1": lambda: db.database.execute_sql("SELECT 1").fetchone()}
    query = results.Selection(METRICS["nps"], [survey], *_days(since, until), interval="day")
    timings["value by day over 90 days, without HTTP"] = lambda: results._series(query, ZoneInfo("UTC"))
    timings |= {name: ask(*question) for name, question in asks.items()}
    for name, call in timings.items():
        lines.append(f"| {name} | {_times(call, arguments.repeats)} |")
    return "\n".join(lines)


def _days(since: str, until: str) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(since + "T00:00Z"), datetime.fromisoformat(until + "T00:00Z")


def _times(call: Callable[[], Any], repeats: int) -> str:
    call()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    return f"{statistics.median(taken):.2f} | {taken[int(len(taken) * 0.95)]:.2f}"


def _fill(survey: Any, count: int) -> None:
    """Believable rows straight into the tables, in the order of time, then the counts and the planner's facts."""
    db.patient()
    chance = random.Random(7)
    metric = METRICS["nps"]
    begin = datetime.now(UTC) - timedelta(days=365)
    step = timedelta(days=365) / count
    rows: list[dict[Any, Any]] = []
    for number in range(count):
        at = begin + step * number
        score = min(10, max(0, round(chance.gauss(7.6, 2.4))))
        words = chance.choices(WORDS, k=12) if number % 2 else []
        if number % 50_000 == 1:
            words.append("zebra")
        text = " ".join(words) or None
        rows.append(
            {
                "key": clock.microseconds(at),
                "id": str(uuid.UUID(int=chance.getrandbits(128))),
                "survey": survey.id,
                "definition": 1,
                "score": score,
                "group": metric.group_of(score),
                "comment": text,
                "search_text": folding.fold(text) if text else None,
                "channel": "widget",
                "agent_id": f"ag_{number % 40}",
                "agent_name": f"Agent {number % 40}",
                "counted": True,
                "day": daily_counts.day_of(at),
                "revision": 1,
                "revisions": {"score": 1},
                "first_tick": number + 1,
                "changed_tick": number + 1,
                "created_at": at,
                "updated_at": at,
            }
        )
        if len(rows) == 500 or number == count - 1:
            with db.database.atomic():
                Response.insert_many(rows).execute()
            rows = []
    if db.on_sqlite():
        db.database.execute_sql("UPDATE clock SET tick = ?", (count + 1,))
        db.database.execute_sql("ANALYZE")
    else:
        db.settle_clock()
        db.database.execute_sql("VACUUM ANALYZE")
    daily_counts.rebuild()


if __name__ == "__main__":
    main()
