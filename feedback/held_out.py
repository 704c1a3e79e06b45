"""What telling does: people who were told what came of what they said, against those whom chance had told later.

Who is held out was drawn, and written down, before anything left. Everybody counts in the group that they were drawn
into, told or not, so that the groups differ by chance alone; who was erased since counts in neither.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from feedback.domain import experiments
from feedback.domain.experiments import Compared
from feedback.loops import HELD_OUT
from feedback.models import Letter, Loop, Telling
from surveys import tombstones
from surveys.base import db
from surveys.base.clock import microseconds
from surveys.base.lately import Lately
from surveys.domain.metrics import METRICS
from surveys.models import Invitation, Person, Response, Survey

#: So long what telling does is kept: to work it out, all answers of all who were told are read.
FRESH = timedelta(minutes=10)

COMPARED = Lately(FRESH, 100)


@dataclass(frozen=True)
class Comparison:
    """Of `loops` loops: how many were to be told at once and how many later; their next score, in percent of its scale;
    and how many of those who were asked again answered, in percent. `first` is told, `second` held out."""

    loops: int
    told: int
    held_out: int
    score: Compared
    answering: Compared


def compared(now: datetime, loop: Loop | None = None) -> Comparison:
    """What happened in the 60 days in which only some were told, in all loops or in one, as worked out in the last
    FRESH; anew when somebody was erased.

    Whoever is in several loops counts in the first of them.
    """
    people = Telling.select().join(Loop, on=(Loop.id == Telling.loop)).where(_experiments(now, loop))
    # Of one who was erased and one who came there are as many as before.
    key = (loop.id if loop is not None else None, people.count(), tombstones.count())
    found: Comparison = COMPARED.of(key, now, lambda: _compared(now, loop))
    return found


def drawn() -> bool:
    """Whether anybody was ever held out."""
    return Telling.select().where(Telling.held_out).exists()


# ------------------------------------------------------------------------------------------------------


def _compared(now: datetime, loop: Loop | None) -> Comparison:
    people, letters = _drawn(now, loop)
    # Where nobody was drawn, there is nobody to look up among all who answered.
    scores = _next_scores(people, letters) if people else {}
    asked, answered = _asks(people, letters) if people else (set[str](), set[str]())
    trials: dict[str, tuple[list[float], list[float]]] = {}
    counts: dict[str, list[int]] = {}
    # Most have done nothing since. Always in one order: sums of fractions hang on it.
    for letter in sorted(scores.keys() | asked, key=lambda letter: (people[letter].since, letter)):
        each = people[letter]
        at = int(each.held_out)
        if letter in scores:
            trials.setdefault(each.loop, ([], []))[at].append(scores[letter])
        if letter in asked:
            mine = counts.setdefault(each.loop, [0, 0, 0, 0])
            mine[2 * at] += letter in answered
            mine[2 * at + 1] += 1
    held_out = sum(each.held_out for each in people.values())
    return Comparison(
        len({each.loop for each in people.values()}),
        len(people) - held_out,
        held_out,
        experiments.means(list(trials.values())),
        experiments.shares([(did, n, others, m) for did, n, others, m in counts.values()]),
    )


@dataclass(frozen=True)
class _Person:
    """Somebody in a loop that held people out. `since` inclusive, `until` exclusive: when only some were told."""

    loop: str
    held_out: bool
    since: datetime
    until: datetime


def _experiments(now: datetime, loop: Loop | None) -> Any:
    """The condition on loops."""
    found = (
        (Loop.holdout > 0) & Loop.ready_at.is_null(False) & Loop.undone_at.is_null() & (Loop.send_at <= now)
    )
    return found if loop is None else found & (Loop.id == loop.id)


def _drawn(now: datetime, loop: Loop | None) -> tuple[dict[str, _Person], dict[str, list[str]]]:
    """Who was drawn, by the ids of their letters; and the letters of everybody by every row that they go by."""
    loops: Any = Loop.select(Loop.id, Loop.send_at).where(_experiments(now, loop))
    begun = dict(list(loops.tuples()))
    groups = {
        (loop_id, held_out): _Person(loop_id, held_out, since, since + HELD_OUT)
        for loop_id, since in begun.items()
        for held_out in (False, True)
    }
    found: dict[str, _Person] = {}
    first: dict[str, tuple[datetime, str]] = {}
    letters: dict[str, list[str]] = {}
    loop_ids = db.listed(list(begun))
    # Tens of thousands: as the driver gives them, and of each loop what all of its people share is made once.
    for letter, person, loop_id, held_out in _tellings(loops=loop_ids).fetchall():
        letters.setdefault(person, []).append(letter)
        mine = begun[loop_id], letter
        if person in first:
            if first[person] <= mine:
                continue
            del found[first[person][1]]
        first[person] = mine
        found[letter] = groups[loop_id, bool(held_out)]
    for column in ("email", "known_email") if letters else ():
        for letter, person in _others(column)(loops=loop_ids).fetchall():
            letters.setdefault(person, []).append(letter)
    return found, letters


_tellings = db.Prepared(
    lambda: Telling.select(Telling.letter, Telling.person, Telling.loop, Telling.held_out).where(
        db.is_among(Telling.loop, "loops")
    )
)


@functools.cache
def _others(column: str) -> db.Prepared:
    """Letters, and the other rows that stand for the person of each: by where the letter went."""
    address = getattr(Person, column)
    return db.Prepared(
        lambda: (
            Telling.select(Telling.letter, Person.id)
            .join(Letter, on=(Letter.id == Telling.letter))
            .join(Person, on=(address == Letter.email))
            .where(db.is_among(Telling.loop, "loops"), Person.verified, Person.id != Telling.person)
        )
    )


def _next_scores(people: Mapping[str, _Person], letters: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """What each gave first in that time, in percent of the scale."""
    begin, end = map(microseconds, _edges(people))
    rows = _answers(people=db.listed(list(letters)), begin=begin, end=end).fetchall()
    found: dict[str, tuple[int, float]] = {}
    for person, key, score, metric in rows:
        low, high = METRICS[metric].minimum, METRICS[metric].maximum
        for letter in letters[person]:
            each = people.get(letter)
            if each is None or not microseconds(each.since) <= key < microseconds(each.until):
                continue
            if letter not in found or key < found[letter][0]:
                found[letter] = key, 100 * (score - low) / (high - low)
    return {letter: score for letter, (_, score) in found.items()}


_answers = db.Prepared(
    lambda: (
        Response.select(Response.person, Response.key, Response.score, Survey.metric)
        .join(Survey)
        .where(
            Response.counted,
            db.is_among(Response.person, "people"),
            Response.key >= db.slot("begin"),
            Response.key < db.slot("end"),
        )
    )
)


def _asks(people: Mapping[str, _Person], letters: Mapping[str, Sequence[str]]) -> tuple[set[str], set[str]]:
    """Who was asked in that time, and who of them answered what they were asked."""
    begin, end = map(Invitation.sent_at.db_value, _edges(people))
    rows = _sent(people=db.listed(list(letters)), begin=begin, end=end).fetchall()
    asked, answered = set(), set()
    for person, sent, is_answered in rows:
        sent_at = Invitation.sent_at.python_value(sent)
        for letter in letters[person]:
            each = people.get(letter)
            if each is not None and sent_at is not None and each.since <= sent_at < each.until:
                asked.add(letter)
                answered |= {letter} if is_answered else set()
    return asked, answered


_sent = db.Prepared(
    lambda: Invitation.select(
        Invitation.person, Invitation.sent_at, Invitation.answered_at.is_null(False)
    ).where(
        db.is_among(Invitation.person, "people"),
        Invitation.sent_at >= db.slot("begin"),
        Invitation.sent_at < db.slot("end"),
        ~Invitation.unverified,
    )
)


def _edges(people: Mapping[str, _Person]) -> tuple[datetime, datetime]:
    """What is older than all loops, or younger than the time of all, need not be read."""
    groups = set(people.values())
    return min(each.since for each in groups), max(each.until for each in groups)
