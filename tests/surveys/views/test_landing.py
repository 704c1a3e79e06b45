"""The page behind a mail's links: machines open them all and count nothing, a person's act always counts."""

import html
import json
import re
from datetime import timedelta

import pytest
import time_machine

from surveys import asks, links, people
from surveys.base import clock
from surveys.mail import opened_links
from surveys.models import Invitation, Response, ScannedDomain, Survey
from tests import threads
from tests.conftest import ON_SQLITE
from tests.surveys.mailbox import again, invite, links_of, outbox, path


@pytest.fixture
def mailed(world, api, make):
    """An invitation that was mailed, and the paths of all links in its mail."""
    invitation = invite(api, make.survey())
    world.work()
    [mail] = outbox(world)
    return again(invitation), [path(link) for link in links_of(mail)]


def page(invitation, **query):
    return path(links.invitation(invitation.id, query.get("score")))


def send(client, invitation, **fields):
    return client.post(page(invitation), data=fields)


def hidden(answer):
    return re.search(r'name="form" value="([^"]+)"', answer.get_data(as_text=True))[1]


def only():
    [row] = Response.select()
    return row


AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) SafeLinks",
    "Proofpoint URL Defense",
    "Barracuda Sentinel (EE)",
    "Mimecast",
    "python-requests/2.32",
    "GoogleImageProxy",
]


# --------------------------------------------------------------------------------------------- machines


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_opening_every_link_of_a_mail_counts_nothing_and_changes_nothing(client, mailed, method):
    invitation, paths = mailed
    for agent in AGENTS:
        for link in paths:
            headers = {"User-Agent": agent, "Sec-Purpose": "prefetch"}
            answer = client.open(link, method=method, headers=headers)
            assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None)
    assert Response.select().count() == 0
    row = again(invitation)
    assert (row.status, row.answered_at, row.scanned) == ("sent", None, True)
    assert row.person.unsubscribed_at is None


def test_machines_that_open_all_links_at_once_lose_no_intent(world, mailed):
    invitation, paths = mailed
    answers = threads.together(len(paths), lambda n: world.app.test_client().get(paths[n]).status_code)
    assert set(answers) == {200}
    found = sorted(intent["score"] for intent in again(invitation).intents)
    assert found == list(range(11))


def test_an_opened_link_is_kept_as_an_unconfirmed_intent(api, client, mailed):
    invitation, _ = mailed
    for _ in range(2):
        assert client.get(page(invitation, score=9)).status_code == 200
    shown = api.get(f"/api/invitations/{invitation.id}")
    assert [(i["score"], i["count"]) for i in shown["intents"]] == [(9, 2)]
    assert shown["scanned"] is False
    send(client, invitation, score="9")
    assert api.get(f"/api/invitations/{invitation.id}")["intents"] == []


@pytest.mark.parametrize("score", ["9", ""])
def test_a_form_that_a_script_sent_is_asked_of_a_person(api, client, mailed, score):
    invitation, _ = mailed
    answer = send(client, invitation, score=score, comment="Kept", acted="")
    text = answer.get_data(as_text=True)
    assert (answer.status_code, "Confirm my answer" in text, "Kept" in text) == (422, bool(score), True)
    assert Response.select().count() == 0
    assert again(invitation).answered_at is None
    intents_shown = api.get(f"/api/invitations/{invitation.id}")["intents"]
    assert [intent["score"] for intent in intents_shown] == ([9] if score else [])
    send(client, invitation, form=hidden(answer), score="3", acted="1")
    assert (only().score, only().counted) == (3, True)
    send(client, invitation, form=hidden(answer), score="9", acted="")
    assert only().score == 3


@pytest.mark.parametrize(
    ("mode", "votes"), [("cors", 0), ("no-cors", 0), ("same-origin", 0), ("navigate", 1)]
)
def test_what_a_browser_sends_for_a_script_is_no_form(client, mailed, mode, votes):
    invitation, _ = mailed
    client.post(page(invitation), data={"score": "9"}, headers={"Sec-Fetch-Mode": mode})
    assert Response.select().count() == votes


@pytest.mark.parametrize(("seconds", "scanned"), [(0, True), (9, True), (11, False), (3600, False)])
def test_two_scores_within_ten_seconds_are_a_machine(make, mailed, seconds, scanned):
    invitation, _ = mailed
    now = clock.now()
    opened_links.note(invitation, 9, now)
    opened_links.note(invitation, 3, now + timedelta(seconds=seconds))
    assert again(invitation).scanned is scanned


