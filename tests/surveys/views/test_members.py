"""Members over the API: who may be invited, changed and removed by whom; and the log of it."""

from surveys import triggers
from surveys.base import db
from surveys.base.accounts import audit, members
from surveys.base.accounts.audit import AuditEntry
from tests.conftest import ON_SQLITE, Api
from tests.visitor import PASSWORD, Visitor, member, signed_in


def test_a_member_is_invited_changed_and_removed(world, api):
    survey = world.make.survey()
    made = api.post("/api/members", {"email": "Bob@Acme.example", "role": "viewer", "surveys": [survey.id]})
    assert made["email"] == "bob@acme.example"
    assert made["url"].startswith("http://localhost/team/welcome/")
    assert made["url"].rpartition("/")[2] not in repr(
        db.database.execute_sql("SELECT * FROM one_time_link").fetchall()
    )
    world.work()
    assert len(list((world.settings.data_dir / "outbox").glob("*.eml"))) == 1
    [listed] = api.get("/api/members")["items"]
    assert listed == {name: value for name, value in made.items() if name != "url"}
    assert api.post("/api/members", {"email": "bob@acme.example", "role": "editor"}, 409)
    for wrong in ({"role": "owner"}, {"surveys": ["sv_none"]}, {"email": "bob"}, {"password": "x"}):
        api.post("/api/members", {"email": "c@acme.example", "role": "viewer", **wrong}, 422)
    changed = api.patch(f"/api/members/{made['id']}", {"role": "editor", "surveys": None, "agent": "17"})
    assert (changed["role"], changed["surveys"], changed["agent"]) == ("editor", None, "17")
    api.delete(f"/api/members/{made['id']}")
    api.delete(f"/api/members/{made['id']}", 404)
    assert api.get("/api/members")["items"] == []


@ON_SQLITE
def test_two_spellings_of_an_address_are_one_member(world, api):
    letters, labels = "ann@m\u00fcller.example", "ann@xn--mller-kva.example"
    made = api.post("/api/members", {"email": letters, "role": "agent"})
    assert made["email"] == labels
    for spelled in (labels, letters, "Ann@MU\u0308LLER.example"):
        api.post("/api/members", {"email": spelled, "role": "viewer"}, 409)
        assert members.by_email(spelled).id == made["id"]
    bob = api.post("/api/members", {"email": "bob@acme.example", "role": "viewer"})
    api.patch(f"/api/members/{bob['id']}", {"email": letters}, 409)
    assert api.patch(f"/api/members/{made['id']}", {"email": letters})["email"] == labels
    newcomer = Visitor(world)
    assert (
        newcomer.send(made["url"].removeprefix("http://localhost"), name="Ann", password=PASSWORD).status_code
        == 303
    )
    assert Visitor(world).sign_in(letters).headers["Location"] == "/team/mine"
    # By the address an agent finds the answers that a helpdesk named it for, however it was spelled.
    said = triggers.frozen({"agent": {"email": letters}}, None)["agent_id"]
    assert {said, letters} <= set(members.get(made["id"]).agents)


def test_the_last_administrator_stays(world, api):
    ann = member()
    invited = members.invite({"email": "later@acme.example", "role": "administrator"}, ann.created_at)
    limited = member(email="limited@acme.example", surveys=[world.make.survey().id])
    for change in ({"role": "editor"}, {"surveys": limited.surveys}):
        assert "last administrator" in api.patch(f"/api/members/{ann.id}", change, 409)["error"]["message"]
    api.delete(f"/api/members/{ann.id}", 409)
    api.patch(f"/api/members/{ann.id}", {"name": "Ann"})
    second = member(email="second@acme.example")
    api.patch(f"/api/members/{ann.id}", {"role": "viewer"})
    api.delete(f"/api/members/{second.id}", 409)
    api.delete(f"/api/members/{invited.id}")


def test_removal_and_another_role_hold_at_once(world, api):
    member(email="stays@acme.example")
    visitor = signed_in(world, "editor")
    [editor] = [each for each in api.get("/api/members")["items"] if each["role"] == "editor"]
    assert visitor.get("/team/profile").status_code == 200
    api.delete(f"/api/members/{editor['id']}")
    assert visitor.get("/team/profile").status_code == 303


def test_a_limited_key_manages_nobody(world, make):
    ann, survey = member(), make.survey()
    limited = Api(world, make.key("admin", surveys=[survey.id]))
    assert limited.get("/api/members")["items"] == []
    limited.patch(f"/api/members/{ann.id}", {"role": "viewer"}, 404)
    limited.delete(f"/api/members/{ann.id}", 404)
    limited.post("/api/members", {"email": "b@acme.example", "role": "viewer"}, 403)
    limited.post("/api/members", {"email": "b@acme.example", "role": "viewer", "surveys": [survey.id]})


def test_what_was_written_by_its_hash_before_it_was_by_its_id_is_found(api, make, monkeypatch):
    body = {
        "name": "Better",
        "survey": make.survey().id,
        "target": 40,
        "start": "2030-01-01",
        "due": "2030-06-01",
    }
    with monkeypatch.context() as before:
        before.setattr(audit, "_LASTING", ("sv_",))
        made = api.post("/api/goals", body)
    api.patch(f"/api/goals/{made['id']}", {"name": "Best"})
    found = api.get("/api/audit", thing=made["id"])["items"]
    assert [entry["action"].split()[0] for entry in found] == ["PATCH", "POST"]
    assert found[0]["thing"] == made["id"] != found[1]["thing"]


def test_every_change_is_in_the_log_once_with_who_and_what(world, api, make):
    survey, response = make.survey(), None
    response = make.response(survey, 3, person={"id": "p1"})
    api.patch(f"/api/surveys/{survey.id}", {"name": "Renamed", "priority": 2})
    api.patch(f"/api/surveys/{survey.id}", {"nonsense": 1}, 422)
    api.delete(f"/api/people/{response.person_id}")
    again = {"Idempotency-Key": "once"}
    made = api.post("/api/members", {"email": "b@acme.example", "role": "viewer"}, headers=again)
    api.post("/api/members", {"email": "b@acme.example", "role": "viewer"}, headers=again)
    found = api.get("/api/audit")["items"]
    assert [(entry["action"], entry["thing"], entry["fields"]) for entry in found][::2] == [
        ("POST /api/members", made["id"], ["email", "role"]),
        ("PATCH /api/surveys/{survey_id}", survey.id, ["name", "priority"]),
    ]
    [erased] = api.get("/api/audit", thing=response.person_id)["items"]
    assert erased["action"] == "DELETE /api/people/{person_id}"
    assert response.person_id not in repr(list(AuditEntry.select().dicts()))
    assert {entry["caller"] for entry in found} == {"first key"}
    Visitor(world).sign_in(member(name="Ann").email)
    [entry] = api.get("/api/audit", limit=1)["items"]
    assert (entry["action"], entry["caller"], entry["fields"]) == (
        "POST /team/sign-in",
        "Ann",
        ["email", "password"],
    )
