"""In which language a comment is taken to be written."""

import pytest

from feedback.analysis import languages

GERMAN = "Der Service war leider sehr langsam und niemand hat mir geholfen"


@pytest.mark.parametrize(
    ("text", "claimed", "expected"),
    [
        ("The staff was very friendly", None, "en"),
        ("thanks", None, "en"),
        (GERMAN, None, "de"),
        (GERMAN, "en", "de"),
        ("gut", "de", "de"),
        ("gut", "de-AT", "de"),
        ("super", "fr", "fr"),
        ("El servicio fue muy lento y el personal grosero", None, "es"),
        ("Je suis très content du service", None, "fr"),
        ("Lovely café and naïve staff", None, "en"),
        ("crème brûlée amazing dessert", None, "en"),
        ("qxzvkw", None, None),
        # Letters of a language tell it, whatever is claimed.
        ("很好", "en", "zh"),
        ("とても良い", None, "ja"),
        ("日本", "ja", "ja"),
        ("ممتاز", "de", "ar"),
        ("बहुत अच्छा", None, "hi"),
        ("Дуже добре, їжа", None, None),
        # Frequent words tell a short text.
        ("Me gusta mucho", None, "es"),
        ("Das ist alles sehr gut", "en", "de"),
        ("Ik ben er heel blij mee", None, "nl"),
        ("Mai più da voi", None, "it"),
        ("no", "de", "de"),
        ("Takk for hjelpen, det var veldig bra", "no", "nb"),
        ("123 …", None, None),
        ("", None, None),
    ],
)
def test_the_language_of(text: str, claimed: str | None, expected: str | None) -> None:
    assert languages.of(text, claimed) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("Great battery life", "en"), ("Me gusta mucho", "es"), ("ganz süß", "de")]
)
def test_the_slow_identifier_is_not_asked_where_its_answer_changes_nothing(
    text: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "identifier", lambda: pytest.fail("asked"))
    assert languages.of(text) == expected


def test_the_language_of_most_is_that_of_the_longer_ones():
    english = "The staff was very friendly and the room was clean too"
    assert languages.of_most([GERMAN] * 8 + ["super", "thanks"] * 50) == "de"
    assert languages.of_most([GERMAN] * 8 + [english] * 2) == "de"
    assert languages.of_most([GERMAN] * 7 + [english] * 3) is None
    assert languages.of_most([GERMAN] * 4) is None, "too few to speak for a table"
    assert languages.of_most([]) is None


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("super", "de", "de"),
        ("Je suis content", "fr", "fr"),
        ("The staff was friendly", "de", "en"),
        # What is no English is not made English by those around it.
        ("Очень плохо", "en", "ru"),
        ("sehr schlecht", "en", "de"),
        ("schrecklich langsam und unfreundlich", "en", "de"),
        ("servizio pessimo e lento", "fr", "it"),
    ],
)
def test_a_table_speaks_for_what_does_not_speak_for_itself(
    text: str, most: str, expected: str | None
) -> None:
    assert languages.of(text, languages.claim(text, most)) == expected
