"""Turns the bytes of a table into text, whichever encoding a spreadsheet program wrote, or refuses to guess."""

import codecs
import re
import unicodedata
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import chardet

from feedback.analysis import languages

#: What the detector may answer where it is not what Python then decodes it as: the first of these that can.
_DECODED_AS = {
    "big5hkscs": ("cp950", "big5hkscs"),
    "euc_jis_2004": ("euc_jp", "euc_jis_2004"),
}
#: The encodings in which Windows, macOS and MS-DOS ("CSV (Macintosh)", "CSV (MS-DOS)") save tables, and their ISO kin.
#: Those of languages that Earshot does not speak are here too: left out, they would be taken for one that it does.
_EASTERN = set("gb18030 big5hkscs cp932 euc_jis_2004 cp949 johab".split())
_LATIN = set(
    "cp1250 cp1252 cp1254 cp1257 cp1258 iso8859-2 iso8859-4 iso8859-9 iso8859-13 iso8859-16 mac-roman mac-latin2 "
    "mac-turkish cp437 cp775 cp850 cp852 cp857".split()
)
_ALPHABETS = set(
    "cp1251 koi8-r koi8-u iso8859-5 mac-cyrillic cp855 cp866 cp1253 iso8859-7 mac-greek cp737 cp869 cp1255 iso8859-8 "
    "cp862 cp1256 iso8859-6 cp720 cp874".split()
)

#: How far the likeliest must be ahead of the next, with much text and with little. Encodings of Latin letters differ in
#: few bytes, so there it is by little; and one whose words are frequent ones by so much more (in powers of ten) leaves
#: the others behind. Tried with the wording of 23 languages in the encodings that have their letters: nothing was taken
#: for something else. Of tables of twelve texts one in thirty was refused, of one or two short texts every second.
_AHEAD_OF_LATIN, _AHEAD_OF_OTHERS = (1.03, 1.15), (1.6, 2.5)
_MORE_FREQUENT = 1.5
#: Bytes beyond ASCII of words that differ, because one that comes again tells nothing new: below which it is little,
#: and from which Latin letters, and another script, are told at all.
_LITTLE_LATIN, _LITTLE = 12, 24
_FEWEST_LATIN, _FEWEST_UNUSUAL, _FEWEST = 2, 4, 14

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Bytes of the first lines that the detector looks at, and of what stands before and behind a byte that they lack.
_SAMPLE, _AROUND = 40_000, 300
#: Controls, private letters, lines of boxes and letters of print that are two: nobody types them.
_NO_TEXT = re.compile("[\x80-\x9f\ue000-\uf8ff\u2500-\u259f\ufb00-\ufb06]")
#: Letters, and whatever else no ASCII is, without a blank between them.
_WORD = re.compile(r"(?:[^\W\d_]|[^\x00-\x7f\s]){2,}")
_BEYOND_BESIDE_A_LETTER = re.compile(r"(?<=[^\W\d_])[^\x00-\x7f]|[^\x00-\x7f](?=[^\W\d_])")
#: What is written beside a letter without being one, and what only before one, in the alphabets told apart here.
_SIGNS = (
    "\u2019\u201d\u201c\u2018\u2039\u203a\u2026\u2013\u2014\u2122\xbb\xab\xa0\xae\xb0\xb7"
    "\u060c\u061b\u061f\u05be\u05f3\u05f4"
)
_OPENING = "\u201e\u201a\xa1\xbf"
_WORD_OF_LETTERS = re.compile(r"[^\W\d_]+")
#: Quotes, apostrophes, dashes and other signs where a writer or a program puts them, such as in English.
_TYPE = re.compile(
    r"(?<=[a-z])\u2019(?=(?:s|t|m|d|re|ve|ll)\b)|(?<!\w)[\u201c\u201e]\w[^\u201c-\u201e\n]*[\u201c\u201d](?!\w)"
    r"| [\u2013\u2014] |\xbf\w[^?\n]*\?|\xa1\w[^!\n]*!|(?<=\w)\u2026|(?<=\d)\xa0?\u20ac|\xa3(?=\d)|\xb0(?=[CF]\b)"
)
_AS_A_WORD = 2.0  # what one of these counts for, in powers of ten as words do
_HALF_WIDTH = re.compile("[\uff61-\uff9f]{3,}")
_RUN_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
#: What tables are in most of the time, the likeliest of the same kind first: these are named where it cannot be told.
_USUAL = (
    "cp1252 cp1250 cp1254 cp1251 cp1253 cp1255 cp1256 cp1257 cp1258 cp874 gb18030 cp950 cp932 cp949 euc_jp koi8-r "
    "iso8859-2 mac-roman"
).split()
_ASCII = dict.fromkeys(range(128))
_BEYOND_ASCII = re.compile(rb"[^\x00-\x7f]")
_EACH_BEYOND_ASCII = [bytes([each]) for each in range(128, 256)]
_APART = re.compile(rb"[\x00-\x2f]")  # what is part of no letter in any encoding here
_WORD_BEYOND_ASCII = re.compile(rb"(?<![A-Za-z])[A-Za-z]*+[^\x00-\x7f][A-Za-z\x80-\xff]*+")
_ESCAPED = ("iso2022_jp_ext", "iso2022_kr")  # seven bits, with escape sequences


