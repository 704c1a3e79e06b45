"""A server that answers nobody is noticed; one that is slow is waited for; and after any interruption all goes on."""

import contextlib
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import peewee
import psutil
import psycopg
import pytest

from surveys.base import db
from surveys.base.db import postgres
from tests import servers, wires
from tests.surveys.test_serving import wait_for


@pytest.fixture(scope="module")
def server():
    with servers.postgres({"fsync": "off"}) as running:
        running.create_database("frozen")
        yield running


@pytest.fixture
def database(server, monkeypatch):
    # Nothing here may end because a reply had its time.
    monkeypatch.setattr(postgres.AttentiveConnection, "deadline", 3600.0)
    database = postgres.Database(server.database_url("frozen"), prefer_psycopg3=True, autoconnect=True)
    database.execute_sql("SELECT 1")
    yield database
    database.close()
    database.pulse.close()


@contextlib.contextmanager
def frozen(server):
    """All processes of the server stopped, as by a host that hangs."""
    leader = int((server.data / "postmaster.pid").read_text().split()[0])
    everyone = [psutil.Process(leader), *psutil.Process(leader).children()]
    for process in everyone:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in everyone:
            process.send_signal(signal.SIGCONT)


def test_a_frozen_server_ends_a_statement_and_is_not_connected_to(server, database):
    with frozen(server):
        with pytest.raises(peewee.OperationalError, match="did not answer in time"):
            database.execute_sql("SELECT 1")
        database.close()
        with pytest.raises(peewee.OperationalError, match="does not answer"):
            database.execute_sql("SELECT 1")


def test_after_the_frost_it_is_used_again(server, database, monkeypatch):
    with frozen(server), pytest.raises(peewee.OperationalError):
        database.execute_sql("SELECT 1")
    monkeypatch.setattr(postgres, "FIRST_SECONDS", 60)
    assert database.execute_sql("SELECT 1").fetchone() == (1,)


