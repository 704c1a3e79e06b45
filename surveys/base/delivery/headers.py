"""Header lines as they travel: folded (RFC 5322, 2.2.3), other letters as encoded words (RFC 2047).

Python's own folding is not used. It makes encoded words of any length where lines may be long, and it breaks addresses
into encoded words, which no address may hold. Up to 3.11.9 it leaves the commas of a folded name unquoted, which makes
two addresses of one (github.com/python/cpython/issues/121284).
"""

import base64
import re
from collections.abc import Iterable, Iterator
from email.headerregistry import Address
from email.policy import EmailPolicy

#: A line that holds an encoded word (RFC 2047, 2), and the word itself.
LINE, WORD = 76, 75

#: Any line, without its end (RFC 5322, 2.1.1).
LONGEST = 998

_OPENS = {"b": "=?utf-8?b?", "q": "=?utf-8?q?"}
_CLOSES = "?="

#: What stands for itself in a Q word, also inside a name (RFC 2047, 5, rule 3).
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")

#: A name that needs no quotes (RFC 5322, 3.2.3).
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


class _Wire(EmailPolicy):
    """Python's policy for messages of today, with our own header lines."""

    def fold(self, name: str, value: object) -> str:
        """One header, with its line ends."""
        addresses: Iterable[Address] | None = getattr(value, "addresses", None)
        tokens = _text(name, str(value)) if addresses is None else _mailboxes(name, addresses)
        return _lines(name, tokens, self.linesep)

    def fold_binary(self, name: str, value: object) -> bytes:
        """The same as bytes."""
        return self.fold(name, value).encode("ascii")


#: How a message is made and written: no line is longer than servers must take, no byte has its eighth bit set.
WIRE = _Wire(linesep="\r\n", max_line_length=LINE, cte_type="7bit", utf8=False)


def encoded_words(text: str, room: int) -> Iterator[str]:
    """`text` as encoded words, each of whole characters; the first takes at most `room` places, the others WORD."""
    raw = text.encode()
    kind = "b" if len(raw) * 4 < sum(map(_places, raw)) * 3 else "q"
    piece = ""
    for char in text:
        if piece and len(_word(kind, piece + char)) > room:
            yield _word(kind, piece)
            piece, room = "", WORD
        piece += char
    yield _word(kind, piece)


def _word(kind: str, text: str) -> str:
    raw = text.encode()
    if kind == "b":
        inside = base64.b64encode(raw).decode()
    else:
        inside = "".join(chr(b) if b in _PLAIN else "_" if b == 0x20 else f"={b:02X}" for b in raw)
    return _OPENS[kind] + inside + _CLOSES


def _places(byte: int) -> int:
    """How many a byte takes in a Q word."""
    return 1 if byte in _PLAIN or byte == 0x20 else 3


def _text(name: str, text: str) -> list[str]:
    """The tokens of a text between which a line may end."""
    tokens = text.split(" ")
    # Addresses of pages and of messages are no text, and may take a whole line.
    most = WORD - len(name) if name.lower() == "subject" else LONGEST - len(name) - 2
    if text.isascii() and "=?" not in text and max(map(len, tokens)) <= most:
        return tokens
    return list(encoded_words(text, LINE - len(name) - 2))


def _mailboxes(name: str, addresses: Iterable[Address]) -> list[str]:
    tokens: list[str] = []
    for each in addresses:
        if tokens:
            tokens[-1] += ","
        if each.display_name:
            tokens += _phrase(each.display_name, LINE - len(name) - 2 if not tokens else WORD)
            tokens.append(f"<{each.addr_spec}>")
        else:
            tokens.append(each.addr_spec)
    return tokens


def _phrase(text: str, room: int) -> list[str]:
    """A name before an address."""
    if not text.isascii() or "=?" in text or max(map(len, text.split(" "))) > room - 2:
        return list(encoded_words(text, room))
    if _ATOMS.fullmatch(text):
        return text.split(" ")
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    # Where a line ends inside the quotes, what remains of it is the blank (RFC 5322, 3.2.4).
    return f'"{quoted}"'.split(" ")


def _lines(name: str, tokens: list[str], end: str) -> str:
    """Never broken before the first token: some readers take what follows for a line of its own."""
    lines = [f"{name}: {tokens[0]}"]
    for token in tokens[1:]:
        if len(lines[-1]) + 1 + len(token) <= LINE:
            lines[-1] += f" {token}"
        else:
            lines.append(f" {token}")
    return end.join(lines) + end
