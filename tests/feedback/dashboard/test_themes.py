"""The pages of themes: their numbers lead to the answers, a merge is rehearsed, no door shows more than is due."""

import html
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from feedback.models import Placement, Reading, Theme, Topic
from surveys.base import clock
from surveys.base.accounts.audit import AuditEntry
from tests.conftest import ON_SQLITE
from tests.feedback.dashboard.test_overview import Numbers
from tests.visitor import filled, signed_in

LIST = "/team/themes"

#: Theme of each topic, and the comments that are in it: two are in topics of both themes, two in two topics of one.
UNDER = {
    "top_late": ("thm_ship", range(8)),
    "top_lost": ("thm_ship", range(6, 10)),
    "top_card": ("thm_pay", range(9, 14)),
}


def text_of(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return html.unescape(answer.get_data(as_text=True))


@pytest.fixture
def survey(make):
    """Twenty comments of four people, most of them in topics under two themes; and what leaves no mark."""
    found, now = make.survey(name="Shop"), clock.now()
    for id_, label in (("thm_ship", "Shipping <b>"), ("thm_pay", "Paying"), ("thm_none", "Nothing")):
        Theme.insert(id=id_, label=label, settled=True, created_at=now).execute()
    rows = [
        make.response(
            found,
            (2, 9, 7)[at % 3],
            now - timedelta(days=at, hours=1),
            comment=f"parcel {at} <i>came",
            person={"id": f"p{at % 4}", "name": f"Ann <i>{at % 4}"},
        )
        for at in range(20)
    ]
    for id_, (theme, places) in UNDER.items():
        Topic.insert(id=id_, label=id_, theme=theme, created_at=now - timedelta(days=90)).execute()
        for at in places:
            Placement.insert(topic=id_, response=rows[at].key, evidence=["parcel"]).execute()
    Topic.insert(id="top_free", label="Free", created_at=now).execute()
    Reading.insert_many(
        [
            {
                "key": row.key,
                "language": "en",
                "label": "negative",
                "engine": "t",
                "read_at": now,
                "words": [],
            }
            for row in rows
        ]
    ).execute()
    hidden = make.response(found, 0, comment="a test", test=True)
    Placement.insert(topic="top_late", response=hidden.key, evidence=[]).execute()
    return found


@pytest.mark.parametrize("query", ["", "?survey={}"])
@pytest.mark.parametrize("address", [LIST, f"{LIST}/thm_ship"])
def test_every_number_of_themes_leads_to_the_answers_that_it_counts(world, api, survey, address, query):
    page = signed_in(world).get(address + query.format(survey.id)).get_data(as_text=True)
    assert "Shipping &lt;b&gt;" in page
    found = Numbers(page).found
    assert len(found) > 2
    for href, n in found:
        asked = dict(parse_qsl(urlsplit(href).query))
        assert len(api.get("/api/feed", limit=200, **asked)["items"]) == n, href


def test_a_theme_shows_its_topics_their_words_and_who_speaks(world, survey):
    editor = signed_in(world, "editor")
    page = text_of(editor.get(f"{LIST}/thm_ship"))
    assert "50.0 %" in page, "ten comments of twenty, though twelve times one of its topics is named"
    assert 'href="/team/topics/top_late"' in page
    assert 'href="/team/topics/top_card"' not in page
    assert '<mark class="topic" title="top_l' in page
    assert "4 people are known." in page
    assert "Ann <i>" in page
    assert "Ann &lt;i&gt;" in editor.get(f"{LIST}/thm_ship").get_data(as_text=True)
    viewer = text_of(signed_in(world, "viewer").get(f"{LIST}/thm_ship"))
    assert "people are known" not in viewer
    assert "No topic stands under it." in text_of(editor.get(f"{LIST}/thm_none"))
    listed = text_of(editor.get("/team/topics?theme=thm_ship"))
    assert "top_late" in listed
    assert 'href="/team/topics/top_card"' not in listed
    assert 'href="/team/themes/thm_ship"' in text_of(editor.get("/team/topics/top_late"))


def test_a_name_that_another_theme_has_leads_to_the_rehearsal_of_their_merge(world, survey):
    editor, address = signed_in(world, "editor"), f"{LIST}/thm_ship"
    page = text_of(editor.post(address, {**filled(editor.get(address), do="change"), "label": "PAYING"}), 409)
    assert "Another theme is called so already." in page
    assert "save once more" not in page
    assert 'href="/team/themes/thm_ship?into=thm_pay"' in page
    assert "Merge into Paying" in text_of(editor.get(f"{address}?into=thm_pay"))


def test_a_theme_is_made_filled_and_changed_by_one_at_a_time(world, survey):
    editor = signed_in(world, "editor", name="Maya")
    form = filled(editor.get(LIST), do="make")
    taken = text_of(editor.post(LIST, {**form, "label": "Paying", "topic-top_free": "1"}), 422)
    assert "Another theme is called so already." in taken
    assert 'name="topic-top_free" value="1" checked' in taken, "what was ticked stays"
    assert "There is no topic" in text_of(editor.post(LIST, {**form, "label": "X", "topic-top_no": "1"}), 422)
    done = editor.post(LIST, {**form, "label": "Giving", "topic-top_free": "1"})
    made = urlsplit(done.headers["Location"]).path
    assert Topic.get_by_id("top_free").theme == made.rpartition("/")[2]
    page = text_of(editor.get(done.headers["Location"]))
    assert "Made." in page
    assert "Giving was made." in page
    put = editor.post(made, {**filled(editor.get(made), do="put"), "topic": "top_card"})
    assert put.headers["Location"] == f"{made}?did=put"
    assert Topic.get_by_id("top_card").theme == made.rpartition("/")[2]
    address = f"{LIST}/thm_pay"
    form = filled(editor.get(address), do="change")
    wrong = text_of(editor.post(address, {**form, "label": "x" * 90, "owner": "Zoe"}), 422)
    assert "x" * 90 in wrong
    assert 'value="Zoe"' in wrong
    assert editor.post(address, {**form, "status": "planned"}).headers["Location"] == f"{address}?did=change"
    row = Theme.get_by_id("thm_pay")
    assert (row.label, row.status, row.named) == ("Paying", "planned", False)
    late = editor.post(address, {**form, "owner": "Zoe"})
    assert "Somebody changed the theme meanwhile" in text_of(late, 409)
    again = filled(late, do="change")
    assert (again["owner"], again["status"]) == ("Zoe", "planned")
    assert editor.post(address, again).status_code == 303
    told = [(entry.caller, entry.action) for entry in AuditEntry.select().order_by(AuditEntry.id)]
    assert told.count(("Maya", "POST /team/themes/{theme_id}")) == 3


def test_a_merge_of_themes_is_rehearsed_and_then_done(world, survey):
    editor, address = signed_in(world, "editor"), f"{LIST}/thm_pay"
    page = text_of(editor.get(f"{address}?survey={survey.id}&into=thm_ship"))
    assert "5 comments would move. 1 is in both already." in page
    assert editor.get(f"{address}?into=thm_pay").status_code == 422
    assert editor.get(f"{address}?into=thm_no").status_code == 422
    done = editor.send(f"{address}?into=thm_ship", do="merge", into="thm_ship")
    assert done.headers["Location"] == f"{LIST}/thm_ship?did=merge"
    page = text_of(editor.get(f"{LIST}/thm_ship"))
    assert "70.0 %" in page
    assert "Paying went into Shipping <b>." in page
    gone = text_of(editor.get(address))
    assert "It went into another theme" in gone
    assert f'href="{LIST}/thm_ship"' in gone
    assert text_of(editor.send(f"{LIST}/thm_ship", do="merge", into="thm_pay"), 409)


@ON_SQLITE
def test_who_sees_some_surveys_alone_sees_of_themes_what_these_say(world, make, survey):
    other = make.survey(name="Theirs")
    row = make.response(other, 9, comment="my card")
    Placement.insert(topic="top_card", response=row.key, evidence=[]).execute()
    limited = signed_in(world, "editor", email="l@acme.example", surveys=[other.id])
    assert "thm_ship" not in text_of(limited.get(LIST))
    page = text_of(limited.get(f"{LIST}/thm_pay"))
    assert "100.0 %" in page
    assert 'name="do"' not in page.partition("<main")[2], "themes are shared: who sees a part changes none"
    foreign, missing = (limited.get(f"{LIST}/{id_}") for id_ in ("thm_ship", "thm_no"))
    assert foreign.status_code == missing.status_code == 404
    for do in ("change", "merge", "put"):
        sent = limited.post(f"{LIST}/thm_pay", {**limited.forms("/team/profile")[0][1], "do": do})
        assert sent.status_code == 403
    agent = signed_in(world, "agent", email="a@acme.example")
    assert {agent.get(address).status_code for address in (LIST, f"{LIST}/thm_pay")} == {403}


@ON_SQLITE
def test_without_themes_the_page_says_where_they_come_from(world, make):
    assert "A review gathers topics under themes" in text_of(signed_in(world, "viewer").get(LIST))
    chips = text_of(signed_in(world, "viewer", email="v@acme.example").get("/team/feed"))
    assert 'name="theme"' not in chips


@ON_SQLITE
def test_the_feed_names_the_theme_the_agent_and_the_team_that_it_is_narrowed_to(world, api, make, survey):
    make.response(survey, 2, comment="words", agent_id="17", agent_name="Sam", team_id="3", team_name="North")
    viewer = signed_in(world, "viewer")
    assert "<bdi>Shipping <b></bdi>" in text_of(viewer.get("/team/feed?theme=thm_ship"))
    page = text_of(viewer.get("/team/feed?agent=17&team=3"))
    assert "<bdi>Sam</bdi>" in page
    assert "<bdi>North</bdi>" in page
    assert "<bdi>18</bdi>" in text_of(viewer.get("/team/feed?agent=18"))
