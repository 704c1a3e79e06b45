"""How far the team is with answers, and the tags it gives them."""

from datetime import timedelta

from feedback import team_tags
from surveys import responses
from surveys.base import clock
from surveys.models import Response


def test_a_response_is_unread_until_somebody_says_otherwise(api, make):
    survey = make.survey()
    one, two = make.response(survey, 9), make.response(survey, 3)
    assert [item["triage"] for item in api.get("/api/feed", survey=survey.id)["items"]] == ["unread"] * 2
    followed = api.get("/api/feed", survey=survey.id, order="changed")["next"]
    assert api.patch(f"/api/responses/{one.id}", {"triage": "done"})["triage"] == "done"
    api.patch(f"/api/responses/{one.id}", {"triage": "done"})
    (change,) = api.get("/api/feed", survey=survey.id, order="changed", cursor=followed)["items"]
    assert (change["id"], change["version"], change["triage"]) == (one.id, 2, "done")
    for state, expected in (("unread", [two.id]), ("done", [one.id]), ("archived", [])):
        found = api.get("/api/feed", survey=survey.id, triage=state)["items"]
        assert [item["id"] for item in found] == expected
    assert api.patch(f"/api/responses/{one.id}", {"triage": "unread"})["triage"] == "unread"
    api.patch(f"/api/responses/{one.id}", {"triage": "later"}, 422)
    api.get("/api/feed", 422, triage="later")
    api.delete(f"/api/responses/{one.id}")


def test_the_team_defines_its_own_tags(world, api, make):
    assert api.get("/api/tags") == {"items": []}
    cheers = {"tag": "Hooray!", "meaning": "Worth telling everybody.", "color": "#17714f"}
    lost = {"tag": "Lost cause", "meaning": "Nothing we do wins them back.", "color": None}
    assert api.call("PUT", "/api/tags", 200, json={"items": [lost, cheers]})["items"] == [lost, cheers]
    assert api.call("PUT", "/api/tags", 200, json=[cheers])["items"] == [cheers]
    for wrong in (
        [cheers, {**cheers, "tag": "HOORAY!"}],
        [{**cheers, "color": "red"}],
        [{"tag": "x"}],
        [{**cheers, "tag": ""}],
        [{**cheers, "tag": str(at)} for at in range(31)],
    ):
        api.call("PUT", "/api/tags", 422, json={"items": wrong})
    told = api.call("PUT", "/api/tags", 422, json=[{**cheers, "color": "red"}])["error"]["fields"]
    assert told == {"items.0.color": ["Must be a colour like #2f5bea."]}
    limited = type(api)(world, make.key("write", surveys=[make.survey().id]))
    assert limited.get("/api/tags")["items"] == [cheers]
    limited.call("PUT", "/api/tags", 403, json={"items": []})


def test_tags_are_counted_by_week_and_by_agent(world, make):
    survey, other = make.survey(), make.survey()
    now, zone = clock.now(), world.settings.time_zone
    for days, of in ((0, survey), (8, survey), (9, survey), (400, survey), (1, other)):
        row = make.response(of, 9, now - timedelta(days=days))
        responses.set_tags(row, ["Hooray!", "else"], now)
        Response.update(agent_id="a-1", agent_name="Maya").where(Response.key == row.key).execute()
    found = team_tags.trends(["Hooray!", "Lost cause"], [survey.id], zone, now)
    assert sum(week.n for week in found["Hooray!"]) == 3
    assert found["Hooray!"][-1].n >= 1
    assert not any(week.n for week in found["Lost cause"])
    (agent,) = team_tags.by_agent(["Hooray!"], [survey.id], zone, now)
    assert (agent.name, agent.counts) == ("Maya", {"Hooray!": 3})
    assert team_tags.by_agent(["Hooray!"], None, zone, now)[0].counts == {"Hooray!": 4}
