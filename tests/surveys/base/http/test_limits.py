"""PUBLIC_LIMIT when its own file of counts is in trouble, and what the counts tell of the callers."""

import contextlib
import hashlib
import itertools
import threading
import time
from pathlib import Path

import peewee
import psycopg
import pytest

from surveys.base import db, settings
from surveys.base.http import limits
from tests.conftest import ON_POSTGRES

ADDRESS = "203.0.113.7"


@pytest.fixture
def settings_overrides():
    return {"PUBLIC_LIMIT": "2"}


@pytest.fixture
def embedded(tmp_path):
    """A limit of two writes, counted in a file."""
    return limits.Limiter(settings.read({"DATA_DIR": str(tmp_path), "PUBLIC_LIMIT": "2"}))


def fill(counts):
    """Let the file of counts grow no more, as on a full disk."""
    pages = counts.execute("PRAGMA page_count").fetchone()[0]
    counts.execute(f"PRAGMA max_page_count = {pages + 2}")
    with contextlib.suppress(peewee.sqlite3.OperationalError):
        for number in itertools.count():
            counts.execute("INSERT INTO hit VALUES (?, 0, 0)", (f"{number:0300}",))
            counts.execute("INSERT INTO ring VALUES (?, 0)", (f"{number:0300}",))


TROUBLES = {
    "full": (fill, lambda counts: counts.execute("PRAGMA max_page_count = 100000")),
    "read-only": (
        lambda counts: counts.execute("PRAGMA query_only = 1"),
        lambda counts: counts.execute("PRAGMA query_only = 0"),
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_write_is_allowed_though_it_cannot_be_counted(embedded, trouble):
    breaks, mends = TROUBLES[trouble]
    counts = embedded.rings.connection()
    breaks(counts)
    # Each of another address, so that each needs room of its own.
    assert {embedded.allow(f"198.51.{high}.7") for high in range(100)} == {0}
    mends(counts)
    assert [embedded.allow(ADDRESS) > 0 for _ in range(4)] == [False, False, True, True]


def test_a_write_is_allowed_though_the_file_of_counts_cannot_be_opened(embedded, tmp_path):
    Path(tmp_path / "limits.db").mkdir()
    assert [embedded.allow(ADDRESS) for _ in range(3)] == [0, 0, 0]


def test_the_counts_do_not_tell_the_addresses(world, make):
    """There are few enough addresses to try the plain digest of each."""
    peer = {"REMOTE_ADDR": ADDRESS}
    world.client.post("/r", json=make.answer(make.survey()), environ_base=peer)
    limiter = world.app.extensions["limiter"]
    if world.kind == "sqlite":
        rows = limiter.rings.connection().execute("SELECT key FROM ring").fetchall()
    else:
        rows = db.database.execute_sql("SELECT key FROM limit_ring").fetchall()
    ((key,),) = rows
    named = f"{limits.network(ADDRESS, 32, 64)} {limiter.limit}"
    assert ADDRESS not in key
    assert not hashlib.sha256(named.encode()).hexdigest().startswith(key)


def test_a_refused_call_asks_once_and_writes_nothing(world, make, monkeypatch):
    survey, asked = make.survey(), []
    rings = world.app.extensions["limiter"].rings
    hit = rings.hit

    def counted(*key_and_limit):
        asked.append(hit(*key_and_limit))
        return asked[-1]

    def rows():
        # The version of each row, or of the file.
        if world.kind == "sqlite":
            return rings.connection().total_changes
        tables = ("limit_ring", "limit_hit")
        return [
            db.database.execute_sql(f"SELECT ctid::text, xmin::text, xmax::text FROM {table}").fetchall()
            for table in tables
        ]

    monkeypatch.setattr(rings, "hit", counted)

    def post():
        peer = {"REMOTE_ADDR": ADDRESS}
        return world.client.post("/r", json=make.answer(survey), environ_base=peer).status_code

    assert [post(), post()] == [201, 201]
    before = rows()
    assert [post(), post()] == [429, 429]
    assert asked == [True, True, False, False]
    assert rows() == before


@ON_POSTGRES
def test_the_window_begins_when_the_write_is_counted_and_not_before_it_waited(world):
    """Whoever counts first holds the row of an address; the second is counted when the first is done."""
    limiter, found = world.app.extensions["limiter"], []

    def second():
        try:
            found.append(limiter.allow(ADDRESS))
        finally:
            db.forget_connection()

    assert limiter.allow(ADDRESS) == 0
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(world.settings.database_url) as first:
        first.execute("UPDATE limit_ring SET n = n")
        asking, began = threading.Thread(target=second), time.time()
        asking.start()
        with psycopg.connect(world.settings.database_url, autocommit=True) as beside:
            while not beside.execute(waits).fetchall():
                pass
        seen = time.monotonic()
        time.sleep(0.05)
        held = time.monotonic() - seen
        first.commit()
    asking.join()
    counted = db.database.execute_sql("SELECT max(at), count(*) FROM limit_hit").fetchone()
    turned = db.database.execute_sql("SELECT n FROM limit_ring").fetchone()
    assert (found, counted[1], turned) == ([0], 2, (2,))
    assert counted[0] >= began + held
