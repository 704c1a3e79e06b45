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
    assert page.evaluate("seenByTest.shift") == 0 or "re-renders" in name
    assert "sandbox" in name or "storage" in name or page.evaluate(STORED) == 0
    if hostile.after:
        page.evaluate(f"() => {{{hostile.after}}}")
    five.click()
    page.locator("earshot-survey").get_by_role("textbox").wait_for()
    if hostile.keeps:
        until(page, lambda: [answer["score"] for answer in site.kept.values()] == [5])
        assert json.dumps(site.sent("/r")[0].body).count('"no"') == 0
    assert visitor.complaints == []


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
    assert visitor.complaints == []
