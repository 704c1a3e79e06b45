"""Which pages and origins a survey is meant for."""

import pytest

from surveys.domain import targeting


@pytest.mark.parametrize(
    ("patterns", "url", "matches"),
    [
        ([], "https://shop.example/any", True),
        (["/"], "https://shop.example", True),
        (["/"], "https://shop.example/?a=1#b", True),
        (["/"], "https://shop.example/x", False),
        (["/thanks"], "https://shop.example/thanks?order=7#top", True),
        (["/thanks"], "https://shop.example/thanks/", False),
        (["/thanks"], "https://shop.example/Thanks", False),
        (["/orders/*"], "https://shop.example/orders/7", True),
        (["/orders/*"], "https://shop.example/orders/", True),
        (["/orders/*"], "https://shop.example/orders/7/items", False),
        (["/orders/*/items"], "https://shop.example/orders/7/items", True),
        (["/*.html"], "https://shop.example/a.html", True),
        (["/docs/**"], "https://shop.example/docs/a/b", True),
        (["/docs/**"], "https://shop.example/docs/", True),
        (["/docs/**"], "https://shop.example/docs", True),
        (["/docs/**"], "https://shop.example/docsearch", False),
        (["/**/end"], "https://shop.example/a/b/end", True),
        (["/**/end"], "https://shop.example/end", False),
        (["/**"], "https://shop.example", True),
        (["/a.c"], "https://shop.example/abc", False),
        (["/a+"], "https://shop.example/a+", True),
        (["/x", "/y"], "https://shop.example/y", True),
        (["shop.example/**"], "https://shop.example/a", True),
        (["Shop.Example"], "https://shop.example/", True),
        (["shop.example"], "https://shop.example/a", False),
        (["*.example/a"], "https://shop.example/a", True),
        (["shop.example:8080/**"], "http://shop.example:8080/a", True),
        (["shop.example/**"], "http://shop.example:8080/a", False),
        (["https://shop.example/**"], "https://user@shop.example/a", True),
        (["https://shop.example/**"], "http://shop.example/a", False),
        (["*://shop.example/**"], "http://shop.example/a", True),
        (["shop.example/**"], "https://evil.example/shop.example/a", False),
        (["**"], "https://shop.example/a/b", True),
        (["shop.**"], "https://shop.example/a/b", True),
        (["/**"], "https://[broken/", False),
        (["/**"], "https://shop.example/" + "a" * 2048, False),
        (["/**" + "/" * 300], "https://shop.example/" + "/" * 300, False),
    ],
)
def test_a_page_is_one_of_those_meant(patterns, url, matches):
    assert targeting.page_matches(patterns, url) is matches


def test_a_hostile_pattern_is_answered_like_any_other():
    assert not targeting.page_matches(["/" + "*a**a" * 40 + "b"], "https://shop.example/" + "a" * 2000)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        (" HTTPS://Shop.Example/ ", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("http://localhost:05000", "http://localhost:5000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://bücher.example", "https://bücher.example"),
    ],
)
def test_an_origin_is_written_as_browsers_send_it(text, origin):
    assert targeting.normalise_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "shop.example",
        "//shop.example",
        "ftp://shop.example",
        "https://",
        "https://*.shop.example",
        "https://shop.example/path",
        "https://shop.example?x",
        "https://shop.example#x",
        "https://user@shop.example",
        "https://shop.example:0",
        "https://shop.example:65536",
        "https://shop.example:٣",
        "https://shop .example",
        "https://shop\x00.example",
        "https://a.example,https://b.example",
        "https://shop.example\\@evil.example",
    ],
)
def test_what_is_not_one_origin_is_refused(text):
    with pytest.raises(ValueError, match="is not an origin"):
        targeting.normalise_origin(text)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example", True),
        ("http://shop.example", False),
        ("https://shop.example:8443", False),
        ("https://shop.example/", False),
        ("https://shop.example.evil.example", False),
        ("https://sub.shop.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_an_origin_is_allowed_by_exact_match_alone(origin, allowed):
    assert targeting.origin_allowed(origin, ["https://other.example", "https://shop.example"]) is allowed
