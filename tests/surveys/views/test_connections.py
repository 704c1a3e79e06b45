"""Connections, the rating links that helpdesks print, and ratings on their way back to the ticket."""

import base64
import importlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from surveys import links, people, ticket_resolutions
from surveys.base import db, signing
from surveys.base.jobs import Job
from surveys.models import Connection, Invitation, Person, Resolution, Response, ResponseTag, Survey
from surveys.tickets import notes
from tests.conftest import ON_SQLITE, Api

NOW = datetime(2026, 9, 14, 10, 15, 30, tzinfo=UTC)
BACK = {"url": "https://desk.example.com", "user": "agent@example.com", "token": "a token"}


@pytest.fixture(autouse=True)
def clock():
    """A frozen clock that a test may move."""
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def zendesk(api, make, desk_api):
    """A Zendesk connection with a shared secret, which may write back."""
    body = {
        "name": "desk",
        "kind": "zendesk",
        "survey": make.survey().id,
        "proof": "shared",
        "write_back": BACK,
    }
    return api.post("/api/connections", body)


def solved(client, connection, ticket="7", tags=(), **more):
    body = {
        "event": "ticket.solved",
        "ticket": {"id": ticket, "tags": list(tags)},
        "requester": {"email": "robin@example.com"},
        "assignee": {"id": "5", "name": "Sam"},
        **more,
    }
    headers = {"Authorization": "Bearer " + connection["secret"]}
    answer = client.post("/in/" + connection["id"], json=body, headers=headers)
    assert answer.status_code == 200
    return answer.get_json()


def test_a_secret_that_was_left_out_is_shown_once_and_a_given_one_never(api, make):
    survey = make.survey().id
    made = api.post("/api/connections", {"name": "a", "kind": "generic", "survey": survey})
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    assert made["url"] == "http://localhost/in/" + made["id"]
    shown = api.get("/api/connections/" + made["id"])
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    given = api.post(
        "/api/connections",
        {"name": "b", "kind": "front", "survey": survey, "secret": "their signing key", "write_back": BACK},
    )
    assert "secret" not in given
    assert given["write_back"] == {"url": BACK["url"], "user": BACK["user"]}
    assert [c["id"] for c in api.get("/api/connections")["items"]].count(given["id"]) == 1
    # An address comes with its own token: the one of before is sent to no other.
    api.patch(f"/api/connections/{given['id']}", {"write_back": {"url": f"{BACK['url']}:8443"}})
    assert not (Connection.get_by_id(given["id"]).write_back or {}).get("token")


def test_what_was_pasted_with_a_line_feed_is_kept_without(api, make):
    pasted = {name: f" {value}\r\n" for name, value in BACK.items()}
    body = {"name": "a", "kind": "front", "survey": make.survey().id, "secret": "their signing key\n"}
    made = api.post("/api/connections", {**body, "write_back": pasted})
    row = Connection.get_by_id(made["id"])
    assert (row.secret, row.write_back) == ("their signing key", BACK)
    assert list(
        api.post("/api/connections", {**body, "secret": "short\n\n\n\n"}, 422)["error"]["fields"]
    ) == ["secret"]


PROOFS = [
    ("generic", "signature", 201),
    ("front", "signature_rule", 201),
    ("zendesk", "signature_rule", 422),
    ("chatwoot", "shared", 201),
    ("freshdesk", None, 201),
    ("freshdesk", "signature", 422),
    ("zammad", "magic", 422),
]


@ON_SQLITE
@pytest.mark.parametrize(("kind", "proof", "status"), PROOFS)
def test_a_proof_must_be_one_that_the_helpdesk_knows(api, make, kind, proof, status):
    body = {"name": "a", "kind": kind, "survey": make.survey().id, "proof": proof}
    answer = api.post("/api/connections", body, status)
    if status == 422:
        assert list(answer["error"]["fields"]) == ["proof"]
        assert Connection.select().count() == 0
    elif proof is None:
        assert answer["proof"] == "shared"
        assert Connection.get().proof is None


