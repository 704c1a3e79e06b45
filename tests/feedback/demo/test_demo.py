"""The invented year: the same from the same seed, believable, and in every number right."""

import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from feedback.demo import bag, filling, year
from feedback.models import Letter
from feedback.topics import reviews
from surveys import catalogue, daily_counts, events
from surveys.base import clock, jobs
from surveys.domain.metrics import METRICS
from surveys.models import Invitation, Person, Response, Survey

UNTIL = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def asks():
    return year.asks(1, UNTIL, 4000)


def test_a_seed_gives_one_year_and_another_seed_another(asks):
    assert year.asks(1, UNTIL, 4000) == asks
    assert year.asks(2, UNTIL, 4000) != asks


def test_the_year_has_as_many_answers_as_were_asked_for(asks):
    assert sum(ask.score is not None for ask in asks) == pytest.approx(4000, rel=0.05)
    assert len({ask.id for ask in asks}) == len(asks)


def test_things_happen_in_order_and_within_the_year(asks):
    moments = [ask.at or ask.asked_at for ask in asks]
    assert moments == sorted(moments)
    assert UNTIL - timedelta(days=year.DAYS) <= min(ask.asked_at for ask in asks)
    assert max(moments) < UNTIL
    assert all(ask.at > ask.asked_at for ask in asks if ask.invited and ask.at)


def test_scores_fit_their_scales_and_all_languages_speak(asks):
    for ask in asks:
        assert ask.score is None or METRICS[ask.survey].accepts(ask.score)
    assert {ask.language for ask in asks if ask.comment} == set(year.LANGUAGES)


def test_spring_is_bad_because_of_the_parcels(asks):
    months = defaultdict(list)
    for ask in asks:
        if ask.survey == "nps" and ask.score is not None:
            months[ask.at.month].append(METRICS["nps"].group_of(ask.score))
    value = {m: (g.count("promoter") - g.count("detractor")) / len(g) for m, g in months.items()}
    assert max(value[3], value[4]) < min(value[1], value[6], value[10])
    april = [
        ask.comment for ask in asks if ask.language == "en" and ask.at and ask.at.month == 4 and ask.comment
    ]
    parcels = {text for texts in bag.read("en")["delivery"].values() for text in texts}
    assert sum(text in parcels for text in april) > len(april) / 4


def test_most_people_who_get_a_mail_stay_silent(asks):
    mailed = [ask for ask in asks if ask.invited]
    rate = sum(ask.outcome == "answered" for ask in mailed) / len(mailed)
    assert 0.25 < rate < 0.35
    assert {ask.outcome for ask in mailed} == {"answered", "declined", "failed", "sent"}


def test_some_who_write_allow_contact_and_whoever_does_is_known(asks):
    """Without that, nobody could be told what came of what they said."""
    wrote = [ask for ask in asks if ask.comment and ask.person]
    for metric in ("nps", "csat"):
        said = Counter(ask.contact for ask in wrote if ask.survey == metric)
        assert set(said) == {None, "reply", "news", "both"}, said
        assert 0.4 < (said["news"] + said["both"]) / said.total() < 0.7
    assert {ask.contact for ask in asks if ask not in wrote or ask.survey == "ces"} == {None}


def test_the_demo_leaves_others_room_to_write(world, asks, monkeypatch):
    monkeypatch.setattr(filling, "TRANSACTION_SECONDS", 0)
    stored = []

    def sleep(seconds):
        # SQLite's waiters look again after 0.1 s.
        assert seconds > 0.1
        stored.append(Response.select().count())

    monkeypatch.setattr(filling, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    done = []
    filling.fill(asks[:45], clock.now(), done.append)
    assert done == [10, 10, 10, 10, 5]
    # What was stored is there for all by then.
    assert len(set(stored)) >= 4


def test_the_demo_fills_in_a_year_and_does_so_once(world, api):
    runner = world.app.test_cli_runner()
    arguments = ["demo", "--responses", "120", "--until", "2026-11-21"]
    ready = catalogue.ready()
    done = runner.invoke(args=arguments)
    assert done.exit_code == 0, done.output
    count = Response.select().count()
    assert 90 < count < 150
    assert ready is not None
    assert catalogue.ready() == ready
    assert reviews.latest().state == reviews.WAITING
    assert "GET /api/topics shows how far that is" in done.output
    assert "are at http://localhost/team; " in done.output
    assert len(done.output.splitlines()) == 1
    recorded = jobs.Job.select().where(jobs.Job.kind == events.RECORDED)
    assert {job.state for job in recorded} == {jobs.BULK}
    assert "there already" in runner.invoke(args=arguments).output
    assert Response.select().count() == count
    assert daily_counts.differences() == []
    # A few of the unhappy wait for somebody, the newest; and nobody wrote to them.
    waiting = api.get("/api/follow-ups")["items"]
    assert len(waiting) == 5
    whole = [api.get(f"/api/follow-ups/{each['id']}") for each in waiting]
    assert {(each["status"], each["reach"]["why_not"]) for each in whole} == {("new", None)}
    assert not Letter.select().exists()
    # Some may be told what came of it, for they said so where the survey asked.
    asks = {survey.metric: survey.ask_contact for survey in Survey.select()}
    assert asks == {"nps": True, "csat": True, "ces": False}
    assert Response.select().where(Response.contact.in_(("news", "both"))).count() > 3
    # Who may be lost is known at once, long before the night.
    assert api.get("/api/people/lost")["items"]
    assert {survey.metric for survey in Survey.select().where(Survey.product == filling.PRODUCT)} == {
        "nps", "csat", "ces",
    }  # fmt: skip
    support = Survey.get(Survey.product == filling.PRODUCT, Survey.metric == "csat")
    number = api.get("/api/metrics", survey=support.id, by="agent", interval="month")
    assert number["groups"]
    assert 0.15 < number["asked"]["response_rate"] < 0.5
    assert Invitation.select().where(Invitation.status == "answered").count() > 10
    assert Person.select().where(Person.last_answered_at > Person.created_at).count() > 5
    runner.invoke(args=[*arguments, "--again", "--seed", "2"])
    assert Response.select().count() > count * 1.5
    assert Survey.select().where(Survey.product == filling.PRODUCT).count() == 3
