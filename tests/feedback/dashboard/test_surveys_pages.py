"""The pages of surveys: one is made, changed by its form, tried out and embedded; what is wrong loses nothing."""

import html
import re
from datetime import timedelta

import pytest

from feedback.dashboard import survey_form
from surveys import responses
from surveys.base import clock
from surveys.models import Definition, Invitation, RefusedOrigin, Survey
from tests.conftest import ON_SQLITE
from tests.feedback.dashboard.test_overview import Numbers
from tests.visitor import forms_on, signed_in

LIST = "/team/surveys"


def text_of(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return html.unescape(answer.get_data(as_text=True))


def settings_of(visitor, survey, language=None):
    """The form of a survey as its page shows it, with what is chosen of lists."""
    return settings_on(visitor.get(f"{LIST}/{survey.id}" + (f"?lang={language}" if language else "")))


def settings_on(page):
    """The form of a survey on a page that is shown already."""
    given = next(each for _, each in forms_on(page) if "version" in each)
    text = page.get_data(as_text=True)
    for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        given[name] = chosen[1] if chosen else ""
    for name, value in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.DOTALL):
        given[name] = html.unescape(value)
    return {**given, "do": "change"}


def test_a_survey_is_made_changed_and_embedded_by_forms_alone(world):
    editor = signed_in(world, "editor")
    assert "Missing" not in text_of(editor.send(LIST, name="", metric="nps"), 422)
    done = editor.send(LIST, name="Shop <b>", metric="nps", language="de")
    survey = Survey.get(Survey.name == "Shop <b>")
    assert done.headers["Location"] == f"{LIST}/{survey.id}?did=made"
    page = text_of(editor.get(done.headers["Location"]))
    assert re.search(r"<code>[0-9a-f]{64}</code>", page), "the secret is shown once"
    assert f'<script async src="http://localhost/w/{survey.id}.js"></script>' in page
    assert "useEffect" in page
    assert not re.search(r"<code>[0-9a-f]{64}</code>", text_of(editor.get(f"{LIST}/{survey.id}")))
    given = settings_of(editor, survey)
    assert editor.post(f"{LIST}/{survey.id}", given).status_code == 303
    assert Survey.get_by_id(survey.id).definition == 1, "nothing was changed"
    changed = {
        **given,
        "product": "Acme",
        "language:en": "1",
        "question": "Wie war es?",
        "follow_up:detractor": "Was lief schief?",
        "mail.subject": "Und?",
        "allowed_origins": "https://shop.example\n\n https://SHOP.example ",
        "widget.color": "#ff0000",
        "widget.show_after_seconds": "never",
        "widget.exit_intent": "1",
        "sampling": "12.5",
        "person_budget": "3",
        "open_follow_ups.at_or_below": "4",
        "open_follow_ups.contact": "1",
    }
    changed["version"] = settings_of(editor, survey)["version"]
    done = editor.post(f"{LIST}/{survey.id}", changed)
    assert done.status_code == 303, text_of(done, 422)
    row = Survey.get_by_id(survey.id)
    assert (row.product, row.languages, row.question) == ("Acme", ["de", "en"], {"de": "Wie war es?"})
    assert row.follow_up == {"detractor": {"de": "Was lief schief?"}}
    assert row.mail["subject"] == {"de": "Und?"}
    assert row.allowed_origins == ["https://shop.example"]
    assert row.widget == {"color": "#ff0000", "show_after_seconds": None, "exit_intent": True}
    assert (row.sampling, row.person_budget, row.company_budget) == (0.125, 3, None)
    assert row.open_follow_ups["at_or_below"] == 4
    assert (row.open_follow_ups["contact"], row.open_follow_ups["negative"]) == (True, False)
    assert row.definition == 2
    assert "Wie war es?" in text_of(editor.get(f"{LIST}/{survey.id}?lang=en")), "the wording's history"
    assert Definition.select().where(Definition.survey == survey.id).count() == 2
    fresh = settings_of(editor, survey, "en")
    assert fresh["question"] == ""
    back = {**fresh, "question": "How was it?", "person_budget": "", "widget.show_after_seconds": ""}
    back.pop("widget.exit_intent")
    assert editor.post(f"{LIST}/{survey.id}?lang=en", back).status_code == 303
    row = Survey.get_by_id(survey.id)
    assert row.question == {"de": "Wie war es?", "en": "How was it?"}
    assert (row.person_budget, row.widget) == (None, {"color": "#ff0000", "exit_intent": False})


