"""GET /api/metrics: numbers as scoring.md has them."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playhouse.test_utils import count_queries

from feedback import results, segments
from feedback.models import Placement, Reading, Theme, Topic
from surveys import daily_counts, people, responses
from surveys.models import DailyCount, Invitation, Response

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def answers(make, survey, scores, at=NOW, **values):
    """`scores`: how often each score was given, a second apart from `at` on."""
    given = [score for score, times in scores.items() for _ in range(times)]
    return [
        make.response(survey, score, at + timedelta(seconds=n), **values) for n, score in enumerate(given)
    ]


@pytest.mark.parametrize(
    ("metric", "scores", "value", "interval"),
    [
        ("nps", {9: 6, 7: 2, 0: 2}, 40, (-12.59, 74.12)),
        ("nps", {10: 60, 8: 20, 6: 20}, 40, (23.38, 54.29)),
        ("nps", {9: 150, 7: 90, 6: 60}, 30, (20.91, 38.50)),
        ("nps", {10: 5}, 100, (17.49, 100)),
        ("csat", {4: 4, 5: 4, 3: 2}, 80, (49.02, 94.33)),
        ("csat", {5: 80, 1: 20}, 80, (71.12, 86.66)),
        ("csat", {3: 5}, 0, (0, 43.45)),
        ("csat", {4: 5}, 100, (56.55, 100)),
        ("ces", {5: 4, 7: 4, 4: 2}, 80, (49.02, 94.33)),
    ],
)
def test_the_table_of_values_and_intervals(api, make, metric, scores, value, interval):
    survey = make.survey(metric)
    answers(make, survey, scores)
    number = api.get("/api/metrics", survey=survey.id)
    assert (number["n"], number["value"], number["confidence"]) == (sum(scores.values()), value, 0.95)
    assert number["interval"] == pytest.approx(interval, abs=0.005)
    assert {int(score): n for score, n in number["scores"].items() if n} == scores
    assert number["mean"] == pytest.approx(sum(s * n for s, n in scores.items()) / number["n"])


def test_without_answers_there_is_no_value(api, make):
    number = api.get("/api/metrics", survey=make.survey().id)
    assert (number["n"], number["value"], number["interval"], number["mean"]) == (0, None, None, None)
    assert number["counts"] == {"promoter": 0, "passive": 0, "detractor": 0}
    assert number["asked"]["response_rate"] is None


def test_change_is_told_apart_from_chance(api, make):
    survey = make.survey()
    answers(make, survey, {9: 150, 7: 90, 6: 60}, datetime(2026, 3, 1, tzinfo=UTC))
    answers(make, survey, {9: 165, 7: 85, 6: 50}, datetime(2026, 3, 2, tzinfo=UTC))
    number = api.get("/api/metrics", survey=survey.id, since="2026-03-02", until="2026-03-03")
    assert (number["previous"]["n"], number["previous"]["value"]) == (300, 30)
    assert number["change"]["z"] == pytest.approx(1.32, abs=0.005)
    assert number["change"]["difference"] == pytest.approx(38.3333 - 30, abs=0.001)
    assert number["change"]["distinguishable"] is False
    assert api.get("/api/metrics", survey=survey.id)["change"] is None


def test_a_real_change_is_distinguishable(api, make):
    survey = make.survey("csat")
    answers(make, survey, {5: 80, 1: 20}, datetime(2026, 3, 1, tzinfo=UTC))
    answers(make, survey, {5: 100}, datetime(2026, 3, 2, tzinfo=UTC))
    change = api.get("/api/metrics", survey=survey.id, since="2026-03-02", until="2026-03-03")["change"]
    assert change["distinguishable"] is True


class TestBerlin:
    """Days of a zone whose clocks went forward on 29 March 2026 and back on 25 October."""

    @pytest.fixture
    def settings_overrides(self):
        """Midnight is at 23:00 UTC before 29 March and at 22:00 after it."""
        return {"TIME_ZONE": "Europe/Berlin"}

    def test_days_weeks_and_months_are_those_of_the_zone(self, api, make):
        survey = make.survey()
        for moment, score in (
            ("2026-03-28T22:59:59", 0), ("2026-03-28T23:00:00", 9), ("2026-03-29T21:59:59", 9),
            ("2026-03-29T22:00:00", 7), ("2026-03-31T21:59:59", 8), ("2026-03-31T22:00:00", 1),
            ("2026-10-24T22:00:00", 10), ("2026-10-25T22:59:59", 10), ("2026-10-25T23:00:00", 5),
        ):  # fmt: skip
            make.response(survey, score, datetime.fromisoformat(moment).replace(tzinfo=UTC))

        def series(interval, **query):
            found = api.get("/api/metrics", survey=survey.id, interval=interval, **query)["series"]
            return {point["start"]: point["n"] for point in found if point["n"]}

        days = {"2026-03-28": 1, "2026-03-29": 2, "2026-03-30": 1, "2026-03-31": 1, "2026-04-01": 1}
        assert series("day") == days | {"2026-10-25": 2, "2026-10-26": 1}
        assert series("week") == {"2026-03-23": 3, "2026-03-30": 3, "2026-10-19": 2, "2026-10-26": 1}
        assert series("month") == {"2026-03-01": 5, "2026-04-01": 1, "2026-10-01": 3}
        narrowed = {"since": "2026-03-29", "until": "2026-03-31"}
        assert series("day", **narrowed) == {"2026-03-29": 2, "2026-03-30": 1}
        # The same days named as moments, and a moment within a day.
        exact = {"since": "2026-03-28T23:00:00Z", "until": "2026-03-30T22:00:00Z"}
        assert series("day", **exact) == {"2026-03-29": 2, "2026-03-30": 1}
        assert series("day", since="2026-03-29T21:59:59Z", until="2026-03-29T22:00:00Z") == {"2026-03-29": 1}
        assert series("day", **narrowed, channel="widget") == {"2026-03-29": 2, "2026-03-30": 1}

    def test_empty_buckets_stand_between_full_ones_with_no_value(self, api, make):
        survey = make.survey()
        for day in (27, 30):
            make.response(survey, 9, datetime(2026, 3, day, 12, tzinfo=UTC))
        series = api.get("/api/metrics", survey=survey.id, interval="day")["series"]
        assert [(point["start"][-2:], point["n"], point["value"]) for point in series] == [
            ("27", 1, 100), ("28", 0, None), ("29", 0, None), ("30", 1, 100),
        ]  # fmt: skip


def test_since_is_inclusive_and_until_exclusive(api, make):
    survey = make.survey()
    for moment in (NOW, NOW + timedelta(hours=1)):
        make.response(survey, 9, moment)
    asked = {"since": "2026-03-10T12:00:00Z", "until": "2026-03-10T13:00:00Z"}
    assert api.get("/api/metrics", survey=survey.id, **asked)["n"] == 1
    assert api.get("/api/metrics", survey=survey.id, since="2026-03-10T13:00:00+00:00")["n"] == 1
    assert api.get("/api/metrics", survey=survey.id, since="2026-03-10T14:00:00+01:00")["n"] == 1
    assert api.get("/api/metrics", survey=survey.id, until="2026-03-10")["n"] == 0


def test_repeat_latest_counts_each_person_once_in_the_period(api, make):
    survey = make.survey()
    for day, score, who in ((1, 0, "ann"), (2, 9, "ann"), (3, 1, "bob"), (4, 9, None), (5, 9, None)):
        person = {"id": who} if who else None
        make.response(survey, score, datetime(2026, 3, day, tzinfo=UTC), person=person)
    everything = api.get("/api/metrics", survey=survey.id)
    latest = api.get("/api/metrics", survey=survey.id, repeat="latest")
    assert (everything["repeat"], everything["n"], everything["counts"]["detractor"]) == ("all", 5, 2)
    assert (latest["repeat"], latest["n"], latest["counts"]["detractor"]) == ("latest", 4, 1)
    until = api.get("/api/metrics", survey=survey.id, repeat="latest", until="2026-03-02")
    assert (until["n"], until["value"]) == (1, -100)


def test_by_each_segment_and_each_kind_of_property(api, make):
    survey = make.survey()
    first = make.response(survey, 9, touchpoint="a", language="de", channel="link")
    second = make.response(survey, 0, touchpoint="b", language="fr", channel="email")
    make.response(survey, 8, channel="kiosk")
    topic = Topic.create(id="top_1", label="Speed", theme="thm_1", created_at=NOW)
    Theme.create(id="thm_1", label="Service", created_at=NOW)
    for row, letter in ((first, "a"), (second, "b")):
        Placement.create(topic=topic, response=row.key, evidence=[])
        Response.update(
            agent_id=letter,
            agent_name=letter.upper(),
            team_id=letter,
            team_name=letter.upper(),
            ticket_channel=letter,
        ).where(Response.key == row.key).execute()
    Reading.create(key=second.key, language="es", engine="t", read_at=NOW)
    expected = {
        "agent": {"a": 100, "b": -100, None: 0}, "team": {"a": 100, "b": -100, None: 0},
        "ticket_channel": {"a": 100, "b": -100, None: 0}, "touchpoint": {"a": 100, "b": -100, None: 0},
        "language": {"de": 100, "es": -100, None: 0}, "channel": {"link": 100, "email": -100, "kiosk": 0},
        "topic": {"top_1": 0, None: 0}, "theme": {"thm_1": 0, None: 0},
    }  # fmt: skip
    assert set(expected) == set(segments.SEGMENTS)
    for by, values in expected.items():
        number = api.get("/api/metrics", survey=survey.id, by=by)
        assert {group["key"]: group["value"] for group in number["groups"]} == values, by
        for key, value in values.items():
            if key is not None:
                assert api.get("/api/metrics", survey=survey.id, **{by: key})["value"] == value, (by, key)
    named = api.get("/api/metrics", survey=survey.id, by="agent")["groups"]
    assert [group["name"] for group in named] == ["A", "B", None]


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("pro", "pro"),
        (4, "4"),
        (True, "true"),
        (False, "false"),
        (2.5, "2.5"),
        ("", ""),
        (None, None),
        ("Größe", "Größe"),
    ],
)
def test_a_property_is_a_segment_by_its_text(api, make, value, key):
    survey = make.survey()
    make.response(survey, 9, properties={"plan": value, "other": "x"})
    make.response(survey, 0, properties={"plan": "another"})
    groups = api.get("/api/metrics", survey=survey.id, by="property:plan")["groups"]
    assert {group["key"]: group["value"] for group in groups} == {key: 100, "another": -100}
    if key is not None:
        assert api.get("/api/metrics", survey=survey.id, **{"property:plan": key})["n"] == 1


def test_the_band_of_ranks_is_honest(api, make):
    survey = make.survey()
    for touchpoint, scores in (("good", {10: 80, 0: 5}), ("same", {10: 78, 0: 6}), ("bad", {0: 60, 10: 5})):
        answers(make, survey, scores, touchpoint=touchpoint)
    groups = api.get("/api/metrics", survey=survey.id, by="touchpoint")["groups"]
    assert [(g["key"], g["rank_band"]) for g in groups] == [
        ("good", [1, 2]),
        ("same", [1, 2]),
        ("bad", [3, 3]),
    ]


def test_what_is_excluded_test_or_without_score_never_counts(api, make):
    survey = make.survey()
    make.response(survey, 9)
    make.response(survey, 0, test=True)
    make.response(survey, None, comment="only words")
    responses.exclude(make.response(survey, 0), True, NOW)
    make.response(survey, 0, flags=["honeypot"])
    for query in (
        {},
        {"repeat": "latest"},
        {"channel": "widget"},
        {"by": "channel"},
        {"since": "2020-01-01T00:00:01Z"},
    ):
        number = api.get("/api/metrics", survey=survey.id, **query)
        assert (number["n"], number["value"]) == (1, 100), query


def test_response_rate_is_of_the_asks_old_enough_by_the_day_they_were_sent(api, make):
    survey = make.survey(answer_window_days=30)

    def ask(sent_days_ago, answered=False):
        sent = None if sent_days_ago is None else NOW - timedelta(days=sent_days_ago)
        Invitation.create(
            id=f"inv_{uuid.uuid4().hex}", survey=survey.id, channel="email", status="sent" if sent else "scheduled",
            created_at=NOW, sent_at=sent, answered_at=NOW if answered else None,
        )  # fmt: skip

    for days, answered in (
        (60, True),
        (45, False),
        (31, True),
        (30, False),
        (29, True),
        (1, False),
        (None, False),
    ):
        ask(days, answered)
    with time_machine.travel(NOW, tick=False):
        asked = api.get("/api/metrics", survey=survey.id)["asked"]
        assert asked == {"sent": 4, "answered": 2, "still_open": 2, "response_rate": 0.5}
        since = (NOW - timedelta(days=50)).date().isoformat()
        asked = api.get("/api/metrics", survey=survey.id, since=since)["asked"]
        assert (asked["sent"], asked["answered"]) == (3, 1)


def test_a_number_over_several_surveys_costs_no_more_statements(api, make):
    """Each with an answer window of its own: the asks of the one may still be answered, those of the other not."""
    costs = []
    for count in (1, 9):
        for number in range(count):
            survey = make.survey("csat", answer_window_days=5 if number % 2 else 40)
            answers(make, survey, {5: 2, 1: 1}, NOW + timedelta(hours=len(costs) + number))
            Invitation.create(
                id=f"inv_{uuid.uuid4().hex}", survey=survey.id, channel="email", status="sent",
                created_at=NOW, sent_at=NOW - timedelta(days=10), answered_at=NOW if number == 1 else None,
            )  # fmt: skip
        query = {"metric": "csat", "since": "2026-01-01", "interval": "week", "by": "agent"}
        with time_machine.travel(NOW + timedelta(days=1), tick=False), count_queries() as counted:
            number = api.get("/api/metrics", **query)
        costs.append(counted.count)
    assert number["n"] == 30
    assert number["asked"] == {"sent": 4, "answered": 1, "still_open": 6, "response_rate": 0.25}
    # The key, the surveys, the value, the one before, the asks, the breaks, the series, the groups and their names.
    # Once, where whole days of all responses do not tell it, which days are rolled up; and what makes it one moment.
    # Of one survey alone, what is kept of its asks.
    most = 10 if api.world.kind == "sqlite" else 11
    assert costs == [most + 1, most]


def test_the_rate_of_a_segment_is_of_its_own_asks(api, make):
    survey = make.survey(answer_window_days=30)
    topic = Topic.create(id="top_1", label="Speed", created_at=NOW)
    of_asks = {
        "agent": "a", "team": "t", "touchpoint": "checkout", "language": "de", "ticket_channel": "chat",
        "property:plan": "pro", "property:paid": "true",
    }  # fmt: skip
    mine = {
        "agent_id": "a", "team_id": "t", "touchpoint": "checkout", "language": "de",
        "ticket": {"id": "7", "channel": "chat"}, "properties": {"plan": "pro", "paid": True},
    }  # fmt: skip
    for of_segment in (mine, mine, {}):
        Invitation.create(
            id=f"inv_{uuid.uuid4().hex}", survey=survey.id, channel="email", status="sent", created_at=NOW,
            sent_at=NOW - timedelta(days=60), answered_at=NOW, **of_segment,
        )  # fmt: skip
    with time_machine.travel(NOW, tick=False):
        assert api.get("/api/metrics", survey=survey.id)["asked"]["sent"] == 3
        for name, value in of_asks.items():
            assert api.get("/api/metrics", survey=survey.id, **{name: value})["asked"]["sent"] == 2, name
            assert api.get("/api/metrics", survey=survey.id, **{name: "xx"})["asked"]["sent"] == 0, name
        for name, value in (("channel", "email"), ("topic", topic.id)):
            assert api.get("/api/metrics", survey=survey.id, **{name: value})["asked"] is None, name
        assert api.get("/api/metrics", survey=survey.id, agent="a", topic=topic.id)["asked"] is None
        assert set(segments.SEGMENTS) - {"channel", "topic", "theme"} < set(of_asks)


def test_the_segments_with_most_answers_are_shown_and_the_others_counted(api, make, monkeypatch):
    monkeypatch.setattr(results, "MOST_GROUPS", 2)
    survey = make.survey()
    make.response(survey, 0)
    for plan, times in (("once", 1), ("thrice", 3), ("twice", 2)):
        answers(make, survey, {9: times}, properties={"plan": plan})
    number = api.get("/api/metrics", survey=survey.id, by="property:plan")
    shown = {group["key"]: (group["n"], group["rank_band"]) for group in number["groups"]}
    assert shown == {"thrice": (3, [1, 2]), "twice": (2, [1, 2]), None: (1, None)}
    assert number["groups_left_out"] == 1
    assert api.get("/api/metrics", survey=survey.id)["groups_left_out"] == 0


def test_a_metric_sums_its_surveys_and_a_new_wording_is_a_break(api, make):
    one, two = make.survey(), make.survey()
    make.survey("enps")
    make.response(one, 9)
    make.response(two, 0)
    assert api.get("/api/metrics", metric="nps")["n"] == 2
    assert api.get("/api/metrics", survey=one.id)["breaks"] == []
    api.patch(f"/api/surveys/{one.id}", {"question": {"en": "Really?"}})
    number = api.get("/api/metrics", survey=one.id)
    assert number["definition"] == 2
    assert [(b["survey"], b["definition"]) for b in number["breaks"]] == [(one.id, 2)]


def test_a_metric_cannot_change_once_answered(api, make):
    survey = make.survey()
    api.patch(f"/api/surveys/{survey.id}", {"metric": "csat"})
    make.response(make.survey(), 9)
    answered = make.survey()
    make.response(answered, 9)
    api.patch(f"/api/surveys/{answered.id}", {"metric": "csat"}, 409)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["record", "amend", "unscore", "exclude", "include", "test", "delete"]),
        st.integers(0, 5),
        st.integers(0, 10),
        st.integers(-40, 40),
    ),
    max_size=30,
)


@settings(
    max_examples=25,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_daily_counts_equal_the_responses_after_any_history(world, steps):
    survey = world.make.survey()
    rows, revisions = {}, {}
    for verb, which, score, hours in steps:
        row = rows.get(which)
        if row is None:
            if verb == "record":
                rows[which] = world.make.response(survey, score, NOW + timedelta(hours=hours))
                revisions[which] = 1
            continue
        revisions[which] += 1
        again = {"id": row.id, "revision": revisions[which], "at": NOW + timedelta(hours=41)}
        if verb in ("record", "amend"):
            world.make.response(survey, score, **again)
        elif verb == "unscore":
            world.make.response(survey, None, **again)
        elif verb == "test":
            world.make.response(survey, score, test=score % 2 == 0, **again)
        elif verb in ("exclude", "include"):
            responses.exclude(row, verb == "exclude", NOW)
        else:
            responses.delete(row, NOW)
            del rows[which]
    assert daily_counts.differences() == []
    counted = Response.select().where(Response.survey == survey.id, Response.counted).count()
    total = sum(row.n for row in DailyCount.select().where(DailyCount.survey == survey.id))
    assert total == counted


def test_recount_finds_and_mends_what_differs(world, make):
    survey = make.survey()
    answers(make, survey, {9: 3, 0: 2})
    runner = world.app.test_cli_runner()

    def ends_with(code, *arguments):
        done = runner.invoke(args=["recount", *arguments])
        assert done.exit_code == code, done.output

    ends_with(0, "--check")
    DailyCount.update(n=7).where(DailyCount.score == 9).execute()
    ends_with(1, "--check")
    ends_with(0)
    ends_with(0, "--check")
    assert daily_counts.differences() == []


def test_a_claim_and_a_proof_of_one_name_are_two_people(make, api):
    survey = make.survey()
    people.find_or_create(people.Identity(external_id="ann", verified=True), NOW)
    make.response(survey, 9, NOW, person={"id": "ann"})
    make.response(survey, 0, NOW + timedelta(seconds=1), person={"id": "ann"})
    assert api.get("/api/metrics", survey=survey.id, repeat="latest")["n"] == 1
