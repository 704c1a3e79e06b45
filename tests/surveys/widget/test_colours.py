"""Colours: the contrast of WCAG 2.2, and any survey's colour made visible on any panel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.widget import colours

any_colour = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#ffffff", "#000000", 21.0),
        ("#777777", "#ffffff", 4.478),
        ("#abcdef", "#abcdef", 1.0),
        ("#0000ff", "#ffffff", 8.592),
    ],
)
def test_contrast_is_that_of_the_standard(one, other, ratio):
    assert colours.contrast(one, other) == pytest.approx(ratio, abs=0.001)
    assert colours.contrast(other, one) == pytest.approx(ratio, abs=0.001)


@given(any_colour)
def test_text_on_any_colour_can_be_read(colour):
    assert colours.contrast(colours.text_on(colour), colour) >= 4.5


@given(any_colour, any_colour)
def test_any_colour_is_made_visible_on_any_paper(colour, paper):
    made = colours.readable(colour, paper)
    assert colours.contrast(made, paper) >= 3
    if colours.contrast(colour, paper) >= 3:
        assert made == colour


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "", "#1234567", "#123456;}"])
def test_what_is_not_a_colour_is_refused(colour):
    with pytest.raises(ValueError, match="is not a colour"):
        colours.readable(colour, "#ffffff")
