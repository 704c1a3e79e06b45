"""PUBLIC_LIMIT: how often one address may write in any 60 seconds, exact over all processes."""

import contextlib
import fcntl
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import peewee
import structlog

from surveys.base import db, signing
from surveys.base.settings import Settings

log = structlog.get_logger()

WINDOW_SECONDS = 60


class Limiter:
    """Counts writes by address. With a limit of 0 nothing is counted."""

    def __init__(self, settings: Settings) -> None:
        self.limit = settings.public_limit
        self.rings: Rings = RingsInFile(settings.data_dir) if settings.on_sqlite else RingsInDatabase()

    def allow(self, address: str) -> int:
        """0 when the address may write now (and the write is counted), else the seconds to wait.

        Raises peewee's errors when the database that is shared is away; a write that the embedded file of
        counts cannot take is allowed.
        """
        if not self.limit:
            return 0
        try:
            return self.rings.wait(_digest(network(address, 32, 64), self.limit), self.limit)
        except (peewee.sqlite3.Error, OSError) as error:  # type: ignore[attr-defined]
            # The file of counts is full, locked or broken: an answer is worth more than its count.
            log.warning("write not counted", error=type(error).__name__)
            return 0


@lru_cache(maxsize=4096)
def network(address: str, v4_bits: int, v6_bits: int) -> str:
    """The network of an address, so that one household or attacker counts once."""
    if address.startswith("_"):
        # A name that a proxy gave to one of its callers, see `forwarded`.
        return address
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = v4_bits if parsed.version == 4 else v6_bits
    return str(ipaddress.ip_network(f"{parsed}/{bits}", strict=False))


class Rings:
    """Moving windows as rings in a table: slot `n mod limit` of a key holds the time of the hit `limit` hits ago.

    A hit is allowed when that one is older than the window: exact, and the same work for any limit.
    `mark`: how the database marks a value in a statement; `prefix`: what the names of its two tables begin with.
    """

    def __init__(self, mark: str, prefix: str) -> None:
        statements = {
            "oldest": "SELECT MIN(at) FROM {prefix}hit WHERE key = ? AND at > ?",
            "quiet": "SELECT key FROM {prefix}hit GROUP BY key HAVING MAX(at) < ?",
            "forget hits": "DELETE FROM {prefix}hit WHERE key = ?",
            "forget ring": "DELETE FROM {prefix}ring WHERE key = ?",
        }
        self._sql = {name: sql.format(prefix=prefix).replace("?", mark) for name, sql in statements.items()}

    @property
    def execute(self) -> Callable[..., Any]:
        """What runs a statement with its values, and returns the cursor."""
        raise NotImplementedError

    def hit(self, key: str, limit: int) -> bool:
        """Count a hit now, if there may be one; nobody else counts for this key meanwhile."""
        raise NotImplementedError

    def wait(self, key: str, limit: int) -> int:
        """0 when there may be a hit now (and it is counted), else the seconds until there may be one."""
        if self.hit(key, limit):
            return 0
        now = time.time()
        (oldest,) = self.execute(self._sql["oldest"], (key, now - WINDOW_SECONDS)).fetchone()
        left = (oldest or now) + WINDOW_SECONDS - now
        # By the clock of another machine a hit may be later than now: no more than a second of that is believed.
        return max(1, min(WINDOW_SECONDS + (left > WINDOW_SECONDS), int(left) + 1))

    def forget(self, before: float) -> None:
        """Remove the keys that have had no hit since `before`."""
        execute, sql = self.execute, self._sql
        for (key,) in execute(sql["quiet"], (before,)).fetchall():
            execute(sql["forget hits"], (key,))
            execute(sql["forget ring"], (key,))


