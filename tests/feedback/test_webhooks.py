"""Webhooks as their receiver meets them: signed, at least once, in order, and nobody waits for who is slow."""

import json
import re
import threading
import types
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from feedback.models import Topic
from surveys.base import clock, db, delivery, jobs, worker
from surveys.base.delivery.client import Answer, Blocked
from surveys.base.delivery.message import DeliveryFailed
from surveys.models import Webhook, WebhookDelivery, WebhookEvent
from surveys.webhooks import calling, telling
from tests.conftest import ON_SQLITE, Api

URL = "https://receiver.example/hook"


class Receiver:
    """Stands for all servers outside. `answers`: for an address, what it does in turn; then it answers 204."""

    def __init__(self):
        self.calls = []
        self.answers = {}
        self.taken = []

    def check(self, url):
        if "10.0.0.1" in url:
            raise Blocked("a private address")

    def call(self, method, url, body=None, headers=None):
        assert method == "POST"
        self.calls.append((url, dict(headers), body))
        answers = self.answers.get(url, [])
        answer = answers.pop(0) if answers else 204
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        if 200 <= answer < 300:
            self.taken.append((url, headers["webhook-id"], json.loads(body)))
        return Answer(answer, {"Retry-After": "120"} if answer == 429 else {}, b"")

    def types(self, url=URL):
        return [body["type"] for to, _, body in self.taken if to == url]

    def data(self, type_):
        return [body["data"] for _, _, body in self.taken if body["type"] == type_]


@pytest.fixture
def receiver(world):
    found = Receiver()
    delivery.use_client(found)
    return found


@pytest.fixture
def hook(api, receiver):
    """Makes a webhook, for all events unless some are named."""

    def make(*events, url=URL, surveys=None):
        body = {"url": url, "events": list(events or telling.TYPES), "surveys": surveys}
        return api.post("/api/webhooks", body)

    return make


def states(api, hook, **query):
    return [
        (each["type"], each["state"], each["attempts"])
        for each in api.get(f"/api/webhooks/{hook['id']}/deliveries", **query)["items"]
    ]


@pytest.mark.parametrize(("query", "stays"), [({}, False), ({"keep_webhooks": "1"}, True)])
def test_a_webhook_goes_with_the_key_that_made_it(world, api, hook, query, stays):
    ours = hook()
    key = api.post("/api/keys", {"name": "x", "scopes": ["write"]})
    body = {"url": "https://elsewhere.example/hook", "events": ["response.created"]}
    theirs = Api(world, key["key"]).post("/api/webhooks", body)
    (listed,) = [item for item in api.get("/api/keys")["items"] if item["id"] == key["id"]]
    assert listed["webhooks"] == [{"id": theirs["id"], "url": theirs["url"]}]
    assert listed["feeds"] == []
    api.delete(f"/api/keys/{key['id']}", **query)
    left = {item["id"] for item in api.get("/api/webhooks")["items"]}
    assert left == {ours["id"], *([theirs["id"]] if stays else [])}


def test_an_answer_its_changes_and_its_end_are_told_signed_as_the_feed_shows_them(
    world, api, make, hook, receiver
):
    made = hook()
    survey = make.survey()
    row = make.response(survey, 2, comment="The delivery was terribly slow.")
    world.work()
    assert receiver.types()[0] == "response.created"
    assert receiver.data("comment.read")[-1]["sentiment"]["label"] == "negative"
    api.patch(f"/api/responses/{row.id}", {"tags": ["vip"]})
    api.patch(f"/api/responses/{row.id}", {"excluded": True})
    world.work()
    # Each follower ends at the same version: who follows the feed, and who is told.
    [item] = api.get("/api/feed", order="changed")["items"]
    assert receiver.taken[-1][2]["data"] == item
    assert receiver.data("response.updated")[-1]["tags"] == ["vip"]
    api.delete(f"/api/responses/{row.id}")
    world.work()
    [gone] = api.get("/api/feed", order="changed")["items"]
    assert receiver.taken[-1][2]["data"] == {**gone, "survey": survey.id}
    assert [body["data"]["version"] for _, _, body in receiver.taken] == sorted(
        body["data"]["version"] for _, _, body in receiver.taken
    )
    # What the independent library of the specification says of each.
    verifier = Verifier(made["secret"])
    for _, headers, body in receiver.calls:
        told = verifier.verify(body, headers)
        assert set(told) == {"type", "timestamp", "data"}
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body.replace(b"e", b"3", 1), headers)
    ids = [headers["webhook-id"] for _, headers, _ in receiver.calls]
    assert len(set(ids)) == len(ids)
    # Prometheus counts what was queued.
    queued = {}
    for type_ in receiver.types():
        queued[type_] = queued.get(type_, 0) + 1
    text = world.client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).get_data(as_text=True)
    counted = {
        line.split('"')[1]: int(float(line.rpartition(" ")[2]))
        for line in text.splitlines()
        if line.startswith("earshot_events_total{")
    }
    assert counted == queued


