"""Explore and mismatches: every number leads to the answers that it counts, and hostile names stay text."""

import csv
import html
import io
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from feedback.models import Reading
from surveys.base import clock
from surveys.models import Invitation, Response
from tests.conftest import ON_SQLITE
from tests.feedback.dashboard.test_overview import Numbers
from tests.visitor import signed_in

EXPLORE, MISMATCHES = "/team/explore", "/team/mismatches"


def text_of(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return html.unescape(answer.get_data(as_text=True))


def recounted(api, page):
    found = Numbers(page).found
    for href, n in found:
        query = dict(parse_qsl(urlsplit(href).query))
        assert len(api.get("/api/feed", limit=200, **query)["items"]) == n, href
    return found


@pytest.fixture
def survey(make):
    found = make.survey(name="Shop", segments=["plan"])
    for at in range(24):
        make.response(
            found,
            (9, 2, 7, 10)[at % 4],
            clock.now() - timedelta(days=9 * (at % 8), hours=1),
            comment="words",
            properties={"plan": ("pro <b>", "free", "team")[at % 3]},
            channel=("link", "email")[at % 2],
        )
    make.response(found, 0, comment="a test", test=True)
    return found


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", None),
        ("&interval=week", None),
        ("&by=channel", "email"),
        ("&by=property:plan", "pro <b>"),
        ("&by=property:plan&across=channel", "pro <b>"),
        ("&across=property:plan&interval=day", "pro <b>"),
    ],
)
def test_every_cell_leads_to_the_answers_that_it_counts(world, api, survey, query, told):
    since = (clock.now() - timedelta(days=40)).date()
    page = (
        signed_in(world, "viewer")
        .get(f"{EXPLORE}?survey={survey.id}&since={since}{query}")
        .get_data(as_text=True)
    )
    assert len(recounted(api, page)) > 1
    assert told is None or html.escape(told) in page
    assert "pro <b>" not in page


@ON_SQLITE
def test_what_cannot_be_told_apart_is_refused_and_files_hold_no_formulas(world, make, survey):
    viewer, address = signed_in(world, "viewer"), f"{EXPLORE}?survey={survey.id}"
    for query in ("&by=score", "&by=channel&across=channel", "&by=property:"):
        assert viewer.get(address + query).status_code == 422
    make.response(survey, 9, properties={"plan": "=1+1"})
    lines = viewer.get(f"{EXPLORE}/export.csv?survey={survey.id}&by=property:plan").get_data(as_text=True)
    assert "=1+1" in lines
    assert "\n=1+1" not in lines
    halves = viewer.get(f"{EXPLORE}/export.csv?survey={survey.id}&by=property:plan&delimiter=%3B").get_data()
    assert halves.startswith("\ufeffsegment;across;n;".encode())
    then = (clock.now() - timedelta(days=30)).date()
    back = text_of(viewer.get(f"{address}&by=channel&as_of={then}"))
    assert "as known today" in back
    other = make.survey(name="Theirs")
    limited = signed_in(world, "viewer", email="l@acme.example", surveys=[other.id])
    for where in (EXPLORE, MISMATCHES):
        assert limited.get(f"{where}?survey={survey.id}").status_code == 404
        assert "Shop" not in text_of(limited.get(where))


def test_surveys_of_one_metric_come_to_one_value(world, api, make, survey):
    viewer, other = signed_in(world, "viewer"), make.survey(name="Shop two")
    address = f"{EXPLORE}?survey=metric:nps"
    assert viewer.get(f"{EXPLORE}?survey=metric:csat").status_code == 404, "of which there is none"
    for score in (10, 9):
        make.response(other, score)
    make.response(make.survey(metric="csat"), 1)
    for query in ("", "&interval=week", "&by=channel", "&by=channel&across=property:plan"):
        found = recounted(api, viewer.get(address + query).get_data(as_text=True))
        assert all(dict(parse_qsl(urlsplit(href).query))["metric"] == "nps" for href, _ in found)
    found = recounted(api, viewer.get(address + "&by=channel").get_data(as_text=True))
    assert sum(n for _, n in found) == 26
    assert 'value="metric:nps" selected' in text_of(viewer.get(address))
    assert "metric:csat" not in text_of(viewer.get(address)), "one survey needs no sum"
    limited = signed_in(world, "viewer", email="l@acme.example", surveys=[other.id])
    assert [n for _, n in recounted(api, limited.get(address).get_data(as_text=True))] == [2]
    # The list has no sum of one: what is shown is what is chosen in it.
    assert f'value="{other.id}" selected' in text_of(limited.get(address))


