"""The one HTTP client: what it reaches, what it refuses, how it ends."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from surveys.base.delivery import client, deadline
from surveys.base.delivery.client import Blocked, Client, Unreached
from surveys.base.delivery.message import DeliveryFailed
from tests.dripping import says, serving


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.seen.append(
            (self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
        )
        self._answer(201, b'{"ok": true}')

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers), b""))
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/large":
            self._answer(200, b"x" * 1_000_000)
        elif self.path == "/broken":
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._answer(404, b"no")

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            pass

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.seen, running.url = [], f"http://127.0.0.1:{running.server_address[1]}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def test_a_call_arrives_as_it_was_made(server):
    answer = Client(["127.0.0.0/8"]).call("POST", server.url + "/hook?a=1", b"hello", {"X-Own": "1"})
    assert (answer.status, answer.body) == (201, b'{"ok": true}')
    ((path, headers, body),) = server.seen
    assert (path, headers["X-Own"], headers["User-Agent"], body) == ("/hook?a=1", "1", "Earshot", b"hello")
    assert headers["Host"] == server.url.removeprefix("http://")


def test_a_host_that_the_operator_names_is_reached_by_its_name(server):
    url = server.url.replace("127.0.0.1", "localhost")
    assert Client(["localhost"]).call("GET", url + "/").status == 404
    assert server.seen[0][1]["Host"].startswith("localhost:")


def test_a_redirect_is_an_answer_and_not_followed(server):
    assert Client(["127.0.0.1"]).call("GET", server.url + "/redirect").status == 302
    assert [path for path, *_ in server.seen] == ["/redirect"]


def test_a_large_answer_is_cut(server):
    reaching = Client(["127.0.0.1"])
    assert len(reaching.call("GET", server.url + "/large").body) == client.MOST_BYTES
    assert len(reaching.call("GET", server.url + "/large", most=900_000).body) == 900_000


def test_a_broken_line_may_be_tried_again(server):
    with pytest.raises(DeliveryFailed) as caught:
        Client(["127.0.0.1"]).call("GET", server.url + "/broken")
    assert caught.value.again is True
    assert not isinstance(caught.value, Unreached), "the other end may have done what it was asked for"


def test_who_could_not_be_reached_knows_nothing_of_the_call(server):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        for url in (
            f"http://127.0.0.1:{unused.getsockname()[1]}/",
            "http://10.0.0.1/",
            "http://nowhere.invalid/",
        ):
            with pytest.raises(Unreached):
                Client(["127.0.0.1"]).call("POST", url, b"{}")


OK = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "the status": ("http", says(b"", b"HTTP/1.1 200")),
    "one header": ("http", says(OK + b"X-Long: ", b"x")),
    "headers": ("http", says(OK, b"X: y\r\n")),
    "a redirect": ("http", says(b"HTTP/1.1 302 Found\r\nLocation: /", b"x")),
    "a body of announced length": ("http", says(OK + b"Content-Length: 60000\r\n\r\n", b"x")),
    "a body of any length": ("http", says(OK + b"\r\n", b"x")),
    "a body in chunks": ("http", says(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")),
    "a body that is packed": ("http", says(OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08", b"\0")),
    "TLS": ("https", says(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\0")),
}


@pytest.mark.parametrize("what", DRIPS)
def test_whoever_says_a_letter_at_a_time_is_given_up(what, monkeypatch):
    """The server goes on until we hang up, so without a deadline this does not end."""
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.4)
    scheme, talk = DRIPS[what]
    with serving(talk) as port, pytest.raises(DeliveryFailed, match="too slow") as caught:
        Client(["127.0.0.1"]).call("POST", f"{scheme}://127.0.0.1:{port}/", b"{}")
    assert caught.value.again is True


def test_whoever_reads_nothing_of_what_we_send_is_given_up(monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.4)
    stop = threading.Event()
    with serving(lambda _: stop.wait()) as port:
        with pytest.raises(DeliveryFailed, match="too slow"):
            Client(["127.0.0.1"]).call("POST", f"http://127.0.0.1:{port}/", b"x" * 20_000_000)
        stop.set()


def test_a_name_server_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.1)
    stop = threading.Event()
    monkeypatch.setattr(deadline.socket, "getaddrinfo", lambda *_, **__: stop.wait() and [])
    for attempt in (Client().check, lambda url: Client().call("GET", url)):
        with pytest.raises(DeliveryFailed, match="too slow"):
            attempt("https://desk.example.com/")
    stop.set()


def test_a_call_leaves_no_connection_and_no_watch_behind(server):
    before = threading.active_count()
    for _ in range(3):
        Client(["127.0.0.1"]).call("GET", server.url + "/")
    assert threading.active_count() <= before + 3  # The server's own.
    assert not [thread for thread in threading.enumerate() if "_wait" in thread.name]


def test_a_name_in_any_letters_is_called_as_name_servers_know_it(server, monkeypatch):
    asked = []

    def here(host, port, *args, **options):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(deadline.socket, "getaddrinfo", here)
    port = server.server_address[1]
    assert Client(["127.0.0.1"]).call("GET", f"http://straße.example:{port}/").status == 404
    assert asked[0] == "xn--strae-oqa.example"
    assert server.seen[0][1]["Host"] == f"xn--strae-oqa.example:{port}"


PRIVATE = [
    "127.0.0.1", "127.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "2130706433", "0x7f000001",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[fc00::1]", "[fe80::1]",
    "[fd00:ec2::254]", "[2002:7f00:1::]", "[2001:db8::1]", "[ff02::1]", "[fec0::1]", "localhost",
    # Every form in which IPv6 holds an IPv4 address: compatible, translated, NAT64, 6to4, Teredo, ISATAP.
    "[::127.0.0.1]", "[::10.0.0.1]", "[::93.184.216.34]", "[::ffff:0:127.0.0.1]", "[::ffff:0:93.184.216.34]",
    "[64:ff9b::10.0.0.1]", "[64:ff9b:1::10.0.0.1]", "[64:ff9b:1:a00:0:100::]", "[2002:a00:1::1]",
    "[2001:0:4136:e378:8000:63bf:f5ff:fffe]", "[2001:0:7f00:1:8000:63bf:a247:28dd]",
    "[2606:2800:220:1::5efe:127.0.0.1]", "[2606:2800:220:1:200:5efe:192.168.0.1]", "[fe80::5efe:127.0.0.1]",
    # What nobody was given.
    "[4000::1]", "[200::1]", "[5f00::1]", "[3fff::1]", "[100::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_address_is_refused_when_saved_and_when_called(host):
    for attempt in (Client().check, lambda url: Client().call("GET", url)):
        with pytest.raises(DeliveryFailed) as caught:
            attempt(f"http://{host}/")
        assert isinstance(caught.value, Blocked) or str(caught.value) == "unknown host"


NEVER = [
    "169.254.169.254", "[fe80::1]", "100.100.100.200", "[fd00:ec2::254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a9fe:a9fe]", "[::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[2001:0:4136:e378:8000:63bf:5601:5601]",
    "[::ffff:0:a9fe:a9fe]", "[2606:2800:220:1::5efe:a9fe:a9fe]", "[2606:2800:220:1:200:5efe:a9fe:a9fe]",
    "[64:ff9b:1:a9fe:a9:fe00::]", "[64:ff9b:1:a9:fe:a9fe::]", "[64:ff9b:1:0:a9:fea9:fe00:0]",
    "[2001:0:a9fe:a9fe:8000:63bf:a247:28dd]",
]  # fmt: skip


@pytest.mark.parametrize("host", NEVER)
def test_no_setting_opens_metadata_and_link_local_addresses(host):
    allow = ["0.0.0.0/0", "::/0", host.strip("[]")]
    with pytest.raises(Blocked):
        Client(allow).check(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "file:///etc/passwd", "http://", "//example.com", "example.com", "http://[::1",
        "http://user:pass@example.com/", "http://example.com:99999/", "gopher://example.com/", "",
    ],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused(url):
    with pytest.raises(Blocked):
        Client(["0.0.0.0/0", "::/0"]).call("GET", url)


def test_a_public_address_passes_the_check():
    Client().check("https://93.184.216.34/hook")
    Client().check("http://[2606:2800:220:1:248:1893:25c8:1946]:8080/")
    Client().check("http://[::ffff:93.184.216.34]/")
    Client().check("http://[2606:2800:220:1::5efe:93.184.216.34]/")
    Client(["64:ff9b::/96"]).check("http://[64:ff9b::93.184.216.34]/")


def test_the_address_is_looked_up_once_and_that_one_is_called(server, monkeypatch):
    answers = iter(["127.0.0.1", "10.9.9.9"])
    port = server.server_address[1]

    def once(host, port_, *args, **options):
        address = next(answers) if host == "rebind.example" else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port_))]

    monkeypatch.setattr(deadline.socket, "getaddrinfo", once)
    answer = Client(["127.0.0.0/8"]).call("GET", f"http://rebind.example:{port}/x")
    assert answer.status == 404
    assert server.seen[0][1]["Host"] == f"rebind.example:{port}"
