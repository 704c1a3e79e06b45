"""What a newcomer opens first, in a real browser: the welcome page, the demo, the API pages."""

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.live import ADMIN_KEY, AXE

pytestmark = pytest.mark.browser


def test_from_the_welcome_page_to_the_ready_survey_and_back_to_the_number(live, browse):
    page = browse()
    page.goto(live.url)
    assert ADMIN_KEY not in page.content()
    page.get_by_role("link", name="Answer the ready survey").click()
    page.get_by_role("radio", name="9", exact=True).click()
    live.answer(live.first_survey(), among="score", score=9, channel="link")


@pytest.mark.parametrize(("mode", "score"), [("popover", 3), ("inline", 4), ("tab", 5)])
def test_the_demo_page_shows_the_widget_and_its_answer_is_kept(live, browse, mode, score):
    page = browse()
    page.goto(f"{live.url}/demo?mode={mode}")
    if mode == "tab":
        page.get_by_role("button", name="Survey", exact=True).click()
    page.get_by_role("radio", name=str(score), exact=True).click()
    # The demo page asks the ready survey, which all of these have in common.
    live.answer(live.first_survey(), among="score", score=score, channel="widget", touchpoint="demo")
    page.complaints[:] = [line for line in page.complaints if "Content Security Policy" in line]


def test_a_look_is_tried_with_the_real_widget_and_nothing_is_sent(live, browse):
    page = browse(color_scheme="light")
    sent = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.goto(f"{live.url}/demo/look")
    page.locator("select[name=metric]").select_option("csat")
    page.get_by_label("Language").select_option("ar")
    page.locator("select[name=position]").select_option("top-left")
    page.get_by_label("Theme").select_option("light")
    page.get_by_label("Colour").fill("#ffff00")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("note")).to_contain_text("#ffff00 cannot be told from the light panel")
    # The page and the mail stand beside it.
    for part in ("page", "mail"):
        tried = page.frame_locator(f'iframe[title="The {part}"]')
        expect(tried.get_by_role("heading", name="ما مدى رضاك عن Acme؟")).to_be_visible()
    panel = page.get_by_role("dialog")
    assert (panel.get_attribute("lang"), panel.get_attribute("dir")) == ("ar", "rtl")
    assert panel.bounding_box()["x"] == pytest.approx(20)
    panel.get_by_role("radio").last.click()
    panel.get_by_role("textbox").fill("Fine")
    panel.get_by_role("button").last.click()
    expect(panel.get_by_role("radio")).to_have_count(0)
    assert sent == []
    # Tried again it asks again, and another metric begins anew.
    page.locator("select[name=metric]").select_option("nps")
    page.get_by_role("button", name="Try it").click()
    expect(panel.get_by_role("radio", checked=False)).to_have_count(11)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/demo?mode=inline", "/demo/look?mode=inline&color=%23ffff00"])
def test_nothing_bars_a_newcomer(live, browse, path, scheme):
    page = browse(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    page.goto(live.url + path)
    expect(page.get_by_role("radio" if "demo" in path else "link").first).to_be_visible()
    found = Axe().run(page, options=AXE)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    page.complaints[:] = [line for line in page.complaints if "Content Security Policy" in line]


def test_the_api_pages_show_every_route_and_can_be_tried(live, browse):
    page = browse()
    outside = []
    page.on(
        "request",
        lambda request: None if request.url.startswith((live.url, "data:")) else outside.append(request.url),
    )
    page.goto(f"{live.url}/api/docs")
    # The document is put together when it is first asked for. Its subjects are listed, and each opens by itself.
    subjects = requests.get(f"{live.url}/api/openapi.json").json()["tags"]
    expect(page.locator(".opblock-tag")).to_have_count(len(subjects), timeout=60_000)
    page.locator("#operations-tag-surveys").click()
    expect(page.get_by_text("/api/surveys", exact=True).first).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(ADMIN_KEY)
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".btn-done").click()
    page.locator("#operations-surveys-get_api_surveys, [id*='get_api_surveys']").first.click()
    page.get_by_role("button", name="Try it out").first.click()
    page.get_by_role("button", name="Execute").first.click()
    expect(page.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    assert outside == []
