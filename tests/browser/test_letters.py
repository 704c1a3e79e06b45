"""The page behind a letter, in a real Chromium: machines that open and press everything solve nothing, people do."""

from functools import partial

import pytest
from playwright.sync_api import expect

from tests.browser import machines, mailed

pytestmark = pytest.mark.browser


@pytest.fixture
def asked(live):
    """A case whose person was asked by mail whether it is solved: how to look at it, and the link in the mail."""

    [(case, link)] = mailed.ask_whether_solved(live)
    return lambda: live.session.get(f"{live.url}/api/follow-ups/{case}", timeout=10).json(), link


@pytest.mark.timeout(500)
def test_machines_solve_nothing_and_people_are_heard(live, chromium, browse, asked):
    look, link = asked
    tries = [
        *(partial(machines.attempt, script=script) for script in machines.SCRIPTS.values()),
        *machines.HANDS.values(),
    ]
    mail = mailed.Mail("", tuple(f"{link}?answer={('fixed', 'not_yet')[at % 2]}" for at in range(len(tries))))
    assert machines.act(chromium, [mail], tries, 0.5) == len(tries)
    assert look()["status"] == "asked"
    # With a script, by the keyboard; then without one, by the mouse.
    page = browse()
    page.goto(f"{link}?answer=fixed")
    page.get_by_label("Your comment").fill("Not at all.")
    page.get_by_label("Not yet").check()
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("We will look into it again")
    case = look()
    said = case["letters"][0]
    assert (case["priority"], said["answer"], said["said"]) == (1, "not_yet", "Not at all.")
    plain = browse(java_script_enabled=False)
    plain.goto(f"{link}?answer=fixed")
    plain.get_by_role("button", name="Send").click()
    expect(plain.get_by_role("status")).to_contain_text("glad that it is solved")
    assert look()["status"] == "solved"
