"""The worker's bell, clock and process manager: huey over the job rows.

huey alone is at most once (a killed worker loses its task), so its tasks carry nothing: each only says
"look at the rows", and a lost one costs a second.
"""

import contextlib
import functools
import gc
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import structlog
from huey import Huey, PostgresHuey, SqliteHuey, crontab

from surveys.base import clock, db, hands, jobs
from surveys.base.ringer import Ringer
from surveys.base.settings import Settings

log = structlog.get_logger()

Duty = Callable[[datetime], Any]

_make: Callable[[], Huey] | None = None
_made: Huey | None = None
_making = threading.Lock()
_ringer: Ringer | None = None
_hourly: dict[str, Duty] = {}
_nightly: dict[str, Duty] = {}
_beside: dict[str, int] = {}
_next_look: datetime | None = None
_working = False
_is_beside = False
_outward: set[str] = set()
_ending = False
_hands: Path | None = None
_hand: hands.Hand | None = None
_busy = False
_told_to_end: Callable[[], Any] | None = None
_over = threading.Event()

#: A worker that is told to end still finishes a job that takes no longer, in seconds; another is given back.
FINISHING_SECONDS = 1.0

#: Beyond this the minute's look is early enough.
SOON = timedelta(minutes=1)

#: At least as many as huey makes of tables, sequences and indexes.
BELL_TABLES = 12

#: What PostgreSQL says of a table that somebody else makes at the same moment.
MADE_MEANWHILE = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateObject,
)

#: Before the worker looks again for what is due already.
PAUSE = timedelta(seconds=1)


def hourly(duties: Mapping[str, Duty]) -> None:
    """Register what is to be done once an hour, such as tidying, by name; one of the same name takes its place."""
    _hourly.update(duties)


def nightly(duties: Mapping[str, Duty]) -> None:
    """Register what is to be done once a night (UTC), by name; one of the same name takes its place."""
    _nightly.update(duties)


def do_duties(now: datetime, night: bool = False) -> None:
    """Do each duty of the hour, or of the `night`; one that fails does not keep the others from being done."""
    for name, duty in list((_nightly if night else _hourly).items()):
        try:
            duty(now)
        except Exception as error:
            db.forget_connection()
            log.error("duty failed", duty=name, exc_info=error)


def install(settings: Settings) -> None:
    """Say where the bell hangs. Nothing is opened before it rings: commands may run without a database."""
    global _make, _hands, _ringer
    close()
    _hands = settings.data_dir / "hands"
    if settings.on_sqlite:
        path = str(settings.data_dir / "bell.db")
        _make = functools.partial(SqliteHuey, "earshot", filename=path, results=False, fsync=False, timeout=5)
    else:
        # A frozen server must not keep whoever rings.
        _make = functools.partial(_on_postgres, settings)
    _ringer = Ringer(_ring)
    jobs.use_bell(_ringer.ring_in)


def _on_postgres(settings: Settings) -> Huey:
    """A LISTEN hears nothing through a pooler: it goes around it, or else the rows are polled."""
    url = settings.database_direct_url or settings.database_url
    listens = settings.database_direct_url is not None or not db.is_pooled(url)
    connection = functools.partial(db.connect, url)
    make = functools.partial(PostgresHuey, "earshot", connection=connection, results=False, blocking=listens)
    return _with_tables(make)


def _with_tables(make: Callable[[], Huey]) -> Huey:
    """The bell that `make` makes, with its tables, also while other processes make the same tables.

    PostgreSQL lets `CREATE TABLE IF NOT EXISTS` fail when another connection makes that table, or its type, at the same
    moment. By then the table is there, so each attempt comes at least one table further.
    """
    for _ in range(BELL_TABLES):
        with contextlib.suppress(*MADE_MEANWHILE):
            return make()
    return make()


def close() -> None:
    """Ring no more, and close what the first ring opened."""
    global _made, _ringer
    if _ringer is not None:
        jobs.use_bell(None)
        _ringer.stop()
    _ringer = None
    if _made is not None:
        _made.storage.close()
    _made = None


def _ring(wait: float) -> None:
    look = _huey().ring
    if wait <= jobs.RINGS_APART:
        # huey looks once a second for what it is to ring later.
        time.sleep(wait)
        wait = 0.0
    # It keeps the delayed ring: this process may be gone by then.
    look.schedule(delay=wait) if wait else look()


def _huey() -> Huey:
    global _made
    # Two threads that ring for the first time must not open two: one would stay open, and nobody know of it.
    with _making:
        if _made is None:
            if _make is None:
                raise RuntimeError("install() first")
            _made = _with_tasks(_make())
        return _made


def _after_fork() -> None:
    global _making
    _making = threading.Lock()
    if _ringer is not None:
        _ringer.renew()


os.register_at_fork(after_in_child=_after_fork)


