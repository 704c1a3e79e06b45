"""Makes `cldr.json` out of CLDR: `pip install babel==2.19.0`, then `python -m surveys.wording.names.make`.

Babel carries CLDR's data and is needed for nothing else, so it is no dependency.
"""

import json
from pathlib import Path

from babel import Locale
from babel.localedata import locale_identifiers

from surveys.wording import LANGUAGES

#: Beside those of `LANGUAGES`: names of Norwegian, and Chinese in the other script.
NORWEGIAN = ("no", "nn")
OTHER_LOCALES = ("zh_Hant", "pt_PT", "es_MX", "fr_CA", "de_AT")


def made() -> dict[str, dict]:
    """Tags by name, and for each language the codes of its regions and scripts by name."""
    languages = list(dict.fromkeys(tag.split("-")[0] for tag in LANGUAGES))
    locales = [Locale.parse(each) for each in (*languages, *OTHER_LOCALES)]
    names: dict[str, str] = {}
    for locale in locales:
        for key, name in locale.languages.items():
            tag = key.replace("_", "-")
            if key.split("_")[0] not in (*languages, *NORWEGIAN) or "Latn" in key or "001" in key:
                continue
            if names.setdefault(name, tag) != tag:
                raise ValueError(f"{name} is {names[name]} and {tag}")
    english = Locale.parse("en")
    regions: dict[str, dict[str, str]] = {}
    for base in languages:
        own = [english, *(each for each in locales if each.language == base)]
        codes = {code for each in locale_identifiers() if (code := _region(each, base))}
        regions[base] = {
            name: code for code in sorted(codes) for each in own if (name := each.territories.get(code))
        }
    for locale in locales:
        for script in ("Hans", "Hant"):
            regions["zh"].setdefault(locale.scripts[script], script)
    return {"names": dict(sorted(names.items())), "regions": regions}


def _region(identifier: str, base: str) -> str | None:
    parts = identifier.split("_")
    last = parts[-1]
    return last if parts[0] == base and len(parts) > 1 and len(last) < 4 and last != "001" else None


if __name__ == "__main__":
    text = json.dumps(made(), ensure_ascii=False, indent=1) + "\n"
    (Path(__file__).parent / "cldr.json").write_text(text, encoding="utf-8")
