"""Text folded for search: case and accents do not count, and scripts without spaces are cut into characters."""

import re
import unicodedata
from typing import Literal

#: Scripts written without spaces between words: Han, kana, Thai, Lao, Khmer, Burmese.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_UNSPACED_CHARACTER = re.compile(f"([{_UNSPACED}])")
_QUOTED_OR_WORD = re.compile(r'"([^"]*)"|(\S+)')

MOST_WORDS = 32
LONGEST_WORD = 64

#: Combining marks that are kept of a run of them; "stream-safe" text has no more (UAX #15, section 13).
MOST_MARKS = 30


def fold(text: str) -> str:
    """`text` as words of lower-case letters and digits with one space between: `Größe: XL!` → `grosse xl`."""
    decomposed = normal(text.casefold(), "NFKD")
    # Marks go (é → e), but not those that are vowels of their script (Devanagari, Thai): they have class 0.
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    plain = unicodedata.normalize("NFC", plain).casefold()
    spaced = _UNSPACED_CHARACTER.sub(r" \1 ", plain)
    words = re.findall(r"(?:[^\W_]|[\u0300-\u036f]|(?<=\w)[\u0900-\u0dff\u0e31-\u0e4e])+", spaced)
    return " ".join(word[:LONGEST_WORD] for word in words)


def normal(text: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> str:
    """`text` in a normal form of Unicode, without the combining marks beyond the first `MOST_MARKS` of a run.

    Python sorts a run in time that grows with its square (10,000 marks: 0.1 s each time), and no script has so many.
    """
    if text.isascii():
        return text
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MOST_MARKS:
            kept.append(character)
    return unicodedata.normalize(form, "".join(kept))


def phrases(query: str) -> list[list[str]]:
    """What a search asks for: every phrase must occur, its words next to each other. Never fails.

    Words stand alone; quotes keep words together; an unclosed quote is no quote.
    """
    found: list[list[str]] = []
    if query.count('"') % 2:
        query = query[::-1].replace('"', " ", 1)[::-1]
    for quoted, word in _QUOTED_OR_WORD.findall(query):
        words = fold(quoted or word).split()
        if words:
            found.append(words)
    kept: list[list[str]] = []
    for words in found:
        room = MOST_WORDS - sum(map(len, kept))
        if room <= 0:
            break
        kept.append(words[:room])
    return kept