@ON_SQLITE
def test_feed_webhooks_and_prometheus_tell_of_one_stream_alike(world, api, make, hook, receiver):
    hook()
    hook("response.updated", url="https://other.example/")
    survey, at, followed = make.survey(), None, {}

    def follow():
        nonlocal at
        while True:
            page = api.get("/api/feed", order="changed", limit=2, **({"cursor": at} if at else {}))
            at = page["next"]
            followed.update({item["id"]: item for item in page["items"]})
            if not page["items"]:
                return

    rows = [make.response(survey, score, comment=f"Parcel {score} came late.") for score in range(5)]
    rows.append(make.response(survey, 9))
    world.work()
    follow()
    api.patch(f"/api/responses/{rows[0].id}", {"tags": ["vip"]})
    api.patch(f"/api/responses/{rows[1].id}", {"excluded": True})
    make.response(survey, 2, id=rows[5].id, revision=2, comment="And then it broke.")
    world.work()
    follow()
    api.patch(f"/api/responses/{rows[0].id}", {"tags": []})
    api.delete(f"/api/responses/{rows[2].id}")
    api.patch(f"/api/responses/{rows[3].id}", {"sentiment": "positive"})
    world.work()
    follow()
    # Each response ends where its last webhook ended.
    told = {}
    for url, _, body in receiver.taken:
        if url == URL:
            told[body["data"]["id"]] = body["data"]
    gone = told.pop(rows[2].id)
    assert gone == {**followed.pop(rows[2].id), "survey": survey.id}
    assert told == followed
    # And so many were counted as were queued; all of them arrived, also those about what is deleted by now.
    queued = Counter(body["type"] for _, _, body in receiver.taken)
    text = world.client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).get_data(as_text=True)
    counted = re.findall(r'^earshot_events_total\{type="(.*?)"\} (\S+)$', text, re.MULTILINE)
    assert {type_: int(float(n)) for type_, n in counted} == queued
    assert queued["response.created"] == 6
    assert queued["response.deleted"] == 1


def test_every_type_of_event_is_one_that_happens(world):
    assert [type_ for type_ in telling.TYPES if telling.view(type_) is None] == []


def test_who_is_slow_or_dead_delays_nobody_and_order_is_kept(world, api, make, hook, receiver):
    """The slow one answers only once the others have heard everything: in one lane nobody ever would."""
    slow, dead, good = (hook("response.created", url=f"https://{name}.example/") for name in ("a", "b", "c"))
    survey = make.survey()
    everything = threading.Event()
    receiver.answers[slow["url"]] = [lambda: 200 if everything.wait(60) else 599]
    receiver.answers[dead["url"]] = [DeliveryFailed("too slow", again=True)] * 3
    rows = [make.response(survey, score) for score in range(6)]
    heard = Receiver.types

    def good_one():
        if len(heard(receiver, good["url"])) == len(rows) - 1:
            everything.set()
        return 200

    receiver.answers[good["url"]] = [good_one] * len(rows)
    world.work()
    assert everything.is_set()
    taken = [body["data"]["id"] for url, _, body in receiver.taken if url == good["url"]]
    assert taken == [row.id for row in rows]
    assert len(heard(receiver, slow["url"])) == len(rows)
    # After two failures in a row the dead one is left alone; everything waits for it, and is heard in the end.
    assert len([url for url, _, _ in receiver.calls if url == dead["url"]]) == 2
    with time_machine.travel(clock.now() + timedelta(seconds=600), tick=True):
        world.work()
    with time_machine.travel(clock.now() + timedelta(seconds=1200), tick=True):
        world.work()
    assert sorted(b["data"]["id"] for u, _, b in receiver.taken if u == dead["url"]) == sorted(taken)
    assert {state for _, state, _ in states(api, dead)} == {"delivered"}


