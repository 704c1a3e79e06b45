"""Websites whose calls were refused, for each survey: so that somebody can see which origin is missing."""

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import peewee
import structlog

from surveys.base import db
from surveys.models import RefusedOrigin, Survey

log = structlog.get_logger()

#: Origins kept for one survey, the newest; and how many letters of each.
MOST, LONGEST = 20, 200

#: A refused call is counted in memory; what was counted is written after this at the latest, whatever the flood.
PAUSE_SECONDS = 1.0

_Counted = dict[str, tuple[int, datetime]]


@dataclass(frozen=True)
class Refused:
    """A website, how many of its calls were refused, and when the last one was."""

    origin: str
    count: int
    last_at: datetime


_lock, _writing = threading.Lock(), threading.Lock()
_counted: dict[str, _Counted] = {}
_timer: threading.Timer | None = None


def note(survey: Survey, origin: str, now: datetime) -> None:
    """Count one refused call. It costs no write: whatever calls without a right must not be able to ask for work."""
    global _timer
    name = "".join(char for char in origin if char.isprintable())[:LONGEST]
    with _lock:
        mine = _counted.setdefault(survey.id, {})
        _add(mine, name, 1, now)
        _trim(mine)
        if _timer is None:
            _timer = threading.Timer(PAUSE_SECONDS, _write_later)
            _timer.daemon = True
            _timer.start()


def of(surveys: Iterable[Survey]) -> dict[str, list[Refused]]:
    """The newest refused origins by survey, the last one first, without those that are allowed by now.

    Other web processes may hold calls of the last second.
    """
    allowed = {survey.id: survey.allowed_origins for survey in surveys}
    # Nothing is on its way from memory to the table meanwhile.
    with _writing:
        rows = list(RefusedOrigin.select().where(RefusedOrigin.survey.in_(list(allowed))))
        with _lock:
            fresh = {survey_id: dict(_counted.get(survey_id, {})) for survey_id in allowed}
    for row in rows:
        _add(fresh[row.survey_id], row.origin, row.count, row.last_at)
    return {survey_id: _newest(fresh[survey_id], allowed[survey_id]) for survey_id in allowed}


def write() -> None:
    """Add what was counted to the table; what cannot be written is kept for the next time."""
    with _writing:
        taken = _take()
        if not taken:
            return
        try:
            db.write(lambda: _write(taken))
        except BaseException:
            with _lock:
                for survey_id, counted in taken.items():
                    mine = _counted.setdefault(survey_id, {})
                    for origin, (count, at) in counted.items():
                        _add(mine, origin, count, at)
                    _trim(mine)
            raise


def forget() -> None:
    """Drop what was counted and is not written; nothing of it is written afterwards."""
    global _timer
    with _lock:
        waiting, _timer = _timer, None
        _counted.clear()
    if waiting is not None:
        waiting.cancel()
    with _writing:
        pass


# ------------------------------------------------------------------------------------------------------


def _add(counted: _Counted, origin: str, count: int, at: datetime) -> None:
    before, last = counted.pop(origin, (0, at))
    counted[origin] = before + count, max(last, at)


def _trim(counted: _Counted) -> None:
    """Forget the oldest beyond MOST."""
    while len(counted) > MOST:
        del counted[min(counted, key=lambda each: counted[each][1])]


def _newest(counted: _Counted, allowed: Sequence[str]) -> list[Refused]:
    found = [Refused(origin, *told) for origin, told in counted.items() if origin not in allowed]
    return sorted(found, key=lambda each: each.last_at, reverse=True)[:MOST]


def _take() -> dict[str, _Counted]:
    global _counted
    with _lock:
        taken, _counted = _counted, {}
    return taken


def _write_later() -> None:
    global _timer
    with _lock:
        _timer = None
    try:
        write()
    except db.FAILURES as error:
        log.warning("refused origins are not written", error=type(error).__name__)
    finally:
        # This thread ends, and its connection with it.
        db.forget_connection()


def _write(taken: dict[str, _Counted]) -> None:
    there = [row.id for row in Survey.select(Survey.id).where(Survey.id.in_(list(taken)))]
    # In one order, so that two processes never wait for each other.
    for survey_id in sorted(there):
        rows = [
            {"survey": survey_id, "origin": origin, "count": count, "last_at": at}
            for origin, (count, at) in sorted(taken[survey_id].items())
        ]
        RefusedOrigin.insert_many(rows).on_conflict(
            conflict_target=[RefusedOrigin.survey, RefusedOrigin.origin],
            preserve=[RefusedOrigin.last_at],
            update={RefusedOrigin.count: RefusedOrigin.count + peewee.EXCLUDED.count},
        ).execute()
        mine = RefusedOrigin.survey == survey_id
        newest = RefusedOrigin.select(RefusedOrigin.origin).where(mine)
        newest = newest.order_by(RefusedOrigin.last_at.desc(), RefusedOrigin.origin).limit(MOST)
        RefusedOrigin.delete().where(mine & RefusedOrigin.origin.not_in(newest)).execute()


def _after_fork() -> None:
    # Threads do not survive a fork; what was counted is the parent's to write.
    global _lock, _writing, _counted, _timer
    _lock, _writing = threading.Lock(), threading.Lock()
    _counted, _timer = {}, None


os.register_at_fork(after_in_child=_after_fork)
