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
        ("qxzvkw", None, None),
        ("123 …", None, None),
        ("", None, None),
    ],
)
def test_the_language_of(text: str, claimed: str | None, expected: str | None) -> None:
    assert language.of(text, claimed) == expected