class Unreadable(ValueError):
    """The table cannot be analysed. The message says why, in words for the person who made the table."""


class Decoded(NamedTuple):
    """A text, the encoding it was taken to be in (None: UTF-8, or what its byte-order mark says) and how many places
    of it could not be read and hold U+FFFD now."""

    text: str
    encoding: str | None
    damaged: int


def decoded(raw: bytes, named: str | None = None) -> Decoded:
    """The text in `raw`, in the encoding `named`; without a name, the encoding is recognised.

    Raises Unreadable when it cannot be told, and names the encodings that come nearest.
    """
    if named is not None:
        return _replaced(raw.decode(named, "replace"), named)
    for mark, codec in _MARKS:
        if raw.startswith(mark):
            return _replaced(raw.decode(codec, "replace"), None)
    # The first letters of a table name a column.
    for codec, low, high in (("utf-16-le", 0, 1), ("utf-16-be", 1, 0)):
        if len(raw) > 3 and raw[high] == raw[high + 2] == 0 and raw[low] and raw[low + 2]:
            return _replaced(raw.decode(codec, "replace"), codec)
    if b"\x1b$" in raw:
        for codec in _ESCAPED:
            if (text := _strictly(raw, codec)) is not None:
                return Decoded(text, codec, 0)
    text = raw.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    if not damaged or damaged * 4 <= sum(not character.isascii() for character in text):
        return Decoded(text, None, damaged)
    return _recognised(raw)


def _replaced(text: str, encoding: str | None) -> Decoded:
    return Decoded(text, encoding, text.count("\ufffd"))


class _Guess(NamedTuple):
    """What the detector takes a table for, how sure it is (0–1), and the sample in that encoding."""

    confidence: float
    name: str
    codec: str
    shown: str


def _recognised(raw: bytes) -> Decoded:
    """The text that is likelier than every other one by enough."""
    sample = _sample(raw)
    found = _without_odd(_guesses(raw, sample))
    if not found:
        raise Unreadable(
            "The encoding of this table is none that is known here. Save it as CSV (UTF-8), or say what it is in, "
            "such as --encoding gbk."
        )
    known = {each.name: _frequency(each.shown) for each in found if each.name in _LATIN}
    most = max((known[each.name] for each in found if each.name in known), default=0.0)
    found = [each for each in found if known.get(each.name, most) > most - _MORE_FREQUENT]
    likeliest = max(found)
    for codec in ("cp932", "euc_jp"):
        if (shown := _strictly(raw, codec)) is not None and _is_half_width(shown):
            raise _unsure([*found, _Guess(1.0, codec, codec, shown)])
    differing = set(_WORD_BEYOND_ASCII.findall(sample))
    bytes_beyond = sum(len(_BEYOND_ASCII.findall(word)) for word in differing)
    if bytes_beyond < _fewest(likeliest) and not (known.get(likeliest.name) and len(found) == 1):
        raise _unsure(found)
    for rival in found:
        latin = {likeliest.name, rival.name} <= _LATIN
        little = bytes_beyond < (_LITTLE_LATIN if latin else _LITTLE)
        ahead = (_AHEAD_OF_LATIN if latin else _AHEAD_OF_OTHERS)[little]
        if rival is not likeliest and likeliest.confidence < ahead * rival.confidence:
            raise _unsure(found)
    return Decoded(raw.decode(likeliest.codec), likeliest.codec, 0)


def _fewest(guess: _Guess) -> int:
    """Bytes beyond ASCII from which a guess is taken."""
    if guess.name not in _LATIN:
        return _FEWEST
    return _FEWEST_LATIN if guess.codec in _USUAL else _FEWEST_UNUSUAL


def _guesses(raw: bytes, sample: bytes) -> list[_Guess]:
    """What a table may be in; of encodings that make the same text of all of it the likeliest alone."""
    guesses = chardet.detect_all(
        sample,
        ignore_threshold=True,
        compat_names=False,
        include_encodings=list(_EASTERN | _LATIN | _ALPHABETS),
    )
    used = b"".join(each for each in _EACH_BEYOND_ASCII if each in raw)
    found: dict[str, _Guess] = {}
    for guess in guesses:
        name = guess["encoding"] or ""
        codec = next((each for each in _DECODED_AS.get(name, (name,)) if name and _is_text(raw, each)), None)
        if codec is not None:
            shown = sample.decode(codec, "ignore")
            if _is_written(shown, name):
                # Where a letter is one byte, a table differs by the bytes that it uses.
                whole = (raw if name in _EASTERN else used).decode(codec)
                same = found.setdefault(whole, _Guess(guess["confidence"], name, codec, shown))
                found[whole] = min(same, same._replace(name=name, codec=codec), key=_rank)
    return list(found.values())


