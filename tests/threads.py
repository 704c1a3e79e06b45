"""Doing the same thing at the same moment in many threads."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from surveys.base import db

T = TypeVar("T")


def together(number: int, work: Callable[[int], T]) -> list[T]:
    """What `work(0)` … `work(number - 1)` return, all started at once; raises what one of them raised.

    Each thread leaves its database connection closed.
    """
    start = threading.Barrier(number)

    def run(index: int) -> T:
        start.wait()
        try:
            return work(index)
        finally:
            db.forget_connection()

    with ThreadPoolExecutor(number) as pool:
        return [future.result() for future in [pool.submit(run, index) for index in range(number)]]
