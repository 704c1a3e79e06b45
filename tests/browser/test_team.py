"""The team's pages in a real Chromium: what strangers wrote stays text and breaks nothing; scripts are only comfort."""

import re
import uuid
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from feedback.dashboard.registry import PAGES
from tests.browser.live import AXE

pytestmark = pytest.mark.browser

#: What somebody may write who wishes us no good.
HOSTILE = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload=window.hacked=1>',
    '<a hx-get="/api/keys" hx-trigger="load" data-hx-on:load="window.hacked = 1">words</a>',
    "</textarea></title></style><b>bold",
    "W" * 10_000,
    "\u202eright to left " * 40,
    "\u2066\u2067unbalanced isolates",
    "{{ 7 * 7 }} ${7*7} #{7*7}",
    "é" * 500 + "\u0301" * 300,
    "line\n" * 400,
]

WATCH = """
window.shifts = [];
new PerformanceObserver((seen) => {
  for (const one of seen.getEntries())
    window.shifts.push(one.value + " " + one.sources.map((each) => each.node?.className));
})
  .observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def filled(live):
    """A survey with kind words and hostile ones, the newest answers first."""
    survey = live.survey(name="Shop <b>&amp; " + "long" * 30)
    for at, comment in enumerate(["Quick and kind", "Slow checkout", *HOSTILE, None]):
        body = {
            "id": str(uuid.uuid4()),
            "survey": survey,
            "score": (9, 2, 7)[at % 3],
            "comment": comment,
            "touchpoint": (comment or "")[:200],
            "tags": [(comment or "x")[:150]],
            "agent": {"id": "a1", "name": (comment or "Maya")[:200]},
            "ticket": {
                "id": "1",
                "number": "#1",
                "subject": (comment or "")[:900],
                "url": "javascript:window.hacked=1",
            },
            "person": {"id": f"p{at}", "name": (comment or "Ada")[:200]},
            "properties": {(comment or "plan")[:50]: (comment or "free")[:300]},
        }
        live.session.post(f"{live.url}/api/responses", json=body, timeout=10).raise_for_status()
    pin = {"at": "2026-01-01T00:00:00Z", "text": HOSTILE[0] + "W" * 200, "survey": survey}
    live.session.post(f"{live.url}/api/pins", json=pin, timeout=10).raise_for_status()
    return survey


@pytest.fixture(scope="module")
def ann(live):
    """A member who administers, and whose own work all those answers are about."""
    return live.member(agent="a1")


def answers(live, survey):
    return [item["id"] for item in live.answers(survey)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("width", "scheme"), [(320, "dark"), pytest.param(1280, "light", marks=pytest.mark.prove)]
)
def test_nothing_that_anybody_wrote_breaks_a_page(browse, live, filled, ann, width, scheme):
    page = browse(**ann, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.add_init_script(WATCH)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    addresses = [each.address for each in PAGES if each.is_plain and each.scope and each.nav]
    assert {"/team", "/team/feed", "/team/mine"} <= set(addresses)
    addresses += [f"/team/feed?survey={filled}", "/team/feed?q=unsaid", "/team/nowhere"]
    addresses += [f"/team/feed/{which}?survey={filled}" for which in answers(live, filled)]
    for at, address in enumerate(addresses):
        reply = page.goto(live.url + address)
        assert reply.status == (404 if "nowhere" in address else 200), address
        # Chromium says in its console that a page is a 404, which this one is to be.
        page.complaints[:] = [line for line in page.complaints if "404" not in line]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            address,
            "runs out of the page",
        )
        assert page.evaluate("window.hacked") is None, address
        assert page.evaluate("window.shifts") == [], address
        # Of answers axe sees two; each looks alike.
        if at < len(addresses) - len(HOSTILE) - 1:
            found = Axe().run(page, options=AXE)
            assert found.violations_count == 0, (address, found.generate_report())


def test_the_first_page_is_small_and_asks_nobody_else(browse, live, filled, ann):
    page, asked = browse(**ann), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live.url}/team")
    page.wait_for_load_state("networkidle")
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {
        urlsplit(live.url).netloc
    }
    assert len(asked) <= 6


def test_without_scripts_every_answer_can_be_dealt_with(browse, live, filled, ann):
    page = browse(**ann, java_script_enabled=False)
    page.goto(f"{live.url}/team/feed?survey={filled}")
    page.locator(".list li > a").first.click()
    first = page.url
    page.locator("#answer").get_by_role("button", name="Done").click()
    expect(page.get_by_role("status")).to_have_text("Done.")
    assert page.url.partition("?")[0] != first.partition("?")[0]
    page.goto(f"{live.url}/team/feed?survey={filled}&triage=done")
    expect(page.locator(".list li")).to_have_count(1)
    page.locator(".list input[type=checkbox]").check()
    page.locator(".bulk").get_by_role("button", name="Unread").click()
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    page.get_by_role("link", name="All", exact=True).click()
    expect(page).to_have_url(re.compile("survey="))


def test_keys_work_in_the_list_alone(browse, live, filled, ann):
    """WCAG 2.1.4: a single letter does nothing unless the list has the focus."""
    page = browse(**ann)
    page.goto(f"{live.url}/team/feed?survey={filled}")
    page.keyboard.press("e")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_hidden()
    page.locator(".list li > a").first.click()
    expect(page.locator("#answer .comment")).to_be_visible()
    heading = page.title()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".list [aria-current]")).to_be_focused()
    second = page.locator(".list li").nth(2).locator("a").get_attribute("href")
    expect(page).to_have_url(live.url + second)
    expect(page.locator("#answer .comment")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_have_text("Archived.")
    expect(page.locator(".list [aria-current]")).to_be_focused()
    assert heading


def test_the_way_past_the_navigation_is_the_first_stop(browse, live, ann):
    page = browse(**ann)
    page.goto(f"{live.url}/team")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
