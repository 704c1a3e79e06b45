"""The widget in an app's web view, as Chromium's mobile mode shows it: small screen, touch, back, offline."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_embed import shop
from tests.servers import ROOT

pytestmark = pytest.mark.browser


def test_an_app_asks_closes_on_back_and_keeps_an_answer_until_there_is_a_network(live, browse):
    page_of_docs = (ROOT / "docs" / "apps.md").read_text()
    back_button = page_of_docs.partition("```html\n")[2].partition("```")[0]
    with shop() as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        survey = live.survey(allowed_origins=[origin])
        server.content = (
            '<!doctype html><html lang="en"><head><title>App</title><link rel="icon" href="data:,">'
            '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"></head>'
            f'<body><h1>Done</h1>{back_button}<script async src="{live.url}/w/{survey}.js" data-after="never">'
            "</script></body></html>"
        )
        page = browse(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
        page.goto(origin)
        question = page.get_by_role("radio", name="9", exact=True)
        page.evaluate("earshot('open')")
        expect(question).to_be_visible()
        # A sheet at the bottom, inside the screen, with room for a thumb.
        box = question.bounding_box()
        assert box["y"] > 844 / 2
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 44
        page.go_back()
        expect(question).to_be_hidden()
        assert page.title() == "App"
        page.evaluate("earshot('open')")
        page.context.set_offline(True)
        question.tap()
        page.get_by_role("button", name="Send").tap()
        expect(page.get_by_text("Thank you")).to_be_visible()
        page.context.set_offline(False)
        live.answer(survey, score=9, channel="widget")
        # Chromium itself says that there was no network; nobody else complains.
        page.complaints[:] = [line for line in page.complaints if "ERR_INTERNET_DISCONNECTED" not in line]
