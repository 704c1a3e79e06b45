"""Names of topics and themes stand in the language of who reads, and so do the first of the typical comments."""

from zoneinfo import ZoneInfo

import pytest

from feedback import digest_mail, exports, feed
from feedback.models import Digest, Placement, Reading, Theme, Topic
from feedback.topics import topics as store
from surveys import responses
from surveys.base import clock
from surveys.base.accounts import members
from tests.visitor import forms_on, member, signed_in

#: What is asked for and the name that is told: the first that comments are in, else the topic's own.
WANTED = [
    ({"lang": "de"}, {}, "Lieferzeit"),
    ({"lang": "de-AT"}, {"Accept-Language": "fr"}, "Lieferzeit"),
    ({}, {"Accept-Language": "ja, fr;q=0.8, de;q=0.9"}, "Lieferzeit"),
    ({}, {"Accept-Language": "en-GB,en;q=0.5"}, "Delivery time"),
    ({"lang": "fr"}, {}, "Delivery time"),
    ({}, {}, "Delivery time"),
]


@pytest.fixture
def late(make):
    """A topic of German and English comments under a theme; the German ones are farther from its middle."""
    names = {"en": "Delivery time", "de": "Lieferzeit"}
    Theme.create(
        id="thm_1", label="Delivery", names={"en": "Delivery", "de": "Versand"}, created_at=clock.now()
    )
    Topic.create(id="top_late", label="Delivery time", names=names, theme="thm_1", created_at=clock.now())
    survey, rows = make.survey(), []
    said = [
        ("came late", "en"),
        ("two weeks late", "en"),
        ("kam zu spät", "de"),
        ("viel verspätung", "de"),
    ] * 6
    for at, (words, language) in enumerate(said):
        row = make.response(survey, at % 11, comment=f"{words} {'abcdefghijklmnopqrstuvwxyz'[at] * 4}")
        Reading.create(key=row.key, language=language, engine="t", read_at=clock.now())
        Placement.create(
            topic="top_late", response=row.key, evidence=[], closeness=0.5 + 0.4 * (language == "en")
        )
        rows.append(row)
    return survey, rows


@pytest.mark.parametrize(("query", "headers", "name"), WANTED)
def test_a_name_is_told_in_the_language_of_who_reads(api, late, query, headers, name):
    survey, rows = late
    above = "Versand" if name == "Lieferzeit" else "Delivery"

    def get(path, **more):
        return api.call("GET", path, 200, query_string={**query, **more}, headers=headers)

    page = get("/api/topics")
    assert (page["items"][0]["label"], page["themes"][0]["label"]) == (name, above)
    one = get("/api/topics/top_late")
    assert (one["label"], one["theme"]["label"]) == (name, above)
    assert get("/api/themes")["items"][0]["label"] == above
    assert name in str(get("/api/drivers", survey=survey.id))
    if not query:
        item = get(f"/api/responses/{rows[0].id}")
        assert item["topics"][0]["label"] == name
        named = get("/api/metrics", survey=survey.id, by="topic")
        assert name in str(named)


def test_typical_comments_come_in_the_reader_s_language_first(api, late):
    def first(lang):
        typical = api.get("/api/topics/top_late", lang=lang)["typical"]
        return {each["comment"].partition(" ")[0] for each in typical[:4]}

    assert [first("de"), first("en"), first("fr")] == [{"kam", "viel"}, {"came", "two"}, {"came", "two"}]


def test_caches_know_that_names_differ_and_a_tag_that_is_none_is_refused(api, late):
    answer = api.call("GET", "/api/topics", headers={"Accept-Language": "de"})
    assert "Accept-Language" in answer.headers["Vary"]
    assert api.get("/api/topics", 422, lang="de'--")["error"]["fields"]["lang"]


def test_a_name_that_a_person_gave_is_told_to_everybody(api, late):
    api.patch("/api/topics/top_late", {"label": "Late parcels"})
    api.patch("/api/themes/thm_1", {"label": "Parcels"})
    one = api.get("/api/topics/top_late", lang="de")
    assert (one["label"], one["theme"]["label"]) == ("Late parcels", "Parcels")


