"""A backup holds everything of one moment, and a restore brings just that back."""

import dataclasses
import gzip
import itertools
import json
import os
import threading
from urllib.parse import urlsplit

import pytest

from feedback import feed
from surveys import catalogue, daily_counts, links, people, responses, tombstones
from surveys.base import clock, db, jobs, signing
from surveys.base.db import migrations
from surveys.keeping import backup, erasure
from surveys.models import Connection, Person, Response, Survey
from surveys.tickets import connections
from tests.conftest import ON_SQLITE
from wsgi import create_app


@pytest.fixture
def file(tmp_path):
    return tmp_path / "earshot.backup"


def everything(world):
    """All rows of all tables as the application reads them."""
    return {
        table.__name__: sorted(map(repr, table.select().dicts()))
        for table in db.registered()
        if table.__name__ not in ("Clock", "Job", "ApiKey")
    }


@pytest.fixture
def filled(world, make):
    survey = make.survey(question={"en": "Ünïcode ☕?"}, widget={"pages": ["/a"]}, sampling=0.5)
    for score in (0, 3, 7, 10):
        make.response(
            survey, score, comment=f"naïve “quotes” \\ tab\t {score}", properties={"n": 1.5, "t": True, "x": None},
            person={"email": f"p{score}@example.com"},
        )  # fmt: skip
    world.work()
    responses.set_tags(Response.get(), ["a", "b"], clock.now())
    responses.delete(Response.select().order_by(Response.key.desc()).get(), clock.now())
    world.work()
    return survey


def test_a_restore_brings_back_everything(world, file, filled, make):
    before, words = everything(world), feed.page({"q": "naive"}, 50).items
    counts = backup.write(file, world.settings, clock.now())
    assert counts["response"] == 3
    make.response(filled, 5, comment="After the backup")
    catalogue.change(filled, {"name": "Renamed"}, clock.now())
    done = backup.restore(file, world.settings, clock.now(), force=True)
    assert everything(world) == before
    assert (done.rows, done.differing, done.erased_again, done.new_secret) == (counts, 0, {}, False)
    assert feed.page({"q": "naive"}, 50).items == words
    assert migrations.pending() == []


def test_life_goes_on_after_a_restore(world, file, filled, make, api):
    cursor = api.get("/api/feed", order="changed")["next"]
    backup.write(file, world.settings, clock.now())
    backup.restore(file, world.settings, clock.now(), force=True)
    row = make.response(Survey.get_by_id(filled.id), 8, comment="New")
    assert [item["id"] for item in api.get("/api/feed", order="changed", cursor=cursor)["items"]] == [row.id]
    assert world.work() == 1
    assert daily_counts.differences() == []


def test_a_backup_can_be_read_by_its_owner_alone(world, file, filled):
    os.umask(0o022)
    backup.write(file, world.settings, clock.now())
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.glob("*.new")) == []


def test_the_log_begins_anew_while_a_backup_is_written(world, file, filled, make, monkeypatch):
    """Else it grows with everything that is written meanwhile; 50,000 answers are backed up for a minute."""
    monkeypatch.setattr(backup, "BATCH", 1)
    path, before = world.settings.data_dir, sorted(world.settings.data_dir.iterdir())
    sizes = []

    def meanwhile(_):
        make.response(filled, 5, comment="meanwhile")
        if world.kind == "sqlite":
            db.truncate_log()
            sizes.append((path / "earshot.db-wal").stat().st_size)

    counts = backup.write(file, world.settings, clock.now(), meanwhile)
    assert Response.select().count() > counts["response"] == 3
    assert set(sizes) == ({0} if world.kind == "sqlite" else set())
    assert sorted(path.iterdir()) == sorted({*before, file})
    done = backup.restore(file, world.settings, clock.now(), force=True)
    assert (done.rows["response"], done.differing) == (3, 0)


def test_without_room_for_a_copy_the_backup_is_made_all_the_same(world, file, filled, monkeypatch):
    monkeypatch.setattr(backup, "SPARE", 1 << 60)
    monkeypatch.setattr(backup, "BATCH", 1)
    counts = backup.write(file, world.settings, clock.now())
    assert backup.check(file).rows == counts
    assert counts["response"] == 3


def test_a_copy_that_fails_leaves_nothing(world, file, filled, monkeypatch):
    """It holds what people said."""
    if world.kind == "sqlite":
        monkeypatch.setattr(backup, "_write_all", lambda *_: 1 / 0)
        before = sorted(file.parent.iterdir())
        with pytest.raises(ZeroDivisionError):
            backup.write(file, world.settings, clock.now())
        assert sorted(file.parent.iterdir()) == before


