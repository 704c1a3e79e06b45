"""Standard questions, labels and page texts, one file per language; a new one is a file and a line here."""

import datetime
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from surveys.wording import names


@dataclass(frozen=True, slots=True)
class Language:
    """A language by the name it gives itself, the direction it is written in, and whether family names stand first.

    `first`: the first day of a month, where it is written in another way than the others. `colon`: what stands between
    a name and what is said of it.
    """

    name: str
    direction: Literal["ltr", "rtl"] = "ltr"
    family_first: bool = False
    first: str = "1"
    colon: str = ": "


LANGUAGES: dict[str, Language] = {
    "ar": Language("العربية", "rtl"),
    "cs": Language("Čeština"),
    "da": Language("Dansk"),
    "de": Language("Deutsch"),
    "en": Language("English"),
    "es": Language("Español"),
    "fi": Language("Suomi"),
    "fr": Language("Français", first="1er", colon="\u00a0: "),
    "he": Language("עברית", "rtl"),
    "hi": Language("हिन्दी"),
    "hu": Language("Magyar", family_first=True),
    "it": Language("Italiano", first="1º"),
    "ja": Language("日本語", family_first=True, colon="："),
    "ko": Language("한국어", family_first=True),
    "nb": Language("Norsk bokmål"),
    "nl": Language("Nederlands"),
    "pl": Language("Polski"),
    "pt-BR": Language("Português (Brasil)", first="1º"),
    "ro": Language("Română"),
    "ru": Language("Русский"),
    "sv": Language("Svenska"),
    "tr": Language("Türkçe"),
    "zh-Hans": Language("简体中文", family_first=True, colon="："),
}

FALLBACK = "en"

_FOLDER = Path(__file__).parent

#: How respondents may be addressed.
FORMALITIES = ("formal", "informal")

# Old codes, those of three letters (ISO 639-2) and the scripts that regions of China write (IANA Language Subtag
# Registry; CLDR likely subtags). Nynorsk stands under Bokmål because its readers read both.
_ALIASES = {
    "ara": "ar", "ces": "cs", "cze": "cs", "dan": "da", "deu": "de", "ger": "de", "eng": "en", "spa": "es", "fin": "fi",
    "fra": "fr", "fre": "fr", "heb": "he", "hin": "hi", "hun": "hu", "ita": "it", "jpn": "ja", "kor": "ko", "nob": "nb",
    "nno": "nn", "nor": "no", "dut": "nl", "nld": "nl", "pol": "pl", "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru",
    "swe": "sv", "tur": "tr", "chi": "zh", "zho": "zh",
    "cmn": "zh",
    "iw": "he",
    "mo": "ro",
    "nn": "nb",
    "no": "nb",
    "zh-cn": "zh-hans-cn",
    "zh-hk": "zh-hant-hk",
    "zh-mo": "zh-hant-mo",
    "zh-my": "zh-hans-my",
    "zh-sg": "zh-hans-sg",
    "zh-tw": "zh-hant-tw",
}  # fmt: skip
_TAG = re.compile(r"[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8}){0,7}")
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def text(tag: str, key: str, **placeholders: object) -> str:
    """The standard text `key` ("nps.question", "ui.send") in the language nearest to `tag`.

    `tag` may be one that `voice` made. A placeholder that is None or empty chooses the form of the text that does
    without it (`key` + "_plain"): text("en", "nps.question", product=None) asks about "us". Raises KeyError.
    """
    if any(value is None or value == "" for value in placeholders.values()):
        return _texts(tag)[f"{key}_plain"]
    return fill(_texts(tag)[key], **placeholders)


def voice(tag: str, formality: str | None) -> str:
    """`tag` such that texts under it address respondents so; as it is where its language has no second wording.

    Made with a private subtag (RFC 5646, 2.2.7), by which the language is found as before: de-x-informal.
    """
    return f"{tag}-x-{formality}" if formality in second_wordings(tag) else tag


def second_wordings(tag: str) -> tuple[str, ...]:
    """The formalities that the language nearest to `tag` has beside its standard wording."""
    return _second_wordings(_nearest(tag))


def date(tag: str, day: datetime.date) -> str:
    """A day in words of the language nearest to `tag`, as people there write it: 12 November 2026."""
    month = text(tag, f"date.months.{day.month}")
    number = LANGUAGES[_nearest(tag)].first if day.day == 1 else day.day
    return text(tag, "date.format", day=number, month=month, year=day.year)


def labels(tag: str, metric: str) -> dict[int, str]:
    """The labelled points of a metric's scale in the language nearest to `tag`, lowest score first."""
    prefix = f"{metric}.labels."
    return {
        int(key.removeprefix(prefix)): value for key, value in _texts(tag).items() if key.startswith(prefix)
    }


