"""Mail headers hold what they were given, and nothing that was smuggled in."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from surveys.base.delivery.message import DeliveryFailed, Message, clean, mime

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDER = "Acme Care <care@acme.example>"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("How was it?", "How was it?"),
        ("Café ☕ 日本", "Café ☕ 日本"),
        ("one\r\nBcc: evil@example.com", "one Bcc: evil@example.com"),
        ("tab\tand\x00nul\x7f", "tab and nul"),
        ("line\u2028and\u2029paragraph\x85", "line and paragraph"),
        ("=?utf-8?q?hi=0D=0ABcc:_evil@example.com?=", ""),
        ("a =?UTF-8?B?aGk=?= b", "a b"),
        ("=?utf-8?q?a=?utf-8?q?b?=c?=", ""),
        ("=?x?q?=?x?q?y?=?=", ""),
        ("\u202eevil", "evil"),
    ],
)
def test_a_header_is_one_line_of_plain_text(given, shown):
    assert clean(given) == shown


@pytest.mark.parametrize(
    "evil",
    [
        "x\r\nBcc: evil@example.com",
        "x\nBcc: evil@example.com",
        "=?utf-8?q?x=0D=0ABcc:=20evil@example.com?=",
        "=?utf-8?b?eA0KQmNjOiBldmlsQGV4YW1wbGUuY29t?=",
    ],
)
@pytest.mark.parametrize("place", ["subject", "name", "from_name", "header"])
def test_no_foreign_value_becomes_a_header(evil, place):
    values = {"headers": {"X-Ticket": evil}} if place == "header" else {place: evil}
    message = Message(**{"to": "ann@example.com", "subject": "s", "text": "t", **values})
    parsed = message_from_bytes(
        mime(message, SENDER, NOW).as_bytes(policy=policy.SMTP), policy=policy.default
    )
    assert parsed["Bcc"] is None
    assert [a.addr_spec for a in parsed["To"].addresses] == ["ann@example.com"]


def test_a_message_carries_all_its_parts():
    message = Message(
        to="ann@example.com", name="Ann Ünal", subject="Wie war’s?", text="Hallo", html="<p>Hallo</p>",
        from_name="Acme", reply_to="help@acme.example", id="mail_1", headers={"List-Unsubscribe": "<https://x/u/1>"},
    )  # fmt: skip
    mail = mime(message, SENDER, NOW)
    assert str(mail["From"]) == "Acme <care@acme.example>"
    assert (mail["To"].addresses[0].display_name, str(mail["Subject"])) == ("Ann Ünal", "Wie war’s?")
    assert (mail["Message-ID"], mail["List-Unsubscribe"]) == ("<mail_1@acme.example>", "<https://x/u/1>")
    assert mail["Date"].datetime == NOW
    assert mail.get_body(("plain",)).get_content().strip() == "Hallo"
    assert mail.get_body(("html",)).get_content().strip() == "<p>Hallo</p>"


def test_every_message_has_an_id_of_its_own():
    message = Message(to="ann@example.com", subject="s", text="t")
    made = {mime(message, SENDER, NOW)["Message-ID"] for _ in range(3)}
    assert len(made) == 3
    assert all(re.fullmatch(r"<mail_[a-z0-9]{24}@acme\.example>", each) for each in made)


def test_an_address_that_few_servers_take_is_refused_in_plain_words():
    with pytest.raises(DeliveryFailed, match="other letters than those of ASCII before the @"):
        mime(Message(to="jürgen@example.com", subject="s", text="t"), SENDER, NOW)


@pytest.mark.parametrize(
    "address",
    ["", "ann", "ann@", "a@b@c", "ann@example.com, bob@example.com", "a b@c.example", "jürgen@example.com"],
)
def test_what_is_no_address_is_refused_for_good(address):
    with pytest.raises(DeliveryFailed) as caught:
        mime(Message(to=address, subject="s", text="t"), SENDER, NOW)
    assert caught.value.again is False
