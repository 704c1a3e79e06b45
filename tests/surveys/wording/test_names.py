"""Languages by their names, as helpdesks print them."""

import json
from pathlib import Path

import pytest

from surveys import wording
from surveys.wording import names

KEPT = json.loads((Path(names.__file__).parent / "cldr.json").read_text(encoding="utf-8"))


def served(text):
    """The language that whoever is said to speak it gets, out of all there are."""
    return wording.choose([names.tag_of(text) or ""], tuple(wording.LANGUAGES), "none")


ENGLISH = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "en": "English", "es": "Spanish", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "it": "Italian", "ja": "Japanese",
    "ko": "Korean", "nb": "Norwegian", "nl": "Dutch", "pl": "Polish", "pt-BR": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sv": "Swedish", "tr": "Turkish", "zh-Hans": "Chinese",
}  # fmt: skip


@pytest.mark.parametrize("tag", wording.LANGUAGES)
def test_every_language_is_known_by_its_name_in_english_and_in_itself(tag):
    own, english = wording.LANGUAGES[tag].name, ENGLISH[tag]
    for name in (own, english):
        for written in (name, name.upper(), name.lower(), f"  {name} ", f"{name} (formal)", f"({name})"):
            assert served(written) == tag, written
    for pair in (f"{english} - {own}", f"{own} / {english}", f"{english} ({own})"):
        assert served(pair) == tag, pair


def test_every_name_of_cldr_leads_to_its_tag_and_no_two_are_one():
    assert {name: names.tag_of(name) for name in KEPT["names"]} == KEPT["names"]
    assert names.tag_of("Norsk (bokmål)") == "nb"


def test_every_country_of_a_language_is_known_in_english_and_in_the_language():
    for tag, language in wording.LANGUAGES.items():
        base = tag.split("-")[0]
        for country, code in KEPT["regions"][base].items():
            for name in (ENGLISH[tag], language.name):
                found = names.tag_of(f"{name.split('(')[0]} ({country})")
                assert found.split("-")[0] in (base, "no"), (name, country)
                if base not in ("nb", "zh", "pt"):
                    assert found == f"{base}-{code}", (name, country)


SAID = [
    # Zendesk: support.zendesk.com/api/v2/locales/public.json
    ("Español", "es"), ("繁體中文 (Traditional Chinese)", "zh-Hant"), ("中文（繁體）", "zh-Hant"),
    ("Chinese (Simplified) - 中文（简体）", "zh-Hans"), ("Portuguese (Brazil) - português (Brasil)", "pt-BR"),
    ("Español (Latinoamérica)", "es-419"), ("English (United States)", "en-US"), ("Français (Canada)", "fr-CA"),
    # Others
    ("Português do Brasil", "pt-BR"), ("PORTUGUES DO BRASIL", "pt-BR"), ("Brazilian Portuguese", "pt-BR"),
    ("Portuguese, Brazilian", "pt-BR"), ("Portuguese-Brazil", "pt-BR"), ("chinese_simplified", "zh-Hans"),
    ("Chinese (Simplified, China)", "zh-Hans-CN"), ("Chinese, Taiwan", "zh-TW"), ("Chinês (simplificado)", "zh-Hans"),
    ("English (US)\u200e", "en-US"), ("UK English", "en-GB"), ("English - Great Britain", "en-GB"),
    ("Deutsch (Österreich)", "de-AT"), ("Deutsch (Osterreich)", "de-AT"), ("German (AT)", "de-AT"),
    ("Deutsch [de]", "de"), ("Deutsch (Sie)", "de"), ("Schweizerdeutsch", "de-CH"), ("Vlaams", "nl-BE"),
    ("TÜRKÇE (TÜRKİYE)", "tr-TR"), ("Norsk nynorsk", "nn"), ("اللغة العربية", "ar"), ("العربية (مصر)", "ar-EG"),
    ("हिंदी", "hi"), ("русский язык", "ru"), ("Język polski", "pl"), ("Español de México", "es-MX"),
    ("Canadian French", "fr-CA"), ("Allemand", "de"), ("Alemán", "de"), ("日本語 (Japanese)", "ja"),
    ("عربي", "ar"), ("عربى", "ar"), ("по-русски", "ru"), ("Suomeksi", "fi"), ("にほんご", "ja"), ("한국말", "ko"),
    ("På svenska", "sv"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tag"), SAID)
def test_what_helpdesks_print_for_a_language(text, tag):
    assert names.tag_of(text) == tag


@pytest.mark.parametrize(
    "text", ["", "-", "()", "Klingon", "Ukrainian", "German shepherd", "the", "n/a", "١٢", "é" * 5000]
)
def test_what_names_no_language_of_ours_is_left_alone(text):
    assert names.tag_of(text) is None


@pytest.mark.parametrize(
    ("wish", "served"),
    [
        ("Deutsch", "de"),
        ("português (brasil)", "pt-BR"),
        ("deu", "de"),
        ("chi", "zh-Hans"),
        ("Klingon", "en"),
    ],
)
def test_a_name_that_was_kept_where_a_tag_belongs_is_served_all_the_same(wish, served):
    assert wording.choose([wish], tuple(wording.LANGUAGES), "en") == served
