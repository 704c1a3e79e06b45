"""`POST /r` of Earshot beside the same path written naively and beside bare inserts on other stacks.

All contestants run at the same time and are loaded one after the other, round after round, because disks
differ twentyfold from hour to hour: only ratios inside one round mean anything. See README.md.
"""

import argparse
import contextlib
import os
import shlex
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from tests import servers
from tests.bench import client, processes
from tests.bench.load import Load, flushes_per_second, post_answers

HERE = Path(__file__).parent
PEERS = HERE / ".peers"


@dataclass(frozen=True)
class Contestant:
    """A server with `POST /r` and `GET /readyz` on $PORT, which keeps its data in $DATA_DIR.

    Those with the same `race` are compared, each with the first of the race.
    """

    name: str
    race: str
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def survey(self, url: str) -> str:
        """The survey to answer; a peer takes any."""
        return "sv_bench"

    def stored(self, url: str, survey: str) -> int:
        """How many answers it has kept."""
        return client.ask(f"{url}/count")


@dataclass(frozen=True)
class Earshot(Contestant):
    """Earshot as `flask serve` starts it, worker included."""

    def survey(self, url: str) -> str:
        return client.make_survey(url)

    def stored(self, url: str, survey: str) -> int:
        return client.ask(f"{url}/api/metrics?survey={survey}")["n"]


CONTESTANTS = (
    Earshot("earshot", "sqlite", environment=client.SETTINGS),
    # The same path with one Peewee transaction a request instead of one a group, and every query built anew.
    Earshot(
        "naive",
        "sqlite",
        command=(
            sys.executable, "-c",
            "from surveys.commands import service; from surveys.base import db; import wsgi; app = wsgi.create_app(); "
            "service.prepare(app.extensions['earshot']); db.close_database(); import os, sys; "
            "os.execv(sys.executable, [sys.executable, '-m', 'gunicorn', '-c', 'gunicorn.conf.py', "
            "'tests.bench.peers.naive:create_app()'])",
        ),
        environment=client.SETTINGS,
    ),
    Contestant(
        "fastapi",
        "sqlite",
        command=(
            f"{PEERS}/venv/bin/python", "-m", "uvicorn", "tests.bench.peers.fastapi_sqlite:app",
            "--port", "{PORT}", "--no-access-log", "--log-level", "warning",
        ),
    ),
    Contestant(
        "fastify",
        "sqlite",
        command=("node", f"{HERE}/peers/fastify_sqlite.cjs"),
        environment={"NODE_PATH": f"{PEERS}/node_modules", "NODE_ENV": "production"},
    ),
    # As Earshot is served, with nothing to do: what it could record if forms, rules and the disk cost nothing.
    Contestant(
        "flask-no-disk",
        "sqlite",
        command=(
            sys.executable, "-m", "gunicorn", "tests.bench.peers.flask_no_disk:create_app()",
            "--bind", "127.0.0.1:{PORT}", "--worker-class", "gthread", "--workers", "1",
            "--threads", "64", "--keep-alive", "30", "--no-control-socket",
        ),
    ),
    Earshot("earshot-postgres", "postgres", environment=client.SETTINGS),
    Contestant(
        "peewee-postgres",
        "postgres",
        command=(
            sys.executable, "-m", "gunicorn", "tests.bench.peers.peewee_postgres:create_app()",
            "--bind", "127.0.0.1:{PORT}", "--worker-class", "gthread", "--workers", str(os.cpu_count()),
            "--threads", "32", "--keep-alive", "75", "--no-control-socket",
        ),
    ),
)  # fmt: skip


@dataclass
class Running:
    """A started contestant and what was measured of it, one `Load` a round.

    `process`: what it was started as. `spent`: seconds of processor time by role, while it was loaded.
    """

    contestant: Contestant
    url: str
    survey: str
    process: int
    rounds: list[Load] = field(default_factory=list)
    acknowledged: int = 0
    spent: dict[str, float] = field(default_factory=dict)

    def load(self, seconds: float, comments: float) -> Load:
        """Load it once; the caller decides whether the figure counts."""
        before = self._spent()
        load = post_answers(self.url, self.survey, seconds=seconds, comments=comments)
        for role, seconds_spent in self._spent().items():
            self.spent[role] = self.spent.get(role, 0.0) + seconds_spent - before.get(role, 0.0)
        self.acknowledged += load.requests - load.errors
        return load

    def milliseconds(self, *roles: str) -> str:
        """Processor time of an answer, of the processes with these roles."""
        return f"{1000 * sum(self.spent.get(role, 0.0) for role in roles) / max(1, self.acknowledged):.2f}"

    def _spent(self) -> dict[str, float]:
        spent = processes.seconds_of(self.process)
        for each in psutil.process_iter(["cmdline", "cpu_times"]):
            # A server names its processes by database: "postgres: owner name 127.0.0.1(…) idle".
            line = " ".join(each.info["cmdline"] or ())
            if line.startswith("postgres:") and f" {self.contestant.name} " in line:
                times = each.info["cpu_times"]
                spent["database"] = spent.get("database", 0.0) + times.user + times.system
        return spent


