"""Says of a whole comment that it says nothing: "nothing", "n/a", "-", "keine", "ok thanks"."""

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from feedback.analysis import phrasebook
from feedback.analysis.sentiment.questions import finds_no_fault, refuses
from feedback.analysis.sentiment.questions import says_nothing as says_nothing_in_english

LONGEST = 80
"""Characters; whoever writes more says something."""


class Nothing(StrEnum):
    """The ways in which a comment can say nothing."""

    NO_FAULT = "no fault"
    """There is nothing to blame: praise, whatever was asked."""
    NOTHING = "nothing"
    """An answer whose meaning is in the question."""
    NO_ANSWER = "no answer"
    """The question is not answered."""
    POLITE = "polite"
    """Thanks, yes, ok, hello."""
    WORDLESS = "wordless"
    """Marks, single letters, numbers."""


def says_nothing(text: str, language: str | None = None) -> bool:
    """Return whether a *text* names no matter at all: such a comment is counted, and is in no topic.

    *language* is that of the comment or of its survey ("de", "pt-BR"); English is always looked at, and all
    languages where it is None.
    """
    return how(text, language) is not None


@lru_cache(maxsize=4_096)
def how(text: str, language: str | None = None) -> Nothing | None:
    """Return in which way *text* says nothing, or None when it says something."""
    text = text.strip()
    if len(text) > LONGEST:
        return None
    if not any(map(str.isalpha, text)):
        return None if any(c in phrasebook.emoji() for c in text) or _rates(text) else Nothing.WORDLESS
    if len(text) <= 3 and text.isascii() and sum(map(str.isalpha, text)) == 1:
        return Nothing.WORDLESS
    if says_nothing_in_english(text):  # first, since it is true wherever no fault is found
        return Nothing.NO_FAULT if finds_no_fault(text) else Nothing.NOTHING
    if refuses(text):
        return Nothing.NO_ANSWER
    for each in _languages(language):
        if (found := _in(text, each)) is not None:
            return found
    return None


def _rates(text: str) -> bool:
    return any(hit.kind == "rating" for hit in phrasebook.book("en").read(text).hits)


def _languages(language: str | None) -> Iterable[str]:
    if language is None:
        return sorted(phrasebook.LANGUAGES)
    own = phrasebook.code(language)
    return (own, "en") if own in phrasebook.LANGUAGES and own != "en" else ("en",)


def _in(text: str, language: str) -> Nothing | None:
    book = phrasebook.book(language)
    if not book.may_answer(text):
        return None
    words = book.plain(text)
    filler, polite = book.answers["filler"], book.answers["polite"]
    for kind in (Nothing.NO_FAULT, Nothing.NOTHING, Nothing.NO_ANSWER):
        if phrasebook.covers(words, book.answers[kind], (filler, polite)):
            return kind
    return Nothing.POLITE if phrasebook.covers(words, polite, (filler,)) else None
