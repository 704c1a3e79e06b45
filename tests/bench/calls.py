"""What one answer, one trigger, one number and one page of the feed cost, beside an earlier checkout. See README.md."""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from tests import servers
from tests.bench import client, processes

#: Runs in either checkout: stores some answers, then makes the calls that a line asks for and says what they cost.
CHILD = """
import json, os, sys, time, uuid
from wsgi import create_app
app = create_app(dict(os.environ))
# The first key is made where the service is started, and that has moved.
try:
    from surveys.commands.service import prepare
except ImportError:
    from surveys.commands import prepare
prepare(app.extensions["earshot"])
caller, key = app.test_client(), {"Authorization": "Bearer " + os.environ["ADMIN_KEY"]}

def ask(method, path, status, **options):
    reply = caller.open(path, method=method, headers=key, **options)
    assert reply.status_code in status, (path, reply.status_code, reply.get_data(as_text=True))
    return reply.get_json()

survey = ask("POST", "/api/surveys", (200, 201), json={"name": "Benchmark", "metric": "nps"})["id"]
words = "The checkout was quick, but my card was declined twice before it worked."

def answer(number):
    body = {"id": str(uuid.uuid4()), "survey": survey, "score": number % 11, "touchpoint": "checkout",
            "language": "en", "page": "https://shop.example/thanks", "properties": {"plan": "pro"}, "comment": words}
    ask("POST", "/r", (200, 201), data=json.dumps(body), content_type="application/json")

def trigger(number):
    person = {"email": f"{uuid.uuid4().hex}@customer.example", "name": "Ann"}
    ask("POST", "/api/triggers", (200,), json={"survey": survey, "person": person})

day = time.strftime("%Y-%m-%d", time.gmtime())
CALLS = {
    "answer": answer,
    "trigger": trigger,
    "metrics": lambda number: ask("GET", "/api/metrics", (200,), query_string={"survey": survey, "interval": "day"}),
    "feed": lambda number: ask("GET", "/api/feed", (200,), query_string={"limit": 50}),
}
for number in range(int(sys.argv[1])):
    answer(number)
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    name, times = json.loads(line)
    begun = time.process_time()
    for number in range(times):
        CALLS[name](number)
    print(json.dumps(time.process_time() - begun), flush=True)
"""

CALLS = {
    "answer": "`POST /r`",
    "trigger": "`POST /api/triggers`",
    "metrics": "`GET /api/metrics` by day",
    "feed": "`GET /api/feed` of 50 answers",
}


def main() -> None:
    """Make the calls in both checkouts in turn and print the medians."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.calls", description=__doc__)
    parser.add_argument("--beside", type=Path, required=True, help="the earlier checkout")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--answers", type=int, default=400, help="answers that are there before")
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--repeats", type=int, default=12, help="calls of a kind in one turn")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-calls-", dir="/var/tmp"))
        )
        cluster = stack.enter_context(servers.postgres(parent="/var/tmp")) if arguments.postgres else None
        sides = {
            name: _started(stack, tree, folder / name, cluster, arguments.answers)
            for name, tree in (("before", arguments.beside.resolve()), ("now", servers.ROOT))
        }
        taken: dict[tuple[str, str], list[float]] = {}
        for turn in range(arguments.turns + 1):
            for name in CALLS:
                # Each turn another one is first; the first turn only warms up.
                for side in sorted(sides, reverse=bool(turn % 2)):
                    spent = _spent(sides[side], name, arguments.repeats, cluster)
                    if turn:
                        taken.setdefault((name, side), []).append(spent * 1000 / arguments.repeats)
    print(_table(taken))


def _started(
    stack: contextlib.ExitStack, tree: Path, folder: Path, cluster: servers.Postgres | None, answers: int
) -> "subprocess.Popen[str]":
    """A process that makes calls in the checkout `tree`, with a database of its own and so many answers in it."""
    folder.mkdir()
    environment = {**servers.surroundings(), **client.SETTINGS, "DATA_DIR": str(folder)}
    if cluster is not None:
        environment["DATABASE_URL"] = cluster.create_database(folder.name)
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(answers)], cwd=tree, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    stack.callback(process.kill)
    _said(process, folder)
    return process


def _spent(
    process: "subprocess.Popen[str]", name: str, repeats: int, cluster: servers.Postgres | None
) -> float:
    """Processor seconds that so many calls took, with those of PostgreSQL for them."""
    before = processes.seconds_of_postgres(cluster) if cluster is not None else 0.0
    line = cast(IO[str], process.stdin)
    line.write(json.dumps([name, repeats]) + "\n")
    line.flush()
    own = _said(process)
    return own + (processes.seconds_of_postgres(cluster) - before if cluster is not None else 0.0)


def _said(process: "subprocess.Popen[str]", folder: Path | None = None) -> float:
    line = cast(IO[str], process.stdout).readline()
    if not line:
        sys.exit((folder / "log").read_text() if folder else "One of the two ended.")
    given = json.loads(line)
    return given if isinstance(given, float) else 0.0


def _table(taken: Mapping[tuple[str, str], Sequence[float]]) -> str:
    lines = [
        "| call | processor ms before | now | before ÷ now | of the turns |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, shown in CALLS.items():
        before, now = taken[name, "before"], taken[name, "now"]
        ratios = [a / b for a, b in zip(before, now, strict=True)]
        medians = [statistics.median(each) for each in (before, now, ratios)]
        lines.append(
            f"| {shown} | {medians[0]:.2f} | {medians[1]:.2f} | {medians[2]:.2f} | "
            f"{min(ratios):.2f}–{max(ratios):.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
