"""A server that answers nobody is noticed; one that is slow is waited for."""

import contextlib
import signal

import peewee
import psutil
import pytest

from surveys.base import postgres
from tests import servers


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
    database.close()
    monkeypatch.setattr(postgres, "LATE_SECONDS", 60)
    database.pulse._missed = float("-inf")
    assert database.execute_sql("SELECT 1").fetchone() == (1,)


def test_a_slow_statement_of_a_server_that_answers_is_waited_for(database, monkeypatch):
    monkeypatch.setattr(postgres, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(postgres, "LATE_SECONDS", 60)
    assert database.execute_sql("SELECT 7 FROM pg_sleep(0.5)").fetchone() == (7,)


def test_a_server_that_hung_up_is_connected_to_anew(server, database):
    server.stop()
    server.start()
    database.close()
    assert database.execute_sql("SELECT 1").fetchone() == (1,)
