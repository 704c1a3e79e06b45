"""What was told before a restore is told to nobody again by itself, though the rows that say so are gone."""

from datetime import UTC, datetime, timedelta

import time_machine

from feedback import digests
from feedback.models import Digest, FollowUp, Letter, Notice, Topic
from surveys.base import clock, delivery, worker
from surveys.base.delivery.client import Answer
from surveys.base.delivery.memory import Memory
from surveys.keeping import backup
from surveys.models import WebhookDelivery
from tests.conftest import ON_SQLITE
from tests.visitor import member

#: A Wednesday.
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)

SLACK, HOOK = "https://hooks.slack.example/services/T0/B0/secret", "https://app.example/hook"


class Outside:
    """Stands for all servers outside."""

    def __init__(self):
        self.called = []

    def check(self, url):
        """All may be called."""

    def call(self, method, url, body=None, headers=None):
        self.called.append(url)
        return Answer(204, {}, b"")


def an_hour_passes(world, travel, **time):
    travel.shift(timedelta(**time or {"hours": 1}))
    worker.do_duties(clock.now())
    world.work()


def test_what_was_told_before_a_restore_is_told_to_nobody_again(world, api, make, tmp_path):
    mailbox, outside = Memory(), Outside()
    delivery.use("mail", mailbox)
    delivery.use_client(outside)
    survey = make.survey()
    bob = member("viewer", "bob@example.com")
    member("administrator", "lead@example.com")
    with time_machine.travel(NOW, tick=False) as travel:
        api.post("/api/digests", {"email": bob.email, "when": "daily"})
        for kind in ("came_back", "overdue"):
            to = [{"kind": "slack", "address": SLACK}]
            api.post("/api/rules", {"name": kind, "when": {"kind": kind}, "to": to})
        api.post("/api/webhooks", {"url": HOOK, "events": ["topic.came_back", "follow_up.overdue"]})
        row = make.response(survey, 0, comment="Broken")
        api.post("/api/follow-ups", {"response": row.id})
        topic = api.post("/api/topics", {"label": "Parking"})["id"]
        Topic.update(status="came_back").where(Topic.id == topic).execute()
        world.work()
        mailbox.sent.clear()
        backup.write(tmp_path / "backup", world.settings, clock.now())
        travel.shift(timedelta(days=5))
        make.response(survey, 8, comment="Fine")
        an_hour_passes(world, travel, days=1)
        assert sorted(mail.to for mail in mailbox.sent) == ["bob@example.com", "lead@example.com"]
        assert sorted(outside.called) == [HOOK, HOOK, SLACK, SLACK]
        backup.restore(tmp_path / "backup", world.settings, clock.now(), force=True)
        for _ in range(3):
            an_hour_passes(world, travel)
        assert (len(mailbox.sent), len(outside.called)) == (2, 4)
        # It is written down as told; a person can send it, and what happens from now on is told.
        assert FollowUp.get().overdue_at is not None
        assert Notice.select().where(Notice.told).count() == 2
        assert {each.state for each in WebhookDelivery.select()} == {"dead"}
        make.response(survey, 9, comment="Since")
        an_hour_passes(world, travel, days=1)
        assert [mail.to for mail in mailbox.sent[2:]] == ["bob@example.com"]


@ON_SQLITE
def test_a_loop_that_was_closed_before_a_restore_tells_nobody_again(world, api, make, tmp_path):
    mailbox = Memory()
    delivery.use("mail", mailbox)
    with time_machine.travel(NOW, tick=False) as travel:
        topic = api.post("/api/topics", {"label": "Parking"})["id"]
        person = {"email": "ann@x.example"}
        answer = {
            "survey": make.survey().id,
            "score": 2,
            "comment": "No parking.",
            "contact": "news",
            "person": person,
        }
        said = api.post("/api/responses", answer)["id"]
        api.patch(f"/api/responses/{said}", {"topics": [topic]})
        api.patch(f"/api/topics/{topic}", {"status": "shipped"})
        api.post(f"/api/topics/{topic}/loop", {"text": {"en": "There is."}, "holdout": 0.5}, 202)
        backup.write(tmp_path / "backup", world.settings, clock.now())
        an_hour_passes(world, travel, days=61)
        assert [mail.to for mail in mailbox.sent] == ["ann@x.example"]
        backup.restore(tmp_path / "backup", world.settings, clock.now(), force=True)
        assert Letter.get().state == "scheduled"
        for _ in range(3):
            an_hour_passes(world, travel, days=1)
        assert len(mailbox.sent) == 1


@ON_SQLITE
def test_a_look_that_fails_keeps_nothing_from_being_restored(world, make, tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "_last", lambda *_: 1 / 0)
    make.survey()
    Digest.create(
        id="dig_1",
        email="bob@example.com",
        when="daily",
        filters={},
        made_by="",
        created_at=NOW,
        confirmed_at=NOW,
    )
    backup.write(tmp_path / "backup", world.settings, NOW)
    done = backup.restore(tmp_path / "backup", world.settings, NOW, force=True)
    assert done.rows["digest"] == 1
