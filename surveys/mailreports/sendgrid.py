"""Twilio SendGrid's event webhook, with signature verification switched on.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from surveys.helpdesks import proofs
from surveys.helpdesks.helpdesk import Call
from surveys.helpdesks.reading import email, line, moment
from surveys.mailreports import report
from surveys.mailreports.report import Fetch, Kind, Report, other

PROOF = "signature"

#: A webhook that was not taken comes again for a day; a replay says nothing new, so the window may be wide.
WINDOW_SECONDS = 72 * 3600

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

#: The events that may be a bounce or a complaint, or say that somebody wants no more.
ABOUT = ("bounce", "dropped", "spamreport", "unsubscribe", "group_unsubscribe")

#: SendGrid sends 768 KiB at the most, and no event of these takes less than 250 bytes.
MOST_EVENTS = 4000

#: Of how many events the answer says the kind.
MOST_NAMED = 100

#: Why SendGrid does not even try any more.
DROPPED: dict[str, Kind] = {
    "bounced address": "bounced",
    "invalid": "bounced",
    "spam reporting address": "complained",
    "unsubscribed address": "unsubscribed",
}


def signed(call: Call, secret: str, now: datetime, fetch: Fetch) -> bool:
    """ECDSA on P-256 with SHA-256 over timestamp and body, under the verification key that SendGrid shows.

    https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
    """
    stamp = call.header(TIMESTAMP)
    if not proofs.fresh(stamp, now, WINDOW_SECONDS):
        return False
    try:
        signature = base64.b64decode(call.header(SIGNATURE), validate=True)
        _key(secret).verify(signature, stamp.encode() + call.body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError):
        return False
    return True


PROOFS = {"signature": signed}

once = report.covered


def problem(secret: str | None) -> str | None:
    """It cannot be made here: SendGrid keeps the other half."""
    try:
        _key(secret or "")
    except (UnsupportedAlgorithm, binascii.Error, ValueError):
        return "Must be the verification key that SendGrid shows, base64 of a P-256 public key."
    return None


def read(call: Call, now: datetime) -> tuple[Report, ...]:
    """The events of one call, of which there may be hundreds; those that mean nothing to us are left out."""
    said = call.json
    events = [each for each in (said if isinstance(said, list) else [said]) if isinstance(each, dict)]
    # Nearly all are of other kinds: mails that were processed, delivered, opened.
    about = [event for event in events if event.get("event") in ABOUT][:MOST_EVENTS]
    if found := tuple(made for event in about if (made := _report(event)) is not None):
        return found
    words = (line(event.get("event"), 40) or "(none)" for event in events[:MOST_NAMED])
    return other(f"no bounce and no complaint among: {', '.join(sorted(set(words))) or 'nothing'}")


def _report(event: dict[str, Any]) -> Report | None:
    name, reason = line(event.get("event")), line(event.get("reason")) or ""
    kind: Kind | None = None
    if name == "bounce":
        # "blocked" is a bounce of this mail and not of the address.
        kind = "bounced" if event.get("type") != "blocked" else None
        kind = None if str(event.get("status") or "5").startswith("4") else kind
    elif name == "dropped":
        kind = DROPPED.get(reason.lower())
    elif name == "spamreport":
        kind = "complained"
    elif name in ("unsubscribe", "group_unsubscribe"):
        kind = "unsubscribed"
    if kind is None:
        return None
    return Report(
        kind,
        f"{kind} ({line(event.get('status'), 40) or name})",
        email(event.get("email")),
        report.invitation(message_ids=[event.get("smtp-id")]),
        moment(event.get("timestamp")),
    )


def _key(secret: str) -> ec.EllipticCurvePublicKey:
    key = load_der_public_key(base64.b64decode(secret.strip(), validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 key")
    return key
