"""Group commit: one thread writes for all others of its process, so that one flush of the disk serves many."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from prometheus_client import Counter

from surveys.base.db.failures import reason

log = structlog.get_logger()

#: Does for many callers at once what a verb does for one: takes their items and gives each its result, or ALONE.
Together = Callable[[Sequence[Any]], Sequence[Any]]

#: The result of what has to be done by itself.
ALONE: Any = object()

AT_ONCE = 256

#: Each is slower by as many transactions as it has callers, who notice nothing.
GROUPS_FAILED = Counter(
    "earshot_groups_failed_total", "Groups of writes that failed together and were then done one by one"
)

#: How long the log says nothing of further groups that failed.
QUIET_SECONDS = 60.0


class Writer:
    """Takes what has queued, does it in one transaction and then answers every caller.

    `database` is a peewee database. `runs_alone` says who runs a verb that does not go together with others. It is
    this thread where a database has one writer at a time anyway, in one transaction with all the rest. Elsewhere it is
    the verb's caller, who is answered ALONE, so that a lock that one verb waits for holds up no other; and what goes
    together is its own transaction. `is_final`: an error after which it is not tried again. That a group failed, for
    another reason, is counted and logged: its callers are served all the same.
    """

    def __init__(
        self, database: Any, runs_alone: bool, is_final: Callable[[BaseException], bool] = lambda _: False
    ) -> None:
        self._database, self._runs_alone, self._is_final = database, runs_alone, is_final
        self._quiet_until = float("-inf")
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    def run(self, verb: Callable[[], Any], together: Together | None = None, item: Any = None) -> Any:
        """The result of `verb`, or what `together` made of `item`, after the commit; raises what the verb raises."""
        work = _Work(verb, together, item)
        self._waiting.put(work)
        work.done.acquire()
        if work.error is not None:
            raise work.error
        return work.result

    def stop(self) -> None:
        """Finish what has queued, then end the thread and close its connection."""
        self._waiting.put(None)
        self._thread.join()

    def _serve(self) -> None:
        stopping = False
        while not stopping:
            batch = [self._waiting.get()]
            batch += self._queued(AT_ONCE - 1)
            stopping = None in batch
            self._commit([work for work in batch if work is not None])
        if not self._database.is_closed():
            self._database.close()

    def _queued(self, most: int) -> list["_Work | None"]:
        found: list[_Work | None] = []
        with contextlib.suppress(queue.Empty):
            while len(found) < most:
                found.append(self._waiting.get_nowait())
        return found

    def _commit(self, batch: list["_Work"]) -> None:
        try:
            if not self._runs_alone:
                self._groups(batch)
            elif not self._all(batch):
                self._each(batch)
        finally:
            for work in batch:
                work.done.release()

    def _groups(self, batch: list["_Work"]) -> None:
        """What goes together, each group by itself; what is left, and where a group failed all of it, is ALONE."""
        for group in _together(batch):
            try:
                left = self._do(group)
            except BaseException as error:
                # Whatever is wrong with this connection, the callers have their own.
                self._hang_up()
                if self._is_final(error):
                    self._give_up_on_the_queued(batch)
                    for work in batch:
                        work.error = error if work.result is None else None
                    return
                left = group
            for work in left:
                work.result = ALONE

    def _all(self, batch: list["_Work"]) -> bool:
        """Everything in one transaction without savepoints; False when something failed and nothing was kept."""
        try:
            with self._database.atomic():
                for group in _together(batch):
                    for work in self._do(group):
                        work.result = work.verb()
            return True
        except BaseException as error:
            by_itself = len(batch) == 1 and batch[0].together is None
            if not by_itself and not self._is_final(error):
                return False
            if self._is_final(error):
                self._give_up_on_the_queued(batch)
            for work in batch:
                work.error = error
            return True

    def _do(self, group: list["_Work"]) -> list["_Work"]:
        """Do together what goes together; what is left to be done one by one."""
        together = group[0].together
        if together is None:
            return group
        try:
            for work, result in zip(group, together([work.item for work in group]), strict=True):
                work.result = result
        except BaseException as error:
            if not self._is_final(error):
                self._tell(error)
            raise
        return [work for work in group if work.result is ALONE]

    def _tell(self, error: BaseException) -> None:
        GROUPS_FAILED.inc()
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            log.error("group failed, done one by one", reason=reason(error))

    def _give_up_on_the_queued(self, batch: list["_Work"]) -> None:
        """Add to a batch what has come while its fate was awaited: it would only wait as long again."""
        for work in self._queued(self._waiting.qsize()):
            if work is None:
                self._waiting.put(None)
            else:
                batch.append(work)

    def _each(self, batch: list["_Work"]) -> None:
        """All verbs in one transaction, each in a savepoint, so that one failure costs only its own rows."""
        try:
            with self._database.atomic():
                for work in batch:
                    try:
                        with self._database.atomic():
                            work.result = work.verb()
                    except Exception as error:
                        work.error = error
        except BaseException as error:
            for work in batch:
                work.error = work.error or error

    def _hang_up(self) -> None:
        with contextlib.suppress(Exception):
            self._database.close()


class _Work:
    """One caller waiting."""

    __slots__ = ("done", "error", "item", "result", "together", "verb")

    def __init__(self, verb: Callable[[], Any], together: Together | None, item: Any) -> None:
        self.verb, self.together, self.item = verb, together, item
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


def _together(batch: list[_Work]) -> list[list[_Work]]:
    """What goes together; last what goes with nothing else."""
    groups: dict[Together | None, list[_Work]] = {}
    for work in batch:
        groups.setdefault(work.together, []).append(work)
    return sorted(groups.values(), key=lambda group: group[0].together is None)
