"""PgBouncer in transaction mode: nothing of ours outlives a transaction on the server's side."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from surveys.base import db
from surveys.base.db import migrations
from surveys.base.db.postgres import Database
from tests import servers
from tests.conftest import ADMIN_KEY
from tests.pooled import pooling, template  # noqa: F401


def with_urls(world, through, direct=None):
    return {**world.environment, "DATABASE_URL": through, "DATABASE_DIRECT_URL": direct or ""}


def test_a_full_pool_is_no_dead_server(world, pool):
    """Four transactions take the whole pool; who comes waits, and is served when one of them ends."""
    url = world.environment["DATABASE_URL"]
    assert db.database.execute_sql("SELECT 1").fetchone() == (1,)
    holders = [psycopg.connect(url, prepare_threshold=None) for _ in range(4)]
    for holder in holders:
        holder.execute("SELECT 1")
    ends = time.monotonic() + 1.5

    def held():
        if time.monotonic() > ends:
            for holder in holders:
                holder.close()

    waited = db.database.obj.pulse
    waited._heard = float("-inf")
    assert waited.beats()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(lambda: (db.database.execute_sql("SELECT 1").fetchone(), db.database.close()))
        while not asked.done():
            held()
            time.sleep(0.05)
        assert asked.result()[0] == (1,)


@pytest.mark.parametrize("unknown", ["refused", pytest.param("ignored", marks=pytest.mark.prove)])
def test_a_pooler_is_recognised_where_nobody_says_so(world, postgres, unknown):
    settings = {"ignore_startup_parameters": "options"} if unknown == "ignored" else {}
    with servers.pooler(postgres, settings) as plain:
        through = plain.database_url(world.environment["DATABASE_DIRECT_URL"].rpartition("/")[2])
        with servers.service(with_urls(world, through)) as service:
            key = {"Authorization": f"Bearer {ADMIN_KEY}"}
            made = servers.call("POST", f"{service.url}/api/surveys", {"name": "P", "metric": "nps"}, key)
            body = {"survey": made["id"], "score": 2, "comment": "The parcel came late."}
            given = servers.call("POST", f"{service.url}/api/responses", body, key)
            end = time.monotonic() + 120
            # The worker polls, and reads it all the same.
            while (
                servers.call("GET", f"{service.url}/api/responses/{given['id']}", None, key)["sentiment"]
                is None
            ):
                assert time.monotonic() < end, service.log_tail()
                time.sleep(0.1)
        assert '"level": "error"' not in service.log.read_text()


@pytest.mark.parametrize("way", ["around", "through"])
def test_migrations_of_two_at_once_run_once(postgres, pool, tmp_path, way):
    name = f"empty_{way}"
    direct = postgres.create_database(name)
    environment = {
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "9f2c4be1a07d36580e1b4c7f93a2d8605c1e7b94",
        "DATABASE_URL": pool.database_url(name),
        "DATABASE_DIRECT_URL": direct if way == "around" else "",
    }
    both = [servers.begin_once(environment, "migrate") for _ in range(2)]
    said = [one.communicate(timeout=120)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert sorted(text.strip() == "Nothing to apply." for text in said) == [False, True], said
    postgres.drop_database(name)


def test_a_server_that_forgets_what_it_confirmed_is_refused(world, postgres, pool, tmp_path):
    name = world.environment["DATABASE_DIRECT_URL"].rpartition("/")[2].partition("?")[0]
    postgres.run_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    done = servers.run_once(with_urls(world, pool.database_url(name)))
    assert done.returncode != 0
    assert "synchronous_commit is off" in done.stdout


def test_nothing_is_left_on_the_servers_side(world, make):
    """A lock, a setting or a prepared statement would be somebody else's a moment later."""
    make.response(make.survey(), 3, comment="Late")
    world.work()
    with psycopg.connect(world.environment["DATABASE_DIRECT_URL"], autocommit=True) as connection:
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert connection.execute(held).fetchone() == (0,)
    assert db.is_pooled()
    assert db.database.connection().prepare_threshold is None
    assert db.database.execute_sql("SHOW timezone").fetchone() == ("UTC",)
    assert migrations.pending() == []
    assert isinstance(db.database.obj, Database)