def _rank(guess: _Guess) -> int:
    return _USUAL.index(guess.codec) if guess.codec in _USUAL else len(_USUAL)


def _without_odd(found: list[_Guess]) -> list[_Guess]:
    """The guesses without those of an alphabet that make odder words of a table than another one does."""
    odd = {each.name: _oddities(each.shown) for each in found if each.name not in _EASTERN}
    fewest = min(odd.values(), default=0)
    return [each for each in found if odd.get(each.name, fewest) == fewest and not _is_noise(each, odd)]


def _is_noise(guess: _Guess, odd: Mapping[str, int]) -> bool:
    """Whether what another alphabet makes of a table is signs rather than words, or one sign within Latin words."""
    if guess.name in _EASTERN:
        runs = [
            (found[0], guess.shown[found.start() - 1]) for found in _RUN_BEYOND_ASCII.finditer(guess.shown)
        ]
        return all(len(run) == 1 and before.isalpha() for run, before in runs)
    beyond = guess.shown.translate(_ASCII)
    signs = sum(not letter.isalpha() for letter in beyond) if guess.name in _ALPHABETS else 0
    return odd.get(guess.name, 0) * 5 > len(beyond) or 2 * signs > len(beyond)


def _frequency(text: str) -> float:
    """How frequent the words with letters beyond ASCII are, those that are known, in powers of ten together."""
    words = {word for word in _WORD_OF_LETTERS.findall(text.lower()) if not word.isascii()}
    return sum(map(languages.frequency, words)) + _AS_A_WORD * len(set(_TYPE.findall(text)))


def _is_half_width(text: str) -> bool:
    """Whether all beyond ASCII is kana of half width: single bytes, which other alphabets use as well."""
    return sum(map(len, _HALF_WIDTH.findall(text))) > 0.9 * len(text.translate(_ASCII))


def _unsure(found: list[_Guess]) -> Unreadable:
    usual = sorted(found, key=lambda each: (each.codec not in _USUAL, -each.confidence))
    likeliest = [each.codec for each in usual[:3]]
    return Unreadable(
        f"The encoding of this table cannot be told for certain: it may be {' or '.join(likeliest)}. Save it as CSV "
        f"(UTF-8), or say what it is in: --encoding {likeliest[0]}."
    )


def _is_written(text: str, name: str) -> bool:
    """Whether words use letters as their encoding would: of Latin words at least half is ASCII, and words of another
    alphabet hold no ASCII letter.
    """
    found = (word.strip(_SIGNS + _OPENING) for word in _WORD.findall(text))
    words = [word for word in found if len(word) > 1 and not word.isascii()]
    if name in _LATIN:
        beyond = sum(len(word.translate(_ASCII)) for word in words)
        return sum(map(len, words)) > 2 * beyond or not words
    pure = sum(word.translate(_ASCII) == word for word in words)
    return name not in _ALPHABETS or 2 * pure >= len(words)


def _oddities(text: str) -> int:
    """How often a capital follows a small letter, or a sign stands beside a letter, as nobody writes."""
    return sum(map(partial(_is_odd, text), _BEYOND_BESIDE_A_LETTER.finditer(text)))


def _is_odd(text: str, found: re.Match[str]) -> bool:
    letter, before, after = (
        found[0],
        text[found.start() - 1 : found.start()],
        text[found.end() : found.end() + 1],
    )
    if "\u02b0" <= letter <= "\u02ff":  # an accent by itself
        return True
    if letter.isalpha():
        return letter.isupper() and before.islower()
    if letter in _OPENING:
        return before.isalpha()
    if letter.isnumeric():  # such as the square of a metre
        return after.isalpha() and not letter.isdecimal()
    return letter not in _SIGNS and (
        letter == "\xad" or unicodedata.category(letter) not in ("Mn", "Mc", "Cf")
    )


def _sample(raw: bytes) -> bytes:
    """As much as the detector looks at: of a large table the first lines that hold more than ASCII, and the words
    around each byte that these lack, for by that one alone two encodings may differ."""
    if len(raw) <= _SAMPLE:
        return raw
    lines, size = [], 0
    for line in raw.splitlines(keepends=True):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size >= _SAMPLE:
                break
    found = _whole_words(b"".join(lines)[:_SAMPLE])
    for each in _EACH_BEYOND_ASCII:
        at = raw.find(each)
        if at >= 0 and each not in found:
            found += b"\n" + _words_around(raw, at)
    return found


def _words_around(raw: bytes, at: int) -> bytes:
    """What stands around a place, begun and ended where no letter is cut in two, as far as there is such a place."""
    before = raw[max(at - _AROUND, 0) : at]
    first = _APART.search(before)
    return before[first.end() if first else 0 :] + _whole_words(raw[at : at + _AROUND])


def _whole_words(part: bytes) -> bytes:
    """A part without the word at its end, which may be cut in two."""
    return part[: max((each.start() for each in _APART.finditer(part)), default=len(part))]


def _is_text(raw: bytes, codec: str) -> bool:
    text = _strictly(raw, codec)
    return text is not None and not _NO_TEXT.search(text)


def _strictly(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None
