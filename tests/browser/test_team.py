"""The team's pages in a real Chromium: what strangers wrote stays text and breaks nothing; scripts are only comfort."""

import os
import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from feedback.dashboard.registry import PAGES
from feedback.dashboard.tags import SUGGESTED
from tests import servers
from tests.browser.live import ADMIN_KEY, AXE_WITHOUT_FRAMES, running
from tests.servers import ROOT

pytestmark = pytest.mark.browser

#: What somebody may write who wishes us no good.
HOSTILE = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload=window.hacked=1>',
    '<a hx-get="/api/keys" hx-trigger="load" data-hx-on:load="window.hacked = 1">words</a>',
    "</textarea></title></style><b>bold",
    "W" * 10_000,
    "\u202eright to left " * 40,
    "\u2066\u2067unbalanced isolates",
    "{{ 7 * 7 }} ${7*7} #{7*7}",
    "é" * 500 + "\u0301" * 300,
    "line\n" * 400,
]

WATCH = """
window.shifts = [];
new PerformanceObserver((seen) => {
  for (const one of seen.getEntries())
    window.shifts.push(one.value + " " + one.sources.map((each) => each.node?.className));
})
  .observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def filled(live):
    """A survey with kind words and hostile ones, the newest answers first."""
    survey = live.survey(name="Shop <b>&amp; " + "long" * 30)
    for at, comment in enumerate(["Quick and kind", "Slow checkout", *HOSTILE, None]):
        body = {
            "id": str(uuid.uuid4()),
            "survey": survey,
            "score": (9, 2, 7)[at % 3],
            "comment": comment,
            "touchpoint": (comment or "")[:200],
            "tags": [(comment or "x")[:150]],
            "agent": {"id": "a1", "name": (comment or "Maya")[:200]},
            "ticket": {
                "id": "1",
                "number": "#1",
                "subject": (comment or "")[:900],
                "url": "javascript:window.hacked=1",
            },
            "person": {"id": f"p{at}", "name": (comment or "Ada")[:200]},
            "properties": {(comment or "plan")[:50]: (comment or "free")[:300]},
        }
        live.session.post(f"{live.url}/api/responses", json=body, timeout=10).raise_for_status()
    pin = {"at": "2026-01-01T00:00:00Z", "text": HOSTILE[0] + "W" * 200, "survey": survey}
    live.session.post(f"{live.url}/api/pins", json=pin, timeout=10).raise_for_status()
    return survey


@pytest.fixture(scope="module")
def ann(live):
    """A member who administers, and whose own work all those answers are about."""
    return live.member(agent="a1")


@pytest.fixture(scope="module")
def acted_on(live, filled):
    """The pages of three follow-ups, a rule, a goal, and a topic that is shipped: what came of it, and whom to tell;
    what telling does.
    """
    survey = filled

    def call(method, path, **body):
        reply = live.session.request(method, f"{live.url}/api/{path}", json=body or None, timeout=10)
        reply.raise_for_status()
        return reply.json()

    # Beside it others, one of them of another metric: the page of a topic asks then which survey is meant.
    for metric in (*["nps"] * 12, "csat"):
        live.survey(metric)
    today = datetime.now(UTC).date()
    days = {"start": today.isoformat(), "due": (today + timedelta(days=90)).isoformat()}
    goal = call("POST", "goals", name=HOSTILE[0], survey=survey, target=50, **days)["id"]
    topic = call("POST", "topics", label=HOSTILE[0])["id"]
    for each in answers(live, survey):
        call("PATCH", f"responses/{each}", topics=[topic])
    call("PATCH", f"topics/{topic}", status="shipped", note={"en": HOSTILE[1]})
    cases = [call("POST", "follow-ups", response=each)["id"] for each in answers(live, survey)[1:4]]
    low = {"kind": "score", "at_or_below": 9}
    to = [{"kind": "mail", "address": "team@acme.example"}]
    rule = call("POST", "rules", name=HOSTILE[0], when=low, filters={"survey": survey}, to=to)["id"]
    return [
        *(f"/team/follow-ups/{case}" for case in cases),
        f"/team/notices/{rule}",
        *(f"/team/goals/{goal}", f"/team/topics/{topic}?came=1", f"/team/loop?topic={topic}"),
        *("/team/loop/effect", "/team/lost/survival"),
    ]


def answers(live, survey):
    return [item["id"] for item in live.answers(survey)]


#: What reaches beyond the page, where the page can be moved sideways.
RUNS_OUT = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
[...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth)
.map((each) => `${each.tagName} ${each.className} ${each.textContent.slice(0, 40)}`)"""


