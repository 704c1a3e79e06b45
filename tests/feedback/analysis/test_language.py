"""In which language a comment is taken to be written."""

import pytest

from feedback.analysis import language

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
        ("qxzvkw", None, None),
        ("123 …", None, None),
        ("", None, None),
    ],
)
def test_the_language_of(text: str, claimed: str | None, expected: str | None) -> None:
    assert language.of(text, claimed) == expected


def test_the_language_of_most_is_that_of_the_longer_ones():
    english = "The staff was very friendly and the room was clean too"
    assert language.of_most([GERMAN] * 8 + ["super", "thanks"] * 50) == "de"
    assert language.of_most([GERMAN] * 8 + [english] * 2) == "de"
    assert language.of_most([GERMAN] * 7 + [english] * 3) is None
    assert language.of_most([GERMAN] * 4) is None, "too few to speak for a table"
    assert language.of_most([]) is None
