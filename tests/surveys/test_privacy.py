"""Erased means erased: not in rows, indexes, queues, logs of the database, nor after a restore."""

import functools
from datetime import timedelta
from pathlib import Path

import pytest

from surveys import links, people, privacy, responses, rollups, tombstones
from surveys.base import clock, db, ids, jobs
from surveys.models import Erased, Invitation, Person, Response, Tombstone

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


def bytes_of(world):
    """All that the database holds, as it lies on the disk (SQLite) or in its text columns (PostgreSQL)."""
    if world.kind == "sqlite":
        path = Path(world.environment["DATA_DIR"])
        return b"".join(file.read_bytes() for file in path.glob("earshot.db*"))
    rows = db.database.execute_sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    ).fetchall()
    dumps = [db.database.execute_sql(f'SELECT t::text FROM "{name}" AS t').fetchall() for (name,) in rows]
    return "\n".join(text for dump in dumps for (text,) in dump).encode()


def test_erasing_leaves_no_trace_of_a_person(world, leave_traces, api):
    person_id, kept = leave_traces()
    assert MARK.lower().encode() in bytes_of(world).lower()
    gone = privacy.erase(people.named(email=ADDRESS), clock.now(), email=ADDRESS)
    privacy.settle()
    assert {name: gone[name] for name in ("person", "response", "invitation", "idempotent_call")} == {
        "person": 2, "response": 2, "invitation": 1, "idempotent_call": 1,
    }  # fmt: skip
    assert MARK.lower().encode() not in bytes_of(world).lower()
    assert person_id.encode() not in bytes_of(world)
    assert [item["id"] for item in api.get("/api/feed")["items"]] == [kept.id]
    assert api.get("/api/feed", q=MARK)["items"] == []
    assert rollups.differences() == []
    assert Erased.select().count() == 2


def test_erasing_through_the_api_leaves_none_once_the_worker_ran(world, leave_traces, api):
    person_id, _ = leave_traces()
    api.delete(f"/api/people/{person_id}")
    world.work()
    assert MARK.lower().encode() not in bytes_of(world).lower()


def test_erasing_nobody_says_so(world):
    assert privacy.erase([], clock.now(), email="nobody@example.com") == {}


def test_tombstones_lie_beside_the_database_and_give_nothing_away(world, make):
    make.response(make.survey(), person={"email": ADDRESS})
    privacy.erase(people.named(email=ADDRESS), clock.now(), email=ADDRESS)
    privacy.settle()
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
    gone = privacy.replay(graves, clock.now())
    # The job is the one that waited for the comment of the person erased.
    assert gone == {"person": 1, "response": 2, "job": 1}
    assert {row.score for row in Response.select()} == {2, 4}
    assert privacy.replay(graves, clock.now()) == {}
    assert rollups.differences() == []


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
    privacy.erase([bob], clock.now())
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
        ({"email": "Jane@example.com"}, JANE | {"signed for an id"}),
        ({"external_id": "cust-1"}, JANE),
        ({"external_id": "x-1"}, {"claimed beside an id"}),
        ({"external_id": "x-2"}, {"signed for an id"}),
    ],
)
def test_an_address_or_id_names_all_rows_of_its_person(rows_of_jane, given, found):
    assert {row.name for row in privacy.rows_named(**given)} == found


def test_what_is_derived_from_a_response_goes_with_it(world, make):
    row = make.response(make.survey(), 1, comment="Bad")
    world.work()
    responses.delete(row, clock.now())
    for table in db.registered():
        if db.about(table) == "response":
            assert table.select().count() == 0
    assert Person.select().count() == 0
