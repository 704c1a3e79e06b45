"""What belongs to a person is taken out of text, and nothing else is."""

import pytest

from feedback.domain import redaction
from feedback.domain.redaction import HIDDEN


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail me at ann.b+x@example.co.uk, please", f"mail me at {HIDDEN}, please"),
        ("ann (at) example.com", HIDDEN),
        ("call +49 170 1234567 or 030/1234567", f"call {HIDDEN} or {HIDDEN}"),
        ("(555) 123-4567", HIDDEN),
        ("ring 0044 20 7946 0958", f"ring {HIDDEN}"),
        ("card 4111 1111 1111 1111 ok", f"card {HIDDEN} ok"),
        ("card 4111-1111-1111-1111", f"card {HIDDEN}"),
        ("amex 378282246310005", f"amex {HIDDEN}"),
        ("IBAN DE89 3704 0044 0532 0130 00 please pay", f"IBAN {HIDDEN} please pay"),
        ("gb82west12345698765432", HIDDEN),
    ],
)
def test_what_belongs_to_a_person_is_hidden(text, shown):
    assert redaction.redact(text) == shown
    assert redaction.tells(text)


@pytest.mark.parametrize(
    "text",
    [
        "on 21.11.2026 I paid 1,299.00 for order 12345",
        "2026-11-21 at 10:30",
        "03.11.2026",
        "I waited 45 minutes, 3 times, since 2019",
        "card 4111 1111 1111 1112",
        "DE88 3704 0044 0532 0130 00"[:14],
        "follow @acme",
        "version 10.0.12",
        "that is all I have to say",
        "",
    ],
)
def test_other_text_stays_as_it_is(text):
    assert redaction.redact(text) == text
    assert not redaction.tells(text)


@pytest.mark.parametrize(
    ("digits", "valid"), [("5555555555554443", False), ("5555555555554444", True), ("0" * 16, False)]
)
def test_cards_pass_luhn(digits, valid):
    assert redaction.is_card(digits) == valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("FR14 2004 1010 0505 0001 3M02 606", True),
        ("FR15 2004 1010 0505 0001 3M02 606", False),
        ("FR14", False),
    ],
)
def test_accounts_leave_one_modulo_97(text, valid):
    assert redaction.is_iban(text) == valid


def test_text_is_redacted_at_any_depth():
    value = {"a": ["x@example.com", {"b": "y@example.com", "n": 7}], "c": None}
    assert redaction.redact_all(value) == {"a": [HIDDEN, {"b": HIDDEN, "n": 7}], "c": None}


def test_long_text_without_end_takes_no_time():
    assert redaction.redact("1-" * 50_000)
    assert redaction.redact("a" * 100_000 + "@")
    assert redaction.redact("DE89" * 25_000)
