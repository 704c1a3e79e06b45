"""Who may be lost: visible reasons with fixed points, and no score out of a black box; and how long customers stay."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: The reasons, and the points of each. They only put the list into an order; the reasons are what is to be read.
POINTS = {"leaving": 4, "not_yet": 3, "fell": 3, "unhappy_twice": 2, "follow_up": 2, "silent": 1}
LEAVING, NOT_YET, FELL, UNHAPPY_TWICE, FOLLOW_UP, SILENT = KINDS = tuple(POINTS)

#: A fall by so many scores is told; or one from the best group into the worst.
FALL = 3

#: Asks of a survey in a row that were not answered, by somebody who answered it before.
UNANSWERED = 2


@dataclass(frozen=True)
class Said:
    """One answer of somebody: its key, its survey, its score, and in which third of its scale that is."""

    key: int
    survey: str
    score: int
    tone: str


def fell(answers: Sequence[Said]) -> list[Said]:
    """The last answer to each survey where it is far below the one before; `answers`: somebody's, the newest first."""
    return [
        last
        for last, before in _newest_pairs(answers)
        if before.score - last.score >= FALL or (before.tone, last.tone) == ("high", "low")
    ]


def unhappy_twice(answers: Sequence[Said]) -> list[Said]:
    """The last answer to each survey where it and the one before it to the same are of the worst group."""
    return [last for last, before in _newest_pairs(answers) if last.tone == before.tone == "low"]


def silent(answered: Mapping[str, int], asks: Sequence[tuple[str, int]]) -> dict[str, int]:
    """The surveys that asked UNANSWERED times or more since they were last answered, for nothing: when each last did.

    `answered`: the key of somebody's last answer by its survey; `asks`: the survey and moment, as a key, of each ask
    that they did not answer.
    """
    ignored: dict[str, list[int]] = {}
    for survey, moment in asks:
        if moment > answered.get(survey, moment):
            ignored.setdefault(survey, []).append(moment)
    return {survey: max(moments) for survey, moments in ignored.items() if len(moments) >= UNANSWERED}


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


def _newest_pairs(answers: Sequence[Said]) -> list[tuple[Said, Said]]:
    """The two newest answers to each survey, the newest first: only these are held against each other."""
    found: dict[str, list[Said]] = {}
    for each in answers:
        found.setdefault(each.survey, []).append(each)
    return [(mine[0], mine[1]) for mine in found.values() if len(mine) > 1]


def _interval(share: float, error: float, at_risk: int) -> tuple[float, float]:
    if error == 0:
        # Nobody left so far, which of few people says little: exact, as of a share without any that failed.
        return (100 * 0.025 ** (1 / at_risk), 100.0)
    if share <= 0.0 or math.isinf(error):
        return (0.0, 100.0)
    wide = _Z * math.sqrt(error) / abs(math.log(share))
    return (100 * share ** math.exp(wide), 100 * share ** math.exp(-wide))


_Z = 1.959964
