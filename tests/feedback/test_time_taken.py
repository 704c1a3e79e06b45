"""How long an answer took: from being asked to answering, and from the survey being seen to its being sent."""

import csv
import io
import uuid
from datetime import timedelta

import pytest

from surveys.base import clock
from surveys.domain import revisions
from surveys.models import Invitation, Response
from surveys.views import forms
from tests.conftest import ON_SQLITE
from tests.visitor import signed_in


def sent(client, survey, **said):
    body = {"id": str(uuid.uuid4()), "survey": survey.id, "score": 9, **said}
    reply = client.post("/r", json=body)
    assert reply.status_code in (200, 201), reply.get_data(as_text=True)
    return body["id"]


def item(api, id_):
    return api.get(f"/api/responses/{id_}")


def test_what_the_visitor_took_is_kept_of_the_newest_revision(client, api, make):
    survey = make.survey()
    id_ = sent(client, survey, seconds=4)
    assert (item(api, id_)["seconds"], item(api, id_)["asked_at"]) == (4, None)
    sent(client, survey, id=id_, revision=3, comment="Quick", seconds=31)
    sent(client, survey, id=id_, revision=2, seconds=20)
    assert item(api, id_)["seconds"] == 31
    untold = sent(client, survey)
    assert item(api, untold)["seconds"] is None
    (line, *_) = csv.DictReader(
        io.StringIO(api.call("GET", "/api/export/responses.csv").data.decode("utf-8-sig"))
    )
    assert (line["seconds"], line["answered_after_seconds"], line["asked_at"]) == ("", "", "")


@pytest.mark.parametrize("seconds", [-3, -(2**31) + 1])
def test_a_clock_that_was_set_back_loses_no_answer(client, api, make, seconds):
    assert item(api, sent(client, make.survey(), seconds=seconds))["seconds"] is None


@ON_SQLITE
@pytest.mark.parametrize("seconds", ["4", 4.5, True, 2**31])
def test_what_is_no_number_of_seconds_is_told(client, make, seconds):
    body = {"id": str(uuid.uuid4()), "survey": make.survey().id, "score": 9, "seconds": seconds}
    reply = client.post("/r", json=body)
    assert (reply.status_code, list(reply.json["error"]["fields"])) == (422, ["seconds"])


def test_an_answer_to_an_invitation_says_when_it_was_asked_for(api, client, make):
    survey = make.survey()
    body = {"survey": survey.id, "person": {"email": "ann@example.com"}, "deliver": False}
    invitation = api.post("/api/triggers", body, 200)["invitation"]
    asked = clock.now() - timedelta(hours=3)
    Invitation.update(sent_at=asked).where(Invitation.id == invitation["id"]).execute()
    token = invitation["url"].rsplit("/", 1)[1]
    id_ = sent(client, survey, invitation=token)
    assert item(api, id_)["asked_at"] == clock.stamp(asked)
    text = api.call("GET", "/api/export/responses.csv").data.decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))
    assert 3 * 3600 <= int(line["answered_after_seconds"]) < 3 * 3600 + 60
    assert line["asked_at"] == clock.stamp(asked)


def test_our_own_page_says_how_long_its_form_was_shown(client, api, make):
    survey = make.survey()
    made = clock.microseconds(clock.now() - timedelta(seconds=42))
    form = forms.Form(survey.id, "en", "link", None, None, made)
    fields = {"form": forms.seal(form, clock.now()), "score": "9", "homepage": ""}
    assert client.post(f"/s/{survey.id}", data=fields).status_code == 200
    assert item(api, form.id)["seconds"] in (42, 43)


def test_the_same_said_again_after_its_time_is_still_the_same(client, api, make):
    survey = make.survey(edit_window_hours=1)
    id_ = sent(client, survey, seconds=4)
    Response.update(created_at=clock.now() - timedelta(hours=2)).where(Response.id == id_).execute()
    sent(client, survey, id=id_, revision=2, seconds=9000)
    assert item(api, id_)["seconds"] == 4
    assert "seconds" in revisions.MERGED


def test_the_pages_tell_it_in_words(world, client, api, make):
    survey = make.survey(name="Shop")
    for seconds in (10, 20, 200):
        id_ = sent(client, survey, seconds=seconds)
    asked = clock.now() - timedelta(hours=30)
    body = {"survey": survey.id, "person": {"email": "ann@example.com"}, "deliver": False}
    invitation = api.post("/api/triggers", body, 200)["invitation"]["id"]
    Invitation.update(sent_at=asked).where(Invitation.id == invitation).execute()
    Response.update(invitation=invitation).where(Response.id == id_).execute()
    viewer = signed_in(world, "viewer")
    page = viewer.get(f"/team/feed/{id_}").get_data(as_text=True)
    assert "answered after 30 h" in page
    assert "in 4 min" in page
    page = viewer.get(f"/team/surveys/{survey.id}").get_data(as_text=True)
    assert "The one that was asked for came within 30 h of the ask." in page
    assert "Of the newest 3 whose time is known, half were filled in within 20 s." in page