BAD = [
    ({"kind": "hotmail"}, "kind"),
    ({"survey": "sv_nothing"}, "survey"),
    ({"secret": "short"}, "secret"),
    ({"secret": "whsec_not base64!"}, "secret"),
    ({"write_back": {"url": "ftp://desk.example.com", "token": "t"}}, "write_back.url"),
    ({"write_back": {"url": "http://169.254.169.254/", "token": "t"}}, "write_back.url"),
    ({"write_back": {"url": "http://127.0.0.1:9/", "token": "t"}}, "write_back.url"),
    ({"surprise": 1}, "surprise"),
]


@ON_SQLITE
@pytest.mark.parametrize(("values", "field"), BAD)
def test_what_is_wrong_with_a_connection_is_named(api, make, values, field):
    body = {"name": "a", "kind": "generic", "survey": make.survey().id, **values}
    assert list(api.post("/api/connections", body, 422)["error"]["fields"]) == [field]


def test_a_connection_changes_and_goes(api, make, client):
    survey = make.survey().id
    made = api.post("/api/connections", {"name": "a", "kind": "generic", "survey": survey})
    path = "/api/connections/" + made["id"]
    assert api.patch(path, {"name": "b", "skip_tags": ["spam"]})["skip_tags"] == ["spam"]
    api.patch(path, {"proof": "signature_rule"}, 422)
    api.patch(path, {"kind": "front"}, 422)
    api.delete(path)
    api.get(path, 404)
    assert client.post("/in/" + made["id"]).status_code == 404


def test_a_key_sees_only_the_connections_of_its_surveys(world, make, zendesk):
    limited = Api(world, make.key("write", surveys=[make.survey().id]))
    assert limited.get("/api/connections")["items"] == []
    limited.get("/api/connections/" + zendesk["id"], 404)
    limited.get("/api/connections/" + zendesk["id"] + "/snippet", 404)
    body = {"name": "a", "kind": "generic", "survey": zendesk["survey"]}
    limited.post("/api/connections", body, 422)


# ----------------------------------------------------------------------------------- ratings going back


def answered(client, invitation, score, clock, **more):
    body = {
        "id": "00000000-0000-4000-8000-000000000000",
        "survey": invitation.survey_id,
        "score": score,
        "invitation": links.invitation_token(invitation.id),
        **more,
    }
    assert client.post("/r", json=body).status_code in (200, 201)


def test_a_rating_goes_back_to_its_ticket_once_nothing_changes_any_more(
    world, client, zendesk, desk_api, clock
):
    solved(client, zendesk)
    invitation = Invitation.get()
    answered(client, invitation, 3, clock)
    world.work()
    clock.shift(timedelta(minutes=4))
    answered(client, invitation, 2, clock, revision=2, comment="Slow {{ticket.requester}}")
    world.work()
    clock.shift(timedelta(minutes=4))
    world.work()
    assert desk_api.calls == []
    clock.shift(timedelta(minutes=2))
    world.work()
    note, tag = desk_api.calls
    assert note[:2] == ("PUT", "https://desk.example.com/api/v2/tickets/7.json")
    comment = note[2]["ticket"]["comment"]
    assert comment["public"] is False
    assert comment["body"].splitlines() == ["[earshot] NPS: 2 of 10", "", "> Slow { {ticket.requester}}"]
    assert tag[2] == {"tags": ["earshot-nps-2"]}
    world.work()
    assert len(desk_api.calls) == 2


def test_a_helpdesk_that_is_away_gets_each_request_again_and_none_twice(
    world, client, zendesk, desk_api, clock
):
    solved(client, zendesk)
    answered(client, Invitation.get(), 9, clock)
    desk_api.answers = []
    world.work()
    clock.shift(notes.SETTLES)
    desk_api.answers = [(200, {}), (503, {})]
    world.work()
    assert Job.get(Job.state == "failed").kind == notes.NOTE_DUE
    clock.shift(timedelta(seconds=10))
    world.work()
    assert [method_url[1].rpartition("/")[2] for method_url in desk_api.calls] == [
        "7.json",
        "tags.json",
        "tags.json",
    ]


