"""Numbers, feed pages, searches and the team's pages over a million responses, on SQLite and on PostgreSQL.

Each figure is the median and the 95th percentile of one request through the whole application in process,
beside `SELECT 1` through the same database, so that a slow machine shows. Numbers by segment take turns with the same
ones counted from the responses, as they are without roll-ups: the ratio holds on a slow machine too. See README.md.
"""

import argparse
import contextlib
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

from flask import Flask

from feedback import results, rollups
from feedback.models import Placement, Topic
from surveys import catalogue, daily_counts
from surveys.base import clock, db
from surveys.commands import service
from surveys.domain import folding
from surveys.domain.metrics import METRICS
from surveys.models import Response
from tests import servers
from tests.bench import client, figures
from wsgi import create_app

WORDS = (
    "checkout", "card", "declined", "delivery", "late", "courier", "friendly", "staff", "price", "refund", "slow",
    "app", "crash", "login", "password", "invoice", "support", "answered", "quickly", "helpful", "waiting", "days",
    "broken", "size", "wrong", "colour", "website", "search", "found", "easy",
)  # fmt: skip


PLANS = ("free", "team", "business", "enterprise", "trial")

#: Responses that are made one by one.
BLOCK = 5000

#: A quarter of the responses is in one of so many topics, unevenly.
TOPICS = 60


