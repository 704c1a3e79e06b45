"""Pages that are hard to stand on: the survey shows or stays away, and the page never notices."""

import json

import pytest

from tests.browser.hostile import DOCUMENTS, PAGES
from tests.browser.test_widget import until
from tests.browser.widget_config import nps

pytestmark = pytest.mark.browser

HTML = {"Content-Type": "text/html; charset=utf-8"}

#: Watches what a page suffers: shifts of its layout, from the beginning.
WATCH = """
(() => {
  const seen = { shift: 0 }
  const watch = (type, add) =>
    new PerformanceObserver(list => list.getEntries().forEach(add)).observe({ type, buffered: true })
  watch('layout-shift', entry => { seen.shift += entry.value })
  Object.defineProperty(window, 'seenByTest', { value: seen, enumerable: false })
})()
"""


def theirs(complaints):
    """What was complained of but for the browser's own word about a sandbox that keeps its origin."""
    return [line for line in complaints if "can escape its sandboxing" not in line]


STORED = "() => localStorage.length + sessionStorage.length"


@pytest.fixture
def visit(site, visitor):
    """Open a page that is watched."""
    visitor.add_init_script(WATCH)
    page = visitor.new_page()

    def visit(address):
        page.goto(address)
        return page

    return visit


@pytest.mark.parametrize("name", PAGES)
def test_no_page_breaks_it_and_it_breaks_no_page(site, visit, visitor, name):
    hostile = PAGES[name]
    headers = {key: value.format(service=site.service) for key, value in hostile.headers.items()}
    address = site.add(
        nps(endpoint=site.service),
        calls=hostile.before,
        head=hostile.head,
        body=hostile.body,
        **{key.replace("-", "_"): value for key, value in headers.items()},
    )
    page = visit(address)
    five = page.locator("earshot-survey").get_by_role("radio", name="5")
    five.wait_for()
    assert page.locator("earshot-survey").get_by_role("radio", checked=True).count() == 0
    assert "saved" not in page.locator("earshot-survey").inner_text()
    assert page.evaluate("seenByTest.shift") == 0 or "re-renders" in name
    assert "sandbox" in name or "storage" in name or page.evaluate(STORED) == 0
    if hostile.after:
        page.evaluate(f"() => {{{hostile.after}}}")
    five.click()
    page.locator("earshot-survey").get_by_role("textbox").wait_for()
    if hostile.keeps:
        until(page, lambda: [answer["score"] for answer in site.kept.values()] == [5])
        assert json.dumps(site.sent("/r")[0].body).count('"no"') == 0
        assert (site.sent("/r")[0].body["test"], "person" in site.sent("/r")[0].body) == (False, False)
    assert theirs(visitor.complaints) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_document_is_too_strange(site, visit, visitor, name):
    loader = site.publish(nps(endpoint=site.service))
    source = site.service + loader
    tag = f'<script src="{source}"></script>'
    escaped = json.dumps(tag).replace("</", "<\\/")
    site.pages["/"] = (DOCUMENTS[name].format(end=tag, tag=escaped, source=source), HTML)
    page = visit(site.url + "/")
    root = page.frame_locator("iframe") if "frame" in name else page
    root.get_by_role("radio", name="5").click()
    until(page, lambda: [answer["score"] for answer in site.kept.values()] == [5])
    assert theirs(visitor.complaints) == []


#: How a page takes the document away and writes another; the survey is not half gone afterwards.
WRITES = {
    "document.write": "document.write('<title>New</title><main><h1>New</h1></main>'); document.close()",
    "document.open": "document.open(); document.close()",
    "twice": "for (const n of [1, 2]) { document.open(); document.write('<main>' + n + '</main>'); document.close() }",
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("answered", [False, True])
def test_a_document_that_is_written_anew_has_a_survey_that_works(site, visit, visitor, name, answered):
    page = visit(site.add(nps(endpoint=site.service)))
    nine = page.locator("earshot-survey").get_by_role("radio", name="9")
    nine.wait_for()
    if answered:
        nine.click()
        page.get_by_role("textbox").fill("Half a thought")
    page.evaluate(f"() => {{{WRITES[name]}}}")
    if answered:
        assert page.get_by_role("textbox").input_value() == "Half a thought"
        page.get_by_role("button", name="Send").click()
        until(page, lambda: [a.get("comment") for a in site.kept.values()] == ["Half a thought"])
    else:
        nine.click()
        until(page, lambda: [answer["score"] for answer in site.kept.values()] == [9])
    page.get_by_role("button", name="Close").click()
    page.locator("earshot-survey").wait_for(state="detached")
    assert len([post for post in site.sent("/event") if post.body["event"] == "shown"]) == 1
    assert visitor.complaints == []


def test_a_document_that_is_written_anew_after_the_thanks_is_left_alone(site, visit):
    page = visit(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="9").click()
    page.get_by_role("button", name="Send").click()
    page.evaluate(f"() => {{{WRITES['document.write']}}}")
    until(page, lambda: page.evaluate("earshot('explain').rule") == "closed")
    assert page.locator("earshot-survey").count() == 0


@pytest.mark.parametrize(
    "frame",
    [
        "<iframe title=f sandbox=allow-scripts src={inner}></iframe>",
        "<iframe title=f sandbox=allow-scripts srcdoc='<script src={script}></script>'></iframe>",
        "<iframe title=f src='data:text/html,<script src={script}></script>'></iframe>",
    ],
)
def test_where_no_answer_can_arrive_the_survey_stays_away_and_says_why(site, visit, frame):
    inner = site.add(nps(endpoint=site.service), "/inner", calls="earshot('open');")
    script = site.service + site.publish(nps(endpoint=site.service))
    outer = f"<!doctype html><title>F</title>{frame.format(inner=inner, script=script)}"
    site.pages["/"] = (outer, HTML)
    page = visit(site.url + "/")
    until(page, lambda: len(page.frames) == 2 and page.frames[1].evaluate("!!window.earshot?.surveys"))
    until(page, lambda: page.frames[1].evaluate("earshot('explain').rule") == "origin")
    page.frames[1].evaluate("earshot('open')")
    page.wait_for_load_state("networkidle")
    assert (page.frames[1].locator("earshot-survey").count(), site.posts) == (0, [])
