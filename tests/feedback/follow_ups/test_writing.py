"""Writing to the person of a case: who may be written to, once; and only the customer solves."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from markupsafe import escape

from feedback import letters
from feedback.follow_ups import report
from feedback.models import FollowUp, Letter
from surveys import links
from surveys.base import delivery, worker
from surveys.base.delivery.memory import Memory
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown
from surveys.models import Person, WebhookEvent
from tests.conftest import ON_SQLITE
from tests.visitor import member, pressed, signed_in

#: A Friday, 15:40 UTC.
NOW = datetime(2026, 11, 27, 15, 40, tzinfo=UTC)
ANN = {"email": "ann@shop.example", "name": "Ann"}


@pytest.fixture(autouse=True)
def clock():
    """A frozen clock that a test may move."""
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def mail(world):
    """What leaves the house."""
    mailer = Memory()
    delivery.use("mail", mailer)
    return mailer


@pytest.fixture
def opened(api):
    """A case of somebody's answer: its path."""

    def made(survey, person=ANN, **values):
        body = {"survey": survey.id, "score": 2, "person": person, **values}
        response = api.post("/api/responses", {name: each for name, each in body.items() if each is not None})
        case = api.post("/api/follow-ups", {"response": response["id"]})
        return f"/api/follow-ups/{case['id']}"

    return made


def page_of(message):
    """The address behind the mail's question, without what preselects."""
    (found,) = {word.partition("?")[0] for word in message.text.split() if "/f/" in word}
    return found.removeprefix("http://localhost")


def told_to(mailer, address):
    return [message for message in mailer.sent if message.to == address]


