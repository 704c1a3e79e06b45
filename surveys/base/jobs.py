"""What is to be done after the reply: rows written in the same transaction as their cause, and run later."""

import contextlib
import functools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import peewee
import structlog

from surveys.base import db
from surveys.base.db import JSONField, Table, UTCField, database
from surveys.base.hands import Hand

log = structlog.get_logger()

#: Seconds after the first failure, the second … (docs/promises.md, P4); after the last the job is dead and shown.
RETRY_AFTER = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)

LEASE = timedelta(minutes=5)

#: Of one job that waits for a server outside the house.
TIME_LIMIT_SECONDS = 30

#: Of one job of the house: processor time, of which a starved machine gives little, and then time by the clock, so that
#: the lease of what was taken with it does not run out.
PROCESSOR_SECONDS, HOUSE_SECONDS = 30, 180

#: How long a worker goes on with what it took at once; the rest is given back, so that no lease runs out meanwhile.
TURN = timedelta(minutes=1)

#: Who waits for whom: a server that hangs holds up the jobs of its own lane alone.
HOUSE, MAIL, CALLS = "house", "mail", "calls"
OUTWARD = (MAIL, CALLS)
KEEP_DONE = timedelta(days=1)

#: Long enough to be seen and released; after that it names people for nothing.
KEEP_DEAD = timedelta(days=90)

NEW, RUNNING, DONE, FAILED, DEAD, UNKNOWN = "new", "running", "done", "failed", "dead", "unknown"

#: Came back with a restore: it may have been done since the backup, so a person decides.
HELD = "held"

#: What came in bulk, such as history that is imported: it is taken when nothing else is due, and in small parts beside.
BULK = "bulk"

#: Of so many other jobs that were run, one in bulk is run too, whatever is due: a backlog does not stand still.
BULK_SHARE = 20

#: So many of those are taken at once.
BULK_AT_ONCE = 20

#: The reason why a job failed that was in hand when its process was killed. It may kill the next one too.
WORKER_DIED = "WorkerDied"

#: In the payload of an event: the one chain of reactions that is still to be done.
ALONE = "reaction"

Handler = Callable[[dict[str, Any], datetime], None]

#: Told the payload of a job, why it is given up (the class of the error), and when.
Mourner = Callable[[dict[str, Any], str, datetime], None]


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
_reactions: dict[str, dict[str, tuple[Handler, ...]]] = {}
_mourners: dict[str, Mourner] = {}
_revivers: dict[str, Handler] = {}
_lanes: dict[str, str] = {}
_bell: Callable[[float], None] | None = None
_hand: Hand | None = None
_stopping: Callable[[], bool] = bool
_bulk_owed = 0
_next_ring = 0.0
_rung_lock = threading.Lock()

#: Seconds between two rings.
RINGS_APART = 0.25


class TooSlow(Exception):
    """A handler took longer than its time limit."""


class TooMuchWork(TooSlow):
    """It used more processor time than it may; on an idle machine it would have, too."""


def on(*kinds: str, lane: str = HOUSE) -> Callable[[Handler], Handler]:
    """Register a handler: `@on("response recorded")`. Handlers may run twice and must not mind.

    One that waits for a server outside the house names its `lane`, one of OUTWARD, for all jobs of its kinds.
    """

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            if lane != HOUSE:
                _lanes[kind] = lane
            known = _handlers.setdefault(kind, [])
            if handler not in known:
                known.append(handler)
        return handler

    return register


def react(reactions: Mapping[str, Iterable[tuple[Handler, ...]]]) -> None:
    """Register what follows from events, for each some chains of handlers.

    The handlers of a chain run in its order. Chains know nothing of each other: one that fails is tried again by
    itself, in a job of its own, and ends dead by itself. Handlers may run twice and must not mind.
    """
    for event, chains in reactions.items():
        for chain in chains:
            _reactions.setdefault(event, {})[_name(chain)] = chain


def _name(chain: tuple[Handler, ...]) -> str:
    return f"{chain[0].__module__}.{chain[0].__qualname__}"


def on_death(kind: str) -> Callable[[Mourner], Mourner]:
    """Register what follows when a job of a kind is given up; called in the transaction that marks it dead."""

    def register(mourner: Mourner) -> Mourner:
        _mourners[kind] = mourner
        return mourner

    return register


