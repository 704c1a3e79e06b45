"""Notices to Discord, by a webhook (https://discord.com/developers/docs/resources/webhook#execute-webhook).

Its whole address is the secret. An embed's title holds 256 letters, its description 4,096, a field 256 and 1,024, 25
fields, and all of it 6,000 (https://discord.com/developers/docs/resources/message, "Embed limits"). Nobody is mentioned
whatever stands in it ("Allowed mentions object"); Markdown in words of others is escaped.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from surveys.base.delivery import chats
from surveys.base.delivery.defusing import Told, cut, line, plain
from surveys.base.delivery.webhook import Event, Outcome
from surveys.base.settings import Settings

TITLE, DESCRIPTION, NAME, VALUE, FIELDS = 256, 4096, 256, 1024, 6

#: Before escaping, which may double it.
QUOTE = 1000

_MARKUP = re.compile(r"([\\*_~`|>\[\]()<#:+\-])")


class Discord:
    """Carries notices into one channel: that of the address."""

    def body(self, told: Mapping[str, Any]) -> bytes:
        """The message for an event that is a notice."""
        notice = Told.of(told["data"])
        description = _escaped(plain(notice.why, 500))
        if notice.quote:
            description += f"\n\n“{_escaped(plain(notice.quote, QUOTE))}”"
        embed = {
            "title": _escaped(line(notice.title, TITLE // 2)),
            "url": notice.link,
            "description": cut(description, DESCRIPTION),
            "fields": [
                {"name": cut(name, NAME), "value": _escaped(line(value, 100)) or "–", "inline": True}
                for name, value in notice.lines[:FIELDS]
            ],
            "footer": {"text": f"Earshot · {notice.settings}"},
        }
        message = {"embeds": [embed], "allowed_mentions": {"parse": []}}
        return json.dumps(message, ensure_ascii=False).encode()

    def send(self, url: str, secret: str, event: Event, now: datetime) -> Outcome:
        """Try once. Raises nothing."""
        return chats.post(secret, event.body)


def of(settings: Settings) -> Discord:
    """The way into Discord."""
    return Discord()


# ------------------------------------------------------------------------------------------------------


def _escaped(words: str) -> str:
    return _MARKUP.sub(r"\\\1", words)
