"""Rules as whoever makes them meets them: refused where they are wrong, tried on the past, heard when it counts."""

import json
import random
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from standardwebhooks.webhooks import Webhook as Verifier

from feedback import digest_mail
from feedback.domain import alarms
from feedback.models import Topic, TopicStatus
from feedback.notices import rehearsal, watching
from surveys.base import clock, delivery, worker
from surveys.base.delivery import mailed
from surveys.base.delivery.client import Answer, Blocked
from surveys.base.delivery.defusing import JOINER
from surveys.base.delivery.memory import Memory
from surveys.base.delivery.message import DeliveryFailed
from surveys.models import Response, Webhook
from surveys.webhooks import calling
from tests.conftest import ON_SQLITE, POSTGRES_IN_PROVE, Api
from tests.feedback.test_digests import HOSTILE, outside_links, tags_of
from tests.surveys.mail import rules
from tests.visitor import member

TO = [{"kind": "mail", "address": "team@example.com"}]
SLACK = "https://hooks.slack.example/services/T0/B0/secret"


class Outside:
    """Stands for all servers outside."""

    def check(self, url):
        if "10.0.0.1" in url:
            raise Blocked("a private address")


@pytest.fixture
def outside(world):
    found = Outside()
    delivery.use_client(found)
    return found


def rule(kind="answer", **more):
    when = {"kind": kind, **{name: more.pop(name) for name in list(more) if name in OF_WHEN}}
    return {"name": "A rule", "when": when, "to": TO, **more}


OF_WHEN = ("at_or_below", "survey", "floor", "margin")


@ON_SQLITE
def test_a_rule_that_is_wrong_is_told_where(world, api, make, outside):
    survey = make.survey(metric="csat")
    wrong = [
        (rule("never"), "when.kind"),
        (rule("score"), "when.at_or_below"),
        (rule("score", at_or_below=3, floor=5), "when.floor"),
        (rule("score", at_or_below=11), "when.at_or_below"),
        (rule("score", at_or_below=2.5), "when.at_or_below"),
        (rule("score", at_or_below=9, filters={"survey": survey.id}), "when.at_or_below"),
        (rule("value"), "when.survey"),
        (rule("value", survey="sv_nothing"), "when.survey"),
        (rule("value", survey=survey.id, floor=-1), "when.floor"),
        (rule("value", survey=survey.id, floor="5"), "when.floor"),
        (rule("value", survey=survey.id, margin=4), "when.margin"),
        (rule("value", survey=survey.id, segment="colour"), "segment"),
        (rule("value", survey=survey.id, segment="property:"), "segment"),
        (rule("value", survey=survey.id, segment="agent", filters={"agent": "a"}), "segment"),
        (rule("value", survey=survey.id, filters={"sentiment": "negative"}), "filters.sentiment"),
        (rule("answer", segment="agent"), "segment"),
        (rule("answer", filters={"colour": "red"}), "filters.colour"),
        (rule("answer", filters={"sentiment": "furious"}), "filters.sentiment"),
        (rule("answer", filters={"since": "2026-01-01"}), "filters.since"),
        (rule("answer", filters={"topic": "top_nothing"}), "filters.topic"),
        (rule("surge", filters={"sentiment": "negative"}), "filters.sentiment"),
        (rule("overdue", filters={"topic": "top_nothing"}), "filters.topic"),
        (rule() | {"colour": "red"}, "colour"),
        (rule() | {"name": ""}, "name"),
        (rule() | {"to": []}, "to"),
        (rule() | {"to": [{"kind": "pigeon", "address": "x"}]}, "to.0.kind"),
        (rule() | {"to": [{"kind": "mail", "address": "nobody"}]}, "to.0.address"),
        (rule() | {"to": [{"kind": "slack", "address": "ftp://x.example"}]}, "to.0.address"),
        (rule() | {"to": [{"kind": "slack"}]}, "to.0.address"),
        (rule() | {"to": [*TO, {"kind": "teams", "address": "https://10.0.0.1/x"}]}, "to.1.address"),
        (rule() | {"to": [{"id": "wh_other"}]}, "to.0.id"),
        (rule() | {"to": [{"id": "wh_other", "kind": "mail"}]}, "to.0.id"),
    ]
    for body, field in wrong:
        fields = api.post("/api/rules", body, 422)["error"]["fields"]
        assert list(fields) == [field], (body, fields)
        if field not in ("name", "to") and not field.startswith("to."):
            fields = api.post("/api/rules/backtest", body, 422)["error"]["fields"]
            assert list(fields) == [field]
    assert api.get("/api/rules")["items"] == []
    assert Webhook.select().count() == 0


