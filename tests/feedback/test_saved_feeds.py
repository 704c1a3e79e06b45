"""Saved views of the feed: each goes with the key that made it, and stays within that key's surveys."""

import re

import pytest

from feedback import saved_feeds
from feedback.models import SavedFeed
from surveys.base import clock, errors
from surveys.base.accounts import keys, members
from surveys.base.accounts.caller import Caller
from tests.conftest import ON_SQLITE, Api
from tests.visitor import signed_in


@pytest.fixture
def other(api, world):
    """Another key's answer to having been made."""
    return api.post("/api/keys", {"name": "a sheet's", "scopes": ["write"]})


@pytest.fixture
def views(api, world, other):
    """A view made by each of two keys: by the administrator's, by the other."""
    return api.post("/api/feeds", {"name": "Ours"}), Api(world, other["key"]).post(
        "/api/feeds", {"name": "Theirs"}
    )


def statuses(client, views):
    return [client.get(f"/feed/{view['token']}.json").status_code for view in views]


def test_the_list_of_keys_says_which_views_each_made(api, world, other, views):
    Api(world, other["key"]).post("/api/feeds", {"name": "Theirs too"})
    empty = api.post("/api/keys", {"name": "x", "scopes": ["read"]})["id"]
    listed = {item["id"]: [view["name"] for view in item["feeds"]] for item in api.get("/api/keys")["items"]}
    assert listed.pop(other["id"]) == ["Theirs", "Theirs too"]
    assert listed.pop(empty) == []
    assert list(listed.values()) == [["Ours"]]
    (first,) = [item for item in api.get("/api/keys")["items"] if item["id"] == other["id"]]
    assert set(first["feeds"][0]) == {"id", "name"}
    assert first["feeds"][0]["id"] == views[1]["id"]
    # Nothing in the list opens a view.
    assert views[1]["token"] not in repr(api.get("/api/keys"))


@pytest.mark.parametrize("query", [{}, {"keep_feeds": "0"}])
def test_a_view_goes_with_the_key_that_made_it(api, client, other, views, query):
    assert statuses(client, views) == [200, 200]
    api.delete(f"/api/keys/{other['id']}", **query)
    assert statuses(client, views) == [200, 404]
    assert [view["name"] for view in api.get("/api/feeds")["items"]] == ["Ours"]


def test_a_view_may_be_kept_and_is_the_services_then(api, client, other, views):
    api.delete(f"/api/keys/{other['id']}", keep_feeds="1")
    assert statuses(client, views) == [200, 200]
    assert all(item["id"] != other["id"] for item in api.get("/api/keys")["items"])
    assert {view["name"] for view in api.get("/api/feeds")["items"]} == {"Ours", "Theirs"}
    api.delete(f"/api/keys/{other['id']}", 404)
    assert statuses(client, views) == [200, 200]
    api.delete(f"/api/feeds/{views[1]['id']}")
    assert statuses(client, views) == [200, 404]


def test_what_cannot_be_understood_revokes_nothing(api, client, other, views):
    error = api.delete(f"/api/keys/{other['id']}", 422, keep_feeds="yes")
    assert list(error["error"]["fields"]) == ["keep_feeds"]
    assert statuses(client, views) == [200, 200]
    assert keys.look_up(other["key"]) is not None


@pytest.mark.parametrize(("options", "last"), [([], 404), (["--keep-feeds"], 200)])
def test_the_command_that_revokes_does_the_same(world, client, other, views, options, last):
    done = world.app.test_cli_runner().invoke(args=["keys", "revoke", other["id"], *options])
    assert done.exit_code == 0, done.output
    assert statuses(client, views) == [200, last]


def test_no_view_is_made_with_a_key_that_is_revoked_meanwhile(api, other, monkeypatch):
    key = keys.look_up(other["key"])
    api.delete(f"/api/keys/{other['id']}")
    with pytest.raises(errors.Unauthorized):
        saved_feeds.save("late", {}, key.caller(), clock.now())
    monkeypatch.setattr(keys, "look_up", lambda secret: key)
    api.post("/api/feeds", {"name": "late"}, 401)
    monkeypatch.undo()
    assert api.get("/api/feeds")["items"] == []


def test_a_view_of_a_limited_key_stays_within_its_surveys(api, world, client, make):
    mine, others = make.survey(), make.survey()
    make.response(mine, 9, comment="seen")
    make.response(others, 9, comment="hidden")
    made = api.post("/api/keys", {"name": "x", "scopes": ["write"], "surveys": [mine.id]})
    views = [
        Api(world, made["key"]).post("/api/feeds", {"name": "x", "filters": filters})
        for filters in ({}, {"survey": mine.id}, {"q": "hidden"})
    ]
    api.delete(f"/api/keys/{made['id']}", keep_feeds="1")
    for view in views:
        for kind in ("atom", "json", "csv"):
            assert "hidden" not in client.get(f"/feed/{view['token']}.{kind}").get_data(as_text=True).replace(
                "?q=hidden", ""
            )
    # The service's views are no limited key's.
    limited = Api(world, make.key("write", surveys=[mine.id]))
    assert limited.get("/api/feeds")["items"] == []
    limited.delete(f"/api/feeds/{views[0]['id']}", 404)


@ON_SQLITE
def test_a_limited_member_finds_the_own_view_and_who_removes_them_may_end_it(world, make, client):
    admin, page = signed_in(world), "/team/feed"
    ann = signed_in(world, "editor", surveys=[make.survey().id])
    with world.app.app_context():
        saved_feeds.save(
            "Not Ann's", {}, Caller("mem_1", "Eve", frozenset({"write"}), None, "mem_1"), clock.now()
        )
    token = ann.forms(page)[0][1]["token"]
    links = set()
    for name in ("First", "Second"):
        shown = ann.get(ann.post(page, {"token": token, "do": "save", "name": name}).headers["Location"])
        links |= set(re.findall(r"/feed/[\w-]+\.json", shown.get_data(as_text=True)))
    assert len(links) == 2

    def views():
        return [each["id"] for _, each in ann.forms(page) if each.get("do") == "forget"]

    first, second = (SavedFeed.get(SavedFeed.name == name).id for name in ("First", "Second"))
    assert set(views()) == {first, second}
    assert ann.post(page, {"token": token, "do": "forget", "id": first}).status_code == 303
    assert views() == [second]
    assert sorted(client.get(each).status_code for each in links) == [200, 404]
    who = members.by_email("editor@acme.example").id
    at = f"/team/admin/members/{who}"
    told = admin.get(at).get_data(as_text=True)
    assert "Second" in told
    assert "Not Ann" not in told
    given = {"token": admin.forms(at)[0][1]["token"], "do": "remove", "made": "end"}
    assert admin.post(at, given).status_code == 303
    assert {client.get(each).status_code for each in links} == {404}
    assert [row.name for row in SavedFeed.select()] == ["Not Ann's"]
