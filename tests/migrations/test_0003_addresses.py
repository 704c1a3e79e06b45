"""What was kept under two spellings of an address becomes one, and nothing of it is lost."""

import importlib
from datetime import UTC, datetime, timedelta

import pytest

from surveys import people
from surveys.base import clock, db, ids
from surveys.models import Invitation, Person, Response, ScannedDomain, Trigger

migration = importlib.import_module("migrations.0003_addresses")

LETTERS, ASCII = "kim@łódź.example", "kim@xn--d-uga0v4h.example"
EARLY = datetime(2026, 3, 1, tzinfo=UTC)
LATE = EARLY + timedelta(days=30)


def migrate():
    with db.database.atomic():
        migration.up(None, db.database.obj)


@pytest.fixture
def put(world):
    def make(at=EARLY, **values):
        given = {"verified": True, "created_at": at, **values}
        return Person.create(id=ids.new("per"), **given)

    return make


def leave_rows(make, survey, person, email):
    """An invitation, a receipt and an answer of a person."""
    invitation = Invitation.create(
        id=ids.new("inv"), survey=survey.id, person=person.id, email=email, channel="email", status="sent",
        created_at=EARLY,
    )  # fmt: skip
    Trigger.create(
        id=ids.new("trg"), survey=survey.id, person=person.id, decision="scheduled", created_at=EARLY
    )
    row = make.response(survey, 9, at=EARLY)
    Response.update(person=person.id, invitation=invitation.id).where(Response.key == row.key).execute()
    return Response.get_by_id(row.key)


@pytest.mark.parametrize("letters_first", [True, False])
def test_two_people_whom_the_spelling_kept_apart_become_the_older(make, put, caplog, letters_first):
    first, second = (LETTERS, ASCII) if letters_first else (ASCII, LETTERS)
    older = put(EARLY, email=first, name="Kim", company="Acme", unsubscribed_at=EARLY, last_asked_at=LATE)
    newer = put(
        LATE, email=second, name="Kim Ł", properties={"plan": "größte"}, unsubscribed_at=LATE,
        days_between_asks=90, bounced_at=EARLY, bounce_lifted_at=LATE,
    )  # fmt: skip
    survey = make.survey()
    before = leave_rows(make, survey, newer, second)
    leave_rows(make, survey, older, first)
    migrate()
    told = caplog.records[-1].msg
    assert (told["people"], told["merged"], told["refusals_kept"]) == (1, 1, 1)
    person = Person.get()
    assert (person.id, person.email, person.name, person.company) == (older.id, ASCII, "Kim Ł", "Acme")
    assert person.properties == {"plan": "größte"}
    # The newest refusal wins.
    assert (person.unsubscribed_at, person.days_between_asks) == (LATE, 90)
    assert (person.last_asked_at, person.bounced_at, person.created_at) == (LATE, None, EARLY)
    for table in (Invitation, Trigger, Response):
        assert {row.person_id for row in table.select()} == {older.id}
    assert {row.email for row in Invitation.select()} == {ASCII}
    # Whoever follows the feed learns of it, and the row counts as changed no later than it was.
    after = Response.get(Response.key == before.key)
    assert after.version == before.version + 1
    assert after.changed_tick > before.changed_tick
    assert after.updated_at == before.updated_at


def test_who_never_wants_to_be_asked_stays_so(put):
    put(EARLY, email=LETTERS, never_ask=True)
    put(LATE, email=ASCII)
    migrate()
    assert Person.get().never_ask


def test_claims_and_verified_people_stay_apart(put):
    put(email=LETTERS)
    put(email=ASCII, verified=False)
    migrate()
    assert sorted((row.email, row.verified) for row in Person.select()) == [(ASCII, False), (ASCII, True)]


def test_every_kind_of_address_is_spelled_anew(put):
    put(external_id="c-1", claimed_email=LETTERS, known_email=LETTERS)
    put(external_id="c-2", claimed_email="KIM@ŁÓDŹ.example".lower())
    ScannedDomain.create(domain="łódź.example", invitations=2)
    ScannedDomain.create(domain="xn--d-uga0v4h.example", invitations=3)
    migrate()
    found = {row.external_id: (row.claimed_email, row.known_email) for row in Person.select()}
    assert found == {"c-1": (ASCII, ASCII), "c-2": (ASCII, None)}
    assert [(row.domain, row.invitations) for row in ScannedDomain.select()] == [("xn--d-uga0v4h.example", 5)]


def test_the_one_with_the_callers_id_stays_and_two_ids_stay_two(put):
    put(EARLY, email=LETTERS)
    kept = put(LATE, email=ASCII, external_id="c-1")
    migrate()
    assert [row.id for row in Person.select()] == [kept.id]
    other = put(LATE, email=LETTERS, external_id="c-2")
    migrate()
    assert Person.get_by_id(other.id).known_email == ASCII
    # They share an address, so they are one to whoever asks.
    who = people.Identity("c-2", verified=True)
    assert {row.id for row in people.same(who)} == {kept.id, other.id}


def test_nothing_is_said_where_nothing_is_to_do(put, caplog):
    put(email="ann@example.com")
    put(email=LETTERS)
    migrate()
    caplog.clear()
    migrate()
    assert caplog.records == []


def test_many_people_are_merged_in_batches(put, monkeypatch):
    monkeypatch.setattr(migration, "BATCH", 3)
    for number in range(10):
        put(EARLY, email=f"k{number}@łódź.example")
        put(clock.now(), email=f"k{number}@xn--d-uga0v4h.example")
    migrate()
    assert sorted(row.email for row in Person.select()) == [
        f"k{number}@xn--d-uga0v4h.example" for number in range(10)
    ]


@pytest.mark.parametrize(
    "typed",
    [
        "Kim@ŁÓDŹ.example",
        "kim@straße.example",
        "kim@☕.example",
        "kim@shop.example.",
        "Jörg@a\u202eü.x",
        "a@-ł.x",
    ],
)
def test_the_migration_and_the_application_agree_on_the_form(typed):
    from surveys.domain import addresses

    assert migration.normal(typed) == addresses.normal(typed)
