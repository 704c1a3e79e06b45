"""The sealed part of our own forms: which answer a form fills, for whom, and when it was made."""

import base64
import json
import secrets
import uuid
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from surveys.base import clock, signing

BadToken = signing.BadToken

#: A page may lie open, or a reader may come back to it, this long.
GOOD_FOR = timedelta(days=30)

#: No person reads a question and answers it in less.
TOO_FAST = timedelta(seconds=1)


@dataclass(frozen=True)
class Form:
    """One form shown to one visitor; sent any number of times it fills the same answer."""

    survey: str
    language: str
    channel: str
    touchpoint: str | None
    person: dict[str, Any] | None
    made_at: int
    """Microseconds since 1970."""
    invitation: str | None = None
    """The token of the invitation that the form answers."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    edit_key: str = field(default_factory=lambda: secrets.token_hex(16))

    def seconds(self, now: datetime) -> int:
        """How long the form has been shown at `now`."""
        return max(clock.microseconds(now) - self.made_at, 0) // 1_000_000

    def flags(self, trap: str, now: datetime) -> list[str]:
        """Why an answer sent in this form at `now` is suspect; `trap`: the field that people do not see."""
        too_fast = clock.microseconds(now) - self.made_at < TOO_FAST / timedelta(microseconds=1)
        return (["honeypot"] if trap else []) + (["too_fast"] if too_fast else [])


def seal(form: Form, now: datetime) -> str:
    """The token that the form carries in a hidden field."""
    content = base64.urlsafe_b64encode(json.dumps(asdict(form), separators=(",", ":")).encode()).decode()
    return signing.sign("form", content, now + GOOD_FOR)


def unseal(token: str, now: datetime) -> Form:
    """The form that a token was made for. Raises BadToken when it is not ours or has run out."""
    return Form(**json.loads(base64.urlsafe_b64decode(signing.read("form", token, now))))
