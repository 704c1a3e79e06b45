"""Keys: shown once, kept as hashes, worthless at once when revoked, in every process."""

import pytest
import requests

from surveys.base import clock, db
from surveys.base.accounts import caller, keys
from tests import servers
from tests.conftest import ADMIN_KEY, ON_SQLITE, Api


@ON_SQLITE
@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        (["trigger"], {"trigger"}),
        (["read"], {"read"}),
        (["write"], {"read", "write"}),
        (["trigger", "read"], {"trigger", "read"}),
        (["admin"], {"trigger", "read", "write", "admin"}),
    ],
)
def test_a_scope_includes_what_the_contract_says(world, scopes, may):
    key, _ = keys.issue("x", scopes, None, clock.now())
    assert {scope for scope in caller.SCOPES if key.caller().may(scope)} == may


def test_a_key_is_shown_once_and_kept_as_a_hash(world, api):
    made = api.post("/api/keys", {"name": "x", "scopes": ["read"]})
    assert set(made) >= {"id", "name", "scopes", "prefix", "key"}
    assert made["key"].startswith(made["prefix"])
    assert len(made["key"]) >= 40
    assert made["key"] not in repr(api.get("/api/keys"))
    for table in db.registered():
        assert made["key"] not in repr([row.__data__ for row in table.select()]), table
    assert Api(world, made["key"]).get("/api/surveys")["items"] is not None


def test_a_limited_key_can_give_no_more_than_it_has(world, make):
    mine, other = make.survey(), make.survey()
    limited = Api(world, make.key("admin", surveys=[mine.id]))
    for surveys in (None, [], [other.id], [mine.id, other.id]):
        limited.post("/api/keys", {"name": "x", "scopes": ["read"], "surveys": surveys}, 403)
    made = limited.post("/api/keys", {"name": "x", "scopes": ["read"], "surveys": [mine.id]})
    assert [item["id"] for item in Api(world, made["key"]).get("/api/surveys")["items"]] == [mine.id]


def test_a_limited_admin_sees_no_other_key(world, make):
    mine, other = make.survey(), make.survey()
    hers, _ = keys.issue("hers", ["read"], [other.id], clock.now())
    limited = Api(world, make.key("admin", surveys=[mine.id]))
    assert hers.id not in {item["id"] for item in limited.get("/api/keys")["items"]}


@ON_SQLITE
def test_a_revoked_key_is_worthless_at_once_in_every_process(world):
    with servers.service({**world.environment, "WEB_CONCURRENCY": "2"}) as service:
        ours = Api(world, ADMIN_KEY)
        made = ours.post("/api/keys", {"name": "x", "scopes": ["read"]})

        def status():
            headers = {"Authorization": f"Bearer {made['key']}"}
            return requests.get(f"{service.url}/api/surveys", headers=headers, timeout=10).status_code

        assert {status() for _ in range(8)} == {200}
        ours.delete(f"/api/keys/{made['id']}")
        assert {status() for _ in range(8)} == {401}
        ours.delete(f"/api/keys/{made['id']}", 404)
