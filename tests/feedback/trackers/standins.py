"""Stand-ins of GitHub, Jira and Linear: they keep issues, answer as the vendors say, and sign their webhooks.

What they answer and sign is what these pages said in November 2026:
https://docs.github.com/en/rest/issues/issues,
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries,
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/,
https://developer.atlassian.com/cloud/jira/platform/webhooks/,
https://linear.app/developers/graphql, https://linear.app/developers/webhooks.

Each takes calls as `surveys.base.delivery.client.Client` does, or over the wire (`serving`).
"""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from surveys.base.delivery.client import Answer, Unreached
from surveys.base.delivery.message import DeliveryFailed

#: What may go wrong with a call that makes something: before it is heard, or once it is done.
REFUSED, SLOW, BROKEN, BUSY = "refused", "slow", "broken", "busy"


def signed(secret, body):
    """The hex HMAC-SHA256 of a body, which all three send."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class StandIn:
    """One tracker with its issues. `next`: what goes wrong with the next call that makes something."""

    token = "token-of-a-test"

    def __init__(self):
        self.issues = []
        self.calls = []
        self.next = None
        self.down = False

    def check(self, url):
        """Every address may be called."""

    def call(self, method, url, body=None, headers=None, most=65536):
        """One call: what it answers, as JSON."""
        if self.down or (self.next == REFUSED and self.makes(method, url, body)):
            self.next = None
            raise Unreached("ConnectionError", again=True)
        headers = {name.lower(): value for name, value in (headers or {}).items()}
        self.calls.append((method, url))
        if not self.knows(headers):
            return self.answer(401, {"message": "Bad credentials"})
        makes = self.makes(method, url, body)
        if makes and self.next == BUSY:
            self.next = None
            return Answer(429, {"Retry-After": "60"}, b"{}")
        status, said = self.handle(method, urlsplit(url), json.loads(body) if body else None)
        if makes and self.next in (SLOW, BROKEN):
            failed, self.next = self.next, None
            if failed == SLOW:
                raise DeliveryFailed("too slow", again=True)
            return Answer(502, {}, b"<html>Bad gateway</html>")
        return self.answer(status, said)

    @staticmethod
    def answer(status, said):
        """As it travels."""
        return Answer(status, {"Content-Type": "application/json"}, json.dumps(said).encode())


class GitHub(StandIn):
    """Of `acme/shop`."""

    kind, secret = "github", "It's a Secret to Everybody"
    settings = {"repository": "acme/shop"}

    def knows(self, headers):
        return headers["authorization"] == f"Bearer {self.token}" and "x-github-api-version" in headers

    def makes(self, method, url, body):
        return method == "POST"

    def handle(self, method, address, body):
        path = address.path.partition("/repos/acme/shop")[2]
        if not path and method == "GET":
            return 200, {"full_name": "acme/shop", "has_issues": True}
        if method == "POST" and path == "/issues":
            made = {
                "number": len(self.issues) + 1,
                "state": "open",
                "state_reason": None,
                "title": body["title"],
                "body": body["body"],
                "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            self.issues.append(made)
            return 201, made
        if path == "/issues":
            asked = parse_qs(address.query)
            newest = list(reversed(self.issues))
            first = (int(asked["page"][0]) - 1) * int(asked["per_page"][0])
            return 200, newest[first : first + int(asked["per_page"][0])]
        number = int(path.removeprefix("/issues/"))
        found = [each for each in self.issues if each["number"] == number]
        return (200, found[0]) if found else (404, {"message": "Not Found"})

    def move(self, at, how):
        """Move an issue; the webhook that tells of it."""
        state = {"done": ("closed", "completed"), "dropped": ("closed", "not_planned"), "open": ("open", "reopened"),
                 "closed": ("closed", "duplicate")}[how]  # fmt: skip
        self.issues[at].update(state=state[0], state_reason=state[1])
        action = "reopened" if how == "open" else "closed"
        return self.hook(at, {"action": action})

    def hook(self, at, more=None):
        body = json.dumps({
            "issue": {"number": self.issues[at]["number"], "state": "open", "comments": len(self.calls)},
            "repository": {"full_name": "acme/shop"}, "sender": {"login": "octocat"}, **(more or {}),
        }).encode()  # fmt: skip
        return body, {
            "X-GitHub-Event": "issues",
            "X-Hub-Signature-256": "sha256=" + signed(self.secret, body),
        }


class Jira(StandIn):
    """Of the project `SHOP`."""

    kind, secret = "jira", "It's a Secret to Everybody"
    settings = {"url": "https://acme.atlassian.net", "project": "SHOP", "user": "bot@acme.example"}

    def knows(self, headers):
        pair = base64.b64encode(f"bot@acme.example:{self.token}".encode()).decode()
        return headers["authorization"] == f"Basic {pair}"

    def makes(self, method, url, body):
        return url.endswith("/issue")

    def handle(self, method, address, body):
        path = address.path.removeprefix("/rest/api/3")
        if path == "/project/SHOP":
            return 200, {"id": "10000", "key": "SHOP", "name": "Web shop", "issueTypes": [{"name": "Task"}]}
        if path == "/issue":
            number = len(self.issues) + 1
            fields = body["fields"]
            status = {"name": "To do", "statusCategory": {"key": "new"}}
            made = {"id": str(10000 + number), "key": f"SHOP-{number}", "fields": {
                **fields, "status": status, "resolution": None}}  # fmt: skip
            self.issues.append(made)
            return 201, {"id": made["id"], "key": made["key"], "self": "https://acme.atlassian.net/x"}
        if path == "/search/jql":
            assert body["jql"].startswith('project = "SHOP" AND created >= "-')
            return 200, {"issues": list(reversed(self.issues)), "isLast": True}
        wanted = path.removeprefix("/issue/")
        found = [each for each in self.issues if wanted in (each["id"], each["key"])]
        return (200, found[0]) if found else (404, {"errorMessages": ["Issue does not exist"], "errors": {}})

    def move(self, at, how):
        category, resolution = {"done": ("done", "Done"), "dropped": ("done", "Won't Do"), "open": ("new", None),
                                "started": ("indeterminate", None), "closed": ("done", "Duplicate")}[how]  # fmt: skip
        fields = self.issues[at]["fields"]
        fields["status"] = {"name": "x", "statusCategory": {"key": category}}
        fields["resolution"] = {"name": resolution} if resolution else None
        return self.hook(at)

    def hook(self, at, more=None):
        body = json.dumps({
            "timestamp": 1795858200000, "webhookEvent": "jira:issue_updated", "user": {"displayName": "Octo Cat"},
            "issue": {"id": self.issues[at]["id"], "key": self.issues[at]["key"]},
            "changelog": {"id": str(len(self.calls))}, **(more or {}),
        }).encode()  # fmt: skip
        return body, {"X-Hub-Signature": "sha256=" + signed(self.secret, body)}


class Linear(StandIn):
    """Of the team `ENG`."""

    kind, secret = "linear", "lin_wh_0123456789"
    settings = {"team": "ENG"}

    def knows(self, headers):
        return headers["authorization"] == self.token

    def makes(self, method, url, body):
        return b"issueCreate" in body

    def handle(self, method, address, body):
        given = body["variables"]
        if "teams(" in body["query"]:
            return 200, {"data": {"teams": {"nodes": [{"id": "team-uuid", "name": "Engineering"}]}}}
        if "issueCreate" in body["query"]:
            assert given["input"]["teamId"] == "team-uuid"
            number = len(self.issues) + 1
            made = {"id": given["input"]["id"], "identifier": f"ENG-{number}", "state": {"type": "backlog"},
                    "url": f"https://linear.app/acme/issue/ENG-{number}/x", **given["input"]}  # fmt: skip
            if any(each["id"] == made["id"] for each in self.issues):
                return 200, {"data": None, "errors": [{"message": "Entity already exists"}]}
            self.issues.append(made)
            return 200, {"data": {"issueCreate": {"success": True, "issue": made}}}
        found = [each for each in self.issues if given["id"] in (each["id"], each["identifier"])]
        if "issues(" in body["query"]:
            return 200, {"data": {"issues": {"nodes": found}}}
        if not found:
            return 200, {"data": None, "errors": [{"message": "Entity not found: Issue"}]}
        return 200, {"data": {"issue": found[0]}}

    def move(self, at, how):
        kinds = {"done": "completed", "dropped": "canceled", "open": "unstarted", "started": "started"}
        self.issues[at]["state"] = {"type": {**kinds, "closed": "duplicate"}[how]}
        return self.hook(at)

    def hook(self, at, more=None):
        body = json.dumps({
            "action": "update", "type": "Issue", "data": {"id": self.issues[at]["id"]}, "actor": {"name": "Octo Cat"},
            "webhookTimestamp": int(datetime.now(UTC).timestamp() * 1000), **(more or {}),
        }).encode()  # fmt: skip
        return body, {"Linear-Signature": signed(self.secret, body)}


class _Door(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        said = self.server.place.call(self.command, f"http://x{self.path}", body, dict(self.headers))
        self.send_response(said.status)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(place):
    """Let a stand-in answer over the wire; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Door) as server:
        server.place = place
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
