"""Events to webhooks while their sender is killed, and beside an endpoint that is dead. See README.md."""

import argparse
import contextlib
import functools
import http.client
import http.server
import json
import random
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from standardwebhooks.webhooks import Webhook as Verifier

from surveys import catalogue, recording
from surveys.base import clock, db, jobs, worker
from surveys.base.accounts.caller import Caller
from surveys.commands.service import prepare
from surveys.models import Webhook, WebhookDelivery, WebhookEvent
from surveys.webhooks import telling
from surveys.webhooks.telling import Told
from tests import servers
from tests.bench import client, figures, sender, sending
from wsgi import create_app

#: Whoever set up the service.
NOBODY = Caller("", "", frozenset(), member="mem_1")

#: Events about the same answer: that it is new, and then that it changed.
OF_EACH = 5

#: Those that take everything.
GOOD = ("/a", "/b")

ALLOWED = {"OUTBOUND_ALLOW": "127.0.0.1"}


def main() -> None:
    """Tell, kill, count and print; fails when an event is lost, order is not kept, or somebody waits too long."""
    arguments = _arguments()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-telling-", dir="/var/tmp"))
        environment = {"DATA_DIR": folder, "ADMIN_KEY": client.ADMIN_KEY, "LOG_LEVEL": "ERROR"}
        if arguments.postgres:
            cluster = stack.enter_context(servers.postgres(parent="/var/tmp"))
            environment["DATABASE_URL"] = cluster.create_database("earshot")
        if arguments.beside:
            faults = beside(environment, arguments.events, arguments.pace)
        else:
            faults = run(environment, arguments.events, arguments.kills, arguments.seed)
    sys.exit("\n".join(faults) or None)


def run(environment: dict[str, str], events: int, kills: int, seed: int) -> list[str]:
    """Tell two webhooks, and one that is dead, of events while whoever delivers them is killed; what is wrong."""
    with _receiver() as receiver, _dead() as dead:
        settings = {**environment, **ALLOWED}
        app = create_app(settings)
        with app.app_context():
            prepare(app.extensions["earshot"])
        survey = catalogue.create({"name": "Killed", "metric": "nps"}, clock.now())
        hooks = {
            path: telling.create(
                {"url": url, "events": ["response.created", "response.updated"]}, NOBODY, clock.now()
            )
            for path, url in [*((each, receiver.url + each) for each in GOOD), ("dead", dead)]
        }
        receiver.verifiers = {path: Verifier(hook.secret) for path, hook in hooks.items()}
        _tell(survey, events)
        born, choose = sending.nursery(), random.Random(seed)
        share = max(1, round(1.8 * len(GOOD) * events / max(1, kills)))
        killed = forgotten = 0
        for _ in range(kills):
            wait = sending.after(receiver.calls, choose.randrange(share), choose.uniform(0, 0.02))
            killed += sending.life(born, settings, wait, what=sender.call)
            forgotten += not _is_looked_after(hooks)
        while _waiting(hooks):
            sending.life(born, settings, sending.to_its_end, what=sender.call)
        told = {row.id: row for row in WebhookEvent.select()}
        owed = WebhookDelivery.select().where(WebhookDelivery.webhook == hooks["dead"].id).count()
        totals = sum(telling.totals().values())
        worker.close()
        db.close_database()
    lost = sum(len(told) - len(receiver.firsts[path]) for path in GOOD)
    turned = sum(_turned(told, receiver.firsts[path]) for path in GOOD)
    print(f"{events} events to {len(GOOD)} webhooks beside a dead one, sender killed {killed} times")
    print(
        f"arrived {sum(len(receiver.firsts[path]) for path in GOOD)}, in {receiver.calls.total()} calls; lost {lost}; "
        f"out of order for their answer {turned}; broke off half-way {receiver.broken_off}; "
        f"refused by the independent verifier {receiver.refused}; "
        f"kept for the dead one {owed}; counted {totals}"
    )
    wrong = {
        "lost": lost,
        "out of order": turned,
        "not verified": receiver.refused,
        "times nobody would have looked again": forgotten,
        "not kept for the dead one": events - owed,
        "not counted": events * len(hooks) - totals,
    }
    return [f"{count} {what}" for what, count in wrong.items() if count]


def beside(environment: dict[str, str], events: int, pace: float) -> list[str]:
    """Have the real service tell two webhooks of answers beside a dead one; what is wrong, the wait above all."""
    with _receiver() as receiver, _dead() as dead:
        settings = {**environment, **ALLOWED, **client.SETTINGS}
        with servers.service(settings) as service:
            survey = client.make_survey(service.url)
            for url in (dead, *(receiver.url + each for each in GOOD)):
                made = client.ask(f"{service.url}/api/webhooks", {"url": url, "events": ["response.created"]})
                receiver.verifiers[url.removeprefix(receiver.url)] = Verifier(made["secret"])
            sent = _post(service.url, survey, events, pace)
            end = time.monotonic() + 120
            while len(receiver.moments) < events * len(GOOD) and time.monotonic() < end:
                time.sleep(0.05)
    waits = [
        (moment - sent[response]) * 1000
        for (_, response), moment in receiver.moments.items()
        if response in sent
    ]
    print(f"{events} answers at {pace:g} a second to {len(GOOD)} webhooks beside a dead one")
    if not waits:
        return ["nothing arrived"]
    print(f"from the answer to its arrival: {figures.spread(waits)}; calls {receiver.calls.total()}")
    print(
        f"answers whose calls took longest, by the second in which they were sent: {_worst(sent, receiver)}"
    )
    late = figures.percentile(waits, 99)
    missing = events * len(GOOD) - len(waits)
    return [f"{missing} did not arrive"] * bool(missing) + [f"p99 of {late:.0f} ms"] * (late >= 5000)


