"""Who may open which of the team's pages, and send which of their forms: a snapshot, role by role."""

import re
from pathlib import Path

from surveys.base import clock, signing
from surveys.base.accounts import sessions
from surveys.base.accounts.attempts import Attempt
from surveys.base.http import csrf
from tests.conftest import ON_SQLITE
from tests.visitor import Visitor, member

SNAPSHOT = Path(__file__).with_name("access-pages.snapshot")


@ON_SQLITE
def test_access_to_pages_is_what_the_snapshot_says(world, make):
    """Every page and form × every role. `limited`: an editor who is limited to another survey; 303 after GET where
    nobody is signed in leads to the sign-in.

    A change of this file is a change of who may do what: review it as one. To accept one, delete the file and run this
    test; it writes the file anew, and fails once so that nobody overlooks it.
    """
    survey, other = make.survey(), make.survey()
    response = make.response(survey, 9, person={"id": "p1"})
    member(email="stays@acme.example")
    members = {role: member(role) for role in ("viewer", "agent", "editor", "administrator")}
    members["limited"] = member("editor", "limited@acme.example", surveys=[other.id])
    names = ("out", *members)
    lines = [f"{'page':64}" + "".join(f"{name:>14}" for name in names)]
    for method, rule in _rules(world, "/team"):
        if rule.endpoint.endswith(".static"):
            continue
        known = {"survey_id": survey.id, "response_id": response.id, "person_id": response.person_id}
        known["member_id"] = members["viewer"].id
        path = re.sub(r"<any\('?([^,')]+)[^)]*\):\w+>", r"\1", rule.rule)
        path = re.sub(r"<(\w+)>", lambda found, known=known: str(known.get(found[1], "0")), path)
        statuses = [_status(world, method, path, members.get(name)) for name in names]
        lines.append(f"{method + ' ' + rule.rule:64}" + "".join(f"{status:>14}" for status in statuses))
    found = "\n".join(lines) + "\n"
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(found)
        raise AssertionError(f"{SNAPSHOT.name} was written anew: read it, then commit it")
    assert found == SNAPSHOT.read_text()


def test_no_cookie_opens_the_api(world):
    ann = member()
    with_cookie, without = _visitor(world, ann), Visitor(world)
    for method, rule in _rules(world, "/api"):
        path = re.sub(r"<[^>]+>", "0", rule.rule)
        answers = [visitor.client.open(path, method=method) for visitor in (with_cookie, without)]
        assert answers[0].status_code == answers[1].status_code, (method, path)


def _rules(world, below):
    for rule in sorted(world.app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.rule == below or rule.rule.startswith(below + "/"):
            for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
                yield method, rule


def _visitor(world, someone):
    visitor = Visitor(world)
    if someone is not None:
        visitor.client.set_cookie("earshot", sessions.begin(someone.id, clock.now()), domain="localhost")
    return visitor


def _status(world, method, path, someone):
    """What one caller gets for something that is there; a form is empty but for its right token."""
    visitor = _visitor(world, someone)
    # Each caller's first try.
    Attempt.delete().execute()
    if method == "GET":
        return visitor.get(path).status_code
    if someone is None:
        visitor.get("/team/sign-in")
    token = csrf.masked(bytes.fromhex(signing.derive("csrf", visitor.secret)), bytes(32))
    return visitor.post(path, {"token": token}).status_code
