"""The pages of notices: a rule is tried, switched on, judged and silenced by forms alone; digests on the profile."""

import random
from datetime import UTC, datetime, timedelta

import time_machine

from feedback import saved_feeds
from feedback.models import Digest, NoticeRule
from feedback.notices import watching
from surveys.base import clock, delivery
from surveys.base.accounts.caller import Caller
from surveys.base.delivery.client import Answer
from surveys.models import WebhookDelivery
from tests.conftest import ON_SQLITE
from tests.visitor import filled, signed_in

#: A Monday morning.
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)

HOSTILE = "<script>window.hacked = 1</script> \u202ever"


class Chat:
    """Takes what is posted."""

    def __init__(self):
        self.taken = []

    def check(self, url):
        """Every address may be called."""

    def call(self, method, url, body=None, headers=None):
        self.taken.append(url)
        return Answer(204, {}, b"")


def text_of(answer):
    return answer.get_data(as_text=True)


@ON_SQLITE
def test_a_rehearsal_counts_all_says_how_many_are_listed_and_leads_to_each(world, make):
    survey = make.survey()
    rows = [make.response(survey, 1, clock.now() - timedelta(hours=at), comment="slow") for at in range(105)]
    make.response(survey, 1, test=True)
    visitor, page = signed_in(world, "editor"), "/team/notices"
    token = {"token": visitor.forms(page)[0][1]["token"]}
    given = {"kind": "score", "at_or_below": "3", "survey": survey.id, "name": "Low", "carrier": "mail"}
    tried = visitor.post(page, {**token, **given, "do": "try"})
    shown = text_of(tried)
    assert "It would have spoken 105 times" in shown
    assert "20 of 105 are listed, the latest first." in shown
    assert "is worked out for rules of a value only" in shown
    for row in rows[:20]:
        assert f'<a href="/team/feed/{row.id}"><bdi>Somebody gave 1' in shown
    assert f"/team/feed/{rows[20].id}" not in shown
    assert "slow" in text_of(visitor.get(f"/team/feed/{rows[0].id}"))


