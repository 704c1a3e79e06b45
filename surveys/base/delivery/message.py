"""One mail as plain values, and what can go wrong on its way."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Protocol

import idna

from surveys.base import ids
from surveys.base.delivery.headers import WIRE


class DeliveryFailed(Exception):
    """It did not arrive; `again` says whether trying again makes sense."""

    def __init__(self, reason: str, again: bool) -> None:
        super().__init__(reason)
        self.again = again


class DeliveryUnknown(Exception):
    """The line broke after the message was handed over: it may have arrived. Sending again may send twice."""


#: What a machine sends says so, that no other machine answers it (RFC 3834, 5).
AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def stopped_at(link: str) -> dict[str, str]:
    """The headers of a mail that its reader stops at `link`, by one click without a page in between (RFC 8058)."""
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


@dataclass(frozen=True)
class Message:
    """What is to be sent to one address. `headers` come on top of the usual ones, without line ends.

    `bounces_to`: the envelope sender, None for the address mail is sent from. `answers`: the `id` of an earlier
    message that this one is shown together with.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    name: str | None = None
    from_name: str | None = None
    reply_to: str | None = None
    id: str | None = None
    answers: str | None = None
    bounces_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Mailer(Protocol):
    """Something that sends mail."""

    def send(self, message: Message, now: datetime) -> None:
        """Send one message. Raises DeliveryFailed, and DeliveryUnknown when nobody can tell."""


def mime(message: Message, sender: str, now: datetime) -> EmailMessage:
    """The message in the form it travels in (RFC 5322). `sender`: MAIL_FROM, an address with or without a name.

    Raises DeliveryFailed for an address that cannot be one.
    """
    mail = EmailMessage(policy=WIRE)
    own_name, own_address = parseaddr(sender)
    own = address(own_address, message.from_name or own_name)
    mail["From"] = own
    mail["To"] = address(message.to, message.name)
    if message.reply_to:
        mail["Reply-To"] = address(message.reply_to, None)
    mail["Subject"] = clean(message.subject)
    mail["Date"] = format_datetime(now)
    # Every mail has one (RFC 5322, 3.6.4): without, some servers take it for spam, and each may give it another.
    mail["Message-ID"] = f"<{clean(message.id or ids.new('mail'))}@{own.domain}>"
    if message.answers:
        mail["In-Reply-To"] = mail["References"] = f"<{clean(message.answers)}@{own.domain}>"
    for name, value in message.headers.items():
        mail[name] = clean(value)
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail


def on_the_wire(address: str) -> str:
    """An address in the letters that every server takes: its domain as an A-label (RFC 5890).

    Raises DeliveryFailed for a name before the @ that has other letters (it would need RFC 6531, which few servers
    speak) and for a domain that cannot be one.
    """
    name, _, domain = clean(address).rpartition("@")
    if not name.isascii():
        reason = "few mail servers take an address with other letters than those of ASCII before the @"
        raise DeliveryFailed(reason, again=False)
    try:
        return f"{name}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as error:
        raise DeliveryFailed(f"not an address that mail can be sent to: {error}", again=False) from None


def clean(value: str) -> str:
    """A foreign text for a header: one line, no control characters, no direction overrides, no encoded words.

    Python before 3.11.10 lets an encoded word (RFC 2047) such as `=?utf-8?q?hi=0D=0ABcc:…?=` become a real header.
    """
    text = "".join(" " if _is_control(char) else char for char in value)
    # Taking one word out may leave another behind, so until nothing is left.
    while (bare := _ENCODED_WORD.sub("", text)) != text:
        text = bare
    return " ".join(text.split())


_ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[bq]\?[^?]*\?=", re.IGNORECASE)
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in _OVERRIDES


def address(mailbox: str, name: str | None) -> Address:
    """An address with a name beside it, as headers hold it. Raises DeliveryFailed for what is no address."""
    try:
        return Address(display_name=clean(name or ""), addr_spec=on_the_wire(mailbox))
    except (ValueError, IndexError, MessageError) as error:
        raise DeliveryFailed(f"not an address: {type(error).__name__}", again=False) from None
