"""The page behind a mail's links in a real browser: no script counts a vote, the first act that can mean one does."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser import machines, mailed
from tests.browser.live import AXE
from tests.browser.people import TOUCH
from tests.conftest import FLAGS
from tests.servers import chromium_path

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


def posts(page):
    """What the page sends, as it does so."""
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def settle(page):
    """Wait until all that was begun on the page has been sent, for requests leave in their order."""
    page.evaluate("() => new Promise(done => setTimeout(done)).then(() => fetch('/healthz'))")


#: Pages behind the links of one invitation: with a score to confirm, without one, and one that asks again.
PAGES = {
    "the link of a score": lambda page, urls: page.goto(urls["9"]),
    "the link without a score": lambda page, urls: page.goto(urls["9"].partition("?")[0]),
    "a form that was sent empty": lambda page, urls: (
        page.goto(urls["9"].partition("?")[0]),
        send(page, "form.submit()"),
    ),
}


def send(page, script):
    """Run a script that makes the browser send the form; the answer's status."""
    with page.expect_response(lambda reply: reply.request.method == "POST") as sent:
        if "fetch" in script:
            machines.run(page, script)
        else:
            with page.expect_navigation():
                machines.run(page, script)
    return sent.value.status


@pytest.mark.parametrize("where", PAGES)
def test_no_script_counts_a_vote_and_a_person_after_it_does(live, browse, invited, where):
    survey, urls = invited
    page = browse()
    sent, voted = posts(page), []
    for name, script in machines.PRESSING.items():
        PAGES[where](page, urls)
        sent.clear()
        machines.run(page, script)
        settle(page)
        if sent:
            voted.append(name)
    for name, script in machines.SENDING.items():
        PAGES[where](page, urls)
        # One that holds no score at all is sent again below.
        machines.run(page, "(document.querySelector('[value=\"9\"]') || {}).checked = true")
        if send(page, script) != 422:
            voted.append(name)
    assert voted == []
    assert live.answers(survey) == []
    PAGES[where](page, urls)
    score(page, 9).click()
    live.answer(survey, score=9, channel="email", flags=[])
    page.complaints.clear()


def test_what_a_script_sends_is_asked_of_a_person(live, browse, invited):
    survey, urls = invited
    page = browse()
    page.goto(urls["9"])
    send(page, "form.submit()")
    expect(score(page, 9)).to_be_checked()
    assert live.answers(survey) == []
    page.get_by_role("button", name="Confirm my answer").click()
    live.answer(survey, score=9, channel="email", flags=[])
    page.complaints.clear()


def test_no_script_changes_what_a_person_said(live, browse, invited):
    survey, urls = invited
    page = browse()
    page.goto(urls["9"])
    page.get_by_role("button", name="Confirm my answer").click()
    live.answer(survey, score=9)
    for script in machines.PRESSING.values():
        page.goto(urls["3"])
        machines.run(page, script)
        settle(page)
    page.goto(urls["3"])
    send(page, "form.submit()")
    live.answer(survey, score=9)
    page.complaints.clear()


def scrolled_by_touch(page):
    """A finger moves up the page."""
    devtools = page.context.new_cdp_session(page)
    points = [{"x": 200, "y": y} for y in range(700, 200, -50)]
    for kind, at in [
        ("touchStart", points[:1]),
        *(("touchMove", [each]) for each in points),
        ("touchEnd", []),
    ]:
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


def marked(page):
    """A pointer goes over the question with its button down, and marks it."""
    box = page.get_by_role("heading").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 10, steps=4)
    page.mouse.up()


def pressed(*keys):
    return lambda page: [page.keyboard.press(key) for key in keys]


#: What people do on the way to an answer, or away from one.
ON_THE_WAY = {
    **{
        key: pressed(key)
        for key in ("Shift", "Control", "Alt", "Meta", "CapsLock", "Escape", "Tab", "Shift+Tab")
    },
    **{key: pressed(key) for key in ("PageDown", "PageUp", "Home", "End", "F1", "F6", "F12", "ContextMenu")},
    **{
        key: pressed(key)
        for key in ("ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Space", "Shift+Space")
    },
    **{key: pressed(key) for key in ("Control+c", "Control+a", "Meta+c", "Alt+f", "Delete", "Backspace")},
    "the focus on every control": pressed(*["Tab"] * 6),
    "a reload": lambda page: page.reload(),
    "a right click": lambda page: page.mouse.click(5, 5, button="right"),
    "a right click on the button": lambda page: page.locator("#confirm button").click(button="right"),
    "a middle click": lambda page: page.mouse.click(5, 5, button="middle"),
    "a middle click on the chosen score": lambda page: score(page, 9).click(button="middle"),
    "the wheel": lambda page: (page.mouse.move(300, 300), page.mouse.wheel(0, 200)),
    "a pointer passing": lambda page: page.mouse.move(300, 300, steps=5),
    "the question marked": marked,
}