def test_a_ticket_that_takes_no_note_any_more_is_left_alone(world, client, zendesk, desk_api, clock):
    solved(client, zendesk)
    answered(client, Invitation.get(), 9, clock)
    world.work()
    clock.shift(notes.SETTLES)
    desk_api.answers = [(422, {}), (422, {})]
    world.work()
    assert Job.select().where(Job.state == "failed").count() == 0


def test_an_answer_without_a_ticket_or_without_credentials_writes_nothing(world, make, desk_api, clock):
    make.response(make.survey(), 9)
    world.work()
    clock.shift(notes.SETTLES)
    world.work()
    assert desk_api.calls == []


# ------------------------------------------------------------------------------------------ rating links


def clicked(client, url, ticket, agent="Sam"):
    """Open a printed link as the helpdesk renders it."""
    rendered = url.replace("{{ticket.id}}", ticket).replace("{{ticket.assignee.name}}", agent)
    return client.get(rendered.removeprefix("http://localhost"))


@pytest.fixture
def printed(api, zendesk):
    """The link for a 9."""
    snippet = api.get(f"/api/connections/{zendesk['id']}/snippet")
    assert snippet["score_urls"]["9"].replace("&", "&amp;") in snippet["html"]
    return snippet["score_urls"]["9"]


def test_a_printed_link_lands_on_the_page_with_its_score_and_counts_nothing(client, printed):
    answer = clicked(client, printed, "7")
    assert answer.status_code == 302
    parts = urlsplit(answer.headers["Location"])
    assert parts.path.startswith("/i/inv_")
    assert parse_qs(parts.query) == {"score": ["9"]}
    assert answer.headers["Cache-Control"] == "no-store"
    assert Response.select().count() == 0
    row = Invitation.get()
    assert (row.unverified, row.ticket["id"], row.agent_name, row.sent_at) == (True, "7", "Sam", None)
    assert clicked(client, printed, "7").headers["Location"] == answer.headers["Location"]
    assert clicked(client, printed, "8").headers["Location"] != answer.headers["Location"]
    assert Invitation.select().count() == 2


def test_an_answer_through_a_printed_link_stays_out_though_its_ticket_is_named(
    client, api, printed, zendesk, clock
):
    clicked(client, printed, "7", agent="Somebody else")
    answered(client, Invitation.get(), 9, clock)
    row = Response.get()
    assert (row.flags, row.excluded, row.agent_name) == (["unverified"], True, "Somebody else")
    receipt = solved(client, zendesk, tags=["refund"])
    assert receipt["decision"] == "scheduled"
    row = Response.get()
    assert (row.flags, row.excluded, row.agent_name, row.tags) == (["unverified"], True, "Sam", None)
    assert api.get("/api/metrics", survey=zendesk["survey"])["n"] == 0


def test_a_link_for_a_ticket_that_is_known_is_unverified_all_the_same(client, api, printed, zendesk, clock):
    solved(client, zendesk, organization="Example Co")
    clicked(client, printed, "7")
    mark = Resolution.get(Resolution.resolution == ticket_resolutions.claimed(""))
    assert (mark.invitation.unverified, mark.invitation.agent_name) == (True, "Sam")
    answered(client, mark.invitation, 10, clock)
    assert (Response.get().flags, Response.get().excluded) == (["unverified"], True)
    assert api.get("/api/metrics", survey=zendesk["survey"])["n"] == 0


def test_nothing_of_the_customer_stays_with_a_printed_link(client, printed, zendesk, clock):
    """Nobody is known by it, so no erasure finds it."""
    ticket = {
        "id": "7",
        "title": "Robin Vale's refund",
        "link": "https://desk.example.com/7",
        "tags": ["vale"],
    }
    landed(client, printed)
    solved(client, zendesk, ticket=ticket)
    solved(client, zendesk, ticket={**ticket, "id": "8"})
    landed(client, printed, "8")
    links_of = Invitation.select().where(Invitation.unverified)
    assert links_of.count() == 2
    for row in links_of:
        assert set(row.ticket.values()) == {row.ticket["id"], None}
        assert (row.tags, row.properties) == (None, None)


