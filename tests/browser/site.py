"""A website that embeds a survey, and a small service beside it that keeps what the widget sends."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from surveys.widget.script import Config, files

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width,initial-scale=1">{head}</head>
<body><main><h1>Shop</h1><p>Something worth reading.</p><button id="host">Host button</button>{body}</main>
{end}</body></html>"""

SCRIPT = {"Content-Type": "text/javascript; charset=utf-8", "Access-Control-Allow-Origin": "*"}
STUB = "window.earshot=window.earshot||function(){(earshot.q=earshot.q||[]).push(arguments)};"


@dataclass
class Post:
    """One call of the widget, and the status it was answered with."""

    path: str
    body: dict
    origin: str | None
    status: int


@dataclass
class Site:
    """Pages at `url`, the service at `service`: two origins, as at a customer's.

    A test puts a survey and a page in, drives the browser, and reads `posts`. To run the same tests against
    the real service, replace `service`, `add` and `posts`.
    """

    url: str = ""
    service: str = ""
    posts: list[Post] = field(default_factory=list)
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    scripts: dict[str, bytes] = field(default_factory=dict)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    waiting: int = 0
    """Answers that the service has read and not yet replied to."""
    ready: threading.Event = field(default_factory=threading.Event)
    refuses: str | None = None
    """What is to be done, should the service refuse what comes from the website's pages."""
    ask: dict | int = field(default_factory=lambda: {"ask": True, "invitation": "invitation-token"})

    def add(
        self,
        config: Config,
        path: str = "/",
        *,
        attributes: str = "",
        head: str = "",
        body: str = "",
        calls: str = "",
        nonce: str = "n1",
        **headers: str,
    ) -> str:
        """Put a page that embeds `config` at `path` and return its address.

        `calls` is script that runs before the widget; `headers` are the page's.
        """
        name = self.publish(config)
        stub = f'<script nonce="{nonce}">{STUB}{calls}</script>'
        end = f'{stub}<script async nonce="{nonce}" src="{self.service}{name}" {attributes}></script>'
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.pages[path] = (PAGE.format(head=head, body=body, end=end), named)
        return self.url + path

    def publish(self, config: Config) -> str:
        """Have the service serve the two files of `config`; returns the path of the loader."""
        made = files(config)
        name = f"/w/{config['survey']}.js"
        self.scripts[name] = made.loader
        self.scripts[f"/w/{config['survey']}/{config['language']}.js"] = made.panel
        return name

    @contextmanager
    def slow(self):
        """While this holds, the service reads answers and says nothing."""
        self.ready.clear()
        try:
            yield
        finally:
            self.ready.set()

    def sent(self, path: str) -> list[Post]:
        """Calls whose path ends so, in order of arrival."""
        return [post for post in self.posts if post.path.endswith(path)]

    @property
    def kept(self) -> dict[str, dict]:
        """Accepted answers by id, each field from the highest revision that carried it."""
        rows: dict[str, dict] = {}
        for post in sorted(self.sent("/r"), key=lambda post: post.body["revision"]):
            if post.status in (200, 201):
                rows.setdefault(post.body["id"], {}).update(post.body)
        return rows


@contextmanager
def running():
    """A `Site` whose two servers run until the end of the block."""
    site = Site()
    site.ready.set()
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(site)) for _ in range(2)]
    site.url, site.service = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield site
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path.endswith("/origin"):
                reply = json.dumps({"refused": site.refuses}).encode()
                self._answer(200, reply, SCRIPT | {"Content-Type": "application/json"})
            elif path in site.scripts:
                self._answer(200, site.scripts[path], SCRIPT)
            elif path in site.pages:
                page, headers = site.pages[path]
                self._answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"} | headers)
            else:
                self._answer(204 if path == "/favicon.ico" else 404, b"", {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/r":
                site.waiting += 1
                site.ready.wait(30)
                site.waiting -= 1
            status, headers, reply = (403, {}, {}) if site.refuses else self._decide()
            site.posts.append(Post(self.path, body, self.headers["Origin"], status))
            allow = {
                "Access-Control-Allow-Origin": self.headers["Origin"] or "*",
                "Access-Control-Expose-Headers": "Retry-After",
                "Content-Type": "application/json",
            }
            self._answer(status, json.dumps(reply).encode(), {} if site.refuses else allow | headers)

        def _decide(self) -> tuple[int, dict, dict]:
            if self.path.endswith("/event"):
                return 204, {}, {}
            if self.path.endswith("/ask"):
                return (site.ask, {}, {}) if isinstance(site.ask, int) else (200, {}, site.ask)
            if site.failures:
                return *site.failures.pop(0), {}
            return 201, {}, {}

        def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if status != 204:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
