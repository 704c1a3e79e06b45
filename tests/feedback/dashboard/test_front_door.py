"""In by the front door and out again; what is forged, replayed or guessed stays outside."""

import re
import stat
from datetime import timedelta

import pytest
import time_machine

from feedback.dashboard import front_door
from surveys import team
from surveys.base import clock, db
from surveys.base.accounts import attempts, members, passwords, sessions
from surveys.base.delivery import mail
from surveys.commands import service
from tests.visitor import PASSWORD, Visitor, member, signed_in, welcome_path

OPEN = "/team/profile"


def is_in(visitor):
    return visitor.get(OPEN).status_code == 200


def test_the_first_start_lets_one_administrator_in_once(world):
    file = world.settings.data_dir / "first-sign-in"
    service.first_sign_in(world.settings)
    earlier = file.read_text()
    [line] = service.first_sign_in(world.settings)
    link = file.read_text().strip()
    assert str(file) in line
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert earlier.strip() != link
    visitor = Visitor(world)
    assert visitor.get(earlier.strip()).status_code == 404
    path = link.removeprefix("http://localhost")
    page = visitor.get(path)
    assert "You are the first here" in page.get_data(as_text=True)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    for wrong in (
        {"password": "short"},
        {"email": "nobody"},
        {"name": ""},
        {"password": "annie@acme.example"},
    ):
        given = {"name": "Ann", "email": "annie@acme.example", "password": PASSWORD, **wrong}
        assert visitor.send(path, **given).status_code == 422
    answer = visitor.send(path, name="Ann", email="Annie@Acme.Example", password=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/team")
    assert is_in(visitor)
    assert not file.exists()
    assert Visitor(world).get(path).status_code == 404
    assert service.first_sign_in(world.settings) == []
    [found] = members.Member.select()
    assert (found.email, found.name, found.role) == ("annie@acme.example", "Ann", "administrator")
    assert PASSWORD not in repr(found.__data__)


def test_the_door_says_where_the_first_link_lies_while_nobody_has_joined(world):
    def shown():
        return Visitor(world).get("/team/sign-in").get_data(as_text=True)

    assert "first-sign-in" in shown()
    member()
    assert "first-sign-in" not in shown()


def test_a_session_begins_anew_and_ends_everywhere_at_sign_out(world):
    visitor = Visitor(world)
    visitor.get("/team/sign-in")
    before = visitor.secret
    ann = member()
    assert visitor.sign_in(ann.email).status_code == 303
    secret = visitor.secret
    assert secret not in (None, before)
    stored = repr(list(sessions.Session.select().dicts()))
    assert secret not in stored
    thief = Visitor(world)
    thief.client.set_cookie("earshot", secret, domain="localhost")
    assert is_in(thief)
    assert visitor.send("/team/sign-out", on=OPEN).status_code == 303
    assert not is_in(thief)
    assert not is_in(visitor)
    assert (
        visitor.get("/team/profile?q=a+b").headers["Location"]
        == "/team/sign-in?next=%2Fteam%2Fprofile%3Fq%3Da%2Bb"
    )
    assert visitor.get("/team").headers["Location"] == "/team/sign-in?next=%2Fteam"


def test_wrong_pairs_get_one_answer_after_the_same_work(world, monkeypatch):
    ann = member()
    invited = members.invite({"email": "invited@acme.example", "role": "viewer"}, clock.now())
    worked = []
    verify = passwords._HASHER.verify
    monkeypatch.setattr(
        passwords,
        "_HASHER",
        type("H", (), {"verify": lambda *a: (worked.append(a[1][:30]), verify(*a[1:]))[1]})(),
    )
    pages = set()
    for email in (ann.email, "nobody@acme.example", invited.email):
        answer = Visitor(world).sign_in(email, "not the right one")
        text = re.sub(r'value="[^"]*"|nonce="[^"]*"', "", answer.get_data(as_text=True))
        pages.add((answer.status_code, text))
    assert len(pages) == 1
    assert len(worked) == 3
    assert len(set(worked)) == 1


def test_guessing_is_slowed_by_account_and_address_and_forgets(world):
    ann, bob = member(), member("viewer")
    visitor = Visitor(world)
    with time_machine.travel("2026-11-20T10:00:00Z", tick=False) as clock_:
        for _ in range(5):
            assert visitor.sign_in(ann.email, "wrong wrong wrong").status_code == 422
        slowed = visitor.sign_in(ann.email)
        assert slowed.status_code == 429
        assert int(slowed.headers["Retry-After"]) >= 1
        assert visitor.sign_in(bob.email).status_code == 303
        elsewhere = Visitor(world)
        elsewhere.client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
        assert elsewhere.sign_in(ann.email).status_code == 303
        clock_.shift(timedelta(seconds=int(slowed.headers["Retry-After"])))
        fresh = Visitor(world)
        assert fresh.sign_in(ann.email, "wrong wrong wrong").status_code == 422
        assert int(fresh.sign_in(ann.email).headers["Retry-After"]) > int(slowed.headers["Retry-After"])
        clock_.shift(timedelta(hours=25))
        assert fresh.sign_in(ann.email).status_code == 303
        # An address that tries one account after another is slowed as well.
        other = Visitor(world)
        other.client.environ_base["REMOTE_ADDR"] = "203.0.113.10"
        tried = [
            attempts.begin(attempts.counts("sign-in", f"a{n}", "203.0.113.10/32"), clock.now())
            for n in range(31)
        ]
        assert tried[:30] == [0] * 30
        assert tried[30] > 0
        assert other.sign_in(ann.email).status_code == 429


@pytest.mark.parametrize(
    ("given", "led"),
    [
        ("/team/profile", "/team/profile"),
        ("/team?a=1&b=%2F", "/team?a=1&b=%2F"),
        ("//evil.example", "/team"),
        ("https://evil.example/team", "/team"),
        ("/\\evil.example", "/team"),
        ("/team\\@evil.example", "/team"),
        ("/teams.evil.example", "/team"),
        ("/team@evil.example", "/team"),
        ("https:evil.example", "/team"),
        ("%2f%2fevil.example", "/team"),
        ("\t//evil.example", "/team"),
        ("/team//evil.example", "/team"),
        ("/team/../..//evil.example", "/team"),
        ("/team/./../x", "/team"),
        ("/team/\nSet-Cookie: a=b", "/team"),
        ("/s/sv_1", "/team"),
        ("/team/" + "a" * 3000, "/team"),
    ],
)
def test_next_leads_to_own_addresses_only(given, led):
    assert (front_door.own_address(given) or "/team") == led


def test_forms_are_taken_from_our_own_pages_alone(world):
    visitor = signed_in(world)
    token = dict(visitor.forms(OPEN))["/team/sign-out"]["token"]
    stranger = Visitor(world)
    foreign = stranger.forms("/team/sign-in")[0][1]["token"]
    good = {"token": token}
    for fields, headers in (
        ({"a": "b"}, {}),
        ({"token": "x" * 64}, {}),
        ({"token": foreign}, {}),
        (good, {"Origin": "https://evil.example"}),
        (good, {"Origin": "null"}),
        (good, {"Origin": "http://localhost.evil.example"}),
        (good, {"Sec-Fetch-Site": "cross-site", "Origin": None}),
        (good, {"Sec-Fetch-Site": "same-site"}),
    ):
        answer = visitor.post("/team/sign-out", fields, **headers)
        assert answer.status_code == 403, (fields, headers)
        assert is_in(visitor)
    assert visitor.post("/team/sign-out", good, **{"Origin": None, "Sec-Fetch-Site": None}).status_code == 303


def test_an_invitation_takes_a_null_origin_and_nothing_large(world):
    bob = members.invite({"email": "bob@acme.example", "role": "viewer", "name": "Bob"}, clock.now())
    path, visitor = welcome_path(bob), Visitor(world)
    given = {**visitor.forms(path)[0][1], "name": "Bob", "password": PASSWORD, "email": "other@acme.example"}
    assert visitor.post(path, {**given, "more": "a" * 40_000}).status_code == 413
    assert visitor.post(path, given, **{"Origin": "null", "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert visitor.post(path, {**given, "token": ""}, Origin="null").status_code == 403
    assert visitor.post(path, given, Origin="null").status_code == 303
    assert is_in(visitor)
    assert members.get(bob.id).email == "bob@acme.example"
    assert visitor.post("/team/sign-in", {"token": "x", "more": "a" * 1_100_000}).status_code == 413


def test_a_link_is_good_once_and_for_72_hours(world):
    bob = members.invite({"email": "bob@acme.example", "role": "agent"}, clock.now())
    first, second = welcome_path(bob), welcome_path(bob)
    with time_machine.travel(clock.now() + timedelta(hours=73)):
        assert Visitor(world).get(first).status_code == 404
    a, b = Visitor(world), Visitor(world)
    for visitor, path in ((a, first), (b, second)):
        visitor.given = {**visitor.forms(path)[0][1], "name": "Bob", "password": PASSWORD}
    answer = a.post(first, a.given)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/team/mine")
    assert b.post(second, b.given).status_code == 404


def test_a_new_password_comes_by_mail_and_ends_every_session(world):
    ann, old = member(), Visitor(world)
    old.sign_in(ann.email)
    visitor = Visitor(world)
    answers = {
        visitor.send("/team/reset", email=who).headers["Location"] for who in (ann.email, "x@y.example")
    }
    assert answers == {"/team/reset?sent=1"}
    world.work()
    [file] = (world.settings.data_dir / "outbox").glob("*.eml")
    letter = mail.read(file)
    assert ann.email in letter["To"]
    [path] = re.findall(r"http://localhost(/team/reset/\S+)", letter.get_body(("plain",)).get_content())
    assert path.rpartition("/")[2] not in repr(
        list(db.database.execute_sql("SELECT payload FROM job").fetchall())
    )
    assert visitor.send(path, password="short").status_code == 422
    answer = visitor.send(path, password="nine green herons")
    assert answer.headers["Location"] == "/team/sign-in?changed=1"
    assert not is_in(old)
    assert visitor.get(path).status_code == 404
    assert visitor.sign_in(ann.email).status_code == 422
    assert visitor.sign_in(ann.email, "nine green herons").status_code == 303


@pytest.mark.parametrize(
    ("base", "settings", "headers", "name"),
    [
        ("http://127.0.0.1:8000", {"BASE_URL": "http://127.0.0.1:8000"}, {}, "earshot"),
        ("http://192.168.1.5", {"BASE_URL": "http://127.0.0.1:8000"}, {}, None),
        ("http://127.0.0.1", {"BASE_URL": "http://surveys.example.com"}, {}, None),
        ("http://127.0.0.1", {"BASE_URL": "http://127.0.0.1"}, {"X-Forwarded-For": "203.0.113.9"}, None),
        (
            "https://surveys.example.com",
            {"BASE_URL": "https://surveys.example.com/earshot"},
            {},
            "__Host-earshot",
        ),
        ("http://surveys.example.com", {"BASE_URL": "https://surveys.example.com"}, {}, "__Host-earshot"),
    ],
)
def test_the_cookie_is_bound_to_https_or_to_this_machine(template, tmp_path, base, settings, headers, name):
    from wsgi import create_app

    if template.kind == "postgresql":
        return
    with template.copy(tmp_path) as given:
        app = create_app({**given, **settings})
        answer = app.test_client().get("/team/sign-in", base_url=base, headers=headers)
        db.close_database()
    cookie = answer.headers.get("Set-Cookie", "")
    if name is None:
        assert answer.status_code == 403
        assert "Passwords would cross the network in the clear" in answer.get_data(as_text=True)
        assert cookie == ""
        return
    assert answer.status_code == 200
    assert cookie.startswith(name + "=")
    assert ("Secure" in cookie) is (name != "earshot")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert ('action="/earshot/team/sign-in"' in answer.get_data(as_text=True)) is (
        "earshot" in settings["BASE_URL"]
    )


def test_a_session_runs_out_idle_and_in_any_case(world):
    visitor, now = signed_in(world), clock.now()
    with time_machine.travel(now + timedelta(days=6)):
        assert is_in(visitor)
    with time_machine.travel(now + timedelta(days=12)):
        assert is_in(visitor)
    with time_machine.travel(now + timedelta(days=20)):
        assert not is_in(visitor)
        sessions.tidy(clock.now())
    assert not sessions.Session.select().exists()


def test_a_cookie_opens_pages_and_not_the_api(world):
    visitor = signed_in(world)
    assert visitor.get("/api/surveys").status_code == 401
    assert visitor.get(OPEN).headers["Referrer-Policy"] == "same-origin"


def test_members_by_command(world):
    run = world.app.test_cli_runner().invoke
    url = run(args=["members", "invite", "--role", "administrator"]).output.strip()
    visitor = Visitor(world)
    path = url.removeprefix("http://localhost")
    assert visitor.send(path, name="Ann", email="ann@acme.example", password=PASSWORD).status_code == 303
    assert run(args=["members", "invite", "--role", "viewer", "--email", "ann@acme.example"]).exit_code == 1
    assert "joined   ann@acme.example  Ann" in run(args=["members", "list"]).output
    again = run(args=["members", "reset", "ANN@acme.example"]).output.strip().removeprefix("http://localhost")
    assert visitor.send(again, password="nine green herons").status_code == 303
    assert run(args=["members", "reset", "nobody@acme.example"]).exit_code == 1
    assert team.FIRST_SIGN_IN == "first-sign-in"


def test_who_comes_by_another_link_of_the_service_is_not_called_the_first(world):
    service.first_sign_in(world.settings)
    path = (world.settings.data_dir / "first-sign-in").read_text().strip().removeprefix("http://localhost")
    member()
    shown = Visitor(world).get(path).get_data(as_text=True)
    assert "You are the first here" not in shown
    assert "beside those who are there already" in shown