def test_a_later_event_waits_for_an_earlier_one_about_the_same(world, api, make, hook, receiver):
    made = hook("response.created", "response.updated")
    receiver.answers[URL] = [500]
    row, other = (make.response(make.survey(), score) for score in (1, 2))
    world.work()
    assert [item["id"] for item in receiver.data("response.created")] == [other.id]
    api.patch(f"/api/responses/{row.id}", {"tags": ["late"]})
    world.work()
    assert receiver.types() == ["response.created"]
    with time_machine.travel(clock.now() + timedelta(seconds=10), tick=True):
        world.work()
    assert receiver.types() == ["response.created", "response.created", "response.updated"]
    # The same id at every try, and what is told is what stands now.
    tries = [headers["webhook-id"] for _, headers, body in receiver.calls if row.id.encode() in body]
    assert tries[0] == tries[1] != tries[2]
    assert receiver.data("response.created")[-1]["tags"] == ["late"]
    assert states(api, made)[-1] == ("response.created", "delivered", 2)


@ON_SQLITE
def test_the_process_beside_stays_for_what_comes_right_after(world, make, hook, receiver, monkeypatch):
    """Nobody waits for another process, nor for the end of the one that delivered what came before."""
    hook("response.created")
    survey, slept = make.survey(), []
    for _ in range(2):
        make.response(survey, 9)

    def sleep(seconds):
        slept.append(seconds)
        clocks.shift(seconds)
        if len(slept) == 3:
            make.response(survey, 8)
            with monkeypatch.context() as alone:
                # What follows from the answer is the worker's, which delivers nothing meanwhile.
                alone.setattr(worker, "beside", lambda *_, **__: False)
                world.work()

    with time_machine.travel(clock.now(), tick=False) as clocks:
        with monkeypatch.context() as alone:
            alone.setattr(worker, "beside", lambda *_, **__: False)
            world.work()
        assert receiver.taken == []
        monkeypatch.setattr(calling, "time", types.SimpleNamespace(sleep=sleep))
        calling.deliver()
        assert (len(receiver.taken), slept) == (2, []), "only a process of its own stays"
        monkeypatch.setattr(worker, "_is_beside", True)
        calling.deliver()
    assert [body["data"]["score"] for _, _, body in receiver.taken] == [9, 9, 8]
    assert sum(slept[4:]) <= calling.STAY.total_seconds() <= sum(slept[2:])


@ON_SQLITE
def test_the_worker_hears_at_once_when_the_next_try_is(world, make, hook, receiver, monkeypatch):
    hook("response.created")
    receiver.answers[URL] = [500]
    make.response(make.survey(), 9)
    with monkeypatch.context() as alone:
        alone.setattr(worker, "beside", lambda *_, **__: False)
        world.work()
    rung = []
    monkeypatch.setattr(jobs, "_bell", rung.append)
    monkeypatch.setattr(jobs, "_next_ring", 0.0)
    calling.deliver()
    assert len(receiver.calls) == len(rung) == 1


def test_what_never_arrives_is_dead_and_seen_and_can_be_sent_again(world, api, make, hook, receiver):
    made = hook("response.created")
    receiver.answers[URL] = [302] * (len(jobs.RETRY_AFTER) + 1)
    row = make.response(make.survey(), 9)
    world.work()
    moment = clock.now()
    for seconds in jobs.RETRY_AFTER:
        moment += timedelta(seconds=1.1 * seconds) + calling.RESTS[-1]
        with time_machine.travel(moment, tick=True):
            world.work()
    [(type_, state, attempts)] = states(api, made, state="dead")
    assert (type_, state, attempts) == ("response.created", "dead", len(jobs.RETRY_AFTER) + 1)
    day = timedelta(days=1)
    queued = api.post(
        f"/api/webhooks/{made['id']}/replay",
        {"since": clock.stamp(row.created_at - day), "until": clock.stamp(row.created_at + day)},
        202,
    )
    assert queued == {"queued": 1}
    world.work()
    assert receiver.types() == ["response.created"]
    assert len({headers["webhook-id"] for _, headers, _ in receiver.calls}) == 1


