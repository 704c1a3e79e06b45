"""What languages are called: the tag of "Deutsch", "Arabic", "Português (Brasil)" or "中文（简体）".

Helpdesks print names where they have tags. The names are those of CLDR for the languages of `LANGUAGES` and the
countries in which they are used: in English, in the language itself and in every other of them (`cldr.json`, made by
`make`; its licence lies beside it), and a few more that helpdesks write.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: No name is longer, nor a name in two languages with a country.
LONGEST = 100

#: Names that CLDR does not have.
MORE_NAMES = {
    "Flemish": "nl-BE", "हिंदी": "hi", "Ivrit": "he", "Mandarin": "zh-Hans", "Mandarin Chinese": "zh-Hans",
    "Norwegian (Bokmal)": "nb", "Português do Brasil": "pt-BR", "Schweizerdeutsch": "de-CH", "Swiss German": "de-CH",
    "Schwyzerdütsch": "de-CH", "正體中文": "zh-Hant", "简体": "zh-Hans", "繁體": "zh-Hant", "中文": "zh",
    "汉语": "zh-Hans", "普通话": "zh-Hans", "漢語": "zh-Hant", "조선말": "ko", "Castellano": "es", "Castilian": "es",
    "عربي": "ar", "عربى": "ar", "По-русски": "ru", "Suomeksi": "fi", "にほんご": "ja", "한국말": "ko",
    "På svenska": "sv", "Moldovan": "ro-MD", "Česky": "cs", "Român": "ro", "Românește": "ro",
}  # fmt: skip

#: Regions and scripts as people write them.
MORE_REGIONS = {
    "UK": "GB", "Great Britain": "GB", "Britain": "GB", "British": "GB", "England": "GB", "USA": "US", "America": "US",
    "American": "US", "United States of America": "US", "LATAM": "419",
    "Latin American": "419", "Latinoamericano": "419",
    "Brazilian": "BR", "European": "150", "Mexican": "MX", "Canadian": "CA", "Swiss": "CH", "Austrian": "AT",
    "Australian": "AU", "Belgian": "BE", "Taiwanese": "TW", "Czech Republic": "CZ", "Turkey": "TR", "Korea": "KR",
    "Hong Kong": "HK", "Hongkong": "HK", "香港": "HK", "Macau": "MO", "Macao": "MO", "澳门": "MO", "澳門": "MO",
    "Mainland China": "CN", "台灣": "TW", "臺灣": "TW", "繁體": "Hant", "簡體": "Hans",
}  # fmt: skip

#: Words that stand between a language and its country, or beside its name: "language", "of".
_FILLING = frozenset(
    "language langue lengua idioma lingua lingua sprache jezyk jazyk limba sprak sprog nyelv dili язык اللغة שפה "
    "do de da del du des di of the in la le el".split()
)
_APART = re.compile(r"[^\w\s]+|_+")


def tag_of(text: str) -> str | None:
    """The tag of the language that a text names, with script and region where it says them; None for no name we know.

    Upper and lower case, accents, brackets, dashes and commas do not matter, nor does a second name beside the
    first ("German - Deutsch"). What a bracket says that is no region ("Deutsch (Sie)") is left out.
    """
    known = _known()
    parts = [words for part in _APART.split(folded(text[:LONGEST])) if (words := _words(part))]
    whole = known.names.get(" ".join(word for words in parts for word in words))
    if whole is not None:
        return whole
    for position, words in enumerate(parts):
        if found := known.begin(words):
            tag, rest = found
            after = parts[position + 1 :]
            # "English (Antigua & Barbuda)"
            together = [word for words in after for word in words]
            return known.extended(tag, [rest, together, *parts[:position], *after])
    return None


def folded(text: str) -> str:
    """A text as names are compared: no case, no accents nor vowel signs, no marks of direction."""
    letters = unicodedata.normalize("NFKD", text).casefold().replace("ı", "i")
    return "".join(each for each in letters if unicodedata.category(each) not in ("Mn", "Mc", "Cf"))


# ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """Tags by folded name; by language the regions and scripts by folded name."""

    names: dict[str, str]
    regions: dict[str, dict[str, str]]

    def begin(self, words: list[str]) -> tuple[str, list[str]] | None:
        """The tag of the name that the words are, or that they begin with before a region; and that rest."""
        for size in range(len(words), 0, -1):
            tag = self.names.get(" ".join(words[:size]))
            rest = words[size:]
            if tag is not None and (not rest or self._region(tag, rest) is not None):
                return tag, rest
        # "Canadian French", "US English"
        for size in range(len(words) - 1, 0, -1):
            tag = self.names.get(" ".join(words[-size:]))
            if tag is not None and self._region(tag, words[:-size]) is not None:
                return tag, words[:-size]
        return None

    def extended(self, tag: str, others: list[list[str]]) -> str:
        """The tag with the script and region that other parts of the text say."""
        subtags = tag.split("-")
        found = [each for words in others if (each := self._region(tag, words))]
        script = next((each for each in [*subtags[1:], *found] if len(each) == 4), None)
        region = next((each for each in [*subtags[1:], *found] if len(each) < 4), None)
        return "-".join(filter(None, (subtags[0], script, region)))

    def _region(self, tag: str, words: list[str]) -> str | None:
        return self.regions.get(tag.split("-")[0], {}).get(" ".join(words))


@cache
def _known() -> _Known:
    kept = json.loads((Path(__file__).parent / "cldr.json").read_text(encoding="utf-8"))
    names = {" ".join(_plain(name)): tag for name, tag in [*kept["names"].items(), *MORE_NAMES.items()]}
    regions: dict[str, dict[str, str]] = {}
    for language, called in kept["regions"].items():
        codes = {*called.values()}
        more = [(name, code) for name, code in MORE_REGIONS.items() if code in codes]
        regions[language] = {" ".join(_plain(name)): code for name, code in [*called.items(), *more]}
        # "Deutsch (de)" names the language twice and no country.
        regions[language] |= {code.lower(): code for code in codes if code.lower() != language}
    return _Known(names, regions)


def _plain(name: str) -> list[str]:
    return _words(_APART.sub(" ", folded(name)))


def _words(part: str) -> list[str]:
    words = part.split()
    return [word for word in words if word not in _FILLING] or words
