"""One deadline for a whole conversation: a time-out of each read never ends with who says a letter at a time."""

import contextlib
import queue
import socket
import threading
import time
from typing import Any, Self

from surveys.base.delivery.message import DeliveryFailed

#: Between two looks at connections that were opened after the deadline.
AGAIN_SECONDS = 0.05


class Deadline:
    """Hangs up on every connection of its `with` block that is still open after `seconds`.

    Whatever then reads or writes meets the end of the line, which may look like an end that is meant: ask `passed`.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._lines: list[socket.socket] = []
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._wait, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()
        for line in self._lines:
            line.close()

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

    @property
    def connected(self) -> bool:
        """Whether there was a connection."""
        return bool(self._lines)

    @property
    def left(self) -> float:
        """Seconds that are left, at least a thousandth. Raises DeliveryFailed when there are none."""
        if self.passed:
            raise DeliveryFailed("too slow", again=True)
        return max(self._end - time.monotonic(), 0.001)

    def watch(self, line: socket.socket) -> socket.socket:
        """Hang up on this connection too; the connection itself."""
        # A second handle of it: TLS takes the first one away.
        self._lines.append(line.dup())
        return line

    def addresses(self, host: str, port: int) -> list[Any]:
        """What `socket.getaddrinfo` says of a host, within the time that is left. Raises DeliveryFailed."""
        answers: queue.SimpleQueue[list[Any] | None] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError):
                answers.put(None)

        # The system's resolver cannot be interrupted: it is left behind.
        threading.Thread(target=ask, daemon=True).start()
        try:
            found = answers.get(timeout=self.left)
        except queue.Empty:
            raise DeliveryFailed("too slow", again=True) from None
        if found is None:
            raise DeliveryFailed("unknown host", again=True)
        return found

    def _wait(self) -> None:
        while not self._done.wait(max(self._end - time.monotonic(), AGAIN_SECONDS)):
            for line in list(self._lines):
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