BY_HAND = [
    # What is said of the answer before its ticket is named, and what it comes to.
    ({"excluded": True}, ["unverified", "by_hand"], True),
    ({"excluded": False}, ["unverified"], False),
    ({"excluded": True, "tags": ["spam"]}, ["unverified", "by_hand"], True),
    ({"tags": []}, ["unverified"], True),
]


@pytest.mark.parametrize(("said", "flags", "excluded"), BY_HAND)
def test_a_named_ticket_overrides_nothing_that_was_set_by_hand(
    client, api, printed, zendesk, clock, said, flags, excluded
):
    clicked(client, printed, "7")
    answered(client, Invitation.get(), 9, clock)
    path = f"/api/responses/{Response.get().id}"
    api.patch(path, said)
    solved(client, zendesk, tags=["refund"])
    row = api.get(path)
    tags = said.get("tags", [])
    assert (row["flags"], row["excluded"], row["tags"]) == (flags, excluded, tags)
    assert [mark.tag for mark in ResponseTag.select()] == tags
    assert api.get("/api/metrics", survey=zendesk["survey"])["n"] == (0 if excluded else 1)


FORGERIES = [
    ("/9?", "/0?"),
    ("&n=t,a", "&n=t"),
    ("&k=1", "&k=2"),
    ("&m=", "&m=0"),
    ("/sv_", "/sv_0"),
]


@ON_SQLITE
@pytest.mark.parametrize(("old", "new"), FORGERIES)
def test_a_changed_link_leads_nowhere(client, printed, old, new):
    assert old in printed
    assert clicked(client, printed.replace(old, new), "7").status_code == 404
    assert Invitation.select().count() == 0


def test_links_printed_before_a_new_key_lead_nowhere(client, api, printed, zendesk):
    api.patch("/api/connections/" + zendesk["id"], {"new_snippet_key": True})
    assert clicked(client, printed, "7").status_code == 404
    fresh = api.get(f"/api/connections/{zendesk['id']}/snippet")["score_urls"]["9"]
    assert clicked(client, fresh, "7").status_code == 302


def test_an_unrendered_link_is_one_to_the_survey_page(client, printed, zendesk):
    answer = client.get(printed.removeprefix("http://localhost"))
    assert answer.headers["Location"] == f"http://localhost/s/{zendesk['survey']}?score=9"
    assert Invitation.select().count() == 0


# --------------------------------------------------------------------------- one answer for a resolution

FIRST, SECOND = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


def landed(client, printed, ticket="7"):
    """The invitation behind a printed link."""
    address = clicked(client, printed, ticket).headers["Location"]
    return Invitation.get_by_id(urlsplit(address).path.split("/")[2].split(".")[0])


def asked(client, connection, ticket="7", **more):
    """The invitation that a trigger made."""
    receipt = solved(client, connection, ticket, **more)
    assert receipt["decision"] == "scheduled", receipt
    return Invitation.get_by_id(receipt["invitation"]["id"])


def say(client, invitation, score, id, **more):
    body = {"id": id, "survey": invitation.survey_id, "score": score, **more}
    return client.post("/r", json={**body, "invitation": links.invitation_token(invitation.id)})


def address(invitation):
    return links.invitation(invitation.id).removeprefix("http://localhost")


def page(client, invitation):
    return client.get(address(invitation))


def hidden(shown):
    """The page's token, which proves whose form it is."""
    return re.search(r'name="form" value="([^"]+)"', shown.text)[1]


@pytest.fixture
def open_survey(api, zendesk):
    """The survey asks one person any number of times, so that only tickets are compared."""
    api.patch(f"/api/surveys/{zendesk['survey']}", {"quarantine_days": 0, "wait_after_answer_days": 0})


def counted(api, connection):
    return api.get("/api/metrics", survey=connection["survey"])["n"]


