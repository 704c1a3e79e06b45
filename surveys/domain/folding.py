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


#: Signs and pictures, which no tokenizer takes for words, and room for those to come; skin tones are left out.
_PICTURE = re.compile(
    "[\xa9\xae\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001f3fa\U0001f400-\U0001fbff]"
)
#: A word of letters and digits, as every tokenizer takes one.
_PICTURE_WORD = "emoji{:x}"
#: Stands between what was said and the bare words behind it, so that no phrase reaches over it. No sign has number 0.
_BEHIND = _PICTURE_WORD.format(0)

#: What Arabic writes together with the next word: and, so; by, like, for; the. In this order, each once.
_ARABIC = (("\u0648", "\u0641"), ("\u0628", "\u0643", "\u0644"), ("\u0627\u0644",))
#: What Hebrew does: and, that, the, in, like, to, from; up to three.
_HEBREW = "\u05d5\u05e9\u05d4\u05d1\u05db\u05dc\u05de"
_WITH_PREFIX = re.compile(f"^(?:[\u0648\u0641\u0628\u0643\u0644\u0627]|[{_HEBREW}])")
_SHORTEST_BARE = 3


def searchable(text: str) -> str:
    """What the index holds of a text: its words, each picture as a word of its own, and behind all of them Arabic and
    Hebrew words once more without what is written together with them (`והמשלוח` → `משלוח`)."""
    words = _words(text)
    bare = [each for word in words.split() if _WITH_PREFIX.match(word) for each in _bare(word)]
    return " ".join([words, _BEHIND, *bare]) if bare else words


def _words(text: str) -> str:
    if text.isascii():
        return fold(text)
    return fold(
        _PICTURE.sub(lambda found: f" {_PICTURE_WORD.format(ord(found[0]))} ", text.replace("\u0640", ""))
    )


def _bare(word: str) -> list[str]:
    """A word without its first prefix, without its first two, and so on, as long as a word is left."""
    found: list[str] = []
    if word[0] in _HEBREW:
        while len(found) < 3 and word[0] in _HEBREW and len(word) > _SHORTEST_BARE:
            word = word[1:]
            found.append(word)
        return found
    for prefixes in _ARABIC:
        if word.startswith("\u0644\u0644"):
            # "for the" drops the first letter of "the".
            word = word[:1] + "\u0627" + word[1:]
        prefix = next((each for each in prefixes if word.startswith(each)), "")
        if prefix and len(word) - len(prefix) >= _SHORTEST_BARE:
            word = word[len(prefix) :]
            found.append(word)
    return found


def goes_on(word: str) -> bool:
    """Whether a word that is searched for may go on in the text: Korean writes particles and endings behind it."""
    return "\uac00" <= word[-1] <= "\ud7a3"


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
        words = _words(quoted or word).split()
        if words:
            found.append(words)
    kept: list[list[str]] = []
    for words in found:
        room = MOST_WORDS - sum(map(len, kept))
        if room <= 0:
            break
        kept.append(words[:room])
    return kept
