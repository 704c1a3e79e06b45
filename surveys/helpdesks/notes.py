"""The words of a note that takes a rating back to its ticket, and how to know our own notes again."""

from __future__ import annotations

import html as escaping
import re

from surveys.helpdesks.helpdesk import Rating
from surveys.helpdesks.reading import BIDI, UNSTORABLE

MARK = "[earshot]"
TAG_PREFIX = "earshot-"
LONGEST_COMMENT = 8000
# Within so many letters the mark of one of our notes stands, whatever tags a helpdesk puts around it.
LOOKED_AT = 2000
# The beginnings of every template language that some helpdesk renders, private notes included.
TEMPLATE = re.compile(r"(?<=[{#%])(?=[{#%])")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def text(rating: Rating) -> str:
    """The note as plain text. It begins with `MARK`, by which `ours` knows it again."""
    if rating.told is not None:
        return f"{MARK} {defused(rating.told)[:LONGEST_COMMENT]}"
    return "\n\n".join(
        [f"{MARK} {_headline(rating)}", *([_comment(rating)] if rating.comment else []), *_link(rating)]
    )


def markup(rating: Rating) -> str:
    """The note as HTML: the same paragraphs, escaped."""
    paragraphs = [escaping.escape(part).replace("\n", "<br>") for part in text(rating).split("\n\n")]
    return "".join(f"<p>{part}</p>" for part in paragraphs)


def tag(rating: Rating) -> str:
    """The tag that says the score, such as `earshot-nps-9`."""
    return f"{TAG_PREFIX}{rating.metric}-{rating.score}"


def ours(value: object) -> bool:
    """Whether a text or HTML note is one that we wrote."""
    return isinstance(value, str) and re.sub(r"<[^<>]*>", "", value[:LOOKED_AT]).lstrip().startswith(MARK)


def defused(value: str) -> str:
    """Customers' words with every `{{ {% #{ %{ ##` taken apart, and without control characters."""
    return TEMPLATE.sub(" ", CONTROL.sub("", BIDI.sub("", UNSTORABLE.sub("", value.replace("\r\n", "\n")))))


def _headline(rating: Rating) -> str:
    return f"{rating.metric.upper()}: {rating.score} of {rating.best}"


def _comment(rating: Rating) -> str:
    return "\n".join("> " + row for row in defused(rating.comment or "")[:LONGEST_COMMENT].splitlines())


def _link(rating: Rating) -> list[str]:
    return [rating.url] if rating.url else []
