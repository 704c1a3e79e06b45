"""Half-sent requests against gunicorn alone and behind the shipped nginx site: who still answers?

And are clients told apart, and pages compressed, as they should be? See README.md.
"""

import argparse
import contextlib
import getpass
import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import servers
from tests.bench import client

SITE = servers.ROOT / "deploy" / "nginx.conf"

#: What surrounds a site in Debian's nginx.conf, as far as it matters here.
AROUND = """daemon off; master_process on; worker_processes auto; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    access_log off; gzip on; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; scgi_temp_path {folder}/s; uwsgi_temp_path {folder}/u;
    include {folder}/site;
}}
"""

#: Answers a client address may give in a minute in this run.
LIMIT = 5

#: Both ways of being slow: in the head, and in the body.
HALVES = (
    b"GET / HTTP/1.1\r\nHost: surveys.example.com\r\nX-Slow: ",
    b"POST /r HTTP/1.1\r\nHost: surveys.example.com\r\nContent-Type: application/json\r\n"
    b'Content-Length: 1000\r\n\r\n{"id": "',
)

#: Longer than this for an answer, and a client would have given up.
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Door:
    """One way to the service: who knocks there, in the clear or with TLS."""

    name: str
    port: int
    tls: ssl.SSLContext | None

    def open(self, source: str = "127.0.0.1") -> socket.socket:
        """A connection from an address of this machine."""
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS, (source, 0))
        return self.tls.wrap_socket(plain, server_hostname="surveys.example.com") if self.tls else plain

    def ask(
        self, method: str, path: str, body: str | None = None, source: str = "127.0.0.1", **headers: str
    ) -> int:
        """The status of a request; 0 when there is no answer within PATIENCE_SECONDS."""
        line = http.client.HTTPConnection("surveys.example.com", timeout=PATIENCE_SECONDS)
        try:
            line.sock = self.open(source)
            line.request(method, path, body, {"Content-Type": "application/json", **headers})
            return line.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            line.close()


def main() -> None:
    """Try both doors and print; fails when the one with the proxy lets anything through that it promises to keep."""
    arguments = _arguments()
    if not shutil.which("nginx"):
        sys.exit("nginx is not installed: apt-get install nginx-light")
    with tempfile.TemporaryDirectory(prefix="earshot-proxy-") as folder, contextlib.ExitStack() as stack:
        settings = {"DATA_DIR": folder, "TRUSTED_PROXIES": "1", "PUBLIC_LIMIT": str(LIMIT)}
        served = stack.enter_context(
            servers.service({**client.SETTINGS, **settings, "BASE_URL": "https://surveys.example.com"})
        )
        port = int(served.url.rpartition(":")[2])
        survey = client.make_survey(served.url)
        proxied = stack.enter_context(_nginx(Path(folder) / "nginx", port))
        _under_half_sent(Door("gunicorn alone", port, None), arguments.half_sent)
        faults = _under_half_sent(proxied, arguments.half_sent)
        faults += _addresses(proxied, survey)
        faults += _compressed(proxied, survey)
    sys.exit("\n".join(faults) or None)


def _under_half_sent(door: Door, count: int) -> list[str]:
    """What of 20 whole requests is answered while `count` others are left half-sent."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            half = stack.enter_context(door.open())
            half.sendall(HALVES[number % len(HALVES)])
        waits = []
        for _ in range(20):
            begun = time.monotonic()
            status = door.ask("GET", "/readyz")
            waits.append((time.monotonic() - begun) * 1000 if status == 200 else None)
            if waits[:3] == [None] * 3:
                break
    answered = sorted(wait for wait in waits if wait is not None)
    slowest = f", slowest {answered[-1]:.0f} ms" if answered else ""
    print(
        f"{door.name}: {count} half-sent requests, {len(answered)} of {len(waits)} whole ones answered{slowest}"
    )
    return [f"{door.name}: whole requests were not answered"] * (len(answered) < len(waits))


def _addresses(door: Door, survey: str) -> list[str]:
    """Each client is limited by its own address, whatever it says of itself."""

    def answer(source: str, claimed: str) -> int:
        body = json.dumps({"id": str(uuid.uuid4()), "survey": survey, "score": 9})
        return door.ask("POST", "/r", body, source, **{"X-Forwarded-For": claimed})

    given = [answer("127.0.0.2", f"203.0.113.{number}") for number in range(LIMIT + 1)]
    other = answer("127.0.0.3", "127.0.0.2")
    print(f"{door.name}: one client's answers {given}, another's {other}")
    right = given == [201] * LIMIT + [429] and other == 201
    return [] if right else [f"{door.name}: clients are not told apart by their addresses"]


def _compressed(door: Door, survey: str) -> list[str]:
    """nginx compresses pages of customers, and leaves the team's to Earshot, which asks who asked."""

    def encoding(path: str, site: str) -> str | None:
        line = http.client.HTTPConnection("surveys.example.com", timeout=PATIENCE_SECONDS)
        line.sock = door.open()
        with contextlib.closing(line):
            line.request("GET", path, headers={"Accept-Encoding": "gzip", "Sec-Fetch-Site": site})
            return line.getresponse().getheader("Content-Encoding")

    asked = (f"/s/{survey}", "cross-site"), ("/team/sign-in", "none"), ("/team/sign-in", "cross-site")
    found = [encoding(*each) for each in asked]
    print(f"{door.name}: compressed {dict(zip(asked, found, strict=True))}")
    right = found == ["gzip", "gzip", None]
    return [] if right else [f"{door.name}: pages are not compressed as they should be"]


@contextlib.contextmanager
def _nginx(folder: Path, upstream: int) -> Iterator[Door]:
    """nginx with the shipped site, its ports and its certificate replaced and nothing else."""
    folder.mkdir()
    port = servers.free_port()
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
         "/CN=surveys.example.com", "-addext", "subjectAltName=DNS:surveys.example.com",
         "-out", certificate, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    site = SITE.read_text()
    for shipped, ours in (
        ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("listen [::]:443", f"listen [::1]:{port}"),
        ("/etc/letsencrypt/live/surveys.example.com", str(folder)),
    ):
        if shipped not in site:
            raise LookupError(f"{SITE} does not say {shipped}")
        site = site.replace(shipped, ours)
    if not socket.has_dualstack_ipv6():
        site = "\n".join(line for line in site.splitlines() if "[::1]" not in line)
    (folder / "site").write_text(site)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    # Its processes stay ours: another user could not read here.
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"), "-p", str(folder)]
    command += ["-g", f"user {getpass.getuser()};"]
    process = subprocess.Popen(command, start_new_session=True)
    door = Door("behind nginx", port, ssl.create_default_context(cafile=certificate))
    try:
        _wait(lambda: door.ask("GET", "/readyz") == 200, process, folder / "error.log")
        yield door
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 20
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"nginx does not serve: {log.read_text() if log.exists() else ''}")
        time.sleep(0.1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.proxy", description=__doc__)
    parser.add_argument("--half-sent", type=int, default=200, help="requests that are never finished")
    return parser.parse_args()


if __name__ == "__main__":
    main()
