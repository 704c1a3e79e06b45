"""PostgreSQL that may freeze, or be cut off: whoever waits for it is told within a second that it is away.

A stopped server keeps its connections open for ever, takes new ones (the kernel does) and ignores statement_timeout; a
path may swallow what is sent, and come back without the connections that went through it.
"""

import select
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import peewee
import psycopg

#: How long a reply may take while the server answers others.
DEADLINE_SECONDS = 8.0

#: After so long without a reply the server is asked on another connection whether it is there at all …
PATIENCE_SECONDS = 0.4

#: … and has so long to say so: together less than the second that docs/promises.md gives a 503.
LATE_SECONDS = 0.4

#: How long a caller waits in all, when the attempt to find a lost server began with him …
FIRST_SECONDS = 0.8

#: … and until how long after it began who comes later does: not long, or waiting callers would take up all threads.
AWAY_SECONDS = 0.3

#: An attempt that hangs for longer, as in looking up a name, is no longer waited for: another one is made.
HUNG_SECONDS = 4.0

#: Between two attempts that failed at once.
APART_SECONDS = 0.1

#: Before a connection is used that has rested for longer, the server is asked whether it is still there.
RESTED_SECONDS = 10.0

#: Whatever the server, the role or the database says: a pooler takes no setting of ours.
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"

IN_TRANSACTION = psycopg.pq.TransactionStatus.INTRANS

#: Classes of SQLSTATE after which trying again later makes sense: connection, resources, locks, operator, system, and
#: a transaction that lost against another (https://www.postgresql.org/docs/current/errcodes-appendix.html) …
AWAY = ("08", "40", "53", "55", "57", "58")

#: … and two by themselves: a server that has become a standby, and one that gave up on a transaction that rested.
READ_ONLY, RESTED = "25006", "25P03"

SESSION = {
    "timezone": "UTC",
    "synchronous_commit": "on",
    # What others have committed meanwhile is seen by the next statement: a deletion, a hit, a job that was taken.
    "default_transaction_isolation": r"read\ committed",
    # To compile a query takes longer than any of ours runs: 60 ms for a page of the feed that is read in 3.
    "jit": "off",
    # The server notices as well when nobody is there any more: what a lost transaction has locked is let go.
    "idle_in_transaction_session_timeout": "8s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "8s",
}

OPTIONS: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
    "options": " ".join(f"-c {name}={value}" for name, value in SESSION.items()),
}


#: For a pooler that lends a connection for a transaction only, such as PgBouncer: it refuses the SESSION, which would
#: be somebody else's a moment later, and the next statement may come to a server that prepared nothing.
POOLED: dict[str, Any] = {**{k: v for k, v in OPTIONS.items() if k != "options"}, "prepare_threshold": None}


def connect(url: str, pooled: bool = False, **where: str) -> "AttentiveConnection":
    """A connection in UTC whose commits are durable; it gives up on a server that has been silent too long.

    `where`: the one of the addresses in `url` to use, as libpq names its parts. `pooled`: a pooler is at `url`; then
    the server decides how durable commits are (see `opening.check`).
    """
    made = AttentiveConnection.connect(url, autocommit=True, **{**(POOLED if pooled else OPTIONS), **where})
    if pooled:
        # The one setting that a pooler carries from server to server.
        made.execute("SET TIME ZONE 'UTC'")
    return made


def _is_pooler(error: psycopg.Error) -> bool:
    return "unsupported startup parameter" in str(error)


class Lost(peewee.OperationalError):
    """A transaction that cannot be kept: its connection, or what was done before in it, has failed."""


