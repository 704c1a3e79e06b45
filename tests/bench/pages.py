"""Every page of the team at many answers, as an administrator opens it: what it takes of the clock and of processors.

A page stands beside the bare one, the form for signing in: the ratio holds on a slow machine too. See README.md.
"""

import argparse
import base64
import contextlib
import itertools
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from peewee import fn

from feedback import goals, held_out, rollups, whole_days
from feedback.dashboard import registry
from feedback.models import (
    FollowUp,
    FollowUpResponse,
    Goal,
    Letter,
    Loop,
    Meaning,
    Notice,
    NoticeRule,
    Placement,
    Reading,
    Telling,
    Theme,
    Topic,
)
from surveys import ask_counts, catalogue, daily_counts
from surveys.base import clock, db
from surveys.base.accounts import keys, members, sessions
from surveys.base.accounts.members import Member
from surveys.base.http import signed_in
from surveys.commands import service
from surveys.domain import folding
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import DailyCount, Invitation, Person, Response, ResponseTag, Survey, Trigger
from tests import servers
from tests.bench import client, figures
from tests.bench.reading import PLANS, WORDS
from wsgi import create_app

#: Answers that are made one by one; the database repeats them over the year.
BLOCK = 5000

TOPICS, THEMES, AGENTS, TOUCHPOINTS = 60, 8, 40, 6
PEOPLE, ASKED, TRIGGERED = 500, 1000, 500  # of each block
FOLLOW_UPS = 500
TOLD = 20_000
GOALS, NOTICES = 5, 200
LANGUAGES = ("en", "en", "en", "de", "de", "fr", "ko")

#: How long a page may take of processors, in milliseconds; the overview and the feed; and a topic with its reading
#: plan, or with a rehearsal.
AIM, QUICK, PLANNED = 100, 50, 300

BARE = "the bare page"


def _forget() -> None:
    rollups.forget()
    whole_days.forget()


#: Pages that are asked for as if nobody had been there before: what a process remembers of it is forgotten.
FORGETTING: dict[str, Callable[[], None]] = {
    "overview, the first after a roll-up": _forget,
    "topics, the first after a roll-up": _forget,
    "what telling did, worked out": held_out.COMPARED.forget,
}

#: Without helpers beside the process that serves us: the time of their processors would not be seen.
_SERVER = {"shared_buffers": "512MB", "max_parallel_workers_per_gather": "0"}


