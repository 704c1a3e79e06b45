"""The page behind a mail's links in a real browser: machines with scripts count nothing, any act of a person does."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.live import AXE

pytestmark = pytest.mark.browser


@pytest.fixture
def invited(live):
    """A survey and the links of an invitation to it."""
    survey = live.survey()
    body = {"survey": survey, "person": {"email": "ann@customer.example"}, "deliver": False}
    key = {"Authorization": live.session.headers["Authorization"]}
    reply = live.session.post(f"{live.url}/api/triggers", json=body, headers=key, timeout=10)
    yield survey, reply.json()["invitation"]["score_urls"]
    found = live.session.get(f"{live.url}/api/people", params={"email": "ann@customer.example"}, timeout=10)
    for person in found.json()["items"]:
        live.session.delete(f"{live.url}/api/people/{person['id']}", timeout=10).raise_for_status()


def score(page, value):
    return page.get_by_role("radio", name=str(value), exact=True)


PRETENDING = """() => {
  for (const type of ['pointerdown', 'pointerup', 'keydown', 'click'])
    for (const each of document.querySelectorAll('body, button, input[type=radio]'))
      each.dispatchEvent(new KeyboardEvent(type, { key: 'a', bubbles: true, cancelable: true }))
}"""


@pytest.mark.parametrize("pretends", [False, True])
def test_a_machine_that_runs_scripts_counts_nothing(live, browse, invited, pretends):
    survey, urls = invited
    page = browse()
    for value in ("9", "3"):
        page.goto(urls[value])
        if pretends:
            page.evaluate(PRETENDING)
        page.wait_for_timeout(500)
    assert live.answers(survey) == []


ACTS = {
    "the button": lambda page: page.get_by_role("button", name="Confirm my answer").click(),
    "the button by keyboard": lambda page: page.get_by_role("button", name="Confirm my answer").press(
        "Enter"
    ),
    "a click anywhere": lambda page: page.mouse.click(5, 5),
    "a key": lambda page: page.keyboard.press("Tab"),
    "the chosen score": lambda page: score(page, 9).click(),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_persons_act_counts_the_score_of_the_link(live, browse, invited, act):
    survey, urls = invited
    page = browse()
    page.goto(urls["9"])
    expect(score(page, 9)).to_be_checked()
    ACTS[act](page)
    expect(page.get_by_role("status")).to_have_text("Your answer has been saved.")
    live.answer(survey, score=9, channel="email", flags=[])
    page.get_by_label("What did you like most?").fill("Quick")
    page.get_by_role("button", name="Send").click()
    live.answer(survey, score=9, comment="Quick")


def test_another_score_than_the_links_is_the_only_one_recorded(live, browse, invited):
    survey, urls = invited
    page = browse()
    page.goto(urls["9"])
    score(page, 2).click()
    expect(page.get_by_role("status")).to_have_text("Your answer has been saved.")
    assert live.answer(survey, score=2)["version"] <= 2
    page.goto(urls["7"])
    page.get_by_role("button", name="Confirm my answer").click()
    live.answer(survey, score=7)


def test_without_a_script_one_button_confirms_and_the_comment_follows(live, browse, invited):
    survey, urls = invited
    page = browse(java_script_enabled=False)
    page.goto(urls["9"])
    page.get_by_role("button", name="Confirm my answer").click()
    live.answer(survey, score=9, channel="email", flags=[])
    page.get_by_label("What did you like most?").fill("Quick")
    page.get_by_role("button", name="Send").first.click()
    live.answer(survey, score=9, comment="Quick")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_a_mail_can_be_used_by_everybody(live, browse, invited, scheme):
    _, urls = invited
    page = browse(color_scheme=scheme)
    page.goto(urls["9"])
    assert Axe().run(page, options=AXE).response["violations"] == []
    page.get_by_role("button", name="Confirm my answer").click()
    expect(page.get_by_role("status")).to_have_text("Your answer has been saved.")
    assert Axe().run(page, options=AXE).response["violations"] == []
