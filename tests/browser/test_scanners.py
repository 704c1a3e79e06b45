"""Real mails opened by machines from end to end, then answered by people; all of them: `tests.bench.scanners`."""

import pytest

from tests.browser import machines, mailed, people
from tests.browser.people import Visit

pytestmark = pytest.mark.browser


@pytest.fixture
def scanned(live, chromium):
    """The mail of a fresh survey, which machines have opened."""
    [mail] = mailed.invite(live, [(live.survey(), "en")])
    machines.look(mail)
    machines.fetch(mail, machines.AGENTS[:3])
    machines.browse(chromium, [mail], 0.5)
    return mail


def test_machines_that_open_every_link_count_nothing_and_unsubscribe_nobody(live, scanned):
    assert len(scanned.links) == 14
    assert live.answers(scanned.survey) == []
    [person] = live.session.get(
        f"{live.url}/api/people", params={"email": f"p0-{scanned.survey}@customer.example"}, timeout=10
    ).json()["items"]
    assert (person["unsubscribed_at"], person["last_answered_at"]) == (None, None)


@pytest.mark.parametrize("name", ["taps the button", "moves to another score by keyboard", "has no script"])
def test_a_person_is_heard_although_machines_were_there_before(live, browse, scanned, name):
    person = people.ACTS[name]
    expected = person.act(Visit(browse(**person.browser), scanned))
    live.answer(scanned.survey, channel="email", flags=[], excluded=False, **expected)


@pytest.mark.parametrize("name", ["going back to the first link", "where the script's calls are refused"])
def test_a_person_is_heard_in_any_circumstances(live, chromium, name):
    person = people.OTHERS[name]
    [mail] = mailed.invite(live, [(live.survey(), "en")])
    context = chromium.new_context(**person.browser)
    expected = person.act(Visit(context.new_page(), mail))
    live.answer(mail.survey, channel="email", flags=[], excluded=False, **expected)
    context.close()
