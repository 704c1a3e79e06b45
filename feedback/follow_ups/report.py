"""How well the team keeps what it promised: in time, how soon, and solved by the customers' own word."""

import statistics as medians
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from feedback.domain import statistics
from feedback.domain.business_hours import Span, elapsed
from feedback.domain.follow_ups import GIVEN_UP, SOLVED, UNCONFIRMED
from feedback.follow_ups import hours, writing
from feedback.letters import FIXED, LOST, NOT_YET
from feedback.models import FollowUp, Letter

#: Days that are looked back on, and the newest cases among them that are read.
DAYS, MOST = 90, 5000


@dataclass(frozen=True)
class Kept:
    """A promise: how many cases it was kept in, of how many it was due in; the share's interval in percent; and the
    median of how long it took, in hours of opening."""

    kept: int
    n: int
    interval: tuple[float, float] | None
    hours: float | None

    @property
    def share(self) -> float | None:
        """In percent."""
        return 100 * self.kept / self.n if self.n else None


@dataclass(frozen=True)
class Report:
    """What became of the cases of the last DAYS. Of those asked, silence is counted apart and never as solved.

    `is_cut`: there are more than MOST, of which these are the newest.
    """

    answered: Kept
    solved: Kept
    by_word: Kept
    asked: int
    closed: dict[str, int]
    is_cut: bool


def made(condition: Any, now: datetime) -> Report:
    """The report on cases that meet `condition`, opened in the last DAYS."""
    since = now - timedelta(days=DAYS)
    cases = list(
        FollowUp.select(
            FollowUp.opened_at,
            FollowUp.first_answer_at,
            FollowUp.answer_due_at,
            FollowUp.closed_at,
            FollowUp.solve_due_at,
            FollowUp.status,
            FollowUp.waits,
        )
        .where(condition, FollowUp.opened_at >= since)
        .order_by(FollowUp.opened_at.desc())
        .limit(MOST + 1)
    )
    is_cut, cases = len(cases) > MOST, cases[:MOST]
    promise = hours.promise().hours
    done = [each for each in cases if each.status == SOLVED]

    def lasted(case: FollowUp, end: datetime) -> float:
        waits: list[Span] = [
            (_moment(begun), _moment(ended) if ended else None) for begun, ended in case.waits
        ]
        return elapsed(promise, case.opened_at, end, waits) / timedelta(hours=1)

    answers = [(each.answer_due_at, each.first_answer_at, each.closed_at) for each in cases]
    solutions = [
        (each.solve_due_at, each.closed_at if each.status == SOLVED else None, each.closed_at)
        for each in cases
    ]
    asked, fixed, not_yet = _words(condition, since)
    return Report(
        _kept(answers, [lasted(each, each.first_answer_at) for each in cases if each.first_answer_at], now),
        _kept(solutions, [lasted(each, each.closed_at) for each in done], now),
        Kept(fixed, fixed + not_yet, statistics.share_interval(fixed, fixed + not_yet), None),
        asked,
        {status: sum(each.status == status for each in cases) for status in (SOLVED, UNCONFIRMED, GIVEN_UP)},
        is_cut,
    )


# ------------------------------------------------------------------------------------------------------


def _kept(
    dates: Sequence[tuple[datetime | None, datetime | None, datetime | None]],
    lasted: list[float],
    now: datetime,
) -> Kept:
    """Of what was due by now, or done, how much was done in time. `dates`: due, done, closed.

    What was closed before it was due, and not done, was owed to nobody.
    """
    due = [
        (by, at) for by, at, closed in dates if by is not None and (at is not None or by < (closed or now))
    ]
    kept = sum(at is not None and at <= by for by, at in due)
    middle = medians.median(lasted) if lasted else None
    return Kept(kept, len(due), statistics.share_interval(kept, len(due)), middle)


def _words(condition: Any, since: datetime) -> tuple[int, int, int]:
    """How many cases were asked whether it is solved, and what their customers last said."""
    rows: Any = (
        Letter.select(Letter.follow_up, Letter.answer)
        .join(FollowUp)
        .where(
            condition,
            FollowUp.opened_at >= since,
            Letter.kind == writing.ASK,
            Letter.state.not_in(LOST),
        )
        .order_by(Letter.created_at)
        .tuples()
    )
    last: dict[str, str | None] = {}
    for case_id, answer in rows:
        last[case_id] = answer or last.get(case_id)
    said = list(last.values())
    return len(said), said.count(FIXED), said.count(NOT_YET)


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
