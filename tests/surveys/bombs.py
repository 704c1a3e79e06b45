"""Bodies of a mebibyte that take long to parse, and values that take long to read."""

import functools
import json
import random
from collections.abc import Callable

MEBIBYTE = 1024 * 1024


def full(unit: bytes, head: bytes = b"", tail: bytes = b"") -> bytes:
    """`head`, as often `unit` as fits, `tail`."""
    return head + unit * ((MEBIBYTE - len(head) - len(tail)) // len(unit)) + tail


def counted(unit: str, between: str, head: str, tail: str = "") -> bytes:
    """`head`, `unit` with a number in it again and again, `tail`."""
    each = len(unit.format(999_999) + between)
    numbers = range((MEBIBYTE - len(head) - len(tail)) // each)
    return (head + between.join(unit.format(number) for number in numbers) + tail).encode()


def nested(unit: str, levels: int, rest: bytes) -> bytes:
    """One multipart in another, and then `rest`."""
    return ("".join(unit.format(level) for level in range(levels)).encode() + rest)[:MEBIBYTE]


MULTIPART = 'Content-Type: multipart/mixed; boundary="{0}"\n\n--{0}\n'
REPORT = b'From: a\nContent-Type: multipart/report; report-type=delivery-status; boundary="x"\n\n--x\n'
STATUS = REPORT + b"Content-Type: message/delivery-status\n\n"
RETURNED = REPORT + b"Content-Type: message/rfc822\n\n"

_MAKERS: dict[str, Callable[[], bytes]] = {
    "blanks": lambda: full(b" "),
    "line ends": lambda: full(b"\n"),
    "zeros": lambda: full(b"\0"),
    "random bytes": lambda: random.Random(1).randbytes(MEBIBYTE),
    "bytes of no charset": lambda: full(b"\x81"),
    "JSON in no charset": lambda: full(b"\x81", b'{"a":"', b'"}'),
    "UTF-32": lambda: ('{"a":"' + "x" * 260_000).encode("utf-32"),
    "open lists": lambda: full(b"["),
    "closed lists": lambda: b"[" * (MEBIBYTE // 2) + b"]" * (MEBIBYTE // 2),
    "objects in objects": lambda: full(b'{"a":'),
    "a list of lists": lambda: full(b"[],", b'{"a":[', b"1]}"),
    "a list of objects": lambda: full(b"{},", b"[", b"1]"),
    "numbers": lambda: full(b"1,", b'{"a":[', b"1]}"),
    "exponents": lambda: full(b"1e9,", b'{"a":[', b"1]}"),
    "NaN": lambda: full(b"NaN,", b'{"a":[', b"1]}"),
    "a million digits": lambda: full(b"9", b'{"a":', b"}"),
    "a fraction": lambda: full(b"1", b'{"a":0.', b"}"),
    "keys": lambda: counted('"k{0}":1', ",", "{", "}"),
    "one key": lambda: full(b'"a":1,', b"{", b'"b":1}'),
    "escaped line ends": lambda: full(b"\\n", b'{"a":"', b'"}'),
    "escaped letters": lambda: full(b"\\u0041", b'{"a":"', b'"}'),
    "half pairs": lambda: full(b"\\ud800", b'{"a":"', b'"}'),
    "JSON in JSON": lambda: json.dumps(json.dumps({"a": "\n" * 340_000}))[:MEBIBYTE].encode(),
    "JSON in JSON, nested": lambda: full(b"[", b'"', b'"'),
    "a form of 500,000 fields": lambda: full(b"a&"),
    "a form of equals signs": lambda: full(b"=&"),
    "a form all escaped": lambda: full(b"%41", b"a="),
    "a form half escaped": lambda: full("%41é".encode(), b"a="),
    "a form of a thousand escaped fields": lambda: counted("a{0}=" + "%41%C3%A9" * 120, "&", ""),
    "a form of percent signs": lambda: full(b"%", b"a="),
    "a key of brackets": lambda: full(b"[", b"a", b"=1"),
    "a key of pairs of brackets": lambda: full(b"[b]", b"a", b"=1"),
    "elements": lambda: full(b"<a/>", b"<r>", b"</r>"),
    "elements in elements": lambda: full(b"<a>"),
    "closed elements": lambda: b"<a>" * (MEBIBYTE // 7) + b"</a>" * (MEBIBYTE // 7),
    "attributes": lambda: counted('a{0}=""', " ", "<a ", "/>"),
    "namespaces": lambda: counted('xmlns:a{0}="b"', " ", "<a ", "/>"),
    "ampersands": lambda: full(b"&amp;", b"<a>", b"</a>"),
    "lines in XML": lambda: full(b"\r\n", b"<a>", b"</a>"),
    "comments in XML": lambda: full(b"<!---->", b"<a>", b"</a>"),
    "instructions in XML": lambda: full(b"<?a?>", b"<a>", b"</a>"),
    "an attribute without end": lambda: full(b"x", b"<a b='"),
    "a form in parts": lambda: full(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'),
    "a million headers": lambda: full(b"a:b\n"),
    "headers without a name": lambda: full(b":\n"),
    "a header of a million lines": lambda: full(b"\n b", b"a:"),
    "one long header": lambda: full(b"(", b"Subject: "),
    "mbox lines": lambda: full(b"From x\n"),
    "mailboxes in mailboxes": lambda: full(b">From x\n", b"From x\n"),
    "multiparts in multiparts": lambda: nested(MULTIPART, 20_000, b""),
    "multiparts in multiparts and lines": lambda: nested(MULTIPART, 48, full(b"a\n")),
    "mails in mails": lambda: full(b"Content-Type: message/rfc822\n\n"),
    "parts": lambda: full(b"--x\n", REPORT),
    "parts and blank lines": lambda: full(b"--x\n\n\n", REPORT),
    "nearly boundaries": lambda: full(b"--xx\n", REPORT),
    "a boundary and blanks": lambda: full(b" ", REPORT + b"\n--x", b"y"),
    "fields of a report": lambda: full(b"A: b\n", STATUS),
    "groups of a report": lambda: full(b"A: b\n\n", STATUS),
    "recipients of a report": lambda: full(b"Action: failed\nStatus: 5.1.1\n\n", STATUS),
    "headers that came back": lambda: full(b"Message-ID: <inv_x>\n", RETURNED),
    "addresses that it came to": lambda: full(b"To: b+inv_" + b"0" * 24 + b"." + b"0" * 20 + b"@c.example\n"),
    "parameters of the type": lambda: counted("a*{0}=x", "; ", "Content-Type: multipart/report; ", "\n\n"),
    "a boundary in pieces": lambda: counted("boundary*{0}*=%41", "; ", "Content-Type: multipart/report; ", "\n\n"),
    "events": lambda: full(b'{"event":"open"},', b"[", b"{}]"),
    "bounces": lambda: full(b'{"event":"bounce","email":"a@b.example"},', b"[", b"{}]"),
}  # fmt: skip

#: Each is made when it is first asked for, once.
BODIES = {name: functools.cache(made) for name, made in _MAKERS.items()}

#: Values of single fields, each of which took Python a second and more.
TEXTS = {
    "marks": "a" + "\u0301\u0323" * 400_000,
    "encoded words": "=?utf-8?q?a?=" * 80_000,
    "empty encoded words": "=?utf-8?q??= " * 80_000,
    "words in Punycode": "=?punycode?q?" + "a9" * 500_000 + "?=",
    "tags": "<a>" * 340_000,
    "references": "&a" * 500_000,
    "placeholders": "{{a" * 340_000,
    "hashes": "##a" * 340_000,
    "control characters": "\x01" * 150_000,
    "blanks of other kinds": "\u00a0" * 500_000,
    "overrides": "\u202e" * 340_000,
    "commas": "a," * 40_000,
    "words": "a " * 500_000,
    "at signs": "a@" * 500_000,
    "dots": "a." * 500_000,
    "letters in parts": "\u1100\u1161\u11a8" * 110_000,
    "languages": "Deutsch " * 120_000,
    "an address": "https://" + "a/" * 500_000,
}

#: Values that are no text, where one may stand.
VALUES = {
    "objects": [{"name": "a", "email": "a@b.example", "id": 1, "part_type": "close", "type": [], "author": {"id": 1}}]
    * 4500,
    "long texts": ["=?utf-8?q?a?=" * 300] * 260,
    "texts of marks": ["\u0301\u0323" * 2000] * 125,
    "many keys": {f"k{number}": "v" for number in range(40_000)},
}  # fmt: skip