def on_release(kind: str) -> Callable[[Handler], Handler]:
    """Register what takes that back when somebody lets a dead job run again; in the transaction of `release`."""

    def register(reviver: Handler) -> Handler:
        _revivers[kind] = reviver
        return reviver

    return register


def waiting(kind: str, most: int) -> int:
    """How many jobs of a kind wait or are at work; `most` where there are as many or more."""
    left = (
        Job.select(Job.id)
        .where(Job.state.in_((NEW, BULK, RUNNING)), Job.kind == kind)
        .limit(most)
        .alias("left")
    )
    return int(peewee.Select([left], [peewee.fn.COUNT(left.c.id)]).scalar(database))


def enqueue(kind: str, payload: dict[str, Any], now: datetime, due_at: datetime | None = None) -> None:
    """Write a job. Call it inside the transaction of its cause; the worker hears of it after the commit."""
    _insert.many([_new(kind, payload, now, due_at or now)])
    if due_at is None or due_at <= now:
        database.after_commit(ring)


def enqueue_all(
    kind: str, payloads: Iterable[tuple[dict[str, Any], datetime]], in_bulk: bool = False
) -> None:
    """Write a job for each payload, due at the moment beside it, which is now. `in_bulk`: others go first."""
    state = BULK if in_bulk else NEW
    _insert.many([_new(kind, payload, now, now, state) for payload, now in payloads])
    database.after_commit(ring)


def queueing(payload: str, at: str, rows: str) -> str:
    """A statement that writes a job of the kind `%s` for each of `rows`; the others are expressions over those.

    The worker hears of them when somebody rings after the commit.
    """
    return f"""
        INSERT INTO job (kind, payload, state, due_at, attempts, created_at)
        SELECT %s, {payload}, '{NEW}', {at}, 0, {at} FROM {rows}
    """  # noqa: S608


def _new(
    kind: str, payload: dict[str, Any], now: datetime, due_at: datetime, state: str = NEW
) -> dict[str, Any]:
    return {
        "kind": kind,
        "payload": payload,
        "state": state,
        "due_at": due_at,
        "attempts": 0,
        "created_at": now,
    }


_insert = db.Insert(Job)


def use_bell(bell: Callable[[float], None] | None) -> None:
    """How to wake the worker in so many seconds, at once and without an error; without one it looks every minute."""
    global _bell
    _bell = bell


def ring() -> None:
    """Wake the worker, about four times a second at most and never in the way of an answer."""
    global _next_ring
    if _bell is None:
        return
    with _rung_lock:
        wait = max(0.0, _next_ring - time.monotonic())
        if wait > RINGS_APART:
            # One ring is still to come, and will be heard after this job's commit.
            return
        _next_ring = time.monotonic() + wait + RINGS_APART
    _bell(wait)


