"""What stands over somebody's words where they are listed: their beginning, on one line."""

import unicodedata

#: Letters of a heading at most, the ellipsis included.
LONGEST = 80

#: Control characters, and what turns the direction of all that follows it.
_UNSEEN = frozenset(("Cc", "Cs", "Zl", "Zp"))
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

#: What belongs to the sign before it: joiners, variants, colours of skin.
_JOINED = frozenset("\u200c\u200d\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")


def first_words(text: str, longest: int = LONGEST) -> str:
    """The first words of `text`, cut where a word ends, with an ellipsis where any are left out. "" for blanks alone.

    Where the writing has no blanks, as Chinese, it is cut between two signs.
    """
    begin = text[: longest * 20]
    plain = "".join(
        " " if each.isspace() or unicodedata.category(each) in _UNSEEN else "" if each in _TURNING else each
        for each in begin
    )
    line = " ".join(plain.split())
    if len(line) <= longest and len(begin) == len(text):
        return line
    kept = line[:longest]
    blank = kept.rfind(" ")
    end = blank if blank * 2 > longest else _sign_before(line, min(longest, len(line)) - 1)
    return line[:end].rstrip(" ,;:–—-") + "…"


def _sign_before(line: str, end: int) -> int:
    """The last place at or before `end` at which no sign is cut in two."""
    place = end
    while place > 0 and (
        line[place] in _JOINED or line[place - 1] == "\u200d" or unicodedata.category(line[place])[0] == "M"
    ):
        place -= 1
    return place or end
