"""Text folded for search: case and accents do not count, and scripts without spaces are cut into characters."""

import re
import unicodedata
from typing import Literal

#: Scripts written without spaces between words: Han, kana, Thai, Lao, Khmer, Burmese.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_QUOTED_OR_WORD = re.compile(r'"([^"]*)"|(\S+)')

#: The ways in which a phrase may be written; the words of each stand next to each other.
Phrase = list[list[str]]

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

#: Letters that do not come apart into a plain one and a mark, as those write them who lack the key; and what Arabic,
#: Persian and Urdu keyboards write for one letter.
_TYPED = str.maketrans(
    dict(
        each.split("=")
        for each in (
            "ı=i ł=l ø=o đ=d ð=d ħ=h ŧ=t æ=ae œ=oe þ=th "
            "\u0649=\u064a \u06cc=\u064a \u06a9=\u0643 \u0629=\u0647 \u0671=\u0627 \u0640="
        ).split()
    )
)
_AS_TWO = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_UMLAUT = re.compile(f"[{''.join(_AS_TWO)}]")
#: What stands over an umlaut or an å, where a text has it as a sign of its own.
_MARK = re.compile("[\u0308\u030a]")
_LETTERS = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"(?![0-9])\d")
#: Hyphens and joiners that are seen only where a line breaks, and marks of direction and variant.
_UNSEEN = re.compile(
    "[\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
#: Signs that come apart into letters, which belong to no word beside them (№12, Acme™).
_SYMBOL = re.compile("[\u2100-\u214f\u3200-\u33ff]")
#: Hiragana and katakana stay apart: words are cut into characters, so バス (a bus) would be found in 飛ばす (to skip).
_KEPT_MARKS = frozenset("\u3099\u309a") | {chr(each) for each in range(0x0E00, 0x0F00)}
#: Vowel signs are marks, which SQLite's index of words leaves out; so each is written as a letter that nobody types, a
#: syllable of Yi or Vai (काम is work, कम is less).
_VOWEL_SIGNS = {
    each: shift + each
    for shift, first, last in ((0xA000 - 0x900, 0x900, 0xD80), (0xA500 - 0xE00, 0xE00, 0xF00))
    for each in range(first, last)
    if unicodedata.category(chr(each)).startswith("M")
}
_UNSPACED_CHARACTER = re.compile(f"([{_UNSPACED}][\ua500-\ua5ff]*)")
_ASCII_WORD = re.compile("[a-z0-9]+")
_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f]|(?<=\w)[\u0d80-\u0dff])+")
#: Where a word in other letters goes on behind a name or a number: Korean particles, Arabic and Hebrew prefixes.
_LETTERED = "\u0400-\u052f\u0590-\u06ff\u0900-\u0dff\uac00-\ud7a3"
_BETWEEN_SCRIPTS = re.compile(f"(?<=[a-z0-9])(?=[{_LETTERED}])|(?<=[{_LETTERED}])(?=[a-z0-9])")
#: Words that a hyphen or an apostrophe parts, Hebrew ones with the signs of an abbreviation, and numbers in thousands.
_PARTING = re.compile("[-'\"`.,\xb4\u02bc\u05be\u05f3\u05f4\u2010\u2011\u2018\u2019\u2032]")
_THOUSANDS = str.maketrans("", "", ".,")
_PARTED = re.compile(
    r"(?<![^\W_])[^\W_]++(?:[-'`\xb4\u02bc\u05be\u05f3\u05f4\u2010\u2011\u2018\u2019\u2032][^\W_]++)+"
    r"|(?<![^\W_])[\u05d0-\u05ea]++[\"'][\u05d0-\u05ea]+|(?<!\d)\d{1,3}(?:[.,]\d{3})+(?!\d)"
)
_GERSHAYIM = re.compile('(?<=[\u05d0-\u05ea])"(?=[\u05d0-\u05ea])')

#: What Arabic writes together with the next word: and, so; by, like, for; the. In this order, each once.
_ARABIC = (("\u0648", "\u0641"), ("\u0628", "\u0643", "\u0644"), ("\u0627\u0644",))
#: What Hebrew does: and, that, the, in, like, to, from; up to three.
_HEBREW = "\u05d5\u05e9\u05d4\u05d1\u05db\u05dc\u05de"
_WITH_PREFIX = re.compile(f"^(?:[\u0648\u0641\u0628\u0643\u0644\u0627]|[{_HEBREW}])")
_SHORTEST_BARE = 3


