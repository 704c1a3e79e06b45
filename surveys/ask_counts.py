"""Counts of asks: how many a survey sent on a day, and how many of those were answered, of days whose asks are over.

The worker keeps them. Whatever changes an ask of such a day takes its count away at once, by a trigger of the database,
and until the next hour the asks themselves are counted; so what stands is right, whoever writes.
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import peewee
from peewee import SQL, fn

from surveys.base import db
from surveys.models import AskCount, Invitation, Survey

#: Days that are counted in one transaction, and days back that are counted at all.
AT_ONCE, MOST_DAYS = 31, 4000

#: A day is left to itself for so long after its asks are over: somebody may just be writing one down.
SETTLES = timedelta(hours=1)

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Kept:
    """What is known of the asks that were sent from `begin` up to, not including, `end`."""

    begin: datetime
    end: datetime
    sent: int
    answered: int


def between(survey_ids: Sequence[str], since: datetime, until: datetime) -> dict[str, Kept]:
    """What is kept of whole days between two moments, by survey; without those of which that is nothing, or a day amid
    them is missing."""
    first, last = since.astimezone(UTC), until.astimezone(UTC)
    begin = first.date().isoformat() if first == _starts_at(first.date()) else f"{first.date().isoformat()}~"
    rows = _kept(surveys=db.listed(survey_ids), first=begin, last=last.date().isoformat()).fetchall()
    found = {}
    for survey, low, high, days, sent, answered in rows:
        start, end = (_starts_at(date.fromisoformat(day)) for day in (low, high))
        if (end - start).days + 1 == days:
            found[survey] = Kept(start, end + DAY, int(sent), int(answered))
    return found


def roll_up(now: datetime) -> int:
    """Count the days whose asks are over and that are not counted; how many."""
    written = 0
    windows: Any = Survey.select(Survey.id, Survey.answer_window_days).tuples()
    for survey_id, window in list(windows):
        over = (now.astimezone(UTC) - timedelta(days=window) - SETTLES).date()
        sent = (Invitation.survey == survey_id) & Invitation.sent_at.is_null(False)
        first: Any = Invitation.select(Invitation.sent_at).where(sent).order_by(Invitation.sent_at).first()
        if first is None:
            continue
        begin = max(first.sent_at.astimezone(UTC).date(), over - timedelta(days=MOST_DAYS))
        kept: Any = AskCount.select(AskCount.day).where(AskCount.survey == survey_id).tuples()
        known = {day for (day,) in kept}
        if known and min(known) < begin.isoformat():
            # Days before the first ask are counted no more: what is missing amid them would never be mended.
            early = (AskCount.survey == survey_id) & (AskCount.day < begin.isoformat())
            db.write(AskCount.delete().where(early).execute)
        days = [begin + timedelta(days=at) for at in range((over - begin).days)]
        missing = [day for day in days if day.isoformat() not in known]
        for some in peewee.chunked(missing, AT_ONCE):
            written += db.write(functools.partial(_keep, survey_id, some))
    return written


def differences() -> list[tuple[str, str]]:
    """Where counts and asks disagree: survey and day."""
    with db.snapshot():
        kept = {
            (row.survey_id, row.day): (row.sent, row.answered)
            for row in AskCount.select().order_by(AskCount.day)
        }
        surveys = {survey for survey, _ in kept}
        real = {
            (survey, day): counts
            for survey in surveys
            for day, *counts in _by_day(survey, date.min, date.max)
        }
    return sorted(which for which, counts in kept.items() if tuple(real.get(which, (0, 0))) != counts)


def rebuild(now: datetime) -> int:
    """Count all anew; how many days."""
    db.write(AskCount.delete().execute)
    return roll_up(now)


# ------------------------------------------------------------------------------------------------------


_kept = db.Prepared(
    lambda: (
        AskCount.select(
            AskCount.survey,
            fn.MIN(AskCount.day),
            fn.MAX(AskCount.day),
            fn.COUNT(SQL("*")),
            fn.SUM(AskCount.sent),
            fn.SUM(AskCount.answered),
        )
        .where(
            db.is_among(AskCount.survey, "surveys"),
            AskCount.day >= db.slot("first"),
            AskCount.day < db.slot("last"),
        )
        .group_by(AskCount.survey)
    )
)


def _starts_at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _keep(survey_id: str, days: Iterable[date]) -> int:
    """Write the counts of some days."""
    # Whoever changes an ask takes its count away: from here on they wait for this one.
    db.lock_out_writers(AskCount)
    wanted = sorted(days)
    real = {day: counts for day, *counts in _by_day(survey_id, wanted[0], wanted[-1])}
    rows = []
    for day in map(date.isoformat, wanted):
        sent, answered = real.get(day, (0, 0))
        rows.append({"survey": survey_id, "day": day, "sent": sent, "answered": answered})
    return _insert.many(rows)


_insert = db.Insert(AskCount, action="ignore")


def _by_day(survey_id: str, first: date, last: date) -> list[tuple[str, int, int]]:
    """Day, how many were sent, and how many of these are answered; without days on which none was sent."""
    day = (
        fn.SUBSTR(Invitation.sent_at, 1, 10)
        if db.on_sqlite()
        else fn.TO_CHAR(SQL("sent_at AT TIME ZONE 'UTC'"), "YYYY-MM-DD")
    )
    end = _starts_at(last) + DAY if last < date.max else datetime.max.replace(tzinfo=UTC)
    rows = Invitation.select(day, fn.COUNT(SQL("*")), fn.COUNT(Invitation.answered_at)).where(
        Invitation.survey == survey_id,
        Invitation.sent_at >= _starts_at(first),
        Invitation.sent_at < end,
    )
    found: list[tuple[str, int, int]] = db.database.execute(rows.group_by(SQL("1"))).fetchall()
    return found
