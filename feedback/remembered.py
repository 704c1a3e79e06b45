"""What a process keeps of what it worked out, so that it does not work it out for each page anew."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """What was asked for last: so many values, all together of at most some weight.

    A key weighs nothing, so it has to be short. It has to say all that the value is made of: nothing is ever taken
    back, as other processes could not hear of it. What is given away is shared, so nobody may change it.
    """

    def __init__(self, most: int, most_values: int) -> None:
        self._most, self._most_values = most, most_values
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """What is kept under a key; None where nothing is."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Hashable, value: T, weight: int) -> None:
        """Keep it, in place of what was not asked for longest; not at all where it would take a half of all room."""
        if 2 * weight > self._most:
            return
        with self._lock:
            self._weight += weight - self._kept.pop(key, (None, 0))[1]
            self._kept[key] = value, weight
            while self._weight > self._most or len(self._kept) > self._most_values:
                self._weight -= self._kept.popitem(last=False)[1][1]

    def forget(self) -> None:
        """Keep nothing of what was asked for."""
        with self._lock:
            self._kept.clear()
            self._weight = 0
