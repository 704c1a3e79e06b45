"""How fast helpdesks are answered while the mail server and the helpdesk's own API are down. See README.md."""

import argparse
import contextlib
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import servers
from tests.bench import client, figures


def main() -> None:
    """Both kinds of outage one after the other; fails when a call is not answered with the receipt it should get."""
    arguments = _arguments()
    faults = []
    for outage in (_silent, _refusing):
        with tempfile.TemporaryDirectory(prefix="earshot-outage-", dir="/var/tmp") as folder:
            faults += _during(outage, Path(folder), arguments)
    sys.exit("\n".join(faults) or None)


def _during(outage: Any, folder: Path, arguments: argparse.Namespace) -> list[str]:
    with contextlib.ExitStack() as stack:
        there, calls = stack.enter_context(outage())
        settings = {
            "DATA_DIR": str(folder),
            "SMTP_URL": f"smtp://{there}",
            "MAIL_FROM": "Desk <desk@shop.example>",
            "OUTBOUND_ALLOW": "127.0.0.1",
        }
        if arguments.postgres:
            cluster = stack.enter_context(servers.postgres(parent="/var/tmp"))
            settings["DATABASE_URL"] = cluster.create_database("bench")
        served = stack.enter_context(servers.service({**client.SETTINGS, **settings}))
        connection = _connect(served.url, there)
        survey = client.make_survey(served.url)
        number = int(arguments.rate * arguments.seconds / 2)
        tickets = [{"ticket": {"id": n, "status": "solved"}} for n in range(1, number + 1)]
        triggers = [{"survey": survey, "person": {"email": f"p{n}@example.com"}} for n in range(number)]
        told: dict[str, Any] = {}

        def fire(path: str, bodies: list[dict[str, Any]]) -> None:
            told[path] = client.fire(served.url, bodies, arguments.rate / 2, path)

        ways = {f"/in/{connection}": tickets, "/api/triggers": triggers}
        senders = [threading.Thread(target=fire, args=way) for way in ways.items()]
        with figures.meanwhile(served.url, folder):
            for thread in senders:
                thread.start()
            for thread in senders:
                thread.join()
        print(f"{outage.__doc__}" + (f" Calls of ours that met silence: {calls[0]}" if calls else ""))
        wrong = []
        for path, expected in zip(ways, ("deferred", "scheduled"), strict=True):
            waits, decisions = told[path]
            print(f"  {path.partition('/con')[0]}: {figures.spread(waits)}; {dict(decisions)}")
            if decisions != {expected: number}:
                wrong.append(f"{outage.__doc__} {path}: {dict(decisions)}")
        return wrong


def _connect(url: str, there: str) -> str:
    """A Zendesk whose tickets name no address, so that each has to be looked up over its API."""
    made = client.ask(
        f"{url}/api/connections",
        {
            "name": "Down",
            "kind": "zendesk",
            "survey": client.make_survey(url),
            "proof": "shared",
            "secret": client.ADMIN_KEY,
            "write_back": {"url": f"http://{there}", "user": "agent@example.com", "token": "a token"},
        },
    )
    return made["id"]


@contextlib.contextmanager
def _silent() -> Iterator[tuple[str, list[int]]]:
    """Mail server and helpdesk take connections and say nothing."""
    held: list[socket.socket] = []
    count = [0]
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def take() -> None:
        with contextlib.suppress(OSError):
            while True:
                held.append(listener.accept()[0])
                count[0] += 1

    threading.Thread(target=take, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", count
    finally:
        listener.close()
        for line in held:
            line.close()


@contextlib.contextmanager
def _refusing() -> Iterator[tuple[str, list[int]]]:
    """Mail server and helpdesk refuse connections."""
    yield f"127.0.0.1:{servers.free_port()}", []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.outage", description=__doc__)
    parser.add_argument("--rate", type=float, default=20, help="calls a second, half of them of a helpdesk")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    return parser.parse_args()


if __name__ == "__main__":
    main()