def test_the_link_that_no_person_sees_marks_a_machine(client, mailed):
    invitation, paths = mailed
    [decoy] = [link for link in paths if link.startswith("/i/") and "score=" not in link]
    assert client.get(decoy).status_code == 200
    assert again(invitation).scanned is True


def test_a_domain_that_is_scanned_again_and_again_is_learnt(api, make):
    survey = make.survey()
    first = [invite(api, survey, f"p{n}@Scanned.example") for n in range(opened_links.RECURRING)]
    for invitation in first:
        opened_links.decoy(invitation)
        opened_links.decoy(invitation)
    assert ScannedDomain.get().invitations == opened_links.RECURRING
    known, other = invite(api, survey, "new@scanned.example"), invite(api, survey, "new@other.example")
    for invitation in (known, other):
        opened_links.note(invitation, 9, clock.now())
    assert (again(known).scanned, again(other).scanned) == (True, False)


# ---------------------------------------------------------------------------------------------- persons


def test_the_score_of_the_link_is_chosen_and_one_button_confirms_it(client, mailed):
    invitation, _ = mailed
    shown = client.get(page(invitation, score=9))
    text = shown.get_data(as_text=True)
    assert re.findall(r'value="(-?\d+)" required checked', text) == ["9"]
    assert "Confirm my answer" in text
    thanks = send(client, invitation, form=hidden(shown), score="9", comment="")
    assert "What did you like most?" in thanks.get_data(as_text=True)
    row = only()
    assert (row.score, row.channel, row.counted, row.flags) == (9, "email", True, None)
    assert (row.invitation_id, row.person_id) == (invitation.id, invitation.person_id)
    assert again(invitation).status == "answered"
    send(client, invitation, form=hidden(thanks), comment="Quick\r\nand kind")
    assert (only().score, only().comment) == (9, "Quick\nand kind")


def test_a_persons_vote_counts_although_machines_were_there_before(client, mailed):
    invitation, paths = mailed
    for link in paths:
        client.get(link)
    send(client, invitation, score="2")
    assert (only().score, only().counted) == (2, True)


def test_an_answer_can_be_changed_from_the_mail_again_within_its_window(client, mailed):
    invitation, _ = mailed
    send(client, invitation, score="9", comment="Good")
    shown = client.get(page(invitation))
    assert "Good" in shown.get_data(as_text=True)
    send(client, invitation, form=hidden(shown), score="4", comment="Less good")
    assert (only().score, only().comment) == (4, "Less good")
    with time_machine.travel(clock.now() + timedelta(hours=169), tick=False):
        assert client.get(page(invitation)).status_code == 410
        assert send(client, invitation, score="10").status_code == 409
    assert only().score == 4


def test_the_pages_script_and_its_form_fill_one_answer(client, make, mailed):
    invitation, _ = mailed
    shown = client.get(page(invitation, score=9))
    data = re.search(r'data-answer="([^"]+)"', shown.get_data(as_text=True))[1]
    body = json.loads(html.unescape(data))
    answer = client.post("/r", json={**body, "score": 9, "revision": 1})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    send(client, invitation, form=hidden(shown), score="8")
    assert (only().score, only().channel, only().invitation_id) == (8, "email", invitation.id)


@pytest.mark.parametrize("origin", [None, "null", "http://localhost"])
def test_the_form_is_taken_from_our_page_whatever_the_browser_tells(client, mailed, origin):
    invitation, _ = mailed
    headers = {"Origin": origin} if origin else {}
    assert client.post(page(invitation), data={"score": "9"}, headers=headers).status_code == 200


def test_the_form_is_not_taken_from_another_site(client, mailed):
    invitation, _ = mailed
    headers = {"Origin": "https://evil.example"}
    assert client.post(page(invitation), data={"score": "9"}, headers=headers).status_code == 403
    assert Response.select().count() == 0


@pytest.mark.parametrize("score", ["", "11", "-1", "nine"])
def test_a_form_without_a_score_asks_again(client, mailed, score):
    invitation, _ = mailed
    answer = send(client, invitation, score=score, comment="Kept")
    assert answer.status_code == 422
    assert "Kept" in answer.get_data(as_text=True)


def test_the_trap_flags_what_fills_it(client, mailed):
    send(client, mailed[0], score="9", homepage="https://spam.example")
    assert (only().flags, only().counted) == (["honeypot"], False)


# ------------------------------------------------------------------------------------ headers and errors


def test_the_pages_are_kept_by_nobody_and_tell_no_other_site(client, mailed):
    invitation, paths = mailed
    answers = [client.get(link) for link in paths]
    answers += [send(client, invitation, score="9"), client.get("/i/forged"), client.post("/i/x", data={})]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@ON_SQLITE