def main() -> None:
    """Run the races and print them as Markdown; fails when anybody loses or refuses an answer."""
    arguments = _arguments()
    chosen = [c for c in CONTESTANTS if not arguments.only or c.name in arguments.only]
    chosen += [
        _at(checkout, c)
        for checkout in arguments.beside
        for c in chosen
        if type(c) is Earshot and not c.command
    ]
    # /var/tmp, because /tmp may be in memory, where durable costs nothing.
    with tempfile.TemporaryDirectory(prefix="earshot-bench-", dir="/var/tmp") as folder:
        with _started(chosen, Path(folder)) as running:
            for one in running:
                one.load(2, arguments.comments)
            flushes = []
            for number in range(arguments.rounds):
                flushes.append(flushes_per_second(Path(folder)))
                # Each round begins with another one, so that nobody always follows the same neighbour.
                turn = number % len(running)
                for one in running[turn:] + running[:turn]:
                    one.rounds.append(one.load(arguments.seconds, arguments.comments))
            faults = [fault for one in running for fault in _faults(one)]
        print(_report(running, flushes, arguments))
    if faults:
        sys.exit("\n".join(faults))


def _at(checkout: Path, contestant: Contestant) -> Contestant:
    """The same as another checkout has it."""
    serve = f"cd {shlex.quote(str(checkout.resolve()))} && exec {sys.executable} -m flask --app wsgi serve"
    name = f"{contestant.name}-{checkout.resolve().name}"
    return replace(contestant, name=name, command=("sh", "-c", serve))


@contextlib.contextmanager
def _started(contestants: Sequence[Contestant], folder: Path) -> Iterator[list[Running]]:
    with contextlib.ExitStack() as stack:
        cluster = None
        running = []
        for contestant in contestants:
            data = folder / contestant.name
            data.mkdir()
            port = str(servers.free_port())
            environment = {**contestant.environment, "DATA_DIR": str(data), "PORT": port}
            if contestant.race == "postgres":
                cluster = cluster or stack.enter_context(servers.postgres(parent="/var/tmp"))
                environment["DATABASE_URL"] = cluster.create_database(contestant.name)
            command = [part.replace("{PORT}", port) for part in contestant.command]
            server = stack.enter_context(servers.service(environment, command=command))
            survey = contestant.survey(server.url)
            running.append(Running(contestant, server.url, survey, server.process.pid))
        yield running


def _faults(one: Running) -> list[str]:
    """An acknowledged answer that is not there, or a refused one, makes every figure worthless."""
    name, errors = one.contestant.name, sum(load.errors for load in one.rounds)
    stored = one.contestant.stored(one.url, one.survey)
    return [f"{name}: {errors} requests failed"] * (errors > 0) + [
        f"{name}: {one.acknowledged} acknowledged, {stored} stored"
    ] * (stored < one.acknowledged)


def _report(running: Sequence[Running], flushes: Sequence[float], arguments: argparse.Namespace) -> str:
    lines = [
        f"64 connections, {os.cpu_count()} processors, {arguments.rounds} rounds of {arguments.seconds:g} s, "
        f"{arguments.comments:.0%} with a comment; medians, (lowest-highest)",
        f"write + fdatasync alone: {_spread(flushes)} a second",
        "",
        "| race | contestant | answers/s | per flush | p50 ms | p99 ms | answers/s of the first ÷ these "
        "| p99 of the first ÷ this | cores the generator used | processor ms an answer: web, worker, database |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    firsts: dict[str, Running] = {}
    for one in running:
        first = firsts.setdefault(one.contestant.race, one)
        pairs = list(zip(first.rounds, one.rounds, strict=True))
        columns = [
            one.contestant.race,
            one.contestant.name,
            _spread([load.per_second for load in one.rounds]),
            f"{statistics.median(a.per_second / b for a, b in zip(one.rounds, flushes, strict=True)):.2f}",
            f"{statistics.median(load.p50 for load in one.rounds):.1f}",
            f"{statistics.median(load.p99 for load in one.rounds):.1f}",
            f"{statistics.median(a.per_second / b.per_second for a, b in pairs):.2f}",
            f"{statistics.median(a.p99 / b.p99 for a, b in pairs):.2f}",
            f"{max(load.generator_cores for load in one.rounds):.2f}",
            f"{one.milliseconds('web', 'web master', 'helper', 'master')}, {one.milliseconds('worker')}, "
            f"{one.milliseconds('database')}",
        ]
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recording", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5, help="length of one stretch of load")
    parser.add_argument("--comments", type=float, default=1, help="share of answers with a comment")
    parser.add_argument(
        "--beside", nargs="+", type=Path, default=[], metavar="CHECKOUT", help="Earshot as these have it, too"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[c.name for c in CONTESTANTS])
    return parser.parse_args()


if __name__ == "__main__":
    main()
