"""Closing the loop: each is told once, in their own words, and nobody who does not want it."""

import itertools
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from playhouse.test_utils import count_queries

from feedback import held_out, letters, loop_lists, loops
from feedback.domain import experiments
from feedback.models import FollowUp, Letter, Listed, Loop, LoopList, OwnWord, Placement, Telling, Topic
from surveys import links, people
from surveys.base import db, delivery, jobs
from surveys.base.accounts.caller import Caller
from surveys.base.delivery.memory import Memory
from surveys.base.delivery.message import DeliveryUnknown
from surveys.base.errors import Clash
from surveys.domain.metrics import METRICS
from surveys.models import Invitation, Person, Response
from tests.conftest import ON_SQLITE, Api
from tests.visitor import filled, forms_on, pressed, signed_in

#: A Monday.
NOW = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
TEXT = {"en": "Cards work again.", "de": "Karten gehen wieder."}


@pytest.fixture(autouse=True)
def clock():
    """A frozen clock that a test may move."""
    held_out.COMPARED.forget()
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def mail(world):
    """What leaves the house."""
    mailer = Memory()
    delivery.use("mail", mailer)
    return mailer


@pytest.fixture
def topic(api):
    """A topic."""
    return api.post("/api/topics", {"label": "Card declined"})["id"]


@pytest.fixture
def said(api, topic, clock):
    """An answer that is in the topic, a second after the one before."""

    def made(
        survey, name, comment="Fine otherwise. My card was declined.", contact="news", into=None, **values
    ):
        clock.shift(timedelta(seconds=1))
        body = {"survey": survey.id, "score": 3, "comment": comment, "contact": contact, **values}
        body |= {"person": {"email": f"{name}@x.example", "name": name.title()}} if name else {}
        response = api.post("/api/responses", {key: each for key, each in body.items() if each is not None})
        api.patch(f"/api/responses/{response['id']}", {"topics": [into or topic]})
        key = Response.get(Response.id == response["id"]).key
        Placement.update(evidence=["card"]).where(Placement.response == key).execute()
        return response

    return made


def shipped(api, topic, **values):
    api.patch(f"/api/topics/{topic}", {"status": "shipped", **values})
    return f"/api/topics/{topic}/loop"


def test_whoever_asked_for_it_is_told_in_their_own_words(world, api, client, make, mail, topic, said, clock):
    survey = make.survey()
    said(survey, "ann", language="de", comment="Alles gut. Meine card ging nicht. Danke.")
    said(survey, "bob")
    path = shipped(api, topic)
    world.work()
    assert mail.sent == []
    found = {item["name"]: item for item in api.get(path)["items"]}
    assert (found["Ann"]["sentence"], found["Ann"]["language"]) == ("Meine card ging nicht.", "de")
    assert found["Bob"]["sentence"] == "My card was declined."
    made = api.post(path, {"text": TEXT}, 202)
    assert (made["told"], made["held_out"]) == (2, 0)
    assert made["send_at"] == made["undo_until"] == "2026-11-30T10:10:02.000Z"
    world.work()
    assert mail.sent == []
    clock.shift(timedelta(minutes=11))
    world.work()
    letters = {message.to: message for message in mail.sent}
    assert "Karten gehen wieder." in letters["ann@x.example"].text
    assert "Meine card ging nicht." in letters["ann@x.example"].text
    assert "My card was declined." not in letters["ann@x.example"].text
    assert letters["ann@x.example"].subject == "Was aus Ihrer Rückmeldung wurde"
    assert all("/u/" in message.headers["List-Unsubscribe"] for message in mail.sent)
    # Told once: neither again, nor of another topic in the same week, nor by a merge.
    assert api.get(path) == {"items": [], "next": None, "list": None, "left_out": {"told already": 2}}
    api.post(path, {"text": TEXT}, 409)
    other = api.post("/api/topics", {"label": "Slow checkout"})["id"]
    said(survey, "ann", into=other)
    assert api.get(shipped(api, other))["left_out"] == {"told of something this week": 1}
    clock.shift(timedelta(days=7))
    assert len(api.get(f"/api/topics/{other}/loop")["items"]) == 1
    # Their word: fixed is counted; not yet is a case for a person, and stops surveys.
    pages = {
        to: next(word for word in message.text.split() if "/f/" in word) for to, message in letters.items()
    }
    for to, answer in (("ann@x.example", "fixed"), ("bob@x.example", "not_yet")):
        address = pages[to].removeprefix("http://localhost").partition("?")[0]
        assert client.get(address).status_code == 200
        assert pressed(client, address, answer=answer, text="Hm.").status_code == 200
    outcome = api.get(f"/api/loops/{made['id']}")
    assert [outcome[name] for name in ("told", "fixed", "not_yet", "bounced", "held_out")] == [2, 1, 1, 0, 0]
    assert outcome["interval"][0] < 50 < outcome["interval"][1]
    (case,) = api.get("/api/follow-ups")["items"]
    assert (case["rule"], case["priority"], case["status"]) == ("not_yet", 1, "new")
    ask = {"survey": survey.id, "person": {"email": "bob@x.example"}}
    assert api.post("/api/triggers", ask, 200)["rule"] == "owed_help"
    exported = api.get(f"/api/people/{case['person']}/export")["tables"]["telling"]
    assert exported[0]["quote"] == "My card was declined."
    # The same without any mail.
    api.patch(f"/api/topics/{topic}", {"note": {"en": "Since May.", "de": "Seit Mai."}})
    mine = client.get(f"/me/{links.my_token(case['person'], datetime.now(UTC))}").get_data(as_text=True)
    assert "It is done. <bdi>Since May.</bdi>" in mine
    # All of it stands on the person's page.
    shown = signed_in(world, "editor").get(f"/team/people/{case['person']}").get_data(as_text=True)
    assert "Told what came of what they said (in the outbox: no mail server is set)" in shown
    assert "They say: not yet." in shown


