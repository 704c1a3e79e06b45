"""Web and worker on PostgreSQL: quiet while nothing happens, and back to normal after any interruption."""

import contextlib
import json
import threading
import time
import uuid

import psycopg
import pytest
import requests

from tests import servers, wires
from tests.conftest import ADMIN_KEY
from tests.surveys.test_serving import wait_for

KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}

#: A second is promised; others may be busy on the machine that runs the tests.
SOON = 4.0


class Shop:
    """A running service, the wire to its database, and what it has acknowledged."""

    def __init__(self, service, wire, url):
        self.service, self.wire, self.url = service, wire, url
        body = {"name": "Shop", "metric": "nps"}
        self.survey = requests.post(f"{service.url}/api/surveys", json=body, headers=KEY, timeout=30).json()[
            "id"
        ]
        self.kept = set()

    def answer(self):
        """One more answer: the status, and the seconds it took."""
        body = {
            "id": str(uuid.uuid4()),
            "survey": self.survey,
            "score": 3,
            "comment": "The queue was too long.",
        }
        begun = time.monotonic()
        reply = requests.post(f"{self.service.url}/r", json=body, timeout=60)
        if reply.status_code == 201:
            self.kept.add(body["id"])
        if reply.status_code == 503:
            assert reply.headers["Retry-After"].isdigit()
        return reply.status_code, time.monotonic() - begun

    def answers(self, number=8):
        """That many at the same moment: the statuses, and the longest wait."""
        made = []
        threads = [threading.Thread(target=lambda: made.append(self.answer())) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {status for status, _ in made}, max(seconds for _, seconds in made)

    def is_normal(self):
        """Whether all are served, a few times in a row."""
        return all(self.answers()[0] == {201} for _ in range(4))

    def suffers(self, seconds):
        """Answer all the time during an interruption of the database; nobody is kept waiting, nor told a lie."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            statuses, waited = self.answers()
            assert statuses <= {201, 503}
            assert waited < SOON
        assert statuses == {503}

    def recovers(self):
        """All is as before: answering within ten seconds, and what follows from it, which waits for no lease to end."""
        wait_for(self.is_normal, 10)
        wait_for(self.is_done)
        assert self.kept <= self.stored()

    def asked(self, query):
        """What the database says, asked directly."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def is_done(self):
        """Whether the worker has done all that there is to do."""
        return not self.asked("SELECT 1 FROM job WHERE state <> 'done' LIMIT 1")

    def stored(self):
        """The ids of the answers in the database."""
        return {row[0] for row in self.asked("SELECT id FROM response")}

    def connections(self):
        """Who is connected: what each last said, by process of the server."""
        return dict(
            self.asked(
                "SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )

    def listening(self):
        """Which of them wait for the bell."""
        return {pid for pid, query in self.connections().items() if query.startswith("listen")}


@contextlib.contextmanager
def opened(directory):
    """The whole service, by way of a wire to a server of its own."""
    with servers.postgres({"fsync": "off"}) as server, wires.to(server.port) as wire:
        url = server.create_database("shop")
        through = url.replace(f":{server.port}/", f":{wire.port}/")
        settings = {"DATABASE_URL": through, "ADMIN_KEY": ADMIN_KEY, "PUBLIC_LIMIT": "0"}
        with servers.service({"DATA_DIR": str(directory), **settings}) as service:
            yield Shop(service, wire, url)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("shop")) as made:
        yield made


def complaints(service):
    """What the log says that is more than information."""
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["level"] not in ("debug", "info")]


def is_settled(shop, seconds=3):
    """Whether nobody new connects for some seconds."""
    before = set(shop.connections())
    time.sleep(seconds)
    return set(shop.connections()) <= before


@pytest.mark.timeout(300)
def test_an_idle_service_says_nothing_and_keeps_its_connections(shop):
    assert shop.is_normal()
    # The worker listens once it has nothing more to do; it loads its engines first, and is nice to everybody else here.
    wait_for(shop.is_done, 180)
    wait_for(lambda: len(shop.listening()) == 1)
    # Whoever rings the bell connects for it after the answer, which takes its time on a busy machine.
    wait_for(lambda: is_settled(shop))
    before, listening = shop.connections(), shop.listening()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert shop.listening() == listening
        assert set(shop.connections()) <= set(before)
        time.sleep(0.5)
    assert complaints(shop.service) == []


@pytest.mark.parametrize("cut", [wires.DROPPING, wires.SWALLOWING])
def test_an_interruption_of_seconds_is_over_when_it_is_over(shop, cut):
    shop.is_normal()
    wait_for(shop.is_done)
    shop.wire.become(cut)
    shop.suffers(3)
    shop.wire.become(wires.WHOLE)
    shop.recovers()


@pytest.mark.prove
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seconds", [0.3, 5, 40])
@pytest.mark.parametrize("cut", wires.CUTS)
def test_an_interruption_of_any_kind_is_over_when_it_is_over(shop, cut, seconds):
    shop.is_normal()
    wait_for(shop.is_done)
    shop.wire.become(cut)
    if seconds > 1:
        shop.suffers(seconds)
    else:
        shop.answers()
    shop.wire.become(wires.WHOLE)
    shop.recovers()


@pytest.mark.prove
def test_connections_that_are_reset_again_and_again_are_made_anew(shop):
    for _ in range(10):
        shop.wire.reset()
        assert shop.answers()[0] <= {201, 503}
        shop.recovers()
