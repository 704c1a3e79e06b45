"""What the night removes, and what it must not."""

import os
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from surveys import triggers
from surveys.base import worker
from surveys.models import Invitation, Person, Resolution, Response, Trigger

NOW = datetime(2026, 9, 14, 10, 15, tzinfo=UTC)


def night(days):
    """Be the night so many days later."""
    worker.do_duties(NOW + timedelta(days=days), night=True)


def fire(api, survey, at=NOW, dry_run=False, **person):
    with time_machine.travel(at, tick=False):
        body = {"survey": survey.id, "person": person, "ticket": {"id": person["email"]}}
        return api.post("/api/triggers" + ("?dry_run=1" if dry_run else ""), body, 200)["id"]


def test_receipts_of_calls_that_asked_nobody_go_after_a_month_and_their_words_sooner(world, api, make):
    survey = make.survey()
    asked = fire(api, survey, email="a@example.com")
    ignored = triggers.ignore(survey, triggers.Origin(source="x"), "is open", NOW).id
    Trigger.update(body={"person": {"email": "b@example.com"}}).where(Trigger.id == ignored).execute()
    night(2)
    assert Trigger.get_by_id(ignored).body is not None
    night(4)
    assert Trigger.get_by_id(ignored).body is None
    assert Trigger.get_by_id(asked).body is not None
    night(31)
    assert [row.id for row in Trigger.select()] == [asked]


def test_receipts_and_marks_go_after_KEEP_RECEIPTS_DAYS_and_what_came_of_them_stays(world, api, make):
    survey = make.survey()
    fire(api, survey, email="a@example.com")
    make.response(survey)
    night(399)
    assert (Trigger.select().count(), Resolution.select().count()) == (1, 1)
    night(401)
    assert (Trigger.select().count(), Resolution.select().count()) == (0, 0)
    assert (Person.select().count(), Invitation.select().count(), Response.select().count()) == (1, 1, 1)


def test_nobody_is_forgotten_unless_it_was_said(world, api, make):
    fire(api, make.survey(), email="a@example.com")
    Invitation.update(status="sent").execute()
    night(36500)
    assert Person.select().count() == 1


def test_filed_mail_goes_after_a_month(world):
    outbox = world.settings.data_dir / "outbox"
    outbox.mkdir()
    for name, days in (("old.eml", 31), ("new.eml", 29), ("notes.txt", 99)):
        (outbox / name).write_text("x")
        moment = (NOW - timedelta(days=days)).timestamp()
        os.utime(outbox / name, (moment, moment))
    night(0)
    assert sorted(file.name for file in outbox.iterdir()) == ["new.eml", "notes.txt"]


class TestForgetting:
    """With KEEP_PEOPLE_DAYS."""

    @pytest.fixture
    def settings_overrides(self):
        """A hundred days."""
        return {"KEEP_PEOPLE_DAYS": "100"}

    @pytest.mark.parametrize(
        ("known", "forgotten"),
        [
            ({}, True),
            ({"last_answered_at": NOW + timedelta(days=50)}, False),
            ({"last_declined_at": NOW + timedelta(days=50)}, False),
            ({"last_asked_at": NOW + timedelta(days=50)}, False),
            # Whom we may not ask must stay known.
            ({"never_ask": True}, False),
            ({"unsubscribed_at": NOW}, False),
        ],
    )
    def test_whoever_was_neither_asked_nor_heard_of_is_erased(self, world, api, make, known, forgotten):
        survey = make.survey()
        fire(api, survey, email="a@example.com")
        row = Person.get()
        Person.update(last_asked_at=NOW, created_at=NOW).where(Person.id == row.id).execute()
        Invitation.update(status="sent").execute()
        make.response(survey, person={"email": "a@example.com"})
        answered = Response.update(person=row.id).execute()
        assert answered == 1
        Person.update(last_answered_at=NOW).execute()
        if known:
            Person.update(known).where(Person.id == row.id).execute()
        night(99)
        assert Person.get_or_none(Person.id == row.id) is not None
        night(101)
        assert (Person.get_or_none(Person.id == row.id) is None) is forgotten
        assert Response.select().count() == (0 if forgotten else 1)