def test_nobody_is_told_who_does_not_want_it_and_undoing_sends_nothing(
    world, api, make, mail, topic, said, clock
):
    survey, limited = make.survey(), make.survey(person_budget=0)
    for name, contact in (
        ("silent", None),
        ("reply", "reply"),
        ("gone", "news"),
        ("bounced", "both"),
        ("open", "news"),
    ):
        said(survey, name, contact=contact)
    said(survey, None)
    said(limited, "budget")
    said(survey, "ann")
    said(survey, "ann", comment="The card, again!")
    said(survey, "twice", contact=None)
    said(survey, "late")
    for name, column in (("gone", "unsubscribed_at"), ("bounced", "bounced_at")):
        Person.update({column: NOW}).where(Person.email == f"{name}@x.example").execute()
    case = said(survey, "open")
    api.post("/api/follow-ups", {"response": case["id"]})
    api.call("GET", f"/api/topics/{topic}/loop", 200)
    api.post(f"/api/topics/{topic}/loop", {"text": TEXT}, 409)
    path = shipped(api, topic)
    found = api.get(path)
    assert sorted(item["name"] for item in found["items"]) == ["Ann", "Late"]
    assert found["left_out"] == {
        "no consent": 3, "unsubscribed": 1, "bounced": 1, "open follow-up": 1, "budget": 1,
    }  # fmt: skip
    for wrong in (
        {},
        {"text": {}},
        {"text": {"xx": "x"}},
        {"text": {"en": " "}},
        {"text": TEXT, "holdout": 0.9},
    ):
        api.post(path, wrong, 422)
    late = next(item["person"] for item in found["items"] if item["name"] == "Late")
    made = api.post(path, {"text": TEXT, "except": [late]}, 202)
    assert made["told"] == 1
    api.delete(f"/api/loops/{made['id']}")
    clock.shift(timedelta(minutes=11))
    world.work()
    assert (mail.sent, Letter.select().count()) == ([], 0)
    # Undone, they may be told after all; who changes their mind meanwhile is not.
    made = api.post(path, {"text": TEXT}, 202)
    Person.update(unsubscribed_at=NOW).where(Person.email == "late@x.example").execute()
    clock.shift(timedelta(minutes=11))
    api.call("DELETE", f"/api/loops/{made['id']}", 409)
    world.work()
    assert [message.to for message in mail.sent] == ["ann@x.example"]
    assert "The card, again!" in mail.sent[0].text
    outcome = api.get(f"/api/loops/{made['id']}")
    assert (outcome["told"], outcome["left_out"]) == (1, 1)
    Api(world, make.key("write", surveys=[survey.id])).call("GET", path, 403)
    api.delete(f"/api/people/{Person.get(Person.email == 'ann@x.example').id}")
    assert Letter.select().where(Letter.email == "ann@x.example").count() == 0


def test_what_is_taken_back_while_a_letter_begins_to_leave_stays(
    world, api, make, mail, topic, said, clock, monkeypatch
):
    said(make.survey(), "ann")
    api.post(shipped(api, topic), {"text": TEXT}, 202)
    loop, kind = Loop.get(), letters._kinds[loops.TOLD]
    # By the clock that counts after it had to wait, it is too late.
    before = datetime.now(UTC)
    clock.shift(timedelta(minutes=11))
    with pytest.raises(Clash):
        loops.undo(loop, before)
    clock.move_to(before)
    # It is taken back when all is looked at, and its letters are not dropped yet.
    looks = []

    def against(letter, now):
        looks.append(kind.against(letter, now))
        loops.undo(loop, now)
        return looks[-1]

    with monkeypatch.context() as patched:
        patched.setattr(loops, "_drop_letters", lambda loop_id: 0)
        patched.setitem(letters._kinds, loops.TOLD, replace(kind, against=against))
        letters.send({"letter": Letter.get().id}, before)
    assert (looks, mail.sent, Letter.get().state) == ([None], [], letters.CANCELLED)
    assert Letter.get().reason == loops.UNDONE
    # Nor does it keep anybody from being told after all.
    loops.forget_cut_off(before)
    assert Letter.select().count() == 0


#: What may happen to somebody between the list that was seen and the mail, and why it then does not leave.
HAPPENS = {
    "unsubscribed": lambda api, person, said: (
        Person.update(unsubscribed_at=NOW).where(Person.id == person).execute()
    ),
    "asked never to be asked": lambda api, person, said: (
        Person.update(never_ask=True).where(Person.id == person).execute()
    ),
    "bounced": lambda api, person, said: Person.update(bounced_at=NOW).where(Person.id == person).execute(),
    "in a case": lambda api, person, said: api.post("/api/follow-ups", {"response": said}),
    "moved": lambda api, person, said: (
        Person.update(email="new@x.example").where(Person.id == person).execute()
    ),
    "erased": lambda api, person, said: api.delete(f"/api/people/{person}"),
    "took it back": lambda api, person, said: api.delete(f"/api/responses/{said}"),
    "allows it no more": lambda api, person, said: (
        Response.update(contact="reply").where(Response.id == said).execute()
    ),
    "spoke of something else": lambda api, person, said: api.patch(f"/api/responses/{said}", {"topics": []}),
}


@pytest.mark.parametrize("later", [False, True], ids=["at once", "held out"])
def test_nobody_is_told_to_whom_something_happened_since(world, api, make, mail, topic, said, clock, later):
    survey = make.survey()
    rows = {name: said(survey, name.replace(" ", "-"))["id"] for name in [*HAPPENS, "nothing"]}
    made = api.post(shipped(api, topic), {"text": TEXT}, 202)
    assert made["told"] == len(rows)
    if later:
        # As if all had been drawn: it is two months later, and the same must hold.
        Telling.update(held_out=True).execute()
        jobs.Job.update(payload={"loop": made["id"], "held_out": True}).where(
            jobs.Job.kind == loops.SEND_OUT
        ).execute()
    people_ = {name: Response.get(Response.id == row).person_id for name, row in rows.items()}
    for name, happens in HAPPENS.items():
        happens(api, people_[name], rows[name])
    clock.shift(timedelta(days=60) if later else timedelta(minutes=11))
    world.work()
    assert [message.to for message in mail.sent] == ["nothing@x.example"]
    # With the person or the words goes the letter.
    loops.forget_cut_off(datetime.now(UTC))
    assert Counter(row.state for row in Letter.select()) == {"sent": 1, "cancelled": len(HAPPENS) - 2}
    assert all(row.reason for row in Letter.select().where(Letter.state == "cancelled"))


@ON_SQLITE
def test_a_topic_that_goes_into_another_tells_what_holds_there(world, api, make, mail, topic, said, clock):
    said(make.survey(), "ann")
    into = api.post("/api/topics", {"label": "Payment"})["id"]
    api.post(shipped(api, topic), {"text": TEXT}, 202)
    api.post(f"/api/topics/{topic}/merge", {"into": into}, 200)
    clock.shift(timedelta(minutes=11))
    world.work()
    assert (mail.sent, Letter.get().reason) == ([], "the topic is new by now")
    # That never reached them, so they hear of it once the other is done too.
    clock.shift(timedelta(days=7))
    assert [each["name"] for each in api.get(shipped(api, into))["items"]] == ["Ann"]


