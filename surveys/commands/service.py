"""What an operator types: `flask --app wsgi …`."""

import contextlib
import fcntl
import functools
import gc
import math
import multiprocessing
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import IO, Any, Protocol

import click
import structlog
from flask import Flask
from flask.cli import AppGroup

from surveys import ask_counts, catalogue, daily_counts, links, segment_counts, team
from surveys.base import cli, clock, db, sealing, settings
from surveys.base import worker as the_worker
from surveys.base.accounts import keys as api_keys
from surveys.base.accounts import members
from surveys.base.accounts.caller import SCOPES
from surveys.base.db import disk_reserve, migrations
from surveys.base.http import context
from surveys.base.version import VERSION
from surveys.commands import members as member_commands

log = structlog.get_logger()


def install(app: Flask) -> None:
    """Add the commands to the app."""
    for command in (serve, worker, migrate, recount, version):
        app.cli.add_command(command)
    app.cli.add_command(keys)
    app.cli.add_command(member_commands.members)


@click.command()
def serve() -> None:
    """Migrate, then run web and worker until SIGTERM."""
    chosen = context.settings()
    _check_address(chosen)
    lock = _lock(chosen)
    prepare(chosen)
    words = welcome(chosen)
    # The worker is forked from here: it must find neither a connection nor a thread of ours.
    the_worker.close()
    db.close_database()
    gc.freeze()
    children = [_Child("web", _start_web), _Child("worker", functools.partial(_start_worker, chosen))]
    result = _supervise(children, functools.partial(_answers, chosen), words)
    if lock is not None:
        lock.close()
    sys.exit(result)


def _check_address(chosen: settings.Settings) -> None:
    """Say at once that somebody else has the port, or that the address is not ours."""
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # As gunicorn does: a port in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((chosen.host, chosen.port))
    except OSError as error:
        raise click.ClickException(
            f"{settings.in_url(chosen.host)}:{chosen.port} cannot be used ({error.strerror}). "
            "Choose another with PORT=… or HOST=…"
        ) from None


#: In DATA_DIR, locked by the one service that runs on the SQLite file there.
LOCK = "service.lock"


def _lock(chosen: settings.Settings) -> IO[str] | None:
    """Be the only service on a SQLite file: two would take each other's jobs. The system unlocks when we are gone.

    On PostgreSQL there may be many. None there, and on a full disk that has no room for the file.
    """
    if not chosen.on_sqlite:
        return None
    try:
        lock = open(chosen.data_dir / LOCK, "a")  # noqa: SIM115
        # Not flock, which a child that was forked would go on holding.
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise click.ClickException(
            f"Another Earshot runs on {chosen.data_dir} already. End that one, or give this one its own DATA_DIR=…"
        ) from None
    except OSError:
        return None
    return lock


def _answers(chosen: settings.Settings) -> bool:
    """Whether the web process answers by now."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(chosen.host, chosen.host)  # noqa: S104
    try:
        with socket.create_connection((own, chosen.port), timeout=1) as line:
            line.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return b" 200 " in line.recv(100)
    except OSError:
        return False


#: A child that lived so long can run here. Whatever ends it later is an accident, and it is started anew for ever.
SETTLED_SECONDS = 10.0

#: Starts of one that has never lived so long, and ends by itself; more would fail too.
STARTS = 3


class _Process(Protocol):
    """What is asked of a process of the service, however it was started."""

    def poll(self) -> int | None:
        """Its exit status, below zero that of a signal; None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""

    def wait(self, timeout: float) -> Any:
        """Return when it has ended; subprocess.TimeoutExpired after `timeout` seconds."""


