"""The widget's questions to the service: one clock with mail, and nothing for those who only claim."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from surveys import people
from surveys.base import signing
from surveys.models import Invitation, Person, Response
from tests.surveys.mailbox import outbox
from tests.threads import together

NOW = datetime(2026, 9, 14, 10, 15, 30, tzinfo=UTC)
SHOP = "https://shop.example"


@pytest.fixture(autouse=True)
def clock():
    """A frozen clock that a test may move."""
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def ask(client):
    """Ask as the widget does: JSON as plain text, from the shop."""

    def asked(survey, person, status=200, origin=SHOP, **more):
        answer = client.post(
            f"/w/{survey.id}/ask",
            json={"person": person, "touchpoint": "checkout", **more},
            headers={"Origin": origin, "Content-Type": "text/plain"},
        )
        assert answer.status_code == status, answer.text
        assert answer.headers.get("Access-Control-Allow-Origin") == (SHOP if origin == SHOP else None)
        return answer.get_json(silent=True)

    return asked


@pytest.fixture
def report(client):
    """Tell what became of it."""

    def told(survey, invitation, event, status=204):
        body = {"invitation": invitation, "event": event}
        answer = client.post(f"/w/{survey.id}/event", json=body, headers={"Origin": SHOP})
        assert answer.status_code == status, answer.text

    return told


def signed(survey, **person):
    over = person.get("id") or person["email"].lower()
    return {**person, "signature": signing.hmac_sha256_hex(people.identity_secret(survey), over)}


@pytest.fixture
def survey(make):
    return make.survey(allowed_origins=[SHOP])


def test_who_was_asked_by_mail_is_not_asked_by_the_widget(api, ask, survey, make):
    robin = {"email": "robin@example.com"}
    api.post("/api/triggers", {"survey": make.survey().id, "person": robin}, 200)
    answer = ask(survey, signed(survey, **robin))
    assert answer == {
        "ask": False,
        "rule": "quarantine",
        "next_eligible_at": "2026-10-14T10:15:30.000Z",
        "invitation": None,
    }
    # Known to a key's holder by both names.
    api.post("/api/people", {"id": "u1", "email": "robin@example.com"})
    assert ask(survey, signed(survey, id="u1"))["rule"] == "quarantine"


def test_who_was_asked_by_the_widget_is_not_asked_by_mail(api, ask, survey, make):
    answer = ask(survey, signed(survey, id="u1"))
    assert (answer["ask"], answer["rule"]) == (True, None)
    receipt = api.post(
        "/api/triggers",
        {"survey": make.survey().id, "person": {"id": "u1", "email": "robin@example.com"}},
        200,
    )
    assert receipt["rule"] == "quarantine"


def test_the_answer_belongs_to_the_invitation_that_was_given(client, ask, report, survey):
    token = ask(survey, signed(survey, id="u1"))["invitation"]
    assert Invitation.get().status == "scheduled"
    report(survey, token, "shown")
    assert (Invitation.get().status, Invitation.get().sent_at) == ("sent", NOW)
    body = {
        "id": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
        "survey": survey.id,
        "score": 9,
        "invitation": token,
    }
    assert client.post("/r", json=body).status_code == 201
    assert Invitation.get().status == "answered"
    assert Response.get().person_id == Person.get().id


def test_mail_that_waits_goes_out_although_a_widget_says_it_was_shown(world, api, report, survey, clock):
    body = {"survey": survey.id, "person": {"email": "robin@example.com"}, "delay_minutes": 60}
    receipt = api.post("/api/triggers", body, 200)
    token = receipt["invitation"]["url"].rpartition("/")[2]
    report(survey, token, "shown")
    assert Invitation.get().status == "scheduled"
    clock.shift(timedelta(minutes=61))
    world.work()
    assert len(outbox(world)) == 1


def test_who_dismisses_is_left_alone_for_a_while(ask, report, make, clock):
    survey = make.survey(allowed_origins=[SHOP], quarantine_days=0)
    token = ask(survey, signed(survey, id="u1"))["invitation"]
    report(survey, token, "dismissed")
    report(survey, token, "dismissed")
    report(survey, token, "shown")  # The two reports of a page travel side by side.
    assert (Invitation.get().status, Person.get().last_declined_at) == ("declined", NOW)
    assert ask(survey, signed(survey, id="u1"))["rule"] == "wait_after_decline"
    clock.shift(timedelta(days=30))
    assert ask(survey, signed(survey, id="u1"))["ask"] is True


def test_a_mere_claim_learns_nothing_of_whom_else_we_asked_and_leaves_no_trace(api, ask, survey, make):
    robin = {"email": "robin@example.com"}
    api.post("/api/triggers", {"survey": survey.id, "person": robin}, 200)
    before = Invitation.select().count(), Person.select().count()
    for claim in (robin, {**robin, "signature": "0" * 64}, signed(survey, id="u9") | robin):
        answer = ask(survey, claim)
        assert answer["ask"] is True
    assert (answer["rule"], answer["next_eligible_at"]) == (None, None)
    assert ask(survey, robin)["invitation"] is None
    assert (Invitation.select().count(), Person.select().count()) == (before[0] + 1, before[1] + 1)


def test_what_this_survey_was_told_under_a_claim_counts_for_the_claim(ask, survey, make):
    make.response(survey, 9, at=NOW, person={"email": "robin@example.com"})
    assert ask(survey, {"email": "robin@example.com"})["rule"] == "wait_after_answer"
    other = make.survey(allowed_origins=[SHOP])
    assert ask(other, {"email": "robin@example.com"})["ask"] is True


def test_a_survey_that_takes_only_signed_people_asks_no_others(ask, make):
    survey = make.survey(allowed_origins=[SHOP], require_signed_identity=True)
    assert ask(survey, {"email": "robin@example.com"})["rule"] == "identity"
    assert ask(survey, signed(survey, email="robin@example.com"))["ask"] is True


def test_the_service_samples_known_people(ask, make):
    survey = make.survey(allowed_origins=[SHOP], sampling=0)
    assert ask(survey, signed(survey, id="u1"))["rule"] == "sampling"


def test_a_foreign_page_may_not_ask(client, ask, survey):
    ask(survey, {"email": "robin@example.com"}, status=403, origin="https://evil.example")
    path = f"/w/{survey.id}/ask"
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    assert client.options(path, headers=headers).status_code == 204
    assert client.options(path, headers={**headers, "Origin": "https://evil.example"}).status_code == 403


def test_wrong_bodies_are_named(client, ask, report, survey, make):
    ask(survey, {}, status=422)
    ask(survey, {"email": "robin@example.com"}, status=422, extra=1)
    report(survey, None, "shown")
    report(survey, None, "exploded", status=422)
    report(survey, "forged", "shown", status=422)
    token = ask(survey, signed(survey, id="u1"))["invitation"]
    report(make.survey(allowed_origins=[SHOP]), token, "shown", status=422)
    path = f"/w/{survey.id}/ask"
    assert client.post(path, data=b"{" + b" " * 32768 + b"}", content_type="text/plain").status_code == 413
    assert client.post("/w/sv_nothing/ask", json={"person": {"id": "u1"}}).status_code == 404


def employed(api, company="Acme  Ltd", *ids):
    """People of one company, known to a key's holder."""
    for number in ids:
        api.post("/api/people", {"id": number, "email": f"{number}@acme.example", "company": company})