def _with_tasks(huey: Huey) -> Huey:
    @huey.on_startup()
    def begin() -> None:
        """The process before this one may have been killed; huey makes another within a second."""
        _take_hand()
        _pick_up()
        if _told_to_end is not None:
            threading.Thread(target=_end_in_time, args=[_told_to_end], name="end", daemon=True).start()

    @huey.task(name="look")
    def look() -> None:
        drain()
        look_again(clock.now())

    @huey.periodic_task(crontab(minute="*"), name="minute")
    def minute() -> None:
        _pick_up()
        drain()
        look_again(clock.now())

    @huey.periodic_task(crontab(minute="7"), name="hour")
    def hour() -> None:
        do_duties(clock.now())

    @huey.periodic_task(crontab(minute="41", hour="2"), name="night")
    def night() -> None:
        do_duties(clock.now(), night=True)

    @huey.on_shutdown()
    def end() -> None:
        _over.set()
        _end()

    huey.ring = look
    return huey


def _end_in_time(told_to_end: Callable[[], Any]) -> None:
    """End this process soon after it was told to, whatever it is at: engines take long to load, and so may a job.

    Only jobs of the house are cut short, which reach nothing but the database; a duty may have files to tidy up.
    """
    told_to_end()
    while not _over.wait(FINISHING_SECONDS):
        if jobs.at_work():
            _end()
            os._exit(0)


def _end() -> None:
    """Leave nothing behind: neither jobs that wait for the end of their lease nor calls on their way."""
    try:
        jobs.let_go()
    except Exception as error:
        log.warning("jobs in hand not given back", error=db.reason(error))
    # What is on its way out of the house must be finished: half a mail is an unknown one.
    lanes = [_beside[name] for name in _outward if name in _beside]
    for each in lanes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGTERM)
    for each in lanes:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(each, 0)


def drain() -> int:
    """Run jobs until none is due; how many were run here. Lanes out of the house run beside, where a worker is."""
    global _busy
    total = 0
    try:
        while taken := _turn():
            total += taken
        _busy = False
    except Exception as error:
        # The rows stay; the next look tries again.
        _away(error)
    return total


def _turn() -> int:
    if not _working:
        return jobs.run_due(clock.now)
    for lane in jobs.OUTWARD:
        if jobs.is_due(clock.now(), lane):
            beside(functools.partial(_run_lane, lane), lane, outward=True)
    return jobs.run_due(clock.now, lane=jobs.HOUSE)


def _run_lane(lane: str) -> None:
    """Run the jobs of a lane until none is due or the worker ends; the one in hand is finished."""
    _take_hand()
    _pick_up()
    while not ending():
        try:
            if not jobs.run_due(clock.now, lane=lane):
                break
        except Exception as error:
            if not db.away(error):
                raise
            # The job in hand is this process's: it is written down how it ended as soon as that can be done.
            _away(error)
            time.sleep(PAUSE.total_seconds())
    if _hand is not None:
        _hand.close()


def _take_hand() -> None:
    """Write from now on what this process has in hand, so that others see it when it is killed."""
    global _hand
    _hand = None
    if _working and _hands is not None:
        try:
            _hand = hands.Hand(_hands)
        except OSError as error:
            log.warning("no note is kept of jobs in hand", error=error.strerror)
    jobs.use_hand(_hand)


def _pick_up() -> None:
    """Give back the jobs that killed processes had in hand, so that they need not wait for the end of their lease."""
    try:
        for job, lease_until in hands.dropped(_hands, _hand) if _hands is not None else ():
            log.error("a worker was killed", job=job)
            jobs.give_back(job, lease_until, clock.now())
    except Exception as error:
        # What is not given back now is in the next minute.
        db.forget_connection()
        log.error("jobs of a killed worker not given back", error=db.reason(error))


def look_again(now: datetime) -> None:
    """Have the rows looked at when the next job is due, if that is soon: a retry after 5 s waits no minute.

    Where the database cannot say when that is, it is asked again in a PAUSE.
    """
    global _next_look
    try:
        due = jobs.next_due(now)
    except Exception as error:
        _away(error)
        due = now
    if due is None:
        return
    # Due already: it came after the last look, or its lane is busy.
    due = max(due, now + PAUSE)
    if due - now > SOON or (_next_look is not None and now < _next_look <= due):
        return
    _next_look = due
    if _ringer is not None:
        _ringer.ring_in((due - now).total_seconds())


def _away(error: Exception) -> None:
    global _busy
    db.forget_connection()
    if not db.busy(error):
        log.error("worker cannot reach the database", error=db.reason(error))
    elif not _busy:
        _busy = True
        log.info("worker waits until others have written", error=db.reason(error))


