"""Who is at the door, what they may see, and how an error reads there."""

import re

import pytest

from feedback.models import SavedFeed, Theme, Topic
from surveys.base import clock, errors
from surveys.base.accounts.caller import Caller
from surveys.base.http import callers, problems
from surveys.models import Connection, Invitation, Trigger
from tests.conftest import Api

#: What names a row that lies elsewhere than in the address: the call, and where its id goes.
NAMED = (
    ("POST", "/api/triggers", {"survey": "survey", "person": {"email": "a@example.com"}}),
    ("POST", "/api/triggers/backtest", {"survey": "survey", "since": "2026-01-01T00:00:00Z", "rules": {"sampling": 1}}),
    ("POST", "/api/connections", {"survey": "survey", "name": "x", "kind": "zendesk", "secret": "0123456789"}),
    ("POST", "/api/responses", {"survey": "survey", "id": "3f0c8a34-4b43-4f0e-9a53-d2f1f4d5a111", "score": 9}),
    ("POST", "/api/feeds", {"name": "x", "filters": {"survey": "survey"}}),
    ("POST", "/api/feeds", {"name": "x", "filters": {"person": "person"}}),
    *(("GET", f"/api/feed?{name}={name}", None) for name in ("survey", "person", "topic", "theme")),
    ("GET", "/api/feed?like=response", None),
    *(("GET", f"{path}?survey=survey", None) for path in ("/api/metrics", "/api/drivers", "/api/topics")),
)  # fmt: skip


@pytest.fixture
def foreign(world, make):
    """One row of each kind that belongs to a survey, by what routes and filters call its id."""
    survey = make.survey()
    response = make.response(survey, 9, comment="Fine", person={"id": "somebody"})
    now = {"created_at": clock.now()}
    Connection.create(
        id="cn_1", name="x", kind="zendesk", survey=survey, secret="s" * 16, skip_tags=[], **now
    )
    Trigger.create(id="tr_1", survey=survey, decision="ignored", **now)
    Invitation.create(
        id="inv_1",
        survey=survey,
        channel="link",
        status="sent",
        expires_at=clock.now(),
        sent_at=clock.now(),
        **now,
    )
    Topic.create(id="top_1", label="Parking", theme="thm_1", **now)
    Theme.create(id="thm_1", label="Arrival", **now)
    SavedFeed.create(id="fd_1", name="x", filters={}, api_key="key_of_another", digest="d", **now)
    return {
        "survey": survey.id,
        "response": response.id,
        "person": response.person_id,
        "connection": "cn_1",
        "trigger": "tr_1",
        "invitation": "inv_1",
        "topic": "top_1",
        "theme": "thm_1",
        "feed": "fd_1",
    }


def calls(app, ids):
    """Every call that names one of these rows, with its id in place."""
    for rule in app.url_map.iter_rules():
        name = next((n.removesuffix("_id") for n in rule.arguments if n.removesuffix("_id") in ids), None)
        if not rule.rule.startswith("/api/") or name is None:
            continue
        path = re.sub(r"<any\('?([^,')]+)[^)]*\):\w+>", r"\1", rule.rule)
        for method in rule.methods & {"GET", "PATCH", "DELETE"}:
            yield method, re.sub(r"<\w+>", ids[name], path), {} if method == "PATCH" else None
    for method, path, body in NAMED:
        address = re.sub(r"=(\w+)$", lambda match: f"={ids[match[1]]}", path)
        yield method, address, _with(body, ids) if body else None


def _with(body, ids):
    return {
        name: _with(value, ids) if isinstance(value, dict) else ids.get(value, value)
        for name, value in body.items()
    }


def test_what_is_foreign_and_what_is_missing_look_alike(world, make, foreign):
    """Each call by a key limited to another survey, once with an id that is there and once with one that is not."""
    limited = make.key("admin", surveys=[make.survey().id])
    headers = {"Authorization": f"Bearer {limited}"}

    def said(call):
        method, path, body = call
        answer = world.client.open(path, method=method, json=body, headers=headers)
        return answer.status_code, re.sub(r'"request_id":"\w+"', "", answer.get_data(as_text=True))

    missing = {name: f"{id_[:-1]}{'0' if id_[-1] != '0' else '1'}" for name, id_ in foreign.items()}
    pairs = list(zip(calls(world.app, foreign), calls(world.app, missing), strict=True))
    assert len(pairs) > 30
    for there, absent in pairs:
        status, text = said(there)
        assert (status, text) == said(absent), there
        # What is shared by all surveys, nobody changes who sees only some.
        assert status in (403, 404) or "There is no such" in text, (there, text)


def test_who_calls_is_asked_of_each_way_in_turn(world, client, monkeypatch):
    """A view does not learn how its caller proved themselves."""
    member = Caller("mem_1", "Robin", frozenset({"read"}), member="mem_1")
    monkeypatch.setattr(callers, "WAYS", [*callers.WAYS, lambda: member])
    assert client.get("/api/surveys").status_code == 200
    assert client.get("/api/keys").status_code == 403
    monkeypatch.setattr(callers, "WAYS", [lambda: None])
    assert client.get("/api/surveys").status_code == 401


@pytest.mark.parametrize(
    ("error", "status", "code", "fields"),
    [
        (errors.Refused("Too long.", "name", "title"), 422, "invalid", {"name": ["Too long."], "title": ["Too long."]}),
        (errors.Refused("Nothing in it."), 422, "invalid", {"_": ["Nothing in it."]}),
        (errors.Clash("Is taken.", "id"), 409, "conflict", {"id": ["Is taken."]}),
        (errors.Clash("Is over."), 409, "conflict", {}),
        (errors.Missing("A foreign survey."), 404, "not_found", {}),
        (errors.Gone("Was deleted."), 410, "error", {}),
        (errors.Forbidden("Not yours."), 403, "forbidden", {}),
        (errors.Unauthorized("A revoked key."), 401, "unauthorized", {}),
    ],
)  # fmt: skip
def test_each_error_of_a_verb_has_one_answer(app, error, status, code, fields):
    with app.test_request_context():
        answer = problems.problem_answer(problems.problem_of(error))
    said = answer.get_json()["error"]
    assert (answer.status_code, said["code"], said["fields"]) == (status, code, fields)
    # What is hidden stays so; everything else says why.
    assert (error.message in answer.get_data(as_text=True)) == (status not in (401, 404))


def test_a_limited_key_is_told_of_a_seen_row_alone(world, make, foreign):
    """`visible` row by row: the foreign ones of `foreign`, seen by a key that is limited to their survey."""
    api = Api(world, make.key("admin", surveys=[foreign["survey"]]))
    for name in ("surveys", "people", "connections", "invitations", "triggers"):
        kind = {"people": "person"}.get(name, name.removesuffix("s"))
        assert api.get(f"/api/{name}/{foreign[kind]}")["id"] == foreign[kind]
    api.get(f"/api/responses/{foreign['response']}")
    api.get(f"/api/topics/{foreign['topic']}", 404)