def test_an_unhappy_answer_is_answered_asked_about_reopened_and_solved(
    world, api, client, make, mail, opened, desk_api, clock
):
    survey = make.survey(quarantine_days=0, wait_after_answer_days=0, mail={"reply_to": "care@acme.example"})
    connection = api.post(
        "/api/connections",
        {"name": "Desk", "kind": "freshdesk", "survey": survey.id,
         "write_back": {"url": "https://desk.example", "user": "", "token": "t"}},
    )  # fmt: skip
    call = {"ticket": {"id": "42", "status": "closed"}, "requester": {"email": ANN["email"], "name": "Ann"}}
    client.post(f"/in/{connection['id']}?k={connection['secret']}", json=call)
    (invitation,) = api.get("/api/invitations")["items"]
    token = links.invitation_token(invitation["id"])
    body = make.answer(survey, score=2, comment="The invoice is wrong.", invitation=token, language="de")
    client.post("/r", json=body)
    path = f"/api/follow-ups/{api.post('/api/follow-ups', {'response': body['id']})['id']}"
    # What they answer later by a plain invitation joins the case, and is about no ticket.
    api.post("/api/triggers", {"survey": survey.id, "person": {"email": ANN["email"]}}, None)
    (plain,) = [each["id"] for each in api.get("/api/invitations")["items"] if each["id"] != invitation["id"]]
    later = make.answer(survey, score=3, invitation=links.invitation_token(plain))
    client.post("/r", json=later)
    assert len(api.post("/api/follow-ups", {"response": later["id"]}, 200)["responses"]) == 2
    owner, lead = member(email="owner@acme.example"), member("editor", email="lead@acme.example")
    api.patch(path, {"owner": owner.id})
    api.call("PUT", "/api/hours", 200, json={"lead": lead.id})
    world.work()
    mail.sent.clear()
    desk_api.calls.clear()

    # One mail, however often it is asked for, and a private note in the ticket.
    said = {"text": "See https://evil.example/x\nWe sent a new one.", "language": "de"}
    clock.shift(60)
    replied = api.post(f"{path}/reply", said, 202, headers={"Idempotency-Key": "one"})
    assert api.post(f"{path}/reply", said, 202, headers={"Idempotency-Key": "one"}) == replied
    assert api.post(f"{path}/reply", said, 200)["letters"][0]["id"] == replied["letters"][0]["id"]
    assert (replied["status"], replied["first_answer_at"]) == ("handled", "2026-11-27T15:41:00.000Z")
    world.work()
    (reply,) = mail.sent
    assert (reply.to, reply.reply_to, reply.subject) == (ANN["email"], owner.email, "Zu Ihrer Rückmeldung")
    assert "We sent a new one." in reply.text
    # A machine may pass on what somebody else typed.
    assert "https://evil.example" not in reply.text + (reply.html or "")
    assert "The invoice is wrong." in reply.text
    assert "/f/" not in reply.text
    (note,) = [each for _, url, each in desk_api.calls if url.endswith("/tickets/42/notes")]
    assert note["private"] is True
    assert "We sent a new one." in note["body"]
    (letter,) = api.get(path)["letters"]
    assert (letter["state"], letter["marked"], letter["text"]) == ("sent", False, said["text"])

    # The question: asked once, and opened, or sent by a script, it counts nothing.
    clock.shift(60)
    asked = api.call("POST", f"{path}/ask", 202)
    assert (asked["status"], asked["due"]["solved"]["at"]) == ("asked", None)
    assert len(api.call("POST", f"{path}/ask", 200)["letters"]) == 2
    world.work()
    question = mail.sent[1]
    page = page_of(question)
    assert "Ist Ihr Anliegen gelöst?" in question.text
    for query in ("", "?answer=fixed", "?answer=not_yet"):
        shown = client.get(page + query)
        assert (shown.headers["Cache-Control"], shown.headers["Referrer-Policy"]) == (
            "no-store",
            "no-referrer",
        )
    for code, fields, headers in (
        (422, {"answer": "fixed", "acted": ""}, {}),
        (422, {"answer": "fixed"}, {"Sec-Fetch-Mode": "cors"}),
        (422, {"answer": "fixed", "token": ""}, {}),
        (422, {"answer": "fixed", "token": "0" * 64}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}),
        (422, {"answer": "perhaps"}, {}),
        (422, {"text": "Hm."}, {}),
        (403, {"answer": "fixed"}, {"Origin": "https://evil.example"}),
        (403, {"answer": "fixed"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
        (403, {"answer": "fixed"}, {"Sec-Fetch-Site": "same-site"}),
    ):
        assert pressed(client, page, headers, **fields).status_code == code, (fields, headers)
    assert (
        client.get("/f/nonsense").status_code == client.get(page.replace("let_", "let-")).status_code == 404
    )
    assert (api.get(path)["status"], len(mail.sent)) == ("asked", 2)

    # Not yet: open again, first in line, told to owner and lead, no survey and no mail meanwhile.
    private = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert pressed(client, page, private, answer="not_yet", text="Still wrong.").status_code == 200
    pressed(client, page, answer="not_yet", text="Still wrong.")
    again = api.get(path)
    assert (again["status"], again["priority"], again["closed_at"]) == ("handled", 1, None)
    assert [line["note"] for line in again["history"] if line.get("said") == "not_yet"] == ["Still wrong."]
    ask = {"survey": survey.id, "person": {"email": ANN["email"]}, "on_block": "drop"}
    refused = api.post("/api/triggers", ask, 200)
    assert (refused["decision"], refused["rule"]) == ("suppressed", "owed_help")
    world.work()
    assert len(told_to(mail, ANN["email"])) == 2
    assert [len(told_to(mail, each.email)) for each in (owner, lead)] == [1, 1]

    # Somebody tries again, and the customer's word solves it; another word is heard too.
    clock.shift(60)
    assert len(api.call("POST", f"{path}/ask", 202)["letters"]) == 3
    world.work()
    later = page_of(told_to(mail, ANN["email"])[-1])
    pressed(client, later, answer="fixed")
    solved = api.get(path)
    assert (solved["status"], solved["letters"][-1]["answer"]) == ("solved", "fixed")
    assert api.post("/api/triggers", ask, 200)["decision"] == "scheduled"
    api.post(f"{path}/reply", {"text": "Good."}, 409)
    pressed(client, later, answer="not_yet")
    assert api.get(path)["status"] == "handled"


#: Whatever a mail program makes a link of.
WEB = "See https://help.acme.example/x?a=1&b=2, www.acme.example or care@acme.example."


@ON_SQLITE
def test_an_address_that_a_member_writes_arrives_as_it_was_written(world, api, make, mail, opened):
    path = opened(make.survey(product="Acme"), comment="Win at https://evil.example/y or evil.example!")
    visitor = signed_in(world, "editor")
    page = path.replace("/api/", "/team/")
    (form,) = [fields for _, fields in visitor.forms(page) if fields.get("do") == "reply"]
    visitor.post(page, {**form, "text": WEB})
    world.work()
    (reply,) = mail.sent
    assert WEB in reply.text
    assert f">{escape(WEB)}</p>" in reply.html
    # What a mailbox shows behind the subject.
    assert reply.html.count(str(escape(WEB))[:60]) == 2
    # It is theirs: we make no link of it. And what the customer typed stays harmless beside it.
    assert {link.rpartition("/")[0] for link in re.findall('href="([^"]+)"', reply.html)} == {
        "http://localhost/u"
    }
    assert "evil.example" not in reply.text + reply.html


def test_nobody_is_written_to_who_does_not_want_it(world, api, client, make, mail, opened):
    quiet, asking = make.survey(), make.survey(ask_contact=True)
    refused = [
        (quiet, None, {}, {}), (quiet, {"id": "only-an-id"}, {}, {}),
        (quiet, {"email": "a@x.example"}, {}, {"unsubscribed_at": NOW}),
        (quiet, {"email": "b@x.example"}, {}, {"never_ask": True}),
        (quiet, {"email": "c@x.example"}, {"contact": "reply"}, {"bounced_at": NOW}),
        (quiet, {"email": "d@x.example"}, {"contact": "news"}, {}), (asking, {"email": "e@x.example"}, {}, {}),
        (quiet, {"email": "f@x.example"}, {}, {"verified": False}),
    ]  # fmt: skip
    for survey, person, values, known in refused:
        path = opened(survey, person, **values)
        if known:
            Person.update(known).where(Person.email == person["email"]).execute()
        assert api.get(path)["reach"]["why_not"], (person, values, known)
        for verb in ("reply", "ask"):
            api.call("POST", f"{path}/{verb}", 409, json={"text": "Hello."} if verb == "reply" else None)
        assert (api.get(path)["status"], api.get(path)["letters"]) == ("new", [])
    claimed = opened(quiet, {"id": "ann"})
    Person.update(claimed_email="claimed@x.example").where(Person.external_id == "ann").execute()
    assert api.get(claimed)["reach"] | {"why_not": None} == {
        "email": None, "claimed": "claimed@x.example", "unsubscribed": False, "why_not": None,
    }  # fmt: skip
    api.post(f"{claimed}/reply", {"text": "Hello."}, 409)
    world.work()
    assert mail.sent == []
    # Who asked to be answered is, and the letter is marked; unsubscribing by it ends what waits.
    path = opened(quiet, {"email": "g@x.example"}, contact="reply")
    Person.update(unsubscribed_at=NOW).where(Person.email == "g@x.example").execute()
    assert api.post(f"{path}/reply", {"text": "Hello."}, 202)["letters"][0]["marked"] is True
    waits = opened(quiet, {"email": "h@x.example"})
    api.post(f"{waits}/reply", {"text": "Hello."}, 202)
    Person.update(unsubscribed_at=NOW).where(Person.email == "h@x.example").execute()
    world.work()
    (message,) = mail.sent
    assert message.to == "g@x.example"
    late = api.get(waits)
    assert (late["letters"][0]["state"], late["first_answer_at"]) == ("cancelled", None)
    header = message.headers["List-Unsubscribe"].strip("<>").removeprefix("http://localhost")
    Person.update(unsubscribed_at=None).where(Person.email == "g@x.example").execute()
    assert client.get(header).status_code == 200
    assert Person.get(Person.email == "g@x.example").unsubscribed_at is None
    assert client.post(header, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Person.get(Person.email == "g@x.example").unsubscribed_at is not None
    client.post(header, data={"again": "1"})
    assert Person.get(Person.email == "g@x.example").unsubscribed_at is None
    Person.update(email="moved@x.example").where(Person.email == "g@x.example").execute()
    client.post(header, data={"List-Unsubscribe": "One-Click"})
    client.post(header, data={"again": "1"})
    assert Person.get(Person.email == "moved@x.example").unsubscribed_at is not None
    # Who asked to be answered and wants no more letters gets none: neither what waits, nor what comes later.
    path = opened(quiet, {"email": "i@x.example"}, contact="both")
    for text in ("Hello.", "And another thing."):
        api.post(f"{path}/reply", {"text": text}, 202)
        if text == "Hello.":
            world.work()
            header = mail.sent[-1].headers["List-Unsubscribe"].strip("<>").removeprefix("http://localhost")
    before = len(mail.sent)
    Person.update(unsubscribed_at=NOW).where(Person.email == "i@x.example").execute()
    assert client.post(header, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    world.work()
    api.call("POST", f"{path}/ask", 409)
    assert sorted(each["state"] for each in api.get(path)["letters"]) == ["cancelled", "sent"]
    assert len(mail.sent) == before
    assert api.get(f"/api/responses/{api.get(path)['response']}")["contact"] is None
    # A later answer may ask for it again.
    again = api.post(
        "/api/responses",
        {"survey": quiet.id, "score": 1, "person": {"email": "i@x.example"}, "contact": "reply"},
    )
    assert api.post("/api/follow-ups", {"response": again["id"]}, 200)["reach"]["why_not"] is None
    for wrong in ({"text": " "}, {"text": ""}, {}, {"text": "x", "to": "y"}):
        api.post(f"{path}/reply", wrong, 422)


class Server:
    """Mail that goes wrong: raises what it is given, in order, then takes mail."""

    def __init__(self, *errors):
        self.errors, self.tried = list(errors), 0

    def send(self, message, now):
        self.tried += 1
        if self.errors:
            raise self.errors.pop(0)


def test_a_letter_leaves_once_and_one_that_is_lost_is_taken_back(world, api, make, opened, clock):
    killed, refused, silent = (opened(make.survey(), {"email": f"{name}@x.example"}) for name in "abc")
    for path in (killed, refused, silent):
        api.post(f"{path}/reply", {"text": "Hello."}, 202)
    rows = list(Letter.select().order_by(Letter.email))
    # The process died after the first byte: nobody knows, so it is shown and not sent again.
    Letter.update(state="sending").where(Letter.id == rows[0].id).execute()
    server = Server(DeliveryFailed("550", again=False), DeliveryUnknown("timeout"))
    delivery.use("mail", server)
    world.work()
    assert server.tried == 2
    states = {row.email[0]: row.state for row in Letter.select()}
    assert states == {"a": "unknown", "b": "failed", "c": "unknown"}
    assert api.get(refused)["first_answer_at"] is None
    assert api.get(silent)["history"][-1]["unsure"] == "reply"
    for row in rows:
        letters.send({"letter": row.id}, NOW)
    assert server.tried == 2
    # The question that left before it failed is the answer of a reply, and so is a wait by hand.
    asked_too, waited = (opened(make.survey(), {"email": f"{name}@x.example"}) for name in "de")
    replied = [api.post(f"{path}/reply", {"text": "Hello."}, 202) for path in (asked_too, waited)]
    clock.shift(60)
    api.call("POST", f"{asked_too}/ask", 202)
    api.patch(waited, {"status": "waiting"})
    Letter.update(state="sent").where(Letter.kind == "ask").execute()
    delivery.use("mail", Server(*[DeliveryFailed("550", again=False)] * 2))
    world.work()
    assert {each["first_answer_at"] for each in replied} == {"2026-11-27T15:40:00.000Z"}
    for path in (asked_too, waited):
        assert api.get(path)["first_answer_at"] == "2026-11-27T15:41:00.000Z"
    # What failed may be written again, by a person.
    api.post(f"{refused}/reply", {"text": "Hello."}, 202)
    asked = api.call("POST", f"{killed}/ask", 202)
    assert asked["status"] == "asked"
    delivery.use("mail", Server(*[DeliveryFailed("550", again=False)] * 2))
    world.work()
    assert api.get(killed)["status"] == "handled"


def test_what_is_overdue_is_told_once_to_the_owner_and_once_to_the_lead(
    world, api, make, mail, opened, clock
):
    survey = make.survey()
    path, nobodys = opened(survey), opened(survey, {"email": "bob@shop.example"})
    owner, lead = member("editor", email="owner@x.example"), member("editor", email="lead@x.example")
    one, two = (member(email=f"{name}@x.example") for name in ("one", "two"))
    other = make.survey()
    member(email="elsewhere@x.example", surveys=[other.id])
    api.patch(path, {"owner": owner.id})
    clock.shift(timedelta(days=4))
    for _ in range(3):
        worker.do_duties(datetime.now(UTC))
        world.work()
        clock.shift(timedelta(hours=2))
    told = sorted(message.to for message in mail.sent)
    assert told == sorted([owner.email, one.email, two.email, one.email, two.email])
    assert path.rpartition("/")[2] in told_to(mail, owner.email)[0].text
    assert [line.get("overdue") for line in api.get(nobodys)["history"]] == [None, True]
    mail.sent.clear()
    api.call("PUT", "/api/hours", 200, json={"lead": lead.id})
    opened(survey, {"email": "eve@shop.example"})
    clock.shift(timedelta(days=5))
    worker.do_duties(datetime.now(UTC))
    world.work()
    assert [message.to for message in mail.sent] == [lead.email]


def test_letters_go_with_their_person_and_are_told_to_them(world, api, make, mail, opened):
    path = opened(make.survey())
    person = api.get(path)["person"]
    api.post(f"{path}/reply", {"text": "Hello."}, 202)
    exported = api.get(f"/api/people/{person}/export")["tables"]["letter"]
    assert (exported[0]["text"], exported[0]["email"]) == ("Hello.", ANN["email"])
    api.delete(f"/api/people/{person}")
    world.work()
    assert (mail.sent, Letter.select().count(), FollowUp.select().count()) == ([], 0, 0)


@ON_SQLITE
def test_silence_is_no_word_and_a_late_one_counts(world, api, client, make, mail, opened, clock):
    api.post("/api/webhooks", {"url": "https://receiver.example/", "events": ["follow_up.closed"]})
    path = opened(make.survey())
    api.call("POST", f"{path}/ask", 202)
    world.work()
    clock.shift(timedelta(days=8))
    worker.do_duties(datetime.now(UTC))
    assert api.get(path)["status"] == "unconfirmed"
    # They have another case by now, which a late "not yet" joins.
    other = opened(api_survey := make.survey())
    assert api_survey
    page = page_of(mail.sent[0])
    pressed(client, page, answer="not_yet")
    assert [api.get(each)["priority"] for each in (path, other)] == [0, 1]
    # Webhooks that heard "unconfirmed" hear of "solved" too, and once.
    for text in ("", "Thanks."):
        clock.shift(60)
        pressed(client, page, answer="fixed", text=text)
    assert api.get(path)["status"] == "solved"
    assert WebhookEvent.select().where(WebhookEvent.subject == path.rpartition("/")[2]).count() == 2
    # The other case is about something else and goes on, no more urgent than it was: it stops no surveys.
    assert (api.get(other)["status"], api.get(other)["priority"]) == ("new", 0)


@ON_SQLITE
def test_what_the_customer_confirms_in_time_is_solved_in_time(world, api, client, make, mail, opened, clock):
    survey = make.survey()
    names = ("in_time", "late", "silent", "lost", "given_up", "too_late")
    paths = {name: opened(survey, {"email": f"{name}@x.example"}) for name in names}
    lost_cause = {"status": "given_up", "reason": "lost_cause", "note": "They have moved."}

    def say(name):
        (message,) = [each for each in told_to(mail, f"{name}@x.example") if "/f/" in each.text]
        assert pressed(client, page_of(message), answer="fixed").status_code == 200

    clock.shift(timedelta(minutes=30))
    api.patch(paths["given_up"], lost_cause)
    for name in ("in_time", "silent", "lost"):
        api.call("POST", f"{paths[name]}/ask", 202)
    world.work()
    # Five days of silence do not count against the team.
    clock.shift(timedelta(days=5))
    say("in_time")
    api.patch(paths["lost"], lost_cause)
    api.call("POST", f"{paths['late']}/ask", 202)
    api.patch(paths["too_late"], lost_cause)
    world.work()
    say("late")
    clock.shift(timedelta(days=3))
    worker.do_duties(datetime.now(UTC))
    ended = {name: api.get(path) for name, path in paths.items()}
    assert [ended[name]["status"] for name in names] == [
        "solved", "solved", "unconfirmed", "given_up", "given_up", "given_up",
    ]  # fmt: skip
    assert all(each["due"]["solved"]["at"] for each in ended.values())
    found = report.made(FollowUp.id.is_null(False), datetime.now(UTC))
    assert (found.solved.kept, found.solved.n) == (1, 3)
    # Who gave up before an answer was due owes none; who did after owes it.
    assert (found.answered.kept, found.answered.n) == (3, 5)


@ON_SQLITE
def test_what_is_typed_is_taken_whole_and_the_customers_words_are_shown_redacted(
    world, api, client, make, mail, opened
):
    path = opened(make.survey(redact=True), comment="Card 4111 1111 1111 1111 was charged.")
    # As much as a form takes, each end of a line sent as two letters.
    lines = "Line\n" * 990
    for verb, body in (("reply", {"text": lines}), ("ask", None)):
        api.call("POST", f"{path}/{verb}", 202, json=body)
    api.patch(path, {"note": lines})
    world.work()
    page = page_of(mail.sent[-1])
    said = "Call 0171 2345678.\r\n" + lines.replace("\n", "\r\n")
    assert pressed(client, page, answer="not_yet", text=said).status_code == 200
    # Of more, nothing is taken and nothing is lost.
    endless = pressed(client, page, answer="fixed", text="Still! " * 2000)
    assert (endless.status_code, api.get(path)["status"]) == (
        422,
        "handled" if api.get(path)["owner"] else "new",
    )
    assert "Still! " * 1999 in endless.get_data(as_text=True)
    visitor = signed_in(world, "editor")
    for shown in (
        visitor.get("/team/follow-ups").get_data(as_text=True),
        visitor.get(path.replace("/api/", "/team/")).get_data(as_text=True),
        str(api.get(path)),
    ):
        assert "[…]" in shown
        assert "4111" not in shown
        assert "2345678" not in shown
