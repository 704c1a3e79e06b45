"""kill -9 of the process that sends mail, at random and at each step: is any mail sent twice, or lost unseen?

See README.md.
"""

import argparse
import contextlib
import multiprocessing
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller

from surveys import catalogue, triggers
from surveys.base import clock, db, jobs, worker
from surveys.commands.service import prepare
from surveys.models import Invitation, Webhook
from tests import servers
from tests.bench import sender
from wsgi import create_app

#: No sender takes longer, even one that sends all on a machine that others use too; nothing waits for ever.
AT_MOST_SECONDS = 1800


def main() -> None:
    """Send, kill, count and print; fails when a mail arrives twice, or one that did not is not shown as unknown."""
    arguments = _arguments()
    with contextlib.ExitStack() as stack:
        # /var/tmp, because /tmp may be in memory.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-sending-", dir="/var/tmp"))
        environment = {"DATA_DIR": folder, "ADMIN_KEY": "k" * 40, "MAIL_FROM": "Desk <desk@shop.example>"}
        environment["LOG_LEVEL"] = "ERROR"
        if arguments.postgres:
            cluster = stack.enter_context(servers.postgres(parent="/var/tmp"))
            environment["DATABASE_URL"] = cluster.create_database("earshot")
        faults = run(environment, arguments.mails, arguments.kills, arguments.seed)
    sys.exit("\n".join(faults) or None)


def run(environment: dict[str, str], mails: int, kills: int, seed: int) -> list[str]:
    """Send invitations while their sender is killed at each of its steps and `kills` times more; what is wrong."""
    with inbox() as (arrived, url):
        settings = {**environment, "SMTP_URL": url}
        app = create_app(settings)
        with app.app_context():
            prepare(app.extensions["earshot"])
        _invite(mails)
        born = nursery()
        for step in sender.STEPS:
            life(born, settings, to_its_end, step)
        choose = random.Random(seed)
        share = max(1, round(1.8 * mails / max(1, kills)))
        killed = sum(
            life(born, settings, after(arrived, choose.randrange(share), choose.uniform(0, 0.02)))
            for _ in range(kills)
        )
        life(born, settings, to_its_end)
        states = _states()
        worker.close()
        db.close_database()
    return _verdict(arrived, states, mails, killed)


def _verdict(arrived: Counter[str], states: dict[str, str], mails: int, killed: int) -> list[str]:
    twice = [name for name, count in arrived.items() if count > 1]
    unseen = [name for name in states if name not in arrived and states[name] != "unknown"]
    print(
        f"{mails} invitations, sender killed {killed} times at random and once at each of {len(sender.STEPS)} steps"
    )
    print(f"arrived {len(arrived)}, twice {len(twice)}; {dict(Counter(states.values()))}")
    print(f"not arrived {mails - len(arrived)}, of these not shown as unknown {len(unseen)}")
    return [f"{len(twice)} mails were sent twice"] * bool(twice) + [
        f"{len(unseen)} mails did not arrive and nobody is told"
    ] * bool(unseen)


def life(
    born: Any,
    settings: dict[str, str],
    wait: Callable[[Any], Any],
    step: str | None = None,
    what: Callable[..., Any] = sender.live,
) -> bool:
    """One life of a sender; kill it once `wait` returns. True when it was not done before."""
    # The leases of whoever was killed run out.
    past = clock.now() - timedelta(seconds=1)
    db.write(jobs.Job.update(lease_until=past).where(jobs.Job.state == jobs.RUNNING).execute)
    db.write(Webhook.update(lease_until=None).execute)
    process = born.Process(target=what, args=(settings, step))
    process.start()
    wait(process)
    was_alive = process.is_alive()
    process.kill()
    process.join()
    if step and (was_alive or process.exitcode != -signal.SIGKILL):
        raise RuntimeError(f"the sender did not come to the step: {step}")
    return was_alive


def to_its_end(process: Any) -> None:
    process.join(AT_MOST_SECONDS)


def after(arrived: Counter[str], mails: int, seconds: float) -> Callable[[Any], None]:
    """Wait until so many more mails (or calls) have arrived, and then some."""

    def wait(process: Any) -> None:
        aim = arrived.total() + mails
        end = time.monotonic() + AT_MOST_SECONDS
        while arrived.total() < aim and process.is_alive() and time.monotonic() < end:
            time.sleep(0.001)
        time.sleep(seconds)

    return wait


def nursery() -> Any:
    """Where senders are born: a process that has imported everything, so that a life begins at once."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.bench.sender"])
    return found


def _invite(mails: int) -> None:
    survey = catalogue.create({"name": "Killed", "metric": "nps"}, clock.now())
    said = {"deliver": True, "on_block": "drop", "delay_minutes": 0}
    for number in range(mails):
        triggers.receive(survey, {**said, "person": {"email": f"p{number}@example.com"}}, clock.now())


def _states() -> dict[str, str]:
    rows: Any = Invitation.select(Invitation.id, Invitation.status).tuples()
    return dict(list(rows))


@contextlib.contextmanager
def inbox() -> Iterator[tuple[Counter[str], str]]:
    """A mail server that takes everything and counts what arrived, by invitation."""
    arrived: Counter[str] = Counter()
    lock = threading.Lock()

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            mail = message_from_bytes(envelope.content, policy=policy.default)
            with lock:
                arrived[str(mail["Message-ID"]).strip("<>").partition("@")[0]] += 1
            return "250 taken"

    controller = Controller(Handler(), hostname="127.0.0.1", port=servers.free_port())
    controller.start()
    try:
        yield arrived, f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sending", description=__doc__)
    parser.add_argument("--mails", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=200, help="at random, on top of one at each step")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--seed", type=int, default=1, help="for the moments of the kills")
    return parser.parse_args()


if __name__ == "__main__":
    main()
