"""Websites whose calls were refused, for each survey: so that somebody can see which origin is missing."""

import os
import threading
from collections.abc import Iterable
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

_lock, _writing = threading.Lock(), threading.Lock()
_counted: dict[str, _Counted] = {}
_timer: threading.Timer | None = None


def note(survey: Survey, origin: str, now: datetime) -> None:
    """Count one refused call. It costs no write: whatever calls without a right must not be able to ask for work."""
    global _timer
    name = "".join(char for char in origin if char.isprintable())[:LONGEST]
    with _lock:
        _add(_counted.setdefault(survey.id, {}), name, 1, now)
        if _timer is None:
            _timer = threading.Timer(PAUSE_SECONDS, _write_later)
            _timer.daemon = True
            _timer.start()


def of(surveys: Iterable[Survey]) -> dict[str, list[RefusedOrigin]]:
    """The newest refused origins by survey, the last one first, without those that are allowed by now.

    Other web processes may hold calls of the last second.
    """
    write()
    allowed = {survey.id: survey.allowed_origins for survey in surveys}
    found: dict[str, list[RefusedOrigin]] = {survey_id: [] for survey_id in allowed}
    query = RefusedOrigin.select().where(RefusedOrigin.survey.in_(list(allowed)))
    for row in query.order_by(RefusedOrigin.last_at.desc(), RefusedOrigin.origin):
        if row.origin not in allowed[row.survey_id] and len(found[row.survey_id]) < MOST:
            found[row.survey_id].append(row)
    return found


def write() -> None:
    """Add what was counted to the table; what cannot be written is kept for the next time."""
    # Whoever reads the table after this also finds what another thread was about to write.
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
    if len(counted) > MOST:
        del counted[min(counted, key=lambda each: counted[each][1])]


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
    except (peewee.PeeweeException, db.DatabaseAway) as error:
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
