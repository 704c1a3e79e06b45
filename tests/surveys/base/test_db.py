"""Writing: after the commit or not at all, also when others are in the way."""

import errno
import threading

import peewee
import psycopg
import pytest
from prometheus_client import REGISTRY

from surveys.base import clock, db
from surveys.base.accounts.keys import ApiKey
from surveys.base.db import Clock, sqlite, writing
from tests.threads import together


def test_two_writers_that_wait_for_each_other_both_succeed(world):
    Clock.insert_many([{"id": 7, "tick": 0}, {"id": 8, "tick": 0}]).execute()
    # SQLite lets one writer in at a time, so there the second cannot be half-way when the first is.
    halfway = threading.Barrier(2 if world.kind == "postgresql" else 1)
    met = threading.Event()

    def raise_tick(number):
        Clock.update(tick=Clock.tick + 1).where(Clock.id == number).execute()

    def writer(index):
        order = (7, 8) if index else (8, 7)

        def verb():
            raise_tick(order[0])
            if not met.is_set():
                halfway.wait()
                met.set()
            raise_tick(order[1])

        db.write(verb)

    together(2, writer)
    assert [row.tick for row in Clock.select().where(Clock.id > 1).order_by(Clock.id)] == [2, 2]


def test_a_failing_neighbour_costs_only_its_own_rows(world):
    Clock.create(id=7, tick=0)

    def writer(index):
        def verb():
            Clock.update(tick=Clock.tick + 1).where(Clock.id == 7).execute()
            if index % 3 == 0:
                raise LookupError(index)

        try:
            db.write(verb)
        except LookupError:
            return False
        return True

    kept = together(30, writer)
    assert kept.count(True) == 20
    assert Clock.get_by_id(7).tick == 20


def test_a_write_inside_a_write_is_undone_with_it(world):
    def outer():
        db.write(lambda: Clock.create(id=9, tick=0))
        raise LookupError

    with pytest.raises(LookupError):
        db.write(outer)
    assert not Clock.select().where(Clock.id == 9).exists()


