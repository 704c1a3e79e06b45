"""Migrations are never edited once they have landed, and databases of the time when 0001 was are brought up to date."""

import gzip
import hashlib
import json
import runpy
from pathlib import Path

import peewee
import pytest

from feedback.models import Reading
from surveys import daily_counts
from surveys.base import cli, clock, db, jobs, sealing, settings
from surveys.base.accounts import members
from surveys.base.db import migrations as db_migrations
from surveys.commands import service
from surveys.keeping import backup
from surveys.models import Connection, Response
from tests import servers
from tests.conftest import ADMIN_KEY, POSTGRES_IN_PROVE, Api, World
from tests.test_house import own, tables_of
from wsgi import create_app

#: SHA-256 of migrations that have landed. A change is a new migration: databases that have one never run it again.
LANDED = {
    "0001_initial": "2c7ac08811fe484635c218ec320f337b460578ca6e7471b66ccc643b0bce0838",
    "0002_earlier_shapes": "391f9bef60b9105f7a2105de1a22ee5edfa6fb23253853eee7ecd4b2103c4d0c",
    "0003_addresses": "573730630cac0c64ea7cba490a3331d53eacb0834a003e9c68175d52949ed0b6",
    "0004_printed_links": "c5620c281592fcdf0c2e85ef415d2260da0093f08a2f239405f125db008053c0",
    "0005_origins": "7bfe0e647e3da677afd5498971b46f1cb124badcd509028a64c6abe91c65e418",
    "0006_lineage_names": "41e52ce551bf4b9589a1570498ef21ed7ee77fb67e5d1e8099284db36e4ee114",
    "0012_feed_filters": "e2928f0a8ba15011cf8c1d7ecaca1934a42bc0523a088e18ac279c461df52628",
    "0013_search": "32003fb0a9cf2d17f8f089c9d572863d85cccea9413ea06e1efe04b9876f9cd7",
    "0014_members": "12455f9fadd15e1fb91a84b5785e251117854ec401dc0d91a3540b10dd6e60ac",
    "0015_team": "9db1fdb764e0ccb403a2180a171204ec5a0824198512e81805707304b61a226f",
    "0016_webhooks": "6c0206e0585d367407d3fb9dfe456aec561cf2b5bc34b88f0ce617573a645cde",
    "0017_follow_ups": "a84a1b5abe4e7311b9b39e6c064f331224a6436b6c58600437a823e6ee8193f3",
    "0018_contact": "f2d8cf57ac01d592327d65054f7a5a4d1251773c5f1e87709b925ebe9acd7f0f",
    "0020_segments": "f4c7a3059878f56c5193f13fecdabdae1fd9c4a44aa764652786a24304c4815a",
    "0021_themes": "1f201919b690bb456a3dfdfc261093531a63cdc863944b8c44633ac27dc49513",
    "0023_one_address": "92f0294eb6cf46acd4cb29b2739d774a4fee537d426b4baea646e05d10af43c0",
    "0024_search_index": "2e091c76490e10b9c664f7be660e0f441768a29bb10b2db81e5f645995fb6314",
    "0025_themes": "1fcd572f7afed4cd968f30f5ae89f4800891ef20e5cfe0237c71fe3a3d5f97e4",
    "0026_brand": "ea51609dc96a4f6e31a658e63b947fa3907ccaae6bfea932613fdfd3e1aeefdd",
    "0027_topic_status": "48858ca712aad04e15ae919e6dd7eef2ad5be70be64b309359c3c0a42af5b47f",
    "0028_letters": "824ca02bb03ad4cd069bfd3fa9dfeca8bc422b8a7c40d168d5de035b66c08be9",
    "0029_notices": "cbc28c4d98231fc9dcfba23b6db6d1dfac62d14695bc7ab468bf18c440e6510d",
    "0030_scales": "30002508be3fb0b6e5013c06e45c5cd9fd37b840c026743cdf8b2082a67e55be",
    "0034_cards": "c16289b76696728bc58f55941533eb65a8991460290942724bceb06b0b6bb33c",
    "0035_digests": "883f97653dc1a9900f360ba42f19d99d0977f1bca5627122afe4ecf1a8aa92b1",
    "0036_loops": "89575c0df60755082ae38e3967044c6abb68f941e0f6bdac029ed9f13d76c157",
    "0037_changed_rules": "79f87c48c262f532d1088105ffb206042902f14ae937626a6e2d8f62d7678fbb",
    "0038_more_counts": "43c542f219705534536577972c03562d08458857af5a8649e8a49b737e38fe0b",
    "0039_test_mode": "04f66bf4c615c1f0199de91f7bfb2f710162413e76570d70290e40a9e69bbc60",
    "0040_names": "ca7eee1276a8cf6f61fdbb876fc107666e110d4c13196555aa25f8aeaedd1f9f",
    "0041_trackers": "309ac90c4e63d4968365a7913cfa6ad53d2c10b3dc821a53f68a49a3eca9db4b",
    "0042_loops_in_parts": "ed1cfcbb55296e9efac62a14afeb35c00b397abe356240d604a2adf9836eec8f",
    "0043_readers": "184a75beecdd86358ba84cca91e6b125da88fca33569616826f46067b81ef804",
    "0058_counted_asks": "208e6e1fe2e081e1d6c89227321d6bab253f0686268ee3f994bdd71a0028bec7",
    "0064_search": "c396680c6c4c78d5d52f83bb1ba03f31c948752bb7577fe8148ee12cabd1648c",
    "0063_goals": "30205efec94ebcf896a50f99bbafdc7db486adc4b1727a92faf2b8349811ff19",
    "0066_lost_by_survey": "5ceaeea73f299c6db07a394ce0023fd0c833f05490f8a9b0216532ae80c3dc87",
    "0086_loop_lists": "6f9bd22f8ad1b8cfcbbb5579f5cc7ea8cc3f922e2e115b9c49d8cf5c103927f7",
    "0070_marks": "060a588daf775aac56785642b8c7541b23e4185010564f2a13dd91479bd32a04",
    "0090_groups": "4c1132658db27bcb93d1789b8b4c8d8e5b7f396b4c42f85b76da610ed1247704",
    "0095_ask_counts": "03234a90c9b6ef1b559b4706a4d57992456f3d7e6c7e9eb7fece33b9de5933a4",
    "0069_theme_lineage": "b94881872952a2d9fc21c8892e79ed8ef50dca073364440f05c6bb7343c3cbe2",
    "0108_member_time_zone": "cd30ae169677b3c16bb99ef4961dbfd9911e0280b62f159cd3c44adaffb711a0",
    "0067_two_secrets": "f060319c7a70f8618cb487a397fb8a3b9ab15d90992eda9d611be5bad9b0962c",
    "0104_member_language": "6baf45073e69e2f906eca4ca1fc3b1412612893729a571425bd3dff61703bd82",
    "0062_lost": "da1668acace81bfa8ebb8933afd8c7910e244da69235bbd21e795461cf75519d",
    "0111_umlauts": "d16f0473186edb64a319cced7c47cdf53c839f8cb7c234e787a35bb8a0cbc8c6",
    "0114_digests_told_until": "221aaf1e88a5c2e24b89c122065dca97443f3e9c6e87bfd34ed3b77539325ef6",
    "0115_spoken": "6a8bedbdb283edac0f532208a18cc5049ac0358fe98304d0c9ca5c4120efed51",
    "0116_excluded": "1dbbc464f8cc4863437909ee32f822ee17c5586bb682ec26c658af9273a6aaf5",
    "0120_seconds": "607965869a1cceb9885bafeaf9140c4a53cf96847531bde14f48b0f8f35989c5",
    "0135_lost_look": "d6b155e4c67fd209905155267e1903d5b6f3acfd0e053101928bc794440983e8",
    "0150_plain_mismatches": "a77b15d2b231c0354b691d7f98469c5197ac80c8f8c5cc8a3358e6db2522aff7",
}

