"""The one sentence of a comment that says most of what put it into a topic: what its author is reminded of."""

import re
from collections.abc import Sequence

from feedback.domain import headings, redaction

#: Letters of a sentence that are quoted.
LONGEST = 300

_END = re.compile(r"(?<=[.!?…؟।])\s+|(?<=[。！？])|\n+")


def telling(comment: str, evidence: Sequence[str], redact: bool) -> str:
    """The sentence in which most of the phrases stand, else the first. `redact`: without what identifies anybody."""
    text = redaction.redact(comment) if redact else comment
    phrases = [phrase.lower() for phrase in evidence]
    parts = [part.strip() for part in _END.split(text) if part.strip()]
    if not parts:
        return ""
    best = max(parts, key=lambda part: sum(phrase in part.lower() for phrase in phrases))
    return headings.first_words(best, LONGEST)