class RingsInFile(Rings):
    """A file of its own with synchronous=OFF: losing a count in a power cut harms nobody."""

    def __init__(self, directory: Path) -> None:
        super().__init__(mark="?", prefix="")
        self._path = directory / "limits.db"
        self._local = threading.local()

    def connection(self) -> Any:
        """This thread's connection to the file."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            # One at a time: the first turns the file to WAL, which fails while another has it open.
            with open(self._path.with_name("limits.lock"), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                connection = self._opened()
            self._local.connection = connection
        return connection

    @property
    def execute(self) -> Callable[..., Any]:
        return self.connection().execute

    def hit(self, key: str, limit: int) -> bool:
        with self._alone() as execute:
            now = time.time()
            row = execute("SELECT n FROM ring WHERE key = ?", (key,)).fetchone()
            n = row[0] if row else 0
            if n >= limit:
                before = execute("SELECT at FROM hit WHERE key = ? AND slot = ?", (key, n % limit)).fetchone()
                if before and before[0] > now - WINDOW_SECONDS:
                    return False
            execute(_HIT, (key, n % limit, now))
            execute(_TURN, (key, n + 1))
            return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Callable[..., Any]]:
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection.execute
            connection.execute("COMMIT")
        except BaseException:
            # SQLite has rolled back by itself when the disk was full.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _opened(self) -> Any:
        connection = peewee.sqlite3.connect(  # type: ignore[attr-defined]
            str(self._path), timeout=5, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS hit (key TEXT, slot INTEGER, at REAL, PRIMARY KEY (key, slot)) "
            "WITHOUT ROWID"
        )
        connection.execute("CREATE TABLE IF NOT EXISTS ring (key TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID")
        return connection


_HIT = (
    "INSERT INTO hit (key, slot, at) VALUES (?, ?, ?) ON CONFLICT (key, slot) DO UPDATE SET at = excluded.at"
)
_TURN = "INSERT INTO ring (key, n) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET n = excluded.n"


class RingsInDatabase(Rings):
    """Unlogged tables in the database that all processes share; a hit takes one exchange with it."""

    def __init__(self) -> None:
        super().__init__(mark="%s", prefix="limit_")

    @property
    def execute(self) -> Callable[..., Any]:
        return db.database.execute_sql

    def hit(self, key: str, limit: int) -> bool:
        now = time.time()
        values = {"key": key, "limit": limit, "now": now, "before": now - WINDOW_SECONDS}
        (came, _) = db.begun_with([(_HIT_IN_DATABASE, values), (_TURN_IN_DATABASE, values)])
        return bool(came)


#: Where the slot is taken, this only reads. Else writing the ring's row, though it stays as it is, lets one through at
#: a time for a key, and the slot is taken as it stands then. `now` is of before that wait, by the caller's clock: the
#: hit is as much later as the server waited.
_HIT_IN_DATABASE = """
    WITH ring AS (
        INSERT INTO limit_ring (key, n) SELECT %(key)s::text, 0 WHERE NOT EXISTS (
            SELECT FROM limit_ring AS turned JOIN limit_hit AS hit ON hit.key = turned.key
            WHERE turned.key = %(key)s AND hit.slot = turned.n %% %(limit)s AND hit.at > %(before)s
        )
        ON CONFLICT (key) DO UPDATE SET n = limit_ring.n
        RETURNING key, n
    )
    INSERT INTO limit_hit (key, slot, at)
    SELECT key, n %% %(limit)s, %(now)s + extract(epoch FROM clock_timestamp() - statement_timestamp()) FROM ring
    ON CONFLICT (key, slot) DO UPDATE SET at = excluded.at WHERE limit_hit.at <= %(before)s
    RETURNING slot
"""
#: The ring turns on where this transaction made a hit.
_TURN_IN_DATABASE = """
    UPDATE limit_ring SET n = n + 1 FROM limit_hit AS hit
    WHERE limit_ring.key = %(key)s AND hit.key = limit_ring.key AND hit.slot = limit_ring.n %% %(limit)s
    AND hit.xmin = pg_current_xact_id_if_assigned()::xid
"""


def tidy(limiter: Limiter) -> None:
    """Forget addresses that have been quiet for a while."""
    limiter.rings.forget(time.time() - 10 * WINDOW_SECONDS)


def _digest(name: str, limit: int) -> str:
    """What a network's writes are counted under; with another limit there is another ring."""
    # Addresses are not kept in the clear, not even for a minute; so few are there that a plain digest would be.
    return signing.keyed_hash("limit", f"{name} {limit}")
