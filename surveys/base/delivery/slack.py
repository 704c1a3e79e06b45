"""Notices to Slack, by an incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).

Its whole address is the secret. A header holds 150 letters, a section 3,000 (Block Kit's reference, "Header block" and
"Section block"), and all blocks together about 13,000, which nobody wrote down (bolt-js#2509). Blocks of the kind
plain_text know neither mentions nor links; the text for notifications is escaped (`&`, `<`, `>`: "Formatting text").
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from surveys.base.delivery import chats
from surveys.base.delivery.defusing import Told, cut, line, plain
from surveys.base.delivery.webhook import Event, Outcome
from surveys.base.settings import Settings

HEADER, SECTION, QUOTE = 150, 3000, 1500


class Slack:
    """Carries notices into one channel: that of the address."""

    def body(self, told: Mapping[str, Any]) -> bytes:
        """The message for an event that is a notice."""
        notice = Told.of(told["data"])
        blocks: list[dict[str, Any]] = [{"type": "header", "text": _text(line(notice.title, HEADER))}]
        blocks.append({"type": "section", "text": _text(plain(notice.why, QUOTE))})
        if notice.quote:
            blocks.append({"type": "section", "text": _text(f"“{plain(notice.quote, QUOTE)}”")})
        if notice.lines:
            said = "\n".join(f"{name}: {line(value, 200)}" for name, value in notice.lines)
            blocks.append({"type": "section", "text": _text(cut(said, SECTION))})
        links = f"<{_escaped(notice.link)}|Open in Earshot>  ·  <{_escaped(notice.settings)}|The rule>"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": links}]})
        message = {
            "text": _escaped(line(f"{notice.title}. {notice.why}", QUOTE)),
            "mrkdwn": False,
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
            "blocks": blocks,
        }
        return json.dumps(message, ensure_ascii=False).encode()

    def send(self, url: str, secret: str, event: Event, now: datetime) -> Outcome:
        """Try once. Raises nothing."""
        return chats.post(secret, event.body)


def of(settings: Settings) -> Slack:
    """The way into Slack."""
    return Slack()


# ------------------------------------------------------------------------------------------------------


def _text(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words, "emoji": False}


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
