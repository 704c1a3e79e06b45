"""Who may be lost: each reason can be looked at, nothing else counts, and it goes when it is over."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from playhouse.test_utils import count_queries

from feedback import lost
from feedback.models import LostSign
from surveys.base import worker
from surveys.models import Invitation, Person, Response
from tests.conftest import Api
from tests.visitor import signed_in

#: A Friday.
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    """A frozen clock that a test may move."""
    lost.STAYS.forget()
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def answered(api, clock):
    """Answers of somebody, a second after each other; the last one."""

    def made(survey, name, *scores, **values):
        given = []
        for score in scores:
            clock.shift(timedelta(seconds=1))
            person = {"email": f"{name}@x.example", "name": name.title()}
            body = {"survey": survey.id, "person": person, "score": score, **values}
            given.append(api.post("/api/responses", body))
        return given[-1]

    return made


@pytest.fixture
def asked(make):
    """Asks that somebody did not answer, an hour after each other."""

    def made(survey, name):
        person = Person.get(Person.email == f"{name}@x.example")
        for number in range(1, 3):
            Invitation.create(
                id=f"inv_{name}{survey.id[-20:]}{number}", survey=survey.id, person=person.id, channel="email",
                status="expired", created_at=NOW, sent_at=NOW + timedelta(hours=number),
            )  # fmt: skip
        return person

    return made


def test_each_reason_leads_to_what_it_was_seen_in_and_goes_when_it_is_over(
    world, api, make, answered, asked, clock, monkeypatch
):
    # More than one page of each.
    monkeypatch.setattr(lost, "PAGE", 2)
    monkeypatch.setattr(lost, "AT_ONCE", 1)
    survey, other = make.survey(), make.survey("csat")
    last = {
        "leaving": answered(survey, "ann", 8, comment="I will cancel my subscription next month."),
        "fell": answered(survey, "bob", 10, 7),
        "unhappy_twice": answered(survey, "cem", 3, 2),
        "follow_up": answered(survey, "dee", 8),
        "silent": answered(other, "eve", 5),
    }
    for name, scores in (("fay", (7, 9)), ("gus", (6, 9)), ("hal", (9, 7))):
        answered(survey, name, *scores, comment="Please cancel my order, I switched it off.")
    case = api.post("/api/follow-ups", {"response": last["follow_up"]["id"]})["id"]
    eve = asked(other, "eve")
    world.work()
    clock.shift(timedelta(days=15))
    lost.nightly(datetime.now(UTC))
    found = api.get("/api/people/lost")["items"]
    assert {
        reason["kind"]: (item["name"], reason["response"]) for item in found for reason in item["reasons"]
    } == {
        kind: (name, last[kind]["id"])
        for kind, name in zip(last, ("Ann", "Bob", "Cem", "Dee", "Eve"), strict=True)
    }
    assert [item["points"] for item in found] == sorted((item["points"] for item in found), reverse=True)
    urls = {reason["kind"]: reason["url"] for item in found for reason in item["reasons"]}
    assert urls["follow_up"] == f"http://localhost/team/follow-ups/{case}"
    visitor = signed_in(world, "editor")
    for url in urls.values():
        assert visitor.get(url.removeprefix("http://localhost")).status_code == 200
    assert "Speaks of leaving" in visitor.get("/team/lost").get_data(as_text=True)
    assert lost.look_at_all(datetime.now(UTC)) == lost.look_lately(datetime.now(UTC)) == 0
    # Page by page the same; who sees one survey alone sees its reasons alone.
    pages, cursor = [], ""
    while cursor is not None:
        page = api.call("GET", f"/api/people/lost?limit=2{cursor and '&cursor=' + cursor}", 200)
        pages, cursor = pages + page["items"], page["next"]
    assert pages == found
    limited = Api(world, make.key("write", surveys=[other.id])).get("/api/people/lost")["items"]
    assert [item["name"] for item in limited] == ["Eve"]
    # It is over: happy again, deleted, given up, erased; and what is old tells nothing any more.
    answered(survey, "cem", 9)
    api.delete(f"/api/responses/{last['leaving']['id']}")
    api.patch(f"/api/follow-ups/{case}", {"status": "given_up", "reason": "lost_cause", "note": "They left."})
    api.delete(f"/api/people/{eve.id}")
    world.work()
    lost.hourly(datetime.now(UTC))
    assert [item["name"] for item in api.get("/api/people/lost")["items"]] == ["Bob"]
    clock.shift(timedelta(days=200))
    lost.nightly(datetime.now(UTC))
    assert LostSign.select().count() == 0


def test_what_is_told_of_a_survey_comes_of_that_survey_alone(world, api, make, answered, asked, clock):
    survey, other = make.survey(), make.survey()
    answered(other, "ann", 2)
    answered(survey, "ann", 3)
    answered(survey, "bob", 8)
    asked(other, "bob")
    expected = {}
    answered(survey, "cem", 3)
    answered(other, "cem", 10)
    expected["Cem"] = ("unhappy_twice", answered(survey, "cem", 2)["id"])
    expected["Dee"] = ("silent", answered(survey, "dee", 8)["id"])
    asked(survey, "dee")
    world.work()
    clock.shift(timedelta(days=15))
    answered(other, "dee", 9)
    lost.nightly(datetime.now(UTC))
    limited = Api(world, make.key("write", surveys=[survey.id]))
    for reader in (limited, api):
        found = reader.get("/api/people/lost")["items"]
        assert {
            item["name"]: (reason["kind"], reason["response"]) for item in found for reason in item["reasons"]
        } == expected


def test_who_sees_one_survey_misses_no_reason_that_was_seen_in_another_too(
    world, api, make, answered, asked, clock
):
    surveys = [make.survey(), make.survey()]
    for survey in surveys:
        answered(survey, "bob", 10, 7)
        answered(survey, "cem", 3, 2)
        answered(survey, "ann", 8, comment="I will cancel my subscription next month.")
        row = answered(survey, "dee", 8)
        # The second answer joins the case of the first.
        api.post("/api/follow-ups", {"response": row["id"]}, None)
        answered(survey, "eve", 9)
    for survey in surveys:
        asked(survey, "eve")
    world.work()
    clock.shift(timedelta(days=15))
    lost.nightly(datetime.now(UTC))
    kinds = {"Ann": "leaving", "Bob": "fell", "Cem": "unhappy_twice", "Dee": "follow_up", "Eve": "silent"}
    everything = api.get("/api/people/lost")["items"]
    for found in (
        everything,
        *(
            Api(world, make.key("write", surveys=[survey.id])).get("/api/people/lost")["items"]
            for survey in surveys
        ),
    ):
        # Seen in two surveys it is one reason, and counts once.
        assert {item["name"]: [reason["kind"] for reason in item["reasons"]] for item in found} == {
            name: [kind] for name, kind in kinds.items()
        }
        assert [item["points"] for item in found] == [4, 3, 2, 2, 1]
    assert lost.look_at_all(datetime.now(UTC)) == 0
    last = {item["name"]: item["reasons"][0]["response"] for item in everything}
    assert Response.get(Response.id == last["Bob"]).survey_id == surveys[1].id
    pages, cursor = [], ""
    while cursor is not None:
        page = api.call("GET", f"/api/people/lost?limit=2{cursor and '&cursor=' + cursor}", 200)
        pages, cursor = pages + page["items"], page["next"]
    assert pages == everything


def test_the_worker_does_other_work_meanwhile(world, make, answered, monkeypatch):
    answered(make.survey(), "cem", 3, 2)
    handed = []
    monkeypatch.setattr(worker, "beside", lambda verb, name: handed.append((name, verb)))
    for duty in (lost.hourly, lost.nightly, lost.hourly):
        duty(datetime.now(UTC))
    assert ([name for name, _ in handed], LostSign.select().count()) == (["lost"] * 3, 0)
    assert [verb() for _, verb in handed] == [1, 0, 0]


def test_the_page_says_nobody_may_be_lost_only_once_everybody_was_looked_at(world, make):
    """History comes in at once, and what was said in it long before anybody looks."""
    visitor, survey = signed_in(world, "editor"), make.survey()
    shown = visitor.get("/team/lost").get_data(as_text=True)
    assert "Nobody has been looked at yet" in shown
    assert "Nobody, as far as can be seen" not in shown
    made = [make.response(survey, 2, NOW - timedelta(days=days)) for days in (60, 30)]
    person = Person.create(id="per_z", name="Zoe", verified=True, created_at=NOW)
    Response.update(person=person.id).where(Response.key.in_([each.key for each in made])).execute()
    worker.do_duties(NOW)
    shown = visitor.get("/team/lost").get_data(as_text=True)
    assert "Unhappy twice in a row" in shown
    assert "Everybody was last looked at on" in shown
    # From then on the hour looks at those alone who spoke in it.
    with count_queries() as counter:
        lost.hourly(NOW)
    assert counter.count < 6


def test_how_long_customers_stay_is_told_where_it_is_known_who_left(world, api, make, answered, clock):
    survey = make.survey()
    visitor = signed_in(world, "editor")
    for number in range(12):
        answered(survey, f"p{number}", 2 if number < 6 else 9)
    assert api.get("/api/people/survival") == {"items": []}
    assert "left_on" in visitor.get("/team/lost/survival").get_data(as_text=True)
    for number, day in (
        (0, "2026-12-17"),
        (1, "2027-01-06"),
        (2, "2026-01-01"),
        (3, "soon"),
        (6, "2027-01-06"),
    ):
        person = Person.get(Person.email == f"p{number}@x.example").id
        api.patch(f"/api/people/{person}", {"properties": {"left_on": day}})
    clock.shift(timedelta(days=100))
    with count_queries() as counter:
        lost.stays(None, datetime.now(UTC))
    # Who was erased, whether anybody left, the surveys, and the first answers; of properties this one alone is read.
    assert counter.count == 4
    with count_queries() as counter:
        lost.stays(None, datetime.now(UTC) + lost.FRESH / 2)
    assert counter.count == 1
    low, high = api.get("/api/people/survival")["items"]
    # Who left before they answered is left out; "soon" is no day.
    assert (low["group"], low["n"], low["left"]) == ("low", 5, 2)
    assert [(each["days"], each["share"], each["at_risk"]) for each in low["stay"]] == [
        (30, pytest.approx(80), 4), (90, pytest.approx(60), 3),
    ]  # fmt: skip
    assert (high["group"], high["n"], high["left"]) == ("high", 6, 1)
    # Who is erased is in it no more, from that moment on.
    api.delete(f"/api/people/{Person.get(Person.email == 'p7@x.example').id}")
    assert [each["n"] for each in api.get("/api/people/survival")["items"]] == [5, 5]
    # They signed in a hundred days ago.
    visitor = signed_in(world, "editor", email="later@acme.example")
    shown = visitor.get("/team/lost/survival").get_data(as_text=True)
    assert "5, 2 left" in shown
    assert "not known yet" in shown
