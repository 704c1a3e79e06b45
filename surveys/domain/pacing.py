"""How large a share of people to ask so that about so many answers come in a week."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Past:
    """What happened in the last `days`: `eligible` people could have been asked; of `asked` ones with a closed or
    open answer window, `answered` did."""

    days: float
    eligible: int
    asked: int
    answered: int


#: Below this many asks the rate of answers says little; before, this one is believed (a usual rate by mail).
ENOUGH_ASKS = 30
USUAL_RATE = 0.15


def share(per_week: int, past: Past) -> float | None:
    """The share of eligible people, 0 to 1, that brings about `per_week` answers; None while nobody was eligible.

    The observed rate of answers is drawn towards USUAL_RATE as if that had been seen in ENOUGH_ASKS asks, so that
    neither silence nor a lucky start makes the share jump.
    """
    if past.eligible == 0 or past.days <= 0:
        return None
    rate = (past.answered + USUAL_RATE * ENOUGH_ASKS) / (past.asked + ENOUGH_ASKS)
    expected = past.eligible / past.days * 7 * rate
    return min(1.0, per_week / expected)
