"""The widget asks, reports and counts time only while the page is really seen."""

import http.server
import subprocess
import threading

import pytest
from playwright.sync_api import expect

from tests.browser.test_widget import until, until_rule
from tests.browser.widget_config import nps
from tests.servers import chromium_path

pytestmark = pytest.mark.browser

#: A page that the test puts out of sight and back. Chromium without a window shows every tab.
HIDDEN = """
let out = true
Object.defineProperty(Document.prototype, 'hidden', { get: () => out })
window.see = seen => { out = !seen; document.dispatchEvent(new Event('visibilitychange', { bubbles: true })) }
"""


def stop(page):
    """Let no time pass but what the test lets pass."""
    page.clock.install(time=0)
    page.clock.pause_at(1)


def calls(page):
    """Let everything that was begun come to its end."""
    page.evaluate("() => new Promise(done => setTimeout(() => requestAnimationFrame(done), 50))")


@pytest.mark.parametrize("before", ["", "earshot('ask','cart')", "earshot('open')"])
@pytest.mark.parametrize("mode", ["popover", "inline"])
def test_a_page_that_nobody_sees_asks_and_shows_nothing(site, page, before, mode):
    page.add_init_script(HIDDEN)
    page.goto(
        site.add(nps(endpoint=site.service, mode=mode), attributes='data-person="42"', calls=before + ";")
    )
    page.wait_for_function("window.earshot.surveys")
    calls(page)
    assert (site.posts, page.locator("earshot-survey").count()) == ([], 0)
    page.evaluate("see(true)")
    expect(page.get_by_role("radio", name="9")).to_be_visible()
    until(page, lambda: len(site.sent("/event")) == 1)
    assert len(site.sent("/ask")) == (0 if "open" in before else 1)


def test_only_the_time_in_sight_counts(site, page):
    stop(page)
    page.add_init_script(HIDDEN)
    page.goto(site.add(nps(endpoint=site.service, show_after_seconds=8)))
    page.wait_for_function("window.earshot.surveys")
    page.clock.run_for(20_000)
    for _ in range(3):
        page.evaluate("see(true)")
        page.clock.run_for(7_000)
        assert page.locator("earshot-survey").count() == 0
        page.evaluate("see(false)")
        page.clock.run_for(20_000)
    page.evaluate("see(true)")
    page.clock.run_for(8_100)
    expect(page.get_by_role("dialog")).to_be_visible()


def test_who_leaves_while_the_service_is_asked_sees_the_survey_on_coming_back_and_is_asked_about_once(
    site, page
):
    page.add_init_script(HIDDEN)
    leaves = "const was=fetch;fetch=(...call)=>{if(/ask$/.test(call[0]))see(false);return was(...call)};"
    page.goto(site.add(nps(endpoint=site.service), attributes='data-person="42"', calls=leaves))
    page.wait_for_function("window.earshot.surveys")
    page.evaluate("see(true)")
    until(page, lambda: len(site.sent("/ask")) == 1)
    calls(page)
    assert (site.sent("/event"), page.locator("earshot-survey").count()) == ([], 0)
    page.evaluate("see(true)")
    expect(page.get_by_role("dialog")).to_be_visible()
    calls(page)
    assert len(site.sent("/ask")) == len(site.sent("/event")) == 1


def test_an_iframe_called_hidden_hides_nothing(site, page):
    page.goto(site.add(nps(endpoint=site.service), body='<iframe name="hidden" title="x"></iframe>'))
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize(
    ("options", "attributes", "seconds"),
    [
        ({}, "", 8),
        ({"mode": "inline"}, "", 0),
        ({"mode": "tab"}, "", 0),
        ({}, 'data-mode="inline"', 0),
        ({}, 'data-after="3"', 3),
        ({"show_after_seconds": 0}, "", 0),
        ({"show_after_seconds": None}, "", None),
    ],
)
def test_the_wait_that_nobody_named_is_one_a_visitor_forgives(site, page, options, attributes, seconds):
    config = nps(endpoint=site.service)
    config["widget"] = options
    stop(page)
    page.goto(site.add(config, attributes=attributes))
    page.wait_for_function("window.earshot.surveys")
    if seconds:
        page.clock.run_for(seconds * 1000 - 500)
        assert page.locator("earshot-survey").count() == 0
    page.clock.run_for(600 if seconds is not None else 3_600_000)
    calls_rule = "waiting" if seconds is None else "tab" if options.get("mode") == "tab" else "shown"
    until_rule(page, calls_rule)


def test_a_prerendered_page_that_nobody_opens_asks_nothing(site, tmp_path):
    site.pages["/"] = (
        "<!doctype html><title>Here</title><script type=speculationrules>"
        '{"prerender":[{"source":"list","urls":["/next"]}]}</script>',
        {"Content-Type": "text/html"},
    )
    seen: list[str] = []
    loaded = threading.Event()

    class Marks(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            if self.path.startswith("/done"):
                loaded.set()
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    marks = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Marks)
    threading.Thread(target=marks.serve_forever, args=(0.01,), daemon=True).start()
    mark = f"http://127.0.0.1:{marks.server_port}"
    site.add(
        nps(endpoint=site.service),
        "/next",
        attributes='data-person="42" data-touchpoint="x"',
        calls=f"fetch('{mark}/is?'+document.prerendering);"
        f"addEventListener('load',()=>setTimeout(()=>fetch('{mark}/done?'"
        "+document.querySelectorAll('earshot-survey').length+(earshot.surveys?'there':'')),500));",
    )
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--remote-debugging-port=0",
    ]
    options += [f"--user-data-dir={tmp_path}", "--disable-features=Prerender2MemoryControls", site.url + "/"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([chromium_path(), *options], **quiet) as browser:
        try:
            assert loaded.wait(60), seen
        finally:
            browser.terminate()
            browser.wait(20)
            marks.shutdown()
            marks.server_close()
    assert seen == ["/is?true", "/done?0there"]
    assert site.posts == []
