"""Mailgun's webhooks (version 3).

https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from surveys.base import signing
from surveys.helpdesks import proofs
from surveys.helpdesks.helpdesk import Call
from surveys.helpdesks.reading import at, email, line, moment
from surveys.mailreports import report
from surveys.mailreports.report import Fetch, Kind, Report, other

PROOF = "signature"

#: A webhook that was not taken comes again for eight hours.
WINDOW_SECONDS = 12 * 3600

#: Mailgun's own lists, by which it does not even try any more.
SUPPRESSED: dict[str, Kind] = {
    "suppress-bounce": "bounced",
    "suppress-complaint": "complained",
    "suppress-unsubscribe": "unsubscribed",
}


def signed(call: Call, secret: str, now: datetime, fetch: Fetch) -> bool:
    """hex HMAC-SHA256 over timestamp and token. It does not cover what is reported: see `once`.

    https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks#securing-webhooks
    """
    said = at(call.json, "signature")
    stamp, token, given = (_text(at(said, name)) for name in ("timestamp", "token", "signature"))
    if not (secret and stamp and token and proofs.fresh(stamp, now, WINDOW_SECONDS)):
        return False
    return proofs.same(signing.hmac_sha256_hex(secret, stamp + token), given.lower())


PROOFS = {"signature": signed}


def once(call: Call) -> str | None:
    """The token: with another body than the first it is somebody else's call."""
    return _text(at(call.json, "signature", "token")) or None


def problem(secret: str | None) -> str | None:
    """It cannot be made here: Mailgun gives it."""
    return None if secret else "Give the HTTP webhook signing key that Mailgun shows."


def read(call: Call, now: datetime) -> tuple[Report, ...]:
    """The one event of the call."""
    event = at(call.json, "event-data")
    name, severity = line(at(event, "event")), line(at(event, "severity"))
    reason = line(at(event, "reason")) or ""
    kind: Kind | None = None
    if name == "failed" and severity == "permanent":
        kind = SUPPRESSED.get(reason, "bounced")
    elif name == "complained":
        kind = "complained"
    elif name == "unsubscribed":
        kind = "unsubscribed"
    if kind is None:
        return other(f"{name or 'a body that cannot be read'}{f' ({severity})' if severity else ''}")
    invitation = report.invitation(
        [at(event, "envelope", "sender")], [at(event, "message", "headers", "message-id")]
    )
    detail = line(at(event, "delivery-status", "enhanced-code")) or line(at(event, "delivery-status", "code"))
    return (
        Report(
            kind,
            f"{kind} ({detail or reason or name})",
            email(at(event, "recipient")),
            invitation,
            moment(at(event, "timestamp")),
        ),
    )


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
