"""What is counted beside the segments: what becomes of comments, topics and how people feel about them, topics that
come together, and contradictions.

A counting has rows as a segment has: a survey, a value, a number in the place of the score, how often, and the key of
the last response. So roll-ups keep both alike.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import peewee
from peewee import SQL, Case, fn

from feedback import conditions, segments
from feedback.domain.topics import UNDERSTOOD
from feedback.models import Placement, Reading
from surveys.base import db
from surveys.models import Response, Survey

#: By language that was read or claimed, what became of comments: a sum of the `_FATES`. No tests, nothing excluded.
COMMENTS = "comment"
#: By topic, how people feel about it (`felt`). No tests, nothing excluded.
MENTIONS = "mention"
#: By all topics of a comment together (`together`), how it feels as a whole. No tests, nothing excluded.
TOGETHER = "together"
#: By all topics of a response together, None for those in none, how often each score was given; what counts.
SCORES = "topics"
#: How often each score was given in answers whose words contradict it; what counts.
MISMATCHES = "mismatch"

NAMES = (COMMENTS, MENTIONS, TOGETHER, SCORES, MISMATCHES)

#: In which order feelings are numbered; 0 where there is none.
FEELINGS = ("negative", "neutral", "positive")

#: Values of a counting of which those of a period are kept; of more none is.
MOST = 20_000


def query(
    name: str,
    within: segments.Within,
    where: Iterable[Any] = (),
    *,
    by_survey: bool = False,
    by_day: bool = False,
) -> Any:
    """Rows of a counting, of the responses whose keys lie `within` and `where`: the survey or the day, else null, a
    value, a number, how often, and the last key."""
    inner = _SOURCES[name](within).where(within(Response.key), *where).alias("each")
    first = [inner.c.survey] if by_survey else [inner.c.day] if by_day else []
    by = [*first, inner.c.value, inner.c.number]
    columns = [*(first or [SQL("NULL")]), inner.c.value, inner.c.number]
    found = peewee.Select([inner], [*columns, fn.COUNT(inner.c.key), fn.MAX(inner.c.key)])
    return found.group_by(*by).bind(db.database)


def together(value: str | None) -> list[str]:
    """The topics that a value of `TOGETHER` or `SCORES` stands for."""
    return value.split(",") if value else []


def topics() -> Any:
    """All topics of a response, with commas between."""
    placed = Placement.alias()
    join = fn.GROUP_CONCAT(placed.topic) if db.on_sqlite() else fn.STRING_AGG(placed.topic, SQL("','"))
    return placed.select(join).where(placed.response == Response.key)


def settled(name: str, value: Any) -> Any:
    """A value in one spelling: the database puts topics in any order. `topic`: of the column of an answer."""
    return ",".join(sorted(together(value))) or None if name in (TOGETHER, SCORES, "topic") else value


def felt(number: int) -> str | None:
    """The feeling that a number of `MENTIONS` or `TOGETHER` stands for; None for no feeling."""
    return FEELINGS[number // 2 - 1] if number > 1 else None


def is_said(number: int) -> bool:
    """Whether a number of `MENTIONS` or `TOGETHER` is of responses that still have a comment."""
    return bool(number % 2)


@dataclass(frozen=True)
class Fate:
    """What became of comments, read from a number of `COMMENTS` and the language beside it."""

    language: str | None
    number: int

    def _has(self, what: str) -> bool:
        return bool(self.number & _FATES[what])

    @property
    def is_said(self) -> bool:
        """Whether there is a comment, be it empty."""
        return self._has("said")

    @property
    def is_there(self) -> bool:
        """Whether the comment is not empty."""
        return self._has("there")

    @property
    def is_placed(self) -> bool:
        """Whether the comment is in a topic."""
        return self._has("there") and self._has("placed")

    @property
    def says_nothing(self) -> bool:
        """Whether it was read that it says nothing."""
        return self._has("nothing")

    @property
    def waits(self) -> str | None:
        """Why the comment is in no topic, as `conditions.WAITING` has it; None where it is in one, or only blanks."""
        if not self._has("words") or self._has("placed"):
            return None
        if not self._has("read"):
            return "unread"
        if self._has("nothing"):
            return "nothing"
        return "unlike" if self._has("told") and self.language in UNDERSTOOD else "language"


# ------------------------------------------------------------------------------------------------------


#: What may be true of a comment, and what that adds to its number. `told`: its language was read.
_FATES = {"said": 1, "there": 2, "words": 4, "placed": 8, "nothing": 16, "read": 32, "told": 64}


def _source(value: Any, number: Any) -> Any:
    return Response.select(
        Response.survey.alias("survey"),
        Response.day.alias("day"),
        Response.key.alias("key"),
        value.alias("value"),
        number.alias("number"),
    )


def _comments(within: segments.Within) -> Any:
    nothing = fn.COALESCE(Reading.says_nothing, SQL("false"))
    said = Response.comment.is_null(False)
    fates = {
        "said": said,
        "there": said & (Response.comment != ""),
        "words": ~conditions.is_silent(),
        "placed": ~conditions.is_unplaced(),
        "nothing": nothing,
        "read": Reading.key.is_null(False),
        "told": Reading.language.is_null(False),
    }
    number = sum((Case(None, [(fates[name], n)], 0) for name, n in _FATES.items()), SQL("0"))
    return _read(_source(fn.COALESCE(Reading.language, Response.language), number), within).where(
        *_LOOKED_AT, said | nothing
    )


def _feeling(label: Any) -> Any:
    by_name = Case(None, [(label == name, 2 * at) for at, name in enumerate(FEELINGS, 1)], 0)
    return by_name + Case(None, [(Response.comment.is_null(False), 1)], 0)


def _mentions(within: segments.Within) -> Any:
    felt_so = _feeling(fn.COALESCE(Placement.sentiment, Reading.label))
    query = _source(Placement.topic, felt_so).join(Placement, on=segments.same(Placement.response, within))
    return _read(query, within).where(*_LOOKED_AT)


def _together(within: segments.Within) -> Any:
    query = _read(_source(topics(), _feeling(Reading.label)), within)
    return query.where(*_LOOKED_AT, ~conditions.is_unplaced())


def _scores(_within: segments.Within) -> Any:
    return _source(topics(), Response.score).where(Response.counted)


def _mismatches(within: segments.Within) -> Any:
    query = _source(SQL("NULL"), Response.score).join(Survey, on=(Survey.id == Response.survey), src=Response)
    query = query.join(Reading, on=segments.same(Reading.key, within), src=Response)
    return query.where(Response.counted, conditions.is_mismatch())


def _read(query: Any, within: segments.Within) -> Any:
    return query.left_outer_join(Reading, on=segments.same(Reading.key, within), src=Response)


_LOOKED_AT: Sequence[Any] = (~Response.test, ~Response.excluded)

_SOURCES: dict[str, Callable[[segments.Within], Any]] = {
    COMMENTS: _comments,
    MENTIONS: _mentions,
    TOGETHER: _together,
    SCORES: _scores,
    MISMATCHES: _mismatches,
}