def test_nothing_done_on_the_way_counts_a_vote(live, browse, invited):
    survey, urls = invited
    # So low that there is something to scroll.
    page = browse(viewport={"width": 800, "height": 300})
    sent, voted = posts(page), []
    for name, act in ON_THE_WAY.items():
        page.goto(urls["9"])
        sent.clear()
        act(page)
        settle(page)
        if sent:
            voted.append(name)
    assert voted == []
    assert live.answers(survey) == []


def test_the_scroll_bar_counts_no_vote(live, chromium, invited):
    survey, urls = invited
    # The other tests' browser has none.
    browser = chromium.browser_type.launch(
        executable_path=chromium_path(), args=FLAGS, ignore_default_args=["--hide-scrollbars"]
    )
    page = browser.new_page(viewport={"width": 800, "height": 300})
    sent = posts(page)
    page.goto(urls["9"])
    # The bar is there once the page is laid out.
    while page.evaluate("() => document.scrollingElement.scrollTop") == 0:
        page.mouse.click(796, 250)
        page.wait_for_timeout(50)
    settle(page)
    browser.close()
    assert sent == []
    assert live.answers(survey) == []


def test_a_finger_that_scrolls_counts_no_vote(live, browse, invited):
    survey, urls = invited
    page = browse(**TOUCH | {"viewport": {"width": 390, "height": 400}})
    sent = posts(page)
    page.goto(urls["9"])
    scrolled_by_touch(page)
    page.wait_for_function("() => document.scrollingElement.scrollTop > 0")
    settle(page)
    assert sent == []
    assert live.answers(survey) == []


CONFIRM = "#confirm button"