SHAPES = Path(__file__).parent / "data" / "shapes"

#: Of a connection, as text.
SECRETS = {"secret": "shared words", "write_back": '{"url": "https://acme.zendesk.com", "token": "t0ken"}'}

AT = "2026-02-03T04:05:06.000007Z"


@pytest.mark.parametrize("name", LANDED)
def test_what_has_landed_is_not_edited(name):
    text = (servers.ROOT / "migrations" / f"{name}.py").read_bytes()
    assert hashlib.sha256(text).hexdigest() == LANDED[name], (
        f"{name} was edited: write a new migration instead"
    )


def rows():
    """What the tables hold that every text of 0001 made, and some that are younger: by table, a row of the time."""
    return {
        "api_key": {"id": "key_1", "name": "first", "scopes": ["admin"], "prefix": "ek", "created_at": AT,
                    "digest": hashlib.sha256(ADMIN_KEY.encode()).hexdigest()},
        "survey": {"id": "sv_old", "name": "Old", "metric": "nps", "languages": ["en"], "created_at": AT,
                   "allowed_origins": ["https://shop.example"], "wait_after_answer_days": 90, "updated_at": AT,
                   "widget": {}, "skip_tags": ["spam"], "staff_domains": [], "excluded_addresses": []},
        "definition": {"survey": "sv_old", "number": 1, "metric": "nps", "wording": {}, "created_at": AT},
        "person": {"id": "per_ann", "email": "ann@example.com", "verified": True, "created_at": AT,
                   "unsubscribed_at": AT},
        "invitation": {"id": "inv_1", "survey": "sv_old", "person": "per_ann", "channel": "email",
                       "status": "answered", "created_at": AT, "sent_at": AT, "answered_at": AT},
        "connection": {"id": "con_1", "name": "Desk", "kind": "zendesk", "survey": "sv_old",
                       "secret": SECRETS["secret"], "skip_tags": [], "created_at": AT,
                       "write_back": json.loads(SECRETS["write_back"])},
        "trigger": {"id": "trg_1", "survey": "sv_old", "person": "per_ann", "decision": "scheduled",
                    "invitation": "inv_1", "created_at": AT},
        "response": {"key": 7, "id": "3f0c5f5e-8a59-4a3e-9d59-0a8f6f9f1c11", "survey": "sv_old", "definition": 1,
                     "tags": ["vip"], "score": 9, "group": "promoter", "comment": "Quick checkout",
                     "search_text": "quick checkout", "person": "per_ann", "invitation": "inv_1",
                     "channel": "email", "counted": True,
                     "day": "2026-02-03", "revision": 1, "revisions": {"score": 1, "comment": 1}, "first_tick": 1,
                     "changed_tick": 1, "created_at": AT, "updated_at": AT},
        "response_tag": {"tag": "vip", "response": 7},
        "daily_count": {"survey": "sv_old", "day": "2026-02-03", "definition": 1, "score": 9, "slot": 0, "n": 1},
        "reading": {"key": 7, "language": "en", "label": "positive", "score": 0.5, "words": [], "engine": "old",
                    "read_at": AT},
        "topic": {"id": "top_1", "label": "Checkout", "created_at": AT},
        "placement": {"topic": "top_1", "response": 7, "evidence": []},
        "meaning": {"key": 7, "vector": "AAAA"},
        "topic_review": {"state": "done", "asked_at": AT},
        "saved_feed": {"id": "fd_1", "name": "All", "filters": {}, "digest": "d" * 32, "api_key": "key_1",
                       "created_at": AT},
        "idempotent_call": {"digest": "i", "body_digest": "b", "status": 201, "answer": "{}", "created_at": AT},
        "job": {"kind": "response recorded", "payload": {"key": 7}, "due_at": AT, "created_at": AT},
    }  # fmt: skip


