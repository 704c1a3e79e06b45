"""Notices by mail: nothing in one is a link but ours, and in its plain text words of customers stand behind `> `."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from surveys.base import delivery
from surveys.base.delivery.defusing import Told, line, plain
from surveys.base.delivery.message import (
    AUTOMATIC,
    DeliveryFailed,
    DeliveryUnknown,
    Message,
    stopped_at,
)
from surveys.base.delivery.webhook import Event, Outcome
from surveys.base.settings import Settings

#: What a mail is marked with before it leaves, and where nobody can tell whether it did: it is not sent again then.
UNSURE = "may have arrived"

SUBJECT, QUOTE = 150, 5000

_TEXT = """{why}
{quote}{lines}
{link}

--
You get this because of a rule of the team: {settings}
"""

_STOP = """
No more of it:
{stop}
"""


_make_html: Callable[[Mapping[str, Any]], str] | None = None


def use_html(make: Callable[[Mapping[str, Any]], str]) -> None:
    """Say how a notice is told in HTML, of what its plain text is made of: see `Mailed.body`."""
    global _make_html
    _make_html = make


class Mailed:
    """Carries notices to one mailbox."""

    def body(self, told: Mapping[str, Any]) -> bytes:
        """Subject, text, HTML and headers for an event that is a notice; `stop` is where its reader stops them."""
        notice, stop = Told.of(told["data"]), told.get("stop")
        said = {
            "subject": line(notice.title, SUBJECT),
            "why": plain(notice.why, QUOTE),
            "quote": plain(notice.quote or "", QUOTE).splitlines(),
            "lines": [(name, line(value, 200)) for name, value in notice.lines],
            "link": notice.link,
            "settings": notice.settings,
            "stop": stop,
        }
        mail = {
            "subject": said["subject"],
            "text": _text(said),
            "html": _make_html(said) if _make_html is not None else None,
            "headers": AUTOMATIC | stopped_at(stop) if stop else AUTOMATIC,
        }
        return json.dumps(mail, ensure_ascii=False).encode()

    def send(self, url: str, secret: str, event: Event, now: datetime) -> Outcome:
        """Try once; the Message-ID is the event's, so that a mailbox can tell a repetition. Raises nothing.

        Where nobody can tell whether it left, nothing sends it again by itself: it is shown as unsure, and people may.
        """
        if not secret:
            return Outcome(error="UnreadableSecret")
        given = json.loads(event.body)
        message = Message(
            secret,
            given["subject"],
            given["text"],
            given["html"],
            id=event.id,
            headers=given["headers"],
        )
        try:
            delivery.transport("mail").send(message, now)
        except DeliveryUnknown:
            return Outcome(error=UNSURE, final=True)
        except DeliveryFailed as error:
            return Outcome(error=str(error), final=not error.again)
        return Outcome(250)


def of(settings: Settings) -> Mailed:
    """The way by mail: whatever carries mail."""
    return Mailed()


# ------------------------------------------------------------------------------------------------------


def _text(said: Mapping[str, Any]) -> str:
    quoted = "\n".join(f"> {each}" for each in said["quote"])
    lines = "".join(f"\n{name}: {value}" for name, value in said["lines"])
    text = _TEXT.format(
        why=said["why"],
        quote=f"\n{quoted}\n" if quoted else "",
        lines=f"{lines}\n" if lines else "",
        link=said["link"],
        settings=said["settings"],
    )
    return text + (_STOP.format(stop=said["stop"]) if said["stop"] else "")
