"""The one sentence of a comment that says most of what put it into a topic: what its author is reminded of."""

import re
from collections.abc import Sequence

from feedback.domain import headings, redaction

#: Letters of a sentence that are quoted.
LONGEST = 300

_END = re.compile(r"(?<=[.!?…؟।])\s+|(?<=[。！？])|\n+")


def telling(comment: str, evidence: Sequence[str], redact: bool, topic: Sequence[str] = ()) -> str:
    """The sentence in which most of the phrases stand, and of several that with most words of the `topic`; else the
    first. `redact`: without what identifies anybody.
    """
    text = redaction.redact(comment) if redact else comment
    parts = [part.strip() for part in _END.split(text) if part.strip()]
    if not parts:
        return ""
    phrases, words = ([each.lower() for each in every] for every in (evidence, topic))

    def says(part: str) -> tuple[int, int]:
        lower = part.lower()
        return sum(phrase in lower for phrase in phrases), sum(word in lower for word in words)

    return headings.first_words(max(parts, key=says), LONGEST)