def test_a_backup_under_load_is_of_one_moment(world, file, make):
    survey = make.survey()
    for _ in range(30):
        make.response(survey, 9)
    stop = threading.Event()
    written = itertools.count()

    def write():
        while not stop.is_set():
            make.response(survey, next(written) % 11, comment="meanwhile")
        db.database.close()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(3):
            backup.write(file.with_suffix(f".{number}"), world.settings, clock.now())
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert Response.select().count() > 30
    for number in range(3):
        done = backup.restore(file.with_suffix(f".{number}"), world.settings, clock.now(), force=True)
        assert done.differing == 0
        assert Response.select().count() == done.rows["response"] >= 30
        assert jobs.Job.select().count() >= done.rows["response"]


def test_nothing_that_waited_goes_out_after_a_restore(world, file):
    ran = []
    jobs.on("mail to be sent")(lambda payload, now: ran.append(payload))
    db.write(lambda: jobs.enqueue("mail to be sent", {"n": 1}, clock.now()))
    backup.write(file, world.settings, clock.now())
    done = backup.restore(file, world.settings, clock.now(), force=True)
    world.work()
    assert (done.held, ran, jobs.overview()) == (1, [], [("mail to be sent", "held", 1)])
    assert jobs.release(clock.now(), "mail to be sent") == 1
    world.work()
    assert ran == [{"n": 1}]


def test_who_was_erased_since_the_backup_stays_erased(world, file, make):
    survey = make.survey()
    make.response(survey, 1, person={"email": "gone@example.com"})
    make.response(survey, 2, person={"email": "stays@example.com"})
    backup.write(file, world.settings, clock.now())
    erasure.erase(people.named(email="gone@example.com"), clock.now(), email="gone@example.com")
    done = backup.restore(file, world.settings, clock.now(), force=True)
    assert done.erased_again == {"person": 1, "response": 1, "job": 1}
    assert [person.email for person in Person.select()] == ["stays@example.com"]
    assert (done.differing, daily_counts.differences()) == (0, [])


def test_tombstones_beside_a_lost_database_are_replayed_too(world, file, make):
    make.response(make.survey(), 1, person={"email": "gone@example.com"})
    backup.write(file, world.settings, clock.now())
    erasure.erase(people.named(email="gone@example.com"), clock.now())
    erasure.settle()
    assert tombstones.mirrored(world.settings.data_dir)
    migrations.down(world.settings, migrations.known()[0])
    done = backup.restore(file, world.settings, clock.now())
    assert done.erased_again == {"person": 1, "response": 1, "job": 1}


OTHER_KEY = "0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e"
STILL_EARLIER = "f1e2d3c4b5a697887766554433221100ffeeddcc"


def made_under(key, world, make, before=()):
    """What an instance with another key has: a link that was mailed, and a stored secret. The link's path."""
    signing.use_secret(key, before)
    ann, _ = people.put(people.Identity(email="ann@example.com", verified=True), {}, clock.now())
    desk = {"name": "Desk", "kind": "generic", "survey": make.survey().id, "secret": "w" * 40}
    connections.create(desk, clock.now())
    return urlsplit(links.me(ann.id, clock.now())).path


def restarted(world, **changes):
    """A caller of the service as it is after a restart with other settings."""
    return create_app({**world.environment, **changes}).test_client()


def restore(world, file):
    """What `flask restore` says."""
    done = world.app.test_cli_runner().invoke(args=["restore", str(file), "--force"])
    assert done.exit_code == 0, done.output
    return done.output


def test_where_the_environment_names_the_key_old_links_wait_for_the_backups(world, file, make):
    """The document, the message and the code say the same (docs/secrets.md)."""
    page = made_under(OTHER_KEY, world, make)
    backup.write(file, dataclasses.replace(world.settings, given_secret_key=OTHER_KEY), clock.now())
    signing.use_secret(world.settings.secret_key)
    said = restore(world, file)
    assert "SECRET_KEY_BEFORE" in said
    assert f"zcat {file} | head -n 1" in said
    assert "from now on" not in said
    assert OTHER_KEY not in said
    first_line = gzip.decompress(file.read_bytes()).splitlines()[0]
    assert json.loads(first_line)["secret_key"] == OTHER_KEY
    assert [row.secret for row in Connection.select()] == ["w" * 40]
    assert restarted(world).get(page).status_code == 404
    assert restarted(world, SECRET_KEY_BEFORE=OTHER_KEY).get(page).status_code == 200
    # Whoever has named the key is not told to.
    named = create_app({**world.environment, "SECRET_KEY_BEFORE": OTHER_KEY})
    assert "SECRET_KEY_BEFORE" not in restore(dataclasses.replace(world, app=named), file)