def test_of_two_who_send_at_once_one_does(world, api, make, mail, topic, said, clock, monkeypatch):
    survey = make.survey()
    other = api.post("/api/topics", {"label": "Slow checkout"})["id"]
    for name in ("ann", "bob"):
        said(survey, name)
        said(survey, name, into=other)
    paths = [shipped(api, each) for each in (topic, other)]
    first = loops.audience
    seen = {each: first(Topic.get_by_id(each), TEXT, datetime.now(UTC)) for each in (topic, other)}
    # Each looked at the list before the other sent.
    monkeypatch.setattr(loops, "audience", lambda row, texts, now: seen[row.id])
    api.post(paths[0], {"text": TEXT}, 202)
    api.post(paths[0], {"text": TEXT}, 409)
    api.post(paths[1], {"text": TEXT}, 409)
    assert (Loop.select().count(), [row.id for row in loops.waiting()]) == (1, [other])
    clock.shift(timedelta(minutes=11))
    world.work()
    assert sorted(message.to for message in mail.sent) == ["ann@x.example", "bob@x.example"]
    # A clock that steps back brings nothing back, and takes nothing back that has left.
    clock.shift(-timedelta(minutes=11))
    api.call("DELETE", f"/api/loops/{Telling.get().loop_id}", 409)
    clock.shift(timedelta(days=1))
    world.work()
    assert len(mail.sent) == 2


def test_some_are_told_later_and_killed_senders_send_once(world, api, make, mail, topic, said, clock):
    survey = make.survey()
    for number in range(30):
        said(survey, f"p{number:02}")
    path = shipped(api, topic)
    made = api.post(path, {"text": TEXT, "holdout": 0.3}, 202)
    assert made["told"] + made["held_out"] == 30
    assert 2 <= made["held_out"] <= 20
    told = Telling.select(Telling.letter).where(~Telling.held_out)
    rows = list(Letter.select().where(Letter.id.in_(told)).order_by(Letter.id))
    # Killed in the middle of the first, and a server that falls silent at the second.
    Letter.update(state="sending").where(Letter.id == rows[0].id).execute()
    mail.failing = DeliveryUnknown("silent")
    clock.shift(timedelta(minutes=11))
    loops.letters.send({"letter": rows[1].id}, datetime.now(UTC))
    mail.failing = None
    world.work()
    outcome = api.get(f"/api/loops/{made['id']}")
    assert (outcome["told"], outcome["unsure"], outcome["held_out"]) == (made["told"], 2, made["held_out"])
    assert len(mail.sent) == made["told"] - 2
    clock.shift(timedelta(days=61))
    world.work()
    assert len(mail.sent) == 30 - 2
    assert len({message.to for message in mail.sent}) == 28
    assert FollowUp.select().count() == 0


def test_the_page_shows_before_it_sends_and_undoes(world, api, make, mail, topic, said, clock):
    survey = make.survey()
    said(survey, "ann", comment="My <b>card</b> was declined.")
    said(survey, "bob")
    shipped(api, topic)
    visitor = signed_in(world, "editor")
    assert "Card declined" in visitor.get("/team/loop").get_data(as_text=True)
    page = f"/team/loop?topic={topic}"
    shown = visitor.get(page).get_data(as_text=True)
    assert "My &lt;b&gt;card&lt;/b&gt; was declined." in shown
    # What is added to the words is said, and that nobody would get an answer.
    assert "A greeting, the sentence of each and the signature are added" in shown
    assert "Nobody would get what they answer by mail." in shown
    api.patch(f"/api/surveys/{survey.id}", {"mail": {"reply_to": "care@acme.example"}})
    assert "Nobody would get" not in visitor.get(page).get_data(as_text=True)
    bob = Person.get(Person.email == "bob@x.example").id
    typed = {"text-en": "Cards work again.", f"leave-{bob}": "1"}
    assert visitor.send(page, do="send", **{"text-en": ""}).status_code == 422
    # What nobody has seen is shown first.
    previewed = visitor.send(page, do="send", **typed).get_data(as_text=True)
    assert "Cards work again." in previewed
    assert Letter.select().count() == 0
    assert visitor.send(page, do="test", **typed).status_code == 200
    world.work()
    assert [message.to for message in mail.sent] == ["editor@acme.example"]
    seen = next(each for _, each in forms_on(visitor.send(page, do="preview", **typed)) if "seen" in each)
    # Who speaks after the page was made was seen by nobody, nor was what somebody says since.
    said(survey, "cem")
    assert visitor.post(page, {**seen, **typed, "do": "send"}).status_code == 303
    told = visitor.get("/team/loop")
    assert [letter.email for letter in Letter.select()] == ["ann@x.example"]
    undo = next(each for _, each in forms_on(told) if "id" in each)
    assert visitor.post("/team/loop", {**undo, "do": "undo"}).status_code == 303
    assert Letter.select().count() == 0
    assert signed_in(world, "viewer").post("/team/loop", {**undo, "do": "undo"}).status_code == 403


def test_nobody_is_told_twice_of_what_was_merged_and_few_statements_find_who_is_told(
    world, api, make, mail, topic, said, clock
):
    survey = make.survey()
    other = api.post("/api/topics", {"label": "Visa refused"})["id"]
    said(survey, "ann")
    said(survey, "bob", into=other)
    api.post(shipped(api, topic), {"text": TEXT}, 202)
    clock.shift(timedelta(days=8))
    world.work()
    api.call("POST", f"/api/topics/{topic}/merge", 200, json={"into": other})
    path = shipped(api, other)
    found = api.get(path)
    assert ([item["name"] for item in found["items"]], found["left_out"]) == (["Bob"], {"told already": 1})
    assert len(loops.waiting()) == 1
    for number in range(12):
        said(survey, f"silent{number}", contact=None, into=other)
    row = Topic.get_by_id(other)
    with count_queries() as few:
        loops.audience(row, (), NOW + timedelta(days=9))
    for number in range(12):
        said(survey, f"quiet{number}", contact=None, into=other)
    with count_queries() as many:
        assert loops.audience(row, (), NOW + timedelta(days=9)).left_out["no consent"] == 24
    assert many.count == few.count


