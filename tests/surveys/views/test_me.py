"""A respondent's own page: all of their answers and nobody else's."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from surveys import invitations, links, responses, wording
from surveys.base import clock
from surveys.models import Invitation, Person, Response
from tests.conftest import ON_SQLITE
from tests.surveys.mailbox import again, invite, links_of, outbox, path, seen

KEY = "00112233445566778899aabbccddeeff"


@pytest.fixture
def answered(world, api, client, make):
    """An answer that somebody gave to a mail."""
    invitation = invite(api, make.survey())
    world.work()
    client.post(path(links.invitation(invitation.id)), data={"score": "9", "comment": "Nice <b>"})
    return Response.get(Response.invitation == invitation.id)


def page(person_id):
    return path(links.me(person_id, clock.now()))


def send(client, row, **fields):
    return client.post(page(row.person_id), data={"response": row.id, **fields})


def test_it_shows_my_answers_as_they_are(client, answered):
    text = client.get(page(answered.person_id)).get_data(as_text=True)
    assert "9 of 10" in text
    assert "Nice &lt;b&gt;" in text
    until = clock.now() + timedelta(hours=168)
    assert f"until {wording.date('en', until.date())}." in text


def test_it_says_who_asked_about_what_and_when_in_words(api, client, make):
    survey = make.survey("stars", name="Inner name", product="Acme Tools", languages=["en", "de", "ja"])
    make.response(survey, 4, at=datetime(2026, 3, 1, 9, tzinfo=UTC), person={"email": "ann@customer.example"})
    api.call("PUT", "/api/brand", 200, json={"name": "Acme"})
    [row] = Person.select()
    Person.update(verified=True).execute()
    for language, day in (("en", "1 March 2026"), ("de", "1. März 2026"), ("ja", "2026年3月1日")):
        text = client.get(page(row.id) + f"?lang={language}").text
        assert (
            f'<span dir="auto">Acme</span> · <span dir="auto">Acme Tools</span> · <time datetime="2026-03-01">{day}'
            in text
        )
        assert "Inner name" not in text
    # The name of the company says both where it has the other's within.
    api.call("PUT", "/api/brand", 200, json={"name": "Acme tools & Sons"})
    said = client.get(page(row.id)).text
    assert '<span dir="auto">Acme tools &amp; Sons</span> · <time' in said
    # The score as the survey draws it.
    assert re.search(r'class="mark" aria-hidden="true"><svg', text)


@ON_SQLITE
def test_whether_we_may_write_is_asked_never_ticked_before_and_taken_back_at_any_time(
    world, api, client, make
):
    survey, silent = make.survey(ask_contact=True), make.survey(quarantine_days=0)
    invitation = invite(api, survey)
    asking, quiet = path(links.invitation(invitation.id)), f"/s/{silent.id}"
    asked = "May we write to you about this?"
    for address in (asking, f"/s/{survey.id}"):
        text = client.get(address).text
        assert asked in text
        assert re.findall(r'type="checkbox" name="(\w+)" value="\w+">', text) == [
            "contact_reply",
            "contact_news",
        ]
    assert asked not in client.get(quiet).text
    assert [asked in client.get(f"/w/{each.id}.js").text for each in (survey, silent)] == [True, False]
    assert asked not in client.get(f"/s/{survey.id}?kiosk=1").text
    # Kept with the answer, and shown as it was said.
    said = {"score": "3", "comment": "Slow", "contact_asked": "1"}
    for given, kept in (
        ({}, None),
        ({"contact_reply": "reply"}, "reply"),
        ({"contact_news": "news"}, "news"),
        ({"contact_reply": "reply", "contact_news": "news"}, "both"),
    ):
        client.post(asking, data={**said, **given})
        row = Response.get()
        assert row.contact == kept
    assert api.get(f"/api/responses/{row.id}")["contact"] == "both"
    assert client.get(asking).text.count(" checked") == 3
    # A form that did not ask says nothing of it.
    client.post(asking, data={"score": "4"})
    assert Response.get().contact == "both"
    mine = page(row.person_id)
    assert client.get(mine).text.count('type="checkbox" name=') == 2
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        fields = {"do": "contact", "response": row.id, "contact_news": "news"}
        assert "Your choice has been saved." in client.post(page(row.person_id), data=fields).text
        assert (Response.get().contact, Response.get().score) == ("news", 4)
        assert client.post(page(row.person_id), data={"do": "contact", "response": row.id}).status_code == 200
        assert Response.get().contact is None
    # What a browser kept since then does not bring it back.
    stale = {"id": row.id, "survey": survey.id, "revision": 2, "contact": "both"}
    client.post("/r", json=stale)
    assert Response.get().contact is None


def test_nobody_elses_answers_are_shown_changed_or_deleted(api, client, make, answered):
    other = make.response(make.survey(), 3, comment="Secret", person={"email": "bob@customer.example"})
    assert "Secret" not in client.get(page(answered.person_id)).get_data(as_text=True)
    for do in ("edit", "delete"):
        fields = {"do": do, "response": other.id, "score": "10"}
        assert client.post(page(answered.person_id), data=fields).status_code == 404
    assert Response.get(Response.id == other.id).score == 3


def test_an_answer_is_changed_within_its_window_and_not_after(client, answered):
    assert send(client, answered, do="edit", score="4", comment="").status_code == 200
    row = Response.get()
    assert (row.score, row.comment) == (4, None)
    with time_machine.travel(clock.now() + timedelta(hours=169), tick=False):
        text = client.get(page(answered.person_id)).get_data(as_text=True)
        assert 'value="edit"' not in text
        assert send(client, answered, do="edit", score="1").status_code == 409
    assert Response.get().score == 4


def test_an_answer_given_elsewhere_needs_no_edit_key_here(client, make, answered):
    survey = make.survey()
    body = make.answer(survey, score=2, edit_key=KEY)
    client.post("/r", json=body)
    Response.update(person=answered.person_id).where(Response.id == body["id"]).execute()
    row = Response.get(Response.id == body["id"])
    assert send(client, row, do="edit", score="7").status_code == 200
    assert Response.get(Response.id == body["id"]).score == 7


@pytest.mark.parametrize("score", ["11", "x"])
def test_a_score_off_the_scale_is_refused(client, answered, score):
    assert send(client, answered, do="edit", score=score).status_code == 422
    assert Response.get().score == 9


def test_what_a_browser_still_sends_of_a_deleted_answer_is_not_recorded_anew(client, api, make, answered):
    body = {"id": answered.id, "survey": answered.survey_id, "score": 1, "revision": 7}
    send(client, answered, do="delete")
    for revision in (1, 7):
        refused = client.post("/r", json={**body, "revision": revision})
        assert refused.status_code == 410
        assert refused.get_json()["error"]["message"] == "The answer was deleted."
    assert Response.select().count() == 0
    assert client.post("/r", json=make.answer(answered.survey_id, score=1)).status_code == 201
    # An administrator who imports it knows what they do.
    api.post("/api/responses", {name: body[name] for name in ("id", "survey", "score")})
    assert Response.select().count() == 2


def test_the_second_id_of_a_deleted_answer_is_dead_too(client, make):
    survey = make.survey()
    invitation = invitations.invite(
        survey, [], invitations.LINK, clock.now(), {"touchpoint": None}, clock.now()
    )
    token = links.invitation_token(invitation.id)
    first, second = (make.answer(survey, score=score, invitation=token) for score in (3, 4))
    assert [client.post("/r", json=body).status_code for body in (first, second)] == [201, 200]
    responses.delete(Response.get(), clock.now())
    for body in (first, second):
        assert client.post("/r", json={**body, "revision": 2, "comment": "late"}).status_code == 410
    assert Response.select().count() == 0
    # A person who opens the mail again answers anew.
    assert client.post("/r", json=make.answer(survey, score=5, invitation=token)).status_code == 201


def test_an_answer_is_deleted_for_good(api, client, answered):
    assert "has been deleted" in send(client, answered, do="delete").get_data(as_text=True)
    assert Response.select().count() == 0
    assert "You have not given any answers yet." in client.get(page(answered.person_id)).get_data(
        as_text=True
    )


@pytest.mark.parametrize(
    ("choice", "kept", "days", "decision"),
    [
        ("never", (True, 0), 4000, "suppressed"),
        ("quarter", (False, 90), 60, "suppressed"),
        ("quarter", (False, 90), 100, "scheduled"),
        ("normal", (False, 0), 60, "scheduled"),
    ],
)
def test_how_often_we_may_ask_is_kept_and_obeyed(api, client, make, answered, choice, kept, days, decision):
    answer = send(client, answered, do="frequency", frequency=choice)
    assert re.findall(r'name="frequency" value="(\w+)" required checked', answer.get_data(as_text=True)) == [
        choice
    ]
    person = Person.get()
    assert (person.never_ask, person.days_between_asks) == kept
    with time_machine.travel(clock.now() + timedelta(days=days), tick=False):
        body = {"survey": make.survey().id, "person": {"email": "ann@customer.example"}}
        assert api.post("/api/triggers", body, 200)["decision"] == decision


def test_who_unsubscribed_is_told_so_and_led_back(api, client, make, answered):
    def decision():
        person = {"email": "ann@customer.example"}
        body = {"survey": make.survey(quarantine_days=0).id, "person": person, "dry_run": True}
        return api.post("/api/triggers", body, 200)["decision"]

    address = page(answered.person_id)
    before = seen(client.get(address).text)
    assert "You have been unsubscribed" not in before
    assert "ann@customer.example" in before
    unsubscribing = path(links.unsubscribe(answered.invitation_id))
    client.post(unsubscribing, data={"List-Unsubscribe": "One-Click"})
    shown = client.get(address).text
    assert "You have been unsubscribed" in shown
    assert "ann@customer.example" in seen(shown)
    # Nothing says that we may ask as before, and no other choice seems to change it.
    assert re.findall(r'name="frequency" value="(\w+)"', shown) == ["never"]
    assert 'value="never" required checked' not in shown
    stale = send(client, answered, do="frequency", frequency="normal").text
    assert "You have been unsubscribed" in stale
    assert decision() == "suppressed"
    back = send(client, answered, do="again").text
    assert "You can receive survey e-mails from us again." in back
    assert "You have been unsubscribed" not in back
    assert re.findall(r'name="frequency" value="(\w+)" required checked', back) == ["normal"]
    assert decision() == "scheduled"


def test_an_address_that_is_only_claimed_is_not_shown(client, answered):
    Person.update(external_id="u1", email=None, claimed_email="other@else.example").execute()
    assert "other@else.example" not in seen(client.get(page(answered.person_id)).text)


@pytest.mark.parametrize(
    "fields", [{"x": "y"}, {"do": "format"}, {"do": "frequency"}, {"do": "frequency", "frequency": "x"}]
)
def test_a_form_that_says_nothing_is_refused(client, answered, fields):
    assert client.post(page(answered.person_id), data=fields).status_code == 422


def test_another_site_can_send_none_of_the_forms(client, answered):
    headers = {"Origin": "https://evil.example"}
    fields = {"do": "delete", "response": answered.id}
    assert client.post(page(answered.person_id), data=fields, headers=headers).status_code == 403
    assert Response.select().count() == 1


def test_the_page_is_kept_by_nobody_and_gone_with_the_person(api, client, answered):
    address = page(answered.person_id)
    answer = client.get(address)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    api.delete(f"/api/people/{answered.person_id}")
    assert client.get(address).status_code == 404
    assert client.get("/me/forged").status_code == 404


def test_a_link_runs_out_and_the_mails_page_leads_here_anew(world, client, answered):
    [mail] = outbox(world)
    [old] = [path(link) for link in links_of(mail) if "/me/" in link]
    invitation = path(links.invitation(answered.invitation_id))
    with time_machine.travel(clock.now() + timedelta(days=91), tick=False):
        for answer in (client.get(old), client.post(old, data={"do": "delete", "response": answered.id})):
            assert answer.status_code == 410
            assert "Nice" not in answer.get_data(as_text=True)
        over = client.get(invitation)
        assert (over.status_code, "/me/" in over.get_data(as_text=True)) == (410, False)
        assert f'action="./{invitation.rpartition("/")[2]}/me"' in over.get_data(as_text=True)
        assert client.get(f"{invitation}/me").status_code == 405
        led = client.post(f"{invitation}/me")
        assert (led.status_code, led.headers["Cache-Control"]) == (303, "no-store")
        assert "Nice" in client.get(led.headers["Location"]).get_data(as_text=True)
    assert Response.select().count() == 1


def test_only_an_invitation_to_somebody_leads_to_a_page_of_their_own(api, client, make, answered):
    body = {"survey": make.survey().id, "deliver": False, "ticket": {"id": "1"}}
    nobodys = links.invitation(api.post("/api/triggers", body, 200)["invitation"]["id"])
    unsubscribing = links.unsubscribe(answered.invitation_id).rpartition("/")[2]
    for token in (path(nobodys), f"/i/{unsubscribing}", "/i/forged"):
        assert client.post(f"{token}/me").status_code == 404
    mine = path(links.invitation(answered.invitation_id))
    assert client.post(f"{mine}/me", headers={"Origin": "https://evil.example"}).status_code == 403


def test_an_invitation_to_nobody_known_has_no_page_of_its_own(api, client, make):
    body = {"survey": make.survey().id, "deliver": False, "ticket": {"id": "1"}}
    receipt = api.post("/api/triggers", body, 200)
    invitation = Invitation.get_by_id(receipt["invitation"]["id"])
    answer = client.post(path(links.invitation(invitation.id)), data={"score": "9"})
    assert "/me/" not in answer.get_data(as_text=True)
    assert again(invitation).status == "answered"
