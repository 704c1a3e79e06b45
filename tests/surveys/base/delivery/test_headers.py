"""Header lines: what they hold is read back by several readers, and none is longer than mail allows."""

import base64
import quopri
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.base.delivery.message import Message, clean, mime

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDER = "Earshot <care@acme.example>"

_WORD = re.compile(r"=\?utf-8\?([bq])\?([^?\s]*)\?=")


def lines_of(content):
    """The lines of the head; each holds what servers and readers must take."""
    lines = content.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    assert all(line.strip() for line in lines)
    for line in lines:
        words = [found.group() for found in _WORD.finditer(line)]
        assert all(len(word) <= 75 for word in words), line
        assert len(line) <= (76 if words or line.startswith(" ") else 998), line
        assert "=?" not in _WORD.sub("", line), line
    return lines


def strictly(value):
    """A reader of our own, by the letter of RFC 2047: each word by itself is UTF-8, blanks between words are none."""
    value = re.sub(r"(\?=)\s+(?==\?utf-8\?)", r"\1", value.replace("\r\n", ""))

    def word(found):
        raw = base64.b64decode(found[2]) if found[1] == "b" else quopri.decodestring(found[2], header=True)
        return raw.decode("utf-8")

    return _WORD.sub(word, value)


def read(content, name):
    """A text header as three readers read it."""
    today, before = (message_from_bytes(content, policy=p) for p in (policy.default, policy.compat32))
    head = "\r\n".join(lines_of(content)) + "\r\n"
    raw = re.search(rf"^{name}: (.*(?:\r\n .*)*)\r$", head, re.MULTILINE)[1]
    legacy = str(make_header(decode_header(before[name].replace("\r\n", ""))))
    return str(today[name]), legacy, strictly(raw)


def names(content, name):
    """The name and the address of an address header as three readers read it."""
    today, before = (message_from_bytes(content, policy=p) for p in (policy.default, policy.compat32))
    (address,) = today[name].addresses
    assert today[name].defects == ()
    unfolded = before[name].replace("\r\n", "")
    shown, mailbox = parseaddr(unfolded)
    phrase = unfolded.rpartition("<")[0].strip()
    by_hand = strictly(
        phrase[1:-1].replace('\\"', '"').replace("\\\\", "\\") if phrase[:1] == '"' else phrase
    )
    told = address.display_name
    if phrase.count("=?utf-8?") > 1:
        # Python before 3.12.9 keeps the blank between two encoded words of a name (cpython issue 128110).
        assert told.replace(" ", "") == by_hand.replace(" ", "")
        told = by_hand
    return [
        (told, address.addr_spec),
        (str(make_header(decode_header(shown))), mailbox),
        (by_hand, mailbox),
    ]


def sent(**values):
    """A message as bytes."""
    return mime(
        Message(**{"to": "ann@example.com", "subject": "s", "text": "t", **values}), SENDER, NOW
    ).as_bytes()


TEXTS = [
    "How was it?",
    "x" * 67,
    "x" * 68,
    "x" * 3000,
    "word " * 300,
    "Wie wahrscheinlich ist es, dass Sie Müller & Söhne weiterempfehlen würden?",
    "どのくらいの可能性で友人や同僚に株式会社アクメをすすめますか？" * 4,
    "👩🏽‍🚀" * 60,
    "🏳️‍🌈 " * 40,
    "é" * 500,
    "a" * 66 + "é",
    "é" + "a" * 300,
    'ä, "ö" <ü@example.com>; (ß) \\',
    "=? not a word",
    "a =?utf-8?q?b",
    "?= =?",
    'plain, with "quotes" and \\ <brackets>',
    "= _ ? ü = _ ?",
    "שלום עולם " * 20,
    "\u0915\u094d\u0937" * 50,
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_back_by_every_reader(text):
    wanted = clean(text)
    content = sent(subject=text, headers={"X-Ticket": text[:900]})
    assert read(content, "Subject") == (wanted,) * 3
    assert read(content, "X-Ticket") == (clean(text[:900]),) * 3


@pytest.mark.parametrize("text", TEXTS)
def test_a_name_is_read_back_by_every_reader(text):
    wanted = clean(text[:500])
    content = sent(name=text[:500], from_name=text[:500])
    assert names(content, "To") == [(wanted, "ann@example.com")] * 3
    assert names(content, "From") == [(wanted, "care@acme.example")] * 3


LETTERS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


@given(LETTERS, LETTERS)
def test_whatever_is_said_is_read_back(subject, name):
    content = sent(subject=subject, name=name, from_name=name)
    if clean(subject):
        assert set(read(content, "Subject")) == {clean(subject)}
    if clean(name):
        assert set(names(content, "To")) == {(clean(name), "ann@example.com")}
        assert set(names(content, "From")) == {(clean(name), "care@acme.example")}


def test_an_address_of_a_page_stays_whole():
    address = f"<https://surveys.example.com/u/{'x' * 300}>"
    assert f"List-Unsubscribe: {address}" in lines_of(sent(headers={"List-Unsubscribe": address}))


def test_a_long_address_stays_whole():
    to = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.example"
    content = sent(to=to, name="Ünal")
    assert names(content, "To") == [("Ünal", to)] * 3
    assert f" <{to}>" in content.decode()


def test_a_sender_in_other_letters_is_written_in_those_of_mail():
    mail = mime(Message(to="a@example.com", subject="s", text="t", id="inv_1"), "Käse <a@käse.example>", NOW)
    content = mail.as_bytes()
    assert names(content, "From") == [("Käse", "a@xn--kse-qla.example")] * 3
    assert b"Message-ID: <inv_1@xn--kse-qla.example>" in content


@pytest.mark.parametrize("text", ["plain", "é" * 2000, "x" * 2000, "日本語 " * 400, "=" * 500])
def test_no_line_of_the_text_is_longer_than_mail_allows_nor_has_an_eighth_bit(text):
    content = sent(text=text, html=f"<p>{text}</p>")
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 76
    found = message_from_bytes(content, policy=policy.default)
    assert found.get_body(("plain",)).get_content().strip() == text.strip()
    assert found.get_body(("html",)).get_content().strip() == f"<p>{text}</p>"