# ------------------------------------------------------------------------------------------------------


class _Receiver:
    """Takes calls: how many came, which events first and in which order, and when each answer was heard of."""

    def __init__(self) -> None:
        self.url = ""
        self.verifiers: dict[str, Verifier] = {}
        self.calls: Counter[str] = Counter()
        self.refused = 0
        self.broken_off = 0
        self.firsts: dict[str, dict[str, None]] = defaultdict(dict)
        self.moments: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """One whole call. What the verifier refuses is counted and not taken."""
        moment = time.monotonic()
        try:
            told = self.verifiers[path].verify(body, headers)
        except Exception as error:
            print(f"refused: {error!r}: {body[:80]!r}", file=sys.stderr)
            self.refused += 1
            return
        with self._lock:
            self.calls[path] += 1
            self.firsts[path].setdefault(headers["webhook-id"])
            self.moments.setdefault((path, told["data"]["id"]), moment)


@contextlib.contextmanager
def _receiver() -> Iterator[_Receiver]:
    receiver = _Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # Whoever sent it was killed in the midst of it.
                receiver.broken_off += 1
                return
            receiver.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def _dead() -> Iterator[str]:
    """The address of an endpoint that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as line:
        held: list[socket.socket] = []

        def hold() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(line.accept()[0])

        threading.Thread(target=hold, daemon=True).start()
        yield f"http://127.0.0.1:{line.getsockname()[1]}/dead"
        for each in held:
            each.close()


def _worst(sent: dict[str, float], receiver: _Receiver, most: int = 10) -> str:
    """The seconds of the run that waited longest, each with its longest wait in ms: one stall, or a tail?"""
    begun, longest = min(sent.values()), dict[int, float]()
    for (_, response), moment in receiver.moments.items():
        if response in sent:
            second, wait = int(sent[response] - begun), moment - sent[response]
            longest[second] = max(wait, longest.get(second, 0.0))
    found = sorted(longest.items(), key=lambda each: -each[1])[:most]
    return ", ".join(f"{second} ({wait * 1000:.0f})" for second, wait in sorted(found))


def _tell(survey: Any, events: int) -> None:
    """Queue events about answers: of each that it is new, and then that it changed."""
    keys = []
    for number in range(events // OF_EACH):
        answer = recording.Answer(id=str(uuid.UUID(int=number)), revision=1, values={"score": number % 11})
        keys.append(recording.record(survey, answer, clock.now())[0].key)
    # What is told of them is told here, by hand, so that it is known how much.
    jobs.Job.update(state=jobs.DONE).execute()
    for step in range(OF_EACH):
        for key in keys:
            type_ = "response.updated" if step else "response.created"
            told = Told(type_, str(key), survey.id, response=key, mark=str(step))
            db.write(functools.partial(telling.tell, told, clock.now()))


def _waiting(hooks: dict[str, Webhook]) -> int:
    good = [hooks[path].id for path in GOOD]
    mine = WebhookDelivery.webhook.in_(good) & (WebhookDelivery.state == telling.PENDING)
    return WebhookDelivery.select().where(mine).count()


def _is_looked_after(hooks: dict[str, Webhook]) -> bool:
    """Whether nothing waits, or it is written down that somebody will look."""
    looks = jobs.Job.select().where(jobs.Job.kind == telling.DUE, jobs.Job.state == jobs.NEW)
    return not _waiting(hooks) or looks.exists()


def _turned(told: dict[str, WebhookEvent], arrived: dict[str, None]) -> int:
    """How many events arrived for the first time after a later one about the same answer."""
    last: dict[str, int] = {}
    turned = 0
    for id_ in arrived:
        event = told[id_]
        turned += event.key < last.get(event.subject, 0)
        last[event.subject] = max(event.key, last.get(event.subject, 0))
    return turned


def _post(url: str, survey: str, events: int, pace: float) -> dict[str, float]:
    """Post answers at a pace; the moment at which each was acknowledged, by its id."""
    line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    begun, sent = time.monotonic(), {}
    for number in range(events):
        time.sleep(max(0.0, begun + number / pace - time.monotonic()))
        id_ = str(uuid.uuid4())
        body = {"id": id_, "survey": survey, "score": number % 11}
        line.request("POST", "/r", json.dumps(body), {"Content-Type": "application/json"})
        reply = line.getresponse()
        reply.read()
        if reply.status != 201:
            raise RuntimeError(f"an answer was met with {reply.status}")
        sent[id_] = time.monotonic()
    line.close()
    return sent


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.telling", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument(
        "--beside", action="store_true", help="kill nobody; measure the wait beside the dead one"
    )
    parser.add_argument("--pace", type=float, default=10, help="answers a second, with --beside")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--seed", type=int, default=1, help="for the moments of the kills")
    return parser.parse_args()


if __name__ == "__main__":
    main()