def main() -> None:
    """Fill the databases and print one table each as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__)
    parser.add_argument("--answers", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--only", choices=("sqlite", "postgres"))
    parser.add_argument("--data", type=Path, help="a folder that stays, and is filled if it is empty")
    parser.add_argument("--database", help="the address of a PostgreSQL database that stays, likewise")
    parser.add_argument("--pages", help="only those with this in their name")
    arguments = parser.parse_args()
    for kind in ("sqlite", "postgres"):
        if arguments.only in (None, kind):
            with _application(kind, arguments) as app:
                print(_table(app, kind, arguments), flush=True)


@contextlib.contextmanager
def _application(kind: str, arguments: argparse.Namespace) -> Iterator[Flask]:
    with contextlib.ExitStack() as stack:
        folder = arguments.data or stack.enter_context(
            tempfile.TemporaryDirectory(prefix="earshot-bench-", dir="/var/tmp")
        )
        environment = {**client.SETTINGS, "DATA_DIR": str(folder), "LOG_LEVEL": "error"}
        if kind == "postgres":
            address = arguments.database
            if address is None:
                cluster = stack.enter_context(servers.postgres(_SERVER, parent="/var/tmp"))
                address = cluster.create_database("pages")
            environment["DATABASE_URL"] = address
        app = create_app(environment)
        service.prepare(app.extensions["earshot"])
        if not Response.select().exists():
            fill(arguments.answers)
        yield app
        db.close_database()


def _table(app: Flask, kind: str, arguments: argparse.Namespace) -> str:
    started = time.monotonic()
    rolled_up = rollups.roll_up(clock.now())
    ask_counts.roll_up(clock.now())
    lines = [
        f"\n{kind}, {Response.select().count():,} answers over 365 days; {rolled_up} days and months rolled up in "
        f"{time.monotonic() - started:.0f} s\n",
        "| page | statements | processor p50 ms | p95 | clock p50 ms | p95 | times the bare page | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    caller = app.test_client()
    member = _administrator()
    if not Goal.select().exists():
        _watch(member)
    caller.set_cookie(signed_in.PLAIN, sessions.begin(member, clock.now()), domain="localhost")
    key = keys.issue("bench", ["admin"], None, clock.now())[1]
    bare = 1.0
    for name, address in {BARE: "/team/sign-in", **addresses()}.items():
        if arguments.pages and arguments.pages not in name and name != BARE:
            continue
        visitor = app.test_client() if name == BARE else caller
        if visitor.get(address, headers=_headers(address, key)).status_code == 303:
            # It asks for the password first, or leads to where something is named.
            continue
        taken = _taken(visitor, address, arguments.repeats, key, FORGETTING.get(name))
        worked, clocked = ([each[at] for each in taken] for at in (0, 1))
        if name == BARE:
            bare = statistics.median(worked)
        late = figures.percentile(worked, 95)
        lines.append(
            f"| {name} | {taken[0][2]} | {statistics.median(worked):.1f} | {late:.1f} "
            f"| {statistics.median(clocked):.1f} | {figures.percentile(clocked, 95):.1f} "
            f"| {statistics.median(worked) / bare:.1f} | {'' if late < aim(name) else 'late'} |"
        )
        print(lines[-1], flush=True)
    return "\n".join(lines)


def aim(name: str) -> int:
    """How long a page may take at the 95th percentile, by its name."""
    if name == "/team" or name.startswith(("/team/feed", "overview", "feed,")):
        return QUICK
    return PLANNED if name.startswith(("a topic", "a merge", "a split")) and "told" not in name else AIM


def addresses() -> dict[str, str]:
    """Every page that a registry knows, by its name: one that names nothing as it stands, and some with filters."""
    counted = DailyCount.select(DailyCount.survey).group_by(DailyCount.survey)
    survey = counted.order_by(fn.SUM(DailyCount.n).desc()).first().survey_id
    topic, other = (f"top_{number}" for number in (1, 2))
    newest = Response.select().where(Response.person.is_null(False)).order_by(Response.key.desc()).first()
    case, goal = (table.select().first().id for table in (FollowUp, Goal))
    found = {
        each.address: each.address for each in registry.PAGES if each.is_plain and each.scope is not None
    }
    del found["/team/explore/export.csv"]
    return found | {
        "overview, the first after a roll-up": "/team",
        "topics, the first after a roll-up": "/team/topics",
        "what telling did, worked out": "/team/loop/effect",
        "overview, a year": "/team?period=12m",
        "overview, all": "/team?period=all",
        "feed, comments": "/team/feed?has_comment=1",
        "feed, detractors of an agent": "/team/feed?group=detractor&agent=ag_7",
        "feed, a topic": f"/team/feed?topic={topic}&excluded=0",
        "feed, two words": "/team/feed?q=card+declined",
        "one answer": f"/team/feed/{newest.id}",
        "topics of a survey": f"/team/topics?survey={survey}",
        "topics of a month": "/team/topics?since=" + (clock.now() - timedelta(days=30)).date().isoformat(),
        "a topic": f"/team/topics/{topic}",
        "a topic of a survey": f"/team/topics/{topic}?survey={survey}",
        "a topic, what came of it": f"/team/topics/{topic}?came=1",
        "a topic, to be told": f"/team/loop?topic={other}",
        "a merge, rehearsed": f"/team/topics/{topic}?into={other}&survey={survey}",
        "a split, rehearsed": f"/team/topics/{topic}?parts=card&survey={survey}",
        "mismatches of a survey": f"/team/mismatches?survey={survey}",
        "explore by agent": f"/team/explore?survey={survey}&by=agent",
        "explore by topic": f"/team/explore?survey={survey}&by=topic",
        "explore by time": f"/team/explore?survey={survey}",
        "explore, agents by topics": f"/team/explore?survey={survey}&by=agent&across=topic",
        "explore, a property by languages": f"/team/explore?survey={survey}&by=property:plan&across=language",
        "people of a company": "/team/people?company=Company+7",
        "a person": f"/team/people/{newest.person_id}",
        "a company": "/team/companies/Company%207",
        "a survey": f"/team/surveys/{survey}",
        "a follow-up": f"/team/follow-ups/{case}",
        "a goal": f"/team/goals/{goal}",
        "a rule of notices": f"/team/notices/rule_{survey}",
        "why was nobody asked": "/team/triggers?email=kim-1-1@example.com",
        "API: topics": "/api/topics",
        "API: whom to tell of a topic": f"/api/topics/{other}/loop",
        "API: themes": "/api/themes",
        "API: a value by theme, 365 days": f"/api/metrics?survey={survey}&by=theme",
        "API: a theme by week": f"/api/metrics?survey={survey}&theme=the_1&interval=week",
        "API: drivers, themes": f"/api/drivers?survey={survey}&level=theme",
    }


def _administrator() -> str:
    email = "bench@example.com"
    known = members.by_email(email)
    if known is None:
        known = members.invite({"email": email, "role": "administrator"}, clock.now())
        Member.update(name="Bench", joined_at=clock.now(), agent="ag_7").where(
            Member.id == known.id
        ).execute()
    return known.id


def _taken(
    caller: Any, address: str, repeats: int, key: str, forget: Callable[[], None] | None = None
) -> list[tuple[float, float, int]]:
    """Of each call the milliseconds of processors and by the clock, and how many statements it asked; `forget` what
    is remembered before each."""
    found = []
    for _ in range(repeats):
        if forget is not None:
            forget()
        with _counted() as statements:
            begun, worked, served = time.perf_counter(), time.process_time(), _server_time()
            answer = caller.get(address, headers=_headers(address, key))
            spent = time.process_time() - worked
            took = time.perf_counter() - begun
        assert answer.status_code == 200, (address, answer.status_code, answer.get_data(as_text=True)[:500])
        after = _server_time()
        # A new connection has a new process, all of whose time is this call's.
        spent += after[1] - (served[1] if after[0] == served[0] else 0.0)
        found.append((spent * 1000, took * 1000, next(statements)))
    return found


def _headers(address: str, key: str) -> dict[str, str]:
    is_page = not address.startswith("/api")
    return {"Accept": "text/html"} if is_page else {"Authorization": f"Bearer {key}"}


@contextlib.contextmanager
def _counted() -> Iterator[Iterator[int]]:
    counter = itertools.count()
    database = db.database.obj
    run = database.execute_sql

    def execute_sql(*given: Any, **more: Any) -> Any:
        next(counter)
        return run(*given, **more)

    database.execute_sql = execute_sql
    try:
        yield counter
    finally:
        del database.execute_sql


def _server_time() -> tuple[int, float]:
    """The server's process for us, and how many seconds of a processor it has taken; of SQLite there is none."""
    if db.on_sqlite():
        return 0, 0.0
    pid = db.database.connection().info.backend_pid
    exact = Path(f"/proc/{pid}/schedstat")
    if exact.exists():
        # In nanoseconds, where the other file counts hundredths of a second: more than most pages take.
        return pid, int(exact.read_text().split()[0]) / 1e9
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return pid, (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


# ------------------------------------------------------------------------------------------------------


def fill(count: int) -> None:
    """Believable rows straight into the tables, in the order of time, then the counts and the planner's facts."""
    db.patient()
    now = datetime.now(UTC)
    year = timedelta(days=365)
    surveys = [
        catalogue.create({"name": f"Survey {metric}", "metric": metric, "segments": ["plan"]}, clock.now())
        for metric in ("nps", "csat", "ces")
    ]
    copies = max(1, count // BLOCK)
    step = year / (copies * BLOCK)
    begin = now - year
    rows = _block(surveys, begin, step)
    with db.database.atomic():
        for number in range(THEMES):
            Theme.create(id=f"the_{number}", label=f"Theme {number}", created_at=begin)
        for number in range(TOPICS):
            Topic.create(
                id=f"top_{number}", label=f"Topic {number}", created_at=begin, theme=f"the_{number % THEMES}"
            )
        for table, made in rows.items():
            db.Insert(table).many(made)
    _repeat(copies, clock.microseconds(begin + step * BLOCK) - clock.microseconds(begin))
    _open_cases(now)
    _tell(now)
    if db.on_sqlite():
        db.database.execute_sql("UPDATE clock SET tick = ?", (copies * BLOCK + 1,))
        db.database.execute_sql("ANALYZE")
    else:
        db.settle_clock()
        db.database.execute_sql("VACUUM ANALYZE")
    daily_counts.rebuild()


def _block(surveys: Sequence[Survey], begin: datetime, step: timedelta) -> dict[Any, list[dict[str, Any]]]:
    """The first answers and what hangs on them, by table, those first that others name."""
    chance = random.Random(7)
    people = [_person(number, begin) for number in range(PEOPLE)]
    found: dict[Any, list[dict[str, Any]]] = {
        table: []
        for table in (Person, Invitation, Trigger, Response, ResponseTag, Reading, Meaning, Placement)
    }
    found[Person] = people
    for number in range(ASKED):
        at = begin + step * (BLOCK // ASKED * number)
        asked = {"survey": surveys[number % 3].id, "person": people[number % PEOPLE]["id"], "created_at": at}
        answered = at if number % 4 == 0 else None
        found[Invitation].append(
            {
                **asked, "id": f"inv_{number}", "channel": "email", "sent_at": at, "answered_at": answered,
                "status": "answered" if answered else "sent", "agent_id": f"ag_{number % AGENTS}",
                "unverified": False, "scanned": False,
            }
        )  # fmt: skip
        if number < TRIGGERED:
            told = {"id": f"tr_{number}", "decision": "scheduled" if number % 3 else "suppressed"}
            found[Trigger].append({**asked, **told, "dry_run": False, "reason": "As it was."})
    metrics = {survey.id: survey.metric for survey in surveys}
    centres = [[chance.gauss(0, 40) for _ in range(256)] for _ in range(TOPICS)]
    for number in range(BLOCK):
        key, answer = _answer(number, surveys, people, begin + step * number, chance)
        found[Response].append(answer)
        if answer["tags"]:
            found[ResponseTag].append({"tag": answer["tags"][0], "response": key})
        if answer["comment"] is not None:
            found[Reading].append(_reading(key, number, answer, METRICS[metrics[answer["survey"]]], chance))
        if number % 4 == 1:
            first = min(int(chance.expovariate(0.08)), TOPICS - 1)
            topics = [first] if number % 3 else [first, (first + chance.randrange(1, TOPICS)) % TOPICS]
            found[Placement] += [
                {
                    "topic": f"top_{topic}", "response": key, "evidence": [answer["comment"].split()[0]],
                    "by_person": False, "main": at == 0, "closeness": chance.random(),
                }
                for at, topic in enumerate(topics)
            ]  # fmt: skip
            found[Meaning].append({"key": key, "vector": _vector(centres[first], chance), "by_person": False})
    return found


def _person(number: int, at: datetime) -> dict[str, Any]:
    return {
        "id": f"per_{number}", "external_id": f"kim-{number}", "email": f"kim-{number}@example.com",
        "name": f"Kim {number}", "company": f"Company {number % 200}", "verified": True, "created_at": at,
        "never_ask": False, "days_between_asks": 0,
    }  # fmt: skip


def _answer(
    number: int,
    surveys: Sequence[Survey],
    people: Sequence[Mapping[str, Any]],
    at: datetime,
    chance: random.Random,
) -> tuple[int, dict[str, Any]]:
    key = clock.microseconds(at)
    # Half of the answers are to one survey.
    survey = surveys[0 if number % 4 < 2 else number % 4 - 1]
    metric = METRICS[survey.metric]
    low, high = metric.scores[0], metric.scores[-1]
    score = min(high, max(low, round(chance.gauss(low + (high - low) * 0.76, (high - low) * 0.24))))
    text = " ".join(chance.choices(WORDS, k=12)) if number % 2 else None
    return key, {
        "key": key,
        "id": str(uuid.UUID(int=chance.getrandbits(128))),
        "survey": survey.id,
        "definition": 1,
        "score": score,
        "group": metric.group_of(score),
        "comment": text,
        "search_text": folding.fold(text) if text else None,
        "language": None if number % 2 else LANGUAGES[number % len(LANGUAGES)],
        "person": people[number % PEOPLE]["id"] if number % 3 == 0 else None,
        "contact": "both" if number % 45 == 9 else "reply" if number % 9 == 0 else None,
        "channel": ("widget", "email", "link")[number % 3],
        "touchpoint": f"place {number % TOUCHPOINTS}",
        "agent_id": f"ag_{number % AGENTS}",
        "agent_name": f"Agent {number % AGENTS}",
        "team_id": f"team_{number % 5}",
        "team_name": f"Team {number % 5}",
        "properties": {"plan": PLANS[number % len(PLANS)]},
        "tags": ["urgent"] if number % 20 == 0 else None,
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


def _reading(
    key: int, number: int, answer: Mapping[str, Any], metric: Metric, chance: random.Random
) -> dict[str, Any]:
    """Words feel as the score says, but for one in twenty-five."""
    low, high = metric.scores[0], metric.scores[-1]
    feeling = (answer["score"] - low) / (high - low) * 2 - 1
    if chance.random() < 0.04:
        feeling = -feeling
    feeling = max(-1.0, min(1.0, feeling + chance.gauss(0, 0.2)))
    label = "positive" if feeling > 0.25 else "negative" if feeling < -0.25 else "neutral"
    return {
        "key": key, "language": LANGUAGES[number % len(LANGUAGES)], "label": label, "score": feeling,
        "words": ["late"], "text_label": label, "text_score": feeling, "shipped_label": label, "engine": "bench",
        "by_person": False, "read_at": answer["created_at"], "says_nothing": number % 50 == 3,
    }  # fmt: skip


def _vector(centre: Sequence[float], chance: random.Random) -> str:
    numbers = (max(-127, min(127, round(each + chance.gauss(0, 40)))) for each in centre)
    return base64.b64encode(bytes(each % 256 for each in numbers)).decode()


def _repeat(copies: int, length: int) -> None:
    """Repeat the first block so that there are `copies`, each `length` microseconds after the one before."""

    def later(name: str) -> str:
        if db.on_sqlite():
            seconds = f"'+' || (k * {length} / 1000000) || ' seconds'"
            return f"strftime('%Y-%m-%dT%H:%M:%S', {name}, {seconds}) || '.000000Z'"
        return f"{name} + k * interval '{length} microseconds'"

    key = f"(key + k * {length})"
    if db.on_sqlite():
        told = {"id": "lower(hex(randomblob(16)))", "day": f"date({key} / 1000000, 'unixepoch')"}
    else:
        told = {
            "id": "gen_random_uuid()::text",
            "day": f"to_char(to_timestamp({key} / 1000000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        }
    tick = {name: f"{name} + k * {BLOCK}" for name in ("first_tick", "changed_tick")}
    moments = {name: later(name) for name in ("created_at", "updated_at")}
    person = {"person_id": "person_id || '_' || k"}
    response = {"response_key": f"(response_key + k * {length})"}
    spoken = {name: f"replace({name}, '@', '-' || k || '@')" for name in ("email",)}
    named = {name: f"{name} || '_' || k" for name in ("id",)}
    tables: dict[Any, dict[str, str]] = {
        Person: {
            **named,
            **spoken,
            "external_id": "external_id || '-' || k",
            "created_at": later("created_at"),
        },
        Invitation: {**named, **person, **{at: later(at) for at in ("created_at", "sent_at", "answered_at")}},
        Trigger: {**named, **person, "created_at": later("created_at")},
        Response: {**told, **tick, **moments, **person, "key": key},
        ResponseTag: response,
        Reading: {"key": key, "read_at": later("read_at")},
        Meaning: {"key": key},
        Placement: response,
    }
    names = {table: table._meta.table_name for table in tables}
    for name in names.values():
        db.database.execute_sql(f"CREATE TEMPORARY TABLE block_{name} AS SELECT * FROM {name}")
    for start in range(1, copies, 10):
        numbers = f"(VALUES {', '.join(f'({k})' for k in range(start, min(start + 10, copies)))})"
        with db.database.atomic():
            for table, changed in tables.items():
                columns = [field.column_name for field in table._meta.sorted_fields]
                listed = ", ".join(f'"{column}"' for column in columns)
                values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
                db.database.execute_sql(
                    f"INSERT INTO {names[table]} ({listed}) SELECT {values} FROM block_{names[table]}, "
                    f"(SELECT column1 AS k FROM {numbers} AS listed) AS copies ORDER BY k, 1"
                )


def _open_cases(now: datetime) -> None:
    """Cases of the newest people, one each."""
    newest: Any = (
        Response.select(Response.person, Response.key)
        .where(Response.person.is_null(False))
        .order_by(Response.key.desc())
        .limit(FOLLOW_UPS)
        .tuples()
    )
    due = now + timedelta(days=1)
    for number, (person, key) in enumerate(dict(newest).items()):
        closed = now if number % 2 else None
        FollowUp.create(
            id=f"fu_{number}", person=person, rule="score", status="solved" if closed else "new",
            opened_at=now, closed_at=closed, answer_due_at=None if closed else due, answer_why="", solve_why="",
        )  # fmt: skip
        FollowUpResponse.create(response=key, follow_up=f"fu_{number}", rule="score", joined_at=now)


def _tell(now: datetime) -> None:
    """People who were told three months ago what came of a topic, one in ten of them two months later; and on which
    day some of them left."""
    begun = now - timedelta(days=90)
    loop = Loop.create(
        id="loop_1", topic="top_1", status="shipped", text={"en": "Done."}, holdout=0.1, made_by={}, created_at=begun,
        ready_at=begun, send_at=begun,
    )  # fmt: skip
    spoke: Any = (
        Response.select(Person.id, Person.email, fn.MIN(Response.key))
        .join(Person)
        .where(Response.comment.is_null(False), Response.key < clock.microseconds(begun))
        .group_by(Person.id)
        .order_by(fn.MIN(Response.key).desc())
        .limit(TOLD)
        .tuples()
    )
    letters, tellings = [], []
    for number, (person, email, key) in enumerate(spoke):
        letter = {"id": f"let_{number}", "kind": "told", "person": person, "email": email, "language": "en"}
        letters.append(
            {**letter, "made_by": {}, "marked": False, "state": "sent", "created_at": begun, "sent_at": begun}
        )
        tellings.append(
            {
                "letter": letter["id"], "loop": loop.id, "person": person, "week": begun.date().isoformat(),
                "held_out": number % 10 == 0, "response": key, "quote": "Late.", "due_at": begun,
            }
        )  # fmt: skip
    with db.database.atomic():
        db.Insert(Letter).many(letters)
        db.Insert(Telling).many(tellings)
        for person in [each["person"] for each in letters[::7]]:
            Person.update(properties={"left_on": now.date().isoformat()}).where(Person.id == person).execute()


def _watch(member: str) -> None:
    """Goals, and rules with what they said lately of the newest answers."""
    now = clock.now()
    caller = signed_in.caller_of(members.get(member))
    days = {"start": (now - timedelta(days=90)).date(), "due": (now + timedelta(days=90)).date()}
    newest: Any = Response.select(Response.key).order_by(Response.key.desc()).limit(NOTICES).tuples()
    keys = [key for (key,) in newest]
    with db.database.atomic():
        for survey in Survey.select():
            for number in range(GOALS):
                terms = {"name": f"Goal {number}", "survey": survey.id, "target": 60.0, **days}
                goals.create({**terms, "filters": {"agent": f"ag_{number}"} if number else {}}, caller, now)
            made = {"segment": "agent", "filters": {}, "made_by": member, "created_at": now}
            when = {"kind": "value", "survey": survey.id, "floor": 5.0, "margin": 0}
            NoticeRule.create(id=f"rule_{survey.id}", name="Agents", when=when, **made)
        made["segment"] = None
        for number in range(GOALS):
            rule = NoticeRule.create(
                id=f"rule_{number}", name=f"Rule {number}", when={"kind": "score", "at_or_below": 3}, **made
            )
            for key in keys:
                Notice.create(
                    id=f"note_{number}_{key}", rule=rule, response=key, subject=str(key), mark=str(key), told=True,
                    why={"kind": "score", "score": 2, "at_or_below": 3}, began_at=now, over_at=now,
                )  # fmt: skip


if __name__ == "__main__":
    main()
