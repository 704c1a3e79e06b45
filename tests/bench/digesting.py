"""kill -9 of the process that sends digests, at random and at each step: is any sent twice? See README.md."""

import argparse
import contextlib
import functools
import random
import sys
import tempfile
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

from feedback import digests
from feedback.models import Digest
from surveys import catalogue, recording
from surveys.base import clock, db, jobs, worker
from surveys.base.accounts.caller import Caller
from surveys.commands.service import prepare
from tests import servers
from tests.bench import sender, sending
from wsgi import create_app

#: Whoever set up the service.
NOBODY = Caller("", "", frozenset(), member="mem_1")


def main() -> None:
    """Send, kill, count and print; fails when a digest arrives twice."""
    arguments = _arguments()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-digests-", dir="/var/tmp"))
        environment = {"DATA_DIR": folder, "ADMIN_KEY": "k" * 40, "MAIL_FROM": "Desk <desk@shop.example>"}
        environment["LOG_LEVEL"] = "ERROR"
        if arguments.postgres:
            cluster = stack.enter_context(servers.postgres(parent="/var/tmp"))
            environment["DATABASE_URL"] = cluster.create_database("earshot")
        faults = run(environment, arguments.days, arguments.readers, arguments.kills, arguments.seed)
    sys.exit("\n".join(faults) or None)


def run(environment: dict[str, str], days: int, readers: int, kills: int, seed: int) -> list[str]:
    """Send the digests of some days to some readers while their sender is killed; what is wrong."""
    with sending.inbox() as (arrived, url):
        settings = {**environment, "SMTP_URL": url}
        app = create_app(settings)
        with app.app_context():
            prepare(app.extensions["earshot"])
        _prepare(days, readers)
        born = sending.nursery()
        for step in sender.OF_DIGESTS:
            sending.life(born, settings, sending.to_its_end, step)
        choose = random.Random(seed)
        share = max(1, round(1.8 * days * readers / max(1, kills)))
        killed = sum(
            sending.life(
                born, settings, sending.after(arrived, choose.randrange(share), choose.uniform(0, 0.02))
            )
            for _ in range(kills)
        )
        sending.life(born, settings, sending.to_its_end)
        left = jobs.Job.select().where(jobs.Job.kind == digests.DUE, jobs.Job.state != jobs.DONE).count()
        worker.close()
        db.close_database()
    return _verdict(arrived, days * readers, killed, left)


def _prepare(days: int, readers: int) -> None:
    """An answer a day, readers who have confirmed, and a digest that is due for each of the days."""
    now = clock.now()
    survey = catalogue.create({"name": "Killed", "metric": "nps"}, now)
    first = datetime.now(UTC).replace(hour=12, minute=0) - timedelta(days=days + 1)
    for day in range(days):
        at = first + timedelta(days=day)
        answer = recording.Answer(
            id=str(uuid.UUID(int=day)), revision=1, values={"score": 3, "comment": "Slow"}, created_at=at
        )
        recording.record(survey, answer, at)
    for number in range(readers):
        row = digests.create(
            {"email": f"r{number}@example.com", "when": "daily", "filters": {}}, NOBODY, first
        )
        digests.confirm(row, first - timedelta(days=1))
    jobs.Job.update(state=jobs.DONE).execute()
    for day in range(days):
        begins = (first + timedelta(days=day)).date().isoformat()
        for row in Digest.select().order_by(Digest.id):
            due = {"digest": row.id, "for": begins}
            db.write(functools.partial(jobs.enqueue, digests.DUE, due, clock.now()))


def _verdict(arrived: Counter[str], due: int, killed: int, left: int) -> list[str]:
    twice = [name for name, count in arrived.items() if count > 1]
    print(
        f"{due} digests, sender killed {killed} times at random and once at each of {len(sender.OF_DIGESTS)} steps"
    )
    print(
        f"arrived {len(arrived)}, twice {len(twice)}, not sent again because nobody knows {due - len(arrived)}"
    )
    return [f"{len(twice)} digests were sent twice"] * bool(twice) + [f"{left} were not tried"] * bool(left)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.digesting", description=__doc__)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--readers", type=int, default=5)
    parser.add_argument("--kills", type=int, default=50, help="at random, on top of one at each step")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--seed", type=int, default=1, help="for the moments of the kills")
    return parser.parse_args()


if __name__ == "__main__":
    main()
