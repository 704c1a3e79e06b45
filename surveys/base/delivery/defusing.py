"""Words of strangers on their way into a chat or a mail: cut to what fits, and nothing in them links or mentions."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Seen by nobody, and it parts what would be read as one (Unicode 16, 23.2): a link, an address, a mention.
JOINER = "\u2060"

#: What an editor of links and mentions looks for inside a word: `x.example`, `://`, `me@x`, `@here`, `#room`.
_JOINT = re.compile(r"[.\u3002\uff0e\uff61:/\\@\uff20#\uff03](?=\S)")

#: What turns the direction of all that follows.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

#: What a word cut apart could be put together with again.
_UNSEEN = frozenset("\u200b\u2060\ufeff\u00ad\u034f\u180e")


@dataclass(frozen=True)
class Told:
    """A notice as people read it. `title`, `why`, `link` are ours; `lines` and `quote` hold words of others."""

    title: str
    why: str
    lines: tuple[tuple[str, str], ...]
    quote: str | None
    link: str
    settings: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Told":
        """From the data of an event that is a notice."""
        return cls(
            data["title"],
            data["why"],
            tuple((name, value) for name, value in data["lines"]),
            data["quote"],
            data["link"],
            data["rule"]["link"],
        )


def plain(text: str, most: int) -> str:
    """`text` without control characters and without anything that links or mentions, `most` letters at most."""
    kept = "".join(
        each if each == "\n" else " " if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") else each
        for each in text.replace("\r\n", "\n").replace("\r", "\n")
        if each not in _TURNING and each not in _UNSEEN
    )
    return cut(_JOINT.sub(lambda found: found.group() + JOINER, cut(kept, most)), most)


def line(text: str, most: int) -> str:
    """The same on one line."""
    return plain(" ".join(text.split()), most)


def cut(text: str, most: int) -> str:
    """`text`, with an ellipsis where it is longer than `most` letters.

    Letters are counted as UTF-16 has them, two for an emoji: as whoever is written in JavaScript or C# counts, and so
    that it also fits where one is one.
    """
    if units(text) <= most:
        return text
    begins = text.encode("utf-16-le", "surrogatepass")[: 2 * (most - 1)]
    return begins.decode("utf-16-le", "ignore").rstrip() + "…"


def units(text: str) -> int:
    """How many units of UTF-16 a text has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
