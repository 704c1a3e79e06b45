"""Read a few, know them all: the fewest comments of a topic that stand for the others, and what a member has read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback import vectors
from feedback.models import Meaning, Placement, ReadComment, Reading
from feedback.topics.reports import Scope
from surveys.base import db
from surveys.models import Response

#: Comments that are looked through, the newest; and those that a plan names.
LOOKED_THROUGH, MOST = 2_000, 12

#: From this cosine on one comment stands for another that feels the same way: "came early" and "came late" are near.
ALIKE = 0.55


@dataclass(frozen=True)
class Step:
    """A comment to read, by its response's key, and how many more comments it stands for, itself among them."""

    key: int
    stands_for: int


@dataclass(frozen=True)
class Plan:
    """What to read next. `comments`: those looked through; `known`: how many of them the `read` ones stand for."""

    steps: tuple[Step, ...]
    comments: int
    read: int
    known: int

    @property
    def stood_for(self) -> int:
        """How many comments the reader knows once all steps are read."""
        return self.known + sum(step.stands_for for step in self.steps)


def plan(topic_id: str, scope: Scope, member_id: str | None) -> Plan:
    """What a member (None: nobody in particular) reads next of a topic to know most of what is said in it."""
    newest = (
        Placement.select(Placement.response, Meaning.vector, Meaning.representation, Reading.label)
        .join(Response, on=(Response.key == Placement.response))
        .join(Meaning, on=(Meaning.key == Placement.response), src=Placement)
        .left_outer_join(Reading, on=(Reading.key == Placement.response), src=Placement)
        .where(Placement.topic == topic_id, Meaning.vector != "", *scope.conditions)
        .order_by(Placement.response.desc())
        .limit(LOOKED_THROUGH)
    )
    rows = db.database.execute(newest).fetchall()
    # Vectors of two makers cannot be compared; those of the newest comment's are all, but while a review runs.
    rows = [row for row in rows if row[2] == rows[0][2]]
    keys = [row[0] for row in rows]
    known_keys = _read(member_id, keys)
    places = [at for at, key in enumerate(keys) if key in known_keys]
    chosen, known = vectors.covering([row[1] for row in rows], places, ALIKE, MOST, [row[3] for row in rows])
    return Plan(tuple(Step(keys[at], n) for at, n in chosen), len(keys), len(places), known)


def read(member_id: str, keys: Sequence[int], now: datetime) -> None:
    """Keep that a member has read these responses' comments."""
    rows = [{"member": member_id, "response": key, "at": now} for key in keys]
    if rows:
        db.write(ReadComment.insert_many(rows).on_conflict_ignore().execute)


# ------------------------------------------------------------------------------------------------------


def _read(member_id: str | None, keys: Sequence[int]) -> set[int]:
    if member_id is None:
        return set()
    found: Any = ReadComment.select(ReadComment.response).where(
        ReadComment.member == member_id, ReadComment.response.in_(list(keys))
    )
    return {key for (key,) in found.tuples()}
