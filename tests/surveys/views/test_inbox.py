"""Helpdesks' calls through the real routes: proof, receipts, repetitions, reopening, hostile bytes."""

import json
from datetime import timedelta

import pytest
import time_machine

from surveys import links, triggers
from surveys.base import jobs, worker
from surveys.helpdesks import HELPDESKS
from surveys.models import Connection, Invitation, Person, Resolution, Trigger
from tests.conftest import ON_SQLITE
from tests.surveys.helpdesks.cases import NAMES, NOW, recorded, secret_of, source

CHALLENGES = {"front-sync_challenge"}
PINGS = {"intercom-ping"}
SIGNED = [name for name in NAMES if source(name) != "freshdesk"]


@pytest.fixture(autouse=True)
def frozen_clock():
    """The moment at which the recordings were signed."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def connect(api, make):
    """Make a connection over the API; its id."""

    def made(kind, secret=None, **more):
        body = {"name": kind, "kind": kind, "survey": more.pop("survey", None) or make.survey().id, **more}
        return api.post("/api/connections", body | ({"secret": secret} if secret else {}))

    return made


def connect_recorded(connect, name, **more):
    return connect(source(name), secret_of(recorded(name)[1]), **more)


def deliver(client, connection, name, body=None, **headers):
    call, about, _ = recorded(name)
    return client.open(
        "/in/" + connection["id"],
        method=about["method"],
        data=call.body if body is None else body,
        headers={**call.headers, **headers},
    )


@ON_SQLITE
@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_call_is_answered_200_byte_for_byte(client, connect, name):
    connection = connect_recorded(connect, name)
    answer = deliver(client, connection, name)
    assert answer.status_code == 200
    if name in CHALLENGES:
        expected = recorded(name)[2]["response"]
        assert (answer.text, answer.mimetype) == (expected["body"], expected["content_type"])
        assert Trigger.select().count() == 0
        return
    receipt = answer.get_json()
    _, _, expected = recorded(name)
    if name in PINGS:
        assert (receipt["decision"], receipt["reason"]) == ("ignored", "a test call (ping)")
    elif expected["customer"]["email"] is None:
        assert (receipt["decision"], receipt["rule"]) == ("suppressed", "no_address")
        assert Person.select().count() == 0
    else:
        assert receipt["decision"] == "scheduled", receipt
        invitation = Invitation.get()
        assert invitation.email == expected["customer"]["email"].lower()
        assert (invitation.agent_name, invitation.team_name) == (
            expected["agent"]["name"],
            expected["team"]["name"],
        )
        assert (invitation.ticket["id"], invitation.ticket["subject"], invitation.ticket["channel"]) == (
            expected["external_id"],
            expected["subject"],
            expected["channel"],
        )
        assert invitation.tags == (expected["tags"] or None)
        assert receipt["invitation"] == {"id": invitation.id, "send_at": "2026-09-14T10:15:30.000Z"}


@ON_SQLITE
@pytest.mark.parametrize("name", [name for name in NAMES if name not in CHALLENGES])
def test_nothing_that_a_helpdesk_logs_holds_a_link_by_which_somebody_could_rate(client, api, connect, name):
    """Whatever it is told: a first call, a repeated one, one that is answered meanwhile, one that takes it back."""
    connection = connect_recorded(connect, name)
    for _ in range(2):
        answer = deliver(client, connection, name)
        for said in (answer.text, str(answer.headers)):
            assert "/i/" not in said
            assert "score" not in said
            for row in Invitation.select():
                assert links.invitation_token(row.id) not in said
    # Whoever has a key of the API is no helpdesk.
    kept = api.get("/api/triggers")["items"][-1]
    assert kept["invitation"] is None or kept["invitation"]["url"].startswith("http://localhost/i/inv_")


@ON_SQLITE
@pytest.mark.parametrize("name", SIGNED)
def test_a_flipped_byte_is_a_401_without_a_body(client, connect, name):
    connection = connect_recorded(connect, name)
    flipped = bytearray(recorded(name)[0].body)
    flipped[len(flipped) // 2] ^= 1
    answer = deliver(client, connection, name, bytes(flipped))
    assert (answer.status_code, answer.data) == (401, b"")
    assert Trigger.select().count() == Invitation.select().count() == 0


def test_an_unsigned_call_with_a_wrong_secret_is_a_401_without_a_body(client, connect):
    connection = connect("freshdesk", "another secret than theirs")
    answer = deliver(client, connection, "freshdesk-ticket_resolved")
    assert (answer.status_code, answer.data) == (401, b"")


def test_a_connection_that_is_not_there_is_a_404(client):
    assert client.post("/in/con_nothing", data=b"{}").status_code == 404


def test_an_unsigned_head_of_intercom_is_answered_and_leaves_no_receipt(client, connect):
    connection = connect("intercom", "a secret of theirs")
    answer = client.head("/in/" + connection["id"])
    assert (answer.status_code, answer.data) == (200, b"")
    assert client.head("/in/" + connect("zammad")["id"]).status_code == 401
    assert Trigger.select().count() == 0


@pytest.mark.parametrize("name", ["generic-standard_webhooks_ticket_solved", "zendesk-trigger_solved"])
def test_a_repeated_delivery_is_a_duplicate_whatever_came_of_the_first(client, connect, name):
    connection = connect_recorded(connect, name)
    first = deliver(client, connection, name).get_json()
    again = deliver(client, connection, name).get_json()
    assert (first["decision"], again["decision"], again["rule"]) == ("scheduled", "duplicate", "duplicate")
    assert again["reason"] == "this delivery was handled already"
    assert again["id"] != first["id"]
    assert Invitation.select().count() == 1


def test_repeated_bytes_are_a_duplicate_where_deliveries_have_no_id(client, connect):
    name = "freescout-convo.status"
    connection = connect_recorded(connect, name)
    deliver(client, connection, name)
    reply = deliver(client, connection, name, **{"x-freescout-event": "convo.agent.reply.created"})
    assert reply.get_json()["rule"] == "duplicate"
    assert reply.get_json()["reason"] == "the same bytes were handled already"


def solved(ticket="T-1", email="robin@example.com", type="ticket.solved", **more):
    data = {"ticket": {"id": ticket, **more}, "customer": {"email": email}}
    return json.dumps({"type": type, "data": data}).encode()


def tell(client, connection, body, **more):
    """A generic call with a bearer key, which has no delivery id."""
    headers = {"Authorization": f"Bearer {connection['secret']}", **more}
    answer = client.post("/in/" + connection["id"], data=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.fixture
def desk(connect, make):
    """A generic connection whose survey has no quarantine, so that only tickets are compared."""
    return connect("generic", survey=make.survey(quarantine_days=0).id)


def test_one_resolution_asks_once_however_often_it_is_told(client, desk):
    at = {"solved_at": "2026-09-14T09:00:00Z"}
    assert tell(client, desk, solved(**at))["decision"] == "scheduled"
    assert tell(client, desk, solved(**at, subject="told anew"))["rule"] == "duplicate"
    assert tell(client, desk, solved(solved_at="2026-09-14T10:00:00Z"))["decision"] == "scheduled"
    assert tell(client, desk, solved(ticket="T-2", **at))["decision"] == "scheduled"


def test_a_ticket_without_a_time_has_one_resolution_until_it_is_reopened(client, desk):
    assert tell(client, desk, solved())["decision"] == "scheduled"
    assert tell(client, desk, solved(subject="other bytes"))["rule"] == "duplicate"
    reopened = tell(client, desk, solved(type="ticket.reopened"))
    assert (reopened["decision"], reopened["reason"]) == (
        "ignored",
        "the ticket was reopened; 1 invitation cancelled",
    )
    # The very same bytes as the first time.
    assert tell(client, desk, solved())["decision"] == "scheduled"
    assert [i.status for i in Invitation.select().order_by(Invitation.created_at, Invitation.status)] == [
        "cancelled",
        "scheduled",
    ]


def test_a_ticket_that_was_taken_away_is_not_asked_about_again(client, desk):
    tell(client, desk, solved())
    taken = tell(client, desk, solved(type="ticket.deleted"))
    assert taken["reason"].endswith("1 invitation cancelled")
    assert tell(client, desk, solved(subject="again"))["rule"] == "duplicate"


def test_cancelling_by_reopening_takes_the_ask_off_the_clock(client, connect):
    desk = connect("generic")
    tell(client, desk, solved())
    assert Person.get().last_asked_at == NOW
    tell(client, desk, solved(type="ticket.reopened"))
    assert Person.get().last_asked_at is None
    assert tell(client, desk, solved(solved_at="2026-09-14T10:00:00Z"))["decision"] == "scheduled"


def test_what_is_sent_is_not_cancelled_by_reopening(client, desk):
    tell(client, desk, solved())
    Invitation.update(status="sent", sent_at=NOW).execute()
    assert tell(client, desk, solved(type="ticket.reopened"))["reason"] == "the ticket was reopened"
    assert Invitation.get().status == "sent"


def test_a_tag_to_be_skipped_is_said_in_the_receipt(client, connect):
    desk = connect("generic", skip_tags=["Internal"])
    receipt = tell(client, desk, solved(tags=["internal"]))
    assert (receipt["decision"], receipt["rule"]) == ("suppressed", "excluded")
    assert receipt["reason"] == 'the tag "internal" is to be skipped'


HOSTILE = {
    "broken JSON": (b'{"type": "ticket.solved", "data": {', "ignored"),
    "no body": (b"", "ignored"),
    "not an object": (b"[1, 2, 3]", "ignored"),
    "unrendered placeholders": (
        solved(ticket="{{ticket.id}}", email="{{ticket.requester.email}}"),
        "ignored",
    ),
    "an unrendered address": (solved(email="#{ticket.customer.email}"), "suppressed"),
    "a form": (b"type=ticket.solved&ticket[id]=7&customer[email]=robin@example.com", "scheduled"),
    "XML with a DTD": (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><ticket><id>&x;</id></ticket></a>',
        "ignored",
    ),
    "deeply nested": (b"[" * 5000 + b"]" * 5000, "ignored"),
    "NUL and half surrogates": (
        b'{"type":"ticket.solved","data":{"ticket":{"id":"8","subject":"a\\u0000b\\ud800c"},'
        b'"customer":{"email":"robin@example.com"}}}',
        "scheduled",
    ),
    "bytes that are no text": (b"\xff\xfe\x00\xd8", "ignored"),
}


@ON_SQLITE
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_bodies_with_good_proof_get_a_receipt_with_a_reason(client, desk, what):
    body, decision = HOSTILE[what]
    receipt = tell(client, desk, body)
    assert receipt["decision"] == decision
    assert receipt["reason"] or decision == "scheduled"


NASTY = [
    ('Quotes "two" & <b>angle</b>', 'Quotes "two" & <b>angle</b>'),
    ("line\r\nBcc: evil@example.com", "line Bcc: evil@example.com"),
    ("=?utf-8?q?hi=0D=0ABcc:evil@example.com?=", "hi Bcc:evil@example.com"),
    ("abc\u202edef", "abcdef"),
    ("Ruby \U0001f48e", "Ruby \U0001f48e"),
]


@pytest.mark.parametrize(("subject", "kept"), NASTY)
def test_foreign_subjects_are_kept_as_one_safe_line(client, desk, subject, kept):
    tell(client, desk, solved(subject=subject))
    assert Invitation.get().ticket["subject"] == kept


def test_more_than_a_mebibyte_is_refused_and_exactly_one_is_read(client, desk):
    headers = {"Authorization": f"Bearer {desk['secret']}"}
    path, size = "/in/" + desk["id"], 1024 * 1024
    assert client.post(path, data=b" " * (size + 1), headers=headers).status_code == 413
    assert client.post(path, data=b" " * size, headers=headers).status_code == 200


@pytest.mark.parametrize("seconds", [-3601, 3601])
def test_a_timestamp_outside_the_window_is_not_proved(client, connect, frozen_clock, seconds):
    name = "zendesk-trigger_solved"
    connection = connect_recorded(connect, name)
    frozen_clock.shift(seconds)
    assert deliver(client, connection, name).status_code == 401


def test_no_raw_body_is_kept(client, connect):
    name = "zendesk-trigger_solved"
    connection = connect_recorded(connect, name)
    deliver(client, connection, name)
    kept = json.dumps(Trigger.get().body)
    assert "current_user" not in kept
    assert "20978392" not in kept


def test_an_event_without_address_is_looked_up_later_and_then_decided(world, client, connect, desk_api):
    name = "zendesk-ticket_status_changed"
    back = {"url": "https://desk.example.com", "user": "agent@example.com", "token": "a token"}
    connection = connect_recorded(connect, name, write_back=back)
    receipt = deliver(client, connection, name).get_json()
    assert (receipt["decision"], receipt["rule"], receipt["invitation"]) == ("deferred", "lookup", None)
    expected = recorded(name)[2]
    desk_api.answers = [
        (
            200,
            {
                "ticket": {"requester_id": int(expected["customer"]["id"])},
                "users": [
                    {
                        "id": int(expected["customer"]["id"]),
                        "email": "robin@example.com",
                        "name": "Robin Vale",
                    }
                ],
            },
        )
    ]
    world.work()
    assert [call[:2] for call in desk_api.calls] == [
        (
            "GET",
            f"https://desk.example.com/api/v2/tickets/{expected['external_id']}.json?include=users,groups,brands",
        )
    ]
    trigger = Trigger.get_by_id(receipt["id"])
    assert (trigger.decision, trigger.rule, trigger.person.email) == ("scheduled", None, "robin@example.com")


def test_a_look_up_that_finds_no_address_asks_nobody(world, client, connect, desk_api):
    name = "zendesk-ticket_status_changed"
    connection = connect_recorded(
        connect, name, write_back={"url": "https://desk.example.com", "user": "a", "token": "b"}
    )
    receipt = deliver(client, connection, name).get_json()
    desk_api.answers = [(404, {})]
    world.work()
    trigger = Trigger.get_by_id(receipt["id"])
    assert (trigger.decision, trigger.rule, trigger.person_id) == ("suppressed", "no_address", None)


def test_a_ticket_reopened_while_it_is_looked_up_asks_nobody(world, client, connect, desk_api):
    name = "zendesk-ticket_status_changed"
    back = {"url": "https://desk.example.com", "user": "a", "token": "b"}
    made = connect_recorded(connect, name, write_back=back)
    receipt = deliver(client, made, name).get_json()
    connection = Connection.get_by_id(made["id"])
    origin = triggers.Origin(connection.id, connection.id)
    ticket = Trigger.get_by_id(receipt["id"]).ticket_id
    triggers.take_back(connection.survey, origin, ticket, "the ticket was reopened", NOW, True)
    world.work()
    assert desk_api.calls == []
    assert Invitation.select().count() == 0


def test_a_ticket_reopened_at_the_end_of_its_look_up_asks_nobody(
    world, client, connect, desk_api, monkeypatch
):
    name = "zendesk-ticket_status_changed"
    back = {"url": "https://desk.example.com", "user": "a", "token": "b"}
    receipt = deliver(client, connect_recorded(connect, name, write_back=back), name).get_json()
    user = int(recorded(name)[2]["customer"]["id"])
    found = {"ticket": {"requester_id": user}, "users": [{"id": user, "email": "robin@example.com"}]}
    desk_api.answers = [(200, found)]
    hold = triggers._hold

    def wait(*args):
        # Whoever reopened the ticket had it in hand until now.
        Trigger.update(decision="ignored", rule=None, reason="the ticket was reopened").execute()
        return hold(*args)

    monkeypatch.setattr(triggers, "_hold", wait)
    world.work()
    assert len(desk_api.calls) == 1
    assert Invitation.select().count() == 0
    assert Trigger.get_by_id(receipt["id"]).decision == "ignored"


def test_what_was_said_of_a_customer_goes_once_a_look_up_is_given_up(world, client, connect, desk_api):
    name = "zendesk-ticket_status_changed"
    back = {"url": "https://desk.example.com", "user": "a", "token": "b"}
    receipt = deliver(client, connect_recorded(connect, name, write_back=back), name).get_json()
    desk_api.answers = [(500, {})]
    world.work()
    last_attempt = NOW + timedelta(seconds=1.1 * sum(jobs.RETRY_AFTER))
    worker.do_duties(last_attempt)
    waiting = Trigger.get_by_id(receipt["id"])
    assert (waiting.rule, waiting.body["person"]["email"]) == ("lookup", None)
    worker.do_duties(NOW + timedelta(days=5))
    given_up = Trigger.get_by_id(receipt["id"])
    assert (given_up.decision, given_up.rule, given_up.body) == ("suppressed", "no_address", None)


#: What each helpdesk that tells a language calls it, where in its call.
SPOKEN = {
    "generic-standard_webhooks_ticket_solved": ("data", "customer", "language"),
    "zendesk-trigger_solved": ("requester", "language"),
    "freshdesk-ticket_resolved": ("freshdesk_webhook", "ticket_contact_language"),
    "chatwoot-conversation_status_changed": ("additional_attributes", "conversation_language"),
    "zammad-ticket_closed_custom": ("customer_locale",),
    "zammad-ticket_closed_default": ("ticket", "customer", "preferences", "locale"),
}
LANGUAGES = [("Deutsch", "de"), ("Arabic", "ar"), ("Português (Brasil)", "pt-BR"), ("Klingon", None)]


@ON_SQLITE
@pytest.mark.parametrize("name", SPOKEN)
def test_the_language_may_be_told_by_its_name(client, connect, make, name):
    survey = make.survey(quarantine_days=0).id
    connection = connect(source(name), proof="shared", survey=survey)
    for spoken, tag in LANGUAGES:
        said = json.loads(recorded(name)[0].body)
        place = said
        for step in SPOKEN[name][:-1]:
            place = place.setdefault(step, {})
        place[SPOKEN[name][-1]] = spoken
        forget(said, "locale", unless=SPOKEN[name])
        tell(client, connection, json.dumps(said).encode())
        assert Invitation.select().order_by(Invitation.created_at.desc()).first().language == tag, spoken
        Invitation.delete().execute()
        Resolution.delete().execute()
        Person.delete().execute()


def forget(said, name, unless):
    """Take the locale away where it stands beside a name."""
    if isinstance(said, dict):
        for key in [key for key in said if key == name and key != unless[-1]]:
            del said[key]
        for value in said.values():
            forget(value, name, unless)


def test_every_kind_of_helpdesk_can_be_connected(connect):
    for kind in HELPDESKS:
        assert connect(kind)["url"].startswith("http://localhost/in/con_")
