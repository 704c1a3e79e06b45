"""How well the team keeps what it promised: in time, how soon, and solved by the customers' own word."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import SQL, Case, fn

from feedback.domain import statistics
from feedback.domain.follow_ups import GIVEN_UP, SOLVED, UNCONFIRMED
from feedback.follow_ups import writing
from feedback.letters import FIXED, LOST, NOT_YET, SENT
from feedback.models import FollowUp, Letter

#: Days that are looked back on.
DAYS = 90


@dataclass(frozen=True)
class Kept:
    """How well one promise was kept: in how many cases, of how many in which it was due; the interval of that share in
    percent; and the median time it took, in opening hours."""

    kept: int
    n: int
    interval: tuple[float, float] | None
    hours: float | None

    @property
    def share(self) -> float | None:
        """The share in percent."""
        return 100 * self.kept / self.n if self.n else None


@dataclass(frozen=True)
class Report:
    """What became of the cases of the last DAYS. Of those asked, silence is counted apart and never as solved."""

    answered: Kept
    solved: Kept
    by_word: Kept
    asked: int
    closed: dict[str, int]


def made(condition: Any, now: datetime) -> Report:
    """The report on cases that meet `condition`, opened in the last DAYS: counted where they are kept, for there may be
    many thousand."""
    since = now - timedelta(days=DAYS)
    mine = condition & (FollowUp.opened_at >= since) & ~_only_filed()
    is_solved = FollowUp.status == SOLVED
    promises = (
        (FollowUp.answer_due_at, FollowUp.first_answer_at, FollowUp.first_answer_at.is_null(False)),
        (FollowUp.solve_due_at, FollowUp.closed_at, is_solved),
    )
    counted = [part for by, at, is_done in promises for part in _due_and_kept(by, at, is_done, now)]
    took = (FollowUp.answer_hours, FollowUp.solve_hours)
    ends = [FollowUp.status == status for status in (SOLVED, UNCONFIRMED, GIVEN_UP)]
    query: Any = FollowUp.select(*map(_sum, [*counted, *ends]), *map(fn.COUNT, took)).where(mine)
    found = [int(n or 0) for n in next(iter(query.tuples()))]
    asked, fixed, not_yet = _words(condition, since)
    return Report(
        _kept(found[1], found[0], _median(mine, took[0], found[7])),
        _kept(found[3], found[2], _median(mine, took[1], found[8])),
        _kept(fixed, fixed + not_yet, None),
        asked,
        dict(zip((SOLVED, UNCONFIRMED, GIVEN_UP), found[4:7], strict=True)),
    )


# ------------------------------------------------------------------------------------------------------


def _due_and_kept(by: Any, at: Any, is_done: Any, now: datetime) -> tuple[Any, Any]:
    """Two conditions: the answer or solution was due by now or is done; and it was done in time.

    What was closed before it was due, and not done, was owed to nobody.
    """
    until = fn.COALESCE(FollowUp.closed_at, FollowUp.closed_at.db_value(now))
    return by.is_null(False) & (is_done | (by < until)), by.is_null(False) & is_done & (at <= by)


def _only_filed() -> Any:
    """Whether all that was written went into the outbox, for there was no mail server, and nobody answered it."""
    of_case, filed = Letter.follow_up == FollowUp.id, (Letter.state == SENT) & Letter.reason.is_null(False)
    left = Letter.state.not_in(LOST) & (~filed | Letter.answer.is_null(False))
    some = Letter.select(SQL("1")).where(of_case & filed)
    return fn.EXISTS(some) & ~fn.EXISTS(Letter.select(SQL("1")).where(of_case & left))


def _sum(condition: Any) -> Any:
    return fn.SUM(Case(None, [(condition, 1)], 0))


def _kept(kept: int, n: int, hours: float | None) -> Kept:
    return Kept(kept, n, statistics.share_interval(kept, n), hours)


def _median(condition: Any, column: Any, n: int) -> float | None:
    """The middle of a column's values, of which there are `n`."""
    if not n:
        return None
    rows: Any = FollowUp.select(column).where(condition & column.is_null(False)).order_by(column)
    middle = [hours for (hours,) in rows.offset((n - 1) // 2).limit(2 - n % 2).tuples()]
    return sum(middle) / len(middle) if middle else None


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
            # What was only filed asked nobody, unless somebody tries it out from the outbox.
            (Letter.state != SENT) | Letter.reason.is_null() | Letter.answer.is_null(False),
        )
        .order_by(Letter.created_at)
        .tuples()
    )
    last: dict[str, str | None] = {}
    for case_id, answer in rows:
        last[case_id] = answer or last.get(case_id)
    said = list(last.values())
    return len(said), said.count(FIXED), said.count(NOT_YET)