def test_a_form_that_shows_the_reader_s_name_renames_nothing(world, late):
    editor, address = signed_in(world, "editor"), "/team/topics/top_late"
    german = {"Accept-Language": "de"}
    page = editor.get(address, headers=german)
    assert "<bdi>Lieferzeit</bdi>" in page.get_data(as_text=True)
    form = next(given for _, given in forms_on(page) if given.get("do") == "change")
    assert form["label"] == "Lieferzeit"
    assert editor.post(address, {**form, "status": "planned"}, **german).status_code == 303
    row = Topic.get_by_id("top_late")
    assert (row.status, row.label, row.named) == ("planned", "Delivery time", False)


def test_a_form_renames_nothing_where_another_name_is_told_by_now(world, late):
    editor, address = signed_in(world, "editor"), "/team/topics/top_late"
    page = editor.get(address, headers={"Accept-Language": "de"})
    form = next(given for _, given in forms_on(page) if given.get("do") == "change")
    Topic.update(names={"en": "Delivery time", "de": "Versanddauer"}).execute()
    assert editor.post(address, {**form, "status": "planned"}).status_code == 303
    row = Topic.get_by_id("top_late")
    assert (row.status, row.label, row.named) == ("planned", "Delivery time", False)
    assert row.names["de"] == "Versanddauer"


@pytest.mark.parametrize("lang", ["en", "de"])
def test_a_name_that_is_sent_back_as_it_was_read_renames_nothing(api, late, lang):
    for path, table in (("/api/topics/top_late", Topic), ("/api/themes/thm_1", Theme)):
        before = table.get()
        (read,) = api.get(path.rpartition("/")[0], lang=lang)["items"]
        assert api.patch(path, {"label": read["label"], "status": "seen"})["status"] == "seen"
        after = table.get()
        assert (after.label, after.names, after.named) == (before.label, before.names, False)


@pytest.mark.parametrize("path", ["/api/export/responses.{}", "/team/feed/export.{}"])
def test_a_file_tells_names_in_the_language_of_who_asked_for_it(api, late, monkeypatch, path):
    monkeypatch.setattr(exports, "BATCH", 5)
    for kind in ("csv", "ndjson"):
        for language, name in (("de", "Lieferzeit"), ("en", "Delivery time")):
            answer = api.call("GET", path.format(kind), headers={"Accept-Language": language})
            assert answer.get_data(as_text=True).count(name) == len(late[1])
            assert "Accept-Language" in answer.headers["Vary"]


def test_words_that_nobody_says_any_more_leave_the_names_in_other_languages(late):
    Topic.update(label="late", names={"en": "late", "de": "verspätung"}).execute()
    Theme.update(names={"en": "Delivery time", "de": "viel verspätung"}, label="Delivery time").execute()
    for row in late[1]:
        if "verspätung" in row.comment:
            responses.delete(row, clock.now())
    store.forget_words(feed.is_said, clock.now())
    assert Topic.get_by_id("top_late").names == {"en": "late"}
    assert Theme.get_by_id("thm_1").names == {"en": "Delivery time"}


def test_a_member_s_choice_goes_before_what_the_browser_asks(world, late):
    editor, address = signed_in(world, "editor"), "/team/topics/top_late"

    def told(**headers):
        return "<bdi>Lieferzeit</bdi>" in editor.get(address, headers=headers).get_data(as_text=True)

    def choose(tag):
        form = next(
            given for _, given in forms_on(editor.get("/team/profile")) if given.get("do") == "language"
        )
        return editor.post("/team/profile", {**form, "language": tag}).status_code

    english = {"Accept-Language": "en"}
    assert not told(**english)
    assert choose("de") == 303
    assert told(**english)
    assert 'value="de" lang="de" selected' in editor.get("/team/profile").get_data(as_text=True)
    assert choose("klingon") == 422
    assert told(**english)
    assert choose("") == 303
    assert not told(**english)
    assert told(**{"Accept-Language": "de"})


def test_a_member_s_digest_names_topics_in_their_language(world, late):
    reader = member("viewer")
    row = Digest(
        id="dig_1", email=reader.email, member=reader.id, made_by=reader.id, when="daily", filters={}
    )
    today = clock.now().date().isoformat()

    def told():
        return digest_mail.compose(row, today, ZoneInfo("UTC"), "http://localhost/d/x").text

    assert "Delivery time: 24" in told()
    members.change(reader.id, {"language": "de"})
    assert "Lieferzeit: 24" in told()
