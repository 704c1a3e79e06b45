"""A proxy that serves the service under a path, and takes the path away before it asks."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.live import Live, running

#: What belongs to one connection alone (RFC 9110, 7.6.1), and what the proxy says anew.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass
class Prefixed:
    """Where the service is to the world, and what was asked for."""

    url: str
    live: Live | None = None
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    """Method, address and status of each request under the path."""
    astray: list[str] = field(default_factory=list)
    """What was asked for outside the path."""


@contextmanager
def prefixed(directory: Path, path: str, keeps_host: bool = True) -> Iterator[Prefixed]:
    """The service under `path`. `keeps_host`: the proxy passes on by which name it was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    site = Prefixed(f"http://127.0.0.1:{server.server_port}{path}")
    with running(directory, BASE_URL=site.url, TRUSTED_PROXIES="1" if keeps_host else "0") as live:
        site.live = live
        server.RequestHandlerClass = _handler(site, path, keeps_host)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(site: Prefixed, prefix: str, keeps_host: bool) -> type[BaseHTTPRequestHandler]:
    upstream = urlsplit(site.live.url).netloc

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            within = self.path.removeprefix(prefix)
            if within == self.path or within[:1] not in ("", "/", "?"):
                site.astray.append(self.path)
                self._answer(404, [], b"")
                return
            headers = {n: v for n, v in self.headers.items() if n.lower() not in _HOP_BY_HOP}
            headers["Host"] = self.headers["Host"] if keeps_host else upstream
            headers["X-Forwarded-For"] = self.client_address[0]
            headers["X-Forwarded-Proto"] = "http"
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            line = http.client.HTTPConnection(upstream, timeout=30)
            # As proxies do, nothing after the path is its root.
            line.request(self.command, within if within[:1] == "/" else "/" + within, body, headers)
            reply = line.getresponse()
            content = reply.read()
            line.close()
            site.asked.append((self.command, self.path, reply.status))
            self._answer(reply.status, reply.getheaders(), content)

        do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = do_OPTIONS = _pass_on

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
