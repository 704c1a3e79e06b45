"""Secrets at rest: sealed in the tables, plain to whoever has the key, and to nobody else."""

import dataclasses

import pytest

from surveys.base import clock, db, sealing, signing
from surveys.keeping import backup
from surveys.models import Connection
from surveys.tickets import connections
from tests.conftest import SECRET_KEY

OTHER = "another-key-0123456789-abcdefghijklmnop"
SECRET, TOKEN = "their signing key", "the helpdesk's own token"


@pytest.fixture
def connection(api, make):
    body = {
        "name": "desk",
        "kind": "zendesk",
        "survey": make.survey().id,
        "secret": SECRET,
        "write_back": {"url": "https://desk.example.com", "user": "a", "token": TOKEN},
    }
    return Connection.get_by_id(api.post("/api/connections", body)["id"])


def stored():
    """What stands in the tables, as text."""
    rows = [
        db.database.execute_sql(f'SELECT * FROM "{table._meta.table_name}"').fetchall()
        for table in db.registered()
    ]
    return repr(rows)


def again():
    return Connection.get()


def test_what_is_sealed_is_read_again_and_never_looks_the_same_twice(world):
    first, second = sealing.seal("né 💜"), sealing.seal("né 💜")
    assert first != second
    assert sealing.unseal(first) == sealing.unseal(second) == "né 💜"


@pytest.mark.parametrize("place", [0, 10, 60, -1])
def test_a_changed_seal_is_not_read(world, place):
    sealed = bytearray(sealing.seal("a secret").encode())
    sealed[place] = ord("B") if sealed[place] != ord("B") else ord("C")
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed.decode())


def test_no_table_holds_the_secret_or_the_token_of_a_connection(connection):
    assert (again().secret, again().write_back["token"]) == (SECRET, TOKEN)
    assert SECRET not in stored()
    assert TOKEN not in stored()


def test_another_key_reads_nothing_proves_nothing_and_destroys_nothing(client, connection, api):
    signing.use_secret(OTHER)
    assert (again().secret, again().write_back) == ("", None)
    assert client.post(f"/in/{connection.id}?k=", data=b"{}").status_code == 401
    connections.change(again(), {"name": "renamed"})
    signing.use_secret(SECRET_KEY)
    assert (again().name, again().secret, again().write_back["token"]) == ("renamed", SECRET, TOKEN)


def test_a_key_is_changed_in_three_steps(connection):
    """The old one beside the new one; everything sealed anew; the old one gone."""
    signing.use_secret(OTHER, [SECRET_KEY])
    assert again().secret == SECRET
    assert sealing.reseal() == 2
    signing.use_secret(OTHER)
    assert (again().secret, again().write_back["token"]) == (SECRET, TOKEN)


def test_links_made_with_an_earlier_key_still_lead_somewhere(world):
    old = signing.sign("invitation", "inv_1")
    signing.use_secret(OTHER, [SECRET_KEY])
    assert signing.read("invitation", old, clock.now()) == "inv_1"
    new = signing.sign("invitation", "inv_1")
    signing.use_secret(OTHER)
    assert signing.read("invitation", new, clock.now()) == "inv_1"
    with pytest.raises(signing.BadToken):
        signing.read("invitation", old, clock.now())


def test_resealing_skips_what_cannot_be_read(connection):
    signing.use_secret(OTHER)
    assert sealing.reseal() == 0
    signing.use_secret(SECRET_KEY)
    assert again().secret == SECRET


def test_a_backup_of_another_key_is_sealed_under_the_one_of_the_environment(world, connection, tmp_path):
    file = tmp_path / "earshot.backup"
    other = dataclasses.replace(world.settings, given_secret_key=OTHER)
    backup.write(file, world.settings, clock.now())
    signing.use_secret(OTHER)
    done = backup.restore(file, other, clock.now(), force=True)
    assert (done.new_secret, done.unknown_secrets) == (False, 1)
    assert (again().secret, again().write_back["token"]) == (SECRET, TOKEN)


ANSWERS = [
    ("/api/keys", {"name": "x", "scopes": ["read"]}, "key"),
    ("/api/connections", {"name": "x", "kind": "generic"}, "secret"),
    ("/api/surveys", {"name": "x", "metric": "nps"}, "identity_secret"),
    ("/api/feeds", {"name": "x", "filters": {}}, "token"),
]


@pytest.mark.parametrize(("path", "body", "field"), ANSWERS)
def test_an_answer_that_waits_to_be_replayed_keeps_its_secret_sealed(api, make, path, body, field):
    body = body | ({"survey": make.survey().id} if "connections" in path else {})
    headers = {"Idempotency-Key": "k"}
    made = api.post(path, body, headers=headers)
    assert made[field]
    assert made[field] not in stored()
    assert api.post(path, body, headers=headers) == made
