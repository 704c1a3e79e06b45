"""Every language says everything, and everybody gets the language nearest to the one they read."""

import json
import re
import unicodedata
from datetime import date
from pathlib import Path

import pytest

from surveys import wording
from surveys.domain.metrics import METRICS

FOLDER = Path(wording.__file__).parent
TAGS = list(wording.LANGUAGES)


def leaves(content: dict, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    found = {}
    for key, value in content.items():
        found.update(leaves(value, (*path, key)) if isinstance(value, dict) else {(*path, key): value})
    return found


def read(tag: str) -> dict[tuple[str, ...], str]:
    return leaves(json.loads((FOLDER / f"{tag}.json").read_text(encoding="utf-8")))


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(.*?)\}", text))


def test_every_file_is_listed_and_every_listed_language_has_a_file():
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(TAGS)


@pytest.mark.parametrize("tag", TAGS)
def test_a_language_has_exactly_the_texts_and_placeholders_of_english(tag):
    assert {key: placeholders(text) for key, text in read(tag).items()} == {
        key: placeholders(text) for key, text in read("en").items()
    }


@pytest.mark.parametrize("tag", TAGS)
def test_no_text_is_empty_or_padded(tag):
    assert [key for key, text in read(tag).items() if not text or text != text.strip()] == []


#: Words that address somebody the other way than a second wording does, but for those that mean something else.
OTHER_WAY = {
    "de": r"\b(Ihnen|Ihre?[mnrs]?)\b|\bSie\b(?! hilft)",
    "fr": r"\b(vous|votre|vos|veuillez)\b",
    "es": r"\b(usted|sus?|le|lo siente)\b|\b(elija|confirme|inténtelo|vuelva atrás)\b",
    "it": r"\b(lei|suo|suoi|sue|le)\b(?! (mie|risposte|è stato dato))|\b(scelga|riprovi|confermi|riceve|torni)\b",
    "nl": r"\b(u|uw|hebt u)\b",
    "pt-BR": r"\bvocê\b",
    "pl": r"\b(pan|pani|pana|panu|państw\w+|proszę|prosimy)\b",
    "cs": r"\b(vás|vám|vámi|váš|vaše|vaší|vašeho|můžete|zkuste|vyberte|potvrďte|vraťte|jste)\b",
    "ru": r"\b(вы|вас|вам|ваш\w*)\b|\b(выберите|попробуйте|подтвердите|вернитесь)\b",
    "ro": r"\b(dumneavoastră|vă(?! rog)|v-a|v-ați|sunteți|puteți|doriți|recomandați|evaluați)\b",
    "hu": r"\b(ön|önt|önnek|az ön)\b|(próbálja|válasszon|erősítse|lépjen|szeretne több)",
    "tr": r"\w(iniz|ınız|unuz|ünüz|siniz|sınız)\b|\b(size|sizin|seçin|deneyin|onaylayın)\b",
    "fi": r"\b(sinulle|sinulta|sinusta|olet|voit|etkö|haluatko|saat|yritä|valitse|palaa)\b",
    "zh-Hans": r"您",
}
SECOND = [(tag, tone) for tag in TAGS for tone in wording.second_wordings(tag)]


def test_the_languages_that_can_address_people_otherwise_do():
    assert {tag for tag, _ in SECOND} == set(OTHER_WAY)
    assert len(SECOND) == sum(1 for _ in FOLDER.glob("*formal/*.json"))


@pytest.mark.parametrize(("tag", "tone"), SECOND)
def test_a_second_wording_is_whole(tag, tone):
    voice, usual = wording.voice(tag, tone), read(tag)
    second = read(f"{tone}/{tag}")
    for key, text in second.items():
        assert placeholders(text) == placeholders(usual[key]), key
        assert text == text.strip() != usual[key], key
    said = {key: text if tag == "de" else text.lower() for key, text in (usual | second).items()}
    assert [text for text in said.values() if re.search(OTHER_WAY[tag], text)] == []
    key = next(key for key in second if not placeholders(second[key]))
    assert wording.text(voice, ".".join(key)) == second[key]
    assert wording.labels(voice, "nps") == wording.labels(tag, "nps")
    assert wording.direction(voice) == wording.direction(tag)


def test_a_language_without_a_second_wording_keeps_its_own():
    assert wording.voice("ja", "informal") == "ja"
    assert wording.voice("de", "formal") == wording.voice("de", None) == "de"
    assert wording.text("de-x-none", "ui.send") == wording.text("de", "ui.send")


