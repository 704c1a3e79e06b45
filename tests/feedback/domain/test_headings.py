"""The beginning of somebody's words as a heading."""

import pytest

from feedback.domain.headings import LONGEST, first_words


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("Quick and friendly.", "Quick and friendly."),
        ("  Quick\n\n and\t friendly. ", "Quick and friendly."),
        ("Quick\x00\x07\x1b[31m and \u202efriendly\u2028here", "Quick [31m and friendly here"),
        ("", ""),
        (" \n\t\u00a0", ""),
        ("x" * LONGEST, "x" * LONGEST),
        ("x" * 500, "x" * (LONGEST - 1) + "…"),
        ("word " * 16, " ".join(["word"] * 16)),
        ("word " * 17, " ".join(["word"] * 16) + "…"),
        ("It was slow, " + "very " * 20, "It was slow, " + " ".join(["very"] * 13) + "…"),
        # A break that comes too soon is none.
        ("So " + "x" * 500, "So " + "x" * (LONGEST - 4) + "…"),
        ("好" * 200, "好" * (LONGEST - 1) + "…"),
        # No sign is cut in two.
        ("e\u0301" * 100, "e\u0301" * 39 + "…"),
        ("👍🏽" * 100, "👍🏽" * 39 + "…"),
        ("👩\u200d🚀" * 100, "👩\u200d🚀" * 26 + "…"),
        ("\u0301" * 100, "\u0301" * (LONGEST - 1) + "…"),
        (" " * 5000 + "late", "…"),
    ],
)
def test_a_heading_is_the_first_words_on_one_line(text, heading):
    found = first_words(text)
    assert found == heading
    assert len(found) <= LONGEST
