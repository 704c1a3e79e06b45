"""Numbers over whole days: what a process keeps of them, and what is read for several surveys at once, is what the
responses say."""

import random
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from feedback import drivers, results, rollups, whole_days
from feedback.models import Topic
from surveys import daily_counts, responses
from surveys.base import db
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import DailyCount, Response, Survey
from tests.feedback.test_rollups import NOW, TOPICS, fill, from_the_responses, happen, settle

ZONE = ZoneInfo("Europe/Berlin")
VERBS = ("record", "import", "amend", "exclude", "include", "delete", "move", "roll", "read")


@pytest.fixture
def settings_overrides():
    """Clocks went forward on 29 March 2026."""
    return {"TIME_ZONE": "Europe/Berlin"}


def period(chance):
    """Two midnights or none, the later one sometimes in days to come."""
    days = sorted(chance.sample(range(-5, 60), 2))
    first, last = (schedule.starts_at(date(2026, 3, 18) + timedelta(days=day), ZONE) for day in days)
    return chance.choice([(None, None), (first, None), (None, last), (first, last)])


@pytest.mark.parametrize("seed", range(4))
def test_they_are_what_the_responses_say_after_any_history(world, seed):
    chance = random.Random(seed)
    survey, other = (world.make.survey(segments=["plan", "seats"]) for _ in range(2))
    for topic in TOPICS:
        Topic.create(id=topic, label=topic, created_at=NOW)
    fill(world, survey, 20)
    fill(world, other, 5)
    rollups.roll_up(NOW)
    periods = [period(chance) for _ in range(3)]
    for _ in range(12):
        for since, until in periods:
            check(chance, survey, other, since, until)
        happen(
            world,
            chance.choice((survey, other)),
            chance.choice(VERBS),
            chance.randrange(60),
            chance.randrange(45 * 24),
        )


def check(chance, survey, other, since, until):
    """That every way to ask for a number gives what the responses say."""
    surveys = [Survey.get_by_id(each.id) for each in (survey, other)]
    chosen = chance.choice((surveys, surveys[:1], surveys[1:]))
    interval = chance.choice(results.INTERVALS)
    selection = results.Selection(METRICS["nps"], chosen, since, until, interval)
    found = answers(selection)
    with from_the_responses():
        assert found == answers(selection), selection
    rows = Response.select().where(Response.counted, Response.survey.in_([each.id for each in chosen]))
    scores = [
        row.score
        for row in rows
        if (since is None or row.created_at >= since) and (until is None or row.created_at < until)
    ]
    assert found[1] == {score: scores.count(score) for score in set(scores)}
    # What is asked of one after the other is what each is asked for by itself.
    one_by_one = [alone(each, since, until) for each in surveys]
    with rollups.steady(together=[each.id for each in surveys]):
        assert [alone(each, since, until) for each in surveys] == one_by_one
    # … whatever was asked of which of them before.
    several = [surveys[:1], surveys, surveys[1:]]
    chance.shuffle(several)
    asked = [results.Selection(METRICS["nps"], some, since, until, by="channel") for some in several]
    by_channel = [results.number(each, ZONE, NOW) for each in asked]
    with rollups.steady(together=[each.id for each in surveys]):
        assert [results.number(each, ZONE, NOW) for each in asked] == by_channel


def answers(selection):
    """What is told of a selection in different ways."""
    with rollups.steady():
        return (
            results.number(selection, ZONE, NOW),
            results.scores(selection, ZONE),
            results.fitting(selection, ZONE),
            results.weekly(selection, ZONE),
        )


def alone(survey, since, until):
    """What a page asks of a survey."""
    selection = results.Selection(METRICS["nps"], [survey], since, until)
    number = results.number(results.Selection(METRICS["nps"], [survey], since, until, "week"), ZONE, NOW)
    return results.fitting(selection, ZONE), number, drivers.topics(selection, NOW)


def test_days_that_are_over_are_read_once(world, monkeypatch):
    survey = world.make.survey()
    for day in range(40):
        world.make.response(survey, day % 11, NOW - timedelta(days=45 - day))
    settle()
    selection = results.Selection(METRICS["nps"], [Survey.get_by_id(survey.id)])
    assert results.scores(selection, ZONE) == results.scores(selection, ZONE)
    with rollups.steady():
        before = whole_days.between([survey.id], None, None, ZONE).total()
    # Nobody does that: it shows what is read.
    DailyCount.update(n=DailyCount.n + 1).execute()
    with rollups.steady():
        assert whole_days.between([survey.id], None, None, ZONE).total() == before
    whole_days.forget()
    with rollups.steady():
        assert sum(whole_days.between([survey.id], None, None, ZONE).total().values()) == 2 * sum(
            before.values()
        )
    daily_counts.rebuild()


def test_what_changes_is_read_anew_and_a_deletion_too(world):
    survey = world.make.survey()
    made = [world.make.response(survey, 9, NOW - timedelta(days=45 - day)) for day in range(40)]
    settle()
    selection = results.Selection(METRICS["nps"], [Survey.get_by_id(survey.id)], interval="month")
    assert results.number(selection, ZONE, NOW).n == 40
    responses.exclude(Response.get_by_id(made[3].key), True, NOW)
    assert results.number(selection, ZONE, NOW).n == 39
    responses.delete(Response.get_by_id(made[7].key), NOW)
    assert [point.n for point in results.number(selection, ZONE, NOW).series] == counted_by_month()
    settle()
    assert [point.n for point in results.number(selection, ZONE, NOW).series] == counted_by_month()


def counted_by_month():
    """How many answers each month holds, from the first to the last."""
    with db.snapshot():
        months = [row.day[:7] for row in Response.select().where(Response.counted).order_by(Response.key)]
    return [months.count(month) for month in sorted(set(months))]