def running_out(page):
    """What reaches beyond the page once it stands: it may be laid out once more after it is loaded."""
    for _ in range(20):
        if not (found := page.evaluate(RUNS_OUT)):
            break
        page.wait_for_timeout(100)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("width", "scheme", "every"),
    [
        (320, "dark", 4),
        pytest.param(320, "dark", 1, marks=pytest.mark.prove),
        pytest.param(1280, "light", 1, marks=pytest.mark.prove),
    ],
)
def test_nothing_that_anybody_wrote_breaks_a_page(browse, live, filled, acted_on, ann, width, scheme, every):
    """Axe takes a second: it sees one page in `every`, and all of them when time does not matter."""
    page = browse(**ann, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.add_init_script(WATCH)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    addresses = [each.address for each in PAGES if each.is_plain and each.scope and each.nav]
    assert {"/team", "/team/feed", "/team/mine"} <= set(addresses)
    addresses += acted_on
    addresses += [f"/team/feed?survey={filled}", "/team/feed?q=unsaid", "/team/nowhere"]
    addresses += [f"/team/feed/{which}?survey={filled}" for which in answers(live, filled)]
    for at, address in enumerate(addresses):
        reply = page.goto(live.url + address)
        assert reply.status == (404 if "nowhere" in address else 200), address
        # Chromium says in its console that a page is a 404, which this one is to be.
        page.complaints[:] = [line for line in page.complaints if "404" not in line]
        assert running_out(page) == [], (address, "runs out of the page")
        assert page.evaluate("window.hacked") is None, address
        assert page.evaluate("window.shifts") == [], address
        # Of answers axe sees two; each looks alike.
        if at % every == 0 and at < len(addresses) - len(HOSTILE) - 1:
            found = Axe().run(page, options=AXE_WITHOUT_FRAMES)
            assert found.violations_count == 0, (address, found.generate_report())


def test_the_first_page_is_small_and_asks_nobody_else(browse, live, filled, ann):
    page, asked = browse(**ann), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live.url}/team")
    page.wait_for_load_state("networkidle")
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {
        urlsplit(live.url).netloc
    }
    assert len(asked) <= 6


def test_without_scripts_every_answer_can_be_dealt_with(browse, live, filled, ann):
    page = browse(**ann, java_script_enabled=False)
    page.goto(f"{live.url}/team/feed?survey={filled}")
    page.locator(".list li > a").first.click()
    first = page.url
    page.locator("#answer").get_by_role("button", name="Done").click()
    expect(page.get_by_role("status")).to_have_text("Done.")
    assert page.url.partition("?")[0] != first.partition("?")[0]
    page.goto(f"{live.url}/team/feed?survey={filled}&triage=done")
    expect(page.locator(".list li")).to_have_count(1)
    page.locator(".list input[type=checkbox]").check()
    page.locator(".bulk").get_by_role("button", name="Unread").click()
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    page.get_by_role("link", name="All", exact=True).click()
    expect(page).to_have_url(re.compile("survey="))


