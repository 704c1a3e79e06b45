"""A claimed address leads to nothing but the claim, whoever claims it and whatever becomes of them."""

import itertools
import json
from types import SimpleNamespace

import pytest

from surveys import links, people, tombstones
from surveys.base import clock, db, jobs, signing
from surveys.keeping import erasure
from surveys.models import Invitation, Person, Response
from tests.surveys.mailbox import outbox, path
from tests.surveys.mailreports import senders

OWNER, CLAIMER = "olga@owner.example", "carl@claimer.example"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def survey(make):
    return make.survey(quarantine_days=0, wait_after_answer_days=0)


@pytest.fixture
def say(client, make, survey):
    """Answer as a website's visitor: signed for an id where one is given, else with a bare claim."""

    def said(score=1, **person):
        if "id" in person:
            secret = people.identity_secret(survey)
            person["signature"] = signing.hmac_sha256_hex(secret, person["id"])
        body = make.answer(survey, score=score, comment=f"said as {person}", person=person)
        answer = client.post("/r", json=body)
        assert answer.status_code == 201, answer.text
        return Response.get(Response.id == body["id"])

    return said


@pytest.fixture
def people_of(world, api, survey, say):
    """The owner of an address, asked by mail; and somebody known by an id and an own address, who claims it."""
    for person in ({"email": OWNER}, {"id": "carl", "email": CLAIMER}):
        body = {"survey": survey.id, "person": {**person, "name": "N"}, "ticket": {"id": person["email"]}}
        assert api.post("/api/triggers", body, 200)["decision"] == "scheduled"
    world.work()
    claim = say(id="carl", email=OWNER)
    world.work()
    return SimpleNamespace(
        owner=Person.get(Person.email == OWNER), claimer=Person.get(Person.external_id == "carl"), claim=claim
    )


@pytest.fixture
def may_ask(api, survey):
    """Whether a mail to an address would be sent."""

    def asked(address):
        body = {"survey": survey.id, "person": {"email": address}, "dry_run": True}
        return api.post("/api/triggers", body, 200)["decision"] == "scheduled"

    return asked


def of(person):
    """Every row that holds something of a person, as it stands."""
    found = erasure._Traces([person])
    return {
        table._meta.table_name: sorted(map(str, table.select().where(found.where(table)).dicts()))
        for table in db.registered()
        if found.where(table) is not None
    }


def mail_to(person):
    return Invitation.get((Invitation.person == person.id) & (Invitation.channel == "email"))


def test_who_claims_an_address_unsubscribes_themselves_alone(client, people_of, may_ask):
    client.post(path(links.unsubscribe(mail_to(people_of.claimer).id)), data=ONE_CLICK)
    assert not may_ask(CLAIMER)
    assert may_ask(OWNER)
    assert Person.get_by_id(people_of.owner.id).unsubscribed_at is None


def test_the_owner_unsubscribes_nobody_who_claims_the_address(client, people_of, may_ask):
    client.post(path(links.unsubscribe(mail_to(people_of.owner).id)), data=ONE_CLICK)
    assert not may_ask(OWNER)
    assert may_ask(CLAIMER)


def test_a_complaint_and_a_bounce_of_the_claimer_hold_for_the_claimer_alone(api, client, people_of, may_ask):
    body = {"name": "mail", "kind": "postmark", "secret": senders.POSTMARK_SECRET}
    connection = api.post("/api/connections", body)
    for said in ({"RecordType": "SpamComplaint"}, {"RecordType": "Bounce", "TypeCode": 1}):
        post = senders.postmark(Type="HardBounce", Email=CLAIMER, **said)
        assert post.send(client, connection).status_code == 200
    claimer = Person.get_by_id(people_of.claimer.id)
    assert None not in (claimer.unsubscribed_at, claimer.bounced_at)
    assert may_ask(OWNER)


def test_an_operator_unsubscribes_the_claimer_and_not_the_owner(api, people_of, may_ask):
    api.post(f"/api/people/{people_of.claimer.id}/unsubscribe", {}, 200)
    assert may_ask(OWNER)


def test_a_claim_is_no_address_once_the_id_is_gone(api, say):
    say(id="dora", email=OWNER)
    row = Person.get(Person.external_id == "dora")
    api.patch(f"/api/people/{row.id}", {"external_id": None}, 409)
    assert Person.get_by_id(row.id).email is None


def test_what_is_shown_says_whether_an_address_is_only_claimed(api, say, people_of):
    say(email=OWNER)
    say(id="dora", email=OWNER)
    say(id="erik")
    shown = {item["external_id"]: item for item in api.get("/api/people")["items"] if item["verified"]}
    found = {name: (item["email"], item["email_claimed"]) for name, item in shown.items()}
    assert found == {
        None: (OWNER, False), "carl": (CLAIMER, False), "dora": (OWNER, True), "erik": (None, False),
    }  # fmt: skip
    # All who go by the address in any way are found by it; the proven one says so.
    by_address = api.get("/api/people", email=OWNER)["items"]
    assert sorted((item["verified"], item["email_claimed"]) for item in by_address) == [
        (False, True), (True, False), (True, False), (True, True),
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["api", "--id", "--person"])
def test_erasing_the_claimer_touches_nothing_of_the_owners(world, api, people_of, how):
    owner, waits = people_of.owner, {"to": OWNER}
    db.write(lambda: jobs.enqueue("mail", waits, clock.now()))
    api.post("/api/people", {"email": OWNER, "name": "O"}, 200, headers={"Idempotency-Key": "k"})
    before = of(Person.get_by_id(owner.id))
    erase_as(world, api, people_of.claimer, "carl", how)
    assert of(Person.get_by_id(owner.id)) == before
    assert jobs.Job.get(jobs.Job.kind == "mail").payload == waits
    again = api.call(
        "POST", "/api/people", json={"email": OWNER, "name": "O"}, headers={"Idempotency-Key": "k"}
    )
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [mail["To"] for mail in outbox(world)] == [f"N <{OWNER}>"]


