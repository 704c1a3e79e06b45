"""Turns the bytes of a table into text, whichever encoding a spreadsheet program wrote, or refuses to guess."""

import codecs
import re
from typing import NamedTuple

import chardet

#: What the detector may answer, and as what Python then decodes it, the first that can. The encodings in which Windows
#: and macOS save "CSV" for the languages that Earshot speaks.
_CANDIDATES = {
    "gb18030": ("gb18030",),
    "big5hkscs": ("cp950", "big5hkscs"),
    "cp932": ("cp932",),
    "euc_jis_2004": ("euc_jp", "euc_jis_2004"),
    "cp949": ("cp949",),
    "cp1250": ("cp1250",),
    "cp1251": ("cp1251",),
    "cp1252": ("cp1252",),
    "cp1254": ("cp1254",),
    "cp1255": ("cp1255",),
    "cp1256": ("cp1256",),
    "koi8-r": ("koi8-r",),
    "iso8859-2": ("iso8859-2",),
    "mac-roman": ("mac-roman",),
}

#: How far the likeliest must be ahead of the next, with much text and with little. Encodings of Latin letters differ in
#: few bytes, so there it is by little. Tried with the wording of 23 languages in the encodings that have their letters:
#: nothing was taken for something else. Of tables of twelve texts three in a hundred were refused, of one or two short
#: texts every second.
_LATIN = {"cp1250", "cp1252", "cp1254", "iso8859-2", "mac-roman"}
_ALPHABETS = {"cp1251", "koi8-r", "cp1255", "cp1256"}
_AHEAD_OF_LATIN, _AHEAD_OF_OTHERS = (1.03, 1.15), (1.6, 2.5)
#: Bytes beyond ASCII of words that differ, because one that comes again tells nothing new: below which it is little,
#: and from which Latin letters, and another script, are told at all.
_LITTLE_LATIN, _LITTLE = 12, 24
_FEWEST_LATIN, _FEWEST = 2, 14

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 200_000  # bytes that the detector looks at
_NO_TEXT = re.compile("[\x80-\x9f\ue000-\uf8ff]")  # controls and private letters: nobody types them
#: Letters, and whatever else no ASCII is, without a blank between them.
_WORD = re.compile(r"(?:[^\W\d_]|[^\x00-\x7f\s]){2,}")
_AFTER_SMALL = re.compile(r"(?<=[a-z])[^\x00-\x7f]")
_SIGNS = "\u2019\u201d\u201c\u2018\u2026\u2013\u2014\u2122\xbb\xab\u20ac\xa0\xae\xb0"
_ASCII = dict.fromkeys(range(128))
_BEYOND_ASCII = re.compile(rb"[^\x00-\x7f]")
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


def _recognised(raw: bytes) -> Decoded:
    """The text that is likelier than every other one by enough."""
    guesses = chardet.detect_all(
        _sample(raw), ignore_threshold=True, compat_names=False, include_encodings=list(_CANDIDATES)
    )
    found: list[tuple[float, str, str, str]] = []
    for guess in guesses:
        name = str(guess["encoding"])
        codec = next((each for each in _CANDIDATES.get(name, ()) if _is_text(raw, each)), None)
        if codec is not None:
            shown = _sample(raw).decode(codec, "ignore")
            # Encodings that make the same text of it are no rivals.
            if _is_written(shown, name) and shown not in (other for *_, other in found):
                found.append((guess["confidence"], name, codec, shown))
    if not found:
        raise Unreadable(
            "The encoding of this table is none that is known here. Save it as CSV (UTF-8), or say what it is in, "
            "such as --encoding gbk."
        )
    fewest = min(_oddities(shown) for _, name, _, shown in found)
    found = [each for each in found if each[1] not in _LATIN or _oddities(each[3]) == fewest]
    confidence, name, codec, _ = max(found)
    differing = set(_WORD_BEYOND_ASCII.findall(_sample(raw)))
    bytes_beyond = sum(len(_BEYOND_ASCII.findall(word)) for word in differing)
    if bytes_beyond < (_FEWEST_LATIN if name in _LATIN else _FEWEST):
        raise _unsure(found)
    for other, rival, _, _ in found:
        latin = {name, rival} <= _LATIN
        little = bytes_beyond < (_LITTLE_LATIN if latin else _LITTLE)
        ahead = (_AHEAD_OF_LATIN if latin else _AHEAD_OF_OTHERS)[little]
        if rival != name and confidence < ahead * other:
            raise _unsure(found)
    return Decoded(raw.decode(codec), codec, 0)


def _unsure(found: list[tuple[float, str, str, str]]) -> Unreadable:
    likeliest = [codec for _, _, codec, _ in sorted(found, reverse=True)[:3]]
    return Unreadable(
        f"The encoding of this table cannot be told for certain: it may be {' or '.join(likeliest)}. Save it as CSV "
        f"(UTF-8), or say what it is in: --encoding {likeliest[0]}."
    )


def _is_written(text: str, name: str) -> bool:
    """Whether words use letters as their encoding would: of Latin words at least half is ASCII, and words of another
    alphabet hold no ASCII letter.
    """
    found = (word.strip(_SIGNS) for word in _WORD.findall(text))
    words = [word for word in found if len(word) > 1 and not word.isascii()]
    if name in _LATIN:
        beyond = sum(len(word.translate(_ASCII)) for word in words)
        return sum(map(len, words)) > 2 * beyond or not words
    pure = sum(word.translate(_ASCII) == word for word in words)
    return name not in _ALPHABETS or 2 * pure >= len(words)


def _oddities(text: str) -> int:
    """How often a capital or a sign follows a small letter within a word, as nobody writes."""
    return sum(
        letter != letter.lower() or not (letter.isalpha() or letter in _SIGNS)
        for letter in _AFTER_SMALL.findall(text)
    )


def _sample(raw: bytes) -> bytes:
    """As much as the detector looks at, from the first line on that holds more than ASCII."""
    if len(raw) <= _SAMPLE:
        return raw
    first = _BEYOND_ASCII.search(raw)
    start = max(raw.rfind(b"\n", 0, first.start()), 0) if first else 0
    return raw[start : start + _SAMPLE]


def _is_text(raw: bytes, codec: str) -> bool:
    text = _strictly(raw, codec)
    return text is not None and not _NO_TEXT.search(text)


def _strictly(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None