@ON_SQLITE
def test_columns_that_are_left_out_are_told(world, make):
    survey = make.survey(name="Shop")
    for at in range(10):
        make.response(survey, 9, properties={"plan": f"plan {at}"})
    address = f"{EXPLORE}?survey={survey.id}&across=property:plan"
    page = text_of(signed_in(world, "viewer").get(address))
    assert "2 more columns with fewer answers are left out." in page
    assert "are in the column All alone" not in page
    for _ in range(2):
        make.response(survey, 3)
    page = text_of(signed_in(world, "viewer", email="v@x.example").get(address))
    assert "2 answers tell nothing by plan: they are in the column All alone." in page


def test_time_says_how_many_were_asked_and_leads_to_shorter_steps(world, api, make, survey):
    viewer = signed_in(world, "viewer")
    for at in range(4):
        body = {"survey": survey.id, "person": {"email": f"{at}@example.com"}, "deliver": False}
        id_ = api.post("/api/triggers", body, 200)["invitation"]["id"]
        asked = clock.now() - timedelta(days=50)
        answered = asked + timedelta(hours=1) if at < 3 else None
        Invitation.update(sent_at=asked, answered_at=answered).where(Invitation.id == id_).execute()
    address = f"{EXPLORE}?survey={survey.id}"
    page = text_of(viewer.get(address))
    assert "75 % (3 of 4)" in page
    closer = re.search(r'href="(/team/explore[^"]*interval=week)"', page)[1]
    weeks = viewer.get(closer).get_data(as_text=True)
    assert "week of" in weeks
    assert recounted(api, weeks)
    assert "interval=day" in weeks
    lines = list(
        csv.DictReader(
            io.StringIO(viewer.get(f"{EXPLORE}/export.csv?survey={survey.id}").text.lstrip("\ufeff"))
        )
    )
    assert sum(int(line["asked"]) for line in lines) == 4
    assert sum(int(line["answered_of_asked"]) for line in lines) == 3
    assert "Answered of those asked" not in text_of(viewer.get(address + "&by=channel"))


@ON_SQLITE
def test_properties_that_answers_carry_lately_can_be_chosen(world, make, survey):
    make.response(survey, 9, properties={"browser <i>": "Firefox"})
    page = signed_in(world, "viewer").get(f"{EXPLORE}?survey={survey.id}").get_data(as_text=True)
    assert 'value="property:browser &lt;i&gt;"' in page


def test_mismatches_show_both_readings_and_what_the_value_would_be(world, api, survey):
    odd = Response.get(Response.survey == survey.id, Response.score == 2)
    Response.update(comment="Wonderful <i>service").where(Response.key == odd.key).execute()
    Reading.insert(
        key=odd.key, language="en", label="neutral", text_label="positive", text_score=0.9,
        engine="t", read_at=clock.now(), words=["Wonderful"],
    ).execute()  # fmt: skip
    viewer = signed_in(world, "viewer")
    page = viewer.get(f"{MISMATCHES}?survey={survey.id}").get_data(as_text=True)
    assert [n for _, n in recounted(api, page)] == [1]
    assert "Wonderful</mark> &lt;i&gt;service" in page
    text = html.unescape(page)
    assert "The score says: Detractors" in text
    assert "The words say: Positive" in text
    assert "The value is 25" in text
    assert "Without the one answer whose words and score disagree it would be 30" in text
    assert "Choose a survey to see" in text_of(viewer.get(MISMATCHES))
    Reading.delete().execute()
    assert "The words of no answer plainly say the opposite of its score." in text_of(viewer.get(MISMATCHES))