def test_nothing_is_sent_of_what_was_erased_or_is_another_surveys(world, api, make, hook, receiver):
    mine, other = make.survey(), make.survey()
    limited = hook("response.created", "topic.status_changed", url="https://l.example/", surveys=[mine.id])
    everything = hook("response.created", "topic.status_changed")
    dead = [DeliveryFailed("ConnectionError", again=True)]
    receiver.answers[everything["url"]], receiver.answers[limited["url"]] = list(dead), list(dead)
    erased = make.response(mine, 1, comment="zzsecret", person={"id": "ann"})
    world.work()
    assert len(receiver.calls) == 2
    make.response(other, 2)
    api.delete(f"/api/people/{erased.person_id}")
    topic = api.post("/api/topics", {"label": "Delivery", "examples": ["late parcel"]})
    api.patch(f"/api/topics/{topic['id']}", {"status": "planned"})
    api.patch(f"/api/topics/{topic['id']}", {"status": "planned"})
    receiver.calls.clear()
    with time_machine.travel(clock.now() + timedelta(seconds=60), tick=True):
        world.work()
    assert sorted(receiver.types()) == ["response.created", "topic.status_changed"]
    assert receiver.data("topic.status_changed")[0]["status"] == "planned"
    assert receiver.types("https://l.example/") == []
    assert not [body for _, _, body in receiver.calls if b"zzsecret" in body]
    # No response of the survey is in the topic, so it is not for this webhook.
    assert states(api, limited) == [("topic.status_changed", "gone", 0)]


def test_a_secret_is_shown_once_and_lies_sealed(world, api, make, hook, receiver):
    made = hook()
    assert made["secret"].startswith("whsec_")
    kept = db.database.execute_sql("SELECT secret FROM webhook").fetchone()[0]
    assert made["secret"] not in kept
    for shown in (api.get("/api/webhooks")["items"][0], api.get(f"/api/webhooks/{made['id']}")):
        assert set(made) - set(shown) == {"secret"}
    # One that cannot be read signs nothing.
    db.database.execute_sql("UPDATE webhook SET secret = 'gAAAAAx'")
    make.response(make.survey(), 9)
    world.work()
    assert receiver.calls == []
    assert states(api, made)[0][1:] == ("pending", 1)


@ON_SQLITE
def test_a_secret_is_changed_without_an_event_being_refused(world, api, make, hook, receiver):
    made = hook("response.created")
    path, survey = f"/api/webhooks/{made['id']}/secret", make.survey()

    def verified_by():
        receiver.calls.clear()
        make.response(survey, 9)
        world.work()
        [(_, headers, body)] = receiver.calls
        known = []
        for name, secret in secrets.items():
            try:
                Verifier(secret).verify(body, headers)
                known.append(name)
            except WebhookVerificationError:
                pass
        return known

    secrets = {"first": made["secret"], "second": api.post(path, {}, 200)["secret"]}
    assert "secret" not in api.get(f"/api/webhooks/{made['id']}")
    assert verified_by() == ["first", "second"]
    # The answer may be lost: then the receiver knows the first one alone, and somebody asks again.
    for name in ("third", "fourth", "fifth"):
        secrets[name] = api.post(path, {}, 200)["secret"]
    assert verified_by() == list(secrets)
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=True):
        assert verified_by() == ["fifth"]
        secrets["sixth"] = api.post(path, {}, 200)["secret"]
        assert verified_by() == ["fifth", "sixth"]
        for _ in range(telling.MOST_FORMER):
            secrets["seventh"] = api.post(path, {}, 200)["secret"]
        assert verified_by() == ["sixth", "seventh"]
    # One that leaked is good for nothing at once.
    secrets["last"] = api.post(path, {"keep_hours": 0}, 200)["secret"]
    assert verified_by() == ["last"]
    api.post(path, {"keep_hours": 169}, 422)
    api.post("/api/webhooks/wh_nothing/secret", {}, 404)


