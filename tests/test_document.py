"""The OpenAPI document is true: each reply has its shape there, and real replies of every route have that shape."""

import functools
import json
import re
import subprocess
import venv
from collections import defaultdict

import jsonschema_rs
import pytest
from flask.testing import FlaskClient

import feedback.views
import surveys.views
from feedback.dashboard import deeds
from feedback.models import NoticeRule, SavedFeed, TopicIssue
from feedback.notices import watching
from surveys.base import clock, delivery
from surveys.base.accounts import makers
from surveys.base.accounts.audit import AuditEntry
from surveys.base.http import openapi
from surveys.mail import opened_links as opened
from surveys.models import Invitation, Response, Webhook
from tests.conftest import Api
from tests.feedback.trackers.standins import GitHub
from tests.make import EDIT_KEY

#: Shapes that callers make up themselves: any name, any value.
FREE = {
    *("PersonOut.properties", "InvitationOut.properties", "StoredReceipt.body", "PersonExport.tables"),
    *("ResponseOut.answers", "ResponseOut.properties", "FeedItem.answers", "FeedItem.properties"),
    *("SavedFeedOut.filters", "SavedFeedCreated.filters", "RuleOut.filters", "DigestOut.filters"),
    "GoalOut.filters",
    # Groups or scores, and languages, whichever of the two comes first.
    *(f"SurveyOut.{field}" for field in ("follow_up", "thanks", "labels", "choices")),
    *(f"SurveyCreated.{field}" for field in ("follow_up", "thanks", "labels", "choices")),
}  # fmt: skip

#: Changes of what there is one of, and a question whose answer is kept nowhere.
OF_NOTHING = {
    "PUT /api/brand",
    "PUT /api/hours",
    "PUT /api/tags",
    "POST /api/topics/review",
    "POST /api/rules/backtest",
}

#: Names that generated clients have of their own.
TAKEN = {"Response", "Client", "AuthenticatedClient", "Request", "Unset", "File", "Any", "Object", "Error"}


@pytest.fixture(scope="module")
def document():
    """The document of all routes."""
    described = openapi.describe((*surveys.views.BLUEPRINTS, *feedback.views.BLUEPRINTS), "http://localhost")
    return json.loads(json.dumps(described))


