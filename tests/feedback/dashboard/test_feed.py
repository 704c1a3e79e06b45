"""The feed's pages: one query for list, count and files; every action a form that ends in a 303."""

import html
import io
import json
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import time_machine
from python_calamine import CalamineWorkbook

from feedback import feed, filters, rollups, saved_feeds, team_tags
from feedback.dashboard import tags
from feedback.models import Placement, Reading, Topic
from surveys.base import clock
from surveys.base.accounts.audit import AuditEntry
from surveys.base.accounts.caller import Caller
from surveys.domain import schedule
from surveys.models import Person, Response, SegmentCount
from tests.feedback.dashboard.test_overview import Numbers, browse
from tests.visitor import PASSWORD, forms_on, signed_in


@pytest.fixture
def survey(make):
    found = make.survey(name="Shop")
    for at, (score, comment) in enumerate([(9, "Quick and kind"), (2, "Slow <i>checkout</i>"), (7, None)]):
        make.response(found, score, clock.now() - timedelta(hours=at), comment=comment)
    return found


def shown(world, path, key=None):
    answer = browse(world, path, **({"key": key} if key else {}))
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


def of(survey, score):
    return Response.get(Response.survey == survey.id, Response.score == score)


def send(world, path, **form):
    answer = browse(world, path, method="POST", data=form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"]


def test_the_list_the_count_and_the_files_are_one_view(world, api, survey):
    query = f"survey={survey.id}&has_comment=1"
    page = shown(world, f"/team/feed?{query}")
    assert 'data-n="2">2 answers' in page
    assert "Slow &lt;i&gt;checkout" in page
    csv = shown(world, f"/team/feed/export.csv?{query}")
    assert csv.count("\r\n") == 3
    assert csv.startswith("\ufeffid,")
    assert "export.csv?" + query.replace("&", "&amp;") + "&amp;delimiter=%3B" in page
    assert shown(world, f"/team/feed/export.csv?{query}&delimiter=%3B").startswith("\ufeffid;")
    assert browse(world, f"/team/feed/export.xlsx?{query}&delimiter=%3B").status_code == 422
    lines = shown(world, f"/team/feed/export.ndjson?{query}").splitlines()
    items = api.get("/api/feed", survey=survey.id, has_comment="1")["items"]
    assert [json.loads(line)["id"] for line in lines] == [item["id"] for item in items]
    book = browse(world, f"/team/feed/export.xlsx?{query}").data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert [row[5] for row in rows[1:]] == [9, 2]


def test_languages_are_chosen_by_their_names(world, survey):
    row = of(survey, 2)
    Reading.create(key=row.key, language="de", engine="x", read_at=clock.now())
    page = shown(world, f"/team/feed?survey={survey.id}&language=de")
    assert '<option value="de" selected>German</option>' in page
    assert '<option value="zh">Chinese</option>' in page
    assert "<bdi>German</bdi>" in page, "the chip"
    assert "Slow" in page
    assert '<option value="sw" selected>sw</option>' in shown(world, "/team/feed?language=sw")


def test_an_answer_is_shown_with_what_was_read_in_it(world, survey):
    row = of(survey, 2)
    topic = Topic.create(id="top_1", label="Paying", created_at=clock.now())
    Placement.create(topic=topic, response=row.key, evidence=["checkout"])
    Reading.create(
        key=row.key,
        label="negative",
        score=-0.9,
        words=["slow"],
        engine="x",
        read_at=clock.now(),
        language="en",
    )
    page = shown(world, f"/team/feed/{row.id.upper()}?survey={survey.id}")
    assert '<mark class="felt" title="speaks for the sentiment">Slow</mark>' in page
    assert '<mark class=" topic" title="Paying">checkout</mark>' in page
    assert "/team/topics/top_1" in page
    assert shown(world, f"/team/feed/{saved_feeds.derived_id(row.id)}").count("<mark") == 2
    assert feed.words(row.key) == ["slow"]


def test_answers_are_dealt_with_one_by_one_and_many_at_once(world, api, survey):
    one, two = of(survey, 9), of(survey, 2)
    path = f"/team/feed/{one.id}?survey={survey.id}"
    state = lambda: [item["triage"] for item in api.get("/api/feed", survey=survey.id)["items"]]  # noqa: E731
    assert send(world, path, do="done", next=two.id) == f"/team/feed/{two.id}?survey={survey.id}&did=done"
    assert "Done." in shown(world, f"/team/feed/{two.id}?survey={survey.id}&did=done")
    assert state() == ["done", "unread", "unread"]
    picked = {f"pick-{one.id}": "1", f"pick-{two.id}": "1", "pick-nothing": "1"}
    assert "many=2" in send(world, f"/team/feed?survey={survey.id}", do="archive", **picked)
    assert state() == ["archived", "archived", "unread"]
    send(world, "/team/feed", do="tag", tag="Hooray!", **picked)
    send(world, f"/team/feed/{one.id}", do="untag", tag="Hooray!")
    assert api.get("/api/feed", tag="Hooray!")["items"][0]["id"] == two.id
    assert send(world, "/team/feed", do="unread") == "/team/feed?did=nothing"


def test_answers_are_corrected_moved_and_taken_out(world, api, survey):
    row = of(survey, 2)
    topic = Topic.create(id="top_2", label="Speed", created_at=clock.now())
    path = f"/team/feed/{row.id}"
    send(world, path, do="topics", topic=topic.id)
    send(world, path, do="sentiment", sentiment="negative")
    send(world, path, do="exclude")
    item = api.get(f"/api/responses/{row.id}")
    assert ([each["id"] for each in item["topics"]], item["sentiment"]["label"]) == (["top_2"], "negative")
    assert item["excluded"]
    assert "it is in no value" in shown(world, path)
    send(world, path, do="restore")
    assert not api.get(f"/api/responses/{row.id}")["excluded"]
    for form in (
        {"do": "topics", "topic": "top_none"},
        {"do": "tag", "tag": " "},
        {"do": "sentiment", "sentiment": "angry"},
        {"do": "erase"},
        {"tag": "x"},
    ):
        assert browse(world, path, method="POST", data=form).status_code == 422, form
    assert browse(world, "/team/feed", method="POST", data={"do": "topics"}).status_code == 422


def test_a_customer_is_answered_from_the_answer_they_gave(world, api, make, survey):
    row = make.response(survey, 1, comment="Broken", person={"email": "ann@x.example", "name": "Ann"})
    path = f"/team/feed/{row.id}"
    assert "Answer them" in shown(world, path)
    nobody = shown(world, f"/team/feed/{of(survey, 2).id}")
    assert ("Answer them" in nobody, "Open a follow-up" in nobody) == (False, True)
    led = send(world, path, do="follow_up")
    [case] = api.get("/api/follow-ups")["items"]
    # At the box, which stands before all else that may be done.
    assert led == f"/team/follow-ups/{case['id']}#reply"
    opened = shown(world, led.partition("#")[0])
    assert opened.index('id="reply"') < opened.index('id="steps"')
    # What comes of its forms stands at the top.
    assert set(re.findall('<form method="post" action="([^"]*)"', opened)) >= {led.partition("#")[0]}
    assert '<form method="post">' not in opened.partition("<main")[2]
    page = shown(world, path)
    assert "Answer them" not in page
    assert f'href="{led.partition("#")[0]}"' in page
    [entry] = api.get("/api/audit", thing=case["id"])["items"]
    assert (entry["action"], entry["thing"][:3]) == ("POST /team/feed/{response_id}", "fu:")
    assert case["id"].removeprefix("fu_") not in entry["thing"]
    assert "<td>a follow-up</td>" in shown(world, "/team/admin/audit")
    AuditEntry.update(thing=entry["thing"].partition(":")[2]).where(AuditEntry.id == entry["id"]).execute()
    assert [each["id"] for each in api.get("/api/audit", thing=case["id"])["items"]] == [entry["id"]]
    assert browse(world, "/team/feed", method="POST", data={"do": "follow_up"}).status_code == 422


def test_agents_teams_and_properties_of_answers_are_filters_one_can_choose(world, make, survey):
    given = clock.now() - timedelta(days=3)
    plan = {"plan": "pro <b>", "vip": True, "seats": 3, "ratio": 0.5}
    row = make.response(
        survey, 2, given, agent_id="a7", agent_name="Sam <i>", touchpoint="checkout", properties=plan
    )
    other = make.response(make.survey(), 2, given, agent_id="a8", agent_name="Theirs")
    assert other.agent_id == "a8"
    assert '<option value="a7">Sam &lt;i&gt;</option>' in shown(world, "/team/feed")
    rollups.roll_up(clock.now())
    page = shown(world, "/team/feed")
    assert '<option value="a7">Sam &lt;i&gt;</option>' in page
    assert '<option value="checkout">checkout</option>' in page
    assert '<option value="a9" selected>a9</option>' in shown(world, "/team/feed?agent=a9")
    limited = shown(world, "/team/feed", key=make.key("read", surveys=[survey.id]))
    assert "Sam" in limited
    assert "Theirs" not in limited
    facts = html.unescape(shown(world, f"/team/feed/{row.id}"))
    found = {name: value for name, value in re.findall(r'/team/feed\?property%3A(\w+)=([^"]*)"', facts)}
    assert found == {"plan": "pro+%3Cb%3E", "vip": "true", "seats": "3"}
    for name, value in found.items():
        assert row.id in shown(world, f"/team/feed?property:{name}={value}")


def test_the_most_frequent_agents_can_be_chosen_and_those_of_periods_with_too_many(world, make, monkeypatch):
    survey, today = make.survey(), schedule.day_of(clock.now(), world.settings.time_zone)
    for days, agent, team in (
        (2, "z", "red"),
        (2, "z", "red"),
        (3, "y", "red"),
        (3, "y", "blue"),
        (4, "a", "red"),
    ):
        make.response(survey, 5, clock.now() - timedelta(days=days), agent_id=agent, team_id=team)

    def offered():
        found = filters.lately(("agent", "team", "touchpoint"), [survey.id], today)
        return {name: [value for value, _ in values] for name, values in found.items()}

    monkeypatch.setattr(filters, "MOST_NAMED", 2)
    of_newest = offered()
    rollups.roll_up(clock.now())
    assert offered() == of_newest == {"agent": ["y", "z"], "team": ["blue", "red"], "touchpoint": []}
    SegmentCount.update(counts=None).where(SegmentCount.segment == "agent").execute()
    assert offered() == of_newest


def test_a_row_names_the_survey_beside_the_person_where_several_are_listed(world, make, survey):
    make.response(survey, 4, comment="Ann was here", person={"id": "ann", "name": "Ann"})
    of_ann = '<span class="who"><bdi>Ann</bdi>{}</span>'
    limited = make.key("write", surveys=[survey.id])
    assert of_ann.format("") in shown(world, "/team/feed", limited), "who sees one survey knows which it is"
    make.survey(name="Support")
    assert of_ann.format(" · <bdi>Shop</bdi>") in shown(world, "/team/feed")
    assert of_ann.format("") in shown(world, f"/team/feed?survey={survey.id}")


def test_the_groups_offered_are_those_of_the_surveys_that_one_sees(world, make, survey):
    def offered(path="/team/feed"):
        (choice,) = re.findall(r'<select id="filter-group".*?</select>', shown(world, path))
        return re.findall(r'value="(\w+)"', choice)

    assert offered() == ["detractor", "passive", "promoter"]
    make.survey(metric="thumbs")
    assert set(offered()) == {"detractor", "passive", "promoter", "up", "down"}
    assert "happy" in offered("/team/feed?group=happy"), "what the address says stays chosen"
    assert "Before (without that day)" in shown(world, "/team/feed")


def test_a_view_is_saved_shown_once_and_forgotten(world, survey):
    client = world.app.test_client()
    head = {"headers": {"Authorization": f"Bearer {world.environment['ADMIN_KEY']}"}}
    path = f"/team/feed?survey={survey.id}&score_min=8"
    assert client.post(path, data={"do": "save", "name": "Glad"}, **head).status_code == 303
    page = client.get(path, **head).get_data(as_text=True)
    assert page.count('data-copy="Copy"') == 4
    address = urlsplit(page.split("<code>")[1].split("</code>")[0])
    assert b"Quick and kind" in client.get(address.path).data
    workbook = client.get(address.path.replace(".atom", ".xlsx"))
    assert CalamineWorkbook.from_filelike(io.BytesIO(workbook.data)).get_sheet_by_index(0).height == 2
    again = client.get(path, **head).get_data(as_text=True)
    assert "<code>" not in again
    assert f'href="/team/feed?survey={survey.id}&amp;score_min=8"><bdi>Glad' in again
    (view,) = saved_feeds.SavedFeed.select()
    viewer = signed_in(world, "viewer").get("/team/feed").get_data(as_text=True)
    assert f'href="/team/feed?survey={survey.id}&amp;score_min=8"><bdi>Glad' in viewer
    assert 'value="forget"' not in viewer, "who may not save a view may not forget one"
    assert "/feed/" not in viewer.replace("/team/feed", "")
    assert client.post(path, data={"do": "forget", "id": view.id}, **head).status_code == 303
    assert client.post(path, data={"do": "forget", "id": view.id}, **head).status_code == 404
    assert client.get(address.path).status_code == 404


def test_the_feed_looks_back_too_and_a_view_keeps_the_moment(world, make):
    survey = make.survey()
    for days in (0, 10, 20):
        make.response(survey, 9, clock.now() - timedelta(days=days), comment=f"{days} days ago")
    path = f"/team/feed?survey={survey.id}&as_of={(clock.now() - timedelta(days=10)).date()}"
    assert 'data-n="2"' in shown(world, path)
    send(world, path, do="save", name="Then")
    (view,) = saved_feeds.SavedFeed.select()
    assert view.filters["until"].endswith("T00:00:00.000Z")
    assert 'data-n="2"' in shown(world, "/team/feed?" + urlencode(view.filters))


def test_a_foreign_and_a_missing_answer_are_the_same_page(world, make, survey):
    key = make.key("write", surveys=[make.survey().id])
    bodies = {
        browse(world, f"/team/feed/{which}", key).get_data(as_text=True).split("<main")[1].split("Request")[0]
        for which in (of(survey, 9).id, "00000000-0000-0000-0000-000000000000", "nothing")
    }
    assert len(bodies) == 1
    assert "Quick" not in shown(world, "/team/feed", key)
    assert (
        browse(world, "/team/feed", key, method="POST", data={"do": "done", f"pick-{of(survey, 9).id}": "1"})
        .headers["Location"]
        .endswith("did=nothing")
    )
    assert browse(world, f"/team/feed?survey={survey.id}", key).status_code == 422


def test_filters_that_are_none_are_told_and_empty_ones_leave_the_address(world, survey):
    for query in (
        "survey=sv_none",
        "colour=red",
        "cursor=zzz",
        "score_min=x",
        "topic=top_none",
        "triage=soon",
    ):
        answer = browse(world, f"/team/feed?{query}")
        assert (answer.status_code, answer.mimetype) == (422, "text/html"), query
    assert browse(world, "/team/feed?q=&survey=&tag=x").headers["Location"] == "/team/feed?tag=x"
    assert "No answer fits" in shown(world, "/team/feed?q=unsaid")
    many = "&".join(f"property:{at}=x" for at in range(1500))
    assert browse(world, f"/team/feed?{many}").status_code == 422


def test_pages_of_the_list_follow_each_other(world, make):
    survey = make.survey()
    for at in range(45):
        make.response(survey, 9, clock.now() - timedelta(minutes=at), comment=f"number {at}")
    first = shown(world, f"/team/feed?survey={survey.id}")
    assert first.count('<li class="unread') == 40
    older = next(part for part in first.split('"') if part.startswith("/team/feed?") and "cursor=" in part)
    second = shown(world, older.replace("&amp;", "&"))
    assert second.count('<li class="unread') == 5
    assert "number 44" in second
    assert dict(parse_qsl(urlsplit(older.replace("&amp;", "&")).query))["survey"] == survey.id
    assert Numbers(shown(world, f"/team/feed?survey={survey.id}")).found == []


def test_own_tags_are_one_press_away(world, survey):
    team_tags.replace([{"tag": "Hooray!", "meaning": "Tell everybody", "color": "#17714f"}])
    page = shown(world, f"/team/feed/{of(survey, 9).id}")
    assert 'name="tag" value="Hooray!" title="Tell everybody"' in page
    assert 'fill="#17714f"' in page


def test_the_set_of_tags_begins_with_three_and_every_number_leads_to_its_answers(world, api, survey):
    page = shown(world, "/team/tags")
    assert "Begin with these three" in page
    form = {f"{name}-{at}": each[name] for at, each in enumerate(tags.SUGGESTED) for name in each}
    form["version"] = team_tags.version()
    assert browse(world, "/team/tags", method="POST", data=form).status_code == 303
    assert [each["tag"] for each in api.get("/api/tags")["items"]] == [
        "Hooray!",
        "Lost cause",
        "High complexity",
    ]
    row = of(survey, 9)
    send(world, f"/team/feed/{row.id}", do="tag", tag="Hooray!")
    Response.update(agent_id="a-1", agent_name="<Maya>").where(Response.key == row.key).execute()
    found = [each for each in Numbers(shown(world, "/team/tags")).found if each[1]]
    assert len(found) == 2
    for href, n in found:
        assert len(api.get("/api/feed", **dict(parse_qsl(urlsplit(href).query)))["items"]) == n
    wrong = browse(world, "/team/tags", method="POST", data={"tag-0": "<x>", "meaning-0": ""})
    assert wrong.status_code == 422
    assert 'value="&lt;x&gt;"' in wrong.get_data(as_text=True), "what was typed is lost"
    given = {"tag-1": "x", "meaning-1": "y", "version": team_tags.version()}
    assert browse(world, "/team/tags", method="POST", data=given).status_code == 303
    assert [each["tag"] for each in api.get("/api/tags")["items"]] == ["x"]


def test_of_two_who_change_the_tags_the_second_is_told_and_keeps_what_was_typed(world, api):
    ann, bob = signed_in(world), signed_in(world, "editor")
    forms = [dict(visitor.forms("/team/tags"))[None] for visitor in (ann, bob)]
    mine, yours = (
        {"token": form["token"], "version": form["version"], "tag-0": tag, "meaning-0": f"{tag}'s own words"}
        for form, tag in zip(forms, ("Ann", "Bob"), strict=True)
    )
    assert ann.post("/team/tags", mine).status_code == 303
    told = bob.post("/team/tags", yours)
    assert told.status_code == 409
    page = told.get_data(as_text=True)
    assert "Somebody changed the set meanwhile" in page
    assert 'value="Bob&#39;s own words"' in page
    assert "Ann&#39;s own words" in page
    assert [each["tag"] for each in api.get("/api/tags")["items"]] == ["Ann"]
    again = {**yours, "version": dict(forms_on(told))[None]["version"]}
    assert bob.post("/team/tags", again).status_code == 303
    assert [each["tag"] for each in api.get("/api/tags")["items"]] == ["Bob"]
    assert bob.post("/team/tags", {"token": mine["token"]}).status_code == 403
    # A form without its version empties no set.
    assert bob.post("/team/tags", {"token": yours["token"]}).status_code == 409


def test_the_password_comes_before_a_file_and_before_a_view_that_others_read(world, survey):
    ann, now = signed_in(world), clock.now()
    file = f"/team/feed/export.csv?survey={survey.id}"
    assert ann.get(file).mimetype == "text/csv"
    token = dict(ann.forms("/team/tags"))["/team/sign-out"]["token"]
    save = {"token": token, "do": "save", "name": "Glad"}
    with time_machine.travel(now + timedelta(minutes=16)):
        led = ann.get(file)
        assert led.status_code == 303
        assert "Quick" not in led.get_data(as_text=True)
        [(_, asked)] = ann.forms(led.headers["Location"])
        assert asked["next"] == file
        assert ann.post("/team/confirm", {**asked, "confirm_password": "wrong"}).status_code == 422
        held = ann.post("/team/feed", save)
        assert (held.status_code, saved_feeds.SavedFeed.select().count()) == (403, 0)
        assert dict(forms_on(held))["/team/feed"]["name"] == "Glad"
        # What only sorts answers is done without a word.
        done = {"token": token, "do": "done", f"pick-{of(survey, 9).id}": "1"}
        assert ann.post("/team/feed", done).status_code == 303
        # An answer that is erased later is named nowhere.
        assert "pick-" not in repr(list(AuditEntry.select().dicts()))
        led = ann.post("/team/confirm", {**asked, "confirm_password": PASSWORD})
        page = ann.get(led.headers["Location"]).get_data(as_text=True)
        assert f'content="0;url={file}"' in page
        assert ann.get(file).mimetype == "text/csv"
        assert ann.post("/team/feed", save).status_code == 303
        elsewhere = ann.get("/team/confirm?next=https://evil.example").get_data(as_text=True)
        assert "evil" not in elsewhere


def test_members_are_told_in_their_own_words(world, make):
    limited = signed_in(world, "editor", surveys=[make.survey().id])
    token = dict(limited.forms("/team/feed"))["/team/sign-out"]["token"]
    told = limited.post("/team/tags", {"token": token})
    assert told.status_code == 403
    assert "you see only some of them" in told.get_data(as_text=True)
    page = limited.get("/team/admin/members").get_data(as_text=True)
    assert "Your role does not open this." in page
    assert "key" not in page.partition("<main")[2].casefold()
    ann = signed_in(world)
    page = ann.get("/team").get_data(as_text=True)
    assert page.index("/team/admin/members") < page.index("/team/admin/audit")
    assert Caller("mem_1", "Ann", frozenset(), None, "mem_1").lacking("read") != Caller(
        "key_1", "k", frozenset()
    ).lacking("read")


def test_whoever_may_see_people_reads_whose_answer_it_is(world, make, survey):
    kinds = (
        ("per_known", {"email": "ann@acme.example", "verified": True}, 9, False),
        ("per_claim", {"external_id": "7", "claimed_email": "bob@acme.example", "verified": False}, 2, True),
    )
    reader = make.key("read")
    for id_, given, score, is_claimed in kinds:
        Person.create(id=id_, created_at=clock.now(), **given)
        row = of(survey, score)
        Response.update(person=id_, ticket={"number": "T-17"}).where(Response.key == row.key).execute()
        address = given.get("email") or given["claimed_email"]
        page = shown(world, f"/team/feed/{row.id}")
        assert f"<h1><bdi>{address}</bdi></h1>" in page
        assert "T-17" in page
        assert ("only claimed" in page) is is_claimed
        assert (
            f"<bdi>{address}</bdi>" in shown(world, f"/team/feed?person={id_}").partition('class="list"')[0]
        )
        theirs = shown(world, f"/team/feed/{row.id}", reader)
        assert address not in theirs
        assert "Name not known" in theirs
    nobody = of(survey, 7)
    page = shown(world, f"/team/feed/{nobody.id}")
    assert "Nobody known" in page
    assert "Sentiment not known" not in page, "there are no words"
    assert "<small> of 10</small>" in page
