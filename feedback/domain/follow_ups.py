"""Follow-ups: in which states a case may be, who may put it there, and which answers open one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surveys.domain.follow_ups import BOTH, REPLY

#: `handled`: somebody is at it; `waiting`: for the customer; `asked`: whether it is solved. The last three are closed:
#: the customer said so, the customer said nothing for SILENCE_DAYS, the team gave up.
NEW, HANDLED, WAITING, ASKED, SOLVED, UNCONFIRMED, GIVEN_UP = STATUSES = (
    *("new", "handled", "waiting", "asked", "solved", "unconfirmed", "given_up"),
)
OPEN = (NEW, HANDLED, WAITING, ASKED)
CLOSED = (SOLVED, UNCONFIRMED, GIVEN_UP)

#: What the team may set. Only the customer solves, and silence alone is no confirmation.
OF_THE_TEAM = (*OPEN, GIVEN_UP)

#: In these states the team waits for the customer's word, and the clock of solving stands still. The customer was
#: answered before.
STANDING = (WAITING, ASKED)

#: Why a case is given up.
REASONS = ("lost_cause", "no_contact_allowed", "duplicate", "not_ours")

#: The steps that recover a customer. People may skip and repeat steps.
STEPS = ("listen", "apologise", "understand", "solve", "make_good", "confirm")

#: After so long without a word, whoever was asked whether it is solved will not answer.
SILENCE_DAYS = 7

#: The rule of a case that a person opened.
BY_HAND = "by_hand"

#: Words from here on (-1 … 1) are strongly negative, whatever the score.
STRONGLY_NEGATIVE = -0.7


@dataclass(frozen=True)
class Said:
    """One answer. `words`: what the comment's words alone say, -1 … 1; `before`: the same person's scores of the same
    survey before this one, the newest first."""

    score: int | None
    words: float | None = None
    contact: str | None = None
    before: Sequence[int] = ()


def rule(rules: Mapping[str, Any], said: Said) -> str | None:
    """The first of a survey's rules that has somebody get in touch: `score`, `negative`, `contact`, `falling`."""
    limit = rules.get("at_or_below")
    fits = {
        "score": limit is not None and said.score is not None and said.score <= limit,
        "negative": rules.get("negative") and said.words is not None and said.words <= STRONGLY_NEGATIVE,
        "contact": rules.get("contact") and said.contact in (REPLY, BOTH),
        "falling": rules.get("falling") and _fell_twice(said),
    }
    return next((name for name, fit in fits.items() if fit), None)


def _fell_twice(said: Said) -> bool:
    if said.score is None or len(said.before) < 2:
        return False
    return said.before[1] > said.before[0] > said.score
