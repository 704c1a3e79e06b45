"""Notices by mail to whoever has no account: asked once, nothing before their own click, stopped by one click."""

import re
from datetime import timedelta

import pytest
import time_machine

from feedback import readers
from feedback.models import Reader
from surveys.base import clock, delivery
from surveys.base.accounts import members
from surveys.base.delivery.memory import Memory
from surveys.models import Person
from tests.conftest import ON_SQLITE
from tests.visitor import member, pressed, signed_in

PRESS = "press@paper.example"


@pytest.fixture
def mailbox(world):
    found = Memory()
    delivery.use("mail", found)
    return found


@pytest.fixture
def hear(world, make):
    """Somebody answers, and the worker tells of it when that has settled."""
    survey, days = make.survey(), []

    def answer(comment):
        days.append(comment)
        with time_machine.travel(clock.now() + timedelta(hours=len(days)), tick=False):
            make.response(survey, 1, comment=comment)
            world.work()
        with time_machine.travel(clock.now() + timedelta(hours=len(days), minutes=3), tick=False):
            world.work()

    return answer


def rule(*addresses, name="Low"):
    to = [{"kind": "mail", "address": each} for each in addresses]
    return {"name": name, "when": {"kind": "score", "at_or_below": 3}, "to": to}


def link_in(mail):
    return re.fullmatch(r"<http://localhost(/d/.*)>", mail.headers["List-Unsubscribe"])[1]


def state(api, at=0):
    return api.get("/api/rules")["items"][0]["to"][at]["state"]


def test_an_outsider_is_asked_once_and_hears_nothing_before_their_click(world, api, mailbox, hear):
    made = api.post("/api/rules", rule("Press@Paper.example", "press@paper.example"))
    api.post("/api/rules", rule(PRESS, name="Again"))
    assert [each["state"] for each in made["to"]] == ["waiting", "waiting"]
    hear("Before anybody clicked")
    api.post(f"/api/webhooks/{made['to'][0]['id']}/test", None, 409)
    world.work()
    [asked] = mailbox.sent
    assert asked.to == PRESS
    assert "Before" not in asked.text
    page = link_in(asked)
    assert page in asked.text
    # Machines open links, and press buttons by a script; whoever killed the worker half-way has nobody asked again.
    assert "Do you want these notices?" in world.client.get(page).get_data(as_text=True)
    for fields, headers in (({"acted": ""}, {}), ({"token": ""}, {}), ({}, {"Sec-Fetch-Mode": "cors"})):
        assert pressed(world.client, page, headers, do="confirm", **fields).status_code == 422
    for outcome in ("sending", "unknown"):
        Reader.update(outcome=outcome).execute()
        readers.ask({"reader": Reader.get().id}, clock.now())
    assert (state(api), len(mailbox.sent)) == ("waiting", 1)
    assert pressed(world.client, page, do="confirm").status_code == 200
    assert state(api) == "running"
    hear("Slow, see evil.example")
    told = mailbox.sent[1:]
    assert sorted(mail.to for mail in told) == ["Press@Paper.example", PRESS, PRESS]
    for mail in told:
        assert "Before" not in mail.text
        assert "Slow, see evil" in mail.text
        assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert link_in(mail) == page
        assert f"http://localhost{page}\n" in mail.text
    # One click in the mail program ends it, for all rules, and the team sees it.
    assert world.client.post(page, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    hear("Unheard")
    assert (state(api), len(mailbox.sent)) == ("stopped", 4)
    editor, _ = signed_in(world, "editor"), None
    assert "stopped by whoever reads mail there" in editor.get(f"/team/notices/{made['id']}").get_data(
        as_text=True
    )
    # It is a refusal: neither by another rule nor by a digest are they asked again.
    fields = api.post("/api/rules", rule("a@b.example", PRESS, name="Third"), 422)["error"]["fields"]
    assert list(fields) == ["to.1.address"]
    api.post("/api/digests", {"email": PRESS, "when": "daily"}, 409)
    for each in api.get("/api/rules")["items"]:
        api.delete(f"/api/rules/{each['id']}")
    readers.tidy(clock.now() + 2 * readers.KEPT)
    api.post("/api/rules", rule(PRESS), 422)
    # They themselves can begin it anew.
    assert pressed(world.client, page, do="confirm").status_code == 200
    api.post("/api/rules", rule(PRESS))
    assert state(api) == "running"
    assert world.client.get("/d/nothing").status_code == 404


@ON_SQLITE
def test_a_member_hears_at_once_and_whoever_comes_after_them_is_asked(world, api, mailbox, hear):
    bob = member("viewer", "bob@example.com")
    api.post("/api/rules", rule("bob@example.com"))
    assert state(api) == "running"
    hear("For Bob")
    [told] = mailbox.sent
    assert ("For Bob" in told.text, told.headers["List-Unsubscribe-Post"]) == (
        True,
        "List-Unsubscribe=One-Click",
    )
    members.remove(bob.id)
    hear("For nobody")
    assert [mail.subject for mail in mailbox.sent[1:]] == ["Do you want these notices?"]
    assert state(api) == "waiting"
    # What was stopped stays stopped, whoever adds a rule.
    readers.stop(Reader.get(), clock.now())
    member("viewer", "bob@example.com")
    api.post("/api/rules", rule("bob@example.com", name="Other"))
    assert state(api) == "stopped"


@ON_SQLITE
def test_rules_from_before_ask_first_and_whoever_gets_no_mail_is_never_asked(world, api, mailbox, hear):
    api.post("/api/rules", rule(PRESS, "gone@paper.example", "back@paper.example"))
    world.work()
    # As the upgrade finds them.
    Reader.delete().execute()
    mailbox.sent.clear()
    now = clock.now()
    for email, why in (("gone", {"unsubscribed_at": now}), ("back", {"bounced_at": now})):
        address = f"{email}@paper.example"
        Person.create(id=f"per_{email}", verified=True, email=address, created_at=now, **why)
        fields = api.post("/api/rules", rule(address), 422)["error"]["fields"]
        assert list(fields) == ["to.0.address"]
    hear("Heard by nobody")
    assert [(mail.to, mail.subject) for mail in mailbox.sent] == [(PRESS, "Do you want these notices?")]
    assert [state(api, at) for at in range(3)] == ["waiting", "stopped", "stopped"]
    # What nobody confirmed is forgotten with the last rule that leads there.
    assert readers.tidy(now + 2 * readers.KEPT) == 0
    api.delete(f"/api/rules/{api.get('/api/rules')['items'][0]['id']}")
    assert readers.tidy(now + 2 * readers.KEPT) == 1


@ON_SQLITE
def test_whoever_must_not_be_asked_by_now_is_not_asked(world, api, mailbox, hear):
    bob, now = member("viewer", "bob@example.com"), clock.now()
    api.post("/api/rules", rule("bob@example.com", PRESS))
    api.post("/api/digests", {"email": "board@paper.example", "when": "daily"})
    # Before the worker comes to it.
    for email, why in (
        (PRESS, {"bounced_at": now}),
        ("board@paper.example", {"never_ask": True}),
        ("bob@example.com", {"unsubscribed_at": now}),
    ):
        Person.create(id=f"per_{email}", verified=True, email=email, created_at=now, **why)
    members.remove(bob.id)
    hear("For nobody")
    assert mailbox.sent == []
    assert [state(api, at) for at in range(2)] == ["stopped", "stopped"]
    assert [each["state"] for each in api.get("/api/digests")["items"]] == ["stopped"]
