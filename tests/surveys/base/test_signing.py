"""Tokens: one purpose each, an end, and nothing to be forged."""

import hashlib
import hmac
import string
from datetime import UTC, datetime, timedelta

import pytest

from surveys.base import signing

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _secret():
    signing.use_secret("9f2c4be1a07d36580e1b4c7f93a2d8605c1e7b94")


def test_a_token_gives_back_what_was_signed():
    for value in ("inv_1", "a.b.c", "", "Größe 日本", "x" * 500):
        assert signing.read("invitation", signing.sign("invitation", value), NOW) == value


def test_a_token_is_worthless_for_any_other_purpose():
    token = signing.sign("invitation", "inv_1")
    for purpose in ("unsubscribe", "me", "", "Invitation"):
        with pytest.raises(signing.BadToken):
            signing.read(purpose, token, NOW)


def test_a_token_ends_when_it_was_told_to():
    token = signing.sign("me", "per_1", NOW)
    assert signing.read("me", token, NOW) == "per_1"
    with pytest.raises(signing.Expired):
        signing.read("me", token, NOW + timedelta(seconds=1))
    with pytest.raises(signing.BadToken) as caught:
        signing.read("invitation", token, NOW + timedelta(seconds=1))
    assert not isinstance(caught.value, signing.Expired)


def test_no_change_of_a_token_goes_unseen():
    token = signing.sign("me", "per_1", NOW + timedelta(days=1))
    for index, letter in enumerate(token):
        for other in ("A" if letter != "A" else "B", ".", ""):
            forged = token[:index] + other + token[index + 1 :]
            if forged != token:
                with pytest.raises(signing.BadToken):
                    signing.read("me", forged, NOW)


def spellings(token):
    """Other texts that base64 decoders take for the same signature."""
    body, _, signature = token.rpartition(".")
    for letter in string.ascii_letters + string.digits + "-_":
        yield f"{body}.{signature[:-1]}{letter}"
    yield f"{body}.{signature.replace('-', '+').replace('_', '/')}"
    for junk in ("=", "==", "\n", "\r\n", " ", "\t", "\0", "!", "%", "\u200b", "é"):
        yield from (f"{token}{junk}", f"{body}.{junk}{signature}", f"{junk}{token}")
        yield f"{body}.{signature[:9]}{junk}{signature[9:]}"


@pytest.mark.parametrize("value", ["inv_1", "per_2", "inv_3", "inv_4"])
def test_only_the_spelling_that_was_issued_is_the_token(value):
    token = signing.sign("me", value)
    others = set(spellings(token)) - {token}
    assert len(others) > 100
    for other in others:
        with pytest.raises(signing.BadToken):
            signing.read("me", other, NOW)


def test_a_token_of_an_earlier_key_has_one_spelling_too():
    token = signing.sign("me", "per_1")
    signing.use_secret("another-0123456789-abcdefghijklmnop", ["9f2c4be1a07d36580e1b4c7f93a2d8605c1e7b94"])
    assert signing.read("me", token, NOW) == "per_1"
    for other in set(spellings(token)) - {token}:
        with pytest.raises(signing.BadToken):
            signing.read("me", other, NOW)


@pytest.mark.parametrize("text", ["", ".", "..", "a.0.b", "\x00", "\ud800", "é.0.x", "x" * 10_000])
def test_what_is_no_token_is_a_bad_token(text):
    with pytest.raises(signing.BadToken):
        signing.read("me", text, NOW)


def test_another_secret_makes_other_tokens_and_hashes():
    token, made, digest = (
        signing.sign("me", "x"),
        signing.derive("identity", "sv_1"),
        signing.keyed_hash("edit", "x"),
    )
    signing.use_secret("another-0123456789-abcdefghijklmnop")
    with pytest.raises(signing.BadToken):
        signing.read("me", token, NOW)
    assert signing.derive("identity", "sv_1") != made
    assert signing.keyed_hash("edit", "x") != digest


def test_parts_cannot_be_moved_from_one_to_the_next():
    assert signing.derive("a", "bc") != signing.derive("ab", "c")
    assert signing.keyed_hash("edit", "x") != signing.keyed_hash("abuse", "x")


def test_identities_are_signed_as_the_contract_says():
    expected = hmac.new(b"secret", b"ann@example.com", hashlib.sha256).hexdigest()
    assert signing.hmac_sha256_hex("secret", "ann@example.com") == expected