def build(real, shape):
    """Make the tables of an earlier 0001, with a row in each."""
    text = runpy.run_path(str(SHAPES / f"{shape}.py"))
    given = rows()
    runner = db_migrations._runner()
    runner.History.create_table()
    text["up"](runner.migrator, real)
    runner.History.create(name="0001_initial")
    for model in text["tables"](real):
        row = given.get(model._meta.table_name)
        if row is not None:
            if model._meta.fields.get("write_back").__class__ is peewee.TextField:
                row = row | {name: sealing.seal(text) for name, text in SECRETS.items()}
            model.insert({n: value for n, value in row.items() if n in model._meta.fields}).execute()


@pytest.fixture
def earlier(template, tmp_path):
    """Makes an application whose database an earlier text of 0001 has made, with a row in each table."""
    names = []

    def make(shape):
        name = f"earlier_{shape}"
        if template.server:
            template.server.drop_database(name)
            template.server.create_database(name)
            names.append(name)
        environment = template.environment(tmp_path / name, name)
        world = World(create_app(environment), environment, template.kind)
        build(db.database.obj, shape)
        return world

    yield make
    db.close_database()
    for name in names:
        template.server.drop_database(name)


#: Columns that were renamed since: by table, the name of then and that of now.
RENAMED = {"topic": {"wider": "theme"}}

#: Words that others took the place of, by table.
REWORDED = {"topic": {"active": "new"}}


def stored(columns=None):
    """All rows as they lie in the tables, by table and column; of the `columns` alone when they are given."""
    tables = [table._meta.table_name for table in db.registered()]
    found = {}
    # Follow-ups became another table, see test_0017_follow_ups.
    for table in set(tables) & set(columns or db.database.get_tables()) - {"follow_up"}:
        names = columns[table][0] if columns else sorted(c.name for c in db.database.get_columns(table))
        renamed = RENAMED.get(table, {}) if columns else {}
        listed = ", ".join(f'"{renamed.get(name, name)}"' for name in names)
        rows = db.database.execute_sql(f'SELECT {listed} FROM "{table}"').fetchall()
        reworded = REWORDED.get(table, {})
        found[table] = names, [tuple(reworded.get(str(each), each) for each in row) for row in rows]
    return found