def main() -> None:
    """Fill both databases and print one table each as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reading", description=__doc__)
    parser.add_argument("--responses", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--direct", type=int, default=10, help="turns of numbers by segment")
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
    survey = catalogue.create({"name": "Benchmark", "metric": "nps", "segments": ["plan"]}, clock.now())
    started = time.monotonic()
    _fill(survey, arguments.responses)
    filled = time.monotonic()
    rolled_up = rollups.roll_up(clock.now())
    took = time.monotonic() - filled
    lines = [
        f"filled in {filled - started:.0f} s",
        "",
        "| what | median ms | p95 ms | processor ms |",
        "|---|---|---|---|",
    ]
    now = datetime.now(UTC)
    since = (now - timedelta(days=90)).date().isoformat()
    until = now.date().isoformat()
    one = {"survey": survey.id, "since": since, "until": until}
    asks: dict[str, tuple[str, dict[str, Any]]] = {
        "value by day over 90 days": ("/api/metrics", {**one, "interval": "day"}),
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

    def ask(path: str, query: dict[str, Any], accept: str = "*/*") -> Callable[[], None]:
        def call() -> None:
            answer = caller.get(path, query_string=query, headers={**headers, "Accept": accept})
            assert answer.status_code == 200, answer.get_data(as_text=True)

        return call

    timings = {"SELECT 1": lambda: db.database.execute_sql("SELECT 1").fetchone()}
    query = results.Selection(METRICS["nps"], [survey], *_days(since, until), interval="day")
    timings["value by day over 90 days, without HTTP"] = lambda: results._series(query, ZoneInfo("UTC"))
    timings |= {name: ask(*question) for name, question in asks.items()}
    pages: dict[str, tuple[str, dict[str, Any]]] = {
        "the team's overview": ("/team", {}),
        "the team's overview, 12 months": ("/team", {"period": "12m"}),
        "the team's feed": ("/team/feed", {}),
        "the team's feed, detractors of an agent": ("/team/feed", {"group": "detractor", "agent": "ag_7"}),
    }
    timings |= {name: ask(*question, accept="text/html") for name, question in pages.items()}
    for name, call in timings.items():
        lines.append(f"| {name} | {_times(call, arguments.repeats)} |")
    year = {"survey": survey.id, "since": (now - timedelta(days=365)).date().isoformat()}
    segments: dict[str, dict[str, Any]] = {
        **{f"value by {by}, 365 days": {**year, "by": by} for by in ("agent", "topic", "property:plan")},
        "value by agent, 90 days": {**one, "by": "agent"},
        "value by agent over all": {"survey": survey.id, "by": "agent"},
        "value of an agent by week, 365 days": {**year, "agent": "ag_7", "interval": "week"},
        "value of a topic, 365 days": {**year, "topic": "top_7"},
    }
    segment_times = {name: ask("/api/metrics", query) for name, query in segments.items()}
    segment_times["drivers, 365 days"] = ask("/api/drivers", year)
    lines += [
        "",
        f"rolled up {rolled_up} days and months in {took:.0f} s",
        "",
        "| what | median ms | p95 ms | processor ms | from the responses: median ms | p95 ms | processor ms | times |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, call in segment_times.items():
        lines.append(f"| {name} | {_in_turn(call, min(arguments.repeats, arguments.direct))} |")
    return "\n".join(lines)


def _in_turn(call: Callable[[], Any], repeats: int) -> str:
    """A call by roll-ups and one counted from the responses, in turn."""
    kept: list[tuple[float, float]] = []
    counted: list[tuple[float, float]] = []
    for at in range(repeats + 1):
        took = _took(call)
        with mock.patch.object(rollups, "find", return_value=None):
            direct = _took(call)
        # The first of each only warms up.
        if at:
            kept.append(took)
            counted.append(direct)
    # The processor's time tells more than the clock's where others work too; of PostgreSQL's it knows nothing.
    at = 1 if db.on_sqlite() else 0
    times = statistics.median(each[at] for each in counted) / statistics.median(each[at] for each in kept)
    return f"{_told(kept)} | {_told(counted)} | {times:.1f}"


def _took(call: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds by the clock, and of this process's processor."""
    started, worked = time.perf_counter(), time.process_time()
    call()
    return (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000


def _told(taken: Sequence[tuple[float, float]]) -> str:
    """Median and 95th percentile by the clock, and the median of the processor's time."""
    clocked = [each[0] for each in taken]
    worked = statistics.median(each[1] for each in taken)
    return f"{statistics.median(clocked):.2f} | {figures.percentile(clocked, 95):.2f} | {worked:.2f}"


def _days(since: str, until: str) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(since + "T00:00Z"), datetime.fromisoformat(until + "T00:00Z")


def _times(call: Callable[[], Any], repeats: int) -> str:
    call()
    return _told([_took(call) for _ in range(repeats)])


def _fill(survey: Any, count: int) -> None:
    """Believable rows straight into the tables, in the order of time, then the counts and the planner's facts.

    The first `BLOCK` are made here; the database repeats them over the year, which takes a tenth of the time.
    """
    db.patient()
    chance = random.Random(7)
    metric = METRICS["nps"]
    year = timedelta(days=365)
    begin = datetime.now(UTC) - year
    copies = max(1, count // BLOCK)
    step = year / (copies * BLOCK)
    rows: list[dict[str, Any]] = []
    placed: list[dict[str, Any]] = []
    for number in range(BLOCK):
        at = begin + step * number
        key = clock.microseconds(at)
        score = min(10, max(0, round(chance.gauss(7.6, 2.4))))
        words = chance.choices(WORDS, k=12) if number % 2 else []
        if number == 1:
            words.append("zebra")
        text = " ".join(words) or None
        rows.append(
            {
                "key": key,
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
                "properties": {"plan": PLANS[number % len(PLANS)]},
                "final": True,
                "test": False,
                "excluded": False,
                "counted": True,
                "day": daily_counts.day_of(at),
                "revision": 1,
                "revisions": {"score": 1},
                "version": 1,
                "first_tick": number + 1,
                "changed_tick": number + 1,
                "created_at": at,
                "updated_at": at,
            }
        )
        if number % 4 == 1:
            topic = f"top_{min(int(chance.expovariate(0.08)), TOPICS - 1)}"
            told = {"topic": topic, "response": key, "evidence": [], "by_person": False, "main": True}
            placed.append({**told, "closeness": 0.5})
    with db.database.atomic():
        for number in range(TOPICS):
            Topic.create(id=f"top_{number}", label=f"Topic {number}", created_at=begin)
        db.Insert(Response).many(rows)
        db.Insert(Placement).many(placed)
    _repeat(copies, clock.microseconds(begin + step * BLOCK) - clock.microseconds(begin))
    count = copies * BLOCK
    if db.on_sqlite():
        db.database.execute_sql("UPDATE clock SET tick = ?", (count + 1,))
        db.database.execute_sql("ANALYZE")
    else:
        db.settle_clock()
        db.database.execute_sql("VACUUM ANALYZE")
    daily_counts.rebuild()


#: By column of a response: what a later copy of it holds, `k` blocks on.
_LATER = {"first_tick": f"first_tick + k * {BLOCK}", "changed_tick": f"changed_tick + k * {BLOCK}"} | {
    name: f"replace({name}, ' zebra', '')" for name in ("comment", "search_text")
}


def _repeat(copies: int, length: int) -> None:
    """Repeat the first block so that there are `copies`, each `length` microseconds after the one before."""
    key = f"(key + k * {length})"
    if db.on_sqlite():
        moment = f"strftime('%Y-%m-%dT%H:%M:%S', {key} / 1000000, 'unixepoch') || printf('.%06dZ', {key} % 1000000)"
        told = {"id": "lower(hex(randomblob(16)))", "day": f"date({key} / 1000000, 'unixepoch')"}
    else:
        moment = f"to_timestamp({key} / 1000000.0)"
        told = {"id": "gen_random_uuid()::text", "day": f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"}
    told |= {**_LATER, "key": key, "created_at": moment, "updated_at": moment}
    places = {"response_key": f"(response_key + k * {length})"}
    last = db.database.execute_sql("SELECT MAX(key) FROM response").fetchone()[0]
    for start in range(1, copies, 10):
        numbers = f"(VALUES {', '.join(f'({k})' for k in range(start, min(start + 10, copies)))})"
        with db.database.atomic():
            for table, changed in ((Response, told), (Placement, places)):
                columns = [field.column_name for field in table._meta.sorted_fields]
                values = ", ".join(changed.get(name, name) for name in columns)
                key_column = "key" if table is Response else "response_key"
                db.database.execute_sql(
                    f"INSERT INTO {table._meta.table_name} ({', '.join(columns)}) SELECT {values} "
                    f"FROM (SELECT * FROM {table._meta.table_name} WHERE {key_column} <= {last}) AS block, "
                    f"(SELECT column1 AS k FROM {numbers} AS listed) AS copies ORDER BY k, {key_column}"
                )


if __name__ == "__main__":
    main()
