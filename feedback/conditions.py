"""What may be true of a response: that it says nothing, is in no topic, waits for one, contradicts itself.

What is counted by day of these is kept (`countings`): whoever changes what one means has the kept counts made anew, by
a migration.
"""

import math
from typing import Any

from peewee import SQL, Case, fn

from feedback.domain.topics import UNDERSTOOD
from feedback.models import Placement, Reading
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import Response, Survey

#: What a comment may hold and still say nothing.
BLANKS = " \t\r\n"

#: From here on, -1 … 1, words are taken to contradict a score at an end of its scale. None of 300 comments reads
#: so plainly as the opposite of what was meant; three in five of those that are read rightly do. Less plain
#: words stand beside many a good score: people who are content say what is missing, too.
_PLAIN = 0.75
#: From here on the reading as a whole, which knows the score, contradicts any score of the lowest or positive group.
_IN_SPITE = 0.9
#: How much of a scale is its end.
_END = 0.2

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
    """Whether the words plainly contradict the score: praise from the lowest group, or blame from the highest. Words
    must be as plain beside every score. At an end of the scale (a ten with anger, a zero with praise) they are enough;
    beside other scores of the group the whole reading must contradict the score too.
    """
    # Each metric by itself: PostgreSQL would look for what many conditions have in common for longer than for answers.
    each = [(Survey.metric == key, _contradicts(metric)) for key, metric in METRICS.items()]
    return Case(None, each, SQL("false"))


def _contradicts(metric: Metric) -> Any:
    # In whole scores, for the column would cut an edge between two of them off.
    edge = math.floor(_END * (metric.maximum - metric.minimum))
    lowest, highest = Response.score <= metric.minimum + edge, Response.score >= metric.maximum - edge
    praised = (Reading.text_score >= _PLAIN) & (lowest | (Reading.score >= _IN_SPITE))
    blamed = (Reading.text_score <= -_PLAIN) & (highest | (Reading.score <= -_IN_SPITE))
    return (praised & (Response.group == metric.groups[0].key)) | (
        blamed & (Response.group == metric.positive)
    )
