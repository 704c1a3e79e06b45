"""Servers that say a letter at a time and never come to an end."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

#: Between two letters: far less than any time-out of a single read.
PAUSE_SECONDS = 0.01

Talk = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(talk: Talk) -> Iterator[int]:
    """The port at which each caller is talked to like that until the caller hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            talk(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join()


def says(beginning: bytes, letters: bytes) -> Talk:
    """`beginning` at once, then `letters` over and over, one at a time."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while True:
            for letter in letters:
                connection.sendall(bytes([letter]))
                time.sleep(PAUSE_SECONDS)

    return talk
