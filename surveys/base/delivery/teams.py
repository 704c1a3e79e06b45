"""Notices to Microsoft Teams, by a workflow that takes a webhook and posts an Adaptive Card.

The whole address is the secret. A message holds about 28 KB (https://learn.microsoft.com/en-us/connectors/teams/,
"Known issues and limitations"); others measured 21 KB, and we stay below that. Words of others stand in runs of a
RichTextBlock, which knows no Markdown (https://adaptivecards.io/explorer/TextRun.html, from version 1.2 on).
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from surveys.base.delivery import chats
from surveys.base.delivery.defusing import Told, line, plain
from surveys.base.delivery.webhook import Event, Outcome
from surveys.base.settings import Settings

CARD = "application/vnd.microsoft.card.adaptive"
QUOTE = 1500


class Teams:
    """Carries notices to where the workflow behind the address posts them."""

    def body(self, told: Mapping[str, Any]) -> bytes:
        """The card for an event that is a notice."""
        notice = Told.of(told["data"])
        title = line(notice.title, 200)
        blocks = [_block(title, size="Large", weight="Bolder"), _block(plain(notice.why, QUOTE))]
        if notice.quote:
            blocks.append(_block(f"“{plain(notice.quote, QUOTE)}”", italic=True))
        blocks += [_block(f"{name}: {line(value, 200)}", isSubtle=True) for name, value in notice.lines]
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.2",
            "fallbackText": title,
            "body": blocks,
            "actions": [
                {"type": "Action.OpenUrl", "title": "Open in Earshot", "url": notice.link},
                {"type": "Action.OpenUrl", "title": "The rule", "url": notice.settings},
            ],
        }
        attachment = {"contentType": CARD, "contentUrl": None, "content": card}
        return json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False).encode()

    def send(self, url: str, secret: str, event: Event, now: datetime) -> Outcome:
        """Try once. Raises nothing."""
        return chats.post(secret, event.body)


def of(settings: Settings) -> Teams:
    """The way into Teams."""
    return Teams()


# ------------------------------------------------------------------------------------------------------


def _block(words: str, **looks: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": words, **looks}]}
