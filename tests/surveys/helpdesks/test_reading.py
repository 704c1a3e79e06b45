"""Single values: what is taken, what is cleaned, what counts as nothing."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.helpdesks import reading


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  Refund  for\torder ", "Refund for order"),
        ("one\r\nBcc: all@example.com", "one Bcc: all@example.com"),
        ("a\0b\x07c\x9bd", "abcd"),
        ("in\u202evoice\u2066.exe\u2069", "invoice.exe"),
        ("half \ud83d a", "half a"),
        ("whole 😀 👩\u200d🚀", "whole 😀 👩\u200d🚀"),
        ("e\u0301", "é"),
        ("a\u2028b\u00a0c", "a b c"),
        ('quotes " & <label> – thé', 'quotes " & <label> – thé'),
        ("=?utf-8?B?w6k=?= =?iso-8859-1?q?=E0_b?=", "éà b"),
        ("=?utf-8?B?PT91dGYtOD9RP2E/PQ==?=", "= ?utf-8?Q?a?="),
        ("=?utf-8?B?DQpCY2M6IGE=?=", "Bcc: a"),
        ("=?no-such-charset?q?abc?=", "= ?no-such-charset?q?abc?="),
        ("{{ticket.id}} is what I typed", "{{ticket.id}} is what I typed"),
        ("Null", "Null"),
        (42, "42"),
        (42.0, "42"),
        (1.5, "1.5"),
        ("x" * 600, "x" * 500),
    ],
)
def test_a_line_is_clean(raw, clean):
    assert reading.line(raw) == clean


@pytest.mark.parametrize(
    "raw",
    [
        None,
        True,
        False,
        [],
        {},
        "",
        "   ",
        "\r\n\0",
        float("nan"),
        float("inf"),
        10**40,
        "-",
        "null",
        "nil",
        "{{ticket.title}}",
        " {{ ticket.id }} ",
        "#{ticket.tags / no such method}",
        "%{ticket.id}",
        "##ticket.x##",
        "{% if a %}",
        "#{a.firstname} #{a.lastname}",
        "{{a}} - {{b}}",
        "\u202e",
    ],
)
def test_nothing_said_is_none(raw):
    assert reading.line(raw) is None


@settings(deadline=None)
@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_whatever_comes_a_line_can_be_stored_and_put_into_a_header(text):
    line = reading.line(text)
    if line is not None:
        line.encode("utf-8")
        assert "\n" not in line
        assert "\0" not in line
        assert "=?" not in line or not reading.ENCODED_WORD.search(line)
        assert reading.line(line) == line


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (5, "5"),
        ("A-1", "A-1"),
        (0, None),
        ("0", None),
        ("", None),
        ("x{{id}}", None),
        ("9" * 201, None),
        (True, None),
    ],
)
def test_an_id(raw, clean):
    assert reading.ident(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("robin.vale@example.com", "robin.vale@example.com"),
        (" Robin.Vale+x@Example.co.uk ", "Robin.Vale+x@Example.co.uk"),
        ("Robin Vale <robin@example.com>", "robin@example.com"),
        ("mailto:robin@example.com", "robin@example.com"),
        ("MailTo: robin@example.com", "robin@example.com"),
        ("robin@example.com.", "robin@example.com"),
        ("robin@example.com; ", "robin@example.com"),
        ("<robin@example.com.>", "robin@example.com"),
        ("Robin <robin@example.com>;", "robin@example.com"),
        ("<robin@example.com>, ", "robin@example.com"),
        ("Robin <mailto:robin@example.com> ;\u200b", "robin@example.com"),
        ("\u200brobin@example.com\u200e", "robin@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("jörg@bücher.example", "jörg@bücher.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("+33612345678", None),
        ("robin@localhost", None),
        ("robin@example.com, sam@example.com", None),
        ("robin@example.com\r\nBcc: sam@example.com", None),
        ("robin@@example.com", None),
        ("robin@example.com;sam@example.com", None),
        ("robin @example.com", None),
        (".robin@example.com", None),
        ("robin@exa..mple.com", None),
        ("robin@-example.com", None),
        ("robin@10.0.0.1", None),
        ("{{ticket.requester.email}}", None),
        ("#{ticket.customer.email}", None),
        ("x" * 65 + "@example.com", None),
        ("a@" + "b." * 130 + "com", None),
        (7, None),
        (None, None),
    ],
)
def test_a_plausible_address(raw, clean):
    assert reading.email(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("https://a.example/t/1?x=1#y", "https://a.example/t/1?x=1#y"),
        ("http://a.example", "http://a.example"),
        ("acme.zendesk.com/agent/tickets/1", "https://acme.zendesk.com/agent/tickets/1"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("missive://mail", None),
        ("//a.example/x", None),
        ("https://user:pass@a.example/", None),
        ('https://a.example/"><script>', None),
        ("https://", None),
        ("https://[::1", None),
        ("java\nscript:alert(1)", None),
        ("x" * 3000, None),
    ],
)
def test_a_safe_address_of_a_page(raw, clean):
    assert reading.url(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("refund, vip", ("refund", "vip")),
        ("refund vip", ("refund", "vip")),
        ("big refund, vip, ,vip", ("big refund", "vip")),
        (["a", {"name": "b"}, {"tag": "c"}, {"title": "d"}, None, {}, 5], ("a", "b", "c", "d", "5")),
        ("{{ticket.tags}}", ()),
        ("#{ticket.tags / no such method}", ()),
        (None, ()),
        ({}, ()),
        ([f"t{i}" for i in range(300)], tuple(f"t{i}" for i in range(100))),
    ],
)
def test_tags(raw, clean):
    assert reading.tags(raw) == clean


MOMENT = datetime(2026, 9, 14, 10, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        "2026-09-14T10:15:30Z",
        "2026-09-14T12:15:30+02:00",
        "2026-09-14 10:15:30 UTC",
        "2026-09-14 10:15:30",
        1789380930,
        1789380930.0,
        1789380930000,
        "1789380930",
        "1789380930000",
    ],
)
def test_one_moment_in_many_spellings(raw):
    assert reading.moment(raw) == MOMENT
    assert reading.resolution(reading.moment(raw)) == "2026-09-14T10:15:30Z"


def test_nanoseconds_and_zones_are_understood():
    assert reading.moment("2026-09-14T10:15:29.987654321Z") == datetime(2026, 9, 14, 10, 15, 29, 987654, UTC)
    assert reading.moment("2026-09-14T10:15:30-03:30") == MOMENT.replace(
        tzinfo=timezone(-timedelta(hours=3, minutes=30))
    )


@pytest.mark.parametrize(
    "raw",
    [
        *(None, "", "yesterday", True, 0, -5, 1e30, float("nan"), "0001-01-01T00:00:00+14:00"),
        *(
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59-01:00",
            "9999-12-31",
            "1969-12-31T23:59:59Z",
            250_000_000_000_000,
        ),
    ],
)
def test_no_moment(raw):
    assert reading.moment(raw) is None
    assert reading.resolution(None) == ""


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("fr", "fr"),
        ("pt_br", "pt-BR"),
        ("EN-us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("French", "fr"),
        ("Português (Brasil)", "pt-BR"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("de_DE.UTF-8", "de-DE"),
        ("de_AT@euro", "de-AT"),
        ("Klingon", None),
        ("x", None),
        (None, None),
        ("{{locale}}", None),
        ("", None),
        ("Deutsch " * 100, None),
    ],
)
def test_a_language_as_a_tag_or_by_its_name(raw, clean):
    assert reading.language(raw) == clean


def test_the_first_value_that_says_a_language_is_taken():
    assert reading.language(None, "Klingon", "{{locale}}", "Deutsch", "fr") == "de"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Mail", "email"),
        ("Email", "email"),
        ("Channel::Email", "email"),
        ("conversation", "chat"),
        ("Portal", "web"),
        ("Channel::WebWidget", "chat"),
        ("Channel::Line", "line"),
        ("Carrier Pigeon", "carrier pigeon"),
        (None, None),
    ],
)
def test_a_channel_in_our_words(raw, clean):
    assert reading.channel(raw) == clean


def test_html_becomes_its_text():
    assert reading.plain("<p>a &amp; &lt;b&gt;<br>c</p>") == "a & <b> c"
    assert reading.plain("<p></p>") is None
    assert reading.plain(None) is None
