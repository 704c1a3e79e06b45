"""Removes from a comment what says nothing about its subject, and parts the rest into the statements that it makes."""

import re
import unicodedata

from surveys.domain import folding

LONGEST = 5_000  # characters looked at; a 100 kB paste is understood by its beginning

_LINK = re.compile(
    r"\b(?:https?://|www\.)\S+|\b[\w-]{1,63}+(?:\.[\w-]{1,63}+){0,4}\.(?:com|net|org|io|co|de|fr|uk|eu)(?:/\S*)?\b",
    re.I,
)
_MAIL = re.compile(r"[\w.+-]{1,64}+@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_HANDLE = re.compile(r"(?<!\w)@\w+")
_HASH = re.compile(r"(?<!\w)#(?=\w)")
_LONG_NUMBER = re.compile(r"\+?\d[\d\s().\-/]{5,}\d")  # telephone, card and order numbers
_DIGIT = re.compile(r"\d")
_CODE = re.compile(r"\b(?=\w*\d)(?=\w*[a-z])\w{8,}\b", re.I)
_SIGNATURE = re.compile(
    r"\n[^\S\n]*(?:--[^\S\n]*\n|(?:(?:(?:best|kind|warm)(?:est)? )?regards|sincerely|cheers|sent from my)\b).*\Z",
    re.I | re.S,
)
_REPEATED = re.compile(r"(.)\1{3,}", re.S)
_SPACE = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\n+|[;•]\s*|\s[-–—]\s")
_TURN = re.compile(
    r"(?:[,.]|(?<!\s))\s++(?:but|however|although|though|whereas|except that|on the other hand)\b[\s,]*", re.I
)
_JOIN = re.compile(r",\s+(?:and|also|plus)\s+", re.I)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_FEWEST_WORDS = 3  # of a statement
_UNSPOKEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def strip(text: str) -> str:
    """`text` without control characters, links, addresses, handles, long numbers and a closing signature,
    on one line per line of the original and cut to `LONGEST` characters. May be empty."""
    text = folding.normal(text[:LONGEST], "NFC")
    if not text.isprintable():
        text = "".join(c if c in "\n\t" or unicodedata.category(c) not in _UNSPOKEN else " " for c in text)
    # Only what can stand there is looked for: most comments have neither lines nor digits nor such marks.
    if "\n" in text:
        text = _SIGNATURE.sub("", text)
    if "@" in text:
        text = _MAIL.sub(" ", text)
    if "." in text or "://" in text:
        text = _LINK.sub(" ", text)
    if "@" in text:
        text = _HANDLE.sub(" ", text)
    if _DIGIT.search(text):
        text = _CODE.sub(" ", _LONG_NUMBER.sub(" ", text))
    if "#" in text:
        text = _HASH.sub("", text)
    text = _REPEATED.sub(r"\1\1", text)
    return "\n".join(filter(None, (_SPACE.sub(" ", line).strip() for line in text.split("\n"))))


def one_line(text: str) -> str:
    """What `strip` gave, as one line."""
    return text.replace("\n", ". ")


def statements(text: str, most: int = 12) -> list[str]:
    """The sentences of `text`, parted again where they turn ("…, but …"), at most `most` of them.

    A part of fewer than three words stays with the one before it: "Great. Thanks." makes no two statements.
    """
    pieces = (
        part.strip(" ,.")
        for sentence in _SENTENCE_END.split(text)
        for turned in _TURN.split(sentence)
        for part in _JOIN.split(turned)
    )
    parts: list[list[str]] = []
    words = 0  # of the last of `parts`
    for part in filter(None, pieces):
        more = len(_WORDS.findall(part))
        if parts and min(more, words) < _FEWEST_WORDS:
            parts[-1].append(part)
            words += more
        elif len(parts) == most:
            break
        else:
            parts.append([part])
            words = more
    return [". ".join(part) for part in parts] or [text][: len(text)]
