"""What may be true of a response: that it says nothing, is in no topic, waits for one, contradicts itself.

What is counted by day of these is kept (`countings`): whoever changes what one means has the kept counts made anew, by
a migration.
"""

import functools
import operator
from typing import Any

from peewee import SQL, fn

from feedback.domain.topics import UNDERSTOOD
from feedback.models import Placement, Reading
from surveys.domain.metrics import METRICS
from surveys.models import Response, Survey

#: What a comment may hold and still say nothing.
BLANKS = " \t\r\n"

#: From here on, -1 … 1, words are taken to contradict a score: of comments that read as the opposite of what their
#: authors meant five in six are below, of those read rightly one in five.
_PLAIN = 0.5

#: Why a comment is in no topic: nobody read it yet, it says nothing, its language is not understood, or it is unlike
#: all others.
WAITING = ("unread", "nothing", "language", "unlike")


def is_silent() -> Any:
    """Whether a response has no words but blanks."""
    return Response.comment.is_null() | (fn.TRIM(Response.comment, BLANKS) == "")


def is_unplaced() -> Any:
    """Whether a response is in no topic."""
    placed = Placement.alias()
    return ~fn.EXISTS(placed.select(SQL("1")).where(placed.response == Response.key))


def waits(why: str) -> Any:
    """Whether a response's comment is in no topic, for a reason of `WAITING`; `any`: whatever the reason."""
    nothing = fn.COALESCE(Reading.says_nothing, SQL("false"))
    foreign = Reading.language.is_null() | Reading.language.not_in(UNDERSTOOD)
    reasons = {
        "any": SQL("1 = 1"),
        "unread": Reading.key.is_null(),
        "nothing": nothing,
        "language": Reading.key.is_null(False) & ~nothing & foreign,
        "unlike": Reading.key.is_null(False) & ~nothing & ~foreign,
    }
    return ~is_silent() & is_unplaced() & reasons[why]


def is_mismatch() -> Any:
    """Whether the words plainly contradict the score: praise from the lowest group, or blame from the highest."""
    opposite = [
        (Survey.metric == metric.key)
        & (
            ((Reading.text_score >= _PLAIN) & (Response.group == metric.groups[0].key))
            | ((Reading.text_score <= -_PLAIN) & (Response.group == metric.positive))
        )
        for metric in METRICS.values()
    ]
    return functools.reduce(operator.or_, opposite)
