"""Erased means erased: not in rows, indexes, queues, logs of the database, nor after a restore."""

import functools
import random
from datetime import timedelta

import pytest
import time_machine

from surveys import daily_counts, links, people, responses, tombstones
from surveys.base import clock, db, ids, jobs
from surveys.keeping import erasure
from surveys.mail import opened_links
from surveys.models import (
    Connection,
    Erased,
    Invitation,
    Person,
    Resolution,
    Response,
    ScannedDomain,
    Tombstone,
    Trigger,
)
from surveys.tickets import printed_links
from tests.surveys.mailbox import invite, outbox
from tests.traces import bytes_of

MARK = "Zzyzxmarker"
ADDRESS = f"{MARK}@example.com".lower()


@pytest.fixture
def leave_traces(api, make, world):
    """Somebody whose every word holds the marker: verified, claimed, invited, answered, read and waited for."""

    def leave():
        survey = make.survey()
        body = {"email": ADDRESS, "name": f"Ann {MARK}", "company": MARK, "properties": {MARK: MARK}}
        person = api.post("/api/people", body, headers={"Idempotency-Key": "a call whose answer is kept"})
        invitation = Invitation.create(
            id=ids.new("inv"), survey=survey.id, person=person["id"], channel="email", status="sent",
            ticket={"id": MARK, "subject": MARK}, tags=[MARK], properties={MARK: MARK}, created_at=clock.now(),
        )  # fmt: skip
        make.response(
            survey, 2, comment=f"I am {MARK} and I hate it", answers={MARK: MARK}, properties={MARK: MARK},
            page=f"https://shop.example/{MARK}", touchpoint=MARK, invitation=links.invitation_token(invitation.id),
        )  # fmt: skip
        make.response(survey, 3, comment=f"{MARK} claimed", person={"email": ADDRESS, "name": MARK})
        world.work()
        kept = make.response(survey, 9, comment="Somebody else", person={"email": "bob@example.com"})
        db.write(lambda: jobs.enqueue("mail", {"to": ADDRESS, "text": MARK}, clock.now()))
        return person["id"], kept

    return leave


def test_erasing_leaves_no_trace_of_a_person(world, leave_traces, api):
    person_id, kept = leave_traces()
    assert MARK.lower().encode() in bytes_of(world).lower()
    gone = erasure.erase(people.named(email=ADDRESS), clock.now(), email=ADDRESS)
    erasure.settle()
    assert {name: gone[name] for name in ("person", "response", "invitation", "idempotent_call")} == {
        "person": 2, "response": 2, "invitation": 1, "idempotent_call": 1,
    }  # fmt: skip
    assert MARK.lower().encode() not in bytes_of(world).lower()
    assert person_id.encode() not in bytes_of(world)
    assert [item["id"] for item in api.get("/api/feed")["items"]] == [kept.id]
    assert api.get("/api/feed", q=MARK)["items"] == []
    assert daily_counts.differences() == []
    assert Erased.select().count() == 2


def test_erasing_through_the_api_leaves_none_once_the_worker_ran(world, leave_traces, api):
    person_id, _ = leave_traces()
    api.delete(f"/api/people/{person_id}")
    world.work()
    assert MARK.lower().encode() not in bytes_of(world).lower()


def test_erasing_nobody_says_so(world):
    assert erasure.erase([], clock.now(), email="nobody@example.com") == {}


def test_tombstones_lie_beside_the_database_and_give_nothing_away(world, make):
    make.response(make.survey(), person={"email": ADDRESS})
    erasure.erase(people.named(email=ADDRESS), clock.now(), email=ADDRESS)
    erasure.settle()
    path = world.settings.data_dir / tombstones.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert tombstones.mirrored(world.settings.data_dir) == tombstones.known()
    assert MARK.lower() not in path.read_text().lower()
    # The address, the person and the response.
    assert Tombstone.select().count() == 3


