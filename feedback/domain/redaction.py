"""Takes personal data out of free text: e-mail addresses, telephone, card and account numbers."""

import re
from typing import Any

HIDDEN = "[…]"  # reads the same in every language

_MAIL = re.compile(
    r"[\w.+%'-]{1,64}+\s?(?:@|\(at\)|\[at\])\s?(?:[^\W_][\w-]{0,62}\.){1,6}[^\W\d_]{2,24}", re.I
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ .-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])", re.I)
_CARD = re.compile(r"(?<!\d)(?:\d[ .-]?){12,18}\d(?!\d)")
_PHONE = re.compile(
    r"(?<![\w.,/])(?:\+|00)[1-9](?:[ ().\-/]{0,3}\d){6,14}(?!\d)"
    r"|(?<![\w.,/])\(?0\d{1,5}\)?(?:[ .\-/]{0,3}\d){5,12}(?!\d)"
    r"|(?<![\w.,/])\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}(?!\d)"
    r"|(?<![\w.,/])[1-9]\d{9,10}(?!\d)"
)
_DATE = re.compile(r"0?\d{1,2}([./-])\d{1,2}\1(?:19|20)\d{2}")


def redact(text: str) -> str:
    """`text` with `HIDDEN` in place of what looks like an e-mail address, a telephone, card or account number.

    Card numbers pass Luhn's check (ISO/IEC 7812-1, annex B), account numbers the IBAN's (ISO 13616: remainder 1
    modulo 97); telephone numbers have an international prefix, a leading zero and six digits or more, or ten
    digits. Dates, prices and short order numbers stay.
    """
    if "@" in text or "at" in text:
        text = _MAIL.sub(HIDDEN, text)
    if not any(map(str.isdigit, text)):
        return text
    text = _IBAN.sub(_account, text)
    text = _CARD.sub(lambda found: HIDDEN if is_card(found.group()) else found.group(), text)
    return _PHONE.sub(lambda found: found.group() if _DATE.fullmatch(found.group()) else HIDDEN, text)


def redact_all(value: Any) -> Any:
    """`value` (text, or lists and maps of it, at any depth) with every text redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redact_all(each) for each in value]
    if isinstance(value, dict):
        return {name: redact_all(each) for name, each in value.items()}
    return value


def tells(text: str) -> bool:
    """Whether `redact` would change `text`."""
    return redact(text) != text


def is_card(text: str) -> bool:
    """Whether the digits of `text` are 13 to 19 that pass Luhn's check."""
    digits = [int(each) for each in text if each.isdigit()]
    if not 13 <= len(digits) <= 19 or not any(digits):
        return False
    doubled = [each * 2 - 9 * (each > 4) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether `text`, spaces and case aside, passes the check of an IBAN."""
    plain = re.sub(r"[ .-]", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", plain):
        return False
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def _account(found: re.Match[str]) -> str:
    """What stands for a run that begins like an IBAN: words may follow it, so its parts are tried from the end."""
    run = found.group()
    ends = [at for at, each in enumerate(run) if each in " .-"] + [len(run)]
    for end in reversed(ends):
        if is_iban(run[:end]):
            return HIDDEN + run[end:]
    return run