def searchable(text: str) -> str:
    """What the index holds of a text: its words, each picture as a word of its own, and behind all of them what else
    may be typed for them: Arabic and Hebrew words without what is written together with them (`והמשלוח` → `משלוח`), as
    one word what a hyphen, an apostrophe or the points of thousands part (`e-mail` → `email`, `1.000` → `1000`), and
    umlauts as two letters (`Größe` → `groesse`)."""
    plain = _plain(_with_pictures(text))
    words = _cut(plain)
    behind = [each for found in _PARTED.finditer(plain) for each in _as_one(found[0])]
    if not text.isascii():
        bare = [each for word in words.split() if _WITH_PREFIX.match(word) for each in _bare(word)]
        behind = [*bare, *behind, *_spelled(text)]
    return " ".join([words, _BEHIND, *behind]) if behind else words


def _as_one(parted: str) -> list[str]:
    """What a hyphen or an apostrophe parts as one word, whole and without its first parts (`demail`, `email`)."""
    parts = _PARTING.split(parted)
    ends = 1 if parted.translate(_THOUSANDS).isdecimal() else min(len(parts) - 1, 3)
    return [_cut("".join(parts[at:])) for at in range(ends)]


def _spelled(text: str) -> list[str]:
    """The words of a text that have an umlaut, as they are typed without its key."""
    small = text.casefold()
    if _MARK.search(small):
        small = normal(small, "NFC")
    found = _LETTERS.findall(small) if _UMLAUT.search(small) else []
    return [
        each for word in found if _UMLAUT.search(word) for each in _words(_as_two(word)) if each.isascii()
    ]


def _as_two(word: str) -> str:
    """A word in small letters with its umlauts as two."""
    return _UMLAUT.sub(lambda found: _AS_TWO[found[0]], word)


def _joined(plain: str) -> str:
    return _PARTED.sub(lambda found: _PARTING.sub("", found[0]), plain)


def _with_pictures(text: str) -> str:
    if text.isascii():
        return text
    return _PICTURE.sub(lambda found: f" {_PICTURE_WORD.format(ord(found[0]))} ", text)


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
    return _cut(_plain(text))


def _plain(text: str) -> str:
    """`text` in small letters as they are typed without accents; its signs stay."""
    if text.isascii():
        return text.lower()
    text = _SYMBOL.sub(lambda found: f" {found[0]} ", _UNSEEN.sub("", text.casefold()))
    # Marks go (é → e), but not those that are vowels of their script (class 0), those of Thai and Lao, and what makes
    # another sound of a kana (バス is a bus, パス a pass).
    plain = "".join(c for c in normal(text, "NFKD") if not unicodedata.combining(c) or c in _KEPT_MARKS)
    plain = unicodedata.normalize("NFC", plain).casefold().translate(_TYPED)
    return _DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), plain)


def _cut(plain: str) -> str:
    """The words of a plain text."""
    if plain.isascii():
        words = _ASCII_WORD.findall(plain)
    else:
        spaced = _BETWEEN_SCRIPTS.sub(" ", plain).translate(_VOWEL_SIGNS)
        words = _WORD.findall(_UNSPACED_CHARACTER.sub(r" \1 ", spaced))
    return " ".join(word[:LONGEST_WORD] for word in words)


def normal(text: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"]) -> str:
    """`text` in a normal form of Unicode, without the combining marks beyond the first `MOST_MARKS` of a run.

    Python sorts a run in time that grows with its square (10,000 marks: 0.1 s each time), and no script has so many.
    """
    if text.isascii():
        return text
    if not any(map(unicodedata.combining, text)):
        return unicodedata.normalize(form, text)
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MOST_MARKS:
            kept.append(character)
    return unicodedata.normalize(form, "".join(kept))


def phrases(query: str) -> list[Phrase]:
    """What a search asks for: every phrase must occur in one of its ways, the words of a way next to each other.

    Words stand alone, and may be written in other ways too: a hyphen or an apostrophe may be missing (`e-mail`,
    `email`), and an umlaut be two letters (`Größe` finds `Groesse`; the other way round is the index's, see
    `searchable`). Quotes keep words together; an unclosed one is none.
    Never fails.
    """
    found: list[Phrase] = []
    # A quote within a Hebrew word is a letter of it.
    query = _GERSHAYIM.sub("\u05f4", query)
    if query.count('"') % 2:
        query = query[::-1].replace('"', " ", 1)[::-1]
    for quoted, word in _QUOTED_OR_WORD.findall(query):
        ways = [_words(quoted)] if quoted else _ways(word)
        if any(ways):
            found.append([way for way in ways if way])
    kept: list[Phrase] = []
    room = MOST_WORDS
    for ways in found:
        if room <= 0:
            break
        kept.append([way[:room] for way in ways])
        room -= len(ways[0])
    return kept


def _ways(word: str) -> list[list[str]]:
    plain = _plain(_with_pictures(word))
    spelled = _as_two(unicodedata.normalize("NFC", word[:LONGEST_WORD]).casefold())
    ways = [_cut(plain).split(), _cut(_joined(plain)).split(), _words(spelled)]
    return [way for at, way in enumerate(ways) if way not in ways[:at]]


def _words(text: str) -> list[str]:
    return _cut(_plain(_with_pictures(text))).split()
