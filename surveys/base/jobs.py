"""What is to be done after the reply: rows written in the same transaction as their cause, and run later."""

import contextlib
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import peewee
import structlog

from surveys.base import db
from surveys.base.db import JSONField, Table, UTCField, database

log = structlog.get_logger()

#: Seconds after the first failure, the second … (promises.md, P4); after the last the job is dead and shown.
RETRY_AFTER = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)

LEASE = timedelta(minutes=5)
TIME_LIMIT_SECONDS = 30
KEEP_DONE = timedelta(days=1)

NEW, RUNNING, DONE, FAILED, DEAD, UNKNOWN = "new", "running", "done", "failed", "dead", "unknown"

#: Came back with a restore: it may have been done since the backup, so a person decides.
HELD = "held"

Handler = Callable[[dict[str, Any], datetime], None]


class Job(Table):
    """One thing to do. `running` past its lease means that its worker died; it is then taken again."""

    id = peewee.BigAutoField()
    kind = peewee.TextField()
    payload = JSONField()
    state = peewee.TextField(default=NEW)
    due_at = UTCField()
    attempts = peewee.IntegerField(default=0)
    lease_until = UTCField(null=True)
    error = peewee.TextField(null=True)
    created_at = UTCField()

    class Meta:
        table_name = "job"
        indexes = ((("state", "due_at"), False),)
        about = "mention"
        holds = {"payload": db.FREE_TEXT}


_handlers: dict[str, list[Handler]] = {}
_bell: Callable[[], None] | None = None
_rung = 0.0
_rung_lock = threading.Lock()


class TooSlow(Exception):
    """A handler took longer than its time limit."""


