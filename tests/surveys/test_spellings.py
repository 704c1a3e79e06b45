"""One person whichever way their address is spelled: looked up, refused, bounced, asked, written to and erased."""

import functools
import json

import pytest

from surveys import links, people, tombstones
from surveys.base import clock, db, jobs, signing
from surveys.keeping import erasure
from surveys.models import Invitation, Person, Response
from tests.surveys.mailbox import invite, outbox, path
from tests.surveys.mailreports import senders

LETTERS, ASCII = "Kim@Łódź.example", "kim@xn--d-uga0v4h.example"
BOTH = [(LETTERS, ASCII), (ASCII, LETTERS)]


@pytest.fixture
def decide(api, make):
    def decided(address, **survey):
        survey = make.survey(quarantine_days=0, **survey)
        body = {"survey": survey.id, "person": {"email": address}, "dry_run": True}
        return api.post("/api/triggers", body, 200)["rule"]

    return decided


@pytest.mark.parametrize(("first", "second"), BOTH)
def test_one_person_is_made_found_changed_and_unsubscribed(api, decide, first, second):
    made = api.post("/api/people", {"email": first})
    assert api.post("/api/people", {"email": second, "name": "Kim"}, 200)["id"] == made["id"]
    found = [api.get("/api/people", email=each)["items"] for each in (first, second, second.upper())]
    assert [[item["id"] for item in items] for items in found] == [[made["id"]]] * 3
    api.post(f"/api/people/{made['id']}/unsubscribe", {}, 200)
    assert (decide(first), decide(second)) == ("unsubscribed", "unsubscribed")
    other = api.post("/api/people", {"email": "other@shop.example"})
    api.patch(f"/api/people/{other['id']}", {"email": second}, 409)


@pytest.mark.parametrize(("first", "second"), BOTH)
def test_lists_of_a_survey_hold_for_both_spellings(decide, first, second):
    assert decide(second, excluded_addresses=[first]) == "excluded"
    domain = first.partition("@")[2]
    assert decide(second, staff_domains=[domain]) == "excluded"
    assert decide(f"sam@team.{second.partition('@')[2]}", staff_domains=["@" + domain.upper()]) == "excluded"
    assert decide(second, staff_domains=["other.example"], excluded_addresses=["kim@lodz.example"]) is None


@pytest.mark.parametrize(("first", "second"), BOTH)
def test_who_was_asked_under_one_spelling_is_not_asked_again_under_the_other(world, api, make, first, second):
    survey = make.survey()
    invite(api, survey, first)
    world.work()
    body = {"survey": make.survey().id, "person": {"email": second}}
    assert api.post("/api/triggers", body, 200)["rule"] == "quarantine"
    [mail] = outbox(world)
    assert mail["To"].addresses[0].addr_spec == ASCII


@pytest.mark.parametrize(("first", "second"), BOTH)
def test_a_bounce_and_a_complaint_reach_both_spellings(api, client, decide, first, second):
    body = {"name": "mail", "kind": "postmark", "secret": senders.POSTMARK_SECRET}
    connection = api.post("/api/connections", body)
    api.post("/api/people", {"email": first})
    for said, rule in (
        ({"RecordType": "Bounce", "TypeCode": 1}, "bounced"),
        ({"RecordType": "SpamComplaint"}, None),
    ):
        post = senders.postmark(Type="HardBounce", Email=second, **said)
        assert post.send(client, connection).status_code == 200
        assert decide(first) == (rule or "unsubscribed")


@pytest.mark.parametrize("typed", [LETTERS, ASCII, LETTERS.upper()])
def test_a_signature_stays_over_the_address_as_it_was_typed(client, make, typed):
    survey = make.survey()
    secret = people.identity_secret(survey)
    for over, verified in ((typed.lower(), True), ("kim@other.example", False)):
        person = {"email": typed, "signature": signing.hmac_sha256_hex(secret, over)}
        assert client.post("/r", json=make.answer(survey, score=9, person=person)).status_code == 201
        assert Person.get(Person.verified == verified).email == ASCII


@pytest.mark.parametrize(("first", "second"), BOTH)
def test_a_claim_is_one_claim_under_both_spellings(client, make, first, second):
    survey = make.survey(wait_after_answer_days=30)
    client.post("/r", json=make.answer(survey, score=9, person={"email": first}))
    client.post("/r", json=make.answer(survey, score=9, person={"email": second}))
    assert (Person.select().count(), Response.select().count()) == (1, 2)
    told = client.post(f"/w/{survey.id}/ask", json={"person": {"email": second}}).get_json()
    assert (told["ask"], told["rule"]) == (False, "wait_after_answer")


@pytest.mark.parametrize("named", [LETTERS, ASCII])
def test_an_erasure_finds_both_spellings_in_queues_answers_and_mail(world, api, make, named):
    texts = {
        "letters": {"text": f"To {LETTERS}."},
        "a-labels": {"to": [ASCII]},
        "escaped": json.dumps({"to": LETTERS}),
        "another": {"to": "joakim@łódź.example"},
    }
    for kind, payload in texts.items():
        db.write(functools.partial(jobs.enqueue, kind, payload, clock.now()))
    # Kept as it was answered, every letter beyond ASCII by its number.
    api.post("/api/people", {"email": "x@shop.example", "name": LETTERS}, headers={"Idempotency-Key": "k"})
    invite(api, make.survey(), LETTERS)
    world.work()
    done = world.app.test_cli_runner().invoke(args=["erase", "--email", named])
    gone = dict(line.split() for line in done.output.splitlines())
    assert (gone["person"], gone["outbox"], gone["idempotent_call"]) == ("1", "1", "1")
    left = {job.kind for job in jobs.Job.select()} & set(texts)
    assert left == {"another"}


@pytest.mark.parametrize("buried", [LETTERS.lower(), ASCII])
def test_a_tombstone_of_either_spelling_is_found_after_a_restore(world, api, buried):
    api.post("/api/people", {"email": LETTERS})
    graves = {tombstones.digest(tombstones.EMAIL, buried): clock.now()}
    assert erasure.replay(graves, clock.now())["person"] == 1


def test_an_address_whose_letters_have_marks_is_taken_everywhere(world, api, make, client):
    address = "kim@उदाहरण.भारत"
    assert api.post("/api/people", {"email": address})["email"] == "kim@xn--p1b6ci4b4b3a.xn--h2brj9c"
    survey = make.survey()
    assert client.post("/r", json=make.answer(survey, score=9, person={"email": address})).status_code == 201
    invitation = invite(api, survey, address)
    world.work()
    assert outbox(world)[0]["To"].addresses[0].addr_spec == "kim@xn--p1b6ci4b4b3a.xn--h2brj9c"
    client.post(path(links.unsubscribe(invitation.id)), data={"List-Unsubscribe": "One-Click"})
    assert Invitation.get().person.unsubscribed_at is not None


@pytest.mark.parametrize(
    "address", ["kim@łódź..example", "kim@łó dź.example", "kim@-ł.example", "@łódź.example"]
)
def test_what_is_no_address_in_any_script_is_refused(api, address):
    assert list(api.post("/api/people", {"email": address}, 422)["error"]["fields"]) == ["email"]