class _Child:
    """One process of the service, started anew when it dies."""

    def __init__(self, name: str, start: Callable[[], _Process]) -> None:
        self.name, self._start = name, start
        self.process: _Process | None = None
        self.started = -SETTLED_SECONDS
        self.settled, self.failures = False, 0

    def tend(self) -> int | None:
        """Start it if it does not run; the exit status when it cannot run and starting it again makes no sense."""
        status = self.process.poll() if self.process else None
        lived = time.monotonic() - self.started
        if self.process is not None and status is None:
            self.settled = self.settled or lived > SETTLED_SECONDS
            return None
        # One that dies at once is not started anew more than once a second.
        if lived < 1:
            return None
        # Below zero it was a signal: somebody, or the system, ended it.
        if status and status > 0:
            self.failures += 1
            if status == settings.UNUSABLE or (not self.settled and self.failures >= STARTS):
                return status
        if self.process is not None:
            log.error("a process of the service ended and is started anew", process=self.name, status=status)
        self.started = time.monotonic()
        try:
            self.process = self._start()
        except OSError as error:
            # The system has no room for one more process just now; it is asked again in a second.
            log.error("a process of the service cannot be started", process=self.name, error=error.strerror)
            self.process = None
            self.failures += 1
            return None if self.settled or self.failures < STARTS else 1
        return None


def _start_web() -> _Process:
    # A program of its own: counters choose where they live when they are first imported (gunicorn.conf.py).
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            str(settings.ROOT / "gunicorn.conf.py"),
            "wsgi:create_app()",
        ],
        cwd=settings.ROOT,
        env=_environment(),
        start_new_session=True,
        preexec_fn=functools.partial(the_worker.end_with_parent, os.getpid()),
    )


def _start_worker(chosen: settings.Settings) -> _Process:
    return _Forked(functools.partial(_be_worker, chosen))


#: The worker's name in `ps` and `top`.
WORKER_NAME = "earshot-worker"


def _be_worker(chosen: settings.Settings) -> None:
    the_worker.call_this_process(WORKER_NAME)
    the_worker.install(chosen)
    try:
        _work()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