def test_what_is_wrong_or_old_is_told_and_what_was_typed_stays(world, make):
    editor, survey = signed_in(world, "editor"), make.survey(name="Shop")
    given = settings_of(editor, survey)
    wrong = {
        "widget.color": "red",
        "quarantine_days": "soon",
        "allowed_origins": "shop.example/x",
        "name": "Another",
    }
    page = text_of(editor.post(f"{LIST}/{survey.id}", {**given, **wrong}), 422)
    assert "Must be a number." in page
    assert "Must be a colour like" in page
    for typed in wrong.values():
        assert typed in page
    assert Survey.get_by_id(survey.id).name == "Shop"
    assert editor.post(f"{LIST}/{survey.id}", {**given, "name": "First"}).status_code == 303
    page = text_of(editor.post(f"{LIST}/{survey.id}", {**given, "name": "Second"}), 409)
    assert "Somebody changed the survey meanwhile" in page
    assert 'value="Second"' in page
    assert Survey.get_by_id(survey.id).name == "First"


@ON_SQLITE
def test_languages_keep_their_order_of_which_the_first_is_the_default(world, make):
    editor, survey = signed_in(world, "editor"), make.survey(name="Shop", languages=["fr", "en", "de"])
    address = f"{LIST}/{survey.id}"
    given = settings_of(editor, survey)
    assert editor.post(address, {**given, "name": "Other", "language:ar": "1"}).status_code == 303
    assert Survey.get_by_id(survey.id).languages == ["fr", "en", "de", "ar"]
    given = settings_of(editor, survey)
    del given["language:fr"]
    assert editor.post(address, given).status_code == 303
    assert Survey.get_by_id(survey.id).languages == ["en", "de", "ar"]


@ON_SQLITE
def test_two_editors_of_a_survey_take_nothing_of_each_other_back(world, make):
    editor, survey = signed_in(world, "editor"), make.survey(name="Shop", languages=["en", "de"])
    address = f"{LIST}/{survey.id}"
    mine, theirs = settings_of(editor, survey), settings_of(editor, survey)
    assert editor.post(address, {**theirs, "quarantine_days": "60", "redact": "1"}).status_code == 303
    wrong = editor.post(address, {**mine, "name": "Mine", "sampling": "many"})
    assert wrong.status_code == 422
    clash = editor.post(address, {**settings_on(wrong), "sampling": "50"})
    assert "They changed: " in text_of(clash, 409)
    again = settings_on(clash)
    assert (again["name"], again["sampling"], again["quarantine_days"]) == ("Mine", "50", "60")
    assert editor.post(address, again).status_code == 303
    stored = Survey.get_by_id(survey.id)
    assert (stored.name, stored.sampling, stored.quarantine_days, stored.redact) == ("Mine", 0.5, 60, True)


def test_the_settings_are_tried_out_in_frames_and_nothing_is_kept(world, make):
    editor, survey = signed_in(world, "editor"), make.survey(name="Shop", languages=["en", "de"])
    given = {**settings_of(editor, survey, "de"), "question": "Neu <i>gefragt?", "mail.subject": "Wie war's?"}
    shown = text_of(editor.get(f"{LIST}/{survey.id}?lang=de"))
    for part in ("page", "widget", "mail"):
        address = f"{LIST}/{survey.id}/preview/{part}?lang=de"
        assert f'form="settings" formaction="{address}"' in shown, "what is not saved is tried out too"
        for answer in (editor.get(address), editor.post(address, given)):
            assert answer.status_code == 200
            assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        text = answer.get_data(as_text=True)
        assert "gefragt?" in text
        assert ("Wie war&#39;s?" in text) == (part == "mail"), "the subject stands above the mail"
        assert "<i>gefragt" not in text
    assert editor.post(address, {**given, "widget.color": "red"}).status_code == 422
    assert Survey.get_by_id(survey.id).question is None
    page = editor.get(f"{LIST}/{survey.id}")
    assert page.headers["Content-Security-Policy"].endswith("frame-src 'self'")
    assert editor.get(f"{LIST}/{survey.id}/qr.svg").data.startswith(b"<svg")


