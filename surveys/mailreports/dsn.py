"""Delivery status notifications (RFC 3464) and complaints (RFC 5965) as a mail server hands them on, byte for byte.

Anybody can send mail to the address that they come to. So a report is believed only about a mail that it shows to
have seen, by the signed envelope sender or by the Message-ID, and never about an address that it merely names.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime

from surveys.base import clock
from surveys.helpdesks import proofs
from surveys.helpdesks.helpdesk import Call
from surveys.mailreports import report
from surveys.mailreports.report import Fetch, Report, other

PROOF = "signature"

#: A report has a handful of parts: the words for people, the fields for machines, the mail that came back.
MOST_PARTS = 12

#: What is looked at of each block of fields, which are the last Received lines and more of a returned mail.
MOST_BYTES, MOST_LINES = 64 * 1024, 1000
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
    # Pipes write the line of the mbox format before it.
    raw = call.body.split(b"\n", 1)[-1] if call.body.startswith(b"From ") else call.body.lstrip(b"\r\n")
    header, content = _parted(raw)
    message = _fields(header)
    if not message.keys():
        return other("the body is no mail message that can be read")
    found: dict[str, tuple[bytes, bytes]] = {}
    for part in _parts(message, content):
        found.setdefault(_fields(part[0]).get_content_type(), part)
    returned = next((_fields(_returned(found[kind][1])) for kind in RETURNED_TYPES if kind in found), None)
    if "message/feedback-report" in found:
        fields = _fields(found["message/feedback-report"][1])
        return (_complaint(fields, _invitation(call, message, returned, fields)),)
    status = next((found[kind][1] for kind in STATUS_TYPES if kind in found), None)
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


def _parted(raw: bytes) -> tuple[bytes, bytes]:
    """The header of a message or of a part of it, and what comes after the blank line."""
    if raw.startswith((b"\n", b"\r\n")):
        return b"", raw.split(b"\n", 1)[1]
    end = _BLANK_LINE.search(raw)
    return (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")


def _fields(block: bytes) -> Message:
    """A block of header fields, as much of it as is looked at: Python takes up to 12 s for a mail of a mebibyte."""
    lines = block[:MOST_BYTES].split(b"\n", MOST_LINES)[:MOST_LINES]
    return _parser.parsebytes(b"\n".join(lines))


def _parts(message: Message, content: bytes) -> list[tuple[bytes, bytes]]:
    """The report's own parts (RFC 2046, 5.1.1), each parted; what the mail that is returned holds is none of them.

    They are found by their boundary in the bytes: what nobody needs is not parsed.
    """
    found = _BOUNDARY.search(str(message.get("Content-Type", ""))[:LONGEST_TYPE])
    if message.get_content_maintype() != "multipart" or found is None:
        return []
    boundary = re.escape((found[1] or found[2]).encode("utf-8", "replace"))
    delimiter = re.compile(rb"(?:\A|\n)--" + boundary + rb"(--)?[ \t]*\r?(?:\n|\Z)")
    parts: list[tuple[bytes, bytes]] = []
    start: int | None = None
    # The line end before a boundary is a part of it, and the one after it may be the one before the next.
    place = delimiter.search(content)
    while place is not None and len(parts) < MOST_PARTS:
        if start is not None:
            parts.append(_parted(content[start : place.start() + 1]))
        if place[1]:
            return parts
        start = place.end()
        place = delimiter.search(content, max(start - 1, 0))
    if start is not None and len(parts) < MOST_PARTS:
        # Cut short: the last part ends with the message.
        parts.append(_parted(content[start:]))
    return parts


def _blocks(status: bytes) -> list[Message]:
    """The groups of fields of a delivery status: first those of the message, then those of each recipient."""
    text = status[:MOST_BYTES].replace(b"\r\n", b"\n")
    groups = [group for group in text.split(b"\n\n", MOST_FIELDS) if group.strip()]
    return [_fields(group.lstrip(b"\n")) for group in groups[:MOST_FIELDS]]


def _returned(content: bytes) -> bytes:
    """The header of the mail that came back."""
    return _parted(content.lstrip(b"\r\n"))[0]


_parser = BytesHeaderParser()
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")

#: A type with its parameters is a line or two. Python takes long for one of a mebibyte.
LONGEST_TYPE = 1000
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)


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