@ON_SQLITE
def test_as_few_statements_find_fifty_people_as_five(world, api, make, topic, clock):
    survey, names = make.survey(person_budget=9), itertools.count()
    path, page, visitor = shipped(api, topic), f"/team/loop?topic={topic}", signed_in(world, "editor")

    def speak(count):
        for name in itertools.islice(names, count):
            clock.shift(1)
            values = {"email": f"{name}@x.example", "external_id": f"id {name}", "verified": True}
            person = Person.create(id=f"per_{name}", created_at=NOW, **values)
            row = make.response(survey, 3, comment="My card was declined.")
            Response.update(person=person, contact="news").where(Response.key == row.key).execute()
            Placement.create(response=row.key, topic=topic, main=True, evidence=["card"])

    def costs():
        found = []
        LoopList.delete().execute()
        for call in (
            lambda: api.get(path, limit=100),
            lambda: visitor.get(page),
            lambda: visitor.send(page, do="preview", **{"text-en": "Cards work again."}),
        ):
            with count_queries() as counted:
                call()
            found.append(counted.count)
        return found

    speak(5)
    costs()
    few = costs()
    speak(45)
    many = costs()
    # The list is written some rows at a time.
    assert many[0] <= few[0] + 2
    assert many[1:] == few[1:]
    assert len(api.get(path, limit=100)["items"]) == 50


def test_one_person_of_many_rows_is_found_in_parts_too(world, api, make, topic, said, clock, monkeypatch):
    survey = make.survey()
    said(survey, "ann")
    said(survey, None, person={"id": "7", "name": "Ann Seven"})
    said(survey, None, person={"id": "8", "name": "Ann Eight"})
    for name in ("bob", "cem"):
        said(survey, name)
    # The second is the first by address, and the third by that of the second; each is met in another part.
    for external_id, email, known in (("7", None, "ann@x.example"), ("8", None, "seven@x.example")):
        Person.update(email=email, known_email=known).where(Person.external_id == external_id).execute()
    Person.create(
        id="per_between", verified=True, email="seven@x.example", known_email="ann@x.example", created_at=NOW
    )
    path = shipped(api, topic)
    for at_once in (1, 2, 300):
        monkeypatch.setattr(loops, "AT_ONCE", at_once)
        assert len(api.get(path)["items"]) == 3, at_once
    everybody = people.together(list(Person.select()))
    for row in Person.select():
        who = people.identity_of(row)
        assert [each.id for each in everybody.same(who)] == [each.id for each in people.same(who)]


def pages_of(mail):
    """The page behind each mail, by its address."""
    links_ = {each.to: next(word for word in each.text.split() if "/f/" in word) for each in mail.sent}
    return {to: link.removeprefix("http://localhost").partition("?")[0] for to, link in links_.items()}


def test_whoever_says_fixed_after_not_yet_is_left_in_peace(
    world, api, client, make, mail, topic, said, clock
):
    survey = make.survey()
    for name in ("ann", "bob", "cem"):
        said(survey, name)
    other = said(survey, "cem", contact="reply", comment="The invoice is wrong.", into=None)
    api.patch(f"/api/responses/{other['id']}", {"topics": []})
    path = shipped(api, topic)
    api.post(path, {"text": TEXT}, 202)
    clock.shift(timedelta(minutes=11))
    world.work()
    # Another answer of theirs has a case by now, which their "not yet" joins.
    joined = api.post("/api/follow-ups", {"response": other["id"]})["id"]
    pages = pages_of(mail)
    for name, words in (("ann", ["not_yet", "fixed"]), ("bob", ["fixed"]), ("cem", ["not_yet", "fixed"])):
        for answer in words:
            clock.shift(60)
            assert pressed(client, pages[f"{name}@x.example"], answer=answer).status_code == 200
    cases = {case["rule"]: case for case in api.get("/api/follow-ups")["items"]}
    assert {rule: (case["status"], case["priority"]) for rule, case in cases.items()} == {
        "not_yet": ("solved", 1),
        "by_hand": ("new", 0),
    }
    assert cases["by_hand"]["id"] == joined
    for name in ("ann", "cem"):
        ask = {"survey": survey.id, "person": {"email": f"{name}@x.example"}, "on_block": "drop"}
        assert api.post("/api/triggers", ask, None).get_json().get("rule") != "owed_help"
    # And once more not yet: the same case stands open again.
    clock.shift(60)
    pressed(client, pages["ann@x.example"], answer="not_yet")
    assert api.get(f"/api/follow-ups/{cases['not_yet']['id']}")["status"] == "new"


def test_a_page_of_ones_own_asks_the_same_without_any_mail(
    world, api, client, make, mail, topic, said, clock
):
    survey = make.survey()
    rows = {name: said(survey, name, contact=contact) for name, contact in (("ann", "news"), ("bob", None))}
    ids = {name: Person.get(Person.email == f"{name}@x.example").id for name in rows}
    pages = {name: f"/me/{links.my_token(ids[name], datetime.now(UTC))}" for name in rows}

    def forms(name):
        return [given for _, given in forms_on(client.get(pages[name])) if given.get("do") == "solved"]

    def say(name, answer, **more):
        (given,) = forms(name)
        return client.post(pages[name], data={**given, "answer": answer, **more})

    assert forms("bob") == []
    path = shipped(api, topic)
    made = api.post(path, {"text": TEXT}, 202)
    clock.shift(timedelta(minutes=11))
    world.work()
    # What machines send counts nothing; a word twice is one.
    assert say("bob", "perhaps").status_code == 422
    for wrong in ({"acted": ""}, {"token": ""}):
        assert say("bob", "not_yet", **wrong).status_code == 200
    foreign = {
        "do": "solved",
        "response": rows["ann"]["id"],
        "answer": "fixed",
        "token": forms("bob")[0]["token"],
    }
    assert client.post(pages["bob"], data=foreign).status_code == 404
    assert (api.get("/api/follow-ups")["items"], OwnWord.select().count()) == ([], 0)
    for _ in range(2):
        assert "look into it again" in say("bob", "not_yet", comment="Still!").get_data(as_text=True)
    (case,) = api.get("/api/follow-ups")["items"]
    assert (case["rule"], case["priority"], case["person"]) == ("not_yet", 1, ids["bob"])
    assert [line.get("note") for line in case["history"] if "said" in line] == ["Still!"]
    clock.shift(60)
    say("bob", "fixed")
    assert api.get(f"/api/follow-ups/{case['id']}")["status"] == "solved"
    # Who had a letter says it to that.
    say("ann", "fixed")
    found = api.get(f"/api/loops/{made['id']}")
    assert (found["told"], found["fixed"], found["not_yet"]) == (1, 1, 0)
    assert "glad that it is solved" in client.get(pages["ann"]).get_data(as_text=True)
    exported = api.get(f"/api/people/{ids['bob']}/export")["tables"]["own_word"]
    assert [row["answer"] for row in exported] == ["fixed"]
    assert "They say: solved." in signed_in(world, "editor").get(f"/team/people/{ids['bob']}").get_data(
        as_text=True
    )
    api.delete(f"/api/responses/{rows['bob']['id']}")
    assert OwnWord.select().count() == 0


