"""One form for every spelling of an address."""

import pytest

from surveys.domain import addresses

ONE_ADDRESS = {
    "letters": ("kim@łódź.example", "kim@xn--d-uga0v4h.example"),
    "capitals": ("KIM@ŁÓDŹ.EXAMPLE", "kim@xn--d-uga0v4h.example"),
    "A-labels": ("Kim@XN--D-UGA0V4H.example", "kim@xn--d-uga0v4h.example"),
    "decomposed letters": ("kim@ło\u0301dz\u0301.example", "kim@xn--d-uga0v4h.example"),
    "both in one": ("kim@post.xn--d-uga0v4h.łódź.example", "kim@post.xn--d-uga0v4h.xn--d-uga0v4h.example"),
    "an ideographic dot": ("kim@łódź。example", "kim@xn--d-uga0v4h.example"),
    "letters of full width": ("kim@ｓｈｏｐ．example", "kim@shop.example"),
    "the root's dot": ("kim@shop.example.", "kim@shop.example"),
    "blanks around": ("  kim@shop.example\n", "kim@shop.example"),
    # Non-transitional: ß and the final sigma are letters of their own.
    "sharp s": ("kim@straße.example", "kim@xn--strae-oqa.example"),
    "final sigma": ("kim@βόλος.example", "kim@xn--nxasmm1c.example"),
    "a script with marks": ("kim@उदाहरण.भारत", "kim@xn--p1b6ci4b4b3a.xn--h2brj9c"),
    # IDNA 2008 knows no emoji; some registries sell them all the same.
    "an emoji": ("kim@☕.example", "kim@xn--53h.example"),
    "an underscore": ("kim@_x.ü.example", "kim@_x.xn--tda.example"),
    "an unspellable domain": ("kim@a\u202eü.example", "kim@a\u202eü.example"),
    "letters before the @": ("JÖRG@shop.example", "jörg@shop.example"),
    "a sharp s before the @": ("STRAßE@shop.example", "straße@shop.example"),
    "decomposed before the @": ("jo\u0308rg@ü.example", "jörg@xn--tda.example"),
    "no address": ("Kim Ł", "kim ł"),
}


@pytest.mark.parametrize(("typed", "kept"), ONE_ADDRESS.values(), ids=ONE_ADDRESS)
def test_every_spelling_is_kept_in_one_form(typed, kept):
    assert addresses.normal(typed) == kept
    assert addresses.normal(kept) == kept
    assert addresses.normal(addresses.readable(kept)) == kept
    assert kept in addresses.spellings(typed)


def test_what_differs_stays_different():
    assert addresses.normal("kim@strasse.example") != addresses.normal("kim@straße.example")
    assert addresses.normal("strasse@shop.example") != addresses.normal("straße@shop.example")


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_nothing_is_no_address(nothing):
    assert addresses.normal(nothing) is None


def test_an_address_is_shown_as_its_owner_writes_it():
    assert addresses.readable("kim@xn--d-uga0v4h.example") == "kim@łódź.example"
    # A-labels that stand for nothing are shown as they are.
    assert addresses.readable("kim@xn--zzzzzz.example") == "kim@xn--zzzzzz.example"


def test_an_address_was_kept_in_letters_or_in_a_labels():
    assert set(addresses.spellings("KIM@Łódź.example")) == {
        "kim@łódź.example", "kim@xn--d-uga0v4h.example",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Kim <KIM@Łódź.example>", True),
        ("write to kim@xn--d-uga0v4h.example.", True),
        ("mailto:kim@ło\u0301dz\u0301.example?subject=x", True),
        ("kim@łódź.example، and others", True),
        ("kim@łódź.example.org", False),
        ("joakim@łódź.example", False),
        ("jo.kim@łódź.example", False),
        ("kim@lodz.example", False),
        ("kim@", False),
        ("joakim@łódź.example, kim@łódź.example", True),
    ],
)
def test_a_text_names_an_address_in_any_spelling_but_not_a_longer_one(text, named):
    assert addresses.named_in(text, "kim@łódź.example") is named
