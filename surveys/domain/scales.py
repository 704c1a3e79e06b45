"""How the points of a scale are drawn: as numbers, as words, or as what people know them by."""

from typing import Literal

from surveys.domain.metrics.metric import Metric

Scale = Literal["numbers", "words", "faces", "stars", "thumbs"]

#: What a survey may choose; without a choice its metric says.
CHOICES = ("faces", "numbers", "words")

#: More words than these nobody takes in at a glance.
MOST_WORDS = 7


def of(metric: Metric, wanted: object = None) -> Scale:
    """The scale of a survey that wants `wanted`: that one where the metric allows it, else the metric's own."""
    for choice in CHOICES:
        if choice == wanted and objection(metric, choice) is None:
            return choice  # type: ignore[return-value]
    return metric.scale


def objection(metric: Metric, wanted: str) -> str | None:
    """Why the points of a metric cannot be drawn as one of CHOICES; None when they can."""
    points = len(metric.scores)
    if wanted == "faces" and points != 5:
        return f"Faces are for scales of five points; this one has {points}."
    if wanted == "words" and points > MOST_WORDS:
        return f"Words are for scales of up to {MOST_WORDS} points; this one has {points}."
    if wanted == "numbers" and points < 3:
        return f"Numbers are for scales of three points or more; this one has {points}."
    return None
