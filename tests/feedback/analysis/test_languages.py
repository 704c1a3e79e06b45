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
        ("123 …", None, None),
        ("", None, None),
    ],
)
def test_the_language_of(text: str, claimed: str | None, expected: str | None) -> None:
    assert languages.of(text, claimed) == expected


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
        ("Очень плохо", "en", None),
        ("sehr schlecht", "en", None),
        ("schrecklich langsam und unfreundlich", "en", "de"),
        ("servizio pessimo e lento", "fr", "it"),
    ],
)
def test_a_table_speaks_for_what_does_not_speak_for_itself(
    text: str, most: str, expected: str | None
) -> None:
    assert languages.of(text, languages.claim(text, most)) == expected
