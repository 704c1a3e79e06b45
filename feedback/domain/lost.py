"""Who may be lost: visible reasons with fixed points, and no score out of a black box; and how long customers stay."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: The reasons, and the points of each. They only put the list into an order; the reasons are what is to be read.
POINTS = {"leaving": 4, "not_yet": 3, "fell": 3, "unhappy_twice": 2, "follow_up": 2, "silent": 1}
LEAVING, NOT_YET, FELL, UNHAPPY_TWICE, FOLLOW_UP, SILENT = KINDS = tuple(POINTS)

#: A fall by so many scores is told; or one from the best group into the worst.
FALL = 3

#: Asks in a row that were not answered, by somebody who answered before.
UNANSWERED = 2


@dataclass(frozen=True)
class Said:
    """One answer of somebody: its key, its survey, its score, and in which third of its scale that is."""

    key: int
    survey: str
    score: int
    tone: str


def fell(answers: Sequence[Said]) -> Said | None:
    """The last answer to a survey that is far below the one before it; `answers`: somebody's, the newest first."""
    last: dict[str, Said] = {}
    told: set[str] = set()
    for each in answers:
        after = last.setdefault(each.survey, each)
        if after is each or each.survey in told:
            continue
        # Only the two newest of a survey are held against each other.
        told.add(each.survey)
        if each.score - after.score >= FALL or (each.tone, after.tone) == ("high", "low"):
            return after
    return None


def unhappy_twice(answers: Sequence[Said]) -> Said | None:
    """The last answer, where it and the one before it are of the worst group."""
    low = [each.tone == "low" for each in answers[:2]]
    return answers[0] if low == [True, True] else None


@dataclass(frozen=True)
class Survival:
    """How many of a group are still customers after some days, in percent, with a 95 % interval; `at_risk`: people who
    were still looked at then."""

    days: int
    share: float
    interval: tuple[float, float]
    at_risk: int


def survival(stays: Sequence[tuple[int, bool]], days: Sequence[int]) -> list[Survival]:
    """The share that stays beyond some days, by Kaplan and Meier, with Greenwood's error on the scale of log(-log).

    `stays`: for each person the days that they were seen for, and whether they left then; who did not may leave yet.
    Told only while somebody is still looked at.
    """
    left: dict[int, list[int]] = {}
    for length, has_left in stays:
        left.setdefault(length, [0, 0])[int(has_left)] += 1
    found, share, error, at_risk = [], 1.0, 0.0, len(stays)
    steps = sorted(left)
    place = 0
    for mark in sorted(days):
        while place < len(steps) and steps[place] <= mark:
            stayed, gone = left[steps[place]]
            if gone:
                share *= 1 - gone / at_risk
                error += gone / (at_risk * (at_risk - gone)) if at_risk > gone else math.inf
            at_risk -= stayed + gone
            place += 1
        if at_risk > 0:
            found.append(Survival(mark, 100 * share, _interval(share, error, at_risk), at_risk))
    return found


# ------------------------------------------------------------------------------------------------------


def _interval(share: float, error: float, at_risk: int) -> tuple[float, float]:
    if error == 0:
        # Nobody left so far, which of few people says little: exact, as of a share without any that failed.
        return (100 * 0.025 ** (1 / at_risk), 100.0)
    if share <= 0.0 or math.isinf(error):
        return (0.0, 100.0)
    wide = _Z * math.sqrt(error) / abs(math.log(share))
    return (100 * share ** math.exp(wide), 100 * share ** math.exp(-wide))


_Z = 1.959964
