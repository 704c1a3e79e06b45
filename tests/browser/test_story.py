"""The whole story in a real Chromium, with real mail: from an unhappy answer to the customer's "it is solved", and from
what they said to a topic, its issue, what was done, being told, and the card of what came of it.
"""

import contextlib
import re
import sqlite3
import time
from email import message_from_bytes, policy

import psycopg
import pytest
import requests
from playwright.sync_api import expect

from tests import mailserver
from tests.browser.live import running
from tests.feedback.trackers.standins import GitHub, Jira, Linear, serving

pytestmark = [pytest.mark.browser, pytest.mark.prove]

CUSTOMER, OWNER = "ann@shop.example", "maya@acme.example"


class Story:
    """A service with a mail server and a database of its own."""

    def __init__(self, live, mail, database):
        self.live, self.mail, self.database = live, mail, database

    def call(self, method, path, status=None, **body):
        """What the API answers."""
        reply = self.live.session.request(method, f"{self.live.url}{path}", json=body or None, timeout=60)
        assert reply.status_code == status or (status is None and reply.ok), reply.text
        return reply.json() if reply.content else None

    def wait(self, found):
        """What `found` gives, once that is something."""
        end = time.monotonic() + 300
        while not (got := found()):
            assert time.monotonic() < end, "nothing came"
            time.sleep(0.2)
        return got

    def hurry(self, kind):
        """Let what waits for its time be due, and have the worker look."""
        statement = f"UPDATE job SET due_at = created_at WHERE kind = '{kind}' AND state = 'new'"

        def moved():
            with contextlib.closing(self.database()) as connection, connection:
                return connection.execute(statement).rowcount

        self.wait(moved)
        # Whatever is written wakes it.
        self.call("POST", "/api/responses", survey=self.other, score=9)

    def letter(self, to, subject, count=1):
        """The newest mail to somebody under a subject, once `count` have come."""

        def found():
            every = [message_from_bytes(each.content, policy=policy.default) for each in self.mail.envelopes]
            mine = [each for each in every if to in each["To"] and subject in each["Subject"]]
            return mine[-1] if len(mine) >= count else None

        return self.wait(found)

    def link(self, letter, part):
        """A link in a mail."""
        return re.search(rf"http\S+{part}\S*", letter.get_body(("plain",)).get_content())[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def story(request, tmp_path):
    with contextlib.ExitStack() as stack:
        mail = stack.enter_context(mailserver.serving())
        settings = {
            "SMTP_URL": mail.url,
            "MAIL_FROM": "Acme <hello@acme.example>",
            "OUTBOUND_ALLOW": "127.0.0.1",
        }

        def database():
            return sqlite3.connect(tmp_path / "earshot.db", timeout=60)

        if request.param == "postgresql":
            server = request.getfixturevalue("postgres")
            url = settings["DATABASE_URL"] = server.create_database("story")
            stack.callback(server.drop_database, "story")

            def database():
                return psycopg.connect(url)

        live = stack.enter_context(running(tmp_path, **settings))
        told = Story(live, mail, database)
        told.other = live.survey()
        yield told


def heard(page, link, answer, text):
    """The customer says something on the page behind a letter."""
    page.goto(link)
    page.get_by_label(answer).check()
    page.get_by_label("Your comment").fill(text)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_be_visible()


def shipped(story, team, place, url, label):
    """A topic that becomes an issue of a tracker, which says that it is done; it is shipped because somebody agrees."""
    topic = story.call("POST", "/api/topics", label=label)["id"]
    given = {"name": f"Our {place.kind}", "kind": place.kind, "token": place.token, "secret": place.secret}
    where = {"url": f"{url}/graphql" if place.kind == "linear" else url}
    tracker = story.call("POST", "/api/trackers", 201, **{**given, **place.settings, **where})["id"]
    page = f"{story.live.url}/team/topics/{topic}"
    team.goto(page)
    team.locator("#make-tracker").select_option(tracker)
    team.get_by_role("button", name="Make an issue").click()
    issue = f"/api/topics/{topic}/issue"
    story.wait(lambda: story.call("GET", issue)["state"] == "linked")
    assert len(place.issues) == 1
    body, proof = place.move(0, "done")
    door = f"{story.live.url}/trackers/{tracker}"
    headers = {"Content-Type": "application/json"}
    forged = {name: re.sub("[0-9a-f]{8}$", "0" * 8, value) for name, value in proof.items()}
    assert requests.post(door, body, headers={**headers, **forged}, timeout=60).status_code == 401
    assert (
        requests.post(door, body, headers={**headers, **proof}, timeout=60).json()["decision"] == "accepted"
    )
    story.wait(lambda: story.call("GET", issue)["proposal"])
    team.goto(f"{story.live.url}/team/topics")
    expect(team.get_by_role("row", name=label).get_by_text("Its tracker proposes: Shipped")).to_be_visible()
    team.goto(page)
    team.get_by_role("button", name="Set to Shipped").click()
    expect(team.get_by_role("status")).to_be_visible()
    assert story.call("GET", f"/api/topics/{topic}")["status"] == "shipped"
    return topic


@pytest.mark.timeout(1200)
def test_whoever_spoke_is_answered_told_and_asked_whether_it_helped(story, browse):
    survey = story.live.survey(
        name="Shop", product="the shop", ask_contact=True, open_follow_ups={"at_or_below": 6},
        brand={"name": "Acme Shoes", "color": "#0a7d5a"},
    )  # fmt: skip
    ask = {"survey": survey, "person": {"email": CUSTOMER, "name": "Ann Shopper"}}
    assert story.call("POST", "/api/triggers", **ask)["decision"] == "scheduled"
    customer = browse()
    customer.goto(story.link(story.letter(CUSTOMER, ""), r"/i/\S+score=1\b"))
    customer.get_by_role("button", name="Confirm my answer").click()
    customer.get_by_role("textbox").fill("Nice shoes. My card was declined three times.")
    customer.get_by_label("Yes, please reply to me").check()
    customer.get_by_label("Yes, tell me when something changes").check()
    customer.get_by_role("button", name="Send").first.click()
    [answer] = story.wait(
        lambda: [each for each in story.live.answers(survey) if each["comment"] and each["contact"] == "both"]
    )

    # A rule opens the case once they are done; somebody takes it, answers and asks.
    story.hurry("follow-up to consider")
    story.wait(lambda: story.call("GET", "/api/follow-ups")["items"])
    team = browse(**story.live.member(email=OWNER, name="Maya"))
    team.goto(f"{story.live.url}/team/follow-ups")
    team.get_by_role("link", name="Ann Shopper").first.click()
    team.get_by_role("button", name="I take it").click()
    team.get_by_label("Your words").fill("We are sorry. We have mended the machine.")
    team.get_by_role("button", name="Send this mail").click()
    expect(team.get_by_role("status")).to_contain_text("on its way")
    reply = story.letter(CUSTOMER, "About your feedback")
    assert OWNER in reply["Reply-To"]
    for kind in ("plain", "html"):
        body = reply.get_body((kind,)).get_content()
        assert "We have mended the machine." in body
        assert "Acme Shoes" in body
    team.get_by_role("button", name="Ask by mail").click()
    asked = story.letter(CUSTOMER, "Is your issue solved")
    heard(customer, story.link(asked, "/f/"), "Not yet", "It was declined again.")
    team.reload()
    expect(team.get_by_text("It was declined again.").first).to_be_visible()
    case = story.call("GET", "/api/follow-ups")["items"][0]
    assert (case["status"], case["priority"]) == ("handled", 1)
    assert story.call("POST", "/api/triggers", **ask, on_block="drop")["rule"] == "owed_help"
    team.get_by_role("button", name="Ask by mail").click()
    asked = story.letter(CUSTOMER, "Is your issue solved", 2)
    heard(customer, story.link(asked, "/f/"), "Yes, it is solved", "Thanks!")
    team.goto(f"{story.live.url}/team/follow-ups?status=solved")
    expect(team.get_by_role("link", name="Ann Shopper").first).to_be_visible()

    # What they said is a topic, whose issue says that it is done; and so it is with the other trackers.
    with contextlib.ExitStack() as stack:
        topics = [
            shipped(story, team, place, stack.enter_context(serving(place)), label)
            for place, label in (
                (GitHub(), "Card declined"),
                (Jira(), "Slow basket"),
                (Linear(), "Odd sizes"),
            )
        ]
    topic, page = topics[0], f"{story.live.url}/team/topics/{topics[0]}"
    story.call("PATCH", f"/api/responses/{answer['id']}", topics=[topic])
    team.goto(f"{story.live.url}/team/loop?topic={topic}")
    expect(team.get_by_text("My card was declined three times.")).to_be_visible()
    team.get_by_label("English").fill("Cards work again, all of them.")
    team.get_by_role("button", name="Preview").click()
    team.get_by_role("button", name="Tell 1 person").click()
    expect(team.get_by_role("status")).to_contain_text("in ten minutes")
    story.hurry("loop due")
    told = story.letter(CUSTOMER, "What came of your feedback")
    assert "My card was declined three times." in told.get_body(("plain",)).get_content()
    heard(customer, story.link(told, "/f/"), "Yes, it is solved", "It works.")
    team.goto(f"{story.live.url}/team/loop")
    expect(team.get_by_text("1 say it is fixed")).to_be_visible()
    # All that was sent stands on the person's page.
    team.goto(f"{story.live.url}/team/people/{case['person']}")
    for words in (
        "The team wrote (sent)",
        "asked whether it is solved (sent)",
        "Told what came of what they said (sent)",
    ):
        expect(team.get_by_text(words).first).to_be_visible()

    # The card says what may be said by now, to anybody who has its address.
    team.goto(f"{page}?came=1")
    team.get_by_role("button", name=re.compile("card")).first.click()
    address = story.call("POST", f"/api/topics/{topic}/proof", 201)["url"]
    stranger = browse()
    stranger.goto(address)
    expect(stranger.get_by_role("heading", name="Card declined")).to_be_visible()
    expect(stranger.get_by_text("Too early: 4 weeks are needed, and 0 are over.").first).to_be_visible()