#: What no text of a language holds: marks of another, and blanks at which a line may break before a mark.
MARKS = {
    "fr": r"(?<!\u202f)[?!;]|(?<!\u00a0):",
    "es": r"^[^¿]*\?|^[^¡]*!",
    "ar": r"[?,;]",
    "ja": r"[?!,.:;()]",
    "zh-Hans": r"[?!,.:;()]",
}


@pytest.mark.parametrize("tag", TAGS)
def test_marks_are_those_of_the_language(tag):
    said = [read(tag), *(read(f"{tone}/{tag}") for tone in wording.second_wordings(tag))]
    wrong = MARKS.get(tag, r"\s[?!:;,.]") + r"|['\"]|\s\s"
    texts = [re.sub(r"\{.*?\}", "x", text) for each in said for text in each.values()]
    assert [text for text in texts if re.search(wrong, text)] == []


def test_a_name_is_parted_from_what_is_said_of_it_as_people_write_it():
    assert {wording.colon(tag) for tag in TAGS} == {": ", "\u00a0: ", "："}
    assert [tag for tag in TAGS if wording.colon(tag) == "："] == ["ja", "zh-Hans"]
    assert wording.colon("fr-CA-x-informal") == "\u00a0: "


#: What could be taken for something else that ends: a contract, an order, a membership, a course.
ENDS_MORE = (
    "annullata", "cancelada", "dado de baja", "peruutettu", "सदस्यता", "отменена", "Abonelikten", "اشتراكك",
    "您已退订，",
)  # fmt: skip


@pytest.mark.parametrize("tag", TAGS)
def test_whoever_stops_survey_mails_is_not_told_that_something_else_ended(tag):
    for voice in (tag, *(wording.voice(tag, tone) for tone in wording.second_wordings(tag))):
        for key in ("title", "button", "done"):
            said = wording.text(voice, f"unsubscribe.{key}")
            assert not any(word in said for word in ENDS_MORE), said


@pytest.mark.parametrize("tag", [tag for tag in TAGS if tag != "en"])
def test_no_sentence_is_left_in_english(tag):
    english = read("en")
    sentences = {key: text for key, text in read(tag).items() if " " in re.sub(r"\{.*?\}", "", text).strip()}
    assert [key for key, text in sentences.items() if text == english[key]] == []


@pytest.mark.parametrize("tag", TAGS)
def test_the_direction_is_the_one_its_letters_have(tag):
    letters = [unicodedata.bidirectional(letter) for text in read(tag).values() for letter in text]
    right_to_left = sum(kind in ("R", "AL") for kind in letters) > len(letters) / 2
    assert wording.direction(tag) == ("rtl" if right_to_left else "ltr")


@pytest.mark.parametrize("tag", TAGS)
def test_the_points_of_a_scale_are_labelled_at_least_at_both_ends_and_no_two_alike(tag):
    for metric in METRICS.values():
        labels = wording.labels(tag, metric.key)
        ends = [metric.minimum, metric.maximum]
        assert list(labels) == (ends if metric.maximum == 10 else list(metric.scores)), metric.key
        assert len(set(labels.values())) == len(labels), metric.key


@pytest.mark.parametrize("tag", TAGS)
def test_every_metric_can_be_asked_with_and_without_a_product(tag):
    for key in METRICS:
        assert "Acme" in wording.text(tag, f"{key}.question", product="Acme")
        plain = wording.text(tag, f"{key}.question", product=None)
        assert plain
        assert "{" not in plain


@pytest.mark.parametrize("tag", TAGS)
def test_every_tone_has_its_own_follow_up_question_and_thanks(tag):
    for key in ("follow_up", "thanks"):
        assert len({wording.text(tag, f"{key}.{tone}") for tone in ("low", "middle", "high")}) == 3


def test_the_standard_questions_are_the_published_ones():
    assert (
        wording.text("en", "nps.question", product="Acme")
        == "How likely are you to recommend Acme to a friend or colleague?"
    )
    assert wording.labels("en", "nps") == {0: "Not at all likely", 10: "Extremely likely"}
    assert wording.text("en", "csat.question", product="Acme") == "How satisfied are you with Acme?"
    assert (
        wording.text("en", "ces.question", product="Acme") == "Acme made it easy for me to handle my issue."
    )


@pytest.mark.parametrize(
    ("tag", "sent"),
    [
        ("de-AT", "Senden"),
        ("no", "Send"),
        ("xx", "Send"),
        ("zh-CN", "提交"),
        ("iw", "שליחה"),
        ("mo", "Trimite"),
    ],
)
def test_a_text_comes_in_the_nearest_language_there_is(tag, sent):
    assert wording.text(tag, "ui.send") == sent


def test_a_score_of_nought_is_a_score_and_not_a_missing_one():
    assert wording.text("en", "ui.score", score=0, max=10) == "0 of 10"


