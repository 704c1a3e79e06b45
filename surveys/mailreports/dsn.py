"""Delivery status notifications (RFC 3464) and complaints (RFC 5965) as a mail server hands them on, byte for byte.

Anybody can send mail to the address that they come to. So a report is believed only about a mail that it shows to
have seen, by the signed envelope sender or by the Message-ID, and never about an address that it merely names.
"""

from __future__ import annotations

import email
import re
from datetime import datetime
from email.message import Message
from email.parser import HeaderParser
from email.utils import parsedate_to_datetime
from typing import Any

from surveys.base import clock
from surveys.helpdesks import proofs
from surveys.helpdesks.helpdesk import Call
from surveys.mailreports import report
from surveys.mailreports.report import Fetch, Report, other

PROOF = "signature"

#: A report has a handful of parts; the parser's cost grows with their number and depth.
MOST_BOUNDARIES = 50
MOST_FIELDS = 200

STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
RETURNED_TYPES = ("message/rfc822", "message/global", "message/global-headers", "text/rfc822-headers")

#: Where servers write down whom a mail they handed on was for.
RECIPIENT_HEADERS = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")


def proved(call: Call, secret: str, now: datetime, fetch: Fetch) -> bool:
    """A Standard Webhooks signature; a call that carries none may show the secret itself instead."""
    if call.header("webhook-signature"):
        return proofs.standard_webhooks(call, secret, now)
    return proofs.shared(call, secret, now)


PROOFS = {"signature": proved}

problem, once = report.anything, report.covered


def read(call: Call, now: datetime) -> tuple[Report, ...]:
    """The report in the message; a header `X-Envelope-To` of the call may say which address it came to."""
    message = _message(call.body)
    if message is None:
        return other("the body is no mail message that can be read")
    parts = _parts(message)
    found = {kind: part for part in reversed(parts) if (kind := part.get_content_type())}
    returned = next((_returned(found[kind]) for kind in RETURNED_TYPES if kind in found), None)
    if "message/feedback-report" in found:
        fields = _first(found["message/feedback-report"])
        return (_complaint(fields, _invitation(call, message, returned, fields)),)
    status = next((found[kind] for kind in STATUS_TYPES if kind in found), None)
    if status is None:
        return other("the message is no delivery report (RFC 3464) and no complaint (RFC 5965)")
    return (_bounce(_blocks(status), _invitation(call, message, returned, None)),)


# ------------------------------------------------------------------------------------------------------


def _bounce(blocks: list[Message], invitation: str | None) -> Report:
    """What the blocks of fields say; one that says "delivered" outweighs the others of a forwarded mail."""
    said = [(_word(block, "Action"), _status(block), block) for block in blocks if block.get("Action")]
    if not said:
        return Report("other", "the delivery report names no recipient")
    arrived = any(action in ("delivered", "relayed", "expanded") for action, _, _ in said)
    for action, status, block in said:
        if action == "failed" and status[:1] == "5" and not arrived:
            return Report("bounced", f"bounced ({status})", None, invitation, _moment(block))
    action, status, _ = said[0]
    return Report("other", f"the delivery report says {action or 'nothing known'} ({status or 'no status'})")


def _complaint(fields: Message | None, invitation: str | None) -> Report:
    kind = _word(fields, "Feedback-Type") if fields is not None else ""
    if kind == "not-spam":
        return Report("other", "the complaint says that the mail is no spam")
    return Report("complained", f"complained ({kind or 'of no kind'})", None, invitation)


def _invitation(call: Call, message: Message, returned: Message | None, fields: Message | None) -> str | None:
    addresses = [call.header("x-envelope-to")]
    for name in RECIPIENT_HEADERS:
        addresses += map(str, message.get_all(name, []))
    if fields is not None:
        addresses.append(str(fields.get("Original-Mail-From", "")))
    if returned is not None:
        addresses.append(str(returned.get("Return-Path", "")))
    own = [str(returned.get(name, "")) for name in ("X-Earshot-Invitation", "Message-ID")] if returned else []
    return report.invitation(addresses, own)


def _message(raw: bytes) -> Message | None:
    """The message, parsed without looking into its headers, which takes time for hostile ones."""
    # Pipes write the line of the mbox format before it.
    raw = raw.split(b"\n", 1)[-1] if raw.startswith(b"From ") else raw.lstrip(b"\r\n")
    if raw.lower().count(b"boundary") > MOST_BOUNDARIES:
        return None
    try:
        message = email.message_from_bytes(raw)
    except (RecursionError, ValueError, LookupError):
        return None
    return message if message.keys() else None


def _parts(message: Message) -> list[Message]:
    """The report's own parts; what the mail that is returned holds is none of them."""
    payload: Any = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _blocks(part: Message) -> list[Message]:
    """The groups of fields of a delivery status: first those of the message, then those of each recipient."""
    payload: Any = part.get_payload()
    blocks = [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []
    if part.get_content_type() != STATUS_TYPES[0] and blocks:
        # Python takes the newer type for a message: all but the first group are its text.
        rest = str(blocks[0].get_payload())
        blocks += [HeaderParser().parsestr(group) for group in re.split(r"(?:\r?\n){2,}", rest)[:MOST_FIELDS]]
    return blocks[:MOST_FIELDS]


def _first(part: Message) -> Message | None:
    payload: Any = part.get_payload()
    return payload[0] if isinstance(payload, list) and payload and isinstance(payload[0], Message) else None


def _returned(part: Message) -> Message | None:
    """The headers of the mail that came back."""
    inner = _first(part)
    if inner is not None:
        return inner
    payload: Any = part.get_payload()
    return HeaderParser().parsestr(payload) if isinstance(payload, str) else None


def _word(block: Message, name: str) -> str:
    match = re.match(r"\s*([A-Za-z-]{1,40})", str(block.get(name, "")))
    return match[1].lower() if match else ""


def _status(block: Message) -> str:
    """The enhanced status (RFC 3463); without one what the SMTP reply comes to. "" when neither is there."""
    match = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})\b", str(block.get("Status", "")))
    if match:
        return match[1]
    reply = re.match(r"\s*smtp\s*;\s*([245])\d\d\b", str(block.get("Diagnostic-Code", "")), re.IGNORECASE)
    return f"{reply[1]}.0.0" if reply else ""


def _moment(block: Message) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(block.get("Last-Attempt-Date", ""))[:100])
        return clock.possible(moment) if moment.tzinfo else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
