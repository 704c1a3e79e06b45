"""Real servers for the tests: a private PostgreSQL, Chromium, and Earshot itself as its own process."""

import contextlib
import glob
import json
import os
import pwd
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[1]

#: The whole service: web and worker.
SERVE = (sys.executable, "-m", "flask", "--app", "wsgi", "serve")


@contextlib.contextmanager
def postgres(
    settings: Mapping[str, str] | None = None, parent: str | None = None, proof: str = "scram-sha-256"
) -> "Iterator[Postgres]":
    """A PostgreSQL cluster of our own (UTF-8, C.UTF-8, durable commits) on a free port of 127.0.0.1.

    `settings` are lines for postgresql.conf; `parent` is where its files go if not to the usual place
    for temporary ones; `proof`: how it has passwords proved. It is stopped and removed at the end, also
    when this process is killed.
    As root it runs as the user `postgres`, because PostgreSQL refuses root.
    """
    directory = Path(tempfile.mkdtemp(prefix="earshot-pg-", dir=parent))
    server = Postgres(directory, free_port(), secrets.token_hex(16))
    stop = shlex.join([_postgres_program("pg_ctl"), "stop", "-D", str(server.data), "-m", "immediate", "-s"])
    with _afterwards(f"{_as_unprivileged_shell(stop)} 2>/dev/null; rm -rf {shlex.quote(str(directory))}"):
        server.create(settings or {}, proof)
        server.start()
        yield server