@pytest.mark.parametrize("told_first", [True, False])
def test_whether_the_mail_goes_is_decided_as_if_the_printed_link_had_not_been_used(
    world, client, api, zendesk, printed, told_first
):
    """An agent who rates himself by his own link keeps nobody from being asked."""
    mail = asked(client, zendesk) if told_first else None
    link = landed(client, printed)
    assert say(client, link, 10, FIRST).status_code == 201
    mail = mail or asked(client, zendesk)
    assert link.id != mail.id
    world.work()
    row = Invitation.get_by_id(mail.id)
    assert (row.status, row.answered_at) == ("sent", None)
    assert len(list((world.settings.data_dir / "outbox").iterdir())) == 1
    assert counted(api, zendesk) == 0
    # Asked once, answered not yet: the link is no ask.
    asked_of = api.get("/api/metrics", survey=zendesk["survey"])["asked"]
    assert (asked_of["sent"], asked_of["answered"], asked_of["still_open"]) == (0, 0, 1)


def test_the_customers_own_answer_counts_beside_the_printed_one(client, api, zendesk, printed, clock):
    mail, link = asked(client, zendesk), landed(client, printed)
    say(client, link, 10, FIRST, comment="by the link")
    clock.shift(timedelta(hours=2))
    shown = page(client, mail)
    assert (shown.status_code, "by the link" in shown.text) == (200, False)
    answer = say(client, mail, 2, SECOND, comment="by the mail")
    assert (answer.status_code, answer.get_json()["id"]) == (201, SECOND)
    by_link, by_mail = Response.get(Response.id == FIRST), Response.get(Response.id == SECOND)
    assert (by_link.score, by_link.excluded, by_link.flags) == (10, True, ["unverified"])
    assert (by_link.created_at, by_link.comment, by_link.person_id) == (NOW, "by the link", None)
    assert (by_mail.score, by_mail.excluded, by_mail.comment) == (2, False, "by the mail")
    assert (by_mail.person_id, by_mail.agent_name) == (mail.person_id, "Sam")
    assert counted(api, zendesk) == 1
    # What the printed form still sends is its own business.
    assert say(client, link, 9, FIRST, revision=9).status_code == 200
    assert Response.get(Response.id == SECOND).score == 2
    assert counted(api, zendesk) == 1


def test_whom_a_printed_link_names_is_asked_as_before(client, api, zendesk, printed):
    """Not even a signed identity lets an answer by a printed link hold back the mail."""
    survey = Survey.get_by_id(zendesk["survey"])
    signature = signing.hmac_sha256_hex(people.identity_secret(survey), "robin@example.com")
    person = {"email": "robin@example.com", "signature": signature}
    assert say(client, landed(client, printed), 10, FIRST, person=person).status_code == 201
    assert say_again(client, survey, FIRST, person).status_code == 200
    assert (Person.select().count(), Response.get().person_id) == (0, None)
    assert solved(client, zendesk)["decision"] == "scheduled"


def say_again(client, survey, id, person):
    return client.post("/r", json={"id": id, "revision": 2, "survey": survey.id, "person": person})


def test_an_answer_that_comes_by_no_link_and_names_a_printed_one_later_stays_out(
    client, api, zendesk, printed
):
    survey, link = zendesk["survey"], landed(client, printed)
    client.post("/r", json={"id": FIRST, "survey": survey, "score": 10})
    assert counted(api, zendesk) == 1
    say(client, link, 10, FIRST, revision=2)
    assert (Response.get().flags, counted(api, zendesk)) == (["unverified"], 0)


def test_one_answer_of_a_resolution_counts_whatever_is_put_back_by_hand(client, api, zendesk, printed):
    mail, link = asked(client, zendesk), landed(client, printed)
    say(client, link, 10, FIRST)
    api.patch(f"/api/responses/{FIRST}", {"excluded": False})
    assert counted(api, zendesk) == 1
    say(client, mail, 2, SECOND)
    assert (Response.get(Response.id == FIRST).excluded, counted(api, zendesk)) == (True, 1)
    refused = api.patch(f"/api/responses/{FIRST}", {"excluded": False}, 409)
    assert refused["error"]["message"] == "The customer's own answer to this resolution of the ticket counts."
    # Without it the printed one may count, until it is there again.
    api.patch(f"/api/responses/{SECOND}", {"excluded": True})
    api.patch(f"/api/responses/{FIRST}", {"excluded": False})
    api.patch(f"/api/responses/{SECOND}", {"excluded": False})
    assert (Response.get(Response.id == FIRST).excluded, counted(api, zendesk)) == (True, 1)