def test_a_replay_erases_who_came_back_and_nobody_else(world, make):
    survey = make.survey()
    before = clock.now() - timedelta(days=2)
    make.response(survey, 1, at=before, person={"email": "gone@example.com"})
    make.response(survey, 2, at=before, person={"email": "stays@example.com"})
    single = make.response(survey, 3, at=before)
    asked = before + timedelta(days=1)
    graves = {
        tombstones.digest(tombstones.EMAIL, "gone@example.com"): asked,
        tombstones.digest(tombstones.RESPONSE, single.id): asked,
    }
    make.response(survey, 4, person={"id": "new", "email": "gone@example.com"})
    gone = erasure.replay(graves, clock.now())
    # The job is the one that waited for the comment of the person erased.
    assert gone == {"person": 1, "response": 2, "job": 1}
    assert {row.score for row in Response.select()} == {2, 4}
    assert erasure.replay(graves, clock.now()) == {}
    assert daily_counts.differences() == []


@pytest.mark.parametrize(
    ("given", "erased"),
    [
        ({"email": "ann@example.com"}, {"ann@example.com", "claimed", "u1"}),
        ({"external_id": "u1"}, {"u1"}),
        ({"email": "other@example.com"}, set()),
    ],
)
def test_everybody_who_goes_by_an_address_or_id_is_found(world, given, erased):
    now = clock.now()
    people.put(people.Identity(email="ann@example.com", verified=True), {"name": "ann@example.com"}, now)
    people.put(people.Identity(email="ann@example.com"), {"name": "claimed"}, now)
    people.put(people.Identity("u1", "ann@example.com", verified=True), {"name": "u1"}, now)
    assert {person.name for person in people.named(**given)} == erased


MENTIONS = {
    "alone": ({"to": "bob@example.com"}, True),
    "as it was typed": ({"event": {"from": ["Bob@Example.com"]}}, True),
    "in a sentence": ({"text": "Tell\nbob@example.com."}, True),
    "with a name": ({"to": "Bob <bob@example.com>"}, True),
    "a longer name": ({"to": "jimbob@example.com"}, False),
    "another name": ({"to": "jim.bob@example.com"}, False),
    "a tagged name": ({"to": "jim+bob@example.com"}, False),
    "an apostrophe": ({"to": "o'bob@example.com"}, False),
    "a longer domain": ({"to": "bob@example.com.au"}, False),
    "another domain": ({"to": "bob@example.community"}, False),
}


def test_erasing_an_address_forgets_the_jobs_that_name_it_and_no_others(world):
    bob = people.put(people.Identity(email="bob@example.com", verified=True), {}, clock.now())[0]
    for name, (payload, _) in MENTIONS.items():
        db.write(functools.partial(jobs.enqueue, name, payload, clock.now()))
    erasure.erase([bob], clock.now())
    left = {job.kind for job in jobs.Job.select()}
    assert left - {"person erased"} == {name for name, (_, gone) in MENTIONS.items() if not gone}


@pytest.fixture
def rows_of_jane(api, make):
    """One person in several rows: by address, by id and address, by a second id; and claims of each. By name."""
    survey, now = make.survey(quarantine_days=0), clock.now()
    for name, person in {
        "address": {"email": "jane@example.com"},
        "id": {"id": "cust-1", "email": "jane@example.com"},
        "second id": {"id": "cust-2", "email": "jane@example.com"},
        "somebody else": {"id": "cust-3", "email": "joan@example.com"},
    }.items():
        body = {"survey": survey.id, "person": {"name": name, **person}, "deliver": False}
        assert api.post("/api/triggers", body, 200)["decision"] == "scheduled"
    for name, claim in {
        "claimed address": people.Identity(email="jane@example.com"),
        "claimed id": people.Identity("cust-2"),
        "claimed beside an id": people.Identity("x-1", "jane@example.com"),
        "claims somebody else": people.Identity("cust-3"),
    }.items():
        people.put(claim, {"name": name}, now)
    # A signature covers the id alone: the address beside it is a claim, and leads to nobody.
    people.put(people.Identity("x-2", "jane@example.com", verified=True), {"name": "signed for an id"}, now)
    return {row.name: row for row in Person.select()}


