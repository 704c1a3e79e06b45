"""Everything that customers see, whole: each metric and each state of it under axe, at two widths, in light, dark and
forced colours."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from surveys import wording
from surveys.domain.metrics import METRICS
from tests.browser import mailed
from tests.browser.live import AXE, AXE_WITHOUT_FRAMES

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.timeout(3600)]

SCHEMES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}

#: One in each script and direction, and the longest words.
LANGUAGES = ("en", "de", "ar", "ja", "hi", "fi")

BRAND = {
    "name": "Acme Bikes",
    "color": "#ffd60a",
    "address": "Acme Bikes Ltd\n1 Mill Lane, Leeds LS1 4AA",
    "privacy_url": "https://acme.example/privacy",
}

CHOICES = {"en": ["Price", "Speed", "A rather long choice that takes a line or two of its own"]}


@pytest.fixture(scope="module")
def letters(live):
    """The links that customers have by mail, by kind: of one who answered, and of one who was asked about it later."""
    survey = live.survey(ask_contact=True, brand=BRAND)
    [mail] = mailed.invite(live, [(survey, "en")])
    email = next(address for address in mailed.read(live.directory) if survey in address)
    links = {re.search(r"/(i|u|me)/", url)[1]: url for url in mail.links if re.search(r"/(i|u|me)/", url)}
    said = {
        "survey": survey,
        "score": 2,
        "comment": "The chain came off.",
        "person": {"email": email},
        "contact": "both",
    }
    live.session.post(f"{live.url}/api/responses", json=said, timeout=30).raise_for_status()
    [(_, asked)] = mailed.ask_whether_solved(live)
    return {**links, "f": asked, "score": mail.scores[9]}


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_that_customers_see_bars_anybody(live, browse, letters, width, scheme):
    page = browse(viewport={"width": width, "height": 800}, **SCHEMES[scheme])
    faults: list[str] = []
    looked = 0
    for where, options in states(live, page, letters):
        found = Axe().run(page, options=options)
        looked += 1
        faults += [
            f"{where}: {fault['id']} {fault['nodes'][0]['target']}" for fault in found.response["violations"]
        ]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{where}: wider than {width}")
    # The browser says of a page that is not there that it is not.
    page.complaints.clear()
    print(f"\n{width} pixels, {scheme}: {looked} states, {len(faults)} findings")
    assert faults == []


def states(live, page, letters):
    """Go to each state of each thing that customers see; yields its name and how axe is to look at it."""
    asked = [(metric, "en") for metric in METRICS] + [("nps", language) for language in LANGUAGES[1:]]
    for metric, language in asked:
        survey = live.survey(
            metric,
            languages=[language],
            product="Acme",
            ask_contact=True,
            **({"follow_up_type": "many_choices", "choices": CHOICES} if language == "en" else {}),
        )
        page.goto(f"{live.url}/s/{survey}")
        yield f"page {metric} {language}", AXE
        page.get_by_role("radio").nth(1).click()
        expect(page.get_by_role("status")).not_to_be_empty()
        yield f"page {metric} {language} saved", AXE
        page.locator("#more button").click()
        expect(page.locator("#done")).to_be_visible()
        yield f"page {metric} {language} thanks", AXE
        page.goto(f"{live.url}/demo/look?metric={metric}&lang={language}&name=Acme&in_widget=1")
        panel = page.get_by_role("dialog")
        expect(panel).to_be_visible()
        yield f"widget {metric} {language}", AXE_WITHOUT_FRAMES
        panel.get_by_role("radio").nth(1).click()
        send = panel.get_by_role("button", name=wording.text(language, "ui.send"), exact=True)
        expect(send).to_be_visible()
        yield f"widget {metric} {language} follow-up", AXE_WITHOUT_FRAMES
        send.click()
        expect(send).to_be_hidden()
        yield f"widget {metric} {language} thanks", AXE_WITHOUT_FRAMES
    page.goto(letters["score"])
    yield "page behind a mail", AXE
    for kind in ("me", "u", "f"):
        page.goto(letters[kind])
        for each in page.locator("summary").all():
            each.click()
            yield f"/{kind} open", AXE
        yield f"/{kind}", AXE
    paused = live.survey(status="paused")
    for address in (f"/s/{paused}", "/s/none", "/nothing", "/me/cut", "/demo/look?color=guess"):
        page.goto(live.url + address)
        yield address, AXE