def test_a_printed_answer_writes_no_note_to_its_ticket(world, client, zendesk, printed, desk_api, clock):
    mail, link = asked(client, zendesk), landed(client, printed)
    say(client, link, 10, FIRST)
    world.work()
    clock.shift(notes.SETTLES)
    world.work()
    assert desk_api.calls == []
    say(client, mail, 2, SECOND)
    world.work()
    clock.shift(notes.SETTLES)
    world.work()
    assert ["NPS: 2 of 10" in str(call) for call in desk_api.calls] == [True, False]


def test_nobody_declines_by_a_printed_link(client, api, zendesk, printed):
    link = landed(client, printed)
    told = {"invitation": links.invitation_token(link.id), "event": "dismissed"}
    assert client.post(f"/w/{zendesk['survey']}/event", json=told).status_code == 204
    row = Invitation.get()
    assert (row.status, row.sent_at) == ("sent", None)


def test_a_link_that_counted_before_counts_no_more_after_the_migration(world, client, zendesk, printed):
    """Before, a link for a ticket that was known counted at once."""
    mail, link = asked(client, zendesk), landed(client, printed)
    Invitation.update(unverified=False).execute()
    migration = importlib.import_module("migrations.0004_printed_links")
    migration.up(None, db.database)
    assert [Invitation.get_by_id(row.id).unverified for row in (link, mail)] == [True, False]
    say(client, link, 10, FIRST)
    assert Response.get().excluded is True


def test_a_printed_link_does_not_change_what_the_mail_was_answered_with(client, zendesk, printed):
    mail = asked(client, zendesk)
    say(client, mail, 2, FIRST, comment="for your eyes only")
    link = landed(client, printed)
    shown = page(client, link)
    assert shown.status_code == 410
    assert "This has been answered already." in shown.text
    assert "for your eyes only" not in shown.text
    refused = say(client, link, 10, SECOND)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "conflict")
    row = Response.get()
    assert (row.score, row.invitation_id) == (2, mail.id)


def test_a_printed_link_shows_and_changes_nothing_that_somebody_else_said(client, zendesk, printed):
    """Its bearer can have it name any ticket: only the form that was filled in goes on with its answer."""
    link = landed(client, printed)
    form = hidden(page(client, link))
    mine = {"form": form, "score": "2", "comment": "call Jane Doe"}
    assert client.post(address(link), data=mine).status_code == 200
    shown = page(client, link)
    assert (shown.status_code, "Jane" in shown.text) == (410, False)
    assert client.post(address(link), data={"score": "10", "comment": "all great"}).status_code == 410
    assert say(client, link, 10, SECOND).status_code == 409
    assert client.post(address(link), data={**mine, "score": "3"}).status_code == 200
    row = Response.get()
    assert (row.score, row.comment) == (3, "call Jane Doe")


def test_a_link_that_was_only_opened_keeps_nobody_from_being_asked(client, zendesk, printed):
    link = landed(client, printed)
    mail = asked(client, zendesk)
    assert landed(client, printed).id == link.id
    say(client, mail, 5, FIRST)
    assert say(client, link, 9, SECOND).status_code == 409


def test_the_next_resolution_is_another_answer(client, zendesk, printed, open_survey):
    first_mail, first_link = asked(client, zendesk), landed(client, printed)
    say(client, first_link, 9, FIRST)
    opened = {"ticket": {"id": "7", "status": "open"}}
    client.post(f"/in/{zendesk['id']}?k={zendesk['secret']}", json=opened)
    second_mail, second_link = asked(client, zendesk), landed(client, printed)
    assert len({first_mail.id, first_link.id, second_mail.id, second_link.id}) == 4
    assert say(client, second_link, 3, SECOND).status_code == 201
    assert sorted(row.score for row in Response.select()) == [3, 9]


def test_another_ticket_is_another_answer(client, zendesk, printed, open_survey):
    say(client, asked(client, zendesk, "7"), 9, FIRST)
    assert say(client, landed(client, printed, "8"), 3, SECOND).status_code == 201
