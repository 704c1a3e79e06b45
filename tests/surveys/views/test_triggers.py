"""Triggers over the API: a receipt for every rule, links, deferring, budgets, dry runs, concurrency, backtests."""

from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
import time_machine
from playhouse.test_utils import count_queries

from surveys import invitations, links, pace, people
from surveys.base import db
from surveys.base.jobs import Job
from surveys.models import Invitation, Person, Resolution, Survey, Trigger
from tests.conftest import ON_SQLITE, Api
from tests.threads import together

NOW = datetime(2026, 9, 14, 10, 15, 30, tzinfo=UTC)
ROBIN = {"email": "Robin@Example.com", "name": "Robin"}


@pytest.fixture(autouse=True)
def clock():
    """A frozen clock that a test may move."""
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def fire(api):
    """Send a trigger; its receipt."""

    def sent(survey, **more):
        body = {"survey": getattr(survey, "id", survey), "person": ROBIN, **more}
        return api.post("/api/triggers", body, 200)

    return sent


def verdict(receipt):
    return receipt["decision"], receipt["rule"]


def test_a_trigger_schedules_a_mail_and_freezes_what_it_says(api, fire, make):
    survey = make.survey()
    receipt = fire(
        survey,
        touchpoint="ticket solved",
        ticket={"id": 7, "number": "N7", "subject": "Refund", "url": "https://desk.example.com/7",
                "tags": ["vip"], "channel": "E-Mail", "solved_at": "2020-01-01T00:00:00Z"},
        agent={"id": "a1", "name": "Sam"},
        team={"id": "t1", "name": "Billing"},
        properties={"plan": "pro"},
        delay_minutes=60,
    )  # fmt: skip
    assert verdict(receipt) == ("scheduled", None)
    assert receipt["invitation"]["send_at"] == "2026-09-14T11:15:30.000Z"
    assert receipt["invitation"]["url"].startswith("http://localhost/i/inv_")
    assert list(receipt["invitation"]["score_urls"]) == [str(score) for score in range(11)]
    shown = api.get("/api/invitations/" + receipt["invitation"]["id"])
    assert (shown["agent"], shown["team"]) == ({"id": "a1", "name": "Sam"}, {"id": "t1", "name": "Billing"})
    assert shown["ticket"] == {
        "id": "7", "number": "N7", "subject": "Refund", "url": "https://desk.example.com/7", "channel": "email",
    }  # fmt: skip
    assert (shown["tags"], shown["properties"], shown["status"]) == (["vip"], {"plan": "pro"}, "scheduled")
    due = Job.get(Job.kind == invitations.DUE)
    assert (due.payload, due.due_at) == ({"invitation": shown["id"]}, NOW + timedelta(minutes=60))
    kept = api.get("/api/triggers/" + receipt["id"])
    assert {name: kept[name] for name in receipt} == receipt
    assert api.get("/api/triggers")["items"] == [kept]


def asked(days):
    return lambda person: Person.update(last_asked_at=NOW - timedelta(days=days)).where(
        Person.id == person.id
    )