#: What a person means by an answer, with the browser they have.
ACTS = {
    "the button": (lambda page: page.locator(CONFIRM).click(), {}),
    "the button by Enter": (lambda page: page.locator(CONFIRM).press("Enter"), {}),
    "the button by Space": (lambda page: page.locator(CONFIRM).press("Space"), {}),
    "the button by a finger": (lambda page: page.locator(CONFIRM).tap(), TOUCH),
    "a click anywhere": (lambda page: page.mouse.click(5, 5), {}),
    "a click on the question": (lambda page: page.get_by_role("heading").click(), {}),
    "a tap anywhere": (lambda page: page.touchscreen.tap(5, 5), TOUCH),
    "a letter": (pressed("a"), {}),
    "Enter": (pressed("Enter"), {}),
    "Space where nothing scrolls": (pressed("Space"), {}),
    "the chosen score": (lambda page: score(page, 9).click(), {}),
    "the chosen score by Space": (lambda page: score(page, 9).press("Space"), {}),
    "the chosen score by Enter": (lambda page: score(page, 9).press("Enter"), {}),
    "the chosen score by a finger": (lambda page: score(page, 9).tap(), TOUCH),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_persons_act_counts_the_score_of_the_link(live, browse, invited, act):
    survey, urls = invited
    do, browser = ACTS[act]
    page = browse(**browser)
    page.goto(urls["9"])
    expect(score(page, 9)).to_be_checked()
    do(page)
    expect(page.get_by_role("status")).to_have_text("Your answer has been saved.")
    live.answer(survey, score=9, channel="email", flags=[])
    page.get_by_label("What did you like most?").fill("Quick")
    page.get_by_role("button", name="Send").click()
    live.answer(survey, score=9, comment="Quick")


@pytest.mark.parametrize("act", ["a click anywhere", "a tap anywhere", "the button"])
def test_after_the_first_act_the_button_is_gone_and_the_page_reads_as_finished(browse, invited, act):
    do, browser = ACTS[act]
    page = browse(**browser)
    page.goto(invited[1]["9"])
    expect(page.locator("#kept")).to_have_text("")
    do(page)
    expect(page.get_by_role("status")).to_have_text("Your answer has been saved.")
    expect(page.locator(CONFIRM)).to_be_hidden()
    expect(page.locator("#finished")).to_have_text("Thank you! We are very pleased to hear that.")
    expect(page.get_by_label("What did you like most? (optional)")).to_be_visible()
    page.goto(invited[1]["9"])
    expect(page.get_by_role("status")).to_have_text("Your answer has been saved.")
    expect(page.locator("#finished")).to_be_visible()


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


def test_what_waits_is_shown_by_the_same_link_in_another_tab(live, browse, invited):
    survey, urls = invited
    page = browse()
    page.context.route("**/r", lambda route: route.fulfill(status=503))
    page.goto(urls["9"])
    page.locator(CONFIRM).click()
    page.get_by_label("What did you like most?").fill("Quick")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_have_text("We keep your answer and send it later.")
    page.close()
    other = page.context.new_page()
    other.goto(urls["9"])
    expect(other.get_by_role("status")).to_have_text("We keep your answer and send it later.")
    expect(other.locator(CONFIRM)).to_be_hidden()
    expect(other.get_by_label("What did you like most?")).to_have_value("Quick")
    other.context.unroute("**/r")
    other.evaluate("window.dispatchEvent(new Event('online'))")
    expect(other.locator("#done")).to_be_visible()
    live.answer(survey, score=9, comment="Quick")
    page.complaints.clear()


def test_the_link_of_another_score_still_wants_confirming_while_one_waits(live, browse, invited):
    survey, urls = invited
    page = browse()
    page.context.route("**/r", lambda route: route.fulfill(status=503))
    page.goto(urls["9"])
    page.locator(CONFIRM).click()
    expect(page.get_by_role("status")).to_have_text("We keep your answer and send it later.")
    page.goto(urls["2"])
    expect(score(page, 2)).to_be_checked()
    page.context.unroute("**/r")
    page.reload()
    live.answer(survey, score=9)
    page.get_by_role("heading").click()
    expect(page.get_by_role("status")).to_have_text("Your answer has been saved.")
    live.answer(survey, score=2)
    page.complaints.clear()


@pytest.fixture
def mail(live):
    """A real mail, with the links that an invitation of the API does not have."""
    [mail] = mailed.invite(live, [(live.survey(), "en")])
    return mail


def unsubscribed(live, mail):
    address = f"p0-{mail.survey}@customer.example"
    found = live.session.get(f"{live.url}/api/people", params={"email": address}, timeout=10)
    return found.json()["items"][0]["unsubscribed_at"]


def test_no_script_unsubscribes_anybody_and_a_click_does(live, browse, mail):
    [link] = [link for link in mail.links if "/u/" in link]
    page = browse()
    sent = posts(page)
    for script in PLAIN_PRESSING:
        page.goto(link)
        machines.run(page, script)
        settle(page)
    assert sent == []
    for script in machines.SENDING.values():
        page.goto(link)
        send(page, script)
    page.goto(link)
    page.keyboard.press("Tab")
    page.keyboard.press("Shift")
    assert unsubscribed(live, mail) is None
    page.get_by_role("button").first.click()
    expect(page.get_by_role("heading", name="You have been unsubscribed")).to_be_visible()
    assert unsubscribed(live, mail)
    page.complaints.clear()


#: Those of the scripts that need nothing of a page but forms.
PLAIN_PRESSING = [script for script in machines.PRESSING.values() if "getElementById" not in script]


def test_no_script_deletes_an_answer_and_a_click_does(live, browse, mail):
    [link] = [link for link in mail.links if "/me/" in link]
    page = browse()
    page.goto(mail.scores[9])
    page.locator(CONFIRM).click()
    live.answer(mail.survey, score=9)
    sent = posts(page)
    for script in PLAIN_PRESSING:
        page.goto(link)
        sent.clear()
        machines.run(page, script)
        settle(page)
        assert sent == []
    for script in machines.SENDING.values():
        page.goto(link)
        send(page, script.replace("form.", "document.forms[1].").replace("(form)", "(document.forms[1])"))
    live.answer(mail.survey, score=9)
    page.goto(link)
    page.locator("summary", has_text="Delete").click()
    page.locator("details[open] button").click()
    expect(page.get_by_role("status")).to_have_text("Your answer has been deleted.")
    assert live.answers(mail.survey) == []
    page.complaints.clear()


@pytest.mark.parametrize("metric", ["nps", "stars"])
@pytest.mark.parametrize("width", [320, 1280])
def test_what_a_link_has_chosen_looks_open_until_it_counts_and_then_moves_nothing(
    live, browse, metric, width
):
    [mail] = mailed.invite(live, [(live.survey(metric), "en")])
    page = browse(viewport={"width": width, "height": 800})
    page.goto(mail.scores[4])
    key = page.locator("input[value='4']")
    look = "e => { const s = getComputedStyle(e); return [s.backgroundColor, s.borderTopStyle] }"
    assert key.evaluate(look)[1] == "dashed"
    first = page.locator("#ask .row input").first.evaluate(look)[0]
    place = key.bounding_box()
    hint = page.get_by_text("so that it counts").bounding_box()
    assert hint["y"] + hint["height"] < page.locator(CONFIRM).bounding_box()["y"] < place["y"]
    page.mouse.click(2, 2)
    expect(page.get_by_role("status")).to_have_text("Your answer has been saved.")
    said = page.locator("#finished").bounding_box()
    assert said["y"] < place["y"]
    assert key.bounding_box() == place
    expect(key).to_have_css("border-top-style", "solid")
    expect(key).not_to_have_css("background-color", first)


#: Where a mark's middle is, where its words' first line has its middle, and where each line begins.
LINES = """span => {
  const mark = getComputedStyle(span, '::before'), box = span.getBoundingClientRect(), range = new Range()
  range.selectNodeContents(span)
  const lines = [...range.getClientRects()]
  return {
    mark: box.top + parseFloat(getComputedStyle(span).paddingTop) +
      parseFloat(mark.marginTop) + parseFloat(mark.height) / 2,
    words: lines[0].top + lines[0].height / 2,
    starts: lines.map(line => line.left),
  }
}"""


def test_marks_stand_beside_their_words_and_a_choice_is_no_button(live, browse):
    [mail] = mailed.invite(live, [(live.survey(ask_contact=True), "en")])
    page = browse(viewport={"width": 320, "height": 800})
    page.goto(mail.scores[9])
    page.locator(CONFIRM).click()
    live.answer(mail.survey, score=9)
    page.goto(next(link for link in mail.links if "/me/" in link))
    found = page.locator(".list:not(.words) span").evaluate_all(f"spans => spans.map({LINES})")
    assert max(len(each["starts"]) for each in found) > 1
    for each in found:
        assert abs(each["mark"] - each["words"]) < 1.5, each
        assert len(set(each["starts"])) == 1, each
    paint = "e => getComputedStyle(e).backgroundColor"
    chosen, other = (
        page.locator(f"[name=frequency]{which}").first for which in (":checked", ":not(:checked)")
    )
    assert chosen.evaluate(paint) == other.evaluate(paint)
    # Each button to save stands in the group of what it saves, and both look alike.
    saves = page.get_by_role("group").get_by_role("button", name="Save")
    assert len(set(saves.evaluate_all(f"all => all.map({paint})"))) == 1
    delete, change = (page.locator("summary", has_text=name) for name in ("Delete", "Change"))
    ink = "e => getComputedStyle(e).color"
    assert delete.evaluate(ink) != change.evaluate(ink)


def test_a_long_address_breaks_between_its_parts_and_begins_where_the_page_does(live, browse):
    [mail] = mailed.invite(live, [(live.survey(languages=["ar"]), "ar")])
    page = browse(viewport={"width": 360, "height": 800})
    for kind in ("u", "me"):
        page.goto(next(link for link in mail.links if f"/{kind}/" in link))
        parts = page.locator("bdi .whole")
        boxes = [part.bounding_box() for part in parts.all()]
        assert "".join(parts.all_inner_texts()) == f"p0-{mail.survey}@customer.example"
        assert {box["height"] for box in boxes} == {boxes[0]["height"]}
        assert len({box["y"] for box in boxes}) > 1
        card = page.locator("main").bounding_box()
        for y in {box["y"] for box in boxes}:
            ends = max(box["x"] + box["width"] for box in boxes if box["y"] == y)
            assert abs(ends - card["x"] - card["width"]) < 1