@ON_SQLITE
def test_a_rule_keeps_its_addresses_to_itself(world, api, make, outside):
    survey = make.survey()
    to = [
        *TO,
        {"kind": "slack", "address": SLACK},
        {"kind": "webhook", "address": "https://app.example/hook"},
    ]
    made = api.post("/api/rules", rule("score", at_or_below=6) | {"to": to})
    assert [(each["kind"], each["address"], each["host"]) for each in made["to"]] == [
        ("mail", "team@example.com", None),
        ("slack", None, "hooks.slack.example"),
        ("webhook", "https://app.example/hook", None),
    ]
    assert made["to"][2]["secret"].startswith("whsec_")
    [listed] = api.get("/api/rules")["items"]
    assert "secret" not in str(listed)
    assert "backtest" not in listed
    # They are no webhooks of anybody's, though each has deliveries of its own.
    assert api.get("/api/webhooks")["items"] == []
    _, slack, _ = (each["id"] for each in made["to"])
    api.get(f"/api/webhooks/{slack}", 404)
    api.delete(f"/api/webhooks/{slack}", 404)
    assert api.get(f"/api/webhooks/{slack}/deliveries")["items"] == []
    # Whoever has the tables has no address of a chat.
    stored = Webhook.select(Webhook.url, Webhook.secret.cast("TEXT")).where(Webhook.id == slack).tuples()
    assert SLACK not in str(list(stored))
    path = f"/api/rules/{made['id']}"
    changed = api.patch(path, {"to": [{"id": slack}, {"kind": "discord", "address": "https://d.example/x"}]})
    assert [each["kind"] for each in changed["to"]] == ["slack", "discord"]
    assert "secret" not in str(changed)
    until = clock.stamp(clock.now() + timedelta(days=2))
    assert api.patch(path, {"snoozed_until": until, "name": "Other"})["snoozed_until"] == until
    # A change is held against what stays.
    fields = api.patch(path, {"filters": {"since": "2026-01-01"}}, 422)["error"]["fields"]
    assert list(fields) == ["filters.since"]
    value = {"kind": "value", "survey": survey.id}
    assert api.patch(path, {"when": value})["when"] == {**value, "floor": 5.0, "margin": 0}
    # Who sees some surveys sees no rules of others, and goes with their rules.
    other = make.survey()
    limited = make.key("write", surveys=[other.id])
    body = rule("value", survey=survey.id)
    assert list(Api(world, limited).post("/api/rules", body, 422)["error"]["fields"]) == ["when.survey"]
    theirs = Api(world, limited).post("/api/rules", rule())
    assert [each["id"] for each in Api(world, limited).get("/api/rules")["items"]] == [theirs["id"]]
    Api(world, limited).delete(path, 404)
    [key] = [each for each in api.get("/api/keys")["items"] if each["surveys"] == [other.id]]
    assert [each["id"] for each in key["rules"]] == [theirs["id"]]
    api.delete(f"/api/keys/{key['id']}")
    assert [each["id"] for each in api.get("/api/rules")["items"]] == [made["id"]]
    api.delete(path)
    assert Webhook.select().count() == 0


