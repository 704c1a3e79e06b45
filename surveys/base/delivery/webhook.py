"""Events to whoever wants to hear of them, signed by Standard Webhooks (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from surveys.base import delivery
from surveys.base.delivery.client import Answer
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.settings import Settings

PREFIX = "whsec_"

#: Bytes of a secret; the specification asks for 24 to 64.
SECRET_BYTES = 32

#: No server that is busy keeps us waiting longer, in seconds, whatever it asks for.
MOST_WAIT = 3600


@dataclass(frozen=True)
class Event:
    """What is sent: the same `id` at every try, so that the receiver can tell a repetition. `body`: JSON."""

    id: str
    body: bytes


@dataclass(frozen=True)
class Outcome:
    """What became of one try. `status`: of the answer, None where there was none. `error`: None when it arrived.

    `wait`: seconds for which the server asks to be left alone. `unwanted`: it wants no more of them (410). `final`:
    trying again makes no sense, though others may come.
    """

    status: int | None = None
    error: str | None = None
    wait: int = 0
    unwanted: bool = False
    final: bool = False


class Webhooks:
    """Carries events to any address that the client may call."""

    def body(self, told: Mapping[str, Any]) -> bytes:
        """An event as it is sent: JSON of its `type`, `timestamp` and `data`."""
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()

    def send(self, url: str, secret: str, event: Event, now: datetime) -> Outcome:
        """Try once. Everything but a 2xx is a failure, redirects too. Raises nothing."""
        try:
            signed = headers(secret, event, now)
        except ValueError:
            return Outcome(error="UnreadableSecret")
        try:
            answer = delivery.outbound().call("POST", url, event.body, signed)
        except DeliveryFailed as error:
            return Outcome(error=str(error))
        return outcome_of(answer)


def outcome_of(answer: Answer, gone: Container[int] = (410,)) -> Outcome:
    """What an answer says; with a status out of `gone` the server wants no more."""
    if 200 <= answer.status < 300:
        return Outcome(answer.status)
    asked = next((value for name, value in answer.headers.items() if name.lower() == "retry-after"), "")
    # Discord tells parts of a second too.
    seconds = asked.partition(".")[0]
    return Outcome(
        answer.status,
        f"answered {answer.status}",
        min(int(seconds) + (seconds != asked), MOST_WAIT) if seconds.isascii() and seconds.isdigit() else 0,
        answer.status in gone,
    )


def of(settings: Settings) -> Webhooks:
    """The way events leave: through the one client."""
    return Webhooks()


def new_secret() -> str:
    """A secret in the form of the specification."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(secret: str, event: Event, now: datetime) -> dict[str, str]:
    """The headers that go with an event that is sent now. Raises ValueError for what is no secret.

    `secret`: one, or several between spaces, each of which signs: the specification's way to change them.
    """
    moment = str(int(now.timestamp()))
    signed = b".".join((event.id.encode(), moment.encode(), event.body))
    marks = [
        base64.b64encode(hmac.digest(_key(each), signed, hashlib.sha256)).decode()
        for each in secret.split(" ")
    ]
    return {
        "Content-Type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
    }


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix(PREFIX)
    # An empty key signs nothing, and is what is left of a secret that cannot be unsealed.
    if encoded == secret or not encoded:
        raise ValueError("not a secret")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("not a secret") from None