def works(world):
    """That this version serves what lies in the database, and takes what is new."""
    api = Api(world, ADMIN_KEY)
    assert world.client.get("/readyz").status_code == 200
    (item,) = api.get("/api/feed", q="checkout")["items"]
    assert (item["score"], item["comment"], item["tags"]) == (9, "Quick checkout", ["vip"])
    assert api.get("/api/metrics", survey="sv_old")["n"] == 1
    assert api.get("/api/surveys/sv_old")["name"] == "Old"
    assert api.get("/api/people/per_ann")["email"] == "ann@example.com"
    assert api.get("/api/topics")["items"][0]["label"] == "Checkout"
    api.patch("/api/surveys/sv_old", {"priority": 3})
    api.post("/api/connections", {"name": "Reports", "kind": "postmark"})
    api.post("/api/triggers", {"survey": "sv_old", "person": {"email": "bob@example.com"}}, 200)
    answer = {
        "id": "77d2c9a0-6a53-4d5c-8d7e-3d3f0b5c2a11",
        "survey": "sv_old",
        "score": 2,
        "comment": "Slow checkout",
    }
    assert world.client.post("/r", json=answer).status_code == 201
    world.work()
    assert {row.key for row in Reading.select()} == {row.key for row in Response.select()}
    assert daily_counts.differences() == []
    assert {"dead", "failed"}.isdisjoint(jobs.backlog(clock.now()))


def secrets_are_sealed():
    """What was kept as it was is read as before, and lies sealed."""
    for row in Connection.select().where(Connection.id == "con_1"):
        assert row.secret == SECRETS["secret"]
        assert row.write_back == json.loads(SECRETS["write_back"])
    for raw in db.database.execute_sql("SELECT secret, write_back FROM connection").fetchall():
        assert not any("words" in text or "t0ken" in text for text in raw if text)


EARLIER = pytest.mark.parametrize("shape", sorted(path.stem for path in SHAPES.glob("*.py")))


@EARLIER
def test_a_database_of_earlier_times_is_brought_up_to_date(earlier, shape):
    world = earlier(shape)
    assert db_migrations.pending()[0] == "0002_earlier_shapes"
    assert db_migrations.differences()
    before = stored()
    assert len(before["response"][1]) == 1
    service.prepare(world.settings)
    assert db_migrations.differences() == []
    after = stored(before)
    for table in before:
        # Secrets are sealed, and the clock is put right.
        if table not in ("connection", "clock"):
            assert after[table] == before[table], table
    secrets_are_sealed()
    works(world)


@POSTGRES_IN_PROVE
@EARLIER
def test_it_then_has_the_indexes_that_0001_makes_today(earlier, shape):
    """They differ in order alone from those of a new database: columns that were added come last."""
    world = earlier(shape)
    service.prepare(world.settings)
    names = {table._meta.table_name for table in db.registered()}
    found = {key: value for key, value in own(tables_of(world), names).items() if "INDEX" in str(value)}
    db_migrations.down(world.settings, db_migrations.known()[0])
    db_migrations.up(world.settings)
    new = {key: value for key, value in own(tables_of(world), names).items() if "INDEX" in str(value)}
    assert found == new
    assert new


@POSTGRES_IN_PROVE
@EARLIER
def test_a_backup_of_earlier_times_is_restored_through_the_migrations(earlier, world, shape, tmp_path):
    old = earlier(shape)
    file = tmp_path / "backup"
    counts = backup.write(file, old.settings, clock.now())
    db.close_database()
    db.open_database(world.settings)
    done = backup.restore(file, world.settings, clock.now())
    assert (db_migrations.differences(), db_migrations.pending(), done.differing) == ([], [], 0)
    assert {name: n for name, n in done.rows.items() if n} == {name: n for name, n in counts.items() if n}
    jobs.release(clock.now())
    secrets_are_sealed()
    works(world)


