"""A wire to a server that can be cut in all the ways that networks have."""

import contextlib
import ctypes
import socket
import struct
import threading
from collections.abc import Iterator

#: How a wire may be: whole, or …
WHOLE = "whole"
#: … holding back what is sent until it is whole again;
FROZEN = "frozen"
#: … losing packets, so that nobody hears even that they came;
DROPPING = "dropping"
#: … taking everything and delivering nothing, also afterwards on connections that were open meanwhile;
SWALLOWING = "swallowing"
#: … without anybody who listens, and with every connection ended.
REFUSING = "refusing"

CUTS = (FROZEN, DROPPING, SWALLOWING, REFUSING)

_CHUNK = 65536

# asm-generic/socket.h; a program of one instruction, "return 0", which lets no packet through (socket(7)).
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_NOTHING_PASSES = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
_FILTER = struct.pack("HL", 1, ctypes.addressof(_NOTHING_PASSES))


@contextlib.contextmanager
def to(port: int) -> "Iterator[Wire]":
    """A wire to a port of 127.0.0.1, whole at first."""
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.become(REFUSING)


class Wire:
    """Listens at `port` of 127.0.0.1 and passes on to `target` what comes there, and back, as its state says."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.state = WHOLE
        self._changed = threading.Condition()
        self._lines: list[_Line] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self._listen()

    def become(self, state: str) -> None:
        """Cut it in one of the ways, or make it whole."""
        with self._changed:
            before, self.state = self.state, state
            if state == REFUSING:
                self._hang_up()
            elif before == REFUSING:
                self._listen()
            if state == SWALLOWING:
                for line in self._lines:
                    line.swallowed = True
            for each in [self._listener, *(line.client for line in self._lines)]:
                if each is not None:
                    _let_through(each, state != DROPPING)
            self._changed.notify_all()

    def reset(self) -> None:
        """End every connection without a word; new ones are taken."""
        with self._changed:
            ended = list(self._lines)
            self._reset()
        # A socket ends when nobody reads from it any more, and only then do both sides hear of it.
        for line in ended:
            for thread in line.passing:
                thread.join(10)

    def _hang_up(self) -> None:
        if self._listener is not None:
            # Closing alone would not wake who waits in accept().
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self._listener = None
        self._reset()

    def _reset(self) -> None:
        for line in self._lines:
            line.end()
        self._lines.clear()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                line = _Line(client, server)
                with self._changed:
                    line.swallowed = self.state == SWALLOWING
                    self._lines.append(line)
                for way in ((client, server), (server, client)):
                    line.passing.append(
                        threading.Thread(target=self._pass_on, args=(line, *way), daemon=True)
                    )
                for thread in line.passing:
                    thread.start()

    def _pass_on(self, line: "_Line", source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK):
                with self._changed:
                    self._changed.wait_for(lambda: self.state not in (FROZEN, DROPPING))
                    swallowed = line.swallowed
                if not swallowed:
                    sink.sendall(chunk)
        if not line.swallowed:
            line.end()


class _Line:
    """One connection that is passed on."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.passing: list[threading.Thread] = []
        self.swallowed = False

    def end(self) -> None:
        """Reset it on both sides."""
        for each in (self.client, self.server):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RD)
            each.close()


def _let_through(each: socket.socket, packets: bool) -> None:
    with contextlib.suppress(OSError):
        if packets:
            each.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        else:
            each.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _FILTER)
