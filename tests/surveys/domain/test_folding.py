"""Text folded for search, and brought into a normal form."""

import pytest

from surveys.domain import folding


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("cafe\u0301", "NFC", "café"),
        ("café", "NFD", "cafe\u0301"),
        ("ﬁne", "NFKC", "fine"),
        ("plain", "NFKD", "plain"),
        # A run of marks ends at thirty; after the next letter another begins.
        ("e" + "\u0301" * 100 + "a\u0301", "NFC", "é" + "\u0301" * 29 + "á"),
    ],
)
def test_a_normal_form_keeps_thirty_marks_of_a_run(text, form, expected):
    assert folding.normal(text, form) == expected
