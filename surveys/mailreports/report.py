"""The plain values every reader of mail reports works with, and how the invitation behind a mail is found again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from surveys import links
from surveys.helpdesks import bounds, proofs
from surveys.helpdesks.helpdesk import Call

Kind = Literal["bounced", "complained", "unsubscribed", "other"]


@dataclass(frozen=True)
class Report:
    """What became of one mail to one address.

    "bounced": for good; "complained" and "unsubscribed": the person wants no more; "other" changes nothing.
    `reason` is words for the receipt and names no address. `address` is None where the sender of the report
    cannot vouch for it: then only `invitation`, the id of an invitation or a letter, says whose mail it was. `at`:
    when it happened, if told.
    """

    kind: Kind
    reason: str
    address: str | None = None
    invitation: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Confirmation:
    """A proven request to show that we want these reports, by calling `url` once."""

    url: str


#: GET through the outbound client. Raises DeliveryFailed.
Fetch = Callable[[str], bytes]

Proof = Callable[[Call, str, datetime, Fetch], bool]


class Reporter(Protocol):
    """What each module offers."""

    @property
    def PROOF(self) -> str:
        """The proof asked for when the connection names none: "signature" or "shared"."""

    @property
    def PROOFS(self) -> Mapping[str, Proof]:
        """The sender's own schemes by name; "shared" needs none."""

    def problem(self, secret: str | None) -> str | None:
        """What is wrong with a secret for "signature", in words; None when it will do. None: it would be made."""

    def once(self, call: Call) -> str | None:
        """What may come with one body only, where the proof does not cover the body; else None."""

    def read(self, call: Call, now: datetime) -> tuple[Report, ...] | Confirmation:
        """What a proven call says. Never raises, whatever the bytes."""


def anything(secret: str | None) -> str | None:
    """`Reporter.problem` where any secret will do."""
    return None


def covered(call: Call) -> str | None:
    """`Reporter.once` where the proof covers the body."""
    return None


def shared(call: Call, secret: str, now: datetime, fetch: Fetch) -> bool:
    """The secret itself came along, in any of the places that `helpdesks.proofs.shared` knows."""
    return proofs.shared(call, secret, now)


def other(reason: str) -> tuple[Report, ...]:
    """A report that changes nothing, and why."""
    return (Report("other", reason),)


def parsed(text: str) -> Any:
    """JSON within JSON, or None for whatever is none."""
    try:
        return bounds.read_json(text)
    except ValueError:
        return None


def invitation(addresses: Iterable[object] = (), message_ids: Iterable[object] = ()) -> str | None:
    """The invitation, or letter, that a mail was: by its own envelope sender, which we signed, else by its Message-ID.

    The id in a Message-ID has 120 random bits: whoever names it has seen the mail.
    """
    for address in addresses:
        found = links.bounced_mail_id(address) if isinstance(address, str) else None
        if found:
            return found
    for message_id in message_ids:
        match = _ID.search(message_id) if isinstance(message_id, str) else None
        if match:
            return match[0]
    return None


_ID = re.compile(r"\b(?:inv|let)_[0-9a-z]{24}\b")
