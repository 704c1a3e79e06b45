"""Waiting times as figures, and what the machine itself cost meanwhile."""

import contextlib
import http.client
import math
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

#: Seconds between two probes of the machine.
PACE = 0.05


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def spread(milliseconds: Sequence[float]) -> str:
    """p50, p99 and the slowest."""
    middle, late = (percentile(milliseconds, percent) for percent in (50, 99))
    return f"p50 {middle:.1f} ms, p99 {late:.1f} ms, slowest {max(milliseconds):.1f} ms"


@contextlib.contextmanager
def meanwhile(url: str, directory: Path) -> Iterator[None]:
    """Beside the block, at PACE, a call that does nothing (`/healthz`) and one write + fdatasync; print both.

    On a machine that others use too nothing can be faster than these.
    """
    over = threading.Event()
    calls: list[float] = []
    flushes: list[float] = []

    def probe() -> None:
        line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
            while not over.wait(PACE):
                begun = time.perf_counter()
                line.request("GET", "/healthz")
                line.getresponse().read()
                called = time.perf_counter()
                file.write(bytes(512))
                # macOS has no fdatasync.
                getattr(os, "fdatasync", os.fsync)(file.fileno())
                calls.append((called - begun) * 1000)
                flushes.append((time.perf_counter() - called) * 1000)
        line.close()

    probing = threading.Thread(target=probe)
    probing.start()
    try:
        yield
    finally:
        over.set()
        probing.join()
    print(f"  meanwhile /healthz {spread(calls)}; write + fdatasync {spread(flushes)}", flush=True)