def test_the_promised_settings_are_read_back(world):
    db.check()
    if world.kind == "sqlite":
        db.database.execute_sql("PRAGMA synchronous = NORMAL")
        with pytest.raises(db.WrongDatabase, match="synchronous"):
            db.check()
    else:
        assert db.database.execute_sql("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_transaction_sees_what_others_commit_meanwhile_whatever_the_database_says(world):
    """Else what was deleted while it waited would not be seen as deleted."""
    if world.kind == "sqlite":
        return
    chosen, name = world.settings, db.name()
    db.close_database()
    with psycopg.connect(chosen.database_url, autocommit=True) as other:
        said = "SET default_transaction_isolation = 'repeatable read'"
        other.execute(f'ALTER DATABASE "{name}" {said}'.encode())
    db.open_database(chosen)
    level = "SHOW transaction_isolation"
    assert db.database.execute_sql(level).fetchone() == ("read committed",)
    # As through a pooler, which takes no setting of ours.
    db.database.execute_sql(said)
    assert db.database.execute_sql(level).fetchone() == ("repeatable read",)
    assert db.begun_with([(level, None)]) == [[("read committed",)]]
    with db.database.atomic():
        assert db.database.execute_sql(level).fetchone() == ("read committed",)
    with db.snapshot():
        assert db.database.execute_sql(level).fetchone() == ("repeatable read",)


def test_a_build_of_sqlite_that_may_corrupt_its_log_is_refused(world, monkeypatch):
    if world.kind == "postgresql":
        return
    monkeypatch.setattr(db.database.obj, "server_version", (3, 51, 2))
    with pytest.raises(db.WrongDatabase, match=r"3\.51\.3 or later"):
        db.check()


def test_every_table_is_registered_once_and_parents_come_first(world):
    tables = db.registered()
    assert ApiKey in tables
    assert len(tables) == len(set(tables))
    for table in tables:
        for field in table._meta.refs:
            assert tables.index(field.rel_model) < tables.index(table)


def test_every_tagged_column_exists(world):
    for table in db.registered():
        assert set(table._meta.holds) <= set(table._meta.fields), table
        assert set(table._meta.holds.values()) <= {
            db.IDENTIFIER,
            db.PSEUDONYM,
            db.FREE_TEXT,
            db.SCORE,
            db.TECHNICAL,
        }


def test_what_goes_together_is_done_in_lists_and_what_does_not_by_itself(world):
    Clock.create(id=7, tick=0)
    lists = []

    def add_all(numbers):
        lists.append(list(numbers))
        even = [number for number in numbers if number % 2 == 0]
        Clock.update(tick=Clock.tick + len(even)).where(Clock.id == 7).execute()
        return [db.ALONE if number % 2 else ("together", number) for number in numbers]

    def add_one(number):
        Clock.update(tick=Clock.tick + 1).where(Clock.id == 7).execute()
        return "alone", number

    results = together(30, lambda index: db.write(lambda: add_one(index), add_all, index))
    assert results == [("alone" if index % 2 else "together", index) for index in range(30)]
    assert sorted(number for numbers in lists for number in numbers) == list(range(30))
    assert Clock.get_by_id(7).tick == 30


def test_a_failing_list_leaves_each_to_itself_and_is_told(world, caplog):
    Clock.create(id=7, tick=0)
    # One that has said nothing yet.
    writing.stop_writer()

    def fail_all(numbers):
        # On PostgreSQL a list is its own transaction.
        with db.database.atomic():
            Clock.update(tick=1000).where(Clock.id == 7).execute()
            raise LookupError("what somebody wrote")

    def add_one():
        Clock.update(tick=Clock.tick + 1).where(Clock.id == 7).execute()

    def failed():
        return REGISTRY.get_sample_value("earshot_groups_failed_total")

    before = failed()
    for _ in range(2):
        together(5, lambda index: db.write(add_one, fail_all, index))
    assert Clock.get_by_id(7).tick == 10
    assert failed() >= before + 2
    # Once in a while, however many there are.
    told = [each.msg for each in caplog.records if "group failed" in str(each.msg)]
    assert [each["reason"] for each in told] == ["LookupError"]


def test_rows_of_one_insert_may_differ_in_what_they_hold(world):
    keys = db.Insert(Clock)
    assert keys.many([{"id": number, "tick": number * 10} for number in range(10, 100)]) == 90
    assert Clock.get_by_id(99).tick == 990


@pytest.fixture
def full(world):
    """SQLite that is full for this thread, as far as it can tell: it may not add a page."""
    if world.kind == "sqlite":
        pages = db.database.execute_sql("PRAGMA page_count").fetchone()[0]
        db.database.execute_sql(f"PRAGMA max_page_count = {pages}")
    return world.kind == "sqlite"


def fill():
    """More than there is room for."""
    for number in range(3):
        ApiKey.create(
            id=f"key_{number}",
            prefix="",
            digest=str(number),
            name="n" * 2**20,
            scopes=[],
            created_at=clock.now(),
        )


def test_the_error_of_a_full_disk_is_told_and_not_that_nothing_was_left_to_take_back(full):
    def in_a_savepoint():
        with db.database.atomic(), db.database.atomic():
            fill()

    if full:
        with pytest.raises(peewee.OperationalError) as error:
            in_a_savepoint()
        assert db.reason(error.value) == "SQLITE_FULL"
        assert db.away(error.value)


def test_after_sqlite_has_ended_a_transaction_nothing_of_it_is_kept(full):
    def go_on():
        with db.database.atomic():
            Clock.create(id=7, tick=0)
            with pytest.raises(peewee.OperationalError):
                fill()
            with pytest.raises(sqlite.Ended):
                Clock.create(id=8, tick=0)

    if full:
        with pytest.raises(sqlite.Ended) as ended:
            go_on()
        assert db.away(ended.value)
        assert not Clock.select().where(Clock.id > 6).exists()


@pytest.mark.parametrize(
    "error", [OSError(code, "") for code in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)]
)
def test_a_file_that_the_disk_does_not_take_is_like_a_database_that_takes_no_more(
    client, app, monkeypatch, error
):
    def raises():
        raise error

    monkeypatch.setitem(app.view_functions, "operators.healthz", raises)
    reply = client.get("/healthz")
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "2")


def test_an_error_of_the_driver_itself_is_told_apart_as_well():
    full, wrong = psycopg.errors.DiskFull(), psycopg.errors.UndefinedTable()
    assert (db.away(full), db.away(wrong)) == (True, False)
    locked = peewee.sqlite3.OperationalError("database is locked")
    locked.sqlite_errorname = "SQLITE_BUSY"
    assert (db.away(locked), db.away(peewee.sqlite3.OperationalError("no such table"))) == (True, False)