def year_of(make, survey, now, values, n=40):
    """Answers of the weeks up to `now`, oldest first: each week's value, exactly."""
    for back, value in enumerate(reversed(values), 1):
        at = now - timedelta(weeks=back)
        happy = round(n * (60 + value) / 200)
        for score in [10] * happy + [0] * (n * 60 // 100 - happy) + [8] * (n - n * 60 // 100):
            make.response(survey, score, at)


@POSTGRES_IN_PROVE
def test_a_backtest_says_when_a_rule_would_have_spoken(world, api, make):
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    survey = make.survey()
    chosen = random.Random(1)
    with time_machine.travel(now, tick=False):
        year_of(make, survey, now, [20 + chosen.gauss(0, 4) for _ in range(28)] + [-60] * 3, n=20)
        tried = api.post("/api/rules/backtest", rule("value", survey=survey.id), 200)
        [said] = tried["spoken"]
        assert said["at"] == "2026-11-09T00:00:00.000Z"
        assert "fell from" in said["why"]
        assert tried["watched_weeks"] == 5
        assert tried["by_chance_per_year"] >= 0
        assert tried == api.post("/api/rules/backtest", rule("value", survey=survey.id), 200)
        by_agent = rule("value", survey=survey.id, segment="channel")
        assert len(api.post("/api/rules/backtest", by_agent, 200)["spoken"]) == 1
        none = rule("value", survey=survey.id, filters={"channel": "email"})
        assert api.post("/api/rules/backtest", none, 200) == {
            "spoken": [],
            "times": 0,
            "by_chance_per_year": None,
            "watched_weeks": 0,
        }
        low = api.post("/api/rules/backtest", rule("score", at_or_below=0), 200)
        assert low["times"] == Response.select().where(Response.score == 0).count()
        assert low["by_chance_per_year"] is None
        topic = api.post("/api/topics", {"label": "Parking"})["id"]
        TopicStatus.create(topic=topic, status="came_back", former="shipped", at=now)
        back = api.post("/api/rules/backtest", rule("came_back", filters={"topic": topic}), 200)
        assert [each["at"] for each in back["spoken"]] == [clock.stamp(now)]
        for kind in ("answer", "surge", "came_back", "overdue"):
            assert api.post("/api/rules/backtest", rule(kind), 200)["by_chance_per_year"] is None


class Chats(Outside):
    """Takes what is posted; what is in `dead` answers never."""

    def __init__(self):
        self.taken = []
        self.dead = set()

    def call(self, method, url, body=None, headers=None):
        if url in self.dead:
            raise DeliveryFailed("too slow", again=True)
        self.taken.append((url, json.loads(body), dict(headers)))
        return Answer(204, {}, b"")

    def said(self, url):
        return [body for to, body, _ in self.taken if to == url]


@pytest.fixture
def chats(world):
    found = Chats()
    delivery.use_client(found)
    return found


@pytest.fixture
def mailbox(world):
    found = Memory()
    delivery.use("mail", found)
    return found


def later(world, **time):
    """The worker, now and once some time has passed."""
    world.work()
    with time_machine.travel(clock.now() + timedelta(**time), tick=False):
        world.work()


HOOK = "https://app.example/hook"


def test_a_low_score_is_told_once_everywhere_and_a_dead_chat_delays_nobody(world, api, make, chats, mailbox):
    to = [
        {"kind": "teams", "address": "https://teams.example/dead"},
        *TO,
        {"kind": "slack", "address": SLACK},
        {"kind": "webhook", "address": HOOK},
    ]
    chats.dead = {"https://teams.example/dead"}
    member("viewer", "team@example.com")
    survey = make.survey()
    given = rule("score", at_or_below=6, filters={"has_comment": "1"}) | {"to": to}
    made = api.post("/api/rules", given)
    [key] = [each["secret"] for each in made["to"] if each["kind"] == "webhook"]
    answer = make.answer(survey, score=2)
    world.client.post("/r", json=answer)
    world.client.post("/r", json={**answer, "revision": 2, "comment": "See <!channel> evil.example"})
    make.response(survey, 9, comment="Fine")
    make.response(survey, 1, comment="Old", at=clock.now() - timedelta(days=3))
    world.work()
    assert chats.taken == []
    later(world, minutes=3)
    later(world, minutes=4)
    [message] = chats.said(SLACK)
    assert "Somebody gave 2" in str(message)
    assert "evil.example" not in str(message)
    [told] = mailbox.sent
    assert (told.to, told.subject) == ("team@example.com", "A rule")
    assert "> See <!channel>" in told.text
    # Who knows an answer's own id may write to it.
    for everywhere in (told.text, str(message)):
        assert answer["id"] not in everywhere
    [(_, body, headers)] = [each for each in chats.taken if each[0] == HOOK]
    assert Verifier(key).verify(json.dumps(body, ensure_ascii=False, separators=(",", ":")), headers) == body
    assert body["type"] == "notice.began"
    assert body["data"]["response"]["comment"] == "See <!channel> evil.example"
    [notice] = api.get("/api/notices")["items"]
    assert (notice["rule"], notice["response"], notice["useful"]) == (made["id"], answer["id"], None)
    # The dead one is dead by itself, and what waits for it is not lost.
    [waiting] = api.get(f"/api/webhooks/{made['to'][0]['id']}/deliveries")["items"]
    assert (waiting["state"], waiting["error"]) == ("pending", "too slow")
    # Whoever is erased is in no message that is still to be sent.
    api.delete(f"/api/responses/{answer['id']}")
    assert api.get("/api/notices")["items"] == []
    chats.dead = set()
    later(world, hours=1)
    assert chats.said("https://teams.example/dead") == []


@ON_SQLITE
@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_a_notice_by_mail_looks_as_all_mails_do_and_no_words_break_it(world, words):
    told = {
        "title": f"Low {words}",
        "why": f"Somebody said {words}",
        "quote": words,
        "at": "",
        "kind": "score",
    }
    told |= {
        "lines": [("Topics", words)],
        "link": "http://localhost/x",
        "rule": {"link": "http://localhost/r"},
    }
    mail = json.loads(mailed.Mailed().body({"data": told, "stop": "http://localhost/d/t"}))
    assert rules.broken(mail["html"]) == []
    assert len(mail["html"].encode()) <= digest_mail.MOST_BYTES
    seen = outside_links(mail["html"])
    assert not re.search(r"https?://|<script|[\w]\.example|[\u202a-\u202e]", seen), seen
    names = {name for _, attributes in tags_of(mail["html"]) for name in attributes}
    assert not {each for each in names if each.startswith("on")}
    assert all(f'href="{link}"' in mail["html"] for link in ("http://localhost/x", "http://localhost/d/t"))


@ON_SQLITE
def test_a_rule_is_answered_although_it_cannot_be_tried(world, api, make, outside, monkeypatch):
    monkeypatch.setattr(rehearsal, "backtest", lambda *_, **__: 1 / 0)
    made = api.post("/api/rules", rule("score", at_or_below=3))
    assert made["backtest"] is None
    assert api.patch(f"/api/rules/{made['id']}", {"name": "Other"})["backtest"] is None


def test_no_trial_shuffles_more_weeks_than_one_may_wait_for(monkeypatch):
    series = {at: [alarms.Week(date(2026, 1, 5), 1, 1)] * 78 for at in range(30)}
    monkeypatch.setattr(rehearsal.weeks, "read", lambda *_: series)
    monkeypatch.setattr(alarms, "spells", lambda *_: [])
    monkeypatch.setattr(alarms, "is_watched", lambda _: True)
    orders = []
    monkeypatch.setattr(alarms, "by_chance", lambda _, given, *__: orders.extend(map(tuple, given)))
    tried = {"when": {"kind": "value", "floor": 5, "margin": 1}, "segment": "agent", "filters": {}}
    rehearsal.backtest(tried, None, UTC, datetime(2026, 11, 25, tzinfo=UTC))
    assert len(orders) * 78 * 30 <= 60_000


@ON_SQLITE
def test_a_mail_that_was_leaving_when_its_process_died_leaves_no_second_time(world, api, make, outside):
    class Killed(BaseException):
        pass

    class Dying(Memory):
        def send(self, message, now):
            super().send(message, now)
            raise Killed

    found, later_one = Dying(), Memory()
    delivery.use("mail", found)
    member("viewer", "team@example.com")
    made = api.post("/api/rules", rule())
    path = f"/api/webhooks/{made['to'][0]['id']}"
    make.response(make.survey(), 1)
    api.post(f"{path}/test", None, 202)
    # What has not left is tried again.
    found.failing = DeliveryFailed("busy", again=True)
    calling.deliver()
    [waiting] = api.get(f"{path}/deliveries")["items"]
    assert (waiting["state"], waiting["error"]) == ("pending", "busy")
    found.failing = None
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=False):
        with pytest.raises(Killed):
            calling.deliver()
        delivery.use("mail", later_one)
    with time_machine.travel(clock.now() + timedelta(hours=2), tick=False):
        calling.deliver()
    assert (len(found.sent), later_one.sent) == (1, [])
    [unsure] = api.get(f"{path}/deliveries")["items"]
    assert (unsure["state"], unsure["error"]) == ("dead", "may have arrived")


