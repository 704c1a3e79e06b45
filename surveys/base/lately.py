"""What was worked out lately, for everybody who asks again while it is fresh."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Any


class Lately:
    """Values by their keys, each worked out once in `fresh`; at most `most` of them are kept."""

    def __init__(self, fresh: timedelta, most: int) -> None:
        self._fresh, self._most = fresh, most
        self._kept: dict[Hashable, tuple[datetime, Any]] = {}

    def of(self, key: Hashable, now: datetime, work: Callable[[], Any]) -> Any:
        """The value of a key: the one that is kept, else what `work` finds."""
        kept = self._kept.get(key)
        # A clock that was put back makes nothing fresh for longer.
        if kept is None or not timedelta() <= now - kept[0] < self._fresh:
            if len(self._kept) >= self._most:
                self._kept.clear()
            kept = self._kept[key] = (now, work())
        return kept[1]

    def forget(self) -> None:
        """Work all out anew."""
        self._kept.clear()