def test_words_about_an_answer_go_with_it_out_of_the_case_that_they_joined(
    world, api, client, make, mail, topic, said, clock
):
    survey = make.survey()
    cases, told, other = {}, {}, api.post("/api/topics", {"label": "Slow checkout"})["id"]
    for name, contact in (("ann", "news"), ("bob", None)):
        told[name] = said(survey, name, contact=contact)["id"]
    path = shipped(api, topic)
    api.post(path, {"text": TEXT}, 202)
    clock.shift(timedelta(minutes=11))
    world.work()
    for name in told:
        opening = said(survey, name, comment="The invoice is wrong.", contact=None, into=other)["id"]
        cases[name] = api.post("/api/follow-ups", {"response": opening})["id"]
        api.patch(f"/api/follow-ups/{cases[name]}", {"note": "Called them."})
    pressed(client, pages_of(mail)["ann@x.example"], answer="not_yet", text="Mine is in ruins.")
    bob = f"/me/{links.my_token(Person.get(Person.email == 'bob@x.example').id, datetime.now(UTC))}"
    (given,) = [given for _, given in forms_on(client.get(bob)) if given.get("do") == "solved"]
    client.post(bob, data={**given, "answer": "not_yet", "comment": "Mine is in ruins."})

    def notes(name):
        history = api.get(f"/api/follow-ups/{cases[name]}")["history"]
        return [(line.get("said"), line.get("note")) for line in history if {"said", "note"} & line.keys()]

    for name, response in told.items():
        assert notes(name) == [(None, "Called them."), ("not_yet", "Mine is in ruins.")]
        api.delete(f"/api/responses/{response}")
        world.work()
        assert notes(name) == [(None, "Called them."), ("not_yet", None)]
    assert [row.said for row in Letter.select()] == [None]


def test_two_people_who_became_one_are_told_once_a_week(world, api, make, mail, topic, said, clock):
    survey = make.survey()
    other = api.post("/api/topics", {"label": "Slow checkout"})["id"]
    said(survey, "ann")
    said(survey, None, into=other, person={"id": "7", "name": "Ann Seven"})
    # The website knows them by an id, and by another address.
    api.post("/api/people", {"id": "7", "email": "seven@x.example"}, None)
    for each in (topic, other):
        assert api.post(shipped(api, each), {"text": TEXT}, 202)["told"] == 1
    # Before the letters leave, a key's holder says that both are one.
    ann = Person.get(Person.email == "ann@x.example")
    Person.update(known_email="ann@x.example", claimed_email="ann@x.example").where(
        Person.external_id == "7"
    ).execute()
    Letter.update(email="ann@x.example").execute()
    clock.shift(timedelta(minutes=11))
    world.work()
    assert [each.to for each in mail.sent] == ["ann@x.example"]
    assert Counter(row.state for row in Letter.select()) == {"sent": 1, "cancelled": 1}
    # Nor by a loop whose list was made while they were two.
    third = api.post("/api/topics", {"label": "Parking"})["id"]
    said(survey, "ann", into=third)
    assert api.get(shipped(api, third))["left_out"] == {"told of something this week": 1}
    row = Response.select().order_by(Response.key.desc()).first()
    heard = loops.Heard(ann, [each.id for each in Person.select()], row, "ann@x.example", "en", "The card.")
    caller = Caller("mem_1", "Ann", frozenset(), None, "mem_1")
    assert loops._put(Telling.get().loop_id, [heard], TEXT, caller, datetime.now(UTC)) == {}


def test_what_should_have_left_last_week_is_not_told_beside_this_weeks(
    world, api, make, mail, topic, said, clock
):
    survey = make.survey()
    other = api.post("/api/topics", {"label": "Slow checkout"})["id"]
    for each in (topic, other):
        said(survey, "ann", into=each)
        api.post(shipped(api, each), {"text": TEXT}, 202)
        # Nobody works meanwhile.
        clock.shift(timedelta(days=7))
    world.work()
    assert len(mail.sent) == 1


def test_thousands_are_written_in_parts_and_what_is_cut_off_tells_nobody(
    world, api, make, mail, topic, said, clock, monkeypatch
):
    monkeypatch.setattr(loops, "AT_ONCE", 2)
    survey = make.survey()
    for number in range(5):
        said(survey, f"p{number}")
    path = shipped(api, topic)
    put, parts = loops._put, []

    def dying(*args):
        parts.append(len(args[1]))
        if len(parts) == 3:
            raise Killed
        return put(*args)

    monkeypatch.setattr(loops, "_put", dying)
    with pytest.raises(Killed):
        api.post(path, {"text": TEXT}, 202)
    assert (parts, Letter.select().count(), api.get(path)["left_out"]) == ([2, 2, 1], 4, {"told already": 4})
    assert loops.recent() == []
    assert [row.id for row in loops.waiting()] == [topic]
    assert "in some minutes" in api.call("POST", path, 409, json={"text": TEXT})["error"]["message"]
    clock.shift(timedelta(minutes=11))
    world.work()
    assert mail.sent == []
    monkeypatch.setattr(loops, "_put", put)
    made = api.post(path, {"text": TEXT}, 202)
    assert (made["told"], Loop.select().count(), Letter.select().count()) == (5, 1, 5)
    # The ten minutes begin when the last one stands; undone they are taken away some at a time, and told after all.
    assert Loop.get().ready_at == Loop.get().send_at - loops.UNDO
    api.delete(f"/api/loops/{made['id']}")
    assert Letter.select().count() == 0
    assert api.post(path, {"text": TEXT}, 202)["told"] == 5
    clock.shift(timedelta(minutes=11))
    world.work()
    assert len({each.to for each in mail.sent}) == len(mail.sent) == 5


def spoken(make, survey, topic, number):
    """Somebody who spoke of a topic, without the way there."""
    person = f"per_{number:024}"
    Person.insert(id=person, email=f"p{number}@x.example", verified=True, created_at=NOW).execute()
    row = make.response(survey, 3, comment=f"The card of {number}.", contact="news")
    Response.update(person=person).where(Response.key == row.key).execute()
    Placement.insert(topic=topic, response=row.key, evidence=["card"], by_person=True).execute()