@ON_SQLITE
def test_a_rule_can_be_tried_snoozed_and_called_nothing(world, api, make, chats):
    survey = make.survey()
    made = api.post(
        "/api/rules", rule("score", at_or_below=3) | {"to": [{"kind": "slack", "address": SLACK}]}
    )
    test = f"/api/webhooks/{made['to'][0]['id']}/test"
    api.post(test, None, 409)
    make.response(survey, 3, comment="Meh", at=clock.now() - timedelta(days=40))
    api.post(test, None, 202)
    world.work()
    assert "Somebody gave 3" in str(chats.said(SLACK))
    path = f"/api/rules/{made['id']}"
    api.patch(path, {"snoozed_until": clock.stamp(clock.now() + timedelta(hours=1))})
    make.response(survey, 1)
    later(world, minutes=3)
    assert len(chats.said(SLACK)) == 1
    [kept] = api.get("/api/notices", rule=made["id"])["items"]
    assert kept["told"] is False
    api.patch(path, {"snoozed_until": None})
    for _ in range(20):
        make.response(survey, 1)
    later(world, minutes=6)
    assert len(chats.said(SLACK)) == 21
    assert "Too often" not in str(chats.said(SLACK)[0])
    assert "Too often" in str(chats.said(SLACK)[-1])
    [listed] = api.get("/api/rules")["items"]
    assert (listed["flapping"], listed["spoken_lately"], listed["suggestion"]) == (True, 21, None)
    for each in api.get("/api/notices")["items"][:3]:
        assert api.patch(f"/api/notices/{each['id']}", {"useful": False})["useful"] is False
    [listed] = api.get("/api/rules")["items"]
    assert listed["suggestion"] == {"kind": "score", "at_or_below": 2}
    # Under other terms it begins anew: nobody called anything of theirs nothing.
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=False):
        assert api.patch(path, {"when": listed["suggestion"]})["suggestion"] is None
    assert list(api.patch("/api/notices/ntc_none", {"useful": 1}, 422)["error"]["fields"]) == ["useful"]
    api.patch("/api/notices/ntc_none", {"useful": None}, 404)