def test_the_list_tells_what_came_in_and_what_needs_a_look(world, make, api):
    now = clock.now()
    busy, quiet = make.survey(name="Busy"), make.survey(name="Quiet")
    for _ in range(3):
        make.response(busy, 9)
    make.response(quiet, 9, now - timedelta(days=40))
    RefusedOrigin.insert(survey=busy.id, origin="https://evil.example", count=7, last_at=now).execute()
    Invitation.insert(id="inv_1", survey=busy.id, channel="email", status="failed", created_at=now).execute()
    visitor = signed_in(world, "viewer")
    page = text_of(visitor.get(LIST))
    assert "7 calls from websites that are not allowed, the last from https://evil.example" in page
    assert "1 mail could not be sent this week" in page
    assert "asked nobody and heard nobody for 21 days" in page
    for address in (LIST, f"{LIST}/{busy.id}"):
        found = Numbers(visitor.get(address).get_data(as_text=True)).found
        assert found
        for href, n in found:
            query = dict(each.split("=") for each in href.partition("?")[2].split("&"))
            assert len(api.get("/api/feed", **query)["items"]) == n
        assert "do" not in {name for _, given in visitor.forms(address) for name in given}


def test_the_rate_says_that_it_leaves_out_who_may_still_answer(world, make):
    now, survey = clock.now(), make.survey()
    for number, days in enumerate((1, 60)):
        sent = now - timedelta(days=days)
        Invitation.insert(
            id=f"inv_{number}", survey=survey.id, channel="link", status="sent", created_at=sent, sent_at=sent
        ).execute()
    visitor = signed_in(world, "viewer")
    told = "Of those asked in 90 days whose time to answer is over, 0 % (0 of 1) answered"
    assert told in text_of(visitor.get(f"{LIST}/{survey.id}"))
    assert "Of those asked in 90 days, time to answer over: answered" in text_of(visitor.get(LIST))


@ON_SQLITE
def test_test_mode_is_switched_by_a_button_and_told_wherever_the_survey_stands(world, make):
    editor, survey = signed_in(world, "editor"), make.survey(name="Shop")
    address = f"{LIST}/{survey.id}"
    told = "In test mode: answers that begin now count nowhere."
    begun = settings_of(editor, survey)
    done = editor.post(address, {"token": begun["token"], "do": "test"})
    assert "Test mode is on" in text_of(editor.get(done.headers["Location"]))
    make.response(Survey.get_by_id(survey.id), 2, comment="only trying")
    for page in (LIST, address, "/team"):
        assert told in text_of(editor.get(page))
    assert ">Test<" in text_of(editor.get(f"/team/feed?survey={survey.id}"))
    assert "No answer yet" in text_of(editor.get(address))
    # The form of the settings does not switch it back.
    clash = editor.post(address, {**begun, "name": "Other"})
    assert editor.post(address, settings_on(clash)).status_code == 303
    assert Survey.get_by_id(survey.id).test_mode
    assert editor.post(address, {"token": begun["token"], "do": "live"}).status_code == 303
    assert not Survey.get_by_id(survey.id).test_mode
    assert told not in text_of(editor.get(address))
    viewer = signed_in(world, "viewer")
    assert "Switch test mode" not in text_of(viewer.get(address))