# What must be so for a rule to refuse: the survey's values, what is said, what is done to the person before.
RULES = {
    "paused": ({"status": "paused"}, {}, None),
    "no_address": ({}, {"person": {"id": "u1"}}, None),
    "unsubscribed": ({}, {}, lambda p: Person.update(unsubscribed_at=NOW).where(Person.id == p.id)),
    "bounced": ({}, {}, lambda p: Person.update(bounced_at=NOW).where(Person.id == p.id)),
    "excluded": ({"staff_domains": ["example.com"]}, {}, None),
    "quarantine": ({}, {}, asked(29)),
    "budget": ({"person_budget": 0, "quarantine_days": 0}, {}, None),
    "sampling": ({"sampling": 0}, {}, None),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_refuses_with_its_name_and_a_reason(fire, make, rule):
    values, said, before = RULES[rule]
    survey = make.survey(**values)
    if before is not None:
        who = people.Identity(email="robin@example.com", verified=True)
        person = db.write(lambda: people.find_or_create(who, NOW))
        before(person).execute()
    receipt = fire(survey, **said)
    assert verdict(receipt) == ("sampled_out" if rule == "sampling" else "suppressed", rule)
    assert receipt["reason"]
    assert receipt["invitation"] is None
    assert Invitation.select().count() == 0


def test_who_answered_or_declined_this_survey_waits(fire, make, clock):
    survey = make.survey(quarantine_days=0)
    first = Invitation.get_by_id(fire(survey)["invitation"]["id"])
    make.response(survey, 9, at=NOW, invitation=links.invitation_token(first.id))
    assert verdict(fire(survey)) == ("suppressed", "wait_after_answer")
    clock.shift(timedelta(days=90))
    second = Invitation.get_by_id(fire(survey)["invitation"]["id"])
    invitations.decline(second, NOW + timedelta(days=90))
    receipt = fire(survey)
    assert verdict(receipt) == ("suppressed", "wait_after_decline")
    assert receipt["next_eligible_at"] == "2027-01-12T10:15:30.000Z"


def test_one_clock_holds_over_all_surveys_and_over_both_names_of_a_person(fire, make):
    one, other = make.survey(), make.survey()
    assert verdict(fire(one, person={**ROBIN, "id": "u1"})) == ("scheduled", None)
    for person in ({"id": "u1"}, ROBIN, {"email": "robin@example.com", "id": "u2"}):
        receipt = fire(other, person=person)
        assert verdict(receipt) == ("suppressed", "quarantine"), person
        assert receipt["reason"] == "asked less than a day ago; may be asked again on 2026-10-14"


def test_the_address_given_beside_an_id_is_where_mail_goes_and_a_claimed_one_never_is(fire, make):
    survey = make.survey(quarantine_days=0, wait_after_answer_days=0)
    fire(survey, person={"id": "u1", "email": "robin@example.com"})
    who = people.Identity("u1", "mallory@evil.example", verified=True)
    db.write(lambda: people.find_or_create(who, NOW))
    receipt = fire(survey, person={"id": "u1"})
    assert Invitation.get_by_id(receipt["invitation"]["id"]).email == "robin@example.com"
    db.write(lambda: people.find_or_create(people.Identity("u2", "mallory@evil.example", verified=True), NOW))
    assert verdict(fire(survey, person={"id": "u2"})) == ("suppressed", "no_address")


def test_a_blocked_trigger_is_deferred_on_wish(fire, make):
    survey = make.survey()
    fire(survey)
    receipt = fire(survey, on_block="defer")
    assert verdict(receipt) == ("deferred", "quarantine")
    assert receipt["next_eligible_at"] == receipt["invitation"]["send_at"] == "2026-10-14T10:15:30.000Z"
    assert Person.get().last_asked_at == NOW + timedelta(days=30)
    assert verdict(fire(make.survey(status="paused"), on_block="defer")) == ("suppressed", "paused")


def test_without_delivery_links_are_handed_out_and_no_mail_is_due(fire, make):
    receipt = fire(make.survey(), deliver=False, person={"id": "u1"})
    assert verdict(receipt) == ("scheduled", None)
    assert receipt["invitation"]["score_urls"]["9"] == receipt["invitation"]["url"] + "?score=9"
    invitation = Invitation.get()
    assert (invitation.channel, invitation.status, invitation.sent_at) == ("link", "sent", NOW)
    assert Job.select().where(Job.kind == invitations.DUE).count() == 0
    assert verdict(fire(make.survey(quarantine_days=0), deliver=False, person=None)) == ("scheduled", None)


def test_unsubscribing_ends_mail_but_not_links(fire, make):
    survey = make.survey(quarantine_days=0)
    fire(survey)
    people.unsubscribe(Person.get(), NOW)
    assert verdict(fire(survey)) == ("suppressed", "unsubscribed")
    assert verdict(fire(survey, deliver=False)) == ("scheduled", None)


def test_a_dry_run_decides_alike_and_leaves_no_trace_in_any_rule(fire, make, api):
    survey = make.survey()
    ticket = {"id": "7"}
    for _ in range(2):
        receipt = fire(survey, dry_run=True, ticket=ticket)
        assert verdict(receipt) == ("scheduled", None)
        assert receipt["dry_run"] is True
        assert receipt["invitation"] is None
    assert [t.select().count() for t in (Person, Invitation, Resolution)] == [0, 0, 0]
    assert Job.select().count() == 0
    assert api.get("/api/triggers")["items"][0]["body"] is None
    assert verdict(fire(survey, ticket=ticket)) == ("scheduled", None)
    assert verdict(fire(survey, dry_run=True, ticket=ticket)) == ("duplicate", "duplicate")


def test_the_same_resolution_of_a_ticket_is_a_duplicate_and_a_later_one_is_not(fire, make):
    survey = make.survey(quarantine_days=0)
    solved = {"id": "7", "solved_at": "2026-09-14T10:00:00Z"}
    assert verdict(fire(survey, ticket=solved)) == ("scheduled", None)
    assert verdict(fire(survey, ticket=solved, person={"email": "other@example.com"})) == (
        "duplicate",
        "duplicate",
    )
    assert verdict(fire(survey, ticket={**solved, "solved_at": "2026-09-14T10:10:00Z"})) == (
        "scheduled",
        None,
    )


def test_only_an_idempotency_key_replays_the_first_answer(api, make):
    body = {"survey": make.survey().id, "person": ROBIN}
    headers = {"Idempotency-Key": "k1"}
    first = api.call("POST", "/api/triggers", json=body, headers=headers)
    again = api.call("POST", "/api/triggers", json=body, headers=headers)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Invitation.select().count() == 1
    other = api.call("POST", "/api/triggers", json={**body, "touchpoint": "x"}, headers=headers)
    assert other.status_code == 422


def test_a_cancelled_invitation_is_off_the_clock_and_a_sent_one_cannot_be_cancelled(fire, make, api):
    survey = make.survey()
    first = fire(survey)["invitation"]["id"]
    api.delete(f"/api/invitations/{first}")
    second = fire(survey)["invitation"]["id"]
    api.delete(f"/api/invitations/{first}", 409)
    Invitation.update(status="sent").where(Invitation.id == second).execute()
    api.delete(f"/api/invitations/{second}", 409)
    assert [i["status"] for i in api.get("/api/invitations", status=200, person=Person.get().id)["items"]]


def test_a_survey_of_higher_priority_takes_the_place_of_one_that_waits(fire, make):
    low = make.survey(quarantine_days=0, person_budget=1)
    high = make.survey(quarantine_days=0, person_budget=1, priority=5)
    waiting = fire(low, delay_minutes=600)["invitation"]["id"]
    assert verdict(fire(low)) == ("suppressed", "budget")
    assert verdict(fire(high)) == ("scheduled", None)
    gone = Invitation.get_by_id(waiting)
    assert (gone.status, gone.reason) == (
        "cancelled",
        "gave way to a survey of higher priority (person budget)",
    )


def test_a_company_has_a_budget_over_all_its_people(fire, make, clock):
    survey = make.survey(company_budget=1)
    assert verdict(fire(survey, person={**ROBIN, "company": "Acme  Ltd"})) == ("scheduled", None)
    colleague = {"email": "kim@example.com", "company": "ACME Ltd"}
    receipt = fire(survey, person=colleague)
    assert verdict(receipt) == ("suppressed", "budget")
    assert receipt["next_eligible_at"] == "2026-10-01T00:00:00.000Z"
    clock.move_to(datetime(2026, 10, 1, tzinfo=UTC))
    assert verdict(fire(survey, person=colleague)) == ("scheduled", None)


@pytest.mark.parametrize("told", [True, False], ids=["told each time", "known from before"])
def test_a_company_is_not_asked_more_often_by_several_calls_at_once(world, make, told):
    surveys = [make.survey(company_budget=1), make.survey(company_budget=1)]
    key = make.key("trigger")
    colleagues = [people.Identity(email=f"p{n}@example.com", verified=True) for n in range(8)]
    for who in colleagues:
        people.put(who, {"company": "Acme"}, NOW)

    def one(number):
        person = {"email": colleagues[number].email, **({"company": "ACME"} if told else {})}
        answer = world.app.test_client().post(
            "/api/triggers",
            json={"survey": surveys[number % 2].id, "person": person},
            headers={"Authorization": f"Bearer {key}"},
        )
        return answer.get_json()["decision"]

    assert sorted(together(8, one)) == ["scheduled"] + ["suppressed"] * 7


def test_a_company_counts_what_a_survey_without_a_budget_asks_meanwhile(fire, make, monkeypatch):
    people.put(people.Identity(email="robin@example.com", verified=True), {"company": "Acme  Ltd"}, NOW)
    held = []
    monkeypatch.setattr(db, "serialise", lambda *names: held.extend(names))
    fire(make.survey())
    assert "company acme ltd" in held


def test_mail_waits_for_the_send_window_in_the_persons_time_zone(fire, make):
    survey = make.survey(send_window={"opens": "09:00", "closes": "12:00", "weekdays": [0, 1]})
    tokyo = {"email": "kim@example.com", "properties": {"time_zone": "Asia/Tokyo"}}
    assert fire(survey)["invitation"]["send_at"] == "2026-09-14T10:15:30.000Z"
    assert fire(survey, person=tokyo)["invitation"]["send_at"] == "2026-09-15T00:00:00.000Z"
    nowhere = {"email": "lee@example.com", "properties": {"time_zone": "../../etc/passwd"}}
    assert fire(survey, person=nowhere)["invitation"]["send_at"] == "2026-09-14T10:15:30.000Z"


@pytest.mark.parametrize(
    ("window", "send_at"),
    [
        ({"opens": "09:00\n", "closes": "10:00\n"}, "2026-09-15T09:00:00.000Z"),
        ({"opens": "nine", "closes": "10:00"}, "2026-09-14T10:15:30.000Z"),
        ({"opens": "10:00", "closes": "09:00"}, "2026-09-14T10:15:30.000Z"),
        ({"closes": "09:00"}, "2026-09-14T10:15:30.000Z"),
    ],
)
def test_a_stored_send_window_that_cannot_be_read_stops_no_trigger(fire, make, window, send_at):
    assert fire(make.survey(send_window=window))["invitation"]["send_at"] == send_at


BAD = [
    ({"survey": "sv_nothing"}, "survey"),
    ({"person": {"email": "not an address"}}, "person.email"),
    ({"person": {"email": ["a@example.com"]}}, "person.email"),
    ({"delay_minutes": 1.5}, "delay_minutes"),
    ({"deliver": "no"}, "deliver"),
    ({"on_block": "retry"}, "on_block"),
    ({"ticket": {"solved_at": "yesterday"}}, "ticket.solved_at"),
    ({"surprise": 1}, "surprise"),
]


@ON_SQLITE
@pytest.mark.parametrize(("said", "field"), BAD)
def test_what_is_wrong_is_named(api, make, said, field):
    body = {"survey": make.survey().id, "person": ROBIN, **said}
    assert list(api.post("/api/triggers", body, 422)["error"]["fields"]) == [field]
    assert Trigger.select().count() == 0


def test_an_unrendered_placeholder_is_nothing_said(fire, make):
    survey = make.survey()
    said = {"person": {"email": "{{ticket.requester.email}}"}, "ticket": {"id": "{{ticket.id}}"}}
    assert verdict(fire(survey, **said)) == ("suppressed", "no_address")
    assert Trigger.get().ticket_id is None


def test_a_language_may_be_given_by_its_name(api, fire, make):
    survey = make.survey(quarantine_days=0)
    said = [("Deutsch", "de"), ("Arabic", "ar"), ("Português (Brasil)", "pt-BR"), ("pt_BR", "pt-BR")]
    for number, (language, tag) in enumerate([*said, ("中文（简体）", "zh-Hans"), ("Klingon", "Klingon")]):
        person = {"email": f"{number}@example.com", "language": language}
        made = fire(survey, person=person)["invitation"]["id"]
        assert api.get(f"/api/invitations/{made}")["language"] == tag
    refused = {"survey": survey.id, "person": {"email": "a@b.example", "language": "Sprache (keine)"}}
    assert list(api.post("/api/triggers", refused, 422)["error"]["fields"]) == ["person.language"]
    assert api.post("/api/people", {"id": "7", "language": "Français (Canada)"})["language"] == "fr-CA"


def test_a_key_sees_only_the_triggers_and_invitations_of_its_surveys(world, make, fire):
    mine, other = make.survey(quarantine_days=0), make.survey(quarantine_days=0)
    made = [fire(survey) for survey in (mine, other)]
    limited = Api(world, make.key("trigger", "write", surveys=[mine.id]))
    assert [item["id"] for item in limited.get("/api/triggers")["items"]] == [made[0]["id"]]
    assert [item["survey"] for item in limited.get("/api/invitations")["items"]] == [mine.id]
    limited.get("/api/triggers/" + made[1]["id"], 404)
    limited.get("/api/invitations/" + made[1]["invitation"]["id"], 404)
    limited.post("/api/triggers", {"survey": other.id, "person": ROBIN}, 422)
    Api(world, make.key("read")).post("/api/triggers", {"survey": mine.id}, 403)


def test_concurrent_triggers_ask_each_person_at_most_once(world, make):
    survey, key = make.survey(), make.key("trigger")
    people_ = [{"email": f"p{n}@example.com", **({"id": f"u{n}"} if n % 2 else {})} for n in range(5)]

    def one(number):
        person = dict(people_[number % 5])
        if number % 3 == 0:
            # The same person by the other name alone.
            person.pop("id", None)
        answer = world.app.test_client().post(
            "/api/triggers",
            json={"survey": survey.id, "person": person},
            headers={"Authorization": f"Bearer {key}"},
        )
        return answer.get_json()["decision"]

    decisions = list(chain(*together(8, lambda first: [one(number) for number in range(first, 100, 8)])))
    assert decisions.count("scheduled") == 5
    assert decisions.count("suppressed") == 95
    assert sorted(i.email for i in Invitation.select()) == sorted(p["email"] for p in people_)


@pytest.mark.parametrize("known", [True, False])
def test_a_decision_takes_few_statements_however_long_the_history(fire, make, world, known):
    """Each is a round trip on PostgreSQL and holds the one writer of SQLite."""
    survey = make.survey(quarantine_days=0)
    person = {"email": "ann@customer.example"}
    for number in range(5 if known else 0):
        fire(survey, person=person, ticket={"id": f"T-{number}"})
    with count_queries() as counted:
        assert fire(survey, person=person, ticket={"id": "T-9"})["decision"] == "scheduled"
    # PostgreSQL waits for whoever else decides about the same person, and then looks at them again.
    assert counted.count <= (14 if world.kind == "sqlite" else 16)


def test_a_backtest_says_what_other_rules_would_have_done(fire, make, api, clock):
    survey = make.survey(quarantine_days=30)
    for _ in range(4):
        fire(survey)
        clock.shift(timedelta(days=10))
    fire(survey, dry_run=True)
    question = {"survey": survey.id, "since": "2026-09-01T00:00:00Z"}
    as_it_was = api.post("/api/triggers/backtest", question, 200)
    assert as_it_was == {
        "triggers": 4,
        "asked": 2,
        "by_rule": {"quarantine": 2},
        "was": {"asked": 2, "by_rule": {"quarantine": 2}},
    }
    changed = api.post("/api/triggers/backtest", {**question, "rules": {"quarantine_days": 10}}, 200)
    assert (changed["asked"], changed["by_rule"]) == (4, {})
    none = api.post("/api/triggers/backtest", {**question, "rules": {"sampling": 0}}, 200)
    assert (none["asked"], none["by_rule"]) == (0, {"sampling": 4})
    half = {**question, "until": "2026-09-20T00:00:00Z"}
    assert api.post("/api/triggers/backtest", half, 200)["triggers"] == 1
    assert Invitation.select().count() == 2


def test_the_pace_lowers_the_share_of_people_asked(fire, make):
    survey = make.survey(responses_per_week=1)
    for number in range(60):
        fire(survey, person={"email": f"p{number}@example.com"})
    pace.set_pace(NOW)
    paced = Survey.get_by_id(survey.id).paced_sampling
    # 60 in a day are 420 a week; as nothing is sent yet, the usual 15 % are taken to answer.
    assert paced == pytest.approx(1 / (420 * 0.15))
    decisions = [fire(survey, person={"email": f"q{n}@example.com"})["decision"] for n in range(30)]
    assert "sampled_out" in decisions


def test_the_sender_marks_each_step_and_what_is_found_half_way_is_unknown(fire, make):
    survey = make.survey(reminder_days=3)
    one = fire(survey)["invitation"]["id"]
    taken = invitations.start_sending(one, NOW)
    assert taken is not None
    assert taken.status == "sending"
    assert invitations.start_sending(one, NOW) is None
    assert Invitation.get_by_id(one).status == "unknown"
    two = fire(survey, person={"email": "kim@example.com"})["invitation"]["id"]
    taken = invitations.start_sending(two, NOW)
    invitations.not_sent(taken, "the server was away")
    taken = invitations.start_sending(two, NOW)
    invitations.sent(taken, NOW + timedelta(minutes=1))
    row = Invitation.get_by_id(two)
    assert (row.status, row.sent_at, row.expires_at) == (
        "sent",
        NOW + timedelta(minutes=1),
        NOW + timedelta(days=30, minutes=1),
    )
    assert Job.get(Job.kind == invitations.REMINDER_DUE).due_at == NOW + timedelta(days=3, minutes=1)
    later = NOW + timedelta(days=3, minutes=1)
    assert invitations.start_reminding(two, later).reminded_at == later
    assert invitations.start_reminding(two, later) is None
    assert invitations.expire(NOW + timedelta(days=31)) == 2
    assert Invitation.get_by_id(two).status == "expired"


def test_a_refused_mail_takes_the_ask_off_the_clock(fire, make):
    taken = invitations.start_sending(fire(make.survey())["invitation"]["id"], NOW)
    invitations.failed(taken, "550 no such user", NOW)
    assert Person.get().last_asked_at is None
    assert Invitation.get().reason == "550 no such user"


def test_who_unsubscribes_before_the_mail_leaves_gets_none(fire, make):
    one = fire(make.survey(), delay_minutes=60)["invitation"]["id"]
    people.unsubscribe(Person.get(), NOW)
    assert invitations.start_sending(one, NOW) is None
    assert (Invitation.get().status, Invitation.get().reason) == ("cancelled", "unsubscribed meanwhile")