@pytest.mark.parametrize(
    "token", ["x", "inv_000.0.x", "%00", "..", "a" * 5000], ids=["short", "forged", "nul", "dots", "long"]
)
def test_a_token_that_is_not_ours_is_not_there(client, world, token):
    assert client.get(f"/i/{token}").status_code == 404


def test_a_token_of_another_purpose_is_not_there(client, mailed):
    invitation, _ = mailed
    other = links.unsubscribe(invitation.id).rpartition("/")[2]
    assert client.get(f"/i/{other}").status_code == 404
    right = {"List-Unsubscribe": "One-Click"}
    assert client.post(f"/u/{links.invitation_token(invitation.id)}", data=right).status_code == 404


def test_a_token_in_another_spelling_is_not_there(client, api, mailed):
    invitation, _ = mailed
    saved = api.post("/api/feeds", {"name": "x"})["urls"]["json"].removeprefix("http://localhost")
    now = clock.now()
    addresses = [page(invitation), links.unsubscribe(invitation.id), links.me(invitation.person_id, now)]
    for address in (each.removeprefix("http://localhost") for each in addresses):
        assert client.get(address).status_code == 200
        last = {"A": "B"}.get(address[-1], "A")
        for other in (address[:-1] + last, address + "=", address + "%0A", address + "%20", address + "!"):
            assert client.get(other).status_code == 404, other
    assert client.get(saved).status_code == 200
    assert client.get(saved.replace(".json", "=.json")).status_code == 404
    assert client.get(saved.replace(".json", "%0A.json")).status_code == 404


def test_an_invitation_takes_no_answer_after_its_window(client, mailed):
    invitation, _ = mailed
    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        assert client.get(page(invitation, score=9)).status_code == 410
        assert send(client, invitation, score="9").status_code == 410
        assert by_script(client, invitation).status_code == 410
    assert Response.select().count() == 0


def by_script(client, invitation, **more):
    body = {"id": "00000000-0000-4000-8000-000000000001", "survey": invitation.survey_id, "score": 9, **more}
    return client.post("/r", json={**body, "invitation": links.invitation_token(invitation.id)})


def test_an_answer_without_invitation_takes_on_no_invitation_that_is_over(client, mailed):
    invitation, _ = mailed
    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        first = {"id": "00000000-0000-4000-8000-000000000001", "survey": invitation.survey_id, "score": 2}
        assert client.post("/r", json=first).status_code == 201
        assert by_script(client, invitation, revision=2).status_code == 410
    assert (only().score, only().invitation_id) == (2, None)


def test_what_was_answered_in_time_may_be_changed_after_the_window(client, mailed):
    invitation, _ = mailed
    with time_machine.travel(clock.now() + timedelta(days=29), tick=False):
        assert by_script(client, invitation).status_code == 201
    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        assert by_script(client, invitation, score=3, revision=2).status_code == 200
    assert only().score == 3


def test_what_the_widget_asked_in_time_may_arrive_as_long_as_browsers_keep_it(client, make):
    survey = make.survey(answer_window_days=1)
    who = people.Identity("u1", verified=True)
    _, invitation = asks.in_page(survey, who, None, clock.now())
    with time_machine.travel(clock.now() + timedelta(days=4, seconds=5), tick=False):
        assert by_script(client, invitation).status_code == 410
    with time_machine.travel(clock.now() + timedelta(days=3), tick=False):
        assert by_script(client, invitation).status_code == 201


@pytest.mark.parametrize(("status", "shown", "sent"), [("paused", 200, 200), ("archived", 404, 200)])
def test_a_survey_that_ended_still_takes_answers_to_its_mail(client, mailed, status, shown, sent):
    invitation, _ = mailed
    values = {"status": status, "archived_at": clock.now() if status == "archived" else None}
    Survey.update(**values).where(Survey.id == invitation.survey_id).execute()
    assert client.get(page(invitation, score=9)).status_code == shown
    assert send(client, invitation, score="9").status_code == sent
    assert only().score == 9


def test_a_cancelled_invitation_is_over(api, client, make):
    invitation = invite(api, make.survey(), delay_minutes=60)
    api.delete(f"/api/invitations/{invitation.id}")
    assert client.get(page(invitation)).status_code == 410
    assert by_script(client, invitation).status_code == 410


def test_who_answers_before_the_mail_goes_gets_none(world, api, client, make):
    invitation = invite(api, make.survey(), delay_minutes=60)
    send(client, invitation, score="9")
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        world.work()
    assert outbox(world) == []
    assert Invitation.get().status == "answered"