@ON_SQLITE
def test_a_rule_is_tried_switched_on_judged_and_silenced_by_forms(world, make):
    chat = Chat()
    delivery.use_client(chat)
    with time_machine.travel(NOW, tick=False) as travel:
        visitor, page = signed_in(world, "editor"), "/team/notices"
        survey = make.survey(name=f"Shop {HOSTILE}")
        assert "No rule yet" in text_of(visitor.get(page))
        token = {"token": visitor.forms(page)[0][1]["token"]}

        def sent(**given):
            return visitor.post(page, {**token, **given})

        wrong = sent(do="create", kind="score", name="Low", at_or_below="many", address="x", carrier="mail")
        assert wrong.status_code == 422
        assert 'value="many"' in text_of(wrong)
        nobody = sent(do="try", kind="value", name="Fell", floor="5")
        assert (nobody.status_code, "Name the survey" in text_of(nobody)) == (422, True)
        chosen = random.Random(1)
        for back in range(30, 0, -1):
            value = 20 + chosen.gauss(0, 5) if back > 2 else -60
            happy = max(0, round(0.2 * (60 + value) / 2))
            for score in [10] * happy + [0] * (12 - happy) + [8] * 8:
                make.response(survey, score, NOW - timedelta(weeks=back))
        tried = sent(do="try", kind="value", name="Fell", floor="5", survey=survey.id)
        assert tried.status_code == 200
        assert "It would have spoken once" in text_of(tried)
        assert "By chance alone" in text_of(tried)
        assert NoticeRule.select().count() == 0
        fields = {"kind": "score", "at_or_below": "3", "survey": survey.id, "carrier": "slack"}
        made = sent(do="create", name=f"Low {HOSTILE}", address="https://slack.example/s3cret", **fields)
        assert made.status_code == 303
        one = made.headers["Location"].partition("?")[0]
        hook = {
            "kind": "surge",
            "carrier": "webhook",
            "address": "https://app.example/hook",
            "at_or_below": "",
        }
        with_secret = sent(do="create", name="Hook", survey="", **hook)
        assert "whsec_" in text_of(visitor.get(with_secret.headers["Location"]))
        assert "whsec_" not in text_of(visitor.get(with_secret.headers["Location"]))
        for number in range(3):
            row = make.response(survey, number, comment=HOSTILE)
            watching.consider({"key": row.key, "revision": row.revision}, clock.now())
            travel.shift(timedelta(minutes=5))
        world.work()
        assert chat.taken == ["https://slack.example/s3cret"] * 3
        for address in (page, one):
            shown = text_of(visitor.get(address))
            assert "Somebody gave 2" in shown
            for never in ("s3cret", "<script>window"):
                assert never not in shown
        for form in [each for _, each in visitor.forms(one) if each.get("notice")]:
            assert visitor.post(one, {**form, "do": "nothing"}).status_code == 303
        assert "Make it less strict?" in text_of(visitor.get(one))

        def send(code=303, **given):
            answer = visitor.post(one, {**token, **given})
            assert answer.status_code == code, text_of(answer)

        send(do="less")
        send(do="snooze", days="7")
        assert "Silent until" in text_of(visitor.get(page))
        send(422, do="snooze", days="400")
        send(do="wake")
        send(do="off")
        send(do="on")
        send(422, do="dance")
        send(404, do="test", hook="wh_none")
        rule = NoticeRule.get(NoticeRule.name.startswith("Low"))
        assert (rule.when["at_or_below"], rule.enabled, rule.snoozed_until) == (2, True, None)
        hook_id = next(each["hook"] for _, each in visitor.forms(one) if each.get("hook"))
        send(do="test", hook=hook_id)
        world.work()
        assert len(chat.taken) == 4
        # What was given up can be sent again, by days.
        WebhookDelivery.update(state="dead").where(WebhookDelivery.webhook == hook_id).execute()
        assert "Given up" in text_of(visitor.get(f"{page}?state=dead"))
        replay = {**token, "do": "replay", "hook": hook_id, "since": "2026-11-23", "until": "2026-11-23"}
        again = visitor.post(page, replay)
        assert "3 sent again" in text_of(visitor.get(again.headers["Location"]))
        for wrong in ({"until": "2026-11-01"}, {"until": "9999-12-31"}):
            assert visitor.post(page, {**replay, **wrong}).status_code == 422, wrong
        world.work()
        assert len(chat.taken) == 7
        send(do="delete")
        assert visitor.get(one).status_code == 404
        # A value with too little past is told before the rule is there.
        young = {"kind": "value", "name": "Young", "floor": "5", "survey": make.survey().id}
        young |= {"do": "create", "carrier": "mail", "address": "editor@acme.example"}
        doubt = sent(**young)
        assert (doubt.status_code, "It is not switched on yet" in text_of(doubt)) == (200, True)
        assert NoticeRule.select().where(NoticeRule.name == "Young").count() == 0
        assert visitor.post(page, {**filled(doubt, name="Young", anyway="1"), **young}).status_code == 303


@ON_SQLITE
def test_a_member_chooses_digests_of_their_own(world, make):
    visitor, page = signed_in(world, "viewer"), "/team/profile"
    token = {"token": visitor.forms(page)[0][1]["token"]}
    assert visitor.post(page, {**token, "do": "digest", "when": "weekly", "view": ""}).status_code == 303
    row = Digest.get()
    assert (row.email, row.when, row.confirmed_at is not None) == ("viewer@acme.example", "weekly", True)
    assert "Every week" in text_of(visitor.get(page))
    for wrong in ({"when": "hourly", "view": ""}, {"when": "daily", "view": "feed_none"}):
        assert visitor.post(page, {**token, "do": "digest", **wrong}).status_code == 422
    mine = Caller(row.member, "", frozenset(("read",)), None, row.member)
    view, _ = saved_feeds.save("Unhappy", {"sentiment": "negative"}, mine, clock.now())
    visitor.post(page, {**token, "do": "digest", "when": "daily", "view": view.id})
    assert Digest.get(Digest.when == "daily").filters == {"sentiment": "negative"}
    shown = text_of(visitor.get(page))
    assert "Every day · <bdi>Unhappy</bdi>" in shown
    assert "Every week · <bdi>Everything that I may see</bdi>" in shown
    visitor.post(page, {**token, "do": "no_digest", "digest": row.id})
    assert Digest.get_by_id(row.id).stopped_at is not None
    agent = signed_in(world, "agent")
    assert "Digests" not in text_of(agent.get(page))
