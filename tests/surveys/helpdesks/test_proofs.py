"""The schemes by themselves, the generic one against an independent implementation."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from surveys.helpdesks import HELPDESKS, front, generic, missive, proofs, reception
from surveys.helpdesks.helpdesk import Call, Connection
from tests.surveys.helpdesks.cases import NOW, UNSIGNED_SECRET, recorded

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def standard(
    body: bytes, signature: str, now: datetime = NOW, secret: str = SECRET, delivery: str = "msg_1"
) -> bool:
    headers = {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": signature,
    }
    return proofs.standard_webhooks(Call.of("POST", headers, body), secret, now)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.binary(min_size=1, max_size=64))
def test_what_the_standardwebhooks_package_signs_is_accepted(text, key):
    secret = "whsec_" + base64.b64encode(key).decode()
    signature = Webhook(secret).sign("msg_1", NOW, text)
    assert standard(text.encode(), signature, secret=secret)
    assert standard(text.encode(), signature, secret=secret.removeprefix("whsec_"))
    assert standard(text.encode(), signature, secret=secret.rstrip("="))
    assert not standard(text.encode() + b" ", signature, secret=secret)


def test_one_right_signature_among_several_suffices():
    right = Webhook(SECRET).sign("msg_1", NOW, "{}")
    assert standard(b"{}", f"v1a,abc v1,{base64.b64encode(b'x' * 32).decode()} {right}")
    assert not standard(b"{}", "v1a," + right.removeprefix("v1,"))
    assert not standard(b"{}", right.removeprefix("v1,"))
    assert not standard(b"{}", right, delivery="msg_2")


@pytest.mark.parametrize("seconds", [-300, 300])
def test_standard_webhooks_hold_five_minutes_to_the_second(seconds):
    right = Webhook(SECRET).sign("msg_1", NOW, "{}")
    assert standard(b"{}", right, NOW + timedelta(seconds=seconds))
    assert not standard(b"{}", right, NOW + timedelta(seconds=seconds + (1 if seconds > 0 else -1)))


def test_an_empty_key_signs_nothing():
    empty = "v1," + base64.b64encode(hmac.new(b"", b"msg_1.1789380930.{}", "sha256").digest()).decode()
    assert not standard(b"{}", empty, secret="whsec_")
    assert not standard(b"{}", empty, secret="")


def test_a_secret_that_is_not_base64_is_taken_as_it_is():
    text = "x"  # one character is never base64, with whatever padding
    signature = base64.b64encode(hmac.new(text.encode(), b"msg_1.1789380930.{}", "sha256").digest()).decode()
    assert standard(b"{}", f"v1,{signature}", secret=text)
    assert not standard(b"{}", f"v1,{signature}", secret="whsec_" + text)


@pytest.mark.parametrize("timestamp", ["", "soon", "nan", "inf", "-inf", "1e400", "0", "١٧٨٩٣٨٠٩٣٠x"])
def test_a_senseless_timestamp_is_never_fresh(timestamp):
    assert not proofs.fresh(timestamp, NOW, 300)
    assert not proofs.fresh_iso(timestamp, NOW, 3600)


@pytest.mark.parametrize("kind", HELPDESKS)
@pytest.mark.parametrize("proof", [None, "shared", "signature", "signature_rule", "none", ""])
def test_an_empty_secret_proves_nothing(kind, proof):
    headers = {"Authorization": "Bearer ", "X-Hub-Signature": "sha1=", "X-Api-Key": ""}
    digest = hmac.new(b"", b"{}", hashlib.sha1)
    for name in ("X-HelpScout-Signature", "X-FreeScout-Signature", "X-Front-Signature"):
        headers[name] = base64.b64encode(digest.digest()).decode()
    for sent in (headers, {**headers, "X-Hub-Signature": "sha1=" + digest.hexdigest()}):
        call = Call.of("POST", sent, b"{}", {"k": [""]})
        assert not reception.proved(call, Connection(kind, "", proof=proof), NOW)


def test_generic_takes_a_bearer_key_only_where_no_signature_is_sent():
    bearer = {"Authorization": "Bearer key-1"}
    assert generic.proved(Call.of("POST", bearer, b"{}"), "key-1", NOW)
    assert not generic.proved(Call.of("POST", bearer, b"{}"), "key-2", NOW)
    assert not generic.proved(Call.of("POST", {**bearer, "webhook-signature": "v1,x"}, b"{}"), "key-1", NOW)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"Authorization": "Bearer s3cret ü"}, {}),
        ({"Authorization": "bearer  s3cret ü"}, {}),
        ({"Authorization": "s3cret ü"}, {}),
        (basic("s3cret ü", "X"), {}),
        (basic("robin", "s3cret ü"), {}),
        ({}, {"k": ["s3cret ü"]}),
        ({}, {"k": ["wrong", "s3cret ü"]}),
        ({"X-Api-Key": "s3cret ü"}, {}),
        ({"X-Webhook-Secret": "s3cret ü"}, {}),
        ({"X-Earshot-Key": "s3cret ü", "Authorization": "Bearer other"}, {}),
    ],
)
def test_a_shared_secret_is_accepted_in_any_of_its_places(headers, query):
    call = Call.of("POST", headers, b"{}", query)
    assert proofs.shared(call, "s3cret ü", NOW)
    assert not proofs.shared(call, "s3cret", NOW)
    assert not proofs.shared(call, "", NOW)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        ({"Authorization": "Basic s3cret"}, {}),
        ({"Authorization": "Basic \ud800"}, {}),
        ({"Authorization": "Digest s3cret"}, {}),
        ({"X-Other": "s3cret"}, {"key": ["s3cret"]}),
        ({"Authorization": "Bearer"}, {"k": [""]}),
    ],
)
def test_a_shared_secret_in_no_known_place_is_refused(headers, query):
    assert not proofs.shared(Call.of("POST", headers, b"s3cret", query), "s3cret", NOW)


def test_a_chatwoot_before_its_signatures_proves_itself_by_the_secret_in_its_url():
    body = recorded("chatwoot-conversation_status_changed")[0].body
    old = Connection("chatwoot", "shared-1", proof="shared")
    assert reception.receive(Call.of("POST", {}, body, {"k": ["shared-1"]}), old, NOW).kind == "solved"
    with pytest.raises(reception.Unproven):
        reception.receive(Call.of("POST", {}, body, {"k": ["shared-2"]}), old, NOW)


def test_fronts_rule_signature_is_its_own_scheme():
    body = b'{"type":"archive"}'
    digest = base64.b64encode(hmac.new(b"api-secret", body, hashlib.sha1).digest()).decode()
    call = Call.of("POST", {"X-Front-Signature": digest}, body)
    assert front.signed_by_rule(call, "api-secret", NOW)
    assert not front.signed(call, "api-secret", NOW)
    assert reception.proved(call, Connection("front", "api-secret", proof="signature_rule"), NOW)
    assert not reception.proved(call, Connection("front", "api-secret"), NOW)


@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_missives_signature_counts_with_and_without_its_prefix(prefix):
    digest = hmac.new(b"rule", b"{}", hashlib.sha256).hexdigest()
    call = Call.of("POST", {"X-Hook-Signature": prefix + digest}, b"{}")
    assert missive.signed(call, "rule", NOW)
    assert not missive.signed(call, "other", NOW)


def test_freshdesk_asks_for_the_shared_secret_without_being_told():
    call = recorded("freshdesk-ticket_resolved")[0]
    assert reception.proved(call, Connection("freshdesk", UNSIGNED_SECRET), NOW)
    assert reception.proved(call, Connection("freshdesk", "X"), NOW)
    assert not reception.proved(call, Connection("freshdesk", "Y"), NOW)


def test_the_clock_may_be_in_any_zone():
    call = recorded("zendesk-trigger_solved")[0]
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert reception.proved(call, Connection("zendesk", "zd-signing-secret-dGVzdA=="), there)