def test_what_is_tried_out_of_a_survey_stays_in_view_and_loses_nothing_typed(browse, live, filled, ann):
    page = browse(**ann, viewport={"width": 1280, "height": 800})
    page.goto(f"{live.url}/team/surveys/{filled}")
    page.locator("summary", has_text="Words").click()
    subject = page.get_by_label("Subject of the mail")
    subject.fill("How did it go?")
    subject.scroll_into_view_if_needed()
    page.get_by_role("button", name="Mail", exact=True).click()
    tried = page.frame_locator("iframe[name=preview]").get_by_text("How did it go?")
    expect(tried).to_be_in_viewport()
    expect(subject).to_be_in_viewport()
    expect(subject).to_have_value("How did it go?")
    expect(page.get_by_role("button", name="Mail", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("iframe[name=preview]")).to_have_attribute("title", "Mail")
    # What is typed from now on is seen where the mail is.
    subject.fill("Did it go well?")
    expect(page.frame_locator("iframe[name=preview]").get_by_text("Did it go well?")).to_be_in_viewport()


def test_keys_work_in_the_list_alone(browse, live, filled, ann):
    """WCAG 2.1.4: a single letter does nothing unless the list has the focus."""
    page = browse(**ann)
    page.goto(f"{live.url}/team/feed?survey={filled}")
    page.keyboard.press("e")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_hidden()
    page.locator(".list li > a").first.click()
    expect(page.locator("#answer .comment")).to_be_visible()
    heading = page.title()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".list [aria-current]")).to_be_focused()
    second = page.locator(".list li").nth(2).locator("a").get_attribute("href")
    expect(page).to_have_url(live.url + second)
    expect(page.locator("#answer .comment")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_have_text("Archived.")
    expect(page.locator(".list [aria-current]")).to_be_focused()
    assert heading


def test_the_way_past_the_navigation_is_the_first_stop(browse, live, ann):
    page = browse(**ann)
    page.goto(f"{live.url}/team")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


PICTURES = ROOT / "docs" / "images"

#: Pictures of the README and of docs/team.md: the page, the screen and its colours.
DRAWN = {
    "team-overview.png": ("/team", {"width": 1200, "height": 760}, "light"),
    "team-phone.png": ("/team", {"width": 600, "height": 760}, "light"),
    "team-tags.png": ("/team/tags", {"width": 1200, "height": 760}, "light"),
    "team-feed.png": (
        "/team/feed?sentiment=negative&language=en&channel=email",
        {"width": 1200, "height": 760},
        "dark",
    ),
    "team-topic.png": (
        "/team/topics/{topic}?survey={Relationship}",
        {"width": 1200, "height": 760},
        "light",
    ),
    "team-theme.png": (
        "/team/themes/{theme}?survey={Relationship}",
        {"width": 1200, "height": 900},
        "light",
    ),
    "team-explore.png": (
        "/team/explore?survey={Support}&by=agent&across=theme",
        {"width": 1200, "height": 760},
        "light",
    ),
    "team-survey.png": ("/team/surveys/{Support}", {"width": 1200, "height": 760}, "light"),
}


@pytest.mark.timeout(900)
def test_pictures_of_the_team_for_the_readme_are_there(browse, tmp_path):
    """`make pictures` draws them anew, of the demo's year."""
    if os.environ.get("EARSHOT_PICTURES"):
        draw(browse, tmp_path)
    for name in DRAWN:
        assert (PICTURES / name).read_bytes().startswith(b"\x89PNG")


def draw(browse, directory):
    environment = {"DATA_DIR": str(directory), "ADMIN_KEY": ADMIN_KEY}
    filled = servers.run_once(environment, "demo", patience=600)
    assert filled.returncode == 0, filled.stdout
    with running(directory) as live:
        dress(live)
        shoot(browse, live)


def shoot(browse, live):
    signed_in = live.member()
    known = {each["name"]: each["id"] for each in live.surveys()}
    for kind in ("topic", "theme"):
        found = live.session.get(f"{live.url}/api/{kind}s?survey={known['Relationship']}&limit=2")
        known[kind] = found.json()["items"][-1]["id"]
    for name, (address, size, scheme) in DRAWN.items():
        page = browse(**signed_in, viewport=size, color_scheme=scheme)
        page.goto(live.url + address.format(**known))
        if "feed" in address:
            # Of those in sight the one with most to say.
            seen = page.locator(".list li > a")
            words = seen.all_inner_texts()[:5]
            seen.nth(words.index(max(words, key=len))).click()
            expect(page.locator("#answer mark").first).to_be_visible()
        page.screenshot(path=PICTURES / name)


def dress(live):
    """Wait until the demo's comments are read and placed; then what a team notes for itself."""

    def call(method, path, **body):
        reply = live.session.request(method, live.url + path, json=body or None, timeout=60)
        reply.raise_for_status()
        return reply.json()

    end = time.monotonic() + 600
    while (
        not (found := call("GET", "/api/topics"))["items"]
        or found["review"]["state"] != "done"
        or found["unplaced"]["reasons"]["unread"]
    ):
        assert time.monotonic() < end, found["review"]
        time.sleep(1)
    surveys = live.surveys()
    today = datetime.now(UTC)
    for day, kind, text in (
        ("03-09", "incident", "Move to another warehouse"),
        ("05-05", "change", "Second shift in the warehouse"),
    ):
        year = today.year - (day > f"{today:%m-%d}")
        call("POST", "/api/pins", at=f"{year}-{day}T09:00:00Z", kind=kind, text=text)
    for survey in surveys:
        index = {"do": "compare", "survey": survey["id"], "text": "Retail, national index 2026"}
        index["value"] = "20" if survey["metric"] == "nps" else "72"
        reply = live.session.post(f"{live.url}/team", data=index, allow_redirects=False, timeout=60)
        assert reply.status_code == 303, reply.text
    call("PUT", "/api/tags", items=[dict(each) for each in SUGGESTED])
    support = next(survey["id"] for survey in surveys if survey["name"] == "Support")
    answers = call("GET", f"/api/feed?survey={support}&has_comment=1&limit=200")["items"]
    for at, item in enumerate(answers):
        tag = SUGGESTED[0 if item["group"] == "satisfied" else 1 + at % 2]["tag"]
        if at % 5 == 0:
            call("PATCH", f"/api/responses/{item['id']}", tags=[*item["tags"], tag])
