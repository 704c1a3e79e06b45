"""A survey made, tried out, answered and seen in the overview by somebody who uses the team's pages in Chromium."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.prove]


@pytest.mark.timeout(300)
def test_a_survey_is_made_tried_out_answered_and_seen(browse, live):
    page = browse(**live.member(), viewport={"width": 1280, "height": 900})
    page.goto(f"{live.url}/team/surveys")
    # By keyboard: the name, and Enter.
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("Corner shop")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/team/surveys/sv_.*did=made"))
    tried = page.frame_locator("iframe[name=preview]")
    expect(tried.get_by_role("heading")).to_contain_text("How likely")
    words = page.locator("summary", has_text="Words")
    words.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Question", exact=True).focus()
    page.keyboard.type("Would you come again?")
    # What is typed is seen at once, and nothing is kept.
    expect(tried.get_by_role("heading", name="Would you come again?")).to_be_visible()
    page.get_by_role("button", name="Widget", exact=True).click()
    expect(tried.get_by_text("Would you come again?")).to_be_visible()
    page.get_by_role("button", name="Mail", exact=True).click()
    expect(tried.get_by_text("Would you come again?").first).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).and_(page.locator(":visible")).last.click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    link = page.locator("#link + p a").get_attribute("href")
    visitor = browse()
    visitor.goto(link)
    expect(visitor.get_by_role("heading", name="Would you come again?")).to_be_visible()
    visitor.get_by_role("radio", name="9", exact=True).check(force=True)
    expect(visitor.get_by_role("status")).to_contain_text("saved", ignore_case=True)
    page.goto(f"{live.url}/team")
    expect(page.get_by_role("article", name="Corner shop").get_by_text("1 answer").first).to_be_visible()
