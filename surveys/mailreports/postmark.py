"""Postmark's webhooks for bounces, spam complaints and changed subscriptions. They carry no signature.

https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from surveys.helpdesks.helpdesk import Call
from surveys.helpdesks.reading import at, email, line, moment
from surveys.mailreports import report
from surveys.mailreports.report import Kind, Proof, Report, other

PROOF = "shared"

PROOFS: dict[str, Proof] = {}

#: What is for good, of https://postmarkapp.com/developer/api/bounce-api#bounce-types
BOUNCES: dict[str, Kind] = {
    "HardBounce": "bounced",
    "BadEmailAddress": "bounced",
    "ManuallyDeactivated": "bounced",
    "SpamComplaint": "complained",
    "Unsubscribe": "unsubscribed",
}

SUPPRESSIONS: dict[str, Kind] = {
    "HardBounce": "bounced",
    "SpamComplaint": "complained",
    "ManualSuppression": "unsubscribed",
}

problem, once = report.anything, report.covered


def read(call: Call, now: datetime) -> tuple[Report, ...]:
    """The one event of the call."""
    said = call.json
    record = line(at(said, "RecordType")) or ""
    kind, detail = _kind(record, said)
    if kind is None:
        return other(f"{record or 'a body that cannot be read'}{f' ({detail})' if detail else ''}")
    return (
        Report(
            kind,
            f"{kind} ({detail})",
            email(at(said, "Email")) or email(at(said, "Recipient")),
            at=moment(at(said, "BouncedAt")) or moment(at(said, "ChangedAt")),
        ),
    )


def _kind(record: str, said: Any) -> tuple[Kind | None, str]:
    if record == "Bounce":
        detail = line(at(said, "Type")) or ""
        return BOUNCES.get(detail), detail
    if record == "SpamComplaint":
        return "complained", "SpamComplaint"
    if record == "SubscriptionChange" and at(said, "SuppressSending") is True:
        detail = line(at(said, "SuppressionReason")) or ""
        return SUPPRESSIONS.get(detail), detail
    return None, ""