@POSTGRES_IN_PROVE
def test_what_lasts_is_told_when_it_begins_and_when_it_is_over(world, api, make, chats):
    """A value that fell, and a case that is overdue; webhooks hear of both, the feed and Prometheus agree."""
    now = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    survey = make.survey()
    types = [
        "response.created",
        "response.updated",
        "follow_up.opened",
        "follow_up.overdue",
        "follow_up.closed",
    ]
    types += ["value.changed", "topic.came_back", "topic.status_changed"]
    to = {"to": [{"kind": "slack", "address": SLACK}]}
    with time_machine.travel(now, tick=False):
        chosen = random.Random(1)
        year_of(make, survey, now, [20 + chosen.gauss(0, 4) for _ in range(27)], n=20)
        world.work()
        api.post("/api/webhooks", {"url": HOOK, "events": types})
        fell = api.post("/api/rules", rule("value", survey=survey.id) | to)["id"]
        api.post("/api/rules", rule("overdue") | to)
        api.post("/api/rules", rule("came_back") | to)
        watching.look(now)
        world.work()
        assert chats.taken == []
        row = make.response(survey, 0, comment="Broken")
        case = api.post("/api/follow-ups", {"response": row.id})
        topic = api.post("/api/topics", {"label": "Parking"})["id"]
        Topic.update(status="came_back").where(Topic.id == topic).execute()
        for _ in range(19):
            make.response(survey, 0)
        world.work()
    week = now + timedelta(weeks=1)
    with time_machine.travel(week, tick=False):
        for _ in range(2):
            worker.do_duties(week)
            watching.look(week)
            world.work()
        begun = [body["blocks"][1]["text"]["text"].replace(JOINER, "") for body in chats.said(SLACK)]
        assert sorted(each.split()[0] for each in begun) == ["An", "Net", "Parking"]
        # With other terms it looks anew, and what goes on by them too is over only when it is.
        api.patch(f"/api/rules/{fell}", {"when": rule("value", survey=survey.id, floor=4)["when"]})
        for _ in range(20):
            make.response(survey, 10)
        Topic.update(status="seen").where(Topic.id == topic).execute()
        api.patch(f"/api/follow-ups/{case['id']}", {"status": "given_up", "reason": "duplicate", "note": "x"})
    after = week + timedelta(weeks=1)
    with time_machine.travel(after, tick=False):
        for _ in range(2):
            watching.look(after)
            world.work()
        over = [body["blocks"][0]["text"]["text"] for body in chats.said(SLACK)[3:]]
        assert over == ["Over: A rule"] * 3
        heard = [body for to, body, _ in chats.taken if to == HOOK]
        counts = Counter(body["type"] for body in heard)
        assert counts["value.changed"] == 2
        assert [counts[type_] for type_ in types[2:5]] == [1, 1, 1]
        assert counts["topic.came_back"] == 1
        changed = [body["data"] for body in heard if body["type"] == "value.changed"]
        assert [(each["state"], each["survey"]) for each in changed] == [
            ("began", survey.id),
            ("over", survey.id),
        ]
        [closed] = [body["data"] for body in heard if body["type"] == "follow_up.closed"]
        assert (closed["id"], closed["status"]) == (case["id"], "given_up")
        assert "history" not in closed
        # Each response that the feed tells of last is what its last webhook told.
        last = {body["data"]["id"]: body["data"]["version"] for body in heard if body["type"] in types[:2]}
        items = follow(api)
        assert {id_: items[id_]["version"] for id_ in last} == last
        assert len(last) == 40
        text = world.client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).get_data(as_text=True)
        counted = {
            line.split('"')[1]: int(float(line.rpartition(" ")[2]))
            for line in text.splitlines()
            if line.startswith("earshot_events_total{")
        }
        assert {type_: n for type_, n in counted.items() if not type_.startswith("notice.")} == counts
        assert (counted["notice.began"], counted["notice.over"]) == (3, 3)


def follow(api):
    """The newest of each response, as a follower of changes has it."""
    items, cursor = {}, None
    while True:
        page = api.get("/api/feed", order="changed", limit=200, **({"cursor": cursor} if cursor else {}))
        if not page["items"]:
            return items
        items |= {item["id"]: item for item in page["items"]}
        cursor = page["next"]