JANE = {"address", "id", "second id", "claimed address", "claimed id", "claimed beside an id"}


@pytest.mark.parametrize("name", ["address", "id", "second id"])
def test_erasing_one_row_of_a_person_erases_all_of_them_and_nobody_else(api, rows_of_jane, name):
    shown = api.get(f"/api/people/{rows_of_jane[name].id}/export")["people"]
    assert set(shown) == {rows_of_jane[each].id for each in JANE}
    api.delete(f"/api/people/{rows_of_jane[name].id}")
    assert {row.name for row in Person.select()} == set(rows_of_jane) - JANE
    assert not Invitation.select().where(Invitation.email == "jane@example.com").exists()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        # Who is signed for an id and only claims the address is somebody else.
        ({"email": "Jane@example.com"}, JANE),
        ({"external_id": "cust-1"}, JANE),
        ({"external_id": "x-1"}, {"claimed beside an id"}),
        ({"external_id": "x-2"}, {"signed for an id"}),
    ],
)
def test_an_address_or_id_names_all_rows_of_its_person(rows_of_jane, given, found):
    assert {row.name for row in erasure.rows_named(**given)} == found


def test_what_is_derived_from_a_response_goes_with_it(world, make):
    row = make.response(make.survey(), 1, comment="Bad")
    world.work()
    responses.delete(row, clock.now())
    for table in db.registered():
        if db.about(table) == "response":
            assert table.select().count() == 0
    assert Person.select().count() == 0


@pytest.fixture
def desk(api, make):
    """A helpdesk's connection; `solved(ticket, address)` tells that a ticket of somebody is solved."""
    survey = make.survey(quarantine_days=0)
    body = {"name": "desk", "kind": "zendesk", "survey": survey.id, "proof": "shared"}
    connection = api.post("/api/connections", body)

    def solved(ticket, address):
        said = {
            "event": "ticket.solved",
            "ticket": {"id": ticket, "subject": f"About {ticket}"},
            "requester": {"email": address},
        }
        headers = {"Authorization": "Bearer " + connection["secret"]}
        answer = api.world.client.post("/in/" + connection["id"], json=said, headers=headers)
        assert answer.status_code == 200, answer.text

    solved.connection = Connection.get_by_id(connection["id"])
    return solved


def test_the_tickets_of_a_person_are_forgotten_and_no_others(world, api, desk):
    desk("mine-1", ADDRESS)
    # A receipt that names nobody but the ticket, and an answer through a link that the helpdesk printed.
    desk("mine-1", ADDRESS)
    printed = printed_links.land(desk.connection, "mine-1", "Sam", clock.now())
    world.client.post(
        f"/i/{links.invitation_token(printed.id)}", data={"score": "1", "comment": "mine-1 again"}
    )
    desk("shared-1", ADDRESS)
    desk("shared-1", "bob@example.com")
    desk("others-1", "bob@example.com")
    api.delete(f"/api/people/{Person.get(Person.email == ADDRESS).id}")
    world.work()
    assert {row.ticket_id for row in Resolution.select()} == {"others-1"}
    assert {row.ticket_id for row in Trigger.select()} == {"shared-1", "others-1"}
    assert b"mine-1" not in bytes_of(world)
    # Who comes back with the same ticket is somebody new.
    desk("mine-1", ADDRESS)
    assert Invitation.select().where(Invitation.email == ADDRESS).count() == 1