@ON_SQLITE
def test_a_foreign_survey_is_none(world, make):
    mine, other = make.survey(name="Mine"), make.survey(name="Theirs")
    limited = signed_in(world, "editor", surveys=[mine.id])
    assert "Theirs" not in text_of(limited.get(LIST))
    for tail in ("", "/qr.svg", "/preview/page"):
        assert limited.get(f"{LIST}/{other.id}{tail}").status_code == 404
        assert limited.get(f"{LIST}/{mine.id}{tail}").status_code == 200
    token = limited.forms("/team/profile")[0][1]["token"]
    assert limited.post(LIST, {"token": token, "name": "x", "metric": "nps"}).status_code == 403


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"detractor": {"en": "Why?"}}, "Why?"),
        ({"en": {"detractor": "Why?"}}, "Why?"),
        ({"en": "Why?"}, "Why?"),
        ({"de": "Warum?"}, ""),
        (None, ""),
    ],
)
def test_words_of_every_shape_stand_in_the_form(stored, expected):
    survey = Survey(
        id="sv_1", name="x", metric="nps", languages=["en"], allowed_origins=[], widget={}, skip_tags=[],
        staff_domains=[], excluded_addresses=[], wait_after_answer_days=90, follow_up=stored,
    )  # fmt: skip
    shown = survey_form.shown(survey, "en")
    assert shown["follow_up:detractor"] == expected
    body, wrong = survey_form.changes(survey, "en", {**shown, "ticks": "1", "language:en": "1"})
    assert (body, wrong) == ({}, {})
    body, _ = survey_form.changes(survey, "en", {**shown, "follow_up:detractor": "What?"})
    assert body["follow_up"]["detractor"]["en"] == "What?"


@pytest.mark.parametrize(
    "stored",
    [{"low": {"en": "never"}}, {"0": {"en": "never"}}, {"en": {"low": "never"}}, {"en": {"0": "never"}}],
)
def test_what_stands_at_the_ends_of_the_scale_is_in_the_form_however_it_was_said(world, make, stored):
    editor, survey = signed_in(world, "editor"), make.survey(name="Shop", labels=stored)
    given = settings_of(editor, survey)
    assert (given["labels:low"], given["labels:high"]) == ("never", "")
    assert "never" in text_of(editor.get(f"/s/{survey.id}"))
    assert 'placeholder="Extremely likely"' in text_of(editor.get(f"{LIST}/{survey.id}"))
    assert editor.post(f"{LIST}/{survey.id}", {**given, "labels:high": "always"}).status_code == 303
    assert Survey.get_by_id(survey.id).labels == {"low": {"en": "never"}, "high": {"en": "always"}}
    given = settings_of(editor, survey)
    assert editor.post(f"{LIST}/{survey.id}", {**given, "labels:low": ""}).status_code == 303
    assert Survey.get_by_id(survey.id).labels == {"high": {"en": "always"}}
    assert "never" not in text_of(editor.get(f"/s/{survey.id}"))


def test_a_wording_says_when_it_was_written_and_when_it_was_first_answered(world, make):
    """Answers of earlier times are brought in after a survey is made."""
    survey, now = make.survey(), clock.now()
    make.response(survey, 9, now - timedelta(days=200))
    shown = signed_in(world).get(f"/team/surveys/{survey.id}").get_data(as_text=True)
    line = shown.partition('<ol class="past">')[2].partition("</li>")[0]
    first = now - timedelta(days=200)
    assert "Wording 1 · written on" in line
    assert f"1 answer, the first on {first.day} {first:%b %Y}" in line


def test_an_answer_that_is_left_out_is_not_the_first_of_its_wording(world, make):
    """The counts keep a row for a day of which every answer was left out."""
    survey, now = make.survey(), clock.now()
    old = make.response(survey, 9, now - timedelta(days=200))
    make.response(survey, 9, now - timedelta(days=100))
    responses.exclude(old, True, now)
    shown = signed_in(world).get(f"/team/surveys/{survey.id}").get_data(as_text=True)
    line = shown.partition('<ol class="past">')[2].partition("</li>")[0]
    first = now - timedelta(days=100)
    assert f"1 answer, the first on {first.day} {first:%b %Y}" in line