def test_who_was_told_is_held_against_who_is_told_later(world, api, make, mail, topic, clock):
    survey = make.survey()
    assert api.get("/api/loops/effect")["score"]["verdict"] == "too_few"
    for number in range(80):
        spoken(make, survey, topic, number)
    path = shipped(api, topic)
    # What is undone drew nobody.
    api.delete(f"/api/loops/{api.post(path, {'text': TEXT, 'holdout': 0.5}, 202)['id']}")
    made = api.post(path, {"text": TEXT, "holdout": 0.5}, 202)
    assert api.get("/api/loops/effect")["loops"] == 0
    clock.shift(timedelta(minutes=11))
    world.work()
    drawn = {row.person_id: row.held_out for row in Telling.select()}
    other, told_at, place = make.survey("csat"), datetime.now(UTC), Counter[bool]()
    clock.shift(timedelta(days=70))
    for number in range(70):
        person = f"per_{number:024}"
        later, moment = drawn[person], told_at + timedelta(days=1, seconds=number)
        mine = person
        if number % 2:
            # On the website they go by an id, in a row of its own.
            mine, email = f"per_9{number:023}", f"p{number}@x.example"
            Person.insert(
                id=mine, external_id=f"site-{number}", known_email=email, verified=True, created_at=NOW
            ).execute()
        # Neither what they say second counts, nor what they say once all are told.
        said_later = (other, 1, moment + timedelta(days=3)), (other, 1, moment + timedelta(days=61))
        for asking, score, at in ((survey, (5 if later else 9) + number % 2, moment), *said_later):
            row = make.response(asking, score, at)
            Response.update(person=mine).where(Response.key == row.key).execute()
        # Four of five who were told answer what they are asked, and two of five of the others.
        place[later] += 1
        answered_at = moment if place[later] % 5 < (2 if later else 4) else None
        Invitation.create(
            id=f"inv_{number:024}", survey=survey.id, person=person, channel="email", status="sent",
            created_at=moment, sent_at=moment, answered_at=answered_at,
        )  # fmt: skip
    row = make.response(survey, 0, told_at + timedelta(days=61))
    Response.update(person=f"per_{75:024}").where(Response.key == row.key).execute()
    found = api.get("/api/loops/effect")
    assert (found["loops"], found["told"], found["held_out"]) == (1, made["told"], made["held_out"])
    assert found["score"]["told"]["n"] + found["score"]["held_out"]["n"] == 70
    assert 90 <= found["score"]["told"]["mean"] <= 100
    assert 50 <= found["score"]["held_out"]["mean"] <= 60
    assert found["score"]["verdict"] == found["answering"]["verdict"] == "higher"
    assert found["score"]["interval"][0] < found["score"]["difference"] < found["score"]["interval"][1]
    assert api.get(f"/api/loops/{made['id']}")["effect"] == found
    editor = signed_in(world, "editor")
    assert "/team/loop/effect" in editor.get("/team/loop").get_data(as_text=True)
    assert "Higher for those who were told" in editor.get("/team/loop/effect").get_data(as_text=True)
    # Who is erased counts in neither group, also where somebody else came at the same time.
    gone = next(person for person, later in drawn.items() if later)
    spoken(make, survey, topic, 99)
    like = Telling.select().where(~Telling.held_out).first()
    newcomer = {"person": f"per_{99:024}", "response": Response.get(Response.person == f"per_{99:024}").key}
    letter = {**like.letter.__data__, "id": "let_newcomer", "person": newcomer["person"]}
    Letter.insert(letter).execute()
    Telling.insert({**like.__data__, **newcomer, "letter": "let_newcomer"}).execute()
    api.delete(f"/api/people/{gone}")
    world.work()
    found = api.get("/api/loops/effect")
    assert (found["told"], found["held_out"]) == (made["told"] + 1, made["held_out"] - 1)


@pytest.mark.parametrize("seed", range(3))
def test_what_telling_did_is_what_the_rows_say_whoever_they_stand_for(world, make, topic, seed):
    chance, begun = random.Random(seed), NOW - timedelta(days=200)
    surveys = [make.survey(), make.survey("csat")]
    for number in range(30):
        known = chance.choice([None, f"p{chance.randrange(30)}@x.example"])
        row = {
            "id": f"per_{number}",
            "email": f"p{number}@x.example" if number % 3 else None,
            "known_email": known,
        }
        Person.insert(**row, external_id=f"e{number}", verified=number % 7 != 0, created_at=NOW).execute()
    keys = []
    for number in range(120):
        at = begun + timedelta(days=chance.randrange(150), seconds=number)
        row = make.response(surveys[number % 2], chance.randrange(1, 6), at, test=number % 11 == 0)
        keys.append(row.key)
        Response.update(person=chance.choice([None, f"per_{chance.randrange(30)}"])).where(
            Response.key == row.key
        ).execute()
        Invitation.create(
            id=f"inv_{number}", survey=surveys[0].id, person=f"per_{chance.randrange(30)}", channel="email",
            status="sent", created_at=at, sent_at=at, answered_at=chance.choice([None, at]), unverified=number % 9 == 0,
        )  # fmt: skip
    for at in range(3):
        moment = begun + timedelta(days=chance.choice([0, 0, 40, 80]))
        Loop.create(
            id=f"loop_{at}", topic=topic, status="shipped", text={}, holdout=0.1 * (at != 2), made_by={},
            created_at=moment, ready_at=moment, send_at=moment,
        )  # fmt: skip
        for number in chance.sample(range(30), 14):
            letter = f"let_{chance.randrange(10**6)}_{at}_{number}"
            Letter.create(
                id=letter, kind="told", person=f"per_{number}", email=f"p{number}@x.example", language="en",
                made_by={}, marked=False, state="sent", created_at=moment,
            )  # fmt: skip
            Telling.create(
                letter=letter, loop=f"loop_{at}", person=f"per_{number}", week=f"{at}", held_out=chance.random() < 0.4,
                response=chance.choice(keys), quote="", due_at=moment,
            )  # fmt: skip
    assert held_out._compared(NOW, None) == told_by_rows(NOW)


