"""A survey made, tried out, embedded, answered and seen in the overview: by mouse, by keys alone, without scripts."""

import functools
import re
import threading
from http.server import ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.test_demo import Quiet

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.timeout(600)]

#: What stands around the tag that the page says to paste; the survey is opened at once.
WEBSITE = """<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1>
<script>window.earshot=window.earshot||function(){(earshot.q=earshot.q||[]).push(arguments)};earshot("open")</script>
"""


@pytest.fixture
def website(tmp_path):
    """A website of files in a folder: its address, and its first page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", tmp_path / "index.html"
    server.shutdown()
    thread.join()
    server.server_close()


class Mouse:
    """Points and clicks; what is typed is typed."""

    scripts = True

    def __init__(self, page):
        self.page = page

    def press(self, element):
        element.click()

    def write(self, element, text):
        element.click()
        self.page.keyboard.type(text)

    def choose(self, element, key):
        element.select_option(key)


class Keyboard(Mouse):
    """Goes by Tab from one stop to the next; the mouse is not there."""

    def reach(self, element):
        """Tab until the element has the focus, as far as the page has stops."""
        for _ in range(300):
            if element.evaluate("each => each === each.getRootNode().activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab leads to no {element}")

    def press(self, element):
        self.reach(element)
        self.page.keyboard.press("Enter")

    def write(self, element, text):
        self.reach(element)
        self.page.keyboard.type(text)

    def choose(self, element, key):
        self.reach(element)
        self.page.keyboard.type(element.locator(f"option[value={key}]").inner_text())


class Plain(Mouse):
    """A browser without scripts."""

    scripts = False


@pytest.mark.parametrize("hand", [Mouse, Keyboard, Plain], ids=lambda hand: hand.__name__.lower())
def test_a_survey_is_made_tried_out_embedded_answered_and_seen(browse, live, website, hand):
    address, first_page = website
    name = f"Corner shop by {hand.__name__}"
    page = browse(**live.member(), viewport={"width": 1280, "height": 900}, java_script_enabled=hand.scripts)
    by = hand(page)
    page.goto(f"{live.url}/team")
    navigation = page.get_by_role("navigation", name="Pages")
    by.press(navigation.get_by_role("link", name="Surveys", exact=True))
    by.write(page.get_by_label("Name", exact=True), name)
    by.choose(page.get_by_label("Metric"), "nps")
    by.press(page.get_by_role("button", name="Make it"))
    expect(page).to_have_url(re.compile("/team/surveys/sv_.*did=made"))
    tried = page.frame_locator("iframe[name=preview]")
    expect(tried.get_by_role("heading")).to_contain_text("How likely")
    by.press(page.locator("summary", has_text="Words"))
    by.write(page.get_by_label("Question", exact=True), "Would you come again?")
    by.press(page.locator("summary", has_text="In a website"))
    by.write(page.get_by_label("Websites that may show it"), address)
    # Without scripts it is seen on the press of a button, and nothing is kept.
    by.press(page.get_by_role("button", name="Page", exact=True))
    expect(tried.get_by_role("heading", name="Would you come again?")).to_be_visible()
    by.press(page.get_by_role("button", name="Widget", exact=True))
    if hand.scripts:
        expect(tried.get_by_text("Would you come again?")).to_be_visible()
    by.press(page.get_by_role("button", name="Mail", exact=True))
    expect(tried.get_by_text("Would you come again?").first).to_be_visible()
    by.press(page.get_by_role("button", name="Save", exact=True).and_(page.locator(":visible")).last)
    expect(page.get_by_role("status")).to_have_text("Saved.")
    link = page.locator("#link + p a").get_attribute("href")
    tag = page.locator("pre", has_text="<script async").first.inner_text()

    # What the page says to paste is pasted into a website, and answered there.
    first_page.write_text(WEBSITE + tag, encoding="utf-8")
    visitor = browse()
    visitor.goto(address + "/index.html")
    there = hand(visitor) if hand.scripts else Mouse(visitor)
    if isinstance(there, Keyboard):
        lowest = visitor.get_by_role("radio").first
        lowest.wait_for()
        there.reach(lowest)
        visitor.keyboard.press("End")
        visitor.keyboard.press("Space")
    else:
        visitor.get_by_role("radio", name="9", exact=True).click()
    visitor.get_by_role("textbox").wait_for()
    if not hand.scripts:
        # The hosted page asks for no script either.
        visitor = browse(java_script_enabled=False)
        visitor.goto(link)
        expect(visitor.get_by_role("heading", name="Would you come again?")).to_be_visible()
        visitor.get_by_role("radio", name="9", exact=True).check(force=True)
        visitor.get_by_role("button", name="Send").click()

    by.press(navigation.get_by_role("link", name="Overview", exact=True))
    card = page.get_by_role("article", name=name)
    by.press(card.get_by_role("link", name=re.compile("^[12] answers?$")).first)
    if not hand.scripts:
        # Answered within a second, as no person does, the page's answer is kept and not counted.
        by.press(page.get_by_role("link", name="Only what is in the value"))
    expect(page.locator(".list li")).to_have_count(1 if hand.scripts else 2)