def test_a_slow_statement_of_a_server_that_answers_is_waited_for(database, monkeypatch):
    monkeypatch.setattr(postgres, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(postgres, "LATE_SECONDS", 60)
    assert database.execute_sql("SELECT 7 FROM pg_sleep(0.5)").fetchone() == (7,)


def test_a_server_that_hung_up_is_connected_to_anew(server, database):
    server.stop()
    server.start()
    assert database.execute_sql("SELECT 1").fetchone() == (1,)


def test_a_server_that_was_started_anew_between_two_transactions_is_not_noticed(server, database):
    with database.atomic():
        before = database.execute_sql("SELECT pg_backend_pid()").fetchone()
    server.stop("immediate")
    server.start()
    with database.atomic():
        assert database.execute_sql("SELECT pg_backend_pid()").fetchone() != before


def test_who_brings_a_time_out_is_told_that_it_is_over_and_keeps_the_connection(server):
    with contextlib.closing(postgres.connect(server.database_url("frozen"))) as listening:
        listening.execute("LISTEN something")
        for _ in range(3):
            assert list(listening.notifies(timeout=0.05)) == []
        listening.execute("NOTIFY something, 'now'")
        assert [notice.payload for notice in listening.notifies(timeout=60, stop_after=1)] == ["now"]


def test_a_statement_that_takes_too_long_is_given_up_although_the_server_answers_others(database):
    database.connection().deadline = 0.5
    with pytest.raises(peewee.OperationalError, match="did not answer in time"):
        database.execute_sql("SELECT pg_sleep(60)")
    assert database.execute_sql("SELECT 1").fetchone() == (1,)


class Callers:
    """Threads that each keep a connection, as those of the web do."""

    def __init__(self, url, number=6):
        self.database = postgres.Database(url, prefer_psycopg3=True, autoconnect=True)
        self._threads = []
        for _ in range(number):
            self.add()

    def add(self):
        self._threads.append(ThreadPoolExecutor(1))

    def ask(self):
        """Have each thread ask the database something at the same moment; the errors, and the longest wait."""
        answers = [thread.submit(self._ask) for thread in self._threads]
        results = [answer.result() for answer in answers]
        return [error for error, _ in results if error], max(waited for _, waited in results)

    def _ask(self):
        begun = time.monotonic()
        try:
            with self.database.atomic():
                self.database.execute_sql("SELECT 1")
        except peewee.PeeweeException as error:
            return error, time.monotonic() - begun
        return None, time.monotonic() - begun

    def are_served(self):
        """Whether all of them are, three times in a row."""
        return not any(self.ask()[0] for _ in range(3))

    def close(self):
        for thread in self._threads:
            thread.submit(self.database.close).result()
            thread.shutdown()
        self.database.pulse.close()


@contextlib.contextmanager
def callers(url):
    """Callers that all have been served once."""
    those = Callers(url)
    try:
        assert those.are_served()
        yield those
    finally:
        those.close()


def through(server, *lines):
    """The database's address by way of these wires, of which any will do."""
    hosts = ",".join(f"127.0.0.1:{wire.port}" for wire in lines)
    return f"postgresql://postgres:{server.password}@{hosts}/frozen"


def kept_waiting(those, seconds):
    """The longest that one of them was kept waiting during so many seconds, in which all are refused."""
    end, longest = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        errors, waited = those.ask()
        assert all(db.away(error) for error in errors), errors
        assert errors
        longest = max(longest, waited)
    return longest


#: A second is promised; others may be busy on the machine that runs the tests.
SOON = 4.0


@pytest.mark.parametrize("cut", wires.CUTS)
def test_after_any_interruption_all_are_served_again_and_nobody_waits_meanwhile(server, cut):
    with wires.to(server.port) as wire, callers(through(server, wire)) as those:
        wire.become(cut)
        assert kept_waiting(those, 5) < SOON
        wire.become(wires.WHOLE)
        wait_for(those.are_served, 10)


@pytest.mark.parametrize("cut", wires.CUTS)
def test_an_interruption_that_nobody_noticed_is_noticed_by_nobody_afterwards(server, cut, monkeypatch):
    monkeypatch.setattr(postgres, "RESTED_SECONDS", 0)
    for name in ("FIRST_SECONDS", "AWAY_SECONDS"):
        monkeypatch.setattr(postgres, name, 60)
    with wires.to(server.port) as wire, callers(through(server, wire)) as those:
        wire.become(cut)
        wire.become(wires.WHOLE)
        # As after a while.
        those.database.pulse._heard = float("-inf")
        assert those.are_served()


def test_connections_that_were_reset_are_made_anew_without_an_error(server, monkeypatch):
    for name in ("FIRST_SECONDS", "AWAY_SECONDS"):
        monkeypatch.setattr(postgres, name, 60)
    with wires.to(server.port) as wire, callers(through(server, wire)) as those:
        for _ in range(3):
            wire.reset()
            assert those.are_served()


@pytest.mark.parametrize("cut", wires.CUTS)
def test_a_server_that_moved_to_its_other_address_is_found_there_by_all(server, cut):
    with (
        wires.to(server.port) as old,
        wires.to(server.port) as new,
        callers(through(server, old, new)) as those,
    ):
        old.become(cut)
        wait_for(those.are_served, 10)
        # Who connects later does not try the old address first.
        late = ThreadPoolExecutor(1)
        those._threads.append(late)
        errors, waited = those.ask()
        assert errors == []
        assert waited < 2


def end_connection(server, database):
    """End the connection that a transaction goes over, from elsewhere."""
    (mine,) = database.execute_sql("SELECT pg_backend_pid()").fetchone()
    server.run_sql(f"SELECT pg_terminate_backend({mine})")


def test_a_transaction_whose_connection_was_lost_is_not_said_to_be_kept(server, database):
    def go_on():
        with database.atomic():
            database.execute_sql("INSERT INTO kept VALUES (1)")
            end_connection(server, database)
            with pytest.raises(peewee.OperationalError):
                database.execute_sql("SELECT 1")

    database.execute_sql("CREATE TABLE kept (n int)")
    with pytest.raises(postgres.Lost) as lost:
        go_on()
    assert db.away(lost.value)
    assert database.execute_sql("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_transaction_in_which_something_failed_is_not_said_to_be_kept(database):
    def go_on():
        with database.atomic(), pytest.raises(peewee.ProgrammingError):
            database.execute_sql("SELECT nonsense")

    with pytest.raises(postgres.Lost):
        go_on()


def test_what_went_wrong_is_told_and_not_that_nothing_was_left_to_take_back(server, database):
    def fail():
        with database.atomic():
            end_connection(server, database)
            raise LookupError("the first")

    with pytest.raises(LookupError, match="the first"):
        fail()


def test_a_server_that_takes_no_more_connections_is_not_taken_for_one_that_is_away(
    server, database, monkeypatch
):
    monkeypatch.setattr(postgres, "PATIENCE_SECONDS", 0.05)
    server.run_sql("CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 2")
    url = server.database_url("frozen").replace(f"postgres:{server.password}", "few:few")
    few = postgres.Database(url, prefer_psycopg3=True)
    others = []

    def take_the_place_of_the_pulse():
        with contextlib.suppress(psycopg.OperationalError):
            others.append(psycopg.connect(url))
        return others

    try:
        (mine,) = few.execute_sql("SELECT pg_backend_pid()").fetchone()
        of_few = (
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'few' AND pid <> {mine}"
        )
        server.run_sql(of_few)
        wait_for(take_the_place_of_the_pulse)
        few.pulse._heard = float("-inf")
        assert few.execute_sql("SELECT 7 FROM pg_sleep(1)").fetchone() == (7,)
        with pytest.raises(psycopg.OperationalError, match="too many"):
            few.pulse.connect()
    finally:
        for each in others:
            each.close()
        few.close()
        few.pulse.close()


def test_a_server_that_may_only_be_read_from_is_away_and_looked_for_anew(server, database):
    database.execute_sql("SET default_transaction_read_only = on")
    era = database.pulse.era
    with pytest.raises(peewee.InternalError) as error:
        database.execute_sql("CREATE TABLE never (n int)")
    assert db.away(error.value)
    database.close()
    database.execute_sql("CREATE TABLE now_and_then (n int)")
    assert database.pulse.era == era + 1
