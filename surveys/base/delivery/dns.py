"""Asks a name server for TXT records (RFC 1035): over UDP, and over TCP for what is too long for that."""

import ipaddress
import secrets
import socket
import struct
from pathlib import Path

SECONDS = 5.0
TRIES = 2
_TXT, _IN, _OPT = 16, 1, 41
_ANSWER_BYTES = 1232  # what passes everywhere without being cut (DNS Flag Day 2020)
_TRUNCATED, _NO_SUCH_NAME = 0x0200, 3
_CODES = {1: "did not understand the question", 2: "failed", 5: "refuses to answer"}


class Unanswered(Exception):
    """No name server answered, or with nothing that can be used; says which."""


def system_server() -> tuple[str, int]:
    """The first name server in /etc/resolv.conf. Raises Unanswered when there is none."""
    try:
        lines = Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        lines = []
    for words in map(str.split, lines):
        if len(words) > 1 and words[0] == "nameserver":
            return words[1], 53
    raise Unanswered("This machine knows no name server (/etc/resolv.conf). Name one: --server 9.9.9.9")


def txt(name: str, server: tuple[str, int]) -> list[str]:
    """The TXT records of `name`, each with its pieces put together; none when the name or such records do not exist.

    Raises Unanswered.
    """
    asked = secrets.randbits(16)
    try:
        question = _question(name, asked)
    except UnicodeError:
        raise Unanswered(f"{name} is no name that can be asked for.") from None
    try:
        answer = _over_udp(question, server, asked)
        if struct.unpack_from("!H", answer, 2)[0] & _TRUNCATED:
            answer = _over_tcp(question, server)
        return _records(answer, asked)
    except (OSError, struct.error, IndexError) as error:
        why = "did not answer" if isinstance(error, OSError) else "answered what is no answer"
        raise Unanswered(f"The name server {server[0]} {why} ({name}).") from None


def _question(name: str, asked: int) -> bytes:
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        raise UnicodeError(name)
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    # Recursion desired; one question, and one record that says how long an answer may be (RFC 6891).
    head = struct.pack("!6H", asked, 0x0100, 1, 0, 0, 1)
    return (
        head + encoded + struct.pack("!2H", _TXT, _IN) + struct.pack("!BHHIH", 0, _OPT, _ANSWER_BYTES, 0, 0)
    )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET


def _over_udp(question: bytes, server: tuple[str, int], asked: int) -> bytes:
    with socket.socket(_family(server[0]), socket.SOCK_DGRAM) as udp:
        udp.settimeout(SECONDS)
        # Only what this server sends is received.
        udp.connect(server)
        for attempt in range(TRIES):
            udp.send(question)
            try:
                while True:
                    answer = udp.recv(65535)
                    if answer[:2] == struct.pack("!H", asked):
                        return answer
            except TimeoutError:
                if attempt == TRIES - 1:
                    raise
    raise TimeoutError


def _over_tcp(question: bytes, server: tuple[str, int]) -> bytes:
    with socket.create_connection(server, timeout=SECONDS) as tcp:
        tcp.sendall(struct.pack("!H", len(question)) + question)
        with tcp.makefile("rb") as stream:
            (length,) = struct.unpack("!H", stream.read(2))
            return stream.read(length)


def _records(answer: bytes, asked: int) -> list[str]:
    identity, flags, questions, answers = struct.unpack_from("!4H", answer)
    code = flags & 0xF
    if code == _NO_SUCH_NAME:
        return []
    if code or identity != asked:
        raise Unanswered(f"The name server {_CODES.get(code, f'answered with the error {code}')}.")
    at = 12
    for _ in range(questions):
        at = _behind_name(answer, at) + 4
    found = []
    for _ in range(answers):
        at = _behind_name(answer, at)
        kind, _, _, length = struct.unpack_from("!HHIH", answer, at)
        at += 10
        # Before it there may be a CNAME, which the server has followed.
        if kind == _TXT:
            found.append(_text(answer[at : at + length]))
        at += length
    return found


def _behind_name(answer: bytes, at: int) -> int:
    while length := answer[at]:
        if length >= 0xC0:  # a pointer to a name that stood before
            return at + 2
        at += length + 1
    return at + 1


def _text(data: bytes) -> str:
    pieces, at = [], 0
    while at < len(data):
        pieces.append(data[at + 1 : at + 1 + data[at]])
        at += data[at] + 1
    return b"".join(pieces).decode("utf-8", "replace")