@pytest.mark.parametrize("how", ["api", "--email", "--person"])
def test_erasing_the_owner_empties_the_claim_and_touches_nothing_else_of_the_claimer(
    world, api, say, people_of, how
):
    bare = say(email=OWNER)
    before = of(Person.get_by_id(people_of.claimer.id))
    erase_as(world, api, people_of.owner, OWNER, how)
    left = Person.get_by_id(people_of.claimer.id)
    assert (left.claimed_email, left.known_email, left.external_id) == (None, CLAIMER, "carl")
    Person.update(claimed_email=OWNER).where(Person.id == left.id).execute()
    assert of(Person.get_by_id(left.id)) == before
    # A bare claim of the address goes with it.
    assert not Person.select().where(Person.id == bare.person_id).exists()
    assert {row.key for row in Response.select()} == {people_of.claim.key}
    assert [mail["To"] for mail in outbox(world)] == [f"N <{CLAIMER}>"]


def erase_as(world, api, person, name, how):
    """Erase over the API, or by one of the command's options."""
    if how == "api":
        api.delete(f"/api/people/{person.id}")
    else:
        given = person.id if how == "--person" else name
        done = world.app.test_cli_runner().invoke(args=["erase", how, given])
        assert done.exit_code == 0, done.output
    world.work()


def test_an_address_that_nobody_has_is_forgotten_where_it_is_claimed(world, say):
    row = say(id="dora", email=OWNER)
    done = world.app.test_cli_runner().invoke(args=["erase", "--email", OWNER])
    assert done.output.split() == ["claimed_email", "1"]
    assert Response.get().key == row.key


def test_a_restore_does_not_bring_a_claim_back(world, api, people_of):
    before = clock.now()
    api.delete(f"/api/people/{people_of.owner.id}")
    graves = tombstones.known()
    # As the backup has it.
    Person.update(claimed_email=OWNER, created_at=before).where(Person.id == people_of.claimer.id).execute()
    assert erasure.replay(graves, clock.now()) == {"claimed_email": 1}
    assert Person.get_by_id(people_of.claimer.id).claimed_email is None


def test_one_row_of_a_person_leaves_the_address_to_the_others(api, world):
    """As when people long unheard of are forgotten, row by row."""
    api.post("/api/people", {"email": OWNER})
    api.post("/api/people", {"id": "olga", "email": OWNER})
    db.write(lambda: jobs.enqueue("mail", {"to": OWNER}, clock.now()))
    first, second = Person.select().order_by(Person.created_at)
    erasure.erase([first], clock.now())
    assert jobs.Job.select().where(jobs.Job.kind == "mail").exists()
    erasure.erase([second], clock.now())
    assert not jobs.Job.select().where(jobs.Job.kind == "mail").exists()


@pytest.mark.parametrize("given", [["--email", OWNER], ["--person"]])
def test_an_export_for_the_owner_holds_nothing_of_who_claims_the_address(world, people_of, given):
    given = given if len(given) > 1 else [*given, people_of.owner.id]
    done = world.app.test_cli_runner().invoke(args=["export", *given])
    assert json.loads(done.output)["people"] == [people_of.owner.id]
    assert CLAIMER not in done.output


def test_a_mere_claim_has_no_page_of_answers(client, make, survey, say):
    """Whoever makes the same claim would read and delete what others said under it."""
    said = say(email=OWNER)
    invitation = Invitation.create(
        id="inv_" + "1" * 24, survey=survey.id, channel="link", status="sent", created_at=clock.now()
    )
    token = links.invitation_token(invitation.id)
    body = make.answer(survey, score=2, invitation=token, person={"email": OWNER})
    assert client.post("/r", json=body).status_code == 201
    thanks = client.post(f"/i/{token}", data={"score": "3"})
    assert thanks.status_code == 200
    assert "/me/" not in thanks.text
    assert client.get(path(links.me(said.person_id, clock.now()))).status_code == 404


def test_no_order_of_claims_and_proofs_makes_mail_go_to_a_claim(world, api, survey, say):
    for turn in itertools.permutations(range(3)):
        name = "u" + "".join(map(str, turn))
        for step in turn:
            if step == 0:
                say(id=name, email=OWNER)
            elif step == 1:
                api.post("/api/people", {"id": name, "email": f"{name}@own.example"}, None)
            else:
                say(id=name)
        body = {"survey": survey.id, "person": {"id": name}}
        api.post("/api/triggers", body, 200)
    world.work()
    assert OWNER not in {invitation.email for invitation in Invitation.select()}
