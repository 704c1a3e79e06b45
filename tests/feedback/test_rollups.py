"""Counts by segment of days that are over: they equal what the responses say, whatever happens to these."""

import threading
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from feedback import corrections, countings, mismatches, results, rollups
from feedback.models import Placement, Reading, Theme, Topic
from feedback.remembered import Remembered
from feedback.topics import rehearsals, reports, reviews, themes, topics
from surveys import catalogue, daily_counts, recording, responses, segment_counts
from surveys.base import clock, db
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.keeping import backup, erasure
from surveys.models import Person, Response, SegmentCount, SegmentPeriod, Survey
from tests.conftest import ON_SQLITE

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 3, 20, 22, 50, tzinfo=UTC)

TOPICS = ("top_a", "top_b", "top_c")
THEMES = ("the_a", "the_b")
COMMENTS = ("Slow", None, " \n", "Late", "Dear")
FEELINGS = ("negative", None, "positive", "neutral")
VALUES = {
    "agent": ("ag_1", "ag_2", None),
    "team": ("tm_1", None),
    "channel": ("widget", "kiosk"),
    "ticket_channel": ("chat", None),
    "touchpoint": ("checkout", "returns", None),
    "language": ("de", "fr", None),
    "topic": (*TOPICS, None),
    "theme": THEMES,
    "property:plan": ("pro", "free", "true", None),
    "property:seats": ("5", "6"),
}


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Hundreds of statements a second, each of which would be written into the log, take five times as long."""
    caplog.set_level("WARNING", logger="peewee")


@pytest.fixture
def settings_overrides():
    """Clocks went forward on 29 March 2026."""
    return {"TIME_ZONE": "Europe/Berlin"}


@contextmanager
def from_the_responses():
    """All is counted from the responses."""
    with mock.patch.object(rollups, "_known", return_value=None):
        yield


def settle():
    """Roll up until nothing is left to be counted from the responses but what is not over.

    On PostgreSQL a tick is settled once every earlier transaction of the server has ended.
    """
    for _ in range(1000):
        rollups.roll_up(NOW)
        ticks = [row.tick for row in SegmentPeriod.select()]
        with db.snapshot():
            if not rollups._changed_days(daily_counts.time_zone(), min(ticks)):
                return
    raise AssertionError("something is always being written")


def numbers(selection):
    """By roll-ups, and from the responses."""
    zone = daily_counts.time_zone()
    by_rollups = results.number(selection, zone, NOW)
    with from_the_responses():
        return by_rollups, results.number(selection, zone, NOW)


def fill(world, survey, count=12):
    """Some answers over two and a half months, with a value for each segment."""
    for number in range(count):
        record(world, survey, number, BEGIN + timedelta(hours=57.7 * number))


def record(world, survey, number, at, **given):
    """An answer as an import brings it; `number` says which values it has."""

    def of(segment):
        values = VALUES[segment]
        return values[number % len(values)]

    values = {"score": number % 11, **{n: of(n) for n in ("channel", "touchpoint", "language")}}
    values["comment"] = COMMENTS[number % len(COMMENTS)]
    values["properties"] = {
        "plan": True if of("property:plan") == "true" else of("property:plan"),
        "seats": 5,
    }
    answer = recording.Answer(
        id=given.pop("id", None) or str(uuid.uuid4()), revision=1, values=values, created_at=at, vouched=True,
        attribution={
            "agent_id": of("agent"), "agent_name": of("agent"), "team_id": of("team"), "team_name": of("team"),
            "ticket_channel": of("ticket_channel"),
        },
        **given,
    )  # fmt: skip
    row, _ = recording.record(survey, answer, NOW)
    if (topic := of("topic")) and not Placement.select().where(Placement.response == row.key).exists():
        others = [each for each in TOPICS[: number % 3] if each != topic]
        db.write(lambda: topics.settle(row.key, [topic, *others], NOW))
        sentiment = FEELINGS[number % 3]
        Placement.update(sentiment=sentiment).where(
            Placement.topic == topic, Placement.response == row.key
        ).execute()
    if number % 5:
        read(row, number)
    return row


def read(row, number):
    """The worker reads the comment of an answer; `number` says as what."""
    score = (-0.9, 0.9, 0.2)[number % 3]
    values = {
        "language": ("de", "it", "el", None)[number % 4], "label": FEELINGS[number % 4],
        "says_nothing": {2: True, 1: None}.get(number % 5, False),
        "text_score": score, "engine": "x", "read_at": NOW,
    }  # fmt: skip
    Reading.insert(key=row.key, **values).on_conflict(conflict_target=[Reading.key], update=values).execute()
    responses.touch(row.key, NOW)


DAYS = st.one_of(st.none(), st.integers(0, 50))
SELECTIONS = st.lists(
    st.tuples(
        DAYS,
        DAYS,
        st.integers(0, 30),
        st.sampled_from([None, "day", "week", "month"]),
        st.sampled_from([None, *VALUES]),
        st.lists(st.sampled_from(sorted(VALUES)), max_size=2, unique=True),
        st.integers(0, 3),
        st.booleans(),
    ),
    min_size=4,
    max_size=7,
)
VERBS = (
    "record", "import", "amend", "exclude", "include", "delete", "erase", "move", "merge", "read", "roll",
    "reassign", "choose", "correct", "under", "join", "silence",
)  # fmt: skip
STEPS = st.lists(
    st.tuples(
        st.sampled_from(VERBS),
        st.integers(0, 60),
        st.integers(0, 45 * 24),
    ),
    max_size=9,
)


@pytest.mark.timeout(300)
@settings(
    max_examples=4,
    # Without the phase that explains, which traces every line; what fails is short enough.
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(first=SELECTIONS, steps=STEPS, then=SELECTIONS)
def test_they_equal_the_responses_after_any_history(world, first, steps, then):
    survey, other = (world.make.survey(segments=["plan", "seats"]) for _ in range(2))
    for topic in TOPICS:
        Topic.insert(id=topic, label=topic, created_at=NOW).on_conflict_ignore().execute()
    Topic.update(merged_into=None).execute()
    for theme in THEMES:
        Theme.insert(id=theme, label=theme, created_at=NOW).on_conflict_ignore().execute()
    Theme.update(merged_into=None).execute()
    fill(world, survey, 18)
    fill(world, other, 4)
    rollups.roll_up(NOW)
    check(first, survey, other)
    for step in steps:
        happen(world, survey, *step)
    check(then, survey, other)
    rollups.roll_up(NOW)
    assert segment_counts.differences() == []
    assert daily_counts.differences() == []
    check(then, survey, other)


def happen(world, survey, verb, which, hours):
    """One thing that happens to the answers of a survey."""
    rows = list(Response.select().where(Response.survey == survey.id).order_by(Response.key))
    row = rows[which % len(rows)] if rows else None
    at = BEGIN + timedelta(hours=hours)
    if verb == "record":
        world.make.response(survey, which % 11, at, person={"id": f"who{which % 5}"}, comment="Slow")
    elif verb == "import":
        record(world, survey, which, at)
    elif verb == "roll":
        rollups.roll_up(NOW)
    elif verb == "choose":
        catalogue.change(
            Survey.get_by_id(survey.id), {"segments": ["plan"] if which % 2 else ["plan", "seats"]}, NOW
        )
    elif row is None:
        return
    elif verb == "amend":
        record(world, survey, which, row.created_at, id=row.id)
    elif verb in ("exclude", "include"):
        responses.exclude(row, verb == "exclude", NOW)
    elif verb == "delete":
        responses.delete(row, NOW)
    elif verb == "erase":
        erasure.erase(list(Person.select().where(Person.external_id == f"who{which % 5}")), NOW)
    elif verb == "move":
        db.write(lambda: topics.settle(row.key, list(TOPICS[: which % 3]), NOW))
    elif verb == "merge":
        live = [topic.id for topic in Topic.select().where(Topic.merged_into.is_null())]
        topics.merge(live[0], live[-1], NOW)
    elif verb == "read":
        read(row, which)
    elif verb == "under":
        live = [topic.id for topic in Topic.select().where(Topic.merged_into.is_null())]
        kept = [theme.id for theme in Theme.select().where(Theme.merged_into.is_null())]
        topics.change(live[which % len(live)], {"theme": [*kept, None][hours % (len(kept) + 1)]}, NOW)
    elif verb == "join":
        kept = [theme.id for theme in Theme.select().where(Theme.merged_into.is_null())]
        themes.merge(kept[0], kept[-1], NOW)
    elif verb == "silence":
        reviews._note_silent([row.key], [row.key], NOW)
    elif verb == "correct":
        corrections.set_sentiment(row, "negative", NOW)
    else:
        record(world, survey, which + 1, row.created_at, id=row.id)


def check(drawn, survey, other):
    """That roll-ups and responses agree on some selections."""
    for number, (since, until, hours, interval, by, narrowed, which, latest) in enumerate(drawn):
        surveys = {0: [survey, other], 1: [other]}.get(which, [survey])
        edges = [
            BEGIN.replace(minute=0) + timedelta(days=day, hours=1 if hours < 20 else hours)
            if day is not None else None
            for day in (since, until)
        ]  # fmt: skip
        narrowing = {}
        for name in narrowed:
            values = list(filter(None, VALUES[name]))
            narrowing[name] = values[which % len(values)]
        selection = results.Selection(
            METRICS["nps"], [Survey.get_by_id(each.id) for each in surveys], *edges, interval=interval,
            latest=latest and which == 3, by=by, segments=narrowing,
        )  # fmt: skip
        by_rollups, from_responses = numbers(selection)
        assert by_rollups == from_responses, selection
        by_level = [results.counts_with(selection, level) for level in ("topic", "theme")]
        with from_the_responses():
            assert by_level == [results.counts_with(selection, level) for level in ("topic", "theme")], (
                selection
            )
        check_crossed(replace(selection, segments={}, latest=False), by or "topic", (*narrowed, "agent")[0])
        if number == 0:
            # One of them is enough: all that is told of comments is asked again.
            check_comments(reports.Scope(selection.surveys, *edges))


def check_crossed(selection, by, across):
    """That two segments crossed by roll-ups are so in the responses too, at once and one after the other."""
    if by == across or {by, across} == {"topic", "theme"}:
        return
    crossed = results.crossed(selection, by, across)
    value = next(filter(None, crossed), "nobody")
    with from_the_responses():
        assert crossed == results.crossed(selection, by, across), (selection, by, across)
        one = results.counts_with(replace(selection, segments={across: value}), by)
    assert one[1] == crossed.get(value, {}), (selection, by, across)


def check_comments(scope):
    """That what is told of comments, topics and themes is what the rows say, each looked at by itself."""
    rows = list(Response.select().where(*scope.conditions))
    read_as = {row.key: row for row in Reading.select()}
    placed = {}
    for row in Placement.select():
        placed.setdefault(row.response_key, []).append(row)
    above = {topic.id: topic.theme for topic in Topic.select()}
    said = [row for row in rows if row.comment]
    waiting = [row for row in rows if (row.comment or "").strip() and row.key not in placed]

    def reason(row):
        reading = read_as.get(row.key)
        if reading is None or reading.says_nothing:
            return "unread" if reading is None else "nothing"
        return "unlike" if reading.language in ("de", "it") else "language"

    def language(row):
        reading = read_as.get(row.key)
        return (reading.language if reading else None) or row.language

    def of(names, label):
        found = {}
        for row in rows:
            for name, feeling in {
                name: label(row, each) for each in placed.get(row.key, ()) for name in names(each)
            }.items():
                one = found.setdefault(name, {"size": 0, "sentiment": dict.fromkeys(countings.FEELINGS, 0)})
                one["size"] += 1
                if feeling:
                    one["sentiment"][feeling] += 1
        return found

    def whole(row, _):
        return read_as[row.key].label if row.key in read_as else None

    by_topic = of(lambda each: [each.topic_id], lambda row, each: each.sentiment or whole(row, each))
    by_theme = of(lambda each: filter(None, [above[each.topic_id]]), whole)
    told = reports.overview(scope, True, ZONE, NOW)
    assert (told.comments, told.unplaced) == (
        len(said),
        sum(row.key not in placed for row in said),
    )
    assert told.reasons == {name: sum(reason(row) == name for row in waiting) for name in told.reasons}
    assert told.said_nothing == sum(bool(read_as[row.key].says_nothing) for row in rows if row.key in read_as)
    assert dict(reports.waiting(scope)) == dict(Counter(map(language, waiting)))
    for items, real in ((told.items, by_topic), (told.themes, by_theme)):
        shown = {
            item.id: {"size": item.numbers.size, "sentiment": item.numbers.sentiment}
            for item in items
            if item.numbers.size
        }
        assert shown == real
    for item in told.items:
        weeks = dict.fromkeys((week.start.isoformat() for week in item.numbers.trend), 0)
        days = [
            row.day for row in Response.select().where(*reports.Scope(scope.surveys).conditions)
            if row.comment is not None and row.day >= min(weeks)
            and any(each.topic_id == item.id for each in placed.get(row.key, ()))
        ]  # fmt: skip
        begun = Counter(schedule.first_day(date.fromisoformat(day), "week").isoformat() for day in days)
        shown = [(week.start.isoformat(), week.n) for week in item.numbers.trend]
        assert shown == list((weeks | begun).items()), item.id
    (lately,) = reports.surging(scope, ZONE, [NOW])
    assert {item.id: item.numbers.surge for item in told.items if item.numbers.surge} == {
        surge.topic: surge for surge, _ in lately
    }
    everything = reports.measured_themes(scope, True, ZONE, NOW)
    assert {item.id: item.numbers.size for item in everything if item.numbers.size} == {
        name: each["size"] for name, each in by_theme.items()
    }
    together = [{each.topic_id for each in placed.get(row.key, ())} for row in rows]
    live = [topic for topic in Topic.select().where(Topic.merged_into.is_null()).order_by(Topic.id)]
    found = rehearsals.merge(live[0], live[-1], scope)
    pair = {live[0].id, live[-1].id}
    assert (found.moving, found.both) == (
        sum(live[0].id in each for each in together),
        sum(pair <= each for each in together),
    )
    assert found.after[0].n == sum(bool(pair & each) for each in together)
    counted = Response.select().where(
        Response.counted, Response.survey.in_([each.id for each in scope.surveys])
    )
    odd = [
        row for row in counted
        if row.key in read_as and read_as[row.key].text_score is not None
        and (row.score <= 2, row.score >= 9, read_as[row.key].text_score)
        in ((True, False, 0.9), (False, True, -0.9))
    ]  # fmt: skip
    assert mismatches.count(scope.surveys) == len(odd)
    newest = sorted((row.day for row in odd), reverse=True)[:2]
    begin = schedule.starts_at(date.fromisoformat(newest[-1]), ZONE) if newest else None
    assert mismatches.since(scope.surveys, 2, None) == begin


def test_days_that_are_over_are_not_counted_anew(world):
    """Only today, what changed since, and the ends of a period that cut a day."""
    survey = world.make.survey(segments=["plan"])
    for topic in TOPICS:
        Topic.insert(id=topic, label=topic, created_at=NOW).execute()
    fill(world, survey)
    settle()
    late = BEGIN + timedelta(days=22)
    for segment in (*rollups.ROLLED_UP, *countings.NAMES, "property:plan"):
        with db.snapshot():
            found = rollups.find([survey], segment, BEGIN, NOW, ZONE)
        assert [edge.astimezone(ZONE).isoformat()[:16] for gap in found.gaps for edge in gap] == [
            "2026-03-20T23:50", "2026-03-21T00:00", "2026-05-03T00:00", "2026-05-03T14:00",
        ], segment  # fmt: skip
    with db.snapshot():
        assert rollups.find([survey], "property:seats", None, None, ZONE) is None
        chosen = rollups._chosen(list(rollups._standing(ZONE)), set())
    assert {"2026-03", "2026-04", "2026-05-02"} <= set(chosen)
    assert "2026-03-29" not in chosen
    record(world, survey, 3, late)
    with db.snapshot():
        found = rollups.find([survey], "agent", None, None, ZONE)
    assert [day.astimezone(ZONE).date().isoformat() for day in found.gaps[1]] == ["2026-04-12", "2026-04-13"]
    with mock.patch.object(rollups, "MOST_CHANGES", 0), db.snapshot():
        assert rollups.find([survey], "agent", None, None, ZONE) is None


def test_what_a_process_sums_up_is_kept_until_it_is_counted_anew(world):
    """And what is counted beside it, of today, is not kept with it."""
    survey = world.make.survey()
    for topic in TOPICS:
        Topic.insert(id=topic, label=topic, created_at=NOW).execute()
    fill(world, survey)
    settle()
    plain = results.Selection(METRICS["nps"], [survey])
    selection = replace(plain, by="topic", interval="week", segments={"agent": "ag_1"})
    read, stored = [], rollups._stored

    def asked():
        read.clear()
        found = [
            *numbers(selection),
            *numbers(replace(plain, by="theme")),
            results.crossed(plain, "agent", "topic"),
        ]
        with from_the_responses():
            assert found == [found[1], found[1], found[3], found[3], results.crossed(plain, "agent", "topic")]
        return len(read)

    with mock.patch.object(rollups, "_stored", lambda *each: read.append(each) or stored(*each)):
        assert asked()
        assert not asked()
        record(world, survey, 3, NOW - timedelta(hours=1))
        assert not asked()
        assert not asked()
        record(world, survey, 5, BEGIN + timedelta(days=22))
        assert asked()
        settle()
        assert asked()
        assert not asked()


@ON_SQLITE
def test_what_a_process_keeps_is_bounded_whatever_is_asked(world):
    """Unknown values again and again: each is kept, and weighs something, but neither a day nor a long key with it."""
    survey = world.make.survey()
    for days in (0, 2, 4):
        world.make.response(survey, 9, NOW - timedelta(days=5 + days), agent_id=f"ag_{days}")
    settle()
    put = []
    kept = Remembered(rollups.MOST_KEPT, 3)
    sums, crossed = ((name, mock.patch.object(rollups, name, kept)) for name in ("_sums", "_crossed"))
    with (
        sums[1],
        crossed[1],
        mock.patch.object(kept, "put", lambda *each: put.append(each) or Remembered.put(kept, *each)),
    ):
        plain = results.Selection(METRICS["nps"], [survey], interval="day")
        for number in range(5):
            one, other = numbers(replace(plain, segments={"agent": f"nobody {number}"}))
            assert (one.n, one) == (0, other)
        unknown = list(put)
        numbers(replace(plain, segments={"agent": "ag_2"}))
        results.crossed(plain, "agent", "topic")
        assert sum(kept.get(key) is not None for key, _, _ in put) == 3
    assert {(len(sums), weight) for _, sums, weight in unknown} == {(0, 1), (1, 5)}
    assert {len(key) for key, _, _ in put} == {32}
    for _, sums, weight in put:
        assert weight == 1 + len(sums) + sum(map(len, sums.values()))
        assert all(sums.values())


@ON_SQLITE
def test_sums_of_some_days_are_not_told_of_others(world):
    """A worker of an older version leaves no marks (0) as it writes days: the same for all of them."""
    survey = world.make.survey()
    world.make.response(survey, 9, BEGIN + timedelta(days=2))
    world.make.response(survey, 3, BEGIN + timedelta(days=4))
    settle()

    def told():
        found = []
        for days in (2, 4):
            begin = schedule.starts_at((BEGIN + timedelta(days=days)).date(), ZONE)
            selection = results.Selection(
                METRICS["nps"], [survey], since=begin, until=begin + timedelta(days=1), by="agent"
            )
            by_rollups, from_responses = numbers(selection)
            assert by_rollups == from_responses
            found.append(by_rollups.n)
        return found

    for mark in (7, 0):
        SegmentPeriod.update(mark=mark).execute()
        assert told() == [1, 1]
    # Counted anew by such a worker: nothing shows that these are others.
    SegmentCount.delete().execute()
    SegmentPeriod.update(mark=0).execute()
    with db.snapshot():
        begin = schedule.starts_at(BEGIN.date() + timedelta(days=2), ZONE)
        assert rollups.find([survey], "agent", begin, begin + timedelta(days=1), ZONE).days == {}
    rollups.roll_up(NOW)
    assert SegmentPeriod.select().where(SegmentPeriod.mark == 0).count() == 0
    assert told() == [1, 1]


def test_a_deletion_takes_its_words_back_at_once(world):
    survey = world.make.survey(segments=["plan"])
    row = world.make.response(survey, 9, BEGIN, properties={"plan": "Mrs Miller's own"})
    world.make.response(survey, 9, BEGIN + timedelta(days=3))
    rollups.roll_up(NOW)

    def kept():
        return {each.period for each in SegmentCount.select() if "Miller" in db.compact(each.counts)}

    assert kept() == {"2026-03", "2026-03-20"}
    responses.delete(row, NOW)
    assert kept() == set()
    by_rollups, from_responses = numbers(results.Selection(METRICS["nps"], [survey], by="property:plan"))
    assert (by_rollups.n, by_rollups) == (1, from_responses)


@pytest.mark.parametrize("times", [1, rollups.TRIES])
def test_a_deletion_while_a_month_is_counted_makes_the_count_void(world, monkeypatch, times):
    survey = world.make.survey(segments=["plan"])
    rows = [world.make.response(survey, 9, BEGIN, properties={"plan": f"Miller {n}"}) for n in range(4)]
    count = rollups._counted

    def counted(day, *others):
        found = count(day, *others)
        if found and len(rows) > 4 - times:
            # Somebody else does it, after our moment.
            caller = threading.Thread(target=delete, args=(rows.pop(),))
            caller.start()
            caller.join()
        return found

    def delete(row):
        try:
            responses.delete(row, NOW)
        finally:
            db.forget_connection()

    monkeypatch.setattr(rollups, "_counted", counted)
    rollups.roll_up(NOW)
    assert ("2026-03-20" in {row.period for row in SegmentPeriod.select()}) == (times < rollups.TRIES)
    assert not [row for row in SegmentCount.select() if "Miller 3" in db.compact(row.counts)]
    by_rollups, from_responses = numbers(results.Selection(METRICS["nps"], [survey], by="property:plan"))
    assert (by_rollups.n, by_rollups) == (4 - times, from_responses)


def test_they_tell_of_all_there_is_after_the_first_answers_were_deleted(world):
    """What stands before the first answer is between gaps, and of many of these nothing is used."""
    survey = world.make.survey()
    early = [world.make.response(survey, 9, BEGIN - timedelta(days=100 - 2 * at)) for at in range(30)]
    world.make.response(survey, 3, BEGIN)
    settle()
    for row in early:
        responses.delete(row, NOW)
    settle()
    with db.snapshot():
        assert rollups._known(None, None, ZONE, by_day=False)
    by_rollups, from_responses = numbers(results.Selection(METRICS["nps"], [survey]))
    assert (by_rollups.n, by_rollups) == (1, from_responses)
    assert min(row.period for row in SegmentPeriod.select()) == "2026-03"


def test_too_many_values_are_counted_from_the_responses(world):
    survey = world.make.survey(segments=["plan"])
    for number in range(3):
        world.make.response(survey, 9, BEGIN + timedelta(hours=number + 1), properties={"plan": f"p{number}"})
    with mock.patch.object(rollups, "MOST_OF_A_PROPERTY", 2):
        settle()
    plan = SegmentCount.select().where(SegmentCount.segment == "property:plan")
    assert [row.counts for row in plan if not row.counts] == [None, None]
    with db.snapshot():
        assert rollups.find([survey], "property:plan", None, None, ZONE) is None
        assert rollups.find([survey], "agent", None, None, ZONE)


def test_another_time_zone_is_counted_anew(world):
    survey = world.make.survey()
    fill_plain(world, survey)
    rollups.roll_up(NOW)
    daily_counts.use_time_zone(ZoneInfo("Asia/Tokyo"))
    try:
        selection = results.Selection(METRICS["nps"], [survey], by="channel", interval="day")
        daily_counts.rebuild(days=True)
        assert numbers(selection)[0] == numbers(selection)[1]
        rollups.roll_up(NOW)
        assert {row.zone for row in SegmentPeriod.select()} == {"Asia/Tokyo"}
        assert numbers(selection)[0] == numbers(selection)[1]
    finally:
        daily_counts.use_time_zone(ZONE)


def fill_plain(world, survey):
    """Answers at all hours."""
    for number in range(30):
        world.make.response(survey, number % 11, BEGIN + timedelta(hours=31.3 * number))


def test_recount_proves_and_mends_them_and_a_restore_begins_anew(world, tmp_path):
    survey = world.make.survey()
    fill_plain(world, survey)
    settle()
    runner = world.app.test_cli_runner()
    assert runner.invoke(args=["recount", "--check"]).exit_code == 0
    (row,) = SegmentCount.select().where(SegmentCount.segment == "channel", SegmentCount.period == "2026-03")
    counts = [[value, last, 9, 1000] for value, last, *_ in row.counts]
    SegmentCount.update(counts=counts).where(
        SegmentCount.segment == "channel", SegmentCount.period == "2026-03"
    ).execute()
    assert segment_counts.differences() == [(survey.id, "channel", "2026-03")]
    found = runner.invoke(args=["recount", "--check"])
    assert (found.exit_code, "1 counts by segment differ" in found.output) == (1, True)
    assert runner.invoke(args=["recount"]).exit_code == 0
    assert runner.invoke(args=["recount", "--check"]).exit_code == 0
    assert SegmentPeriod.select().count()
    backup.write(tmp_path / "backup", world.settings, clock.now())
    backup.restore(tmp_path / "backup", world.settings, clock.now(), force=True)
    assert (SegmentPeriod.select().count(), SegmentCount.select().count()) == (0, 0)


def test_a_survey_says_which_properties_are_counted_by_day(api, make):
    survey = make.survey()
    path = f"/api/surveys/{survey.id}"
    assert api.get(path)["segments"] == []
    assert api.patch(path, {"segments": ["plan", "plan", "seats"]})["segments"] == ["plan", "seats"]
    for wrong in (["a", "b", "c", "d", "e", "f"], [""], "plan", ["x" * 101], None):
        error = api.patch(path, {"segments": wrong}, 422)
        assert "segments" in str(error)
