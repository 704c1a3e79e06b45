"""Rings the bell on a thread of its own: no answer waits for it, and no ring is lost while it cannot be reached."""

import atexit
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()

#: Between two attempts to ring a bell that cannot be reached.
AGAIN_SECONDS = 1.0

#: How long a process that ends still waits for the bell.
LAST_SECONDS = 2.0


class Ringer:
    """Calls `ring` with the seconds after which the worker is to look; when that fails, again and again."""

    def __init__(self, ring: Callable[[float], None]) -> None:
        self._ring = ring
        self.renew()
        atexit.register(self.settle)

    def renew(self) -> None:
        """Begin anew; for after a fork, which the thread does not survive."""
        self._wanted: list[float] = []
        self._changed = threading.Condition()
        self._busy = self._fails = self._stopped = False

    def ring_in(self, seconds: float) -> None:
        """Have the bell rung; returns at once."""
        with self._changed:
            self._wanted.append(seconds)
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._serve, name="ringer", daemon=True).start()

    def settle(self) -> None:
        """Return when everything is rung, the bell cannot be reached, or LAST_SECONDS are over."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy or self._fails, LAST_SECONDS)

    def stop(self) -> None:
        """Leave unrung what is still to be rung; return when nothing is being rung, or LAST_SECONDS are over."""
        atexit.unregister(self.settle)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._busy, LAST_SECONDS)

    def _serve(self) -> None:
        while (seconds := self._next()) is not None:
            try:
                self._ring(seconds)
            except Exception as error:
                self._failed(error)
            else:
                self._fails = False

    def _next(self) -> float | None:
        with self._changed:
            if self._wanted and not self._stopped:
                return self._wanted.pop(0)
            self._busy = False
            self._changed.notify_all()
            return None

    def _failed(self, error: Exception) -> None:
        if not self._fails:
            log.warning("bell not rung", error=type(error).__name__)
        with self._changed:
            self._fails = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stopped, AGAIN_SECONDS)
            # What was written meanwhile is found by the same look.
            self._wanted[:] = [0.0]