class Database(peewee.PostgresqlDatabase):
    """peewee's, with a deadline on the client's side, and connections that are renewed after an interruption."""

    def __init__(self, url: str, direct_url: str | None = None, **options: Any) -> None:
        super().__init__(url, **options)
        self.pulse = Pulse(url, direct_url)
        self._made = threading.local()

    def connect(self, reuse_if_open: bool = False) -> bool:
        """As peewee's, which holds a lock meanwhile: the waiting is done before, so that nobody waits in a row."""
        if self.is_closed():
            with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
                self._made.connection = self.pulse.connect()
        return super().connect(reuse_if_open)

    def _connect(self) -> Any:
        made, self._made.connection = self._made.connection, None
        return made

    def begin(self, isolation_level: Any = None) -> None:
        """As peewee's, on a new connection when this one has seen an interruption, and READ COMMITTED."""
        self._renew()
        super().begin(isolation_level or "READ COMMITTED")

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """As peewee's; outside a transaction on a new connection when this one has seen an interruption."""
        if not self.in_transaction():
            self._renew()
        try:
            return super().execute_sql(sql, params)
        except peewee.InternalError as error:
            self._look_elsewhere(error)
            raise

    def commit(self) -> None:
        """As peewee's. Raises where nothing is left to commit: PostgreSQL would say ROLLBACK and call it no error."""
        if self.is_closed() or self.connection().pgconn.transaction_status != IN_TRANSACTION:
            raise Lost("the transaction is lost")
        super().commit()

    def begun_with(
        self,
        statements: Sequence[tuple[str, Any]],
        keep: Callable[[list[list[Any]]], bool] | None = None,
    ) -> list[list[Any]]:
        """Run statements in a transaction that begins with them in one exchange; the rows that each of them gave.

        Commits in that exchange too, or, with `keep`, in a second one if that says so of the rows, and else takes all
        back. Not inside another transaction.
        """
        self._renew()
        try:
            with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
                connection = self.connection()
                with connection.pipeline():
                    connection.execute(BEGIN)
                    cursors = [connection.execute(*each) for each in statements]
                    if keep is None:
                        connection.execute("COMMIT")
                found = [cursor.fetchall() if cursor.description else [] for cursor in cursors]
                if keep is not None:
                    if connection.pgconn.transaction_status != IN_TRANSACTION:
                        raise Lost("the transaction is lost")
                    connection.execute("COMMIT" if keep(found) else "ROLLBACK")
        except BaseException as error:
            self._look_elsewhere(error)
            # A connection that is closed takes no open transaction along.
            self.close()
            raise
        return found

    def rollback(self) -> None:
        """As peewee's; a connection that is gone has nothing to take back, and its error tells less than the first."""
        try:
            super().rollback()
        except peewee.PeeweeException:
            self.close()

    def _look_elsewhere(self, error: BaseException) -> None:
        """After an error of a server that has become a standby."""
        if sqlstate(error) == READ_ONLY:
            # Another server is the one to write to now, perhaps at another address.
            self.pulse.lose()

    def _renew(self) -> None:
        if not self.is_closed() and self._is_worn(self.connection()):
            self.close()

    def _is_worn(self, connection: "AttentiveConnection") -> bool:
        if connection.deadline is None:
            # A migration holds a lock by it, and is to fail when that is lost.
            return False
        if connection.closed or connection.broken:
            return True
        now = time.monotonic()
        rested, connection.used_at = now - connection.used_at > RESTED_SECONDS, now
        return rested and not self.pulse.is_felt()


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code of an error, its own or one that peewee has wrapped; None when the server did not say it."""
    return getattr(unwrapped(error), "sqlstate", None)


def unwrapped(error: BaseException) -> BaseException:
    """The driver's error inside of peewee's, which may have wrapped its own; any other as it is."""
    while (inner := getattr(error, "orig", None)) is not None:
        error = inner
    return error


def is_away(error: psycopg.Error) -> bool:
    """Whether an error of the driver means that the server cannot be reached or cannot take more."""
    state = sqlstate(error)
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in AWAY or state in (READ_ONLY, RESTED)


class AttentiveConnection(psycopg.Connection):
    """Gives up when the server is silent to everybody, or to this one for DEADLINE_SECONDS, and is then closed."""

    deadline: float | None = DEADLINE_SECONDS
    pulse: "Pulse | None" = None
    era = 0
    used_at = 0.0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        # psycopg passes through here for every exchange. Who brings a time-out, as a LISTEN does, wants no more than
        # to be told that it is over: nothing need have come.
        if self.deadline is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(self._attended(gen), interval, self.deadline)
        except (psycopg.errors._WaitTimeout, _Silence):
            self.pgconn.finish()
            raise psycopg.OperationalError("the database did not answer in time") from None

    @property
    def broken(self) -> bool:
        """Whether to use another one: also when the server hung up, or was away since this one was made."""
        if self.closed:
            return super().broken
        return (self.pulse is not None and self.pulse.era != self.era) or _hung_up(self.pgconn.socket)

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


def _hung_up(wire: int) -> bool:
    # Where a system cannot tell the end from more to read, whatever comes unasked is taken for the end.
    waiting = select.poll()
    waiting.register(wire, getattr(select, "POLLRDHUP", select.POLLIN))
    return bool(waiting.poll(0))


class _Silence(Exception):
    """The server answers nobody."""


class Pulse:
    """Whether the server answers at all: one more connection of the process, on which nothing else ever waits.

    A statement that takes long says nothing about the server; that `SELECT 1` takes long on an idle connection does.
    That connection is then given up. One attempt at a time is made to find the server again, for all who want to
    connect; who comes meanwhile is refused at once.
    """

    def __init__(self, url: str, direct_url: str | None = None) -> None:
        self._url = url
        self._direct_url = direct_url
        #: Whether a pooler is at the address; known once the server was found.
        self.pooled = direct_url is not None
        self._lock = threading.Lock()
        self._connection: psycopg.Connection | None = None
        self._attempt: _Attempt | None = None
        self._where: dict[str, str] = {}
        self._heard = float("-inf")
        self._silent = self._found = False
        self._inherited: list[Any] = []
        #: How often the server was found; a connection of an earlier era may be one whose bytes go nowhere.
        self.era = 0

    def connect(self) -> AttentiveConnection:
        """A new connection. Raises psycopg.OperationalError within a second where the server does not answer.

        Only a main thread, which answers nobody, waits for the very first answer as long as that takes.
        """
        self._find()
        era, where = self.era, self._where
        made = _Attempt(lambda: connect(self._url, self.pooled, **where))
        end = made.began + DEADLINE_SECONDS
        patience = PATIENCE_SECONDS
        while not made.wait(patience):
            if time.monotonic() > end or not self.beats():
                made.abandon()
                raise psycopg.OperationalError("the database did not answer in time")
            patience = 0.1
        connection: Any = made.take()
        connection.pulse, connection.era, connection.used_at = self, era, time.monotonic()
        return connection

    def finds_pooler(self) -> bool:
        """Whether a pooler is at the address. Raises psycopg.OperationalError when nothing is."""
        self._find()
        return self.pooled

    def beats(self) -> bool:
        """Whether the server answers somebody, for who waits for it already; in LATE_SECONDS at most.

        That it refuses a connection, because it has too many, is an answer.
        """
        with self._lock:
            if self._is_felt():
                return True
            self._look()
            return not self._silent

    def is_felt(self) -> bool:
        """Whether the server answers on the connection that is open for this; in LATE_SECONDS at most."""
        with self._lock:
            return self._is_felt()

    def lose(self) -> None:
        """Look for the server anew, at all its addresses."""
        with self._lock:
            self._drop()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            attempt, self._attempt = self._attempt, None
            if attempt is not None:
                attempt.abandon()
            self._drop()

    def forget(self) -> None:
        """Leave the connection to the process that opened it; for after a fork."""
        # Kept, because one that is collected says that nobody closed it.
        self._inherited.append((self._connection, self._attempt))
        self._connection = self._attempt = None
        self._found = False
        self._lock = threading.Lock()

    def _find(self) -> None:
        """Return when the server answers. Raises psycopg.OperationalError when it does not."""
        came = time.monotonic()
        with self._lock:
            if self._is_felt():
                return
            attempt = self._look()
        if not self._found and threading.current_thread() is threading.main_thread():
            attempt.wait(DEADLINE_SECONDS)
        elif not self._found or came <= attempt.began:
            attempt.wait_until(came + FIRST_SECONDS)
        else:
            attempt.wait_until(attempt.began + AWAY_SECONDS)
        with self._lock:
            if self._connection is None:
                raise psycopg.OperationalError(str(attempt.error or "the database does not answer"))

    def _is_felt(self) -> bool:
        if self._connection is None:
            return False
        if time.monotonic() - self._heard < LATE_SECONDS:
            return True
        try:
            if self._is_answered(self._connection):
                self._heard = time.monotonic()
                return True
            self._silent = True
        except psycopg.Error:
            # It hung up: connecting anew will tell.
            self._silent = False
        self._drop()
        return False

    def _look(self) -> "_Attempt":
        """The attempt to find the server that is under way; begins one where there is none."""
        attempt, now = self._attempt, time.monotonic()
        if attempt is None or (
            now - attempt.ended > APART_SECONDS
            if attempt.ended is not None
            else now - attempt.began > HUNG_SECONDS
        ):
            attempt = self._attempt = _Attempt(self._open, self._conclude)
        elif attempt.ended is None and now - attempt.began > LATE_SECONDS:
            self._silent = True
        return attempt

    def _is_answered(self, connection: psycopg.Connection) -> bool:
        """Whether the server, or the pooler in front of it, says something within LATE_SECONDS. Raises psycopg.Error.

        A pool whose connections are all lent keeps a question waiting. That is no dead server: it greets newcomers.
        """
        if not self.pooled or self._direct_url is not None:
            return _answers(connection.pgconn)
        greeted = _Attempt(lambda: psycopg.connect(self._url, autocommit=True, **POOLED))
        if not greeted.wait(LATE_SECONDS):
            greeted.abandon()
            return False
        newcomer = greeted.take()
        if newcomer is not None:
            newcomer.close()
        return True

    def _open(self) -> psycopg.Connection:
        if self._direct_url is not None:
            # Both are to be there: whoever comes is served by way of the pooler.
            psycopg.connect(self._url, autocommit=True, **POOLED).close()
            return psycopg.connect(self._direct_url, autocommit=True, **OPTIONS)
        if self.pooled:
            return psycopg.connect(self._url, autocommit=True, **POOLED)
        try:
            made = psycopg.connect(self._url, autocommit=True, **OPTIONS)
        except psycopg.OperationalError as error:
            if not _is_pooler(error):
                raise
            self.pooled = True
            return self._open()
        # A pooler may also be told to leave aside what it does not know.
        shown = made.execute("SHOW idle_in_transaction_session_timeout").fetchone()
        self.pooled = shown != (SESSION["idle_in_transaction_session_timeout"],)
        return made

    def _conclude(self, attempt: "_Attempt") -> None:
        with self._lock:
            if attempt.error is not None:
                self._silent = isinstance(attempt.error, psycopg.errors.ConnectionTimeout)
                return
            connection = attempt.take()
            if connection is None:
                return
            if self._connection is not None:
                connection.close()
                return
            self._connection, self._heard = connection, time.monotonic()
            self._silent, self._found = False, True
            self._where, self._attempt = {} if self._direct_url else _address(connection), None
            self.era += 1

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._where = None, {}


def _answers(wire: Any) -> bool:
    """Whether the server answers a question on this connection within LATE_SECONDS. Raises psycopg.Error."""
    wire.send_query(b"SELECT 1")
    wire.flush()
    waiting = select.poll()
    waiting.register(wire.socket, select.POLLIN)
    end = time.monotonic() + LATE_SECONDS
    while (left := end - time.monotonic()) > 0 and waiting.poll(left * 1000):
        wire.consume_input()
        while not wire.is_busy():
            if wire.get_result() is None:
                return True
    return False


def _address(connection: psycopg.Connection) -> dict[str, str]:
    """The one address among those that a URL may name at which the server was found."""
    info = connection.info
    parts = {"host": info.host, "hostaddr": info.hostaddr, "port": str(info.port)}
    return {name: value for name, value in parts.items() if value}


class _Attempt:
    """Connecting, on a thread of its own: whoever wants the connection can turn away, whatever it hangs in."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        conclude: Callable[["_Attempt"], None] | None = None,
    ) -> None:
        self.began = time.monotonic()
        self.ended: float | None = None
        self.error: Exception | None = None
        self._connect, self._conclude = connect, conclude
        self._made: psycopg.Connection | None = None
        self._unwanted = False
        self._lock, self._over = threading.Lock(), threading.Event()
        threading.Thread(target=self._run, name="connecting", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it is over within so many seconds."""
        return self._over.wait(seconds)

    def wait_until(self, moment: float) -> bool:
        """Whether it is over by a moment of the monotonic clock."""
        return self._over.wait(max(0.0, moment - time.monotonic()))

    def take(self) -> psycopg.Connection | None:
        """The connection, for the one who asks first. Raises what connecting raised."""
        if self.error is not None:
            raise self.error
        with self._lock:
            made, self._made = self._made, None
        return made

    def abandon(self) -> None:
        """Close the connection, now or when there is one."""
        with self._lock:
            made, self._made, self._unwanted = self._made, None, True
        if made is not None:
            made.close()

    def _run(self) -> None:
        try:
            made = self._connect()
        except Exception as error:
            self.error = error
        else:
            with self._lock:
                if self._unwanted:
                    made.close()
                else:
                    self._made = made
        self.ended = time.monotonic()
        if self._conclude is not None:
            self._conclude(self)
        self._over.set()