def replies(document):
    """Each documented good reply in JSON: (method, path, status) and its schema."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            for status, reply in operation["responses"].items():
                content = reply.get("content", {})
                if status.startswith("2") and "application/json" in content:
                    yield (method.upper(), path, int(status)), content["application/json"].get("schema")


def shapes(document):
    """The schemas that replies are made of, by name."""
    found, waiting = {}, [schema for _, schema in replies(document)]
    while waiting:
        for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(waiting.pop())):
            if name not in found:
                found[name] = document["components"]["schemas"][name]
                waiting.append(found[name])
    return found


def vague(schema):
    """Whether a schema takes anything, or an object of which nothing is said."""
    parts = [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]
    if not schema.keys() & {"type", "$ref", "anyOf", "enum", "const"}:
        return True
    if "object" in schema.get("type", ()) and not schema.get("properties"):
        within = schema.get("additionalProperties")
        return not within or within is True or vague(within)
    return any(map(vague, parts))


def test_every_reply_says_what_it_holds(document):
    assert [call for call, schema in replies(document) if not schema] == []
    known = shapes(document)
    assert not TAKEN & set(document["components"]["schemas"]) - {"Error"}
    assert {"ResponseOut", "TopicOut", "MetricsOut"} <= set(known)
    assert [name for name, shape in known.items() if not shape.get("properties")] == []
    loose = {
        f"{name}.{field}"
        for name, shape in known.items()
        for field, of in shape["properties"].items()
        if vague(of)
    }
    assert loose == FREE


class Listener:
    """Holds each reply in JSON against the document."""

    def __init__(self, document, app):
        self.schemas = dict(replies(document))
        self.components = {"components": document["components"]}
        self.addresses = app.url_map.bind("localhost")
        self.checks, self.seen, self.wrong = {}, set(), []

    def client(self, app, **options):
        """A caller whose replies are heard, also those that Flask never sees."""
        listener = self

        class Heard(FlaskClient):
            def open(self, *args, **more):
                answer = super().open(*args, **more)
                listener.hear(answer)
                return answer

        return Heard(app, **options)

    def hear(self, answer):
        """One reply."""
        if not answer.is_json or answer.status_code == 204:
            return
        rule, _ = self.addresses.match(answer.request.path, answer.request.method, return_rule=True)
        path = re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule)
        call = (answer.request.method, path, answer.status_code)
        schema = self.schemas.get(call)
        if answer.status_code >= 400:
            schema = {"$ref": "#/components/schemas/Error"}
        if schema is None:
            self.wrong.append((call, "is not in the document"))
            return
        self.seen.add(call)
        text = json.dumps(schema)
        if text not in self.checks:
            self.checks[text] = jsonschema_rs.Draft202012Validator(
                {**schema, **self.components}, validate_formats=True
            )
        self.wrong += [
            (call, str(error.instance_path), error.message)
            for error in self.checks[text].iter_errors(answer.get_json())
        ]


def test_real_replies_of_every_route_fit_the_document(world, api, make, document, monkeypatch):
    listener = Listener(document, world.app)
    monkeypatch.setattr(world.app, "test_client", functools.partial(listener.client, world.app))
    go_everywhere(world, api, make)
    by_example(api, document, listener.seen)
    assert listener.wrong == []
    documented = {call for call, schema in replies(document) if "openapi" not in call[1]}
    assert documented - listener.seen == set()
    removed(api)
    written_down(world)


def written_down(world):
    """Every route that changes something left a line in the audit log, which says of what; all were called above."""
    changes = {deed for deed in deeds.DEEDS if "/api/" in deed}
    lines = AuditEntry.select(AuditEntry.action, AuditEntry.thing).where(AuditEntry.action.contains("/api/"))
    things = defaultdict(set)
    for action, thing in lines.tuples():
        things[action].add(thing)
    assert set(things) == changes
    assert {action for action, of in things.items() if None in of} == OF_NOTHING


def go_everywhere(world, api, make):
    """Call every route that answers in JSON, with as much to tell as there can be."""
    for path in ("/healthz", "/readyz"):
        world.client.get(path)
    survey = asked(world, api)
    answered(world, api, make, survey)
    listened_to(world, api, survey)
    kept(world, api, survey)


def by_example(api, document, seen):
    """Call what is left as its own example says: enough for a route that needs nothing else to be there."""
    left = {(method, path) for (method, path, _), _ in replies(document)} - {call[:2] for call in seen}
    for method, path in sorted(left, key=lambda call: (call[0] == "GET", call)):
        body = document["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
        if "{" not in path:
            api.call(method, path, json=body.get("application/json", {}).get("example"))


def asked(world, api):
    """Surveys, people, triggers, invitations, helpdesks; the survey."""
    given = {
        "languages": ["en", "de"],
        "question": {"en": "Would you?"},
        "labels": {"en": {"low": "No", "high": "Yes"}},
        "thanks": {"promoter": {"en": "Thanks!"}},
        "send_window": {"opens": "09:00", "closes": "17:00"},
        "thanks_link": {"text": {"en": "More"}, "url": "https://example.com/"},
        "allowed_origins": ["https://shop.example"],
    }
    survey = api.post("/api/surveys", {"name": "Shop", "metric": "nps", "quarantine_days": 0, **given})
    path = f"/api/surveys/{survey['id']}"
    api.patch(path, {"new_identity_secret": True, "send_window": None})
    world.client.post("/r", json={"survey": survey["id"]}, headers={"Origin": "https://strange.example"})
    for each in ("/api/surveys", path, f"{path}/snippet"):
        api.get(each)
    who = {
        "email": "robin@example.com",
        "name": "Robin",
        "language": "fr",
        "properties": {"plan": "pro", "seats": 3},
    }
    person = api.call("POST", "/api/people", 201, json=who)
    api.call("POST", "/api/people", 200, json=who)
    for method, end in (("GET", ""), ("PATCH", ""), ("GET", "/export"), ("POST", "/unsubscribe")):
        api.call(method, f"/api/people/{person['id']}{end}", 200, json={} if method == "PATCH" else None)
    ticket = {
        "id": "7",
        "number": "35",
        "subject": "Refund",
        "url": "https://desk.example/7",
        "channel": "email",
    }
    about = {
        "agent": {"id": "21", "name": "Sam"},
        "team": {"id": "2", "name": "Returns"},
        "properties": {"vip": True},
    }
    for email in ("ann@example.com", "ben@example.com", "robin@example.com"):
        said = {
            "survey": survey["id"],
            "person": {"email": email},
            "ticket": {**ticket, "id": email[:3]},
            **about,
        }
        receipt = api.call("POST", "/api/triggers", 200, json=said)
        api.get(f"/api/triggers/{receipt['id']}")
        if receipt["invitation"]:
            opened.note(Invitation.get_by_id(receipt["invitation"]["id"]), 7, clock.now())
            api.get(f"/api/invitations/{receipt['invitation']['id']}")
    for each in ("/api/people", "/api/triggers", "/api/invitations"):
        assert api.get(each)["items"]
    replay = {"survey": survey["id"], "since": "2020-01-01T00:00:00Z", "rules": {"quarantine_days": 7}}
    api.call("POST", "/api/triggers/backtest", 200, json=replay)
    back = {"url": "https://desk.example/note", "user": "u", "token": "t"}
    desk = api.post(
        "/api/connections", {"name": "Desk", "kind": "generic", "survey": survey["id"], "proof": "shared"}
    )
    mails = api.post("/api/connections", {"name": "Mails", "kind": "postmark", "secret": "0123456789"})
    path = f"/api/connections/{desk['id']}"
    api.patch(path, {"skip_tags": ["no"], "write_back": back})
    for each in ("/api/connections", path, f"{path}/snippet"):
        api.get(each)
    proof = {"Authorization": f"Bearer {desk['secret']}"}
    world.client.post(f"/in/{desk['id']}", json={"event": "none"}, headers=proof)
    world.client.get(f"/in/{desk['id']}", headers=proof)
    bounce = {"RecordType": "Bounce", "Type": "HardBounce", "Email": "ann@example.com"}
    world.client.post(f"/in/{mails['id']}", json=bounce, headers={"Authorization": "Bearer 0123456789"})
    return survey


def answered(world, api, make, survey):
    """What respondents and their browsers are told; a dozen answers."""
    body = make.answer(survey["id"], score=3, edit_key=EDIT_KEY)
    for revision in (1, 2):
        world.client.post("/r", json={**body, "revision": revision})
    page = f"/w/{survey['id']}"
    world.client.get(f"{page}/origin")
    world.client.post(f"{page}/ask", json={"person": {"id": "cust-1"}, "touchpoint": "checkout"})
    for number in range(12):
        given = {
            "score": number % 11,
            "comment": "The parking was full and the staff terrible." if number % 2 else "Lovely staff!",
            "person": {"id": f"cust-{number}", "name": "Ann"},
            "agent": {"id": "21", "name": "Sam"},
            "team": {"id": "2", "name": None},
            "ticket": {"id": "7", "channel": "email"},
            "answers": {"follow_up": "Price"},
            "properties": {"plan": "pro"},
            "tags": ["vip"],
        }
        imported = api.call("POST", "/api/responses", 201, json={"survey": survey["id"], **given})
    api.call("POST", "/api/responses", 200, json={"survey": survey["id"], **given, "id": imported["id"]})
    world.work()


def listened_to(world, api, survey):
    """Topics, corrections, feed, numbers, drivers."""
    taught = {"label": "Parking", "examples": ["the car park was full", "no space to park"]}
    topic = api.post("/api/topics", taught)["id"]
    other = api.post("/api/topics", {"label": "Staff"})["id"]
    api.patch(
        f"/api/topics/{topic}",
        {"label": "Car park", "owner": "Maya", "issue_url": "https://issues.example/1"},
    )
    rows = api.get("/api/responses", has_comment="1")["items"]
    for row in rows:
        api.patch(f"/api/responses/{row['id']}", {"topics": [topic, other], "sentiment": "negative"})
    case = api.post("/api/follow-ups", {"response": rows[0]["id"]})
    api.post("/api/follow-ups", {"response": rows[0]["id"]}, 200)
    api.patch(f"/api/follow-ups/{case['id']}", {"owner": None, "status": "waiting", "note": "Asked."})
    unhappy = {"survey": survey["id"], "score": 1, "person": {"email": "unhappy@customer.example"}}
    written = api.post("/api/follow-ups", {"response": api.post("/api/responses", unhappy)["id"]})
    for status in (202, 200):
        api.post(
            f"/api/follow-ups/{written['id']}/reply", {"text": "We are sorry.", "language": "en"}, status
        )
        api.call("POST", f"/api/follow-ups/{written['id']}/ask", status)
    world.work()
    for path in ("/api/follow-ups", f"/api/follow-ups/{case['id']}", f"/api/follow-ups/{written['id']}"):
        api.get(path)
    theme = api.post("/api/themes", {"label": "Getting here", "topics": [topic]})["id"]
    api.patch(f"/api/topics/{other}", {"theme": api.post("/api/themes", {"label": "People"})["id"]})
    api.patch(f"/api/themes/{theme}", {"label": "Arrival", "owner": "Maya"})
    api.get("/api/themes")
    part = {"label": "Spaces", "responses": [rows[0]["id"]], "examples": ["no space"]}
    apart = api.post(f"/api/topics/{topic}/split", part)["id"]
    world.work()
    api.get(f"/api/responses/{rows[0]['id']}")
    for query in (
        {},
        {"like": rows[0]["id"]},
        {"order": "changed"},
        {"order": "changed", "sentiment": "positive"},
    ):
        api.get("/api/feed", **query)
    api.delete(f"/api/responses/{rows[-1]['id']}")
    assert any(item.get("deleted") for item in api.get("/api/feed", order="changed")["items"])
    api.call("POST", f"/api/topics/{apart}/merge", 200, json={"into": topic})
    api.patch(f"/api/topics/{topic}", {"status": "shipped", "note": {"en": "There is more room now."}})
    api.get(f"/api/topics/{topic}/effect")
    news = {"survey": survey["id"], "score": 2, "comment": "No space to park again", "contact": "news"}
    spoken = api.post("/api/responses", {**news, "person": {"email": "news@customer.example"}})
    api.patch(f"/api/responses/{spoken['id']}", {"topics": [topic]})
    api.get(f"/api/topics/{topic}/loop")
    loop = api.post(f"/api/topics/{topic}/loop", {"text": {"en": "There is more room now."}}, 202)
    api.get(f"/api/loops/{loop['id']}")
    api.delete(f"/api/loops/{loop['id']}")
    tracked(world, api, topic)
    for card in ("proof", "badge"):
        api.post(f"/api/topics/{topic}/{card}", None)
        api.delete(f"/api/topics/{topic}/{card}")
    for path in ("/api/topics", f"/api/topics/{topic}", f"/api/topics/{apart}"):
        api.get(path, survey=survey["id"])
    gone = api.post("/api/themes", {"label": "Cars"})["id"]
    api.call("POST", f"/api/themes/{gone}/merge", 200, json={"into": theme})
    api.get("/api/sentiment/corrections")
    since = {"survey": survey["id"], "since": "2020-01-01"}
    assert api.get("/api/drivers", **since)["items"]
    assert api.get("/api/drivers", **since, level="theme")["items"]
    for by in ("agent", "team", "topic", "theme", "property:plan"):
        assert api.get("/api/metrics", **since, by=by, interval="month")["groups"]
    api.call("POST", "/api/topics/review", 202)


def tracked(world, api, topic):
    """A tracker, an issue of a topic in it, and what it tells of that."""
    place = GitHub()
    delivery.use_client(place)
    given = {"name": "Shop", "kind": "github", "token": place.token, "secret": place.secret, **place.settings}
    tracker = api.post("/api/trackers", given)
    path = f"/api/trackers/{tracker['id']}"
    api.post(f"{path}/test", None, 200)
    api.patch(path, {"name": "Web shop"})
    api.post(f"/api/topics/{topic}/issue", {"tracker": tracker["id"], "text": "Look at it."}, 202)
    world.work()
    body, headers = place.move(0, "dropped")
    said = world.client.post(f"/trackers/{tracker['id']}", data=body, headers=headers)
    assert said.get_json()["decision"] == "accepted"
    world.work()
    assert api.get(f"/api/topics/{topic}/issue")["proposal"]
    api.patch(f"/api/topics/{topic}/issue", {"decision": "decline", "proposal": "wont_do"})
    api.get(path)
    api.get("/api/trackers")


def kept(world, api, survey):
    """Keys and saved views, and an error."""
    key = api.post("/api/keys", {"name": "x", "scopes": ["write"], "surveys": [survey["id"]]})
    view = {"name": "Unhappy", "filters": {"survey": survey["id"], "sentiment": "negative"}}
    feed = Api(world, key["key"]).post("/api/feeds", view)
    taken_over(api, SavedFeed, f"/api/feeds/{feed['id']}", api_key=makers.SERVICE)
    api.get("/api/feeds")
    api.get("/api/keys")
    member = api.post("/api/members", {"email": "bob@acme.example", "role": "viewer"})
    api.patch(f"/api/members/{member['id']}", {"name": "Bob", "surveys": [survey["id"]]})
    api.get("/api/members")
    api.get("/api/audit")
    hook = {"url": "https://1.1.1.1/hook", "events": ["response.created"], "surveys": [survey["id"]]}
    path = f"/api/webhooks/{api.post('/api/webhooks', hook)['id']}"
    api.post(f"{path}/test", None, 202)
    api.post(f"{path}/replay", {"since": "2020-01-01T00:00:00Z"}, 202)
    api.post(f"{path}/secret", {}, 200)
    taken_over(api, Webhook, path)
    for each in ("/api/webhooks", path, f"{path}/deliveries"):
        api.get(each)
    api.patch(path, {"enabled": False})
    watched_for(api, survey)
    api.delete(f"/api/surveys/{survey['id']}", 409)


def taken_over(api, table, path, **more):
    """Whoever made these is gone."""
    table.update(made_by=f"{makers.MEMBER}gone", **more).execute()
    api.post(f"{path}/take-over", None, 200)


def watched_for(api, survey):
    """Rules of notices, and their backtests."""
    to = [
        {"kind": "slack", "address": "https://1.1.1.1/hook"},
        {"kind": "mail", "address": "bob@acme.example"},
    ]
    made = api.post("/api/rules", {"name": "Low", "when": {"kind": "score", "at_or_below": 6}, "to": to})
    assert made["backtest"]["spoken"]
    row = Response.select().where(Response.score == 2).get()
    watching.consider({"key": row.key, "revision": row.revision}, clock.now())
    [said] = api.get("/api/notices")["items"]
    api.patch(f"/api/notices/{said['id']}", {"useful": True})
    value = {"when": {"kind": "value", "survey": survey["id"]}, "segment": "agent"}
    api.patch(f"/api/rules/{made['id']}", value)
    api.post("/api/rules/backtest", value, 200)
    taken_over(api, NoticeRule, f"/api/rules/{made['id']}")
    api.get("/api/rules")
    api.post("/api/digests", {"email": "board@acme.example", "when": "monthly"})
    api.get("/api/digests")
    aim = {
        "name": "Happier",
        "survey": survey["id"],
        "target": 50,
        "due": "2099-01-01",
        "start": "2098-01-01",
    }
    goal = api.post("/api/goals", aim)
    api.get("/api/goals")
    api.get(f"/api/goals/{goal['id']}")
    api.patch(f"/api/goals/{goal['id']}", {"name": "Happiest"})


def removed(api):
    """Take away, one of each kind, whatever can be taken away."""
    survey = api.post("/api/surveys", {"name": "Short-lived", "metric": "csat"})["id"]
    said = api.post(
        "/api/responses", {"survey": survey, "score": 5, "person": {"email": "gone@customer.example"}}
    )
    asked_for = {
        "survey": survey,
        "person": {"email": "asked@customer.example"},
        "deliver": True,
        "delay_minutes": 60,
    }
    api.call("POST", "/api/triggers", 200, json=asked_for)
    api.call("PUT", "/api/hours", 200, json=api.get("/api/hours"))
    kinds = (
        "invitations",
        "digests",
        "feeds",
        "goals",
        "keys",
        "members",
        "pins",
        "rules",
        "trackers",
        "webhooks",
    )
    api.delete(f"/api/topics/{TopicIssue.get().topic_id}/issue")
    for kind in (*kinds, "connections"):
        newest = api.get(f"/api/{kind}")["items"][0]
        api.delete(f"/api/{kind}/{newest['id']}")
    api.delete(f"/api/responses/{said['id']}")
    api.delete(f"/api/people/{said['person']['id']}")
    api.delete(f"/api/surveys/{survey}", responses="delete")


# --------------------------------------------------------------------------------------------- clients


@pytest.mark.prove
def test_a_client_made_by_openapi_python_client_can_be_imported(document, tmp_path):
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    run = {"check": True, "cwd": tmp_path, "timeout": 600}
    subprocess.run([python, "-m", "pip", "install", "-q", "openapi-python-client==0.29.1"], **run)
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    made = [home / "bin" / "openapi-python-client", "generate", "--path", "openapi.json", "--meta", "none"]
    made += ["--output-path", "client"]
    said = subprocess.run(made, **run, capture_output=True, text=True).stdout
    # It has no words for pictures and mails.
    assert said.count("WARNING") == said.count("Unsupported content_type") < 5, said
    modules = [
        ".".join(path.relative_to(tmp_path).with_suffix("").parts)
        for path in (tmp_path / "client").rglob("*.py")
    ]
    assert len(modules) > 100
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    subprocess.run([python, "-c", code, *modules], **run)


@pytest.mark.prove
def test_types_made_by_openapi_typescript_compile(document, tmp_path):
    run = {"check": True, "cwd": tmp_path, "timeout": 600}
    subprocess.run(["npm", "install", "--silent", "openapi-typescript@7.13.0", "typescript@5.9.3"], **run)
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    bin_ = tmp_path / "node_modules" / ".bin"
    subprocess.run([bin_ / "openapi-typescript", "openapi.json", "-o", "api.ts"], **run)
    (tmp_path / "use.ts").write_text(
        'import type { paths } from "./api";\n'
        'type Feed = paths["/api/feed"]["get"]["responses"]["200"]["content"]["application/json"];\n'
        "export const label = (feed: Feed) => feed.items?.[0]?.sentiment?.label;\n"
    )
    subprocess.run([bin_ / "tsc", "--noEmit", "--strict", "use.ts"], **run)
