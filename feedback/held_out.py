"""What telling does: people who were told what came of what they said, against those whom chance had told later.

Who is held out was drawn, and written down, before anything left. Everybody counts in the group that they were drawn
into, told or not, so that the groups differ by chance alone; who was erased since counts in neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from feedback.domain import experiments
from feedback.domain.experiments import Compared
from feedback.loops import HELD_OUT
from feedback.models import Letter, Loop, Telling
from surveys import tombstones
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
    people = _drawn(now, loop)
    # Where nobody was drawn, there is nobody to look up among all who answered.
    rows = _of_letters(now, loop)
    scores = _next_scores(people, rows) if people else {}
    asked, answered = _asks(people, rows) if people else (set[str](), set[str]())
    trials: dict[str, tuple[list[float], list[float]]] = {}
    counts: dict[str, list[int]] = {}
    for letter, each in people.items():
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


def _drawn(now: datetime, loop: Loop | None) -> dict[str, _Person]:
    """Who was drawn, by the ids of their letters."""
    rows: Any = (
        Telling.select(Telling.letter, Telling.person, Telling.loop, Telling.held_out, Loop.send_at)
        .join(Loop, on=(Loop.id == Telling.loop))
        .where(_experiments(now, loop))
        .order_by(Loop.send_at, Telling.letter)
        .tuples()
    )
    found, seen = {}, set()
    for letter, person, loop_id, held_out, since in rows:
        if person not in seen:
            seen.add(person)
            found[letter] = _Person(loop_id, bool(held_out), since, since + HELD_OUT)
    return found


def _of_letters(now: datetime, loop: Loop | None) -> Any:
    """As a part of a statement: the letters of loops, and every row that their person goes by."""
    letters = Telling.select(Telling.letter.alias("letter"), Telling.person.alias("person"))
    letters = letters.join(Loop, on=(Loop.id == Telling.loop)).where(_experiments(now, loop))
    others = [
        Telling.select(Telling.letter.alias("letter"), Person.id.alias("person"))
        .join(Loop, on=(Loop.id == Telling.loop))
        .join(Letter, on=(Letter.id == Telling.letter), src=Telling)
        .join(Person, on=(column == Letter.email))
        .where(_experiments(now, loop), Person.verified)
        for column in (Person.email, Person.known_email)
    ]
    return (letters | others[0] | others[1]).alias("mine")


def _next_scores(people: Mapping[str, _Person], mine: Any) -> dict[str, float]:
    """What each gave first in that time, in percent of the scale."""
    rows: Any = (
        Response.select(mine.c.letter, Response.key, Response.score, Survey.metric)
        .join(Survey)
        .join_from(Response, mine, on=(mine.c.person == Response.person))
        .where(Response.counted, Response.key >= microseconds(_begin(people)))
        .tuples()
    )
    found: dict[str, tuple[int, float]] = {}
    for letter, key, score, metric in rows:
        each = people.get(letter)
        if each is None or not microseconds(each.since) <= key < microseconds(each.until):
            continue
        if letter not in found or key < found[letter][0]:
            low, high = METRICS[metric].minimum, METRICS[metric].maximum
            found[letter] = key, 100 * (score - low) / (high - low)
    return {letter: score for letter, (_, score) in found.items()}


def _asks(people: Mapping[str, _Person], mine: Any) -> tuple[set[str], set[str]]:
    """Who was asked in that time, and who of them answered what they were asked."""
    rows: Any = (
        Invitation.select(mine.c.letter, Invitation.sent_at, Invitation.answered_at)
        .join(mine, on=(mine.c.person == Invitation.person))
        .where(Invitation.sent_at >= _begin(people), ~Invitation.unverified)
        .tuples()
    )
    asked, answered = set(), set()
    for letter, sent_at, answered_at in rows:
        each = people.get(letter)
        if each is not None and each.since <= sent_at < each.until:
            asked.add(letter)
            answered |= {letter} if answered_at is not None else set()
    return asked, answered


def _begin(people: Mapping[str, _Person]) -> datetime:
    """What is older than all loops need not be read."""
    return min(each.since for each in people.values())
