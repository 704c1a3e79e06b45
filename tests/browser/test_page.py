"""The hosted page in a real browser against the real service: with a script and without, by any means."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser import contact_sheet
from tests.browser.live import AXE
from tests.servers import ROOT

pytestmark = pytest.mark.browser

PICTURES = ROOT / "docs" / "images"

THANKS = {"low": "Thank you for your honest answer.", "high": "We are very pleased to hear that."}


SAVED, WAITS = "Your answer has been saved.", "We keep your answer and send it later."


def score(page, value):
    return page.get_by_role("radio", name=str(value), exact=True)


def test_the_first_tap_is_saved_then_the_comment_then_thanks(live, browse):
    survey = live.survey()
    page = browse()
    page.goto(f"{live.url}/s/{survey}?touchpoint=receipt&person=ada")
    score(page, 3).click()
    expect(page.get_by_role("status")).to_have_text(SAVED)
    live.answer(survey, score=3, comment=None, channel="link", touchpoint="receipt", language="en", flags=[])
    page.get_by_label("What could we have done better?").fill("The <b>checkout</b> 😀")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=THANKS["low"])).to_be_focused()
    live.answer(survey, score=3, comment="The <b>checkout</b> 😀")


def test_an_answer_can_be_changed_after_the_thanks(live, browse):
    survey = live.survey()
    page = browse()
    page.goto(f"{live.url}/s/{survey}")
    score(page, 2).click()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Change my answer").click()
    expect(score(page, 2)).to_be_focused()
    score(page, 9).click()
    page.get_by_label("What did you like most?").fill("All")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=THANKS["high"])).to_be_visible()
    live.answer(survey, score=9, comment="All")


def test_whether_we_may_write_is_kept_with_the_answer(live, browse):
    survey = live.survey(ask_contact=True)
    page = browse(color_scheme="dark", viewport={"width": 320, "height": 800})
    page.goto(f"{live.url}/s/{survey}")
    score(page, 3).click()
    reply, news = (page.get_by_role("checkbox", name=name) for name in ("reply to me", "something changes"))
    expect(reply).not_to_be_checked()
    expect(news).not_to_be_checked()
    assert Axe().run(page, options=AXE).response["violations"] == []
    news.check()
    page.get_by_role("button", name="Send").click()
    live.answer(survey, score=3, contact="news")
    page.get_by_role("button", name="Change my answer").click()
    reply.check()
    page.get_by_role("button", name="Send").click()
    live.answer(survey, score=3, contact="both")


def test_without_a_script_the_form_does_the_same(live, browse):
    survey = live.survey()
    page = browse(java_script_enabled=False)
    page.goto(f"{live.url}/s/{survey}?touchpoint=receipt")
    page.wait_for_timeout(1100)  # faster than a second is no person
    score(page, 9).check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=THANKS["high"])).to_be_visible()
    live.answer(survey, score=9, comment=None, touchpoint="receipt", flags=[])
    page.get_by_label("What did you like most?").fill("Quick")
    page.get_by_role("button", name="Send").click()
    live.answer(survey, score=9, comment="Quick")
    page.get_by_text("Change my answer").click()
    score(page, 2).check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=THANKS["low"])).to_be_visible()
    live.answer(survey, score=2, comment="Quick")


def test_going_back_and_sending_again_is_still_one_answer(live, browse):
    survey = live.survey()
    page = browse(java_script_enabled=False)
    page.goto(f"{live.url}/s/{survey}")
    score(page, 9).check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("What did you like most?")).to_be_visible()
    page.go_back()
    score(page, 4).check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=THANKS["low"])).to_be_visible()
    live.answer(survey, score=4)


def test_the_keyboard_alone_is_enough_and_moving_is_not_choosing(live, browse):
    survey = live.survey()
    page = browse()
    recorded = []
    page.on("request", lambda request: recorded.append(request) if request.url.endswith("/r") else None)
    page.goto(f"{live.url}/s/{survey}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="0, Not at all likely")).to_be_focused()
    page.keyboard.press("Space")
    live.answer(survey, score=0)
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    expect(score(page, 9)).to_be_checked()
    assert len(recorded) == 1
    page.keyboard.press("Tab")
    expect(page.get_by_label("What did you like most?")).to_be_focused()
    live.answer(survey, score=9)
    page.keyboard.type("Quick")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=THANKS["high"])).to_be_focused()
    live.answer(survey, score=9, comment="Quick")
    assert len(recorded) == 3


@pytest.mark.parametrize("javascript", [True, False])
def test_a_score_in_the_address_counts_only_when_a_person_sends_it(live, browse, javascript):
    survey = live.survey()
    page = browse(java_script_enabled=javascript)
    page.goto(f"{live.url}/s/{survey}?score=8")
    expect(score(page, 8)).to_be_checked()
    page.reload()
    page.wait_for_load_state("networkidle")
    assert live.answers(survey) == []
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you for your answer.")).to_be_visible()
    live.answer(survey, score=8)


def test_nothing_is_stored_in_the_browser(live, browse):
    page = browse()
    page.goto(f"{live.url}/s/{live.survey()}")
    score(page, 8).click()
    expect(page.get_by_role("status")).to_have_text(SAVED)
    assert page.context.cookies() == []
    assert page.evaluate("() => localStorage.length + sessionStorage.length") == 0


def test_an_answer_waits_while_the_service_is_away_and_arrives_once(live, browse):
    survey = live.survey()
    page = browse()
    failures = [500, 503, None]

    def fail(route):
        if not failures:
            return route.continue_()
        status = failures.pop(0)
        return route.fulfill(status=status) if status else route.abort()

    page.route("**/r", fail)
    page.goto(f"{live.url}/s/{survey}")
    score(page, 9).click()
    expect(page.get_by_role("status")).to_have_text(WAITS)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=THANKS["high"])).to_be_visible(timeout=20_000)
    live.answer(survey, score=9)
    assert any("500" in line for line in page.complaints)
    page.complaints.clear()


CHOICES = {
    "follow_up_type": "many_choices",
    "choices": {"detractor": {"en": ["Price", "Speed", "Support"]}},
    "thanks_link": {"url": "https://shop.example/help", "text": {"en": "Help"}},
}


def follow_up(live, survey):
    listed = live.session.get(f"{live.url}/api/responses?survey={survey}", timeout=10).json()["items"]
    return [item["answers"] for item in listed]


@pytest.mark.parametrize("kind", ["many_choices", "single_choice"])
def test_a_second_question_offers_its_choices_and_thanks_have_the_link_for_all(live, browse, kind):
    survey = live.survey(**CHOICES | {"follow_up_type": kind})
    page = browse()
    page.goto(f"{live.url}/s/{survey}")
    score(page, 9).click()
    expect(page.get_by_label("What did you like most?")).to_be_visible()
    score(page, 3).click()
    offered = page.get_by_role("group", name="What could we have done better?")
    role = "checkbox" if kind == "many_choices" else "radio"
    for name in ("Speed", "Support"):
        offered.get_by_role(role, name=name).check()
    expect(page.get_by_role("textbox")).to_have_count(0)
    box, words = (offered.locator(each).first.bounding_box() for each in ("label", "label span"))
    assert box["y"] + box["height"] / 2 == pytest.approx(words["y"] + words["height"] / 2, abs=1)
    assert Axe().run(page, options=AXE).response["violations"] == []
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=THANKS["low"])).to_be_focused()
    expect(page.get_by_role("link", name="Help")).to_have_attribute("href", "https://shop.example/help")
    picked = ["Speed", "Support"] if kind == "many_choices" else "Support"
    assert follow_up(live, survey) == [{"follow_up": picked}]


def test_without_a_script_the_thanks_offer_the_choices_and_the_link(live, browse):
    survey = live.survey(ask_contact=True, **CHOICES)
    page = browse(java_script_enabled=False)
    page.goto(f"{live.url}/s/{survey}")
    score(page, 3).check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("link", name="Help")).to_be_visible()
    last, contact = (
        each.first.bounding_box()
        for each in (page.locator("label", has_text="Support"), page.locator(".contact"))
    )
    assert contact["y"] - last["y"] - last["height"] >= 16
    page.get_by_role("checkbox", name="Speed").check()
    page.get_by_role("button", name="Send").first.click()
    expect(page.get_by_role("checkbox", name="Speed")).to_have_count(0)
    assert follow_up(live, survey) == [{"follow_up": ["Speed"]}]


def test_an_answer_that_could_not_be_sent_waits_in_the_browser_and_is_delivered_once(live, browse):
    survey = live.survey()
    page = browse()
    page.route("**/r", lambda route: route.abort())
    page.goto(f"{live.url}/s/{survey}")
    score(page, 4).click()
    expect(page.get_by_role("status")).to_have_text(WAITS)
    assert page.evaluate("() => Object.keys(localStorage).length") == 1
    others = [page.context.new_page() for _ in range(2)]
    page.close()
    for other in others:
        other.goto(f"{live.url}/s/{survey}", wait_until="commit")
    live.answer(survey, score=4)
    others[0].wait_for_function("() => Object.keys(localStorage).length == 0")
    page.complaints.clear()


@pytest.fixture
def away(browse):
    """A page that the service does not hear; `away.back()` lets it through again, and waits for no pause."""

    def open(**options):
        page = browse(**options)
        context = page.context
        context.route("**/r", lambda route: route.fulfill(status=503))

        def back():
            context.unroute("**/r")
            page.evaluate("window.dispatchEvent(new Event('online'))")

        page.back = back
        return page

    return open


def kept(page):
    return page.evaluate("() => Object.keys({ ...localStorage, ...sessionStorage }).length")


def test_a_page_that_is_loaded_anew_shows_what_waits_and_goes_on_with_it(live, away):
    survey = live.survey()
    page = away()
    page.goto(f"{live.url}/s/{survey}?touchpoint=receipt&person=ada")
    score(page, 9).click()
    expect(page.get_by_role("status")).to_have_text(WAITS)
    page.reload()
    expect(score(page, 9)).to_be_checked()
    expect(page.get_by_role("status")).to_have_text(WAITS)
    score(page, 4).click()
    page.reload()
    expect(score(page, 4)).to_be_checked()
    page.back()
    expect(page.get_by_role("status")).to_have_text(SAVED)
    live.answer(survey, score=4, comment=None, touchpoint="receipt", flags=[])
    page.get_by_label("What could we have done better?").fill("The checkout")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name=THANKS["low"])).to_be_visible()
    live.answer(survey, score=4, comment="The checkout")
    assert kept(page) == 0
    page.complaints.clear()


def test_what_was_sent_in_vain_is_thanked_for_once_it_arrives(live, away):
    survey = live.survey()
    page = away()
    page.goto(f"{live.url}/s/{survey}")
    score(page, 3).click()
    page.get_by_label("What could we have done better?").fill("The checkout")
    page.get_by_role("button", name="Send").click()
    page.reload()
    expect(page.get_by_label("What could we have done better?")).to_have_value("The checkout")
    expect(page.get_by_role("status")).to_have_text(WAITS)
    page.back()
    expect(page.get_by_role("heading", name=THANKS["low"])).to_be_visible()
    live.answer(survey, score=3, comment="The checkout")
    page.complaints.clear()


def test_choices_that_wait_are_shown_anew(live, away):
    survey = live.survey(**CHOICES)
    page = away()
    page.goto(f"{live.url}/s/{survey}")
    score(page, 3).click()
    for name in ("Speed", "Support"):
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="Send").click()
    page.reload()
    expect(page.get_by_role("checkbox", name="Speed")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Price")).not_to_be_checked()
    page.back()
    expect(page.get_by_role("heading", name=THANKS["low"])).to_be_visible()
    assert follow_up(live, survey) == [{"follow_up": ["Speed", "Support"]}]
    page.complaints.clear()


def test_a_change_that_is_refused_after_a_reload_is_still_no_second_answer(live, away):
    survey = live.survey()
    page = away()
    page.goto(f"{live.url}/s/{survey}")
    score(page, 9).click()
    expect(page.get_by_role("status")).to_have_text(WAITS)
    page.reload()
    page.back()
    expect(page.get_by_role("status")).to_have_text(SAVED)
    page.context.route("**/r", lambda route: route.fulfill(status=403))
    score(page, 2).click()
    expect(page.get_by_role("heading", name=THANKS["low"])).to_be_visible()
    live.answer(survey, score=2)
    page.complaints.clear()


@pytest.mark.parametrize("path", ["", "?kiosk=1"])
def test_the_next_person_finds_an_empty_page_and_what_waits_is_delivered(live, away, path):
    survey = live.survey()
    page = away()
    page.goto(f"{live.url}/s/{survey}{path}")
    score(page, 9).click()
    expect(page.get_by_role("status")).to_have_text(WAITS)
    # At a kiosk it is the same tab.
    other = page if path else page.context.new_page()
    other.goto(f"{live.url}/s/{survey}{path}")
    expect(score(other, 9)).not_to_be_checked()
    expect(other.get_by_role("status")).to_be_empty()
    page.context.unroute("**/r")
    other.reload()
    live.answer(survey, score=9)
    score(other, 2).click()
    expect(other.get_by_role("status")).to_have_text(SAVED)
    assert sorted(item["score"] for item in live.answers(survey)) == [2, 9]
    page.complaints.clear()


def test_a_closed_survey_still_delivers_what_waits(live, away):
    survey = live.survey()
    page = away()
    page.goto(f"{live.url}/s/{survey}")
    score(page, 9).click()
    expect(page.get_by_role("status")).to_have_text(WAITS)
    live.change(survey, status="paused")
    page.context.unroute("**/r")
    page.reload()
    expect(page.get_by_role("heading", name="This survey is closed.")).to_be_visible()
    live.answer(survey, score=9)
    page.wait_for_function("() => localStorage.length == 0")
    page.complaints.clear()


def test_what_was_kept_by_a_clock_a_year_behind_is_tried_once_more(live, away):
    survey = live.survey()
    page = away()
    # The computer's battery was empty when it started.
    page.clock.set_system_time(datetime.now() - timedelta(days=365))
    page.goto(f"{live.url}/s/{survey}")
    score(page, 9).click()
    expect(page.get_by_role("status")).to_have_text(WAITS)
    page.clock.set_system_time(datetime.now())
    page.context.unroute("**/r")
    page.reload()
    expect(page.get_by_role("status")).to_have_text(SAVED)
    live.answer(survey, score=9)
    page.complaints.clear()


def test_the_page_waits_as_long_as_the_service_says(live, browse):
    survey = live.survey()
    page = browse()
    page.clock.install()
    asked = []

    def busy(route):
        asked.append(route.request)
        if len(asked) == 1:
            return route.fulfill(status=429, headers={"Retry-After": "60"})
        return route.continue_()

    page.route("**/r", busy)
    page.goto(f"{live.url}/s/{survey}")
    score(page, 9).click()
    expect(page.get_by_role("status")).to_have_text(WAITS)
    page.clock.run_for(58_000)
    assert len(asked) == 1
    page.clock.run_for(4_000)
    expect(page.get_by_role("status")).to_have_text(SAVED)
    live.answer(survey, score=9)
    page.complaints.clear()


def test_where_calls_are_refused_the_plain_form_is_sent(live, browse):
    survey = live.survey()
    page = browse()
    page.route("**/r", lambda route: route.fulfill(status=403))
    page.goto(f"{live.url}/s/{survey}")
    page.wait_for_timeout(1100)  # faster than a second is no person
    score(page, 9).click()
    expect(page.get_by_role("heading", name=THANKS["high"])).to_be_visible()
    live.answer(survey, score=9, flags=[])
    page.complaints.clear()


def test_leaving_at_once_does_not_lose_the_tap(live, browse):
    survey = live.survey()
    page = browse()
    page.goto(f"{live.url}/s/{survey}")
    score(page, 9).click(no_wait_after=True)
    page.goto("about:blank")
    live.answer(survey, score=9)


def test_a_kiosk_starts_again_by_itself_and_when_asked(live, browse):
    survey = live.survey(languages=["de"])
    page = browse()
    page.clock.install()
    page.goto(f"{live.url}/s/{survey}?kiosk=1&score=7")
    page.get_by_role("radio", name="9", exact=True).click()
    page.get_by_role("button", name="Senden").click()
    expect(page.locator("#done a")).to_be_visible()
    live.answer(survey, score=9, channel="kiosk")
    page.clock.run_for(16_000)
    expect(page.locator("#done")).to_be_hidden()
    expect(page.get_by_role("radio", name="9", exact=True)).not_to_be_checked()
    page.get_by_role("radio", name="2", exact=True).click()
    page.get_by_role("button", name="Senden").click()
    page.locator("#done a").click()
    expect(page.get_by_role("radio", name="2", exact=True)).not_to_be_checked()
    assert [item["score"] for item in live.answers(survey)] == [2, 9]


def test_an_allowed_site_can_frame_the_page(live, browse, site):
    survey = live.survey(allowed_origins=[site.url])
    frame = f'<iframe title="Survey" src="{live.url}/s/{survey}?embed=1" width="600" height="500"></iframe>'
    site.pages["/"] = (
        f"<!doctype html><title>Shop</title>{frame}",
        {"Content-Type": "text/html; charset=utf-8"},
    )
    page = browse()
    page.goto(site.url + "/")
    inside = page.frame_locator("iframe")
    inside.get_by_role("radio", name="9", exact=True).click()
    inside.get_by_role("button", name="Send").click()
    expect(inside.get_by_role("heading", name=THANKS["high"])).to_be_visible()
    live.answer(survey, score=9)


def test_in_a_sandboxed_frame_the_plain_form_is_used(live, browse, site):
    survey = live.survey(allowed_origins=[site.url])
    frame = (
        '<iframe title="Survey" sandbox="allow-scripts allow-forms" width="600" height="500"'
        f' src="{live.url}/s/{survey}?embed=1"></iframe>'
    )
    html = {"Content-Type": "text/html; charset=utf-8"}
    site.pages["/"] = (f"<!doctype html><title>Shop</title>{frame}", html)
    page = browse()
    page.goto(site.url + "/")
    inside = page.frame_locator("iframe")
    inside.get_by_role("radio", name="9", exact=True).click()
    inside.get_by_role("button", name="Send").click()
    expect(inside.get_by_role("heading", name=THANKS["high"])).to_be_visible()
    live.answer(survey, score=9)


def test_a_site_that_is_not_allowed_cannot_frame_the_page(live, browse, site):
    survey = live.survey(allowed_origins=["https://other.example"])
    frame = f'<iframe title="Survey" src="{live.url}/s/{survey}?embed=1"></iframe>'
    site.pages["/"] = (
        f"<!doctype html><title>Shop</title>{frame}",
        {"Content-Type": "text/html; charset=utf-8"},
    )
    page = browse()
    page.goto(site.url + "/")
    page.wait_for_load_state("networkidle")
    expect(page.frame_locator("iframe").get_by_role("radio")).to_have_count(0)
    assert any("frame-ancestors" in line for line in page.complaints)
    page.complaints.clear()


def steps(page):
    """Go through the page and yield at each thing to see."""
    yield "question"
    page.get_by_role("radio").nth(1).click()
    expect(page.get_by_role("status")).not_to_be_empty()
    yield "follow-up"
    page.locator("#more button").click()
    expect(page.locator("#done")).to_be_visible()
    yield "thanks"


@pytest.mark.parametrize(("width", "rows"), [(320, 2), (1280, 1)])
def test_scales_stand_on_the_page_as_in_the_widget(live, browse, width, rows):
    page = browse(viewport={"width": width, "height": 700})
    for metric, name, lit in (
        ("nps", "9", 1),
        ("stars", "4, Good", 4),
        ("csat", "Satisfied", 1),
        ("thumbs", "Yes", 1),
    ):
        page.goto(f"{live.url}/s/{live.survey(metric)}")
        page.get_by_role("radio", name=name, exact=True).click()
        keys = page.locator("#ask .row input")
        boxes = keys.evaluate_all(
            "keys => keys.map(key => key.getBoundingClientRect()).map(b => [b.y, b.width, b.height])"
        )
        assert len({y for y, _, _ in boxes}) == (rows if metric == "nps" else 1), metric
        assert min(min(width, height) for _, width, height in boxes) >= 44, metric
        paint = "keys => keys.map(key => getComputedStyle(key).backgroundColor == 'rgb(47, 91, 234)')"
        assert sum(keys.evaluate_all(paint)) == lit, metric
        assert page.locator("#ask .row path").count() == (0 if metric == "nps" else len(boxes))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("metric", "language"), [("nps", "en"), ("csat", "de"), ("ces", "ar"), ("nps", "ja")]
)
def test_nothing_bars_anybody(live, browse, metric, language, scheme):
    survey = live.survey(metric, languages=[language], product="Acme")
    page = browse(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    page.goto(f"{live.url}/s/{survey}")
    for step in steps(page):
        found = Axe().run(page, options=AXE)
        assert found.violations_count == 0, (step, found.generate_report())
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 320, step
        assert page.evaluate(
            "() => [...document.querySelectorAll('label > input, button, a')].filter(e => e.offsetParent)"
            ".every(e => e.getBoundingClientRect().height >= 44 || e.name == 'homepage')"
        ), step


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_anybody_without_a_script(live, browse, scheme):
    """axe itself is a script, so the thanks of the plain form are fetched by a page that has one."""
    survey = live.survey()
    page = browse(color_scheme=scheme)
    page.goto(f"{live.url}/s/{survey}?score=9")
    page.evaluate("() => HTMLFormElement.prototype.submit.call(document.getElementById('ask'))")
    expect(page.get_by_role("heading", name=THANKS["high"])).to_be_visible()
    page.get_by_text("Change my answer").click()
    assert Axe().run(page, options=AXE).violations_count == 0
    page.goto(f"{live.url}/s/none")
    assert Axe().run(page, options=AXE).violations_count == 0
    page.complaints.clear()


def test_right_to_left_the_scale_runs_from_the_right(live, browse):
    page = browse()
    page.goto(f"{live.url}/s/{live.survey(languages=['ar'])}")
    first, last = (page.get_by_role("radio").nth(at).bounding_box()["x"] for at in (0, 10))
    assert first > last
    score(page, 3).focus()
    page.keyboard.press("ArrowLeft")
    expect(score(page, 4)).to_be_focused()


@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_a_tap_moves_nothing_that_was_there(live, browse, width):
    page = browse(viewport={"width": width, "height": 800})
    page.goto(f"{live.url}/s/{live.survey()}")
    before = score(page, 9).bounding_box()
    score(page, 9).click()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert score(page, 9).bounding_box() == before
    # Words that are chosen take no more room than before.
    page.goto(f"{live.url}/s/{live.survey('pmf', languages=['de'])}")
    keys = page.locator("#ask label:has(input[type=radio])")
    boxes = [key.bounding_box() for key in keys.all()]
    keys.nth(1).click()
    expect(page.get_by_role("button", name="Senden")).to_be_visible()
    assert [key.bounding_box() for key in keys.all()] == boxes


def test_send_is_quiet_while_there_is_nothing_to_send(live, browse):
    page = browse(reduced_motion="reduce")
    page.goto(f"{live.url}/s/{live.survey()}")
    score(page, 9).click()
    send, none = page.get_by_role("button", name="Send"), "rgba(0, 0, 0, 0)"
    expect(send).to_have_css("background-color", none)
    page.get_by_role("textbox").fill("Quick")
    expect(send).not_to_have_css("background-color", none)
    # Without a script it is what saves the score.
    bare = browse(java_script_enabled=False)
    bare.goto(page.url)
    expect(bare.get_by_role("button", name="Send")).not_to_have_css("background-color", none)


def test_an_empty_field_runs_as_the_page_does(live, browse):
    page = browse()
    page.goto(f"{live.url}/s/{live.survey(languages=['ar'])}")
    score(page, 9).click()
    field = page.get_by_role("textbox")
    expect(field).to_have_css("direction", "rtl")
    field.fill("Quick")
    expect(field).to_have_css("direction", "ltr")


def test_the_chosen_score_shows_in_forced_colours(live, browse):
    page = browse(forced_colors="active")
    page.goto(f"{live.url}/s/{live.survey()}")
    score(page, 9).click()
    paint = "e => getComputedStyle(e).backgroundColor"
    assert score(page, 9).evaluate(paint) != score(page, 8).evaluate(paint)
    # All stars that are given are of one colour.
    page.goto(f"{live.url}/s/{live.survey('stars')}")
    stars = page.locator("#ask .row input")
    stars.nth(3).click()
    assert len({stars.nth(at).evaluate(paint) for at in range(4)}) == 1


def test_a_print_shows_question_and_scale_without_buttons(live, browse):
    page = browse()
    page.goto(f"{live.url}/s/{live.survey()}?score=9")
    page.emulate_media(media="print")
    expect(page.get_by_role("heading")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_hidden()


def test_a_surveys_colour_and_theme_are_the_pages(live, browse):
    page = browse(color_scheme="light")
    page.goto(f"{live.url}/s/{live.survey(widget={'color': '#0a7d4f', 'theme': 'dark'})}?score=9")
    value = "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
    assert page.evaluate(value, "--paper") == "#1b1e25"
    assert score(page, 9).evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(10, 125, 79)"


def test_the_sheet_of_all_looks_says_which_letters_this_machine_lacks(page):
    letters = {"Latin": ("ab", "fonts-dejavu-core"), "nobody's": ("\U000f0000\U000f0001", "fonts-none")}
    assert contact_sheet.missing(page, letters) == {"nobody's": "fonts-none"}


def test_pictures_for_the_readme_are_there(live, browse):
    """`make pictures` draws them anew."""
    if os.environ.get("EARSHOT_PICTURES"):
        draw(live, browse, PICTURES)
    for name in ("page.png", "widget.png"):
        assert (PICTURES / name).read_bytes().startswith(b"\x89PNG")


def draw(live, browse, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    survey = live.survey(product="Acme")
    for name, path, size in (
        ("page.png", f"/s/{survey}", {"width": 960, "height": 740}),
        ("widget.png", "/demo?mode=popover", {"width": 1200, "height": 800}),
    ):
        page = browse(viewport=size)
        page.goto(live.url + path)
        score(page, 9).click()
        page.get_by_label("What did you like most?").fill("Quick and friendly.")
        page.screenshot(path=directory / name)
        page.complaints.clear()