def test_mail_in_the_outbox_goes_with_a_person_however_they_are_erased(world, api, make):
    survey = make.survey()
    for address in (ADDRESS, "bob@example.com"):
        invite(api, survey, address)
    world.work()
    assert len(outbox(world)) == 2
    api.delete(f"/api/people/{Person.get(Person.email == ADDRESS).id}")
    world.work()
    [left] = outbox(world)
    assert "bob@example.com" in left["To"]
    # Who comes back is somebody new, and their mail stays.
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=False):
        invite(api, survey, ADDRESS)
        world.work()
        erasure.clean_up()
    assert len(outbox(world)) == 2


def test_a_mail_that_was_just_being_written_goes_too(world, api, make):
    invite(api, make.survey(), ADDRESS)
    with time_machine.travel(clock.now() + timedelta(seconds=2), tick=False):
        world.work()
    api.delete(f"/api/people/{Person.get().id}")
    world.work()
    assert outbox(world) == []


def test_the_domain_of_a_person_alone_is_forgotten_where_machines_opened_mail(api, make):
    survey = make.survey()
    for address in ("ann@ann.example", "bob@shop.example", "cid@shop.example"):
        opened_links.decoy(invite(api, survey, address))
    for address in ("ann@ann.example", "bob@shop.example"):
        api.delete(f"/api/people/{Person.get(Person.email == address).id}")
    assert [row.domain for row in ScannedDomain.select()] == ["shop.example"]


def test_pages_that_sqlite_divided_keep_no_copy(world):
    """Rows move when a page is divided, and what moved away stays in its free space; by a fixed chance, here."""
    if world.kind != "sqlite":
        assert not db.rewrite(erasure.REWRITTEN_AT_ONCE)
        return
    chance = random.Random(1)
    with db.database.atomic():
        db.database.execute_sql("CREATE TABLE slack (id TEXT PRIMARY KEY, word TEXT UNIQUE, text TEXT)")
        words = [f"word{chance.getrandbits(60):x}" for _ in range(4000)]
        for word in words:
            row = (f"{chance.getrandbits(80):x}", word, "x" * chance.randint(1, 600))
            db.database.execute_sql("INSERT INTO slack VALUES (?, ?, ?)", row)
            grown = ("y" * chance.randint(1, 300), chance.choice(words))
            db.database.execute_sql("UPDATE slack SET text = text || ? WHERE word = ?", grown)
        gone = chance.sample(words, 400)
        for word in gone:
            db.database.execute_sql("DELETE FROM slack WHERE word = ?", (word,))

    def left():
        db.truncate_log()
        lies = bytes_of(world)
        return sum(word.encode() in lies for word in gone)

    assert left() > 0
    assert not db.rewrite(most=1000)
    assert db.rewrite(erasure.REWRITTEN_AT_ONCE)
    assert left() == 0


def test_an_erasure_has_the_database_written_anew_at_once_or_at_night(world, make):
    if world.kind != "sqlite":
        return
    row = make.response(make.survey(), 1, comment="long " * 1999, person={"email": ADDRESS})

    def free_pages():
        return db.database.execute_sql("PRAGMA freelist_count").fetchone()[0]

    assert not erasure.rewrite(clock.now())
    responses.delete(row, clock.now())
    assert free_pages() > 0
    assert erasure.rewrite(clock.now())
    assert free_pages() == 0
    make.response(make.survey(), 1, comment="long " * 1999, person={"email": ADDRESS})
    world.work()
    erasure.erase(people.named(email=ADDRESS), clock.now())
    assert free_pages() > 0
    world.work()
    assert free_pages() == 0
    assert not erasure.rewrite(clock.now() + timedelta(days=2))


def test_of_erasures_at_once_the_last_cleans_up(world):
    now = clock.now()
    earlier = now - timedelta(seconds=1)
    for at in (earlier, now):
        db.write(functools.partial(jobs.enqueue, erasure.ERASED, {"at": at.isoformat()}, at))
    assert jobs.waits(erasure.ERASED, earlier.isoformat())
    assert not jobs.waits(erasure.ERASED, now.isoformat())
    world.work()
    assert not jobs.waits(erasure.ERASED, earlier.isoformat())
