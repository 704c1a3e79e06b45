"""Every recorded call: proved, understood field by field, and refused when a single byte differs."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from surveys.helpdesks import HELPDESKS, reception
from surveys.helpdesks.helpdesk import Call, Challenge, Connection, Event, Ignored, fingerprint
from tests.surveys.helpdesks.cases import NAMES, NOW, recorded, secret_of, source

TICKETS = [name for name in NAMES if name not in ("front-sync_challenge", "intercom-ping")]
SIGNED = [name for name in NAMES if source(name) != "freshdesk"]
# The recordings speak of what is missing in their own words.
WORDS = {
    "customer": {"customer.email", "customer.name"},
    "inbox name": {"brand.name"},
    "mailbox name": {"brand.name"},
    "locale": {"customer.language"},
    "customer.locale": {"customer.language"},
    "inbox/team": {"team.name"},
}
WINDOWS = {
    "generic-standard_webhooks_ticket_solved": 300,
    "chatwoot-conversation_status_changed": 300,
    "front-archive_application": 300,
    "front-sync_challenge": 300,
    "zendesk-trigger_solved": 3600,
    "zendesk-ticket_status_changed": 3600,
}


def received(name: str, call: Call | None = None, now=NOW, **more):
    own, about, _ = recorded(name)
    connection = Connection(source(name), more.pop("secret", secret_of(about)), **more)
    return reception.receive(call or own, connection, now)


def test_the_recordings_are_unchanged_and_every_helpdesk_has_one():
    for name in NAMES:
        call, about, _ = recorded(name)
        assert len(call.body) == about["body_bytes"], name
        assert hashlib.sha256(call.body).hexdigest() == about["body_sha256"], name
    assert {source(name) for name in NAMES} == set(HELPDESKS)
    assert len(NAMES) == 14


@pytest.mark.parametrize("name", TICKETS)
def test_a_recorded_resolution_is_understood_field_by_field(name):
    event, expected = received(name), recorded(name)[2]
    assert isinstance(event, Event)
    customer, brand = expected["customer"], expected["brand"]
    told = {
        "source": event.source,
        "external_id": event.ticket.id,
        "solved": event.kind == "solved",
        "customer": {
            "id": event.customer.id,
            "email": event.customer.email,
            "name": event.customer.name,
            "locale": event.customer.language,
        },
        "agent": {"id": event.agent.id, "name": event.agent.name, "email": event.agent.email},
        "team": {"id": event.team.id, "name": event.team.name},
        "channel": event.ticket.channel,
        "tags": list(event.ticket.tags),
        "subject": event.ticket.subject,
        "brand": {key: event.brand.id for key in brand} if isinstance(brand, dict) else event.brand.name,
        "needs_enrichment": set(event.needs_enrichment),
    }
    missing = [each.partition(" (")[0] for each in expected["needs_enrichment"]]
    wanted = {**expected, "customer": customer}
    wanted["needs_enrichment"] = set().union(*(WORDS.get(each, {each}) for each in missing))
    if "dedupe_key" in expected:
        told["dedupe_key"] = event.delivery
    assert told == wanted


def test_the_challenge_is_echoed_as_plain_text():
    answer, expected = received("front-sync_challenge"), recorded("front-sync_challenge")[2]["response"]
    assert isinstance(answer, Challenge)
    assert (answer.status, answer.content_type, answer.body) == tuple(
        expected[key] for key in ("status", "content_type", "body")
    )


def test_a_ping_is_ignored_with_a_reason():
    assert received("intercom-ping") == Ignored("a test call (ping)")


@pytest.mark.parametrize("name", SIGNED)
def test_a_signed_call_with_any_flipped_byte_is_refused(name):
    call = recorded(name)[0]
    for place in (0, len(call.body) // 2, len(call.body) - 1):
        flipped = bytearray(call.body)
        flipped[place] ^= 1
        with pytest.raises(reception.Unproven):
            received(name, replace(call, body=bytes(flipped)))


@pytest.mark.parametrize("name", SIGNED)
def test_a_signed_call_without_its_signature_or_with_another_secret_is_refused(name):
    call, about, _ = recorded(name)
    bare = {key: value for key, value in call.headers.items() if key != about["signature"]["header"].lower()}
    with pytest.raises(reception.Unproven):
        received(name, replace(call, headers=bare))
    with pytest.raises(reception.Unproven):
        received(name, secret="another secret")
    with pytest.raises(reception.Unproven):
        received(name, secret="")


@pytest.mark.parametrize("name", SIGNED)
def test_a_right_signature_does_not_pass_where_another_proof_is_asked_for(name):
    with pytest.raises(reception.Unproven):
        received(name, proof="shared")
    with pytest.raises(reception.Unproven):
        received(name, proof="signature_rule")


def test_an_unsigned_call_with_a_wrong_secret_is_refused():
    with pytest.raises(reception.Unproven):
        received("freshdesk-ticket_resolved", secret="sv_live_key_for_freshdesl")
    with pytest.raises(reception.Unproven):
        received("freshdesk-ticket_resolved", proof="signature")


@pytest.mark.parametrize(("name", "seconds"), WINDOWS.items())
def test_a_timestamp_holds_within_its_window_and_not_a_second_more(name, seconds):
    slack = 1  # Front's recording is 0.9 s younger than the clock.
    for sign in (-1, 1):
        assert not isinstance(received(name, now=NOW + sign * timedelta(seconds=seconds - slack)), Ignored)
        with pytest.raises(reception.Unproven):
            received(name, now=NOW + sign * timedelta(seconds=seconds + slack))


@pytest.mark.parametrize("name", sorted(set(SIGNED) - set(WINDOWS)))
def test_a_scheme_without_a_timestamp_knows_no_age(name):
    assert received(name, now=NOW + timedelta(days=3)) == received(name)


@pytest.mark.parametrize("name", TICKETS)
def test_a_replay_has_the_same_keys(name):
    call = recorded(name)[0]
    once, again = received(name), received(name, Call.of("post", call.headers, bytes(call.body)))
    assert once == again
    assert fingerprint(call) == hashlib.sha256(call.body).hexdigest()


def test_freescouts_two_events_of_one_closing_are_one_resolution():
    name = "freescout-convo.status"
    call = recorded(name)[0]
    reply = replace(call, headers={**call.headers, "x-freescout-event": "convo.agent.reply.created"})
    one, other = received(name), received(name, reply)
    assert one.kind == other.kind == "solved"
    assert (one.ticket.id, one.ticket.resolution) == (other.ticket.id, other.ticket.resolution)
    assert one.ticket.resolution == "2026-09-14T10:15:30Z"
    assert fingerprint(call) == fingerprint(reply)


def test_zammads_two_payloads_of_one_closing_are_one_resolution():
    marks = [received(f"zammad-ticket_closed_{shape}").ticket for shape in ("default", "custom")]
    assert (marks[0].id, marks[0].resolution) == (marks[1].id, marks[1].resolution)


def test_headers_count_whatever_their_case():
    call = recorded("zendesk-trigger_solved")[0]
    shouted = Call.of("POST", {key.upper(): value for key, value in call.headers.items()}, call.body)
    assert received("zendesk-trigger_solved", shouted).kind == "solved"


def test_only_intercom_is_answered_an_unsigned_head():
    bare = Call.of("HEAD", {}, b"")
    assert received("intercom-ping", bare) == Challenge()
    with pytest.raises(reception.Unproven):
        received("helpscout-convo.status", bare)