class _Forked:
    """A process that does `verb` with all that this one has imported: for half the start and half the memory."""

    def __init__(self, verb: Callable[[], None]) -> None:
        process = multiprocessing.get_context("fork").Process(
            target=_be_child, args=(verb, os.getpid()), name=WORKER_NAME
        )
        # A signal that came before the child has handlers of its own would be lost to it.
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        self._process = process
        self.terminate, self.kill = process.terminate, process.kill

    def poll(self) -> int | None:
        """Its exit status, below zero that of a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Return when it has ended; subprocess.TimeoutExpired after `timeout` seconds."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(WORKER_NAME, timeout)
        return self._process.exitcode


#: How a service is told to end.
_ENDING = {signal.SIGTERM, signal.SIGINT}


def _be_child(verb: Callable[[], None], parent: int) -> None:
    for each in _ENDING:
        signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    os.setsid()
    the_worker.end_with_parent(parent)
    os.chdir(settings.ROOT)
    verb()


def _environment() -> dict[str, str]:
    """Ours without the settings that are empty: gunicorn reads WEB_CONCURRENCY too, and ends when it is no number."""
    kept = settings.cleaned(os.environ)
    ours = {name for name, _, _ in settings.table()}
    return {name: value for name, value in os.environ.items() if name not in ours or name in kept}


def _supervise(children: Sequence[_Child], answers: Callable[[], bool], words: str) -> int:
    """Run the children; start one anew when it dies; end all on SIGTERM or SIGINT, or when one cannot run.

    Once the service `answers`, its `words` are said.
    """
    stopping, result = False, 0

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        while not stopping:
            for child in children:
                status = child.tend()
                if status is not None:
                    with contextlib.suppress(OSError):
                        click.echo(
                            f"Error: Earshot cannot start: its {child.name} process ended with status {status}. "
                            "What it said stands above.",
                            err=True,
                        )
                    stopping, result = True, status
            if words and not stopping and answers():
                _say(words)
                words = ""
            time.sleep(0.1)
    finally:
        # Whatever ends us: a child that ran on would be waited for, for ever.
        _end([child.process for child in children if child.process is not None])
    return result


def _end(running: Sequence[_Process]) -> None:
    for process in running:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + 30
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()


def prepare(chosen: settings.Settings) -> None:
    """Apply migrations; on a first start make the first key and a survey that is ready."""
    # On a full disk SQLite cannot even be opened; once it is, it can be read.
    with disk_reserve.Room(chosen.data_dir, cli.Away) as room:
        room.do(functools.partial(_prepare, chosen))
    if chosen.on_sqlite:
        disk_reserve.lay(chosen.data_dir)


def _prepare(chosen: settings.Settings) -> None:
    with cli.plainly():
        migrations.up(chosen)
        db.check()
        cli.check_tables()
        sealing.seal_plain()
    if not api_keys.ApiKey.select().exists():
        key = chosen.admin_key or settings.kept_secret(chosen.data_dir / "admin-key")
        api_keys.issue("first key", ["admin"], None, clock.now(), key)
        if not chosen.admin_key and sys.stderr.isatty():
            click.echo(f"The first API key: {key}", err=True)
    catalogue.make_first(clock.now())


def welcome(chosen: settings.Settings) -> str:
    """What to say of where things are."""
    survey = catalogue.ready()
    lines = [f"Earshot is at {links.to('/')}"]
    key = chosen.data_dir / "admin-key"
    if key.exists() and api_keys.look_up(key.read_text().strip()):
        lines.append(f"The first API key lies in {key}")
    elif not chosen.admin_key:
        # After a restore the keys are those of the backup.
        lines.append("API keys: flask --app wsgi keys list, keys create")
    lines += first_sign_in(chosen)
    if survey:
        lines.append(f"Open first: {links.survey_page(survey.id)}")
    lines.append(f"API pages: {links.to('/api/docs')}")
    db.close_database()
    return "\n".join(lines)


def _say(text: str) -> None:
    """Print; a full disk that holds the output keeps the service from nothing."""
    try:
        click.echo(text)
    except OSError:
        # What could not be written stays in the stream, and would fail once more when the process ends.
        sys.stdout = open(sys.stdout.fileno(), "w", closefd=False)  # noqa: SIM115


#: What writing raises on a disk that is full or gone.
_NO_ROOM: tuple[type[Exception], ...] = (*db.FAILURES, OSError)


def first_sign_in(chosen: settings.Settings) -> list[str]:
    """While nobody has joined, make a new link for the first administrator, keep it in DATA_DIR (mode 0600), and say
    where it is. The earlier ones lead nowhere any more.
    """
    path = chosen.data_dir / team.FIRST_SIGN_IN
    path.unlink(missing_ok=True)
    if not members.nobody_joined():
        return []
    try:
        url = team.renewed_first_link(clock.now())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(url + "\n")
    except _NO_ROOM as error:
        # On a full disk answers are still read, and people erased: the service starts.
        return [
            f"No link for the first administrator could be made now ({db.reason(error)}); start again later"
        ]
    where = url if sys.stdout.isatty() else f"by the link in {path}"
    return [f"Sign in as the first administrator: {where}"]


@click.command()
def worker() -> None:
    """Run jobs until SIGTERM: finish the one in hand, then end."""
    _work()


def _work() -> None:
    try:
        if missing := migrations.pending():
            raise click.ClickException(f"Migrations are not applied: {', '.join(missing)}.")
        cli.check_tables()
    except db.FAILURES:
        # The worker waits for a database that is away.
        db.forget_connection()
    the_worker.work()


@click.command()
def version() -> None:
    """Say which version of Earshot this is."""
    click.echo(f"Earshot {VERSION}")


@click.group(cls=AppGroup)
def keys() -> None:
    """API keys: list, create, revoke."""


@keys.command("list")
@cli.with_database
def keys_list() -> None:
    """Keys in use, without their secrets."""
    for key in api_keys.live():
        click.echo(f"{key.id}  {key.prefix}…  {','.join(key.scopes):24}  {key.name}")


@keys.command("create")
@click.option("--name", required=True)
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(list(SCOPES)))
@click.option("--survey", "surveys", multiple=True, help="Limit the key to this survey; may be given again.")
@cli.with_database
def keys_create(name: str, scopes: tuple[str, ...], surveys: tuple[str, ...]) -> None:
    """Make a key and print it, this once."""
    _, secret = api_keys.issue(name, scopes, list(surveys) or None, clock.now())
    click.echo(secret)


@keys.command("revoke")
@click.argument("key_id")
@click.option(
    "--keep-feeds", is_flag=True, help="Leave the saved views of the feed that it made, as the service's."
)
@click.option("--keep-webhooks", is_flag=True, help="Leave the webhooks that it made, as the service's.")
@cli.with_database
def keys_revoke(key_id: str, **keep: bool) -> None:
    """Take a key out of use, at once and everywhere, and with it the saved views and webhooks that it made."""
    kept = [name.removeprefix("keep_") for name, chosen in keep.items() if chosen]
    if not api_keys.revoke(key_id, clock.now(), kept):
        raise click.ClickException("There is no such key.")


@click.group(cls=AppGroup, invoke_without_command=True)
@click.pass_context
def migrate(called: click.Context) -> None:
    """Apply migrations (or: migrate down, migrate status)."""
    if called.invoked_subcommand is None:
        with cli.plainly():
            applied = migrations.up(context.settings())
            cli.check_tables()
            sealing.seal_plain()
        click.echo("\n".join(applied) or "Nothing to apply.")


@migrate.command("down")
@click.argument("target", required=False)
@click.option("--force", is_flag=True, help="Also when the database holds data, which is deleted for good.")
@click.option("--database", help="With --force: the name of the database whose data may go.")
def migrate_down(target: str | None, force: bool, database: str | None) -> None:
    """Take back the last migration, or all back through TARGET. Tables and columns go, with what is in them."""
    with cli.plainly():
        name, kept = db.name(), _kept()
        if kept and not (force and database == name):
            held = ", ".join(f"{count} in {table}" for table, count in kept.items())
            raise click.ClickException(
                f"The database {name} holds data ({held}), which would be lost. Make a backup first; "
                f"then: flask --app wsgi migrate down {target or ''} --force --database {shlex.quote(name)}"
            )
        taken_back = migrations.down(context.settings(), target)
    click.echo("\n".join(taken_back) or "Nothing to take back.")


#: Rows that the first start makes by itself, by table; what is made again without anybody's doing does not count.
_MADE_BY_ITSELF = {
    "api_key": 1,
    "survey": 1,
    "definition": 1,
    **dict.fromkeys(("clock", "idempotent_call", "segment_period", "segment_count"), math.inf),
}


def _kept() -> dict[str, int]:
    """How many rows each table holds, of the tables in which somebody has put something."""
    present = set(db.database.get_tables())
    names = [table._meta.table_name for table in db.registered()]  # type: ignore[attr-defined]
    counts = {name: db.rows_in(name) for name in names if name in present}
    return {name: count for name, count in counts.items() if count > _MADE_BY_ITSELF.get(name, 0)}


@migrate.command("status")
def migrate_status() -> None:
    """Say which migrations are not applied."""
    with cli.plainly():
        missing = migrations.pending()
        if not missing:
            cli.check_tables()
    click.echo("\n".join(missing) or "All applied.")


@click.command()
@click.option("--check", is_flag=True, help="Only compare; exit 1 when counts and responses disagree.")
@cli.with_database
def recount(check: bool) -> None:
    """Count the daily counts, those by segment and those of asks anew (needed after a change of TIME_ZONE)."""
    db.patient()
    found, by_segment = daily_counts.differences(), segment_counts.differences()
    of_asks = ask_counts.differences()
    if not check:
        rows = daily_counts.rebuild(days=True)
        click.echo(f"{rows} daily counts written; {len(found)} had differed.")
        periods = segment_counts.rebuild(clock.now())
        click.echo(f"{periods} days and months counted by segment; {len(by_segment)} counts had differed.")
        days = ask_counts.rebuild(clock.now())
        click.echo(f"{days} days of asks counted; {len(of_asks)} had differed.")
    else:
        click.echo(f"{len(found)} daily counts differ.")
        click.echo(f"{len(by_segment)} counts by segment differ.")
        click.echo(f"{len(of_asks)} counts of asks differ.")
        if found or by_segment or of_asks:
            sys.exit(1)