def fill(template: str, **placeholders: object) -> str:
    """`template` with each known {placeholder} replaced in one pass; whatever else it holds stays as written.

    Also right for texts that administrators wrote: nothing in them is ever run.
    """
    return _PLACEHOLDER.sub(lambda found: str(placeholders.get(found[1], found[0])), template)


def direction(tag: str) -> Literal["ltr", "rtl"]:
    """The direction of the language nearest to `tag`, as the HTML attribute `dir` wants it."""
    return LANGUAGES[_nearest(tag)].direction


def colon(tag: str) -> str:
    """What stands between a name and what is said of it, in the language nearest to `tag`."""
    return LANGUAGES[_nearest(tag)].colon


def family_first(tag: str) -> bool:
    """Whether people's names begin with that of the family, in the language nearest to `tag`."""
    return LANGUAGES[_nearest(tag)].family_first


def choose(wanted: Iterable[str], available: Sequence[str], default: str) -> str:
    """The tag of `available` that serves the first possible wish, else `default`.

    Lookup by RFC 4647 section 3.4 (de-AT finds de), and the base language the other way round too (pt and
    pt-PT find pt-BR) unless the two are written in different scripts (zh-TW does not find zh-Hans).
    """
    by_canonical: dict[str, str] = {}
    for tag in available:
        by_canonical.setdefault(_canonical(tag), tag)
    exact = {tag.lower(): tag for tag in available}
    for wish in wanted:
        if wish.lower() in exact:
            return exact[wish.lower()]
        range_ = _canonical(wish)
        while range_:
            if range_ in by_canonical:
                return by_canonical[range_]
            range_ = range_.rpartition("-")[0]
        for candidate, tag in by_canonical.items():
            if _is_other_region(_canonical(wish), candidate):
                return tag
    return default


def parse_accept_language(header: str | None) -> list[str]:
    """The language tags of an Accept-Language header (RFC 9110, 12.5.4), most wanted first.

    Malformed entries, those refused with q=0, and "*" are left out; entries after the 32nd are not read.
    """
    wishes: list[tuple[float, str]] = []
    for entry in (header or "").split(",", 32)[:32]:
        tag, _, parameter = entry.partition(";")
        tag, parameter = tag.strip(), parameter.strip()
        quality = parameter[2:] if parameter[:2].lower() == "q=" else "" if parameter else "1"
        if _TAG.fullmatch(tag) and _QUALITY.fullmatch(quality) and float(quality) > 0:
            wishes.append((float(quality), tag))
    return [tag for _, tag in sorted(wishes, key=lambda wish: -wish[0])]


@cache
def _nearest(tag: str) -> str:
    return choose([tag], tuple(LANGUAGES), FALLBACK)


@cache
def _second_wordings(tag: str) -> tuple[str, ...]:
    return tuple(each for each in FORMALITIES if (_FOLDER / each / f"{tag}.json").exists())


def _texts(tag: str) -> dict[str, str]:
    nearest, formality = _nearest(tag), tag.rpartition("-x-")[2]
    return _load(nearest, formality if formality in _second_wordings(nearest) else None)


@cache
def _load(tag: str, formality: str | None) -> dict[str, str]:
    """All texts of a language; the file of a second wording holds those that it words otherwise."""
    files = [_FOLDER / f"{tag}.json", *([_FOLDER / formality / f"{tag}.json"] if formality else [])]
    found: dict[str, str] = {}
    for file in files:
        found.update(_flatten(json.loads(file.read_text(encoding="utf-8"))))
    return found


def _flatten(content: dict, prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@lru_cache(maxsize=256)
def _canonical(tag: str) -> str:
    """Lower case, current codes, and the script written out where the region tells it; of a name its tag."""
    tag = tag.strip().lower().replace("_", "-")
    if len(tag.partition("-")[0]) > 3:
        # No tag in use begins with more letters, but people say "Deutsch" where a tag is asked for.
        tag = (names.tag_of(tag) or tag).lower()
    parts = tag.split("-")
    for length in (2, 1):
        alias = _ALIASES.get("-".join(parts[:length]))
        if alias is not None:
            return _canonical("-".join([alias, *parts[length:]]))
    return tag


def _is_other_region(range_: str, candidate: str) -> bool:
    if range_.split("-")[0] != candidate.split("-")[0]:
        return False
    scripts = {_script(range_), _script(candidate)} - {""}
    return len(scripts) < 2


def _script(tag: str) -> str:
    return next((part for part in tag.split("-")[1:] if len(part) == 4 and part.isalpha()), "")