def test_the_budget_of_a_company_counts_what_the_widget_asked(api, ask, make):
    survey = make.survey(allowed_origins=[SHOP], company_budget=1)
    employed(api, "Acme  Ltd", "u1", "u2", "u3")
    assert ask(survey, signed(survey, id="u1"))["ask"] is True
    assert Invitation.get().company == "acme ltd"
    # In the widget and by mail, whoever of them is asked, in whichever survey.
    refused = ask(survey, signed(survey, id="u2"))
    assert (refused["ask"], refused["rule"]) == (False, "budget")
    assert refused["next_eligible_at"] == "2026-10-01T00:00:00.000Z"
    other = make.survey(company_budget=1)
    for person in ({"email": "u3@acme.example"}, {"email": "new@acme.example", "company": "ACME Ltd"}):
        told = api.post("/api/triggers", {"survey": other.id, "person": person}, 200)
        assert (told["decision"], told["rule"]) == ("suppressed", "budget")


def test_the_widget_keeps_to_what_a_company_was_asked_by_mail(api, ask, make):
    survey = make.survey(allowed_origins=[SHOP], company_budget=1)
    employed(api, "Acme", "u1", "u2")
    api.post("/api/triggers", {"survey": survey.id, "person": {"email": "u1@acme.example"}}, 200)
    assert ask(survey, signed(survey, id="u2"))["rule"] == "budget"
    # Who is of no company that is known has none's budget.
    assert ask(survey, signed(survey, id="u9"))["ask"] is True


def test_what_waits_gives_way_to_a_widget_of_higher_priority(api, ask, make):
    waiting = make.survey(delay_minutes=600, company_budget=1)
    survey = make.survey(allowed_origins=[SHOP], company_budget=1, priority=5)
    employed(api, "Acme", "u1", "u2")
    body = {"survey": waiting.id, "person": {"email": "u1@acme.example"}}
    mailed = api.post("/api/triggers", body, 200)["invitation"]["id"]
    assert ask(survey, signed(survey, id="u2"))["ask"] is True
    assert Invitation.get_by_id(mailed).status == "cancelled"


def test_one_company_is_not_asked_more_often_by_several_visitors_at_once(world, api, make):
    survey = make.survey(allowed_origins=[SHOP], company_budget=1)
    visitors = [f"u{number}" for number in range(6)]
    employed(api, "Acme", *visitors)

    def one(number):
        body = {"person": signed(survey, id=visitors[number])}
        return world.app.test_client().post(f"/w/{survey.id}/ask", json=body).get_json()["ask"]

    assert sorted(together(6, one)) == [False] * 5 + [True]


def test_a_backtest_counts_what_the_widget_asked_a_company(api, ask, make, clock):
    survey = make.survey(allowed_origins=[SHOP])
    employed(api, "Acme", "u1", "u2")
    ask(survey, signed(survey, id="u1"))
    clock.shift(timedelta(days=1))
    api.post("/api/triggers", {"survey": survey.id, "person": {"email": "u2@acme.example"}}, 200)
    clock.shift(timedelta(days=1))
    question = {"survey": survey.id, "since": "2026-09-01T00:00:00Z"}
    for budget, by_rule in ((1, {"budget": 1}), (2, {})):
        told = api.post("/api/triggers/backtest", {**question, "rules": {"company_budget": budget}}, 200)
        assert (told["triggers"], told["by_rule"]) == (1, by_rule)
