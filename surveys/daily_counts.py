"""Daily counts: how often each score was given to a survey on a day, kept with the responses themselves."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from peewee import EXCLUDED, fn

from surveys.base import clock, db
from surveys.domain import schedule
from surveys.models import DailyCount, Response

#: Rows that concurrent writers on PostgreSQL spread over; SQLite writes one at a time.
SLOTS = 16

_zone: ZoneInfo = ZoneInfo("UTC")


def use_time_zone(zone: ZoneInfo) -> None:
    """Whose midnight ends a day."""
    global _zone
    _zone = zone


def time_zone() -> ZoneInfo:
    """Whose midnight ends a day, unless something else is said."""
    return _zone


def day_of(moment: datetime) -> str:
    """The day of `moment` in `TIME_ZONE`, as `2026-09-14`."""
    return schedule.day_of(moment, _zone).isoformat()


def counted(responses: Iterable[Response]) -> None:
    """Add new responses to the counts. Call it in their transaction."""
    _add_all(Counter((r.survey_id, r.day, r.definition, r.score) for r in responses if r.counted))


def _add_all(counts: Mapping[tuple[Any, ...], int], slot: int | None = None) -> None:
    if slot is None:
        slot = any_slot()
    # In one order, so that no two of us wait for each other.
    rows = [(*where, slot, n) for where, n in sorted(counts.items())]
    _add.many([dict(zip(_NAMES, row, strict=True)) for row in rows])


_KEY: list[Any] = [
    DailyCount.survey,
    DailyCount.day,
    DailyCount.definition,
    DailyCount.score,
    DailyCount.slot,
]
_NAMES = [field.name for field in (*_KEY, DailyCount.n)]

_add = db.Insert(DailyCount, conflict_target=_KEY, update={DailyCount.n: DailyCount.n + EXCLUDED.n})


def adding(new: str) -> str:
    """PostgreSQL's statement that adds new responses to the counts, those of a table or CTE `new`, in a slot `%s`."""
    key = ", ".join(f'"{field.column_name}"' for field in _KEY)
    # In one order, so that no two of us wait for each other.
    return f"""
        INSERT INTO daily_count ({key}, n)
        SELECT survey_id, day, definition, score, %s, COUNT(*) FROM {new} WHERE counted
        GROUP BY survey_id, day, definition, score ORDER BY survey_id, day, definition, score
        ON CONFLICT ({key}) DO UPDATE SET n = daily_count.n + EXCLUDED.n
    """  # noqa: S608


def any_slot() -> int:
    """Where to count, so that concurrent writers seldom wait for each other."""
    return 0 if db.on_sqlite() else random.randrange(SLOTS)


def compact(now: datetime) -> int:
    """Merge the slots of days that are over into one, so that reading adds up fewer rows; rows removed.

    Answers that come late just fill slots again. On SQLite there is nothing to do.
    """
    spread = (DailyCount.slot > 0) & (DailyCount.day < day_of(now))
    if not DailyCount.select().where(spread).exists():
        return 0

    def verb() -> int:
        where = (DailyCount.survey, DailyCount.day, DailyCount.definition, DailyCount.score)
        removed = list(DailyCount.delete().where(spread).returning(*where, DailyCount.n).tuples().execute())
        sums: Counter[tuple[Any, ...]] = Counter()
        for *key, n in removed:
            sums[tuple(key)] += n
        _add_all(sums, slot=0)
        return len(removed)

    return db.write(verb)


def moved(response: Response, before: tuple[int | None, bool]) -> None:
    """Carry a change of a response's score or of whether it counts into the counts.

    `before`: score and `counted` as they were. Call it in the transaction of the response.
    """
    old = before[0] if before[1] else None
    new = response.score if response.counted else None
    if old == new:
        return
    where = (response.survey_id, response.day, response.definition)
    _add_all({(*where, score): by for score, by in ((old, -1), (new, 1)) if score is not None})


def differences() -> list[tuple[str, str, int, int, int, int]]:
    """Where counts and responses disagree: survey, day, definition, score, n of the responses, n of the counts."""
    by = _KEY[:-1]
    query: Any = DailyCount.select(*by, fn.SUM(DailyCount.n)).group_by(*by)

    # One transaction and one snapshot: an answer that comes between the two is no difference.
    with db.snapshot():
        real = {row[:4]: row[4] for row in _from_responses()}
        kept = {row[:4]: row[4] for row in query.tuples() if row[4]}
    return [
        (*where, real.get(where, 0), int(kept.get(where, 0)))
        for where in sorted(real.keys() | kept.keys())
        if real.get(where, 0) != kept.get(where, 0)
    ]


def rebuild(days: bool = False) -> int:
    """Count everything anew (with `days`, after a change of TIME_ZONE, also each response's day); rows written."""

    def verb() -> int:
        # Answers wait: one that came between the removal and the count would be counted twice.
        db.lock_out_writers(DailyCount)
        if days:
            _rewrite_days()
        DailyCount.delete().execute()
        rows = [
            {"survey": r[0], "day": r[1], "definition": r[2], "score": r[3], "slot": 0, "n": r[4]}
            for r in _from_responses()
        ]
        for start in range(0, len(rows), 500):
            DailyCount.insert_many(rows[start : start + 500]).execute()
        return len(rows)

    return db.write(verb)


def _from_responses() -> list[tuple]:
    by = (Response.survey, Response.day, Response.definition, Response.score)
    query: Any = Response.select(*by, fn.COUNT(Response.key)).where(Response.counted).group_by(*by)
    return list(query.tuples())


def _rewrite_days() -> None:
    last = -(2**62)
    while True:
        rows = list(
            Response.select(Response.key, Response.day)
            .where(Response.key > last)
            .order_by(Response.key)
            .limit(1000)
        )
        if not rows:
            return
        for row in rows:
            if (day := day_of(clock.moment(row.key))) != row.day:
                Response.update(day=day).where(Response.key == row.key).execute()
        last = rows[-1].key
