"""PUBLIC_LIMIT: how often one address may write in any 60 seconds, exact over all processes."""

import fcntl
import ipaddress
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import peewee
import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter

from surveys.base import db, signing
from surveys.base.settings import Settings

log = structlog.get_logger()

WINDOW_SECONDS = 60


class Limiter:
    """Counts writes by address. With a limit of 0 nothing is counted."""

    def __init__(self, settings: Settings) -> None:
        self.item = RateLimitItemPerMinute(settings.public_limit) if settings.public_limit else None
        self.storage = _SqliteWindows(settings) if settings.on_sqlite else _PostgresWindows(settings)
        self.strategy = MovingWindowRateLimiter(self.storage)

    def allow(self, address: str) -> int:
        """0 when the address may write now (and the write is counted), else the seconds to wait.

        Raises peewee's errors when the database that is shared is away; a write that the embedded file of
        counts cannot take is allowed.
        """
        if self.item is None:
            return 0
        try:
            return self._wait(self.item, network(address, 32, 64))
        except (peewee.sqlite3.Error, OSError) as error:  # type: ignore[attr-defined]
            # The file of counts is full, locked or broken: an answer is worth more than its count.
            log.warning("write not counted", error=type(error).__name__)
            return 0

    def _wait(self, item: RateLimitItem, key: str) -> int:
        if self.strategy.hit(item, key):
            return 0
        oldest, _ = self.storage.get_moving_window(item.key_for(key), item.amount, WINDOW_SECONDS)
        return max(1, min(WINDOW_SECONDS, int(oldest + WINDOW_SECONDS - time.time()) + 1))


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


class _Windows(Storage, MovingWindowSupport):
    """Moving windows as rings in a table: slot `n mod limit` of a key holds the time of the hit `limit` hits ago.

    A hit is allowed when that one is older than the window: exact, and the same work for any limit.
    """

    STORAGE_SCHEME: list[str] | None = None

    def __init__(self, settings: Settings) -> None:
        super().__init__("earshot://")
        self.settings = settings

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return peewee.PeeweeException

    def check(self) -> bool:
        return True

    def get_expiry(self, key: str) -> float:
        return time.time()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("only moving windows are kept")

    def get(self, key: str) -> int:
        raise NotImplementedError("only moving windows are kept")

    def clear(self, key: str) -> None:
        raise NotImplementedError("only moving windows are kept")


class _SqliteWindows(_Windows):
    """A file of its own with synchronous=OFF: losing a count in a power cut harms nobody."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.path = Path(settings.data_dir) / "limits.db"
        self.local = threading.local()

    def _connection(self) -> Any:
        connection = getattr(self.local, "connection", None)
        if connection is None:
            # One at a time: the first turns the file to WAL, which fails while another has it open.
            with open(self.path.with_name("limits.lock"), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                connection = self._opened()
            self.local.connection = connection
        return connection

    def _opened(self) -> Any:
        connection = peewee.sqlite3.connect(  # type: ignore[attr-defined]
            str(self.path), timeout=5, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS hit (key TEXT, slot INTEGER, at REAL, PRIMARY KEY (key, slot)) "
            "WITHOUT ROWID"
        )
        connection.execute("CREATE TABLE IF NOT EXISTS ring (key TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID")
        return connection

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        connection, name, now = self._connection(), _digest(key), time.time()
        connection.execute("BEGIN IMMEDIATE")
        try:
            allowed = _ring(connection.execute, "?", name, limit, expiry, now)
            connection.execute("COMMIT")
        except BaseException:
            # SQLite has rolled back by itself when the disk was full.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return allowed

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return _window(self._connection().execute, "?", _digest(key), expiry)

    def reset(self) -> int | None:
        for table in ("hit", "ring"):
            self._connection().execute(f"DELETE FROM {table}")  # noqa: S608
        return None


class _PostgresWindows(_Windows):
    """Unlogged tables in the database that all processes share."""

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        with db.database.atomic():
            # One writer a key at a time; other keys are not held up.
            name = _digest(key)
            db.database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (int(name[:15], 16),))
            return _ring(db.database.execute_sql, "%s", name, limit, expiry, time.time(), "limit_")

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return _window(db.database.execute_sql, "%s", _digest(key), expiry, "limit_")

    def reset(self) -> int | None:
        for table in ("limit_hit", "limit_ring"):
            db.database.execute_sql(f"DELETE FROM {table}")  # noqa: S608
        return None


def _ring(execute: Any, p: str, name: str, limit: int, expiry: int, now: float, prefix: str = "") -> bool:
    row = execute(f"SELECT n FROM {prefix}ring WHERE key = {p}", (name,)).fetchone()  # noqa: S608
    n = row[0] if row else 0
    if n >= limit:
        before = execute(
            f"SELECT at FROM {prefix}hit WHERE key = {p} AND slot = {p}",  # noqa: S608
            (name, n % limit),
        ).fetchone()
        if before and before[0] > now - expiry:
            return False
    execute(
        f"INSERT INTO {prefix}hit (key, slot, at) VALUES ({p}, {p}, {p}) "  # noqa: S608
        "ON CONFLICT (key, slot) DO UPDATE SET at = excluded.at",
        (name, n % limit, now),
    )
    execute(
        f"INSERT INTO {prefix}ring (key, n) VALUES ({p}, {p}) ON CONFLICT (key) DO UPDATE SET n = excluded.n",  # noqa: S608
        (name, n + 1),
    )
    return True


def _window(execute: Any, p: str, name: str, expiry: int, prefix: str = "") -> tuple[float, int]:
    row = execute(
        f"SELECT MIN(at), COUNT(*) FROM {prefix}hit WHERE key = {p} AND at > {p}",  # noqa: S608
        (name, time.time() - expiry),
    ).fetchone()
    return (row[0] or time.time(), row[1])


def tidy(limiter: Limiter) -> None:
    """Forget addresses that have been quiet for a while."""
    storage, old = limiter.storage, time.time() - 10 * WINDOW_SECONDS
    execute, p, prefix = (
        (storage._connection().execute, "?", "")
        if isinstance(storage, _SqliteWindows)
        else (db.database.execute_sql, "%s", "limit_")
    )
    quiet = f"SELECT key FROM {prefix}hit GROUP BY key HAVING MAX(at) < {p}"  # noqa: S608
    keys = [row[0] for row in execute(quiet, (old,)).fetchall()]
    for key in keys:
        for table in ("hit", "ring"):
            execute(f"DELETE FROM {prefix}{table} WHERE key = {p}", (key,))  # noqa: S608


def _digest(key: str) -> str:
    # Addresses are not kept in the clear, not even for a minute; so few are there that a plain digest would be.
    return signing.keyed_hash("limit", key)