def test_a_test_sends_the_last_real_case_and_no_replay_repeats_it(world, api, make, hook, receiver):
    survey = make.survey()
    made = hook("follow_up.opened", "comment.read", surveys=[survey.id])
    api.post(f"/api/webhooks/{made['id']}/test", None, 409)
    make.response(survey, 9, comment="Great.")
    make.response(make.survey(), 3, comment="Not of this survey.")
    shown = api.post(f"/api/webhooks/{made['id']}/test", None, 202)
    assert (shown["type"], shown["test"], shown["state"]) == ("comment.read", True, "pending")
    world.work()
    assert [item["comment"] for item in receiver.data("comment.read")] == ["Great.", "Great."]
    assert receiver.taken[0][1] == shown["id"]
    day = timedelta(days=1)
    again = {"since": clock.stamp(clock.now() - day), "until": clock.stamp(clock.now() + day)}
    assert api.post(f"/api/webhooks/{made['id']}/replay", again, 202) == {"queued": 1}
    world.work()
    assert len(receiver.taken) == 3
    # It does not wait behind what could not be delivered.
    receiver.answers[URL] = [500]
    make.response(survey, 8, comment="Fine.")
    world.work()
    shown = api.post(f"/api/webhooks/{made['id']}/test", None, 202)
    world.work()
    assert [id_ for _, id_, _ in receiver.taken[3:]] == [shown["id"]]
    # Who mends something need not wait for the next try.
    api.patch(f"/api/webhooks/{made['id']}", {})
    world.work()
    assert [body["data"]["comment"] for _, _, body in receiver.taken[4:]] == ["Fine."]


def test_a_server_that_is_busy_is_left_alone_and_one_that_wants_no_more_is_not_asked_again(
    world, api, make, hook, receiver
):
    busy, gone = (
        hook("response.created", url="https://b.example/"),
        hook("response.created", url="https://g.example/"),
    )
    receiver.answers |= {busy["url"]: [429], gone["url"]: [410]}
    for score in (1, 2):
        make.response(make.survey(), score)
    world.work()
    assert len(receiver.calls) == 2
    assert api.get(f"/api/webhooks/{busy['id']}")["rests_until"] > clock.stamp(
        clock.now() + timedelta(seconds=60)
    )
    assert api.get(f"/api/webhooks/{gone['id']}")["enabled"] is False
    assert sorted(state for _, state, _ in states(api, gone)) == ["dead", "pending"]
    with time_machine.travel(clock.now() + timedelta(seconds=125), tick=True):
        world.work()
    assert receiver.types(busy["url"]) == ["response.created"] * 2
    # Switched on again, it is told what waited.
    api.patch(f"/api/webhooks/{gone['id']}", {"enabled": True})
    world.work()
    assert receiver.types(gone["url"]) == ["response.created"]


def test_after_a_restore_nothing_that_waited_is_sent_by_itself(world, api, make, hook, receiver):
    made = hook("response.created")
    receiver.answers[URL] = [500]
    make.response(make.survey(), 9)
    world.work()
    db.write(telling.give_up)
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=True):
        world.work()
    assert len(receiver.calls) == 1
    assert states(api, made) == [("response.created", "dead", 1)]


def test_old_events_are_forgotten_with_their_deliveries(world, make, hook, receiver):
    hook("response.created")
    make.response(make.survey(), 9)
    world.work()
    assert telling.tidy(clock.now()) == 0
    assert telling.tidy(clock.now() + telling.KEPT + timedelta(hours=1)) == 1
    assert not WebhookDelivery.select().exists()


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "ftp://x.example/"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["response.vanished"]}, "events.0"),
        ({"surveys": ["sv_none"]}, "surveys"),
        ({"surveys": []}, "surveys"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(api, receiver, changes, field):
    body = {"url": URL, "events": ["response.created"]} | changes
    assert field in api.post("/api/webhooks", body, 422)["error"]["fields"]
    assert not Webhook.select().exists()


def test_a_key_of_some_surveys_has_only_those_told_and_sees_its_own_webhooks(
    world, api, make, hook, receiver
):
    mine, other = make.survey(), make.survey()
    theirs = hook()
    key = type(api)(world, make.key("write", surveys=[mine.id]))
    for surveys in (None, [other.id], [mine.id, other.id]):
        key.post("/api/webhooks", {"url": URL, "events": ["response.created"], "surveys": surveys}, 403)
    made = key.post("/api/webhooks", {"url": URL, "events": ["response.created"], "surveys": [mine.id]})
    key.patch(f"/api/webhooks/{made['id']}", {"surveys": None}, 403)
    assert [row["id"] for row in key.get("/api/webhooks")["items"]] == [made["id"]]
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/deliveries"),
        ("POST", "/test"),
    ):
        key.call(
            method, f"/api/webhooks/{theirs['id']}{path}", 404, **({"json": {}} if method == "PATCH" else {})
        )
    assert WebhookEvent.select().count() == 0
    assert Topic.select().count() == 0