def run_due(now: Callable[[], datetime], limit: int = 100, lane: str | None = None) -> int:
    """Run what is due (in one lane, or in all) for a TURN, and return how many jobs were run, up to `limit`.

    A failing one never stops the next. What leaves the house is taken one at a time: it must not be done twice
    because something before it was slow. What came in bulk waits until nothing else is due, but for BULK_SHARE.
    """
    global _bulk_owed, _in_hand
    _take_up(now())
    began = now()
    turn = _Turn(began + LEASE)
    try:
        taken = _claim(began, 1 if lane in OUTWARD else limit, lane, turn)
        _in_hand = turn
        done = _run(turn, taken, began, now, lane)
    except Exception:
        # The database went away. The claim may have been kept all the same.
        _cut_off.append(turn)
        raise
    finally:
        _in_hand = None
    _bulk_owed = 0 if turn.in_bulk else max(1, done // BULK_SHARE) if done else _bulk_owed
    return done


def _run(
    turn: "_Turn", claimed: list[Job], began: datetime, now: Callable[[], datetime], lane: str | None
) -> int:
    hand = _hand
    for place, job in enumerate(claimed):
        if now() - began > TURN or _stopping() or (turn.in_bulk and _has_to_yield(place, now(), lane)):
            _give_back(turn)
            claimed = claimed[:place]
            break
        if hand is not None:
            hand.hold(job.id, job.lease_until)
        try:
            _perform(job, now, lane)
        except Exception as error:
            if db.busy(error):
                # Somebody else writes for long, which is no fault of the job: it counts as not begun.
                raise
            turn.failed = job, error
            if db.away(error):
                raise
            _failed(job, error, now())
            turn.failed = None
        else:
            turn.finished.append(job.id)
    _finish(turn)
    if hand is not None and claimed:
        hand.empty()
    return len(claimed)


def _has_to_yield(place: int, now: datetime, lane: str | None) -> bool:
    """Whether something is due that does not wait behind what came in bulk."""
    return place >= max(1, _bulk_owed) and _due(now, lane).exists()


def use_stop(stopping: Callable[[], bool]) -> None:
    """How to know that this process was told to end: then no other job is begun."""
    global _stopping
    _stopping = stopping


def at_work() -> bool:
    """Whether jobs are being run in this process."""
    return _in_hand is not None


def let_go() -> None:
    """Give back at once what this process has taken and not done; it is about to end in the middle of it.

    Called also by another thread than the one that runs the jobs: handlers may run twice, and nothing is kept of a
    transaction that is not over.
    """
    for turn in (*_cut_off, _in_hand):
        if turn is not None:
            _finish(turn)
            _give_back(turn)
    if _hand is not None:
        _hand.empty()


def _perform(job: Job, now: Callable[[], datetime], lane: str | None) -> None:
    """Do what a job says: its own handlers, or all that follows from an event, or one chain of that."""
    chains = _reactions.get(job.kind, {})
    if ALONE in job.payload:
        # One that is not there any more, in another version, has nothing left to do.
        chains = {name: chain for name, chain in chains.items() if name == job.payload[ALONE]}
    if len(chains) < 2:
        with _limits(lane):
            for handler in (
                *_handlers.get(job.kind, ()),
                *(each for chain in chains.values() for each in chain),
            ):
                handler(job.payload, now())
        return
    if job.attempts > 1:
        # Something ended the worker, or the database went away: from now on each stands for itself.
        db.write(lambda: enqueue_all(job.kind, [({**job.payload, ALONE: name}, now()) for name in chains]))
        return
    for name, chain in chains.items():
        try:
            with _limits(lane):
                for handler in chain:
                    handler(job.payload, now())
        except Exception as error:
            if db.away(error):
                raise
            log.error("reaction failed", kind=job.kind, job=job.id, reaction=name, exc_info=error)
            _put_aside(job, name, type(error).__name__, now())


def _put_aside(job: Job, name: str, reason: str, now: datetime) -> None:
    """Let one chain of an event be tried again later, as a job of its own."""
    values = _new(job.kind, {**job.payload, ALONE: name}, now, now + pause(1))
    db.write(Job.insert(values | {"state": FAILED, "attempts": 1, "error": reason}).execute)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    return timedelta(seconds=RETRY_AFTER[attempts - 1] * random.uniform(1.0, 1.1))


def use_hand(hand: Hand | None) -> None:
    """Where this process writes which job it is at."""
    global _hand
    _hand = hand


def give_back(job_id: int, lease_until: datetime, now: datetime) -> None:
    """Let others run what a killed process had taken until `lease_until`, at once. It was at `job_id`.

    That one is counted as failed and comes alone from now on; the others may have been run already, and run again.
    """

    def verb() -> None:
        taken = (Job.state == RUNNING) & (Job.lease_until == lease_until)
        for job in list(Job.select().where(taken & (Job.id == job_id))):
            _put_off(job, WORKER_DIED, now)
        Job.update(state=NEW, lease_until=None, attempts=Job.attempts - 1).where(taken).execute()
        database.after_commit(ring)

    db.write(verb)


def is_due(now: datetime, lane: str | None = None) -> bool:
    """Whether a lane (None: any) has something to run."""
    return any(query.exists() for query in (_due(now, lane), _due(now, lane, [BULK]), _lapsed(now, lane)))


def tidy(now: datetime) -> int:
    """Remove jobs that were done a day ago, and the dead that nobody released in KEEP_DEAD."""
    done = (Job.state == DONE) & (Job.created_at < now - KEEP_DONE)
    dead = (Job.state == DEAD) & (Job.due_at < now - KEEP_DEAD)
    return db.write(Job.delete().where(done | dead).execute)


def hold() -> int:
    """Stop everything that waits until `release`; how many. For after a restore, in its transaction."""
    waiting = Job.state.in_([NEW, BULK, RUNNING, FAILED])
    return Job.update(state=HELD, lease_until=None).where(waiting).execute()


def release(now: datetime, kind: str | None = None) -> int:
    """Let held and dead jobs (of one kind) run now, with all their attempts before them; how many."""

    def verb() -> int:
        stopped = Job.state.in_([HELD, DEAD])
        for job in list(Job.select().where((Job.state == DEAD) & Job.kind.in_(list(_revivers)))):
            if kind in (None, job.kind):
                _revivers[job.kind](job.payload, now)
        query = Job.update(state=NEW, due_at=now, attempts=0)
        count = query.where(stopped & (Job.kind == kind) if kind else stopped).execute()
        database.after_commit(ring)
        return count

    return db.write(verb)


def next_due(now: datetime) -> datetime | None:
    """When the next job is due, `now` when one is due already; None when nothing waits."""
    waiting = Job.state.in_([NEW, BULK, FAILED])
    job = Job.select(Job.due_at).where(waiting).order_by(Job.due_at).first()
    return max(now, job.due_at) if job else None


def waited(now: datetime) -> timedelta | None:
    """How long the job that is due for longest has waited; None when none is due. Those in bulk yield to others."""
    due = Job.select(Job.due_at).where(Job.state.in_([NEW, FAILED]), Job.due_at <= now)
    job = due.order_by(Job.due_at).first()
    return now - job.due_at if job else None


def waits(kind: str, since: str | None) -> bool:
    """Whether a job of a kind that was written after `since` (ISO 8601) is still to be done."""
    if since is None:
        return False
    later = (Job.kind == kind) & Job.state.in_([NEW, BULK, RUNNING, FAILED])
    return Job.select().where(later & (Job.created_at > datetime.fromisoformat(since))).exists()


def overview() -> list[tuple[str, str, int]]:
    """What is not done, as kind, state and how many."""
    query: Any = Job.select(Job.kind, Job.state, peewee.fn.COUNT(Job.id)).where(Job.state != DONE)
    return list(query.group_by(Job.kind, Job.state).order_by(Job.kind, Job.state).tuples())


def backlog(now: datetime) -> dict[str, int]:
    """How many jobs stand in each state that somebody may have to look at."""
    counted = Job.select(Job.state, peewee.fn.COUNT(Job.id)).where(Job.state != DONE)
    rows: Any = counted.group_by(Job.state).tuples()
    return dict(list(rows))


def time_limit(seconds: float) -> contextlib.AbstractContextManager[None]:
    """Raise TooSlow in the body after `seconds`; in a main thread only, as a worker process has it.

    Inside another limit, that one goes on afterwards with what was left of it.
    """
    return _limit(signal.ITIMER_REAL, signal.SIGALRM, seconds, TooSlow(f"took longer than {seconds} s"))


def processor_limit(seconds: float) -> contextlib.AbstractContextManager[None]:
    """Raise TooMuchWork once this process has worked for `seconds` in the body; as `time_limit`.

    Waiting costs nothing, and neither does a machine that has no time for us.
    """
    return _limit(signal.ITIMER_PROF, signal.SIGPROF, seconds, TooMuchWork(f"worked longer than {seconds} s"))


@contextlib.contextmanager
def _limits(lane: str | None) -> Iterator[None]:
    if lane in OUTWARD:
        with time_limit(TIME_LIMIT_SECONDS):
            yield
    else:
        with time_limit(HOUSE_SECONDS), processor_limit(PROCESSOR_SECONDS):
            yield


@contextlib.contextmanager
def _limit(timer: int, signum: signal.Signals, seconds: float, error: Exception) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring_out(*_: Any) -> None:
        raise error

    before = signal.signal(signum, ring_out)
    left, _ = signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(signum, before)
        if left:
            signal.setitimer(timer, left)


def _due(now: datetime, lane: str | None, states: Sequence[str] = (NEW, FAILED)) -> Any:
    return _of(lane, Job.select(Job.id, Job.error).where(Job.state.in_(states) & (Job.due_at <= now)))


def _lapsed(now: datetime, lane: str | None) -> Any:
    return _of(lane, Job.select(Job.id).where((Job.state == RUNNING) & (Job.lease_until < now)))


def _of(lane: str | None, query: Any) -> Any:
    if lane is None:
        return query
    if lane == HOUSE:
        return query.where(Job.kind.not_in(list(_lanes))) if _lanes else query
    return query.where(Job.kind.in_([kind for kind, its in _lanes.items() if its == lane]))


def _claim(now: datetime, limit: int, lane: str | None, turn: "_Turn") -> list[Job]:
    # A look costs no write lock; most looks find nothing.
    if not is_due(now, lane):
        return []
    fresh, bulk = _due(now, lane), _due(now, lane, [BULK])
    turn.in_bulk = bulk.exists() and (_bulk_owed > 0 or not (fresh.exists() or _lapsed(now, lane).exists()))
    if turn.in_bulk:
        limit = min(limit, _bulk_owed or BULK_AT_ONCE)
    due = (bulk if turn.in_bulk else fresh).order_by(Job.due_at, Job.id).limit(limit)
    # Whose worker died comes alone: it may kill this one too, and the others of its batch are innocent.
    lapsed = _lapsed(now, lane).order_by(Job.attempts, Job.due_at, Job.id).limit(1)
    if not db.on_sqlite():
        due, lapsed = (query.for_update("FOR UPDATE SKIP LOCKED") for query in (due, lapsed))

    def chosen() -> list[int]:
        if not turn.in_bulk and (ids := [row.id for row in lapsed]):
            return ids
        rows = list(due)
        # Whatever killed its worker waits until nobody else is due, and comes alone too.
        return [row.id for row in rows if row.error != WORKER_DIED] or [row.id for row in rows[:1]]

    def take() -> list[Job]:
        # Whatever ends its worker each time brings back neither result nor error; it must not do so for ever.
        fatal = (Job.state == RUNNING) & (Job.lease_until < now) & (Job.attempts > len(RETRY_AFTER))
        lost = Job.select().where(fatal)
        for job in list(lost if db.on_sqlite() else lost.for_update("FOR UPDATE SKIP LOCKED")):  # type: ignore[arg-type]
            _bury(job, WORKER_DIED, now)
        ids = chosen()
        if not ids:
            return []
        Job.update(state=RUNNING, lease_until=now + LEASE, attempts=Job.attempts + 1).where(
            Job.id.in_(ids)
        ).execute()
        return list(Job.select().where(Job.id.in_(ids)).order_by(Job.due_at, Job.id))

    return db.write(take)


@dataclass
class _Turn:
    """What became of the jobs that were taken at once; their lease tells them from all others."""

    lease_until: datetime
    in_bulk: bool = False
    finished: list[int] = field(default_factory=list)
    failed: tuple[Job, Exception] | None = None


#: The turn that is being run.
_in_hand: _Turn | None = None

#: Turns that could not be written down.
_cut_off: list[_Turn] = []

# They are those of the process that ran them.
os.register_at_fork(after_in_child=_cut_off.clear)


def _take_up(now: datetime) -> None:
    """Write down what earlier turns could not: else their jobs would wait until their lease is over."""
    while _cut_off:
        turn = _cut_off[0]
        if now < turn.lease_until:
            db.write(functools.partial(_settle, turn, now))
        _cut_off.remove(turn)


def _settle(turn: _Turn, now: datetime) -> None:
    _finish(turn)
    if turn.failed:
        _failed(*turn.failed, now)
    _give_back(turn)


def _finish(turn: _Turn) -> None:
    if turn.finished:
        update = Job.update(state=DONE, lease_until=None, error=None).where(Job.id.in_(turn.finished))
        db.write(update.execute)


def _give_back(turn: _Turn) -> None:
    """Undo the claim of jobs that were not begun."""
    unbegun = (Job.state == RUNNING) & (Job.lease_until == turn.lease_until) & Job.id.not_in(turn.finished)
    state = BULK if turn.in_bulk else NEW
    update = Job.update(state=state, lease_until=None, attempts=Job.attempts - 1)
    db.write(update.where(unbegun).execute)


def _failed(job: Job, error: Exception, now: datetime) -> None:
    dead = job.attempts > len(RETRY_AFTER)
    log.error("job failed", kind=job.kind, job=job.id, attempts=job.attempts, dead=dead, exc_info=error)
    # The class alone: a message may quote what somebody wrote.
    db.write(lambda: _put_off(job, type(error).__name__, now))


def _put_off(job: Job, reason: str, now: datetime) -> None:
    """Try a job again later, or bury it after its last attempt."""
    if job.attempts > len(RETRY_AFTER):
        _bury(job, reason, now)
        return
    due_at = now + pause(job.attempts)
    Job.update(state=FAILED, lease_until=None, due_at=due_at, error=reason).where(Job.id == job.id).execute()


def _bury(job: Job, reason: str, now: datetime) -> None:
    Job.update(state=DEAD, lease_until=None, error=reason).where(Job.id == job.id).execute()
    if job.kind in _mourners:
        _mourners[job.kind](job.payload, reason, now)