@dataclass(frozen=True)
class Postgres:
    """A running cluster; `start` and `stop` are for tests in which the database goes away."""

    directory: Path
    port: int
    password: str

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.directory / "data"

    @property
    def url(self) -> str:
        """Where the server is, with the superuser and without a database."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}"

    def database_url(self, name: str) -> str:
        """The `DATABASE_URL` of one database, whether it exists or not."""
        return f"{self.url}/{name}"

    def create_database(self, name: str) -> str:
        """Make an empty database and return its `DATABASE_URL`."""
        self._run("createdb", "--template=template0", name)
        return self.database_url(name)

    def copy_database(self, template: str, name: str) -> str:
        """Make a copy of a database that nobody is connected to, and return its `DATABASE_URL`."""
        with psycopg.connect(self.database_url("postgres"), autocommit=True) as connection:
            # From 15 on a copy goes through the log, block by block, unless told otherwise: four times as long.
            strategy = " STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{strategy}'.encode())
        return self.database_url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, with the connections that others still hold; none of that name is fine too."""
        self._run("dropdb", "--force", "--if-exists", name)

    def run_sql(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the superuser, outside any transaction."""
        with psycopg.connect(self.database_url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Start the stopped server and return when it takes connections."""
        self._control("start", "-w", "-t", "60", "-l", str(self.directory / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` hangs up politely, `immediate` is a crash as by kill -9."""
        self._control("stop", "-w", "-m", mode)

    def create(self, settings: Mapping[str, str], proof: str) -> None:
        """Lay out the cluster on disk; `postgres()` calls this once."""
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        for path in (self.directory, password_file):
            if user := _unprivileged_user():
                shutil.chown(path, user)
        # macOS has no C.UTF-8.
        locale = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
        self._as_server(
            "initdb", "-D", str(self.data), "--encoding=UTF8", f"--locale={locale}", "--no-sync",
            "--username=postgres", f"--auth={proof}", f"--pwfile={password_file}",
        )  # fmt: skip
        lines = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "max_connections": "200",
            **settings,
        }
        with open(self.data / "postgresql.conf", "a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in lines.items())

    def _control(self, verb: str, *arguments: str) -> None:
        self._as_server("pg_ctl", verb, "-s", "-D", str(self.data), *arguments)

    def _as_server(self, program: str, *arguments: str) -> None:
        user = _unprivileged_user()
        identity: dict[str, Any] = {}
        if user:
            identity = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
        # Output goes to a file: pg_ctl leaves a server behind that would keep a pipe open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [_postgres_program(program), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.directory,
                **identity,
            )  # fmt: skip
            output.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program} failed: {output.read().decode(errors='replace')}")

    def _run(self, program: str, *arguments: str) -> None:
        connection = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        environment = {**os.environ, "PGPASSWORD": self.password}
        done = subprocess.run(
            [_postgres_program(program), *connection, *arguments],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)


@contextlib.contextmanager
def pooler(server: "Postgres", settings: Mapping[str, str] | None = None) -> "Iterator[Pooler]":
    """PgBouncer in transaction mode in front of `server`, on a free port of 127.0.0.1, for all its databases."""
    directory = Path(tempfile.mkdtemp(prefix="earshot-pool-"))
    port, user = free_port(), _unprivileged_user()
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": str(directory / "users"),
        "pool_mode": "transaction",
        "default_pool_size": "4",
        "max_client_conn": "200",
        **(settings or {}),
    }
    (directory / "users").write_text(f'"postgres" "{server.password}"\n')
    (directory / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\n"
        + "".join(f"{name} = {value}\n" for name, value in lines.items())
    )
    for path in (directory, *directory.iterdir()):
        if user:
            shutil.chown(path, user)
    identity: dict[str, Any] = {"user": user, "extra_groups": []} if user else {}
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(
            [_pooler_program(), "-q", str(directory / "pgbouncer.ini")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory, **identity,
        )  # fmt: skip
    with _afterwards(f"kill -9 {process.pid} 2>/dev/null; rm -rf {shlex.quote(str(directory))}"):
        end = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(f"{server.url.replace(str(server.port), str(port))}/postgres").close()
                break
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((directory / "log").read_text(errors="replace")) from None
                time.sleep(0.02)
        yield Pooler(server, port)
    process.wait()


@dataclass(frozen=True)
class Pooler:
    """A running PgBouncer."""

    server: "Postgres"
    port: int

    def database_url(self, name: str) -> str:
        """The `DATABASE_URL` of one database by way of the pooler."""
        return self.server.database_url(name).replace(f":{self.server.port}/", f":{self.port}/")


@contextlib.contextmanager
def service(
    environment: Mapping[str, str],
    *,
    command: Sequence[str] = (),
    deadline: float = 60,
    log: Path | None = None,
) -> "Iterator[Service]":
    """Earshot itself: `flask --app wsgi serve` (or `command`) with these settings, ready on a free port.

    What the surrounding environment says about Earshot's settings does not count. `DATA_DIR` must be
    given, so that no test meets the data of a real instance. Stopped at the end, also when we are killed.
    """
    running = Service.start(environment, command=command, deadline=deadline, log=log)
    try:
        yield running
    finally:
        running.stop()


def run_once(environment: Mapping[str, str], *command: str, patience: float = 100) -> Any:
    """A command of Earshot that ends by itself, `serve` by default: its `stdout` with stderr, and `returncode`."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *(command or ["serve"])],
        cwd=ROOT, env={**surroundings(), "PORT": str(free_port()), **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=patience,
    )  # fmt: skip


def begin_once(environment: Mapping[str, str], *command: str) -> "subprocess.Popen[str]":
    """A command of Earshot that ends by itself, begun; `communicate()` gives stdout with stderr."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", *command],
        cwd=ROOT, env={**surroundings(), **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def call(method: str, url: str, body: Any, headers: Mapping[str, str]) -> Any:
    """What a service answers: JSON in, JSON out. Raises urllib.error.HTTPError for a refusal."""
    data = None if body is None else json.dumps(body).encode()
    sent = {**headers, **({"Content-Type": "application/json"} if data else {})}
    with urllib.request.urlopen(urllib.request.Request(url, data, sent, method=method), timeout=30) as answer:
        return json.loads(answer.read())


class Service:
    """One running Earshot: its `url`, its `log`, and its `process`, which leads the group of all its own."""

    def __init__(
        self, process: subprocess.Popen[bytes], url: str, log: Path, guard: contextlib.ExitStack
    ) -> None:
        self.process, self.url, self.log = process, url, log
        self._guard = guard

    @classmethod
    def start(
        cls,
        environment: Mapping[str, str],
        *,
        command: Sequence[str] = (),
        directory: Path = ROOT,
        deadline: float = 60,
        log: Path | None = None,
    ) -> "Service":
        """Start `command` (by default `flask … serve`) in `directory`; return when `/readyz` says 200.

        `log`: where its output goes, if not into a file in `DATA_DIR`.
        Raises TimeoutError after `deadline` seconds, RuntimeError when it ends before; both quote its log.
        """
        port = environment.get("PORT") or str(free_port())
        log = log or Path(environment["DATA_DIR"]) / "service.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        settings = {**surroundings(), "HOST": "127.0.0.1", **environment, "PORT": port}
        with open(log, "ab") as output:
            process = subprocess.Popen(
                command or SERVE,
                cwd=directory, env=settings, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        guard = contextlib.ExitStack()
        guard.enter_context(_afterwards(f"kill -9 -{process.pid} 2>/dev/null"))
        started = cls(process, f"http://127.0.0.1:{port}", log, guard)
        try:
            started.wait_until_ready(deadline)
        except BaseException:
            started.stop()
            raise
        return started

    def wait_until_ready(self, deadline: float = 60) -> None:
        """Ask `/readyz` until it says 200, for `deadline` seconds at most."""
        end = time.monotonic() + deadline
        while not answers(f"{self.url}/readyz"):
            if self.process.poll() is not None:
                raise RuntimeError(f"The service ended with {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > end:
                raise TimeoutError(f"The service was not ready in {deadline} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def stop(self, patience: float = 15) -> int:
        """End it gracefully (SIGTERM), by force after `patience` seconds; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        self.kill()
        return self.process.returncode

    def kill(self) -> None:
        """kill -9 of the whole process group at once, as a power cut would."""
        self._guard.close()
        self.process.wait()

    def log_tail(self, lines: int = 40) -> str:
        """The last lines it wrote to stdout and stderr."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def answers(url: str, timeout: float = 1) -> bool:
    """Whether a GET of `url` gives 200 right now."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError, ValueError):
        return False


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


#: Chromium without windows, which has a package of its own where it has one at all.
HEADLESS = "chromium-headless-shell"


def chromium_path() -> str:
    """The Chromium or Chrome of this machine, or the one that `CHROMIUM` names; LookupError without one.

    The one without windows comes first: it draws the same pages for two thirds of the processor.
    """
    names = (HEADLESS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    applications = (
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    )
    for candidate in (os.environ.get("CHROMIUM", ""), *names, *applications):
        if found := candidate and shutil.which(candidate):
            return found
    raise LookupError("No Chromium here; `make test` installs one.")


def missing() -> list[str]:
    """The Debian packages that tests need and this machine lacks."""
    needs = {
        "postgresql": lambda: _postgres_program("initdb"),
        "pgbouncer": _pooler_program,
        "chromium": chromium_path,
        # The test that the committed widget is what its sources make builds it anew.
        "nodejs npm": _npm,
    }
    lacking = []
    for package, find in needs.items():
        try:
            find()
        except LookupError:
            lacking.append(package)
    return lacking


def quicker() -> list[str]:
    """The Debian packages that tests are quicker with and can do without."""
    return [] if shutil.which(HEADLESS) else [HEADLESS]


def _npm() -> None:
    if not shutil.which("npm"):
        raise LookupError("No npm here; `make test` installs it.")


def _postgres_program(name: str) -> str:
    """Debian keeps the server's programs off the PATH, by version; the newest counts."""
    by_version = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda p: float(p.split("/")[4]))
    found = by_version[-1] if by_version else shutil.which(name)
    if not found:
        raise LookupError(f"No PostgreSQL server here ({name}); `make test` installs one.")
    return found


def _pooler_program() -> str:
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not found:
        raise LookupError("No PgBouncer here; `make test` installs one.")
    return found


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as_unprivileged_shell(command: str) -> str:
    user = _unprivileged_user()
    return f"su -s /bin/sh {user} -c {shlex.quote(command)}" if user else command


def surroundings() -> dict[str, str]:
    """What programs need of our environment, without anything that could be one of Earshot's settings."""
    kept = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "SSL_CERT_FILE")
    prefixes = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return {n: v for n, v in os.environ.items() if n in kept or n.upper().startswith(prefixes)}


@contextlib.contextmanager
def _afterwards(command: str) -> Iterator[None]:
    """Run a shell command when the block ends, however it ends.

    A shell in its own session waits for its standard input to close; the system closes it for us even
    if we are killed, and Ctrl-C on our terminal does not reach that shell.
    """
    guard = subprocess.Popen(
        ["/bin/sh", "-c", f"cat >/dev/null; {command}"],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
    )
    assert guard.stdin
    try:
        yield
    finally:
        guard.stdin.close()
        guard.wait()


if __name__ == "__main__":
    print(*(quicker() if "quicker" in sys.argv else missing()))