def beside(verb: Callable[[], Any], name: str = "", outward: bool = False) -> bool:
    """Run what takes long: in a worker, in a process of its own beside it, so that nothing waits.

    Such a process ends with the worker, and is nicer than it. There is one of a `name` at a time: False,
    and nothing is run, while an earlier one still runs. Where no worker is, `verb` is run at once. `outward`: it calls
    servers outside, so it is no nicer than the worker, which waits for it, and `verb` asks `ending` before it begins
    with another call.
    """
    if not _working:
        verb()
        return True
    if name in _beside:
        if os.waitpid(_beside[name], os.WNOHANG) == (0, 0):
            return False
        del _beside[name]
    parent = os.getpid()
    if outward:
        _outward.add(name)
    child = os.fork()
    if child:
        _beside[name] = child
        return True
    _be_child(verb, parent, outward)
    return False


def ending() -> bool:
    """Whether this process, made by `beside` to call servers outside, was told to end."""
    return _ending


def is_beside() -> bool:
    """Whether this process was made by `beside`."""
    return _is_beside


def _be_child(verb: Callable[[], Any], parent: int, outward: bool) -> None:
    """The life of a process made by `beside`; does not return."""
    global _made, _is_beside
    _is_beside = True
    failed = 1
    try:
        # Its connections are the worker's; they are kept from being closed here.
        inherited, _made = _made, None  # noqa: F841
        signal.signal(signal.SIGTERM, _end_soon if outward else signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        end_with_parent(parent)
        # What calls outside takes little, and somebody waits for it: it is as nice as the worker, and no nicer.
        if not outward:
            os.nice(10)
        # What it has from the worker is never looked through for garbage: that would copy each page they share.
        gc.freeze()
        verb()
        if _ringer is not None:
            _ringer.settle()
        failed = 0
    except BaseException as error:
        log.error("work beside failed", exc_info=error)
    finally:
        # Nothing of the worker is to be tidied up by its copy.
        os._exit(failed)


def _end_soon(*_: Any) -> None:
    global _ending
    _ending = True


def work() -> None:
    """Be the worker until SIGTERM: finish the job in hand if that is soon done, then end."""
    global _working, _told_to_end
    _working = True
    db.close_database()
    # Answers come first: what follows from them may take a little longer.
    os.nice(10)
    # huey's own processes would go on without it; what they hold is a lease on rows, so they may end at once.
    _kill_children_with_parent()
    gc.freeze()
    for name in ("Worker", "Scheduler"):
        logging.getLogger(f"huey.consumer.{name}").addFilter(_Briefly())
    consumer = _huey().create_consumer(
        workers=1,
        worker_type="process",
        periodic=True,
        initial_delay=0.1,
        max_delay=1.0,
        check_worker_health=True,
        health_check_interval=1,
        graceful_signal="TERM",
        # A call out of the house takes 10 s at most, and is waited for.
        shutdown_timeout=15,
    )
    jobs.use_stop(consumer.stop_flag.is_set)
    _told_to_end = consumer.stop_flag.wait
    # huey listens for it only once its processes run, and one of them may have a job in hand by then.
    signal.signal(signal.SIGTERM, lambda *_: consumer.stop_flag.set())
    consumer.run()


class _Briefly(logging.Filter):
    """Says in one line, and not every second, that huey cannot reach what it keeps its rings in."""

    APART_SECONDS = 60.0
    #: The rings have a SQLite file of their own, which huey opens with the standard library.
    FAILURES: tuple[type[BaseException], ...] = (*db.FAILURES, sqlite3.Error)

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record down; shortens it."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, self.FAILURES):
            return True
        last = self._said.get(record.msg, float("-inf"))
        if time.monotonic() - last < self.APART_SECONDS:
            return False
        self._said[record.msg] = time.monotonic()
        record.exc_info, record.exc_text = None, None
        record.msg, record.args = f"{record.getMessage().rstrip('.')}: {db.reason(error)}", ()
        return True


def end_with_parent(parent: int, how: int = signal.SIGTERM) -> None:
    """Have this process sent `how` when `parent`, which forked it, is gone: nothing outlives a killed service.

    `parent` is read before the fork. Afterwards nothing tells an orphan from a child of process 1, and in a
    container Earshot is process 1.
    """
    if sys.platform == "linux":
        import ctypes

        PR_SET_PDEATHSIG = 1  # prctl(2)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)
    # It may have gone before the signal was asked for.
    if os.getppid() != parent:
        os.kill(os.getpid(), how)


def call_this_process(name: str) -> None:
    """Have `ps` and `top` show this process by a `name` of at most 15 letters."""
    if sys.platform == "linux":
        import ctypes

        PR_SET_NAME = 15  # prctl(2)
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


def _kill_children_with_parent() -> None:
    """Have every process that this one and its own make killed with the one that made it."""
    parent = os.getpid()

    def remember() -> None:
        nonlocal parent
        parent = os.getpid()

    os.register_at_fork(before=remember, after_in_child=lambda: end_with_parent(parent, signal.SIGKILL))
