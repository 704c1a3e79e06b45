"""Goals as a team meets them: set with what can be told, judged in one of four words, ended with a result."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from playhouse.test_utils import count_queries

from feedback import goals, pins
from feedback.dashboard import goals as pages
from feedback.models import Goal
from feedback.numbers import Brief
from surveys.base import clock, delivery
from surveys.base.accounts import members
from surveys.base.accounts.keys import ApiKey
from surveys.domain.metrics import METRICS
from surveys.models import Response
from tests.conftest import ON_SQLITE, Api
from tests.feedback.test_notices import HOOK, Chats
from tests.visitor import filled, signed_in

#: A Wednesday.
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def answers(make, survey, at, happy, n=20):
    for number in range(n):
        make.response(survey, 10 if number < happy else 0, at - timedelta(seconds=number), language="de")


def days(count, before=NOW):
    return (before + timedelta(days=count)).date().isoformat()


@pytest.fixture
def survey(make):
    """A survey that stood at 0 for a quarter, with 20 answers a week."""
    found = make.survey(name="Shop")
    for week in range(13):
        answers(make, found, NOW - timedelta(days=28 + 7 * week + 1), 10)
    return found


def goal(of, **more):
    return {"name": "Happier", "survey": of.id, "target": 60, "start": days(-28), "due": days(28), **more}


def test_a_goal_says_where_it_stands_and_what_could_be_told(world, api, make, survey):
    with time_machine.travel(NOW, tick=False):
        made = api.post("/api/goals", goal(survey))
        assert made["baseline"] == {"n": 260, "value": 0.0, "interval": made["baseline"]["interval"]}
        assert (made["now"], made["word"]) == ({"n": 0, "value": None, "interval": None}, "cannot_tell")
        assert made["visible_after_weeks"] == 1
        assert 24 < made["smallest_visible"] < 26
        path = f"/api/goals/{made['id']}"
        said = []
        for happy in (8, 20, 20, 20, 20):
            answers(make, survey, clock.now(), happy)
            said.append(api.get(path)["word"])
        assert said == ["cannot_tell", "cannot_tell", "on_course", "on_course", "reached"]
        found = api.get(path)
        assert (found["now"]["n"], found["survey"], found["metric"]) == (100, survey.id, "nps")
        # The list shows how it was last judged.
        assert [each["now"]["n"] for each in api.get("/api/goals")["items"]] == [0]
        goals.look(clock.now())
        assert api.get("/api/goals")["items"] == [found]
        # A step that chance may take hides it from everybody.
        small = api.patch(path, {"target": 2, "due": days(56)})
        assert (small["visible_after_weeks"], small["target"], small["due"]) == (None, 2.0, days(56))
        by_metric = api.post(
            "/api/goals", goal(survey, survey=None, metric="nps", filters={"language": "fr"})
        )
        assert (by_metric["survey"], by_metric["baseline"]["n"]) == (None, 0)
        assert (by_metric["smallest_visible"], by_metric["word"]) == (None, "cannot_tell")
        api.delete(path)
        api.get(path, 404)


@ON_SQLITE
def test_a_goal_that_is_wrong_is_told_where(world, api, make):
    survey = make.survey(metric="csat")
    wrong = [
        (goal(survey, metric="csat"), "survey"),
        (goal(survey, survey=None), "survey"),
        (goal(survey, survey="sv_none"), "survey"),
        (goal(survey, target=-1), "target"),
        (goal(survey, target=101), "target"),
        (goal(survey, target="60"), "target"),
        (goal(survey, due=days(-28)), "due"),
        (goal(survey, due=days(-10)), "due"),
        (goal(survey, due="soon"), "due"),
        (goal(survey, due="9999-12-31"), "due"),
        (goal(survey, name=""), "name"),
        (goal(survey, filters={"sentiment": "negative"}), "filters.sentiment"),
        (goal(survey, filters={"topic": "top_none"}), "filters.topic"),
        (goal(survey, filters={"channel": "pigeon"}), "filters.channel"),
        (goal(survey) | {"colour": "red"}, "colour"),
    ]
    for body, field in wrong:
        fields = api.post("/api/goals", body, 422)["error"]["fields"]
        assert field in fields, (body, fields)
    assert api.get("/api/goals")["items"] == []
    limited = Api(world, make.key("write", surveys=[make.survey().id]))
    assert list(limited.post("/api/goals", goal(survey), 422)["error"]["fields"]) == ["survey"]
    theirs = limited.post("/api/goals", goal(survey, survey=None, metric="nps"))
    ours = api.post("/api/goals", goal(survey))
    limited.get(f"/api/goals/{ours['id']}", 404)
    assert [each["id"] for each in limited.get("/api/goals")["items"]] == [theirs["id"]]
    # It goes with its survey.
    api.delete(f"/api/surveys/{survey.id}")
    assert [each["id"] for each in api.get("/api/goals")["items"]] == [theirs["id"]]


def test_whoever_is_limited_sees_only_goals_of_surveys_that_are_still_theirs(world, api, make):
    first, second = make.survey(), make.survey()
    with time_machine.travel(NOW, tick=False):
        editor = signed_in(world, "editor")
        machine = Api(world, make.key("write", surveys=[first.id, second.id]))
        token = {"token": editor.forms("/team/goals")[0][1]["token"]}
        given = {**token, "do": "create", "target": "60", "start": days(-28), "due": days(28)}
        for name, survey in (("Quokka", first), ("Wombat", second)):
            make.response(survey, 9, NOW - timedelta(hours=1))
            answer = editor.post("/team/goals", {**given, "name": name, "survey": survey.id})
            assert answer.status_code == 303
        own = [machine.post("/api/goals", goal(survey)) for survey in (first, second)]
        own.append(machine.post("/api/goals", goal(first, survey=None, metric="nps")))

        def seen():
            pages = [editor.get(page).get_data(as_text=True) for page in ("/team/goals", "/team")]
            names = [[name for name in ("Quokka", "Wombat") if name in page] for page in pages]
            return names, {each["id"] for each in machine.get("/api/goals")["items"]}

        assert seen() == ([["Quokka", "Wombat"]] * 2, {each["id"] for each in own})
        members.change(Goal.get(Goal.name == "Quokka").made_by, {"surveys": [second.id]})
        ApiKey.update(surveys=[second.id]).where(ApiKey.surveys.is_null(False)).execute()
        assert seen() == ([["Wombat"]] * 2, {own[1]["id"]})
        for each in (own[0], own[2]):
            path = f"/api/goals/{each['id']}"
            machine.get(path, 404)
            machine.patch(path, {"target": 50}, 404)
            machine.delete(path, 404)
        delete = {**token, "do": "delete", "goal": Goal.get(Goal.name == "Quokka").id}
        assert editor.post("/team/goals", delete).status_code == 404


@ON_SQLITE
def test_a_list_asks_as_little_of_many_goals_as_of_one(world, api, make):
    with time_machine.travel(NOW, tick=False):
        api.post("/api/goals", goal(make.survey()))
        with count_queries() as few:
            api.get("/api/goals")
        values = Goal.get().__data__
        for number in range(6):
            Goal.create(**{**values, "id": f"goal_{number}"})
        with count_queries() as many:
            assert len(api.get("/api/goals")["items"]) == 7
        assert many.count <= few.count


def test_webhooks_hear_once_when_a_word_changes_and_when_it_ends(world, api, make, survey):
    receiver = Chats()
    delivery.use_client(receiver)
    hook = {"url": HOOK, "events": ["goal.changed"]}

    def week_passes(happy):
        travel.shift(timedelta(days=7))
        answers(make, survey, clock.now() - timedelta(hours=1), happy)
        goals.look(clock.now())
        goals.look(clock.now() + timedelta(minutes=1))
        world.work()
        return [body["data"]["word"] for body in receiver.said(HOOK)]

    with time_machine.travel(NOW, tick=False) as travel:
        api.post("/api/webhooks", hook)
        other = {**hook, "url": "https://other.example/", "surveys": [make.survey().id]}
        api.post("/api/webhooks", other)
        made = api.post("/api/goals", goal(survey, start=days(0), due=days(42)))
        assert week_passes(0) == ["behind"]
        assert week_passes(0) == ["behind"]
        # What cannot be told is told to nobody, nor what was said already.
        assert week_passes(14) == ["behind"]
        for _ in range(3):
            said = week_passes(20)
        assert said == ["behind", "cannot_tell"]
        [last] = [body for body in receiver.said(HOOK) if body["data"]["ended_at"]]
        result = api.get(f"/api/goals/{made['id']}")
        assert last["data"] == result
        assert receiver.said(other["url"]) == []
        # A result that is written down stays.
        before = len(receiver.said(HOOK))
        week_passes(0)
        assert api.get(f"/api/goals/{made['id']}") == result
        assert len(receiver.said(HOOK)) == before
        # With a later day it runs again.
        assert api.patch(f"/api/goals/{made['id']}", {"due": days(200)})["ended_at"] is None


@ON_SQLITE
def test_one_answer_is_told_as_one(world):
    metric = METRICS["nps"]
    said = [pages._said(metric, Brief(n, 50.0, (-10.0, 90.0))) for n in (1, 2)]
    assert [each.rpartition(", ")[2] for each in said] == ["1 answer", "2 answers"]


def test_goals_are_set_by_forms_alone(world, make, survey):
    page = "/team/goals"
    with time_machine.travel(NOW, tick=False):
        editor = signed_in(world, "editor")

        def text_of(answer):
            return answer.get_data(as_text=True)

        assert "No goal yet" in text_of(editor.get(page))
        token = {"token": editor.forms(page)[0][1]["token"]}
        given = {**token, "name": "<b>Happier</b>", "survey": survey.id, "start": days(-28), "due": days(28)}
        wrong = editor.post(page, {**given, "do": "create", "target": "many"})
        assert (wrong.status_code, 'value="many"' in text_of(wrong)) == (422, True)
        for target, said in (
            ("60", "shows after about a week."),
            ("3", "cannot be judged"),
            ("-5", "to stay there"),
        ):
            tried = editor.post(page, {**given, "do": "try", "target": target})
            assert (tried.status_code, said in text_of(tried)) == (200, True), text_of(tried)
        # What cannot be judged is asked about before it is set.
        asked = editor.post(page, {**given, "do": "create", "target": "3"})
        assert (asked.status_code, "Set it all the same" in text_of(asked)) == (200, True)
        assert Goal.select().count() == 0
        sure = {**given, "name": "Sure", "due": days(29), "target": "3"}
        assert editor.post(page, {**sure, "do": "sure"}).status_code == 303
        goals.delete(Goal.get(Goal.name == "Sure"))
        assert editor.post(page, {**given, "do": "create", "target": "60"}).status_code == 303
        answers(make, survey, NOW - timedelta(hours=1), 2)
        goals.look(clock.now())
        pins.add(NOW - timedelta(days=9), "Second <b>shift", "change", None, None, NOW)
        pins.add(NOW - timedelta(days=9), "Elsewhere", "change", make.survey().id, None, NOW)
        shown = text_of(editor.get(page))
        assert "Second &lt;b&gt;shift" in shown
        assert (shown.count('class="flag"'), "Elsewhere" in shown) == (1, False)
        for said in ("Behind", "&lt;b&gt;Happier", "Straight path", "The weeks as a table", "20 answers"):
            assert said in shown, said
        overview = text_of(editor.get("/team"))
        assert "&lt;b&gt;Happier&lt;/b&gt;</bdi></a>: Behind" in overview
        # What is to be reached is changed on a page of its own; who is second to save is told.
        one = f"{page}/{Goal.get().id}"
        begun = filled(editor.get(one), name="<b>Happier</b>")
        assert editor.post(one, {**begun, "target": "400"}).status_code == 422
        assert Goal.get().target == 60
        assert editor.post(one, {**begun, "name": "Calmer", "due": days(84)}).status_code == 303
        clash = editor.post(one, {**begun, "target": "50"})
        assert (clash.status_code, filled(clash, target="50")["name"]) == (409, "Calmer")
        assert editor.post(one, {**filled(clash, target="50"), "segment": "language", "value": "de"})
        changed = Goal.get()
        assert (changed.name, changed.target, changed.due) == ("Calmer", 50, days(84))
        assert changed.filters == {"language": "de"}
        # Also a goal over all surveys of a metric is one of the form.
        assert "All surveys of Net Promoter Score" in text_of(editor.get(page))
        of_all = {**given, "survey": "metric:nps", "name": "All", "do": "create", "target": "60"}
        assert editor.post(page, of_all).status_code == 303
        assert (Goal.get(Goal.name == "All").survey, Goal.get(Goal.name == "All").metric) == (None, "nps")
        nothing = editor.post(page, {**of_all, "survey": "metric:happiness"})
        assert (nothing.status_code, "Must be one of" in text_of(nothing)) == (422, True)
        assert editor.get(f"{page}/goal_nothing").status_code == 404
        goals.delete(Goal.get(Goal.name == "All"))
        [delete] = [form for _, form in editor.forms(page) if form.get("goal")]
        assert editor.post(page, {**delete, "do": "delete"}).status_code == 303
        assert Goal.select().count() == 0
        for role in ("viewer", "agent"):
            assert signed_in(world, role).get(page).status_code == 403


@ON_SQLITE
def test_a_young_goal_says_since_when_its_value_is(world, make, survey):
    with time_machine.travel(NOW, tick=False):
        editor = signed_in(world, "editor")
        token = {"token": editor.forms("/team/goals")[0][1]["token"]}
        given = {
            **token,
            "name": "Young",
            "survey": survey.id,
            "target": "60",
            "due": days(60),
            "do": "create",
        }
        assert editor.post("/team/goals", {**given, "start": days(-3)}).status_code == 303
        shown = editor.get("/team/goals").get_data(as_text=True)
        assert f"<dt>Since it began, {days(-3)}</dt>" in shown
        # Only what lasts that long is called four weeks.
        assert "The last four weeks" not in shown
        goals.delete(Goal.get())
        assert editor.post("/team/goals", {**given, "start": days(-28)}).status_code == 303
        assert "<dt>The last four weeks</dt>" in editor.get("/team/goals").get_data(as_text=True)


@ON_SQLITE
def test_a_goal_is_narrowed_by_names_that_people_know(world, make):
    with time_machine.travel(NOW, tick=False):
        survey, editor = make.survey(name="Shop"), signed_in(world, "editor")
        for number, (agent, name) in enumerate((("a-04", "Tom Hughes"), ("a-08", "Sara Haddad"))):
            made = make.response(survey, 9, NOW - timedelta(seconds=number), properties={"plan": "club"})
            Response.update(agent_id=agent, agent_name=name).where(Response.key == made.key).execute()
        page = editor.get("/team/goals").get_data(as_text=True)
        for said in (
            '<option value="agent"',
            ">Agent<",
            '<option value="property:plan"',
            'value="Tom Hughes"',
        ):
            assert said in page, said
        token = {"token": editor.forms("/team/goals")[0][1]["token"]}
        given = {**token, "name": "Tom", "survey": survey.id, "target": "60", "due": days(60), "do": "create"}
        unknown = editor.post("/team/goals", {**given, "segment": "agent", "value": "Tim Hughes"})
        assert unknown.status_code == 422
        assert "No answer has this. Known: Sara Haddad, Tom Hughes." in unknown.get_data(as_text=True)
        # A number may have been typed before the list was there.
        for value in ("tom hughes", "a-04"):
            assert (
                editor.post("/team/goals", {**given, "segment": "agent", "value": value}).status_code == 303
            )
        assert [row.filters for row in Goal.select()] == [{"agent": "a-04"}] * 2
        assert "Agent: Tom Hughes" in editor.get("/team/goals").get_data(as_text=True)
        one = editor.get(f"/team/goals/{Goal.get().id}").get_data(as_text=True)
        assert 'value="Tom Hughes"' in one
        editor.post("/team/goals", {**given, "segment": "language", "value": "German"})
        assert [row.filters for row in Goal.select() if "agent" not in row.filters] == [{"language": "de"}]
        # An address that knows no such segment says so in words.
        wrong = editor.post("/team/goals", {**given, "segment": "Agent", "value": "Tom Hughes"})
        assert "Choose one of the list" in wrong.get_data(as_text=True)


@ON_SQLITE
def test_what_a_goal_is_narrowed_by_means_one_thing(world, api, make):
    with time_machine.travel(NOW, tick=False):
        survey, editor = make.survey(name="Shop"), signed_in(world, "editor")
        agents = (("a-1", "Ann"), ("a-2", "ann"), ("a-3", "Bo"), ("a-4", "a-3"))
        for number, (agent, name) in enumerate(agents):
            made = make.response(survey, 9, NOW - timedelta(seconds=number))
            Response.update(agent_id=agent, agent_name=name).where(Response.key == made.key).execute()
        page = "/team/goals"
        token = {"token": editor.forms(page)[0][1]["token"]}
        given = {**token, "survey": survey.id, "target": "60", "due": days(60), "do": "create"}

        def narrowed(segment, value):
            answer = editor.post(page, {**given, "name": value, "segment": segment, "value": value})
            if answer.status_code == 422:
                return answer.get_data(as_text=True)
            assert answer.status_code == 303
            return Goal.get(Goal.name == value).filters

        # Comments are told by a language, and by no second wording of one.
        shown = editor.get(page).get_data(as_text=True)
        assert [name for name in ("Português (Brasil)", "Portuguese") if f'value="{name}"' in shown] == [
            "Portuguese"
        ]
        for value, tag in (
            ("Norwegian", "nb"),
            ("no", "nb"),
            ("pt-BR", "pt"),
            ("Português (Brasil)", "pt"),
            ("Chinese", "zh"),
            ("Deutsch", "de"),
        ):
            assert narrowed("language", value) == {"language": tag}
        assert "No answer has this. Known: Arabic" in narrowed("language", "Klingon")
        assert narrowed("channel", "Link") == {"channel": "link"}
        for segment in ("channel", "ticket_channel"):
            assert "No answer has this. Known: " in narrowed(segment, "pigeon")
        assert "No answer has this." in narrowed("touchpoint", "door")
        # A name of two is asked about; a name that is another's id is that other.
        assert "Give the id of the one you mean: a-1, a-2." in narrowed("agent", "ANN")
        assert narrowed("agent", "a-3") == {"agent": "a-3"}
        # What is stored already stays, whatever it is.
        for filters in (
            *({"agent": agent} for agent, _ in agents),
            *({"language": tag} for tag in ("pt-BR", "no", "uk")),
            {"touchpoint": "door"},
            {"ticket_channel": "pigeon"},
        ):
            made = api.post("/api/goals", goal(survey, filters=filters, start=days(0)))
            one = f"{page}/{made['id']}"
            assert (
                editor.post(one, {**filled(editor.get(one), name="Happier"), "target": "50"}).status_code
                == 303
            )
            assert (Goal.get_by_id(made["id"]).filters, Goal.get_by_id(made["id"]).target) == (filters, 50)
        wrong = editor.post(page, {**given, "name": "Wrong", "segment": "colour", "value": "red"})
        shown = wrong.get_data(as_text=True)
        assert (shown.count("Choose one of the list"), 'aria-describedby="about-segment"' in shown) == (
            1,
            True,
        )


@ON_SQLITE
def test_an_editor_of_some_surveys_learns_nothing_of_the_others(world, make):
    with time_machine.travel(NOW, tick=False):
        mine, other = make.survey(), make.survey()
        for survey, agent in ((mine, "a-mine"), (other, "a-other")):
            made = make.response(survey, 9, NOW)
            Response.update(agent_id=agent).where(Response.key == made.key).execute()
        editor = signed_in(world, "editor", surveys=[mine.id])
        token = {"token": editor.forms("/team/goals")[0][1]["token"]}
        given = {**token, "name": "Probe", "survey": mine.id, "target": "60", "due": days(60), "do": "create"}
        told = [
            editor.post("/team/goals", {**given, "segment": "agent", "value": agent})
            for agent in ("a-other", "a-nobody")
        ]
        assert [answer.status_code for answer in told] == [422, 422]
        assert {"Known: a-mine." in answer.get_data(as_text=True) for answer in told} == {True}


@ON_SQLITE
def test_the_page_of_goals_asks_as_little_of_many_surveys_as_of_one(world, make):
    make.response(make.survey(), 9, properties={"plan": "club"})
    editor = signed_in(world, "editor")
    editor.get("/team/goals")
    with count_queries() as few:
        editor.get("/team/goals")
    for number in range(6):
        make.response(make.survey(), 9, properties={f"plan {number}": "club"})
    with count_queries() as many:
        assert "plan 5" in editor.get("/team/goals").get_data(as_text=True)
    assert many.count <= few.count


@ON_SQLITE
def test_a_goal_that_has_not_begun_says_when_it_does(world, make, survey):
    with time_machine.travel(NOW, tick=False):
        editor = signed_in(world, "editor")
        token = {"token": editor.forms("/team/goals")[0][1]["token"]}
        given = {**token, "name": "Later", "survey": survey.id, "target": "60", "do": "create"}
        assert editor.post("/team/goals", {**given, "start": days(5), "due": days(60)}).status_code == 303
        shown = editor.get("/team/goals").get_data(as_text=True)
        assert f"<dt>Begins</dt><dd>{days(5)}</dd>" in shown
        assert ("Since it began" in shown, "nobody has answered" in shown) == (False, False)
