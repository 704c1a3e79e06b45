"""A name server of the tests' own: answers TXT questions over UDP and TCP, on one port of this machine."""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def _answer(question, records, limit):
    at = 12
    labels = []
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += question[at] + 1
    name = ".".join(labels)
    given = records.get(name)
    if isinstance(given, int):  # an error of this number
        return question[:2] + struct.pack("!5H", 0x8180 | given, 1, 0, 0, 0) + question[12 : at + 5]
    found = b""
    for text in given or ():
        raw = text.encode()
        pieces = [raw[start : start + 255] for start in range(0, len(raw), 255)] or [b""]
        data = b"".join(bytes([len(piece)]) + piece for piece in pieces)
        # The name is a pointer to that of the question.
        found += struct.pack("!HHHIH", 0xC00C, 16, 1, 60, len(data)) + data
    cut = len(found) > limit
    count = 0 if cut else len(given or ())
    flags = 0x8180 | (0x0200 if cut else 0) | (3 if given is None else 0)
    return (
        question[:2]
        + struct.pack("!5H", flags, 1, count, 0, 0)
        + question[12 : at + 5]
        + (b"" if cut else found)
    )


@contextmanager
def nameserver(records: dict[str, list[str] | int]) -> Iterator[str]:
    """Its address, as `--server` takes it. A name without records does not exist; a number is an error's."""

    class OverUDP(socketserver.BaseRequestHandler):
        """A question a packet; one that is forged comes first."""

        def handle(self):
            question, sock = self.request
            answer = _answer(question, records, 500)
            forged = bytes([question[0] ^ 1]) + answer[1:]
            sock.sendto(forged, self.client_address)
            sock.sendto(answer, self.client_address)

    class OverTCP(socketserver.StreamRequestHandler):
        """A question a connection."""

        def handle(self):
            (length,) = struct.unpack("!H", self.rfile.read(2))
            answer = _answer(self.rfile.read(length), records, 65535)
            self.wfile.write(struct.pack("!H", len(answer)) + answer)

    with (
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), OverTCP) as tcp,
        socketserver.UDPServer(tcp.server_address, OverUDP) as udp,
    ):
        threads = [threading.Thread(target=each.serve_forever, args=(0.05,)) for each in (tcp, udp)]
        for thread in threads:
            thread.start()
        try:
            yield "{}:{}".format(*tcp.server_address)
        finally:
            for each in (tcp, udp):
                each.shutdown()
            for thread in threads:
                thread.join()


@contextmanager
def silent() -> Iterator[str]:
    """The address of a server that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield "{}:{}".format(*udp.getsockname())
