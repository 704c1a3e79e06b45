"""Proof that a call comes from where it says, one function for each scheme, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
from datetime import UTC, datetime

from surveys.helpdesks.helpdesk import Call
from surveys.helpdesks.reading import moment

FIVE_MINUTES = 300
ONE_HOUR = 3600
SECRET_HEADERS = ("x-earshot-key", "x-api-key", "x-webhook-secret", "x-webhook-token")


def shared(call: Call, secret: str, now: datetime) -> bool:
    """The secret itself came along: Bearer, Basic user or password, query `k`, or one of `SECRET_HEADERS`.

    An Authorization header that holds nothing but the secret counts too: some rule editors write it so.
    """
    offered = [*call.query.get("k", ()), *(call.header(name) for name in SECRET_HEADERS)]
    authorization = call.header("authorization")
    scheme, _, rest = authorization.partition(" ")
    offered += [authorization, rest.strip() if scheme.lower() == "bearer" else ""]
    offered += _basic(rest) if scheme.lower() == "basic" else []
    matches = [same(secret, each) for each in offered]
    return bool(secret) and any(matches)


def standard_webhooks(call: Call, secret: str, now: datetime) -> bool:
    """Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, any of several `v1` signatures, 5 minutes.

    The secret is base64, with or without `whsec_`. One that is not base64 and has no prefix is taken as it stands.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    key = _standard_key(secret)
    delivery, timestamp = call.header("webhook-id"), call.header("webhook-timestamp")
    if not (key and delivery and fresh(timestamp, now, FIVE_MINUTES)):
        return False
    message = f"{delivery}.{timestamp}.".encode() + call.body
    expected = "v1," + _base64(key, message, "sha256")
    return any([same(expected, each) for each in call.header("webhook-signature").split()])


def hex_signature(
    call: Call, header: str, secret: str, algorithm: str, prefix: str, message: bytes | None = None
) -> bool:
    """`header` holds `prefix` and the HMAC of the message (the body when None) in hex, of either case."""
    given = call.header(header).removeprefix(prefix).lower()
    expected = hmac.new(secret.encode(), call.body if message is None else message, algorithm).hexdigest()
    return bool(secret) and same(expected, given)


def base64_signature(
    call: Call, header: str, secret: str, algorithm: str, message: bytes | None = None
) -> bool:
    """`header` holds the HMAC of the message (the body when None) in base64."""
    expected = _base64(secret.encode(), call.body if message is None else message, algorithm)
    return bool(secret) and same(expected, call.header(header))


def fresh(timestamp: str, now: datetime, seconds: int, unit: float = 1.0) -> bool:
    """Whether a Unix timestamp, counted in `unit` seconds, is at most `seconds` before or after `now`."""
    try:
        age = now.timestamp() - float(timestamp) * unit
    except ValueError:
        return False
    return math.isfinite(age) and abs(age) <= seconds


def fresh_iso(timestamp: str, now: datetime, seconds: int) -> bool:
    """Whether an ISO 8601 timestamp is at most `seconds` before or after `now`."""
    then = moment(timestamp)
    return then is not None and abs((now.astimezone(UTC) - then).total_seconds()) <= seconds


def same(expected: str, given: str) -> bool:
    """Equality in constant time, for any text."""
    return hmac.compare_digest(expected.encode("utf-8", "replace"), given.encode("utf-8", "replace"))


def _base64(key: bytes, message: bytes, algorithm: str) -> str:
    return base64.b64encode(hmac.new(key, message, algorithm).digest()).decode()


def _basic(credentials: str) -> list[str]:
    try:
        user, _, password = base64.b64decode(credentials.strip() + "==").decode().partition(":")
    except (binascii.Error, ValueError):
        return []
    return [user, password]


def _standard_key(secret: str) -> bytes:
    encoded = secret.removeprefix("whsec_")
    try:
        # Padding may be missing; more than is needed does no harm.
        return base64.b64decode(encoded + "==")
    except (binascii.Error, ValueError):
        return b"" if secret.startswith("whsec_") else secret.encode()
