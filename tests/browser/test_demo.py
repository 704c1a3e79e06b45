"""The demo site of the documentation, driven from end to end against the real service."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.live import AXE
from tests.browser.test_widget import until

pytestmark = pytest.mark.browser

DEMO = Path(__file__).parents[2] / "docs" / "demo"


class Quiet(SimpleHTTPRequestHandler):
    """The files of the demo, without a log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def shop():
    """The demo site on an origin of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=DEMO))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def survey(live, shop):
    return live.survey(
        allowed_origins=[shop],
        widget={"show_after_seconds": None},
        follow_up_type="many_choices",
        choices={"detractor": {"en": ["Price", "Speed"]}, "promoter": {"en": ["Taste", "Staff"]}},
        thanks_link={"url": "https://shop.example/help", "text": {"en": "Help"}},
    )


def address(shop, live, survey, name="index.html"):
    return f"{shop}/{name}?service={live.url}&survey={survey}"


def test_a_customer_answers_on_one_page_and_goes_on_on_the_next(shop, live, survey, page):
    page.goto(address(shop, live, survey))
    page.get_by_role("button", name="Put tea").click()
    page.get_by_role("radio", name="3").click()
    page.get_by_role("checkbox", name="Price").check()
    live.answer(survey, score=3, touchpoint="basket")
    page.get_by_role("link", name="Your account").click()
    expect(page).to_have_title("Your account · Corner Shop")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("radio", name="3")).to_be_checked()
    expect(panel.get_by_role("checkbox", name="Price")).to_be_checked()
    panel.get_by_role("checkbox", name="Speed").check()
    panel.get_by_role("button", name="Send").click()
    expect(panel.get_by_role("link", name="Help")).to_have_attribute("href", "https://shop.example/help")
    listed = f"{live.url}/api/responses?survey={survey}"
    until(
        page,
        lambda: (
            [answer["answers"] for answer in live.session.get(listed, timeout=10).json()["items"]]
            == [{"follow_up": ["Price", "Speed"]}]
        ),
    )
    page.get_by_role("button", name="Close").click()
    page.reload()
    expect(page.get_by_role("button", name="Survey")).to_be_visible()
    expect(panel).to_have_count(0)


def test_inline_and_tab_stand_where_the_demo_says(shop, live, page):
    survey = live.survey(allowed_origins=[shop])
    page.goto(address(shop, live, survey, "order.html"))
    page.locator("#feedback").get_by_role("radio", name="9").click()
    page.get_by_role("textbox").fill("Crisp bread")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("finished")).to_contain_text("Crisp bread")
    live.answer(survey, score=9, comment="Crisp bread", touchpoint="order")
    page.get_by_role("link", name="Your account").click()
    expect(page).to_have_title("Your account · Corner Shop")


def test_the_first_answer_of_a_bundlers_import_finds_the_same_survey(shop, live, page):
    survey = live.survey(allowed_origins=[shop], widget={"show_after_seconds": None})
    package = Path(__file__).parents[2] / "surveys" / "widget" / "earshot.js"
    page.route(
        "**/earshot-widget.js", lambda route: route.fulfill(path=package, content_type="text/javascript")
    )
    page.goto(f"{shop}/order.html")
    page.evaluate(
        """async address => {
            const { load } = await import('/earshot-widget.js')
            load(address)
            load(address, { touchpoint: 'again' })('open')
        }""",
        f"{live.url}/w/{survey}.js",
    )
    page.get_by_role("radio", name="8").click()
    live.answer(survey, score=8)
    assert page.locator(f'script[src$="{survey}.js"]').count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_the_shop_bars_nobody(shop, live, browse, width, scheme):
    survey = live.survey(allowed_origins=[shop])
    page = browse(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for name, shown in (("index", "Morning tea"), ("order", "9"), ("account", "Survey")):
        page.goto(address(shop, live, survey, f"{name}.html"))
        expect(page.get_by_text(shown, exact=True).first).to_be_visible()
        found = Axe().run(page, options=AXE)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
