"""The pages of topics: their numbers lead to the answers, changes are rehearsed, what was read is kept."""

import html
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest

from feedback import feed, pins, vectors
from feedback.models import Meaning, Placement, Reading, Theme, Topic, TopicStatus
from feedback.topics import reading_plan
from surveys.base import clock
from surveys.models import Response
from tests.conftest import ON_SQLITE
from tests.feedback.dashboard.test_overview import Numbers
from tests.visitor import forms_on, signed_in

LIST = "/team/topics"


def text_of(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return html.unescape(answer.get_data(as_text=True))


@pytest.fixture
def survey(make):
    """Thirty comments: twelve on late parcels and two on prices, others on nothing; and what leaves no mark."""
    found = make.survey(name="Shop")
    for id_, label in (("top_late", "Late <b>parcels</b>"), ("top_cost", "Prices")):
        Topic.insert(id=id_, label=label, created_at=clock.now() - timedelta(days=90)).execute()
    axes = np.eye(8, dtype=np.float32)
    for at in range(30):
        topic = "top_late" if at < 12 else "top_cost" if at < 14 else None
        comment = f"parcel {at} came {'late' if at % 2 else 'broken'}" if topic else f"words {at}"
        person = {"id": f"p{at % 4}", "name": f"Ann <i>{at % 4}"} if at < 12 else None
        given = clock.now() - timedelta(days=at, hours=1)
        row = make.response(found, (2, 9, 7)[at % 3], given, comment=comment, person=person)
        Reading.insert(
            key=row.key,
            language="de" if at > 20 else "en",
            label="negative",
            engine="t",
            read_at=clock.now(),
            words=[],
        ).execute()
        if topic:
            Placement.insert(topic=topic, response=row.key, evidence=["parcel"], closeness=0.5).execute()
            packed = vectors.packed(axes[at % 3])
            Meaning.insert(key=row.key, vector=packed, representation="t").execute()
    make.response(found, 0, comment="a test", test=True)
    return found


@pytest.mark.parametrize("address", [LIST, f"{LIST}/top_late"])
def test_every_number_of_topics_leads_to_the_answers_that_it_counts(world, api, survey, address):
    visitor = signed_in(world)
    page = visitor.get(f"{address}?survey={survey.id}").get_data(as_text=True)
    assert "Late &lt;b&gt;parcels" in page
    found = Numbers(page).found
    assert len(found) > 4
    for href, n in found:
        query = dict(parse_qsl(urlsplit(href).query))
        assert len(api.get("/api/feed", limit=200, **query)["items"]) == n, href


@pytest.mark.parametrize(
    "page", [LIST, f"{LIST}/top_late", "/team/themes", "/team/themes/thm_all", "/team/mismatches"]
)
def test_pages_of_topics_look_back_to_what_was_recorded_then(world, survey, page):
    Theme.insert(id="thm_all", label="Shipping", created_at=clock.now()).execute()
    Topic.update(theme="thm_all").where(Topic.id == "top_late").execute()
    viewer, then = signed_in(world, "viewer"), (clock.now() - timedelta(days=6)).date().isoformat()
    shown = text_of(viewer.get(f"{page}?as_of={then}"))
    assert f"What was recorded up to {then}" in shown
    assert "What was recorded" not in text_of(viewer.get(page))
    numbers = Numbers(viewer.get(f"{page}?as_of={then}&survey={survey.id}").get_data(as_text=True)).found
    for href, n in numbers:
        [found] = re.findall(r'<span class="faint" data-n="(\d+)"', text_of(viewer.get(href)))
        assert int(found) == n, href
    if "top_late" in page:
        late = Placement.select(Response.key).join(Response, on=Response.key == Placement.response)
        late = late.where(Placement.topic == "top_late").tuples()
        known = [key for (key,) in late if clock.moment(key).date().isoformat() <= then]
        assert 0 < len(known) < 12
        assert max(n for _, n in numbers) == len(known)
    assert text_of(viewer.get(f"{page}?as_of=then"), 422)


@ON_SQLITE
@pytest.mark.parametrize("page", [f"{LIST}/top_late", "/team/themes/thm_all"])
def test_what_was_noted_stands_on_the_weeks_of_topics_and_themes(world, make, survey, page):
    Theme.insert(id="thm_all", label="Shipping", created_at=clock.now()).execute()
    Topic.update(theme="thm_all").where(Topic.id == "top_late").execute()
    visitor, now, other = signed_in(world, "viewer"), clock.now(), make.survey()
    assert 'class="flag"' not in text_of(visitor.get(page))
    for at, text, of in (
        (now - timedelta(days=8), "Second <b>shift", None),
        (now - timedelta(days=1), "Of this one", survey.id),
        (now - timedelta(days=2), "Of another", other.id),
        (now - timedelta(days=300), "Long ago", None),
    ):
        pins.add(at, text, "change", of, None, now)
    shown = visitor.get(f"{page}?survey={survey.id}").get_data(as_text=True)
    assert shown.count('class="flag"') == 2
    assert "Second &lt;b&gt;shift" in shown
    assert "Of this one" in shown
    assert "Of another" not in shown
    assert "Long ago" not in shown
    then = (now - timedelta(days=2)).date().isoformat()
    assert "Of this one" not in text_of(visitor.get(f"{page}?survey={survey.id}&as_of={then}"))


def test_a_topic_is_changed_by_one_at_a_time_and_its_history_is_told(world, survey):
    editor, address = signed_in(world, "editor", name="Maya"), f"{LIST}/top_late"
    form = next(given for _, given in editor.forms(address) if given.get("do") == "change")
    assert editor.post(address, {**form, "status": "came_back"}).status_code == 422
    wrong = editor.post(address, {**form, "status": "planned", "label": "x" * 90, "owner": "Zoe"})
    page = text_of(wrong, 422)
    assert "x" * 90 in page
    assert 'value="Zoe"' in page
    done = editor.post(address, {**form, "status": "planned", "owner": "Zoe"})
    assert done.headers["Location"] == f"{address}?did=change"
    row = Topic.get_by_id("top_late")
    assert (row.status, row.owner, row.named) == ("planned", "Zoe", False)
    refused = editor.post(address, {**form, "status": "shipped"})
    late = text_of(refused, 409)
    again = next(given for _, given in forms_on(refused) if given.get("do") == "change")
    assert again["owner"] == "Zoe", "sent once more it takes nothing of the other's back"
    assert "Somebody changed the topic meanwhile" in late
    assert '<option value="shipped" selected>' in late
    [line] = TopicStatus.select()
    assert (line.former, line.status, line.made_by) == ("new", "planned", "Maya")
    assert "New → Planned" in text_of(editor.get(address))
    Topic.update(status="came_back").where(Topic.id == "top_late").execute()
    form = next(given for _, given in editor.forms(address) if given.get("do") == "change")
    assert editor.post(address, {**form, "status": "came_back", "owner": "Ann"}).status_code == 303


def test_a_merge_is_rehearsed_and_then_done(world, survey):
    editor, address = signed_in(world, "editor"), f"{LIST}/top_cost"
    both = Placement.get(Placement.topic == "top_cost").response_key
    Placement.insert(topic="top_late", response=both, evidence=[]).execute()
    page = text_of(editor.get(f"{address}?survey={survey.id}&into=top_late"))
    assert "2 comments would move. 1 is in both already." in page
    numbers = [int(n) for n in re.findall(r'</bdi></td><td class="n">(\d+)</td>', page)]
    assert numbers == [2, 13, 14]
    done = editor.send(f"{address}?into=top_late", do="merge", into="top_late")
    assert done.headers["Location"] == f"{LIST}/top_late?did=merge"
    assert Placement.select().where(Placement.topic == "top_late").count() == 14
    gone = text_of(editor.get(address))
    assert "It went into another topic" in gone
    assert f'href="{LIST}/top_late"' in gone
    assert text_of(editor.send(f"{LIST}/top_late", do="merge", into="top_cost"), 409)
    assert "went into" in text_of(editor.get(f"{LIST}/top_late"))


def test_who_sees_a_card_is_said_before_it_is_published(world, survey):
    editor, address = signed_in(world, "editor"), f"{LIST}/top_late"
    page = text_of(editor.get(address))
    told = page.index("Whoever has the address of what you publish sees it without signing in")
    assert told < page.index("Make a badge for the issue")
    assert "what you publish" not in text_of(signed_in(world, "viewer").get(address))


def test_a_name_that_another_topic_has_leads_to_the_rehearsal_of_their_merge(world, survey):
    editor, address = signed_in(world, "editor"), f"{LIST}/top_late?survey={survey.id}"
    form = next(given for _, given in editor.forms(address) if given.get("do") == "change")
    answer = editor.post(address, {**form, "status": "planned", "label": "PRICES", "owner": "Zoe"})
    page = text_of(answer, 409)
    assert "Another topic is called so already." in page
    assert "save once more" not in page
    assert 'value="Zoe"' in page, "what was typed beside the name stays"
    [href] = re.findall(r'role="alert">Nothing was saved[^<]*<a href="([^"]+)"', page)
    assert f"survey={survey.id}" in href
    assert "Merge into Prices" in text_of(editor.get(href))
    assert "12 comments would move" in text_of(editor.get(href))
    again = next(given for _, given in forms_on(answer) if given.get("do") == "change")
    assert editor.post(address, {**again, "status": "planned", "label": "Costs"}).status_code == 303
    assert Topic.get_by_id("top_late").label == "Costs"
    assert Topic.get_by_id("top_late").owner == "Zoe"


def test_a_part_is_rehearsed_and_made_a_topic_of_its_own(world, survey):
    editor, address = signed_in(world, "editor"), f"{LIST}/top_late?parts=broken"
    assert "No comment of this topic has these words" in text_of(editor.get(f"{LIST}/top_late?parts=unsaid"))
    form = next(given for _, given in editor.forms(address) if "label" in given and "status" not in given)
    picked = [name for name in form if name.startswith("pick-")]
    assert len(picked) == 6
    left = {name: value for name, value in form.items() if name != picked[0]}
    taken = text_of(editor.post(address, {**left, "do": "split", "label": "Prices"}), 422)
    assert "Another topic is called so already." in taken
    nothing = {name: value for name, value in form.items() if name not in picked}
    assert "Pick the comments" in text_of(editor.post(address, {**nothing, "do": "split"}), 422)
    done = editor.post(address, {**left, "do": "split", "label": "Broken parcels"})
    made = urlsplit(done.headers["Location"]).path.rpartition("/")[2]
    assert Placement.select().where(Placement.topic == made).count() == 5
    assert "Broken parcels was made of a part of" in text_of(editor.get(f"{LIST}/{made}"))


def test_a_part_offers_what_is_near_in_meaning_without_its_words(world, make, survey):
    near, far = (make.response(survey, 1, comment=text) for text in ("the box was crushed", "nobody called"))
    for row, axis in ((near, 0), (far, 7)):
        Placement.insert(topic="top_late", response=row.key, evidence=[]).execute()
        packed = vectors.packed(np.eye(8, dtype=np.float32)[axis])
        Meaning.insert(key=row.key, vector=packed, representation="t").execute()
    editor, address = signed_in(world, "editor"), f"{LIST}/top_late?parts=broken"
    page = text_of(editor.get(address))
    assert "Nearest to them in meaning, without the words" in page
    assert f'type="checkbox" name="pick-{near.id}" value="1">' in page, (
        "it is offered, and nobody has picked it"
    )
    assert f'type="checkbox" name="pick-{far.id}"' not in page
    assert "6 comments would move" in page
    form = next(given for _, given in editor.forms(address) if "label" in given and "status" not in given)
    given = {**{name: value for name, value in form.items() if value}, f"pick-{near.id}": "1", "do": "split"}
    again = text_of(editor.post(address, {**given, "label": "Prices"}), 422)
    assert f'name="pick-{near.id}" value="1" checked>' in again, "what was ticked stays"
    done = editor.post(address, {**given, "label": "Broken parcels"})
    made = urlsplit(done.headers["Location"]).path.rpartition("/")[2]
    assert Placement.get(Placement.response == near.key).topic_id == made
    assert near.id not in [item.id for item in feed.like([near.key], {"topic": made}, 9)]


def test_reading_a_few_comments_stands_for_all_and_a_new_thought_is_told(world, make, survey):
    viewer, address = signed_in(world, "viewer"), f"{LIST}/top_late"
    page = text_of(viewer.get(address))
    assert "These 3 stand for 100 % of the 12 comments." in page
    assert "stands for 4" in page
    read = f"{address}/read"
    done = viewer.send(read, on=address)
    assert done.headers["Location"] == f"{address}?did=read"
    assert "stands for all 12 comments" in text_of(viewer.get(address))
    assert "These 3 stand for" in text_of(signed_in(world, "editor").get(address)), (
        "each reads for themselves"
    )
    row = make.response(survey, 1, comment="the parcel was opened")
    Placement.insert(topic="top_late", response=row.key, evidence=[]).execute()
    packed = vectors.packed(np.eye(8, dtype=np.float32)[7])
    Meaning.insert(key=row.key, vector=packed, representation="t").execute()
    page = text_of(viewer.get(address))
    assert "new thought" in page
    assert "the parcel was opened" in page
    assert "stands for 92 % of them" in page


def test_topics_are_taught_and_reviewed_and_what_waits_is_told_by_language(world, make, survey):
    editor = signed_in(world, "editor")
    page = text_of(editor.get(LIST))
    assert "<b>de</b> 9" in page
    assert "<b>en</b> 7" in page
    form = next(given for _, given in editor.forms(LIST) if given.get("do") == "teach")
    wrong = text_of(editor.post(LIST, {**form, "label": "Prices", "examples": "Too dear"}), 422)
    assert "Another topic is called so already." in wrong
    assert "Too dear" in wrong
    done = editor.post(LIST, {**form, "label": "Returns", "examples": "Sent it back\n\nno refund "})
    made = Topic.get(Topic.label == "Returns")
    assert made.examples == ["Sent it back", "no refund"]
    assert done.headers["Location"] == f"{LIST}/{made.id}?did=teach"
    assert editor.post(LIST, {"token": form["token"], "do": "review"}).status_code == 303


@ON_SQLITE
def test_who_sees_some_surveys_sees_their_topics_and_changes_none(world, make, survey):
    other = make.survey(name="Hidden")
    row = make.response(other, 3, comment="parcel, secretly")
    for topic in ("top_late", "top_other"):
        if topic == "top_other":
            Topic.insert(id=topic, label="Others’ matter", created_at=clock.now()).execute()
        Placement.insert(topic=topic, response=row.key, evidence=["secretly"]).execute()
    Topic.update(owner="Zoe of others").where(Topic.id == "top_late").execute()
    limited = signed_in(world, "editor", surveys=[survey.id])
    for address in (LIST, f"{LIST}/top_late"):
        page = text_of(limited.get(address))
        assert "secretly" not in page
        assert "Others’ matter" not in page
        assert "Zoe of others" not in page
        assert [given for action, given in limited.forms(address) if "do" in given] == []
        assert (
            limited.post(
                address, {"token": limited.forms("/team/profile")[0][1]["token"], "do": "review"}
            ).status_code
            == 403
        )
    assert limited.get(f"{LIST}/top_other").status_code == limited.get(f"{LIST}/top_none").status_code == 404
    assert limited.get(f"{LIST}?survey={other.id}").status_code == 404
    assert signed_in(world, "agent").get(LIST).status_code == 403


def test_the_fewest_that_cover_are_chosen_and_what_is_read_counts():
    axes = np.eye(4, dtype=np.float32)
    texts = [vectors.packed(axes[at]) for at in (0, 0, 0, 1, 1, 2)]
    one_kind = ["negative"] * 6
    assert vectors.covering([], [], 0.5, 3, []) == ([], 0)
    assert vectors.covering(texts, [], 0.5, 2, one_kind) == ([(0, 3), (3, 2)], 0)
    assert vectors.covering(texts, [4], 0.5, 9, one_kind) == ([(0, 3), (5, 1)], 2)
    # "Came early" stands for nobody who says "came late".
    felt = ["positive", "negative", "negative", None, None, "positive"]
    assert vectors.covering(texts, [], 0.5, 9, felt) == ([(1, 2), (3, 2), (0, 1), (5, 1)], 0)
    assert reading_plan.MOST == 12