def told_by_rows(now):
    """What telling did, each row looked at by itself."""
    first = {}
    told = [each for each in Telling.select() if each.loop.holdout > 0]
    for each in sorted(told, key=lambda each: (each.loop.send_at, each.letter_id)):
        first.setdefault(each.person_id, each)
    trials, counts = {}, {}
    for each in first.values():
        address, since = each.letter.email, each.loop.send_at
        mine = {each.person_id} | {
            row.id for row in Person.select() if row.verified and address in (row.email, row.known_email)
        }
        said = [
            row for row in Response.select().where(Response.counted).order_by(Response.key)
            if row.person_id in mine and since <= row.created_at < since + loops.HELD_OUT
        ]  # fmt: skip
        asked = [
            row for row in Invitation.select()
            if row.person_id in mine and not row.unverified and since <= row.sent_at < since + loops.HELD_OUT
        ]  # fmt: skip
        at = int(each.held_out)
        if said:
            metric = METRICS[said[0].survey.metric]
            share = 100 * (said[0].score - metric.minimum) / (metric.maximum - metric.minimum)
            trials.setdefault(each.loop_id, ([], []))[at].append(share)
        if asked:
            group = counts.setdefault(each.loop_id, [0, 0, 0, 0])
            group[2 * at] += any(row.answered_at for row in asked)
            group[2 * at + 1] += 1
    later = sum(each.held_out for each in first.values())
    return held_out.Comparison(
        len({each.loop_id for each in first.values()}), len(first) - later, later,
        experiments.means(list(trials.values())), experiments.shares([tuple(each) for each in counts.values()]),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_who_spoke_is_what_the_rows_say(world, make, topic, seed):
    chance = random.Random(seed)
    survey = make.survey()
    for number in range(8):
        Person.insert(id=f"per_{number}", external_id=f"e{number}", verified=True, created_at=NOW).execute()
    for number in range(80):
        row = make.response(
            survey,
            3,
            NOW - timedelta(hours=number),
            comment=chance.choice([None, "", "Late."]),
            test=chance.random() < 0.2,
        )
        values = {
            "person": chance.choice([None, f"per_{chance.randrange(8)}"]), "excluded": chance.random() < 0.2,
            "contact": chance.choice([None, "news", "reply", "both", "none"]),
        }  # fmt: skip
        Response.update(**values).where(Response.key == row.key).execute()
        for into in chance.sample([topic, "top_other"], chance.randrange(3)):
            Topic.insert(id="top_other", label="Other", created_at=NOW).on_conflict_ignore().execute()
            Placement.create(topic=into, response=row.key, evidence=[])
    rows = [
        row for row in Response.select().join(Placement, on=(Placement.response == Response.key))
        .where(Placement.topic == topic).order_by(Response.key.desc())
        if row.person_id and row.comment is not None and not row.test and not row.excluded
    ]  # fmt: skip
    newest = {}
    for row in rows:
        if row.contact is not None:
            newest.setdefault(row.person_id, row)
    everybody, said = loops._spoke(Topic.get_by_id(topic))
    assert everybody == {row.person_id for row in rows}
    assert [(each.key, each.person, each.contact) for each in said] == [
        (row.key, row.person_id, row.contact) for row in newest.values()
    ]


def test_whoever_would_be_told_is_listed_in_pages(world, api, make, topic, said):
    survey = make.survey()
    for number in range(5):
        said(survey, f"p{number}")
    said(survey, "silent", contact=None)
    path = shipped(api, topic)
    names, cursor = [], ""
    while cursor is not None:
        found = api.call("GET", f"{path}?limit=2{cursor and '&cursor=' + cursor}", 200)
        assert len(found["items"]) <= 2
        assert found["left_out"] == {"no consent": 1}
        names += [each["name"] for each in found["items"]]
        cursor = found["next"]
    assert names == ["P4", "P3", "P2", "P1", "P0"]
    for wrong in ("limit=0", "limit=x", "cursor=x", "page=2"):
        api.call("GET", f"{path}?{wrong}", 422)


def test_a_list_stays_as_it_was_whoever_speaks_between_its_pages(world, api, make, mail, topic, said, clock):
    survey = make.survey()
    for number in range(5):
        said(survey, f"p{number}", comment=f"The old card of {number}.")
    newer = said(survey, "p4", comment="The new card of 4.")
    path = shipped(api, topic)
    first = api.get(path, limit=2)
    assert [each["name"] for each in first["items"]] == ["P4", "P3"]
    # Who is listed speaks again or takes their last word back; somebody comes; somebody wants it no more.
    said(survey, "p0", comment="Another card.")
    said(survey, "late")
    api.delete(f"/api/responses/{newer['id']}")
    Person.update(unsubscribed_at=NOW).where(Person.email == "p1@x.example").execute()
    world.work()
    with count_queries() as counted:
        second = api.get(path, limit=2, cursor=first["next"])
    assert [each["name"] for each in second["items"]] == ["P2", "P0"]
    assert second["items"][1]["sentence"] == "The old card of 0."
    assert {page["list"] for page in (first, second)} == {first["list"]}
    assert second["next"] is None
    # Nobody is looked up again for a further page.
    assert counted.count < 12
    # Told is who was listed, wants it still, and said nothing newer that nobody saw.
    made = api.post(path, {"text": TEXT, "list": first["list"]}, 202)
    assert made["told"] == 2
    assert sorted(row.email for row in Letter.select()) == ["p2@x.example", "p3@x.example"]
    api.delete(f"/api/loops/{made['id']}")
    # As long as nothing changes it is one list; another topic has none of it, and after a day nobody has.
    again = api.get(path)
    assert again["list"] == api.get(path)["list"] != first["list"]
    other = api.post("/api/topics", {"label": "Slow checkout"})["id"]
    elsewhere = shipped(api, other)
    assert api.get(elsewhere)["list"] is None
    for wrong in (first["list"], "list_1"):
        assert (
            "list" in api.call("POST", elsewhere, 422, json={"text": TEXT, "list": wrong})["error"]["fields"]
        )
    api.call("GET", f"{elsewhere}?cursor={first['next']}", 422)
    person = Person.get(Person.email == "p2@x.example").id
    assert len(api.get(f"/api/people/{person}/export")["tables"]["listed"]) == 2
    clock.shift(timedelta(days=1, minutes=1))
    assert loop_lists.tidy(datetime.now(UTC)) == 2
    api.call("GET", f"{path}?cursor={first['next']}", 422)
    assert Listed.select().count() == 0


@ON_SQLITE
def test_no_page_shows_whom_nobody_will_tell(world, api, make, topic, said):
    survey, path = make.survey(), shipped(api, topic)
    changes = {
        "unsubscribed": lambda person, key: (
            Person.update(unsubscribed_at=NOW).where(Person.id == person).execute()
        ),
        "never": lambda person, key: Person.update(never_ask=True).where(Person.id == person).execute(),
        "bounced": lambda person, key: Person.update(bounced_at=NOW).where(Person.id == person).execute(),
        "no more": lambda person, key: Response.update(contact="reply").where(Response.key == key).execute(),
        "excluded": lambda person, key: Response.update(excluded=True).where(Response.key == key).execute(),
        "test": lambda person, key: Response.update(test=True).where(Response.key == key).execute(),
        "moved": lambda person, key: Placement.delete().where(Placement.response == key).execute(),
    }
    rows = [said(survey, name.replace(" ", "-"))["id"] for name in ("last", *changes, "first")]
    first = api.get(path, limit=1)
    for response, change in zip(rows[1:], changes.values(), strict=False):
        row = Response.get(Response.id == response)
        change(row.person_id, row.key)
    second = api.get(path, limit=9, cursor=first["next"])
    assert [each["name"] for each in (*first["items"], *second["items"])] == ["First", "Last"]
    assert (second["next"], second["left_out"]) == (None, {"changed since": len(changes)})


def test_a_topic_keeps_few_lists_and_forgets_them_in_steps(world, api, make, topic, said, clock, monkeypatch):
    monkeypatch.setattr(loop_lists, "MOST_LISTS", 3)
    monkeypatch.setattr(loop_lists, "AT_ONCE", 2)
    survey, path, named = make.survey(), shipped(api, topic), []
    for number in range(6):
        said(survey, f"p{number}")
        named.append(api.get(path, limit=2)["list"])
    assert sorted(row.id for row in LoopList.select()) == sorted(named[-3:])
    # Who is told nothing makes no list, and is counted all the same.
    said(survey, "silent", contact=None)
    found = api.get(path, limit=2)
    assert (found["list"], LoopList.get_by_id(named[-1]).left_out) == (named[-1], {"no consent": 1})
    # No statement takes more people at once than one transaction may.
    with count_queries() as counted:
        loop_lists._forget(named[-1])
    assert counted.count >= 5
    assert Listed.select().where(Listed.loop_list == named[-1]).count() == 0
    # What older versions left behind goes by and by, of this topic and of no other.
    other = api.post("/api/topics", {"label": "Slow checkout"})["id"]
    for at, of in enumerate([topic] * 6 + [other] * 2):
        LoopList.create(id=f"list_{at}", topic=of, digest="x", left_out={}, created_at=NOW)
    said(survey, "late")
    last = api.get(path)["list"]
    assert LoopList.select().where(LoopList.topic == topic).count() == 7
    assert loop_lists.tidy(datetime.now(UTC)) == 4
    of_topic = Counter(row.topic_id for row in LoopList.select())
    assert of_topic == {topic: 3, other: 2}
    assert LoopList.get_or_none(LoopList.id == last) is not None


@ON_SQLITE
def test_a_list_that_cannot_be_kept_is_shown_where_one_page_holds_it(
    world, api, topic, make, said, monkeypatch
):
    survey, path = make.survey(), shipped(api, topic)
    for number in range(3):
        said(survey, f"p{number}")

    def full(*_):
        raise db.DatabaseAway("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(loop_lists, "_put", full)
        found = api.get(path)
        assert ([each["name"] for each in found["items"]], found["list"]) == (["P2", "P1", "P0"], None)
        assert api.call("GET", f"{path}?limit=2", 503)["error"]["message"]
    # What is left of the attempts is no list.
    found = api.get(path, limit=2)
    assert len(api.get(path, cursor=found["next"])["items"]) == 1


class Killed(BaseException):
    """The process ends here, whatever it was about to do."""


class Deadly:
    """A server at which one sender in ten dies, before the mail is handed over or after."""

    def __init__(self):
        self.draw, self.arrived, self.kills = random.Random(20261129), Counter(), 0

    def send(self, message, now):
        """Take one mail, unless the sender dies first; perhaps it dies then."""
        dies = self.draw.random() < 0.1
        early = self.draw.random() < 0.5
        self.kills += dies
        if dies and early:
            raise Killed
        self.arrived[message.to] += 1
        if dies:
            raise Killed


@ON_SQLITE
@pytest.mark.prove
@pytest.mark.timeout(0)
def test_two_thousand_are_told_once_at_most_however_often_their_sender_is_killed(
    world, api, make, topic, clock
):
    survey, deadly = make.survey(), Deadly()
    delivery.use("mail", deadly)
    for number in range(2000):
        email = f"p{number}@x.example"
        Person.insert(id=f"per_{number:024}", email=email, verified=True, created_at=NOW).execute()
        row = make.response(survey, 3, comment=f"The card of {number}.", contact="news")
        Response.update(person=f"per_{number:024}").where(Response.key == row.key).execute()
        Placement.insert(topic=topic, response=row.key, evidence=["card"], by_person=True).execute()
    path = shipped(api, topic)
    undone = api.post(path, {"text": TEXT}, 202)
    assert undone["told"] == 2000
    api.delete(f"/api/loops/{undone['id']}")
    made = api.post(path, {"text": TEXT}, 202)
    clock.shift(timedelta(minutes=11))
    while True:
        try:
            if not jobs.run_due(lambda: datetime.now(UTC), lane=jobs.MAIL):
                break
        except Killed:
            clock.shift(jobs.LEASE + timedelta(seconds=1))
    found = api.get(f"/api/loops/{made['id']}")
    states = Counter(row.state for row in Letter.select())
    print(f"{deadly.kills} kills: {sum(deadly.arrived.values())} arrived, {states}, {found}")
    assert deadly.kills > 150
    assert max(deadly.arrived.values()) == 1
    assert states == {"sent": 2000 - deadly.kills, "unknown": deadly.kills}
    assert (found["told"], found["unsure"]) == (2000, deadly.kills)


def test_what_nobody_is_to_be_told_of_is_put_away_until_its_status_changes(
    world, api, make, topic, said, clock
):
    said(make.survey(), "ann", contact=None)
    shipped(api, topic)
    visitor, page = signed_in(world, "editor"), f"/team/loop?topic={topic}"
    shown = visitor.get(page).get_data(as_text=True)
    # Nobody allowed it: the page says how to ask for that.
    assert "There is nobody to be told" in shown
    assert "Ask whether we may write to the respondent" in shown
    form = {**filled(visitor.get(page)), "topic": topic, "do": "away"}
    away = visitor.post("/team/loop", form)
    assert away.status_code == 303
    # From a tab that stood open: it is put away once.
    assert visitor.post("/team/loop", form).status_code == 409
    assert Loop.select().count() == 1
    told = visitor.get(away.headers["Location"]).get_data(as_text=True)
    assert "Put away: nobody was told." in told
    waiting = told.partition('id="waiting"')[2].partition("</section>")[0]
    assert "Card declined" not in waiting
    assert "Put it away" not in visitor.get(page).get_data(as_text=True)
    clock.shift(timedelta(minutes=1))
    for status in ("planned", "shipped"):
        api.patch(f"/api/topics/{topic}", {"status": status})
        clock.shift(timedelta(minutes=1))
    waiting = visitor.get("/team/loop").get_data(as_text=True).partition('id="waiting"')[2]
    assert "Card declined" in waiting.partition("</section>")[0]
    assert Letter.select().count() == 0
    api.patch(f"/api/topics/{topic}", {"status": "planned"})
    assert (
        visitor.post("/team/loop", {**filled(visitor.get(page)), "topic": topic, "do": "away"}).status_code
        == 409
    )