def on(*kinds: str) -> Callable[[Handler], Handler]:
    """Register a handler: `@on("response recorded")`. Handlers may run twice and must not mind."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            known = _handlers.setdefault(kind, [])
            if handler not in known:
                known.append(handler)
        return handler

    return register


def enqueue(kind: str, payload: dict[str, Any], now: datetime, due_at: datetime | None = None) -> None:
    """Write a job. Call it inside the transaction of its cause; the worker hears of it after the commit."""
    _insert.many([_new(kind, payload, now, due_at or now)])
    if due_at is None or due_at <= now:
        database.after_commit(ring)


def enqueue_all(kind: str, payloads: Iterable[tuple[dict[str, Any], datetime]]) -> None:
    """Write a job for each payload, due at the moment beside it, which is now."""
    _insert.many([_new(kind, payload, now, now) for payload, now in payloads])
    database.after_commit(ring)


def _new(kind: str, payload: dict[str, Any], now: datetime, due_at: datetime) -> dict[str, Any]:
    return {
        "kind": kind,
        "payload": payload,
        "state": NEW,
        "due_at": due_at,
        "attempts": 0,
        "created_at": now,
    }


_insert = db.Insert(Job)


def use_bell(bell: Callable[[], None] | None) -> None:
    """How to wake the worker; without one it finds new jobs when it next looks."""
    global _bell
    _bell = bell


def ring() -> None:
    """Wake the worker, at most four times a second and never in the way of an answer."""
    global _rung
    if _bell is None:
        return
    with _rung_lock:
        if time.monotonic() - _rung < 0.25:
            return
        _rung = time.monotonic()
    try:
        _bell()
    except Exception as error:
        # The row is safe; the worker looks every few seconds anyway.
        log.warning("bell not rung", error=type(error).__name__)


def run_due(now: Callable[[], datetime], limit: int = 100) -> int:
    """Run what is due, up to `limit` jobs, and return how many were taken. A failing one never stops the next."""
    jobs = _claim(now(), limit)
    finished: list[int] = []
    for job in jobs:
        try:
            with time_limit(TIME_LIMIT_SECONDS):
                for handler in _handlers.get(job.kind, ()):
                    handler(job.payload, now())
        except Exception as error:
            if db.away(error):
                raise
            _failed(job, error, now())
        else:
            finished.append(job.id)
    if finished:
        update = Job.update(state=DONE, lease_until=None, error=None).where(Job.id.in_(finished))
        db.write(update.execute)
    return len(jobs)


def tidy(now: datetime) -> int:
    """Remove jobs that were done a day ago."""
    return db.write(Job.delete().where((Job.state == DONE) & (Job.created_at < now - KEEP_DONE)).execute)


def hold() -> int:
    """Stop everything that waits until `release`; how many. For after a restore, in its transaction."""
    waiting = Job.state.in_([NEW, RUNNING, FAILED])
    return Job.update(state=HELD, lease_until=None).where(waiting).execute()


def release(now: datetime, kind: str | None = None) -> int:
    """Let held and dead jobs (of one kind) run now, with all their attempts before them; how many."""

    def verb() -> int:
        stopped = Job.state.in_([HELD, DEAD])
        query = Job.update(state=NEW, due_at=now, attempts=0)
        count = query.where(stopped & (Job.kind == kind) if kind else stopped).execute()
        database.after_commit(ring)
        return count

    return db.write(verb)


def next_due(now: datetime) -> datetime | None:
    """When the next job is due that is not yet; None when nothing waits."""
    waiting = Job.state.in_([NEW, FAILED]) & (Job.due_at > now)
    job = Job.select(Job.due_at).where(waiting).order_by(Job.due_at).first()
    return job.due_at if job else None


def overview() -> list[tuple[str, str, int]]:
    """What is not done, as kind, state and how many."""
    query: Any = Job.select(Job.kind, Job.state, peewee.fn.COUNT(Job.id)).where(Job.state != DONE)
    return list(query.group_by(Job.kind, Job.state).order_by(Job.kind, Job.state).tuples())


def backlog(now: datetime) -> dict[str, int]:
    """How many jobs stand in each state that somebody may have to look at."""
    counted = Job.select(Job.state, peewee.fn.COUNT(Job.id)).where(Job.state != DONE)
    rows: Any = counted.group_by(Job.state).tuples()
    return dict(list(rows))


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooSlow in the body after `seconds`; in a main thread only, as a worker process has it.

    Inside another limit, that one goes on afterwards with what was left of it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring_out(*_: Any) -> None:
        raise TooSlow(f"took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring_out)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, left)


def _claim(now: datetime, limit: int) -> list[Job]:
    due = (
        Job.select(Job.id)
        .where(
            (Job.state.in_([NEW, FAILED]) & (Job.due_at <= now))
            | ((Job.state == RUNNING) & (Job.lease_until < now))
        )
        .order_by(Job.due_at, Job.id)
        .limit(limit)
    )
    # A look costs no write lock; most looks find nothing.
    if not due.limit(1).exists():
        return []
    if not db.on_sqlite():
        due = due.for_update("FOR UPDATE SKIP LOCKED")  # type: ignore[arg-type]

    def take() -> list[Job]:
        # Whatever ends its worker each time brings back neither result nor error; it must not do so for ever.
        Job.update(state=DEAD, lease_until=None, error="WorkerDied").where(
            (Job.state == RUNNING) & (Job.lease_until < now) & (Job.attempts > len(RETRY_AFTER))
        ).execute()
        chosen = [row.id for row in due]
        if not chosen:
            return []
        Job.update(state=RUNNING, lease_until=now + LEASE, attempts=Job.attempts + 1).where(
            Job.id.in_(chosen)
        ).execute()
        return list(Job.select().where(Job.id.in_(chosen)).order_by(Job.due_at, Job.id))

    return db.write(take)


def _failed(job: Job, error: Exception, now: datetime) -> None:
    dead = job.attempts > len(RETRY_AFTER)
    wait = 0.0 if dead else RETRY_AFTER[job.attempts - 1] * random.uniform(1.0, 1.1)
    log.error("job failed", kind=job.kind, job=job.id, attempts=job.attempts, dead=dead, exc_info=error)
    update = Job.update(
        state=DEAD if dead else FAILED,
        lease_until=None,
        due_at=now + timedelta(seconds=wait),
        # The class alone: a message may quote what somebody wrote.
        error=type(error).__name__,
    ).where(Job.id == job.id)
    db.write(update.execute)
