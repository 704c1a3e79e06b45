"""Notices by mail, as plain text: nothing in it is a link but ours, and words of customers stand behind `> `."""

import json
from collections.abc import Mapping
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


class Mailed:
    """Carries notices to one mailbox."""

    def body(self, told: Mapping[str, Any]) -> bytes:
        """Subject, text and headers for an event that is a notice; `stop` is where its reader stops them."""
        notice = Told.of(told["data"])
        quoted = "\n".join(f"> {each}" for each in plain(notice.quote or "", QUOTE).splitlines())
        text = _TEXT.format(
            why=plain(notice.why, QUOTE),
            quote=f"\n{quoted}\n" if quoted else "",
            lines="".join(f"\n{name}: {line(value, 200)}" for name, value in notice.lines)
            + ("\n" if notice.lines else ""),
            link=notice.link,
            settings=notice.settings,
        )
        stop, headers = told.get("stop"), AUTOMATIC
        if stop:
            text += _STOP.format(stop=stop)
            headers = headers | stopped_at(stop)
        mail = {"subject": line(notice.title, SUBJECT), "text": text, "headers": headers}
        return json.dumps(mail, ensure_ascii=False).encode()

    def send(self, url: str, secret: str, event: Event, now: datetime) -> Outcome:
        """Try once; the Message-ID is the event's, so that a mailbox can tell a repetition. Raises nothing.

        Where nobody can tell whether it left, it is not sent again by itself: it is shown as that, and can be.
        """
        if not secret:
            return Outcome(error="UnreadableSecret")
        given = json.loads(event.body)
        message = Message(secret, given["subject"], given["text"], id=event.id, headers=given["headers"])
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