@pytest.mark.parametrize("named", ["", STILL_EARLIER])
def test_where_the_key_lies_in_data_dir_the_backups_takes_its_place(world, file, make, named):
    page = made_under(OTHER_KEY, world, make, [STILL_EARLIER])
    earlier = dataclasses.replace(
        world.settings, given_secret_key=OTHER_KEY, secret_keys_before=(STILL_EARLIER,)
    )
    backup.write(file, earlier, clock.now())
    own = {"SECRET_KEY": "", "SECRET_KEY_BEFORE": named}
    said = restore(dataclasses.replace(world, app=create_app({**world.environment, **own})), file)
    assert "key of the backup from now on. Restart" in said
    assert ("SECRET_KEY_BEFORE" in said) is (not named)
    assert restarted(world, **own).get(page).status_code == 200
    assert [row.secret for row in Connection.select()] == ["w" * 40]


def test_a_key_that_the_environment_gives_is_not_replaced_by_a_file_that_says_the_same(world, file, make):
    """Or the next start would read sealed secrets with the wrong one."""
    made_under(OTHER_KEY, world, make)
    backup.write(file, dataclasses.replace(world.settings, given_secret_key=OTHER_KEY), clock.now())
    (world.settings.data_dir / "secret-key").write_text(world.settings.secret_key)
    signing.use_secret(world.settings.secret_key)
    restore(world, file)
    assert (world.settings.data_dir / "secret-key").read_text() == world.settings.secret_key
    restarted(world)
    assert [row.secret for row in Connection.select()] == ["w" * 40]


def test_a_database_in_use_is_replaced_only_by_force(world, file, make):
    backup.write(file, world.settings, clock.now())
    row = make.response(make.survey())
    with pytest.raises(backup.NotEmpty):
        backup.restore(file, world.settings, clock.now())
    assert Response.get().id == row.id


@ON_SQLITE
@pytest.mark.parametrize("damage", ["cut", "flipped", "short", "foreign", "newer", "missing"])
def test_a_damaged_file_changes_nothing(world, file, filled, damage):
    before = everything(world)
    backup.write(file, world.settings, clock.now())
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
    elif damage == "short":
        lines = gzip.decompress(content).splitlines(keepends=True)
        file.write_bytes(gzip.compress(b"".join(lines[:-1])))
    elif damage == "foreign":
        file.write_bytes(gzip.compress(b'{"hello": 1}\n'))
    elif damage == "newer":
        file.write_bytes(gzip.compress(gzip.decompress(content).replace(b"0001_initial", b"0999_later")))
    else:
        file.unlink()
    with pytest.raises(backup.NotABackup):
        backup.restore(file, world.settings, clock.now(), force=True)
    assert everything(world) == before


def test_a_restore_that_fails_on_the_way_leaves_all_as_it_was(world, file, filled, monkeypatch):
    before = everything(world)
    backup.write(file, world.settings, clock.now())
    monkeypatch.setattr(jobs, "hold", lambda: (_ for _ in ()).throw(OSError("the disk")))
    with pytest.raises(OSError, match="the disk"):
        backup.restore(file, world.settings, clock.now(), force=True)
    assert everything(world) == before


@pytest.mark.parametrize(
    "line", ["7", "null", "[1]", '"end"', "{}", '{"table": "survey"}', '{"table": 7, "columns": 8}']
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_lines_that_mean_nothing_make_no_backup(tmp_path, line, place):
    """As a damaged byte may leave them, which is found before the sum at the file's end is."""
    head = '{"earshot": 1, "made_at": "2026-01-01T00:00:00Z", "migrations": [], "secret_key": "x", "database": "x"}'
    lines = [head, '{"table": "survey", "columns": ["id"]}', '["sv_1"]']
    lines[place] = line
    file = tmp_path / "damaged"
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    with pytest.raises(backup.NotABackup):
        backup.check(file)


def test_a_byte_that_changes_a_value_and_nothing_else_is_found(world, file, filled):
    """Every line can still be read, and the counts fit: only the sum over the whole tells."""
    backup.write(file, world.settings, clock.now())
    content = file.read_bytes()
    packed = gzip.compress(gzip.decompress(content).replace(b"sv_", b"sw_"))
    file.write_bytes(packed[:-8] + content[-8:])
    with pytest.raises(backup.NotABackup):
        backup.check(file)