def test_days_are_written_as_people_write_them():
    day = date(2026, 11, 29)
    said = {tag: wording.date(tag, day) for tag in TAGS}
    assert {tag: said[tag] for tag in ("en", "de", "cs", "fi", "es", "hu", "ja", "ko", "ru")} == {
        "en": "29 November 2026",
        "de": "29. November 2026",
        "cs": "29. listopadu 2026",
        "fi": "29. marraskuuta 2026",
        "es": "29 de noviembre de 2026",
        "hu": "2026. november 29.",
        "ja": "2026年11月29日",
        "ko": "2026년 11월 29일",
        "ru": "29 ноября 2026 года",
    }
    first = {tag: wording.date(tag, date(2026, 11, 1)) for tag in ("fr", "it", "pt-BR", "en")}
    assert list(first.values()) == [
        "1er novembre 2026",
        "1º novembre 2026",
        "1º de novembro de 2026",
        "1 November 2026",
    ]
    for tag in TAGS:
        assert len({wording.date(tag, date(2026, month, 1)) for month in range(1, 13)}) == 12
        assert "{" not in said[tag]
        # No full stop twice.
        assert ".." not in wording.text(tag, "me.editable_until", date=said[tag])


def test_an_unknown_text_is_an_error():
    with pytest.raises(KeyError):
        wording.text("en", "ui.nonsense")


def test_a_product_named_like_a_placeholder_is_left_alone():
    assert "{max}" in wording.text("en", "nps.question", product="{max}")
    assert wording.fill("{score} of {max}", score="{max}", max=10) == "{max} of 10"


@pytest.mark.parametrize("template", ["{product.__class__}", "{unknown}", "{", "100 % {}", "{{x}}"])
def test_filling_runs_nothing_and_keeps_what_it_does_not_know(template):
    assert wording.fill(template, product="Acme") == template


@pytest.mark.parametrize(
    ("wanted", "available", "chosen"),
    [
        (["de"], ["en", "de"], "de"),
        (["DE-at"], ["en", "de"], "de"),
        (["de_AT"], ["en", "de"], "de"),
        (["de-AT"], ["en", "de", "de-AT"], "de-AT"),
        (["pt"], ["en", "pt-BR"], "pt-BR"),
        (["pt-PT"], ["en", "pt-BR"], "pt-BR"),
        (["pt-BR"], ["pt-PT", "pt"], "pt"),
        (["no"], ["en", "nb"], "nb"),
        (["nn-NO"], ["en", "nb"], "nb"),
        (["nb"], ["en", "no"], "no"),
        (["nn"], ["nb", "nn"], "nn"),
        (["iw-IL"], ["en", "he"], "he"),
        (["zh"], ["en", "zh-Hans"], "zh-Hans"),
        (["zh-CN"], ["en", "zh-Hans"], "zh-Hans"),
        (["zh-Hans-SG"], ["en", "zh-Hans"], "zh-Hans"),
        (["zh-TW"], ["en", "zh-Hans"], "xx"),
        (["zh-TW", "en"], ["en", "zh-Hans"], "en"),
        (["zh-Hans"], ["en", "zh-CN"], "zh-CN"),
        (["zh-Hant-CN-x-private1"], ["en", "zh-Hant"], "zh-Hant"),
        (["fr", "de"], ["de", "en"], "de"),
        (["fr-CA", "en"], ["en", "fr"], "fr"),
        (["sk"], ["en", "de"], "xx"),
        (["*"], ["en"], "xx"),
        ([""], ["en"], "xx"),
        ([], ["en"], "xx"),
        (["de"], [], "xx"),
        (["deu"], ["de"], "de"),
        (["den"], ["de"], "xx"),
    ],
)
def test_a_wish_finds_the_nearest_available_language(wanted, available, chosen):
    assert wording.choose(wanted, available, "xx") == chosen


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("de", ["de"]),
        ("de-CH, fr;q=0.7, en;q=0.9, *;q=0.5", ["de-CH", "en", "fr"]),
        ("da, en-gb;q=0.8, en;q=0.7", ["da", "en-gb", "en"]),
        ("fr;q=0.5, de;q=0.5", ["fr", "de"]),
        ("fr;q=0, de", ["de"]),
        ("fr;q=0.000, de ; Q=1.000", ["de"]),
        ("fr;q=nan, de;q=inf, es;q=-1, it;q=2, nl;level=1, pl", ["pl"]),
        ("<script>, d e, ,, en", ["en"]),
        ("", []),
        (None, []),
        (", ".join(["de"] * 33 + ["en"]), ["de"] * 32),
    ],
)
def test_an_accept_language_header_is_read_by_preference(header, tags):
    assert wording.parse_accept_language(header) == tags
