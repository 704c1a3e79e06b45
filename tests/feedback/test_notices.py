"""Rules as whoever makes them meets them: refused where they are wrong, tried on the past, heard when it counts."""

import random
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from surveys.base import clock, delivery
from surveys.base.delivery.client import Blocked
from surveys.models import Response, Webhook
from tests.conftest import ON_SQLITE, Api

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
        for kind in ("answer", "surge", "came_back", "overdue"):
            assert api.post("/api/rules/backtest", rule(kind), 200)["by_chance_per_year"] is None
