"""PostgreSQL that may freeze: connections that give up on a server which no longer answers anybody.

A stopped server keeps its connections open for ever, takes new ones (the kernel does) and ignores statement_timeout.
"""

import contextlib
import select
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import peewee
import psycopg

#: How long a reply may take while the server answers others.
DEADLINE_SECONDS = 8.0

#: After so long without a reply the server is asked on another connection whether it is there at all …
PATIENCE_SECONDS = 0.4

#: … and has so long to say so: together less than the second that promises.md gives a 503.
LATE_SECONDS = 0.4

OPTIONS: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
    "options": "-c timezone=UTC -c synchronous_commit=on",
}


def connect(url: str) -> "AttentiveConnection":
    """A connection in UTC whose commits are durable; it gives up on a server that has been silent too long."""
    return AttentiveConnection.connect(url, autocommit=True, **OPTIONS)


class Database(peewee.PostgresqlDatabase):
    """peewee's, with a deadline on the client's side."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self.pulse = Pulse(lambda: psycopg.connect(url, autocommit=True, **OPTIONS))

    def _connect(self) -> Any:
        if not self.pulse.beats():
            raise psycopg.OperationalError("the database does not answer")
        connection = connect(self.database)
        connection.pulse = self.pulse
        self.pulse.open()
        return connection


class AttentiveConnection(psycopg.Connection):
    """Gives up when the server is silent to everybody, or to this one for DEADLINE_SECONDS, and is then closed."""

    deadline: float | None = DEADLINE_SECONDS
    pulse: "Pulse | None" = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        # psycopg passes through here for every exchange.
        if self.deadline is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(self._attended(gen), interval, self.deadline if timeout is None else timeout)
        except (psycopg.errors._WaitTimeout, _Silence):
            self.pgconn.finish()
            raise psycopg.OperationalError("the database did not answer in time") from None

    def _attended(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        begun = time.monotonic()
        try:
            waits_for = next(gen)
            while True:
                ready = yield waits_for
                # Nothing has come for another interval.
                late = not ready and time.monotonic() - begun > PATIENCE_SECONDS
                if late and self.pulse is not None and not self.pulse.beats():
                    raise _Silence
                waits_for = gen.send(ready)
        except StopIteration as end:
            return end.value


class _Silence(Exception):
    """The server answers nobody."""


class Pulse:
    """Whether the server answers at all: one more connection of the process, on which nothing else ever waits.

    A statement that takes long says nothing about the server; that `SELECT 1` takes long on an idle connection does.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection | None = None
        self._lock = threading.Lock()
        self._asked = False
        self._heard = self._missed = float("-inf")

    def open(self) -> None:
        """Be ready to feel: later may be too late to connect. Without it a reply just has its deadline."""
        with self._lock, contextlib.suppress(psycopg.Error):
            if self._connection is None:
                self._connection, self._asked = self._connect(), False

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._drop()

    def forget(self) -> None:
        """Leave the connection to the process that opened it; for after a fork."""
        # Kept, because one that is collected says that nobody closed it.
        self._inherited = self._connection
        self._connection, self._lock = None, threading.Lock()

    def beats(self) -> bool:
        """Whether the server answered within the last LATE_SECONDS or does within the next; True when not open."""
        with self._lock:
            if self._connection is None or time.monotonic() - self._heard < LATE_SECONDS:
                return True
            if time.monotonic() - self._missed < LATE_SECONDS:
                return False
            try:
                answered = self._felt(self._connection.pgconn)
            except psycopg.Error:
                # Hung up: connecting anew will tell.
                self._drop()
                return True
            if answered:
                self._heard = time.monotonic()
            else:
                self._missed = time.monotonic()
            return answered

    def _felt(self, wire: Any) -> bool:
        # A question that was not answered in time stays open: its late answer says that the server is back.
        if not self._asked:
            wire.send_query(b"SELECT 1")
            wire.flush()
            self._asked = True
        waiting = select.poll()
        waiting.register(wire.socket, select.POLLIN)
        end = time.monotonic() + LATE_SECONDS
        while (left := end - time.monotonic()) > 0 and waiting.poll(left * 1000):
            wire.consume_input()
            while not wire.is_busy():
                if wire.get_result() is None:
                    self._asked = False
                    return True
        return False

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
