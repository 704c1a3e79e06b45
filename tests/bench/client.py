"""What the benchmarks ask of a running Earshot, with the key they gave it."""

import http.client
import json
import queue
import secrets
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

ADMIN_KEY = secrets.token_urlsafe(32)

# For a service under load from one address: it knows our key and does not limit us.
SETTINGS = {"ADMIN_KEY": ADMIN_KEY, "PUBLIC_LIMIT": "0"}

#: Connections that `fire` keeps open.
SENDERS = 64


def ask(url: str, body: Mapping[str, Any] | None = None) -> Any:
    """The JSON that a GET gives, or a POST when there is a body; urllib's HTTPError for 4xx and 5xx."""
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def make_survey(url: str) -> str:
    """Make an NPS survey and return its id."""
    return ask(f"{url}/api/surveys", {"name": "Benchmark", "metric": "nps"})["id"]


def fire(
    url: str, bodies: Sequence[dict[str, Any]], per_second: float | None = None, path: str = "/api/triggers"
) -> tuple[list[float], Counter[str]]:
    """Post each body to `path`, at a pace or as fast as SENDERS connections can.

    Returns the milliseconds that each answer took since it was due, so that a stall counts, and what was decided
    how often ("error" for anything but a receipt).
    """
    due: queue.SimpleQueue[tuple[float, dict[str, Any]] | None] = queue.SimpleQueue()
    waits: list[float] = []
    decisions: Counter[str] = Counter()
    lock = threading.Lock()
    start = time.monotonic() + 0.1

    def sender() -> None:
        line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
        while (work := due.get()) is not None:
            moment, body = work
            time.sleep(max(0.0, moment - time.monotonic()))
            try:
                line.request("POST", path, json.dumps(body), headers)
                reply = line.getresponse()
                answer = json.loads(reply.read())
                decision = answer["decision"] if reply.status == 200 else "error"
            except (OSError, http.client.HTTPException, ValueError):
                line.close()
                decision = "error"
            with lock:
                waits.append((time.monotonic() - moment) * 1000)
                decisions[decision] += 1
        line.close()

    for number, body in enumerate(bodies):
        due.put((start + number / per_second if per_second else start, body))
    senders = [threading.Thread(target=sender) for _ in range(SENDERS)]
    for thread in senders:
        due.put(None)
        thread.start()
    for thread in senders:
        thread.join()
    return waits, decisions