def test_a_backup_that_fits_nothing_is_refused(world, tmp_path):
    """Then all is as it was."""
    file = tmp_path / "backup"
    backup.write(file, world.settings, clock.now())
    lines = gzip.decompress(file.read_bytes()).splitlines()
    head = json.loads(lines[0])
    where = next(n for n, line in enumerate(lines) if b'"table":"person"' in line)
    columns = json.loads(lines[where])
    columns["columns"].remove("verified")
    for migrations, wrong in (
        (["0001_initial"], r"is unknown"),
        (head["migrations"], r"person\.verified is missing"),
    ):
        lines[0], lines[where] = (
            json.dumps({**head, "migrations": migrations}).encode(),
            json.dumps(columns).encode(),
        )
        file.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
        with pytest.raises(backup.NotABackup, match=wrong):
            backup.restore(file, world.settings, clock.now(), force=True)
        assert db_migrations.differences() == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE topic RENAME COLUMN settled_at TO settled", "column topic.settled_at is missing"),
        ("ALTER TABLE learnt RENAME TO learned", "table learnt is missing"),
        ("DROP INDEX person_email_verified", "index person_email_verified is missing"),
        ("ALTER TABLE person ADD COLUMN shoe TEXT", None),
        ("DROP INDEX topic_settled_at", None),
    ],
)
def test_tables_that_do_not_fit_are_named_at_start_and_by_readyz(world, change, named):
    db.database.execute_sql(change)
    ready = world.client.get("/readyz")
    if named is None:
        assert ready.status_code == 200
        service.prepare(world.settings)
        return
    assert ready.status_code == 503
    assert named in ready.get_json()["error"]["message"]
    with pytest.raises(cli.Unusable, match=named):
        service.prepare(world.settings)
    with world.app.app_context():
        status = world.app.test_cli_runner().invoke(args=["migrate", "status"])
    assert (status.exit_code, named in status.output) == (settings.UNUSABLE, True)


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_what_does_not_fit_ends_whoever_would_work_on_it(world, command):
    db.database.execute_sql("ALTER TABLE topic RENAME COLUMN settled_at TO settled")
    done = servers.run_once(world.environment, command)
    assert done.returncode == settings.UNUSABLE
    assert "column topic.settled_at is missing" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_type_or_a_column_that_no_row_can_be_written_for_is_named(world):
    """SQLite changes neither in place."""
    if world.kind == "sqlite":
        db.database.execute_sql("DROP TABLE learnt")
        db.database.execute_sql(
            "CREATE TABLE learnt (survey_id TEXT NOT NULL PRIMARY KEY, learnt_from TEXT, words TEXT NOT NULL, "
            "learnt_at TEXT NOT NULL, other INTEGER NOT NULL)"
        )
        kinds = "text, not integer"
    else:
        db.database.execute_sql(
            "ALTER TABLE learnt ALTER learnt_from TYPE BIGINT, ALTER learnt_from DROP NOT NULL"
        )
        db.database.execute_sql("ALTER TABLE learnt ADD COLUMN other INTEGER NOT NULL")
        kinds = "bigint, not integer"
    assert db_migrations.differences() == [
        f"column learnt.learnt_from holds {kinds}",
        "column learnt.learnt_from may be empty",
        "column learnt.other is unknown and must not be empty",
    ]


def test_members_come_under_the_one_form_of_their_address_and_none_is_lost(world):
    letters, labels = "ann@m\u00fcller.example", "ann@xn--mller-kva.example"
    kept = {
        "mem_1": "bob@b\u00fccher.example",
        "mem_2": labels,
        "mem_3": letters,
        "mem_4": "eve@acme.example",
    }
    with world.app.app_context():
        db_migrations.down(world.settings, "0023_one_address")
        real = db.database.obj
        member = "INSERT INTO member (id, email, role, created_at) VALUES (?, ?, 'viewer', ?)"
        for name, email in kept.items():
            real.execute_sql(member.replace("?", real.param), (name, email, AT))
        view = "INSERT INTO saved_feed (id, name, filters, digest, api_key, created_at) VALUES (?, 'All', ?, ?, ?, ?)"
        for name, holder in (("fd_1", "key_1"), ("fd_2", "")):
            real.execute_sql(view.replace("?", real.param), (name, "{}", name, holder, AT))
        db_migrations.up(world.settings)
        assert db_migrations.differences() == []
        found = {row.id: row.email for row in members.Member.select()}
        assert found == {**kept, "mem_1": "bob@xn--bcher-kva.example"}
        assert [members.by_email(each).id for each in (letters, labels)] == ["mem_3", "mem_2"]
        assert members.by_email("Bob@B\u00fccher.Example.").id == "mem_1"
        assert members.change("mem_3", {"email": letters, "name": "Ann"}).email == letters
        made = dict(real.execute_sql("SELECT id, made_by FROM saved_feed ORDER BY id").fetchall())
        assert made == {"fd_1": "key_1", "fd_2": None}
