"""Cleans a comment and cuts it into the sentences and clauses that can each carry a sentiment."""

import re

from surveys.domain import folding

LONGEST_READ = 8_000
"""Characters of a comment that are read; nobody writes more by hand, and a pasted log must not hold up the
rest."""

LONGEST_SENTENCE = 600
"""Characters after which a sentence without any full stop is cut at a space: the lexicons are quadratic in
its words."""

_LINK = re.compile(r"(?:https?://|www\.)\S{1,2000}", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@])@\w{1,50}:?")
_RETWEET = re.compile(r"\s*RT\b", re.IGNORECASE)
_HTML_ENTITY = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": " "}
_ENTITY = re.compile("|".join(_HTML_ENTITY))
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "…": "...", "\u00a0": " "}
)
_SIGNS_OFF = re.compile(
    r"(?:sent from my\b|get outlook for\b|"
    r"(?:kind|best|warm|many)?\s*regards\b|best wishes\b|sincerely\b|yours (?:truly|faithfully|sincerely)\b|"
    r"mit freundlichen gr[üu]ßen|viele gr[üu]ße|cordialement|saludos|cordiali saluti|met vriendelijke groet)"
    r".{0,60}",
    re.IGNORECASE,
)
_SIGNATURE_LINES, _SIGNATURE_LINE = 9, 80  # at most, the one that signs off with it; letters in each
_SPACE = re.compile(r"[^\S\n]+")
_FULL_STOP = re.compile(
    r"(?<=[.!?;])(?<!\b[A-Z]\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!e\.g\.)(?<!i\.e\.)[)\"']*\s+|(?<=[。！？؟।])\s*(?=\S)|\n+"
)
# What ends a sentence before the last sign: a look that tells of most short comments that they are one sentence.
_MAY_STOP = re.compile("[.!?;。！？؟।\n]")
_TURNING = {
    "en": "but|however|although|though|whereas|except that|yet",
    "de": "aber|jedoch|allerdings|dagegen|obwohl|hingegen",
    "fr": "mais|cependant|pourtant|toutefois|en revanche|par contre|bien que|alors que",
    "es": "pero|sin embargo|aunque|en cambio|mientras que",
    "it": "ma|però|tuttavia|invece|mentre|anche se|sebbene",
    "pt": "mas|porém|contudo|todavia|no entanto|embora|apesar",
    "nl": "maar|echter|hoewel|daarentegen|terwijl",
    "sv": "men|däremot|fast|trots att",
    "da": "men|dog|selvom|derimot",
    "nb": "men|dog|selv om|derimot",
    "pl": "ale|jednak|natomiast|chociaż|lecz",
    "cs": "ale|avšak|však|zatímco|ačkoli",
    "ru": "но|однако|зато|хотя",
    "tr": "ama|fakat|ancak|oysa",
    "ar": "لكن|ولكن|بينما|رغم",
    "hi": "लेकिन|मगर|परंतु|हालांकि",
}
_TURN = {
    language: re.compile(rf"(?:,|(?<!\s))\s++(?=(?:{words})\b)", re.IGNORECASE)
    for language, words in _TURNING.items()
}
# The same word behind a space, which a look finds sooner, or not at all.
_MAY_TURN = {language: re.compile(rf"\s(?:{words})\b", re.IGNORECASE) for language, words in _TURNING.items()}
_FEWEST_WORDS_IN_A_CLAUSE = 2


def clean(text: str) -> str:
    """Return *text* without links, handles, signature and control characters, quotes made plain.

    Only the first `LONGEST_READ` characters are kept. Line breaks stay, since they end sentences.
    """
    text = text[:LONGEST_READ]
    if not text.isascii():
        # One sign of an Arabic blessing becomes 18 letters.
        text = folding.normal(text, "NFKC")[:LONGEST_READ].translate(_QUOTES)
    if not text.isprintable():
        text = "".join(c for c in text.replace("\r", "\n") if c.isprintable() or c in "\n\t\u200d")
    if "&" in text:
        text = _ENTITY.sub(lambda found: _HTML_ENTITY[found.group()], text)
    if "@" in text:
        text = _HANDLE.sub(" ", text)
    if "://" in text or "www." in text.lower():
        text = _LINK.sub(" ", text)
    if found := _RETWEET.match(text):
        text = text[found.end() :]
    if "\n" in text:
        return _SPACE.sub(" ", _without_signature(text)).strip()
    return " ".join(text.split())


def split(text: str, language: str = "en") -> list[str]:
    """Return the sentences of a cleaned *text* in order, cut further where it turns in its *language* ("…, but …").

    A clause of one word stays with its neighbour. No sentence is longer than `LONGEST_SENTENCE` characters.
    """
    sentences: list[str] = []
    for sentence in _FULL_STOP.split(text) if _MAY_STOP.search(text, 0, len(text) - 1) else [text]:
        for piece in _short_pieces(sentence.strip()):
            sentences += _clauses(piece, language)
    return sentences


def _without_signature(text: str) -> str:
    """*text* up to the line that signs off, when a few short lines at most follow that one."""
    lines = text.rstrip().split("\n")
    for at in range(max(1, len(lines) - _SIGNATURE_LINES), len(lines)):
        line = lines[at].strip()
        signs_off = line == "--" or _SIGNS_OFF.fullmatch(line)
        if signs_off and all(len(each) <= _SIGNATURE_LINE for each in lines[at + 1 :]):
            return "\n".join(lines[:at])
    return text


def _short_pieces(sentence: str) -> list[str]:
    """Cut an endless sentence at spaces, or anywhere when it has none."""
    pieces = []
    while len(sentence) > LONGEST_SENTENCE:
        cut = sentence.rfind(" ", 1, LONGEST_SENTENCE)
        cut = cut if cut > 0 else LONGEST_SENTENCE
        pieces.append(sentence[:cut])
        sentence = sentence[cut:].strip()
    return [*pieces, sentence] if sentence else pieces


def _clauses(sentence: str, language: str) -> list[str]:
    """Cut at a turn when there are words enough on both its sides."""
    if language not in _TURN or not _MAY_TURN[language].search(sentence):
        return [sentence]
    clauses: list[str] = []
    for part in _TURN[language].split(sentence):
        if clauses and min(part.count(" "), clauses[-1].count(" ")) < _FEWEST_WORDS_IN_A_CLAUSE:
            clauses[-1] += " " + part
        else:
            clauses.append(part)
    return clauses
