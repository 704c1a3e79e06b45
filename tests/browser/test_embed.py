"""The whole way in a real browser: a shop on another origin embeds the survey, a customer answers, the team reads."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.test_widget import until

pytestmark = pytest.mark.browser


@contextlib.contextmanager
def shop():
    """A website of its own origin, whose one page embeds whatever script address it is given."""

    class Page(BaseHTTPRequestHandler):
        """Serves the page."""

        def do_GET(self) -> None:
            content = self.server.content.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def test_a_customer_of_a_shop_answers_and_the_team_sees_it(live, browse):
    with shop() as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        survey = live.survey(allowed_origins=[origin])
        server.content = (
            '<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,"></head>'
            f'<body><h1>Thank you for your order</h1><script async src="{live.url}/w/{survey}.js" '
            'data-touchpoint="order placed" data-after="0"></script></body></html>'
        )
        page = browse()
        page.goto(f"{origin}/thanks?order=42")
        page.get_by_role("radio", name="3", exact=True).click()
        live.answer(survey, score=3, comment=None, channel="widget", touchpoint="order placed")
        page.get_by_role("textbox").fill("The checkout was slow and my card was declined twice.")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("Thank you for your honest answer")).to_be_visible()
        live.answer(
            survey, score=3, comment="The checkout was slow and my card was declined twice.", flags=[]
        )


def test_an_answer_survives_a_shop_that_says_more_than_the_service_takes(live, browse):
    with shop() as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        survey = live.survey(allowed_origins=[origin])
        server.content = (
            '<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,"></head>'
            "<body><h1>Thank you</h1><script>(window.earshot=function(){(earshot.q=earshot.q||[]).push(arguments)})"
            "('properties',{['n'.repeat(101)]:1})</script>"
            f'<script async src="{live.url}/w/{survey}.js" data-after="0"></script></body></html>'
        )
        page = browse()
        page.goto(origin)
        page.get_by_role("radio", name="3", exact=True).click()
        live.answer(survey, score=3, properties={})
        # The browser itself notes the refused call.
        page.complaints[:] = [line for line in page.complaints if "422" not in line]


def test_a_shop_that_the_survey_does_not_name_is_told_so_and_its_answer_waits(live, browse):
    with shop() as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        survey = live.survey(allowed_origins=["https://elsewhere.example"])
        server.content = (
            '<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,"></head>'
            f'<body><h1>Shop</h1><script async src="{live.url}/w/{survey}.js" data-after="0"></script></body></html>'
        )
        page = browse()
        page.goto(origin)
        with page.expect_event("requestfailed", lambda request: request.url.endswith("/r")):
            page.get_by_role("radio", name="3", exact=True).click()
        until(page, lambda: any(line.startswith("Earshot") for line in page.complaints))
        [said] = [line for line in page.complaints if line.startswith("Earshot")]
        assert survey in said
        assert f"no answers from {origin} until" in said
        expect(page.get_by_role("textbox")).to_be_visible()
        expect(page.get_by_text("has been saved")).to_have_count(0)
        assert live.answers(survey) == []
        # Besides, the browser itself notes each refused call.
        assert all(
            "/r" in line or "/event" in line or "net::" in line or line == said for line in page.complaints
        )
        live.change(survey, allowed_origins=[origin])
        page.reload()
        live.answer(survey, score=3)
        page.complaints.clear()
