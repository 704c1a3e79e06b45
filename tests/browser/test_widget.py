"""The widget in a real browser: a visitor answers, by any means, on any page, and the answer arrives once."""

import json
from datetime import datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect

from tests.browser.widget_config import choices, csat, nps, standard
from tests.conftest import FLAGS
from tests.servers import ROOT, chromium_path
from tests.surveys.domain.test_pictures import png

pytestmark = pytest.mark.browser

AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def until(page, condition):
    """Wait until `condition()` holds, letting the browser and the servers run."""
    for _ in range(500):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it did not happen")


def until_rule(page, rule):
    """Wait until the widget says that `rule` decided."""
    until(page, lambda: page.evaluate("() => window.earshot.surveys && earshot('explain').rule") == rule)


def stored(page):
    return page.evaluate("() => ({...localStorage, ...sessionStorage})")


def leave_unsent(page, site, id, hours, service=None):
    """Put an answer into the browser as a page some hours ago would have left it."""
    page.evaluate(
        """([id, service, hours]) => localStorage.setItem(
            'earshot-answer:' + id,
            [service, Date.now() - hours * 36e5, JSON.stringify({ id, revision: 1 })].join('\\n'))""",
        [id, service or site.service, hours],
    )


def answer_key(page):
    return [key for key in stored(page) if key.startswith("earshot-answer:")]


def test_a_score_is_saved_on_the_first_tap(site, page, visitor):
    page.goto(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="9").click()
    until(page, lambda: site.kept)
    [answer] = site.kept.values()
    assert (answer["score"], answer["revision"], answer["survey"]) == (9, 1, "sv_nps")
    assert (answer["channel"], answer["language"], answer["page"]) == ("widget", "en", site.url + "/")
    assert len(set(answer["edit_key"].split("-"))) > 8, "two UUIDs: one alone is short of 128 random bits"
    assert len(answer["edit_key"]) <= 128
    expect(page.get_by_role("radio", name="9")).to_be_checked()
    assert visitor.complaints == []


def test_the_comment_follows_with_a_higher_revision_and_thanks_end_it(site, page):
    page.goto(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="3").click()
    page.get_by_label("What could we have done better?").fill("The <b>checkout</b> & 'price' 😀")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you for your honest answer.")).to_be_visible()
    until(page, lambda: any(answer.get("final") for answer in site.kept.values()))
    [answer] = site.kept.values()
    assert (answer["comment"], answer["revision"]) == ("The <b>checkout</b> & 'price' 😀", 2)
    assert 0 <= answer["seconds"] < 60


def test_another_tap_changes_the_score_and_the_question(site, page):
    page.goto(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="2").click()
    expect(page.get_by_label("What could we have done better?")).to_be_visible()
    page.get_by_role("radio", name="10").click()
    expect(page.get_by_label("What did you like most?")).to_be_visible()
    until(page, lambda: len(site.sent("/r")) == 2)
    [answer] = site.kept.values()
    assert (answer["score"], answer["revision"]) == (10, 2)


def test_the_keyboard_alone_is_enough_and_moving_is_not_choosing(site, page):
    page.goto(site.add(nps(endpoint=site.service), calls="earshot('open')"))
    expect(page.get_by_role("radio", name="0, Not at all likely")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("radio", name="3")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="10, Extremely likely")).to_be_focused()
    assert site.sent("/r") == []
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_label("What did you like most?")).to_be_focused()
    page.keyboard.type("Quick")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("We are very pleased")).to_be_focused()
    until(page, lambda: len(site.sent("/r")) == 2)
    assert [answer["comment"] for answer in site.kept.values()] == ["Quick"]


def test_the_accessibility_tree_says_what_the_eye_sees(site, page):
    page.goto(site.add(csat(endpoint=site.service)))
    page.get_by_role("radio", name="Very satisfied").click()
    expect(page.get_by_role("dialog")).to_match_aria_snapshot("""
      - dialog "How satisfied are you with Acme?":
        - paragraph: How satisfied are you with Acme?
        - radiogroup "How satisfied are you with Acme?":
          - radio "Very dissatisfied"
          - radio "Dissatisfied"
          - radio "Neither satisfied nor dissatisfied"
          - radio "Satisfied"
          - radio "Very satisfied" [checked]
        - status:
          - paragraph: Your answer has been saved.
          - text: What did you like most?
        - textbox "What did you like most?"
        - button "Send"
        - button "Close"
    """)


@pytest.mark.parametrize(("share", "rule"), [(0, "sampling"), (1, "shown")])
def test_an_unknown_visitor_is_drawn_by_the_surveys_share(site, page, share, rule):
    page.goto(site.add(nps(endpoint=site.service) | {"sampling": share}))
    until_rule(page, rule)


def test_chosen_and_focused_show_in_forced_colours(site, page):
    page.emulate_media(forced_colors="active")
    page.goto(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="9").click()
    chosen, other = (page.get_by_role("radio", name=name) for name in ("9", "8"))
    background = "button => getComputedStyle(button).backgroundColor"
    assert chosen.evaluate(background) != other.evaluate(background)


def test_escape_closes_and_gives_the_focus_back(site, page):
    page.goto(site.add(nps(endpoint=site.service, show_after_seconds=None)))
    page.wait_for_function("window.earshot.surveys")
    page.locator("#host").focus()
    page.evaluate("earshot('open')")
    expect(page.get_by_role("radio", name="0, Not")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#host")).to_be_focused()
    # The two are sent at once, and the network may swap them; the service takes them in any order.
    until(page, lambda: {post.body["event"] for post in site.sent("/event")} == {"shown", "dismissed"})
    assert len(site.sent("/event")) == 2


def test_a_popover_that_comes_by_itself_takes_no_focus(site, page):
    page.goto(site.add(nps(endpoint=site.service, show_after_seconds=None)))
    page.wait_for_function("window.earshot.surveys")
    page.locator("#host").focus()
    page.evaluate("earshot('ask')")
    expect(page.get_by_role("dialog", name="How likely are you")).to_be_visible()
    expect(page.locator("#host")).to_be_focused()


def test_keys_pressed_in_the_panel_are_not_the_pages_shortcuts(site, page):
    page.goto(site.add(nps(endpoint=site.service)))
    page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)) }")
    page.get_by_role("radio", name="8").click()
    page.get_by_role("textbox").press_sequentially("s")
    assert page.evaluate("heard") == []


#: A color of a brand, one of which nothing is seen on white, and one of which nothing is seen on black.
COLORS = ["#2f5bea", "#ffee33", "#101010"]


@pytest.mark.parametrize(
    ("survey", "color"),
    [
        pytest.param(survey, color, marks=[pytest.mark.prove] * (number != place))
        for number, survey in enumerate([nps, csat, choices])
        for place, color in enumerate(COLORS)
    ],
)
def test_axe_finds_nothing_at_any_step(site, page, survey, color):
    page.goto(site.add(survey(endpoint=site.service, color=color)))
    for step in ["", "radio", "button"]:
        if step == "radio":
            page.get_by_role("radiogroup").first.get_by_role("radio").first.click()
        if step == "button":
            page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        for width, scheme in [(320, "light"), (1280, "dark")]:
            page.set_viewport_size({"width": width, "height": 700})
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=AXE)
            assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(
    ("many", "role", "kept"), [(True, "checkbox", ["price", "speed"]), (False, "radio", "speed")]
)
def test_choices_are_kept_under_one_name_in_every_language(site, page, many, role, kept):
    page.goto(site.add(choices("de", endpoint=site.service) | {"many": many}))
    page.get_by_role("radio", name="2", exact=True).click()
    offered = page.get_by_role("group" if many else "radiogroup", name="Was hätten wir besser machen können?")
    for name in ("Preis", "Tempo"):
        offered.get_by_role(role, name=name).check()
    page.get_by_role("button", name="Senden").click()
    until(page, lambda: any(answer.get("final") for answer in site.kept.values()))
    [answer] = site.kept.values()
    assert answer["answers"] == {"follow_up": kept}
    assert "comment" not in answer


@pytest.mark.parametrize(
    ("survey", "ticked", "kept"),
    [(nps, ["news"], "news"), (choices, [], None), (choices, ["reply", "news"], "both")],
)
def test_whether_we_may_write_is_asked_and_never_ticked_before(site, page, survey, ticked, kept):
    config = survey(endpoint=site.service)
    config["texts"]["contact"] = ("May we write?", "You may reply", "Send me news")
    page.goto(site.add(config))
    page.get_by_role("radio", name="2", exact=True).click()
    boxes = page.get_by_role("group", name="May we write?").get_by_role("checkbox")
    assert [box.is_checked() for box in boxes.all()] == [False, False]
    assert Axe().run(page, options=AXE).violations_count == 0
    for name in ticked:
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="Send").click()
    until(page, lambda: any(answer.get("final") for answer in site.kept.values()))
    [answer] = site.kept.values()
    assert answer["contact"] == kept


def test_a_group_without_choices_is_asked_for_words(site, page):
    page.goto(site.add(choices(endpoint=site.service)))
    page.get_by_role("radio", name="9").click()
    page.get_by_role("textbox", name="What did you like most?").fill("All of it")
    page.get_by_role("button", name="Send").click()
    until(page, lambda: [answer.get("comment") for answer in site.kept.values()] == ["All of it"])


def test_an_answer_goes_on_on_the_next_page_and_only_in_this_tab(site, page, visitor):
    address = site.add(nps(endpoint=site.service))
    page.goto(address)
    page.get_by_role("radio", name="3").click()
    page.get_by_role("textbox").fill("Half a tho")
    page.reload()
    expect(page.get_by_role("radio", name="3")).to_be_checked()
    expect(page.get_by_role("textbox")).to_have_value("Half a tho")
    other = visitor.new_page()
    other.goto(address)
    until_rule(other, "answered")
    page.get_by_role("textbox").fill("A whole thought")
    page.get_by_role("button", name="Send").click()
    until(page, lambda: [a.get("comment") for a in site.kept.values()] == ["A whole thought"])
    page.reload()
    until_rule(page, "answered")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_tab_closed_while_sending_loses_nothing_and_counts_once(site, page, visitor):
    address = site.add(nps(endpoint=site.service))
    page.goto(address)
    page.get_by_role("radio", name="4").click()
    page.close()
    other = visitor.new_page()
    other.goto(address)
    until(other, lambda: site.kept and not answer_key(other))
    assert [answer["score"] for answer in site.kept.values()] == [4]


def test_nothing_but_the_loader_comes_where_there_is_nothing_to_ask(site, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(site.service)))
    page.goto(site.add(nps(endpoint=site.service, pages=["/elsewhere"])))
    until_rule(page, "page")
    page.wait_for_load_state("networkidle")
    assert [path for path in asked if path.startswith("/w/")] == ["/w/sv_nps.js"]


def test_a_loader_older_than_the_survey_gets_the_latest_panel(site, page):
    old = nps(endpoint=site.service)
    address = site.add(old)
    loader = site.scripts["/w/sv_nps.js"]
    site.publish(old | {"texts": {**old["texts"], "question": "How was it today?"}})
    site.scripts["/w/sv_nps.js"] = loader
    page.goto(address)
    expect(page.get_by_role("dialog", name="How was it today?")).to_be_visible()


PLACES = (
    "keys => keys.map(key => key.getBoundingClientRect()).map(box => [box.x, box.y, box.width, box.height])"
)


@pytest.mark.parametrize(
    ("metric", "chosen", "lit"),
    [("csat", "Satisfied", 1), ("smileys", "Happy", 1), ("stars", "4, Good", 4), ("thumbs", "Yes", 1)],
)
def test_what_people_know_is_drawn_in_one_row_with_a_name_for_each_key(site, page, metric, chosen, lit):
    page.set_viewport_size({"width": 320, "height": 700})
    config = standard(metric, "en") | {"endpoint": site.service}
    config["widget"] = {"show_after_seconds": 0}
    page.goto(site.add(config))
    keys = page.get_by_role("radio")
    page.get_by_role("radio", name=chosen, exact=True).locator("path").click()
    expect(keys.locator("path")).to_have_count(config["max"] - config["min"] + 1)
    boxes = keys.evaluate_all(PLACES)
    assert len({y for _, y, _, _ in boxes}) == 1
    assert min(width for _, _, width, _ in boxes) >= 44
    paint = "keys => keys.map(key => getComputedStyle(key).backgroundColor == 'rgb(47, 91, 234)')"
    assert sum(keys.evaluate_all(paint)) == lit
    until(page, lambda: site.kept)
    [answer] = site.kept.values()
    assert answer["score"] == {"csat": 4, "smileys": 4, "stars": 4, "thumbs": 1}[metric]


def test_eleven_numbers_are_two_rows_of_good_size_below_520_pixels_of_panel_and_one_above(site, page):
    body = '<div id="here"></div>'
    page.goto(site.add(nps(endpoint=site.service, mode="inline", target="#here"), body=body))
    panel = page.get_by_role("group", name="How likely")
    expect(panel).to_be_visible()
    for width, rows in ((320, 2), (464, 2), (519, 2), (520, 1), (600, 1)):
        page.locator("#here").evaluate("(place, width) => (place.style.width = width + 'px')", width)
        boxes = panel.get_by_role("radio").evaluate_all(PLACES)
        assert (width, len({y for _, y, _, _ in boxes})) == (width, rows)
        assert min(width for _, _, width, _ in boxes) >= (44 if rows == 2 else 24)
        assert min(height for _, _, _, height in boxes) >= 44


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["en", "de", "ar", "ja"])
def test_every_target_is_large_enough_and_nothing_is_cut_off(site, page, language, width):
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(site.add(nps(language, endpoint=site.service)))
    page.get_by_role("radio").first.click()
    sizes = page.get_by_role("dialog").evaluate(
        "panel => [...panel.querySelectorAll('button')].map(button => button.getBoundingClientRect())"
        ".map(box => [box.width, box.height])"
    )
    assert min(width for width, _ in sizes) >= 24
    assert min(height for _, height in sizes) >= 44
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.get_by_role("dialog").evaluate("panel => panel.scrollWidth <= panel.clientWidth")


@pytest.mark.parametrize("survey", [nps, csat, choices])
def test_sizes_follow_the_readers_own_and_not_the_pages(site, chromium, survey):
    sizes = {}
    head = "<style>html { font-size: 62.5% } body { font-size: 8px }</style>"
    address = site.add(survey(endpoint=site.service), head=head)
    for size in (16, 32):
        browser = chromium.browser_type.launch(
            executable_path=chromium_path(), args=[*FLAGS, f"--blink-settings=defaultFontSize={size}"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        panel = page.get_by_role("dialog")
        panel.get_by_role("radio").first.click()
        sizes[size] = panel.evaluate(
            "panel => [...panel.querySelectorAll('p, button, .ends, b, textarea, label')]"
            ".map(element => parseFloat(getComputedStyle(element).fontSize))"
        )
        assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
        browser.close()
    assert min(sizes[16]) >= 12
    assert [2 * size for size in sizes[16]] == pytest.approx(sizes[32])


def test_arabic_runs_from_right_to_left_and_arrows_follow(site, page):
    page.goto(site.add(nps("ar", endpoint=site.service), calls="earshot('open')"))
    first, last = page.get_by_role("radio").first, page.get_by_role("radio").last
    assert first.bounding_box()["x"] > last.bounding_box()["x"]
    expect(first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio").nth(1)).to_be_focused()
    # An empty field runs as the panel does, and "Send" presses once somebody turns to it.
    page.get_by_role("radio").nth(1).click()
    field, send = page.get_by_role("textbox"), page.locator(".send")
    expect(field).to_have_css("direction", "rtl")
    quiet = send.evaluate("e => getComputedStyle(e).backgroundColor")
    field.fill("Quick")
    expect(send).not_to_have_css("background-color", quiet)


def test_an_answer_given_offline_is_delivered_once_later(site, page, visitor):
    address = site.add(nps(endpoint=site.service))
    page.goto(address)
    expect(page.get_by_role("dialog")).to_be_visible()
    visitor.set_offline(True)
    page.get_by_role("radio", name="6").click()
    page.get_by_role("textbox").fill("No signal")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you for your honest answer.")).to_be_visible()
    [key] = answer_key(page)
    page.close()
    visitor.set_offline(False)

    tabs = [visitor.new_page() for _ in range(3)]
    for tab in tabs:
        tab.goto(address, wait_until="commit")
    until(tabs[0], lambda: not answer_key(tabs[0]))
    [answer] = site.kept.values()
    assert (answer["score"], answer["comment"], answer["revision"]) == (6, "No signal", 2)
    assert key.endswith(answer["id"])
    assert len(site.sent("/r")) == 1


def test_coming_back_online_sends_without_a_new_page(site, page, visitor):
    page.goto(site.add(nps(endpoint=site.service)))
    expect(page.get_by_role("dialog")).to_be_visible()
    visitor.set_offline(True)
    page.get_by_role("radio", name="6").click()
    visitor.set_offline(False)
    until(page, lambda: site.kept)
    until(page, lambda: not answer_key(page))


def test_a_busy_service_is_asked_again_when_it_said(site, page):
    site.failures = [(503, {}), (408, {}), (429, {"Retry-After": "1"})]
    page.goto(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="7").click()
    until(page, lambda: site.kept)
    assert [post.status for post in site.sent("/r")] == [503, 408, 429, 201]
    until(page, lambda: not answer_key(page))


def test_a_refused_answer_is_not_sent_again(site, page):
    site.failures = [(404, {})]
    page.goto(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="7").click()
    until(page, lambda: site.sent("/r") and not answer_key(page))
    page.reload()
    until(page, lambda: page.evaluate("!!window.earshot.surveys"))
    assert len(site.sent("/r")) == 1


def test_an_answer_refused_for_what_the_page_says_arrives_without_it(site, page):
    site.failures = [(422, {}), (503, {}), (422, {})]
    calls = "earshot('identify',{id:42});earshot('properties',{plan:'pro'})"
    page.goto(
        site.add(nps(endpoint=site.service), attributes='data-touchpoint="cart" data-test', calls=calls)
    )
    page.get_by_role("radio", name="7").click()
    until(page, lambda: site.kept and not answer_key(page))
    assert [post.status for post in site.sent("/r")] == [422, 503, 422, 201]
    refused, *_, taken = (post.body for post in site.sent("/r"))
    told = {"person": {"id": "42"}, "properties": {"plan": "pro"}, "touchpoint": "cart"}
    assert refused == taken | told | {"invitation": "invitation-token"}
    assert (taken["score"], taken["test"]) == (7, True)


def test_an_answer_refused_twice_is_let_go(site, page):
    site.failures = [(422, {}), (422, {})]
    page.goto(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="7").click()
    until(page, lambda: len(site.sent("/r")) == 2 and not answer_key(page))


def test_what_the_service_would_refuse_of_a_visitor_is_left_out(site, page, visitor):
    calls = (
        "const loop={};loop.loop=loop;"
        "earshot('properties',{plan:'pro',seats:3,paid:true,cart:{n:1},big:1n,loop,list:[1],run(){},none:null,"
        "long:'x'.repeat(3000)});"
        "earshot('identify',{id:'42',email:'n/a',name:'n'.repeat(201)});"
        "earshot('ask','t'.repeat(201))"
    )
    page.goto(site.add(nps(endpoint=site.service), calls=calls))
    page.get_by_role("radio", name="7").click()
    until(page, lambda: site.kept)
    [answer] = site.kept.values()
    assert answer["properties"] == {"plan": "pro", "seats": 3, "paid": True, "long": "x" * 2000}
    assert (answer["person"], answer["touchpoint"]) == ({"id": "42"}, "t" * 200)
    assert visitor.complaints == []


def test_storage_that_was_full_once_loses_no_later_revision(site, page, visitor):
    page.goto(site.add(nps(endpoint=site.service)))
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate(
        """() => {
            localStorage.filler = ''
            for (let size = 2 ** 23; size >= 1; size /= 2)
                try { localStorage.filler += 'x'.repeat(size) } catch {}
        }"""
    )
    visitor.set_offline(True)
    page.get_by_role("radio", name="6").click()
    assert not answer_key(page)
    page.evaluate("delete localStorage.filler")
    page.get_by_role("textbox").fill("Room again")
    page.get_by_role("button", name="Send").click()
    visitor.set_offline(False)
    until(page, lambda: [answer.get("comment") for answer in site.kept.values()] == ["Room again"])
    until(page, lambda: not answer_key(page))


YEAR = 365 * 24


def test_an_answer_kept_by_a_clock_that_was_wrong_is_tried_once_more(site, page):
    address = site.add(nps(endpoint=site.service, show_after_seconds=None))
    page.goto(address)
    leave_unsent(page, site, "year", YEAR)
    page.reload()
    until(page, lambda: not answer_key(page))
    assert list(site.kept) == ["year"]


def test_an_answer_older_than_three_days_is_let_go_when_one_try_more_brings_it_nowhere(site, page):
    address = site.add(nps(endpoint=site.service, show_after_seconds=None))
    page.goto(address)
    for hours in (71, 73):
        leave_unsent(page, site, str(hours), hours)
    site.failures += [(503, {})] * 2
    page.reload()
    until(page, lambda: not answer_key(page))
    assert sorted(post.body["id"] for post in site.sent("/r")) == ["71", "71", "73"]
    assert list(site.kept) == ["71"]


def test_without_a_network_an_old_answer_is_not_let_go(site, page, visitor):
    address = site.add(nps(endpoint=site.service, show_after_seconds=None))
    page.goto(address)
    page.evaluate("earshot('open')")
    expect(page.get_by_role("dialog")).to_be_visible()
    leave_unsent(page, site, "year", YEAR)
    visitor.set_offline(True)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    assert answer_key(page)
    visitor.set_offline(False)
    until(page, lambda: list(site.kept) == ["year"])
    until(page, lambda: not answer_key(page))


def test_an_old_answer_for_another_service_is_let_go(site, page):
    address = site.add(nps(endpoint=site.service, show_after_seconds=None))
    page.goto(address)
    leave_unsent(page, site, "x", 73, service="https://gone.example")
    page.reload()
    until(page, lambda: not answer_key(page))
    assert site.posts == []


def test_a_tab_that_is_looked_at_again_sends_at_once_what_waits(site, page):
    page.clock.install()
    page.goto(site.add(nps(endpoint=site.service)))
    expect(page.get_by_role("dialog")).to_be_visible()
    # Its timers stand still, as in a tab that was put to sleep.
    page.clock.pause_at(datetime.now() + timedelta(minutes=1))
    site.failures += [(503, {})]
    page.get_by_role("radio", name="6").click()
    until(page, lambda: len(site.sent("/r")) == 1)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(page, lambda: [answer["score"] for answer in site.kept.values()] == [6])


def test_nothing_is_stored_or_sent_before_the_visitor_acts(site, page, visitor):
    page.goto(site.add(nps(endpoint=site.service)))
    expect(page.get_by_role("dialog")).to_be_visible()
    until(page, lambda: site.posts)
    assert [(post.path, post.body) for post in site.posts] == [
        ("/w/sv_nps/event", {"invitation": None, "event": "shown"})
    ]
    assert stored(page) == {}
    assert visitor.cookies() == []


def test_an_answer_or_a_no_is_remembered(site, page):
    address = site.add(nps(endpoint=site.service))
    page.goto(address)
    page.get_by_role("button", name="Close").click()
    page.goto(address)
    until_rule(page, "answered")
    expect(page.get_by_role("dialog")).to_have_count(0)


CONTRACT = {
    *("id", "revision", "survey", "score", "comment", "answers", "edit_key", "invitation", "person"),
    *("touchpoint", "language", "page", "properties", "final", "channel", "test", "seconds"),
}
NOTHING_ELSE = "default-src 'none'; connect-src {service}; require-trusted-types-for 'script'; "
CSP = {
    "nonce": NOTHING_ELSE + "script-src 'nonce-n1'",
    "host": NOTHING_ELSE + "script-src {service} 'nonce-n1'",
}


@pytest.mark.parametrize("policy", CSP)
def test_a_strict_policy_lets_it_work_and_look_right(site, page, visitor, policy):
    header = CSP[policy].format(service=site.service)
    page.goto(site.add(nps(endpoint=site.service, color="#aa0000"), Content_Security_Policy=header))
    page.get_by_role("radio", name="10").click()
    expect(page.get_by_role("radio", name="10")).to_have_css("background-color", "rgb(170, 0, 0)")
    page.get_by_role("textbox").fill("Fine")
    page.get_by_role("button", name="Send").click()
    until(page, lambda: len(site.sent("/r")) == 2)
    assert visitor.complaints == []


def test_the_panel_wears_the_company_under_a_strict_policy(site, page, visitor):
    logo = f"{site.service}/brand/a1"
    worn = {"name": "Acme", "logos": {"light": (logo, 120, 28)}, "corner": 5, "font": "monospace"}
    site.scripts["/brand/a1"] = png(120, 28)
    policy = CSP["host"] + "; img-src {service}"
    address = site.add(
        {**nps(endpoint=site.service), "brand": worn},
        Content_Security_Policy=policy.format(service=site.service),
    )
    with page.expect_response(logo):
        page.goto(address)
    panel = page.get_by_role("dialog")
    expect(panel).to_have_css("border-radius", "8px")
    expect(panel).to_have_css("font-family", "monospace, system-ui")
    expect(panel.get_by_role("radio").first).to_have_css("border-radius", "5px")
    style = "e => (s => [s.width, s.height, s.content])(getComputedStyle(e, '::before'))"
    assert panel.evaluate(style) == ["120px", "28px", '"" / "Acme"']
    close, question = (panel.locator(each).bounding_box() for each in (".close", "#question"))
    assert close["y"] + close["height"] <= question["y"]
    assert visitor.complaints == []


def test_an_identified_person_is_asked_about_first(site, page):
    page.goto(
        site.add(
            nps(endpoint=site.service),
            attributes='data-touchpoint="checkout"',
            calls="earshot('identify',{id:42,email:'ann@example.org',signature:'ab',secret:1});earshot('properties',{plan:'pro'})",
        )
    )
    page.get_by_role("radio", name="9").click()
    until(page, lambda: site.kept)
    person = {"id": "42", "email": "ann@example.org", "signature": "ab"}
    assert [post.body for post in site.sent("/ask")] == [{"person": person, "touchpoint": "checkout"}]
    [answer] = site.kept.values()
    assert answer["person"] == person
    assert (answer["invitation"], answer["touchpoint"]) == ("invitation-token", "checkout")
    assert answer["properties"] == {"plan": "pro"}


@pytest.mark.parametrize(
    ("reply", "rule"), [({"ask": False, "rule": "quarantine"}, "quarantine"), (503, "unreachable")]
)
def test_a_no_or_no_word_from_the_service_shows_nothing(site, page, reply, rule):
    site.ask = reply
    page.goto(site.add(nps(endpoint=site.service), attributes='data-person="42"'))
    until_rule(page, rule)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert site.sent("/event") == []


def test_inline_stands_in_the_named_element_and_pushes_no_focus(site, page):
    page.goto(
        site.add(
            nps(endpoint=site.service),
            attributes='data-mode="inline" data-target="#here"',
            body='<div id="here"></div>',
        )
    )
    expect(page.locator("#here").get_by_role("radio")).to_have_count(11)
    expect(page.get_by_role("button", name="Close")).to_have_count(0)


def test_the_tab_opens_the_panel_and_takes_the_focus_back(site, page):
    page.goto(site.add(nps(endpoint=site.service), attributes='data-mode="tab" data-position="bottom-left"'))
    tab = page.get_by_role("button", name="Survey")
    box = tab.bounding_box()
    assert box["x"] == 0
    assert box["width"] < 60
    tab.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="0, Not")).to_be_focused()
    page.keyboard.press("Escape")
    expect(tab).to_be_focused()


@pytest.mark.parametrize(
    ("pages", "path", "shown"),
    [
        (["/shop/*"], "/shop/cart", True),
        (["/shop/*"], "/about", False),
        (["!/shop/*"], "/shop/cart", False),
        (["/*", "!/shop/*"], "/about", True),
        (["/a.c"], "/abc", False),
        (["http://127.0.0.1:*/about"], "/about", True),
        (["/größe/*"], "/gr%C3%B6%C3%9Fe/10", True),
        (["/gr%C3%B6%C3%9Fe/*"], "/gr%C3%B6%C3%9Fe/10", True),
        (["/買い物 かご"], "/%E8%B2%B7%E3%81%84%E7%89%A9%20%E3%81%8B%E3%81%94", True),
        (["/shop", " /about"], "/about", True),
        (["/shop/*"], "/shop/a/b", True),
        # A query and a fragment count where the pattern has them.
        (["/about"], "/about?from=mail#team", True),
        (["/*/done"], "/login?next=/cart/done", False),
        (["/pay?step=2"], "/pay?step=2", True),
        (["/pay?step=2"], "/pay?lang=de&step=2&utm_source=x#top", True),
        (["/pay?step=2"], "/pay?step=22", False),
        (["/pay?step=2"], "/pay#step=2", False),
        (["/pay?step=*"], "/pay?step=", True),
        (["/pay?f[a]=b c"], "/pay?f[a]=b%20c", True),
        (["?step=2"], "/anywhere?step=2", True),
        (["/#/cart*"], "/#/cart/2", True),
        (["/#/cart"], "/#/cart?step=2", True),
        (["/#/cart?step=2"], "/?utm=1#/cart?step=2", True),
        (["/#/cart"], "/#/carts", False),
        (["/#/cart"], "/", False),
        (["#/käse"], "/shop/#/k%C3%A4se", True),
        (["/*", "!/app#/admin*"], "/app#/admin/users", False),
        (["/*", "!/app#/admin*"], "/app#/home", True),
        (["*/größe"], "/a/gr%C3%B6%C3%9Fe?rebate=50%", True),
        (["http://127.0.0.1:*/a?b=c#d"], "/a?b=c#d", True),
    ],
)
def test_page_patterns_decide(site, page, pages, path, shown):
    site.add(nps(endpoint=site.service, pages=pages), path.partition("#")[0].partition("?")[0])
    page.goto(site.url + path)
    until_rule(page, "shown" if shown else "page")


@pytest.mark.parametrize(
    ("pages", "path", "shown"),
    [
        ("/pay?step=2, /thanks", "/pay?step=2", True),
        ("/#/cart*", "/#/cart/2", True),
        ("/*, !/#/cart*", "/#/cart/2", False),
    ],
)
def test_the_tags_patterns_decide_as_the_surveys_do(site, page, pages, path, shown):
    name = path.partition("#")[0].partition("?")[0]
    site.add(nps(endpoint=site.service), name, attributes=f'data-pages="{pages}"')
    page.goto(site.url + path)
    until_rule(page, "shown" if shown else "page")


def test_another_route_behind_the_hash_is_looked_at_again(site, page):
    page.goto(site.add(nps(endpoint=site.service, pages=["/#/thanks"])))
    until_rule(page, "page")
    page.evaluate("location.hash = '/thanks'")
    expect(page.get_by_role("dialog")).to_be_visible()


SAVED = "Your answer has been saved."
REFUSED = (
    "Earshot: survey sv_nps takes no answers from https://shop.example until its allowed_origins name that."
)


def test_an_answer_that_the_origin_bars_waits_without_being_called_saved(site, page, visitor):
    site.refuses = REFUSED
    address = site.add(nps(endpoint=site.service))
    page.goto(address)
    page.get_by_role("radio", name="3").click()
    until(page, lambda: site.sent("/r") and visitor.complaints.count(REFUSED) == 1)
    page.get_by_role("textbox").fill("The price")
    page.get_by_role("button", name="Send").click()
    until(page, lambda: len(site.sent("/r")) > 1)
    expect(page.get_by_text(SAVED)).to_have_count(0)
    assert visitor.complaints.count(REFUSED) == 1
    assert page.evaluate("earshot('explain').settings.rule") == "origin"
    site.refuses = None
    page.reload()
    until(page, lambda: [answer.get("comment") for answer in site.kept.values()] == ["The price"])
    until(page, lambda: not answer_key(page))


def test_a_person_whom_the_origin_bars_is_not_asked_and_the_rule_is_named(site, page, visitor):
    site.refuses = REFUSED
    page.goto(site.add(nps(endpoint=site.service), attributes='data-person="42"'))
    until_rule(page, "origin")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert visitor.complaints.count(REFUSED) == 1


@pytest.mark.parametrize("failure", [(503, {}), (403, {})])
def test_a_service_in_trouble_is_not_taken_for_a_refusal(site, page, visitor, failure):
    site.failures = [failure]
    page.goto(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="3").click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    until(page, lambda: site.kept and not answer_key(page))
    assert not [line for line in visitor.complaints if "Earshot" in line]


def test_offline_the_browser_has_saved_it(site, page, visitor):
    page.goto(site.add(nps(endpoint=site.service)))
    expect(page.get_by_role("dialog")).to_be_visible()
    visitor.set_offline(True)
    page.get_by_role("radio", name="3").click()
    expect(page.get_by_text(SAVED)).to_be_visible()


def test_what_only_the_page_remembers_is_not_called_saved(site, page, visitor):
    page.goto(site.add(nps(endpoint=site.service), calls="Storage.prototype.setItem=()=>{throw 1};"))
    page.evaluate("() => Object.defineProperty(window, 'localStorage', { get() { throw 1 } })")
    visitor.set_offline(True)
    page.get_by_role("radio", name="3").click()
    expect(page.get_by_role("textbox")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.get_by_text(SAVED)).to_have_count(0)
    visitor.set_offline(False)
    expect(page.get_by_text(SAVED)).to_be_visible()


@pytest.mark.parametrize("status", [404, 409])
def test_an_answer_that_is_refused_for_good_is_not_called_saved(site, page, status):
    site.failures = [(503, {}), (status, {})]
    page.goto(site.add(nps(endpoint=site.service)))
    page.get_by_role("radio", name="3").click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    expect(page.get_by_text(SAVED)).to_have_count(0)
    assert not answer_key(page)


def test_a_paused_survey_shows_nothing_but_delivers(site, page):
    config = nps(endpoint=site.service)
    address = site.add(config | {"paused": True}, calls="earshot('open')")
    page.goto(address)
    leave_unsent(page, site, "x", hours=1)
    page.reload()
    until(page, lambda: list(site.kept) == ["x"])
    until(page, lambda: page.evaluate("earshot('explain')")["rule"] == "paused")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_page_hears_what_happens_and_its_errors_stay_its_own(site, page):
    page.goto(
        site.add(
            nps(endpoint=site.service),
            calls="window.heard=[];for(const e of ['shown','answered','finished'])"
            "{earshot('on',e,()=>{throw 1});earshot('on',e,d=>heard.push([e,d&&d.group]))}",
        )
    )
    page.get_by_role("radio", name="9").click()
    page.get_by_role("button", name="Send").click()
    assert page.evaluate("heard") == [["shown", None], ["answered", "promoter"], ["finished", None]]


def test_a_listener_is_called_once_and_no_longer_than_it_is_wanted(site, page):
    calls = """window.heard = []; const early = () => heard.push('early'), never = () => heard.push('never');
        for (const each of [early, early, never]) earshot('on', 'answered', each);
        earshot('off', 'answered', never); earshot('off', 'shown', never);"""
    page.goto(site.add(nps(endpoint=site.service), calls=calls))
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate("() => { window.end = earshot('on', 'answered', () => heard.push('late')) }")
    page.get_by_role("radio", name="9").click()
    page.evaluate("end()")
    page.get_by_role("radio", name="8").click()
    assert page.evaluate("heard") == ["early", "late", "early"]


#: Of each framework what the wrapper takes from it; in React's strict mode every effect is run, ended and run again.
FRAMEWORKS = {
    "react": "export const useRef = current => ({ current })\n"
    "export const useEffect = effect => { effect()?.(); window.unmount = effect() ?? window.unmount }",
    "vue": "export const onMounted = task => task()\nexport const onBeforeUnmount = task => { window.unmount = task }",
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_hears_everything_once_until_its_component_is_gone(site, page, name):
    script = {"Content-Type": "text/javascript"}
    for file in ("earshot.js", f"{name}.js"):
        site.pages[f"/package/{file}"] = ((ROOT / "surveys" / "widget" / file).read_text(), script)
    site.pages["/framework.js"] = (FRAMEWORKS[name], script)
    source = site.service + site.publish(nps(endpoint=site.service))
    site.pages["/"] = (
        f"""<!doctype html><title>App</title>
        <script type="importmap">{{"imports": {{"{name}": "/framework.js"}}}}</script>
        <script type="module">
          import {{ useEarshot }} from '/package/{name}.js'
          window.heard = []
          useEarshot('{source}', {{ touchpoint: 'app' }}, {{ answered: ({{ score }}) => heard.push(score) }})
        </script>""",
        {"Content-Type": "text/html"},
    )
    page.goto(site.url)
    page.get_by_role("radio", name="9").click()
    page.evaluate("unmount()")
    page.get_by_role("radio", name="8").click()
    until(page, lambda: len(site.sent("/r")) == 2)
    assert page.evaluate("heard") == [9]
    assert [answer["touchpoint"] for answer in site.kept.values()] == ["app"]
    assert page.locator("script[src]").count() == 1


def test_thanks_go_by_themselves_but_not_while_somebody_points_at_them_or_came_by_keyboard(site, page):
    page.clock.install()
    thanks = page.get_by_text("We are very pleased")
    address = site.add(nps(endpoint=site.service) | {"wait_after_answer_days": 0})
    for press, leave in (
        (Locator.click, lambda: page.mouse.move(5, 5)),
        (keyed, lambda: page.locator("#host").focus()),
    ):
        page.goto(address)
        page.get_by_role("radio", name="9").click()
        page.mouse.move(5, 5)
        press(page.get_by_role("button", name="Send"))
        expect(thanks).to_be_visible()
        page.clock.run_for(20_000)
        expect(thanks).to_be_visible()
        leave()
        page.clock.run_for(6_100)
        expect(page.get_by_role("dialog")).to_have_count(0)


def keyed(button):
    """The button before has the focus, as by the keyboard, and Enter presses this one."""
    button.page.get_by_role("textbox").press("Tab")
    button.press("Enter")


def test_the_question_comes_before_close_and_the_tab_says_what_the_page_says(site, page):
    page.goto(site.add(nps(endpoint=site.service), attributes='data-mode="tab" data-label="Feedback"'))
    page.get_by_role("button", name="Feedback").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="0, Not")).to_be_focused()
    page.keyboard.press("Space")
    for key in (
        page.get_by_role("textbox"),
        *(page.get_by_role("button", name=name) for name in ("Send", "Close")),
    ):
        page.keyboard.press("Tab")
        expect(key).to_be_focused()


WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (f"{WINDOWS} {CHROME} Safari/537.36", ("computer", "Chrome")),
        (f"{WINDOWS} {CHROME} Safari/537.36 Edg/142.0", ("computer", "Edge")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", ("computer", "Firefox")),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36", ("phone", "Chrome")),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Safari/537.36", ("tablet", "Chrome")),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) SamsungBrowser/29.0 {CHROME} Mobile",
            ("phone", "Samsung Internet"),
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {WEBKIT} Version/18.5 Mobile Safari/604.1",
            ("phone", "Safari"),
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) {WEBKIT} CriOS/142.0 Mobile Safari/604.1",
            ("tablet", "Chrome"),
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18.5 Safari/605.1.15",
            ("computer", "Safari"),
        ),
        ("", ("computer", "other")),
    ],
)
def test_the_device_is_told_by_what_browsers_call_themselves(page, agent, told):
    code = json.loads((ROOT / "surveys/widget/dist/extras.json").read_text())["device"]
    script = "([code, agent]) => { Object.defineProperty(navigator, 'userAgent', { value: agent }); let told;"
    script += " eval(code)({ properties: given => (told = given) }); return told }"
    assert page.evaluate(script, [code, agent]) == dict(zip(("device", "browser"), told, strict=True))


def test_the_device_goes_with_the_answer_where_the_survey_says_so_and_with_what_the_page_says(site, page):
    config = nps(endpoint=site.service, device=True)
    config["texts"]["link"] = {"text": "Our blog", "url": "https://blog.example/"}
    page.goto(site.add(config, calls="earshot('properties', {plan: 'pro'});"))
    page.get_by_role("radio", name="9").click()
    until(page, lambda: site.kept)
    [answer] = site.kept.values()
    assert answer["properties"] == {"device": "computer", "browser": "Chrome", "plan": "pro"}
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("link", name="Our blog")).to_be_visible()


def test_the_page_gains_one_global_and_does_not_move(site, page):
    site.pages["/plain"] = ("<!doctype html><title>Plain</title>", {"Content-Type": "text/html"})
    page.goto(site.url + "/plain")
    before = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    page.goto(site.add(nps(endpoint=site.service)))
    expect(page.get_by_role("dialog")).to_be_visible()
    assert set(page.evaluate("Object.getOwnPropertyNames(window)")) - before == {"earshot"}
    shift = page.evaluate(
        """() => new Promise(done => {
            let sum = 0
            const add = list => { for (const entry of list.getEntries()) sum += entry.value }
            const watch = new PerformanceObserver(add)
            watch.observe({ type: 'layout-shift', buffered: true })
            requestAnimationFrame(() => requestAnimationFrame(() => done(sum)))
        })"""
    )
    assert shift == 0
    assert json.dumps(stored(page)) == "{}"


@pytest.mark.parametrize(
    ("moment", "act"),
    [
        ({"show_after_seconds": 60}, lambda page: page.clock.fast_forward(61_000)),
        ({"scroll_percent": 80}, lambda page: page.mouse.wheel(0, 5000)),
        (
            {"exit_intent": True},
            lambda page: page.locator("html").dispatch_event("mouseout", {"clientY": -1}),
        ),
        ({"click": "#host"}, lambda page: page.locator("#host").click()),
        ({}, lambda page: page.evaluate("earshot('ask')")),
    ],
)
def test_the_survey_waits_for_its_moment(site, page, moment, act):
    survey = nps(endpoint=site.service, **{"show_after_seconds": None} | moment)
    page.clock.install()
    page.goto(site.add(survey, body='<p style="height: 3000px"></p>'))
    until_rule(page, "waiting")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.mouse.move(300, 300)
    act(page)
    expect(page.get_by_role("dialog")).to_be_visible()


SCROLLS = "() => { for (let n = 0; n < 30; n++) dispatchEvent(new Event('scroll')) }"
LEAVES = "() => dispatchEvent(new MouseEvent('mouseout', { clientY: -1 }))"
GOES_ON = "history.pushState(null, '', '/next')"


@pytest.mark.parametrize("trigger", [SCROLLS, LEAVES, GOES_ON, "earshot('ask')"])
def test_a_survey_that_stands_there_leaves_the_focus_where_it_is(site, page, trigger):
    survey = nps(endpoint=site.service, scroll_percent=1, exit_intent=True)
    page.goto(site.add(survey, attributes='data-touchpoint="cart"', calls="earshot('identify',{id:'42'})"))
    expect(page.get_by_role("dialog")).to_be_visible()
    page.locator("#host").focus()
    page.evaluate(trigger)
    page.evaluate("() => new Promise(done => setTimeout(() => requestAnimationFrame(done)))")
    expect(page.locator("#host")).to_be_focused()
    page.evaluate("earshot('open')")
    expect(page.get_by_role("radio", name="0, Not")).to_be_focused()


@pytest.mark.parametrize("trigger", [SCROLLS, LEAVES, "earshot('ask')"])
def test_a_no_from_the_service_holds_until_the_address_changes(site, page, trigger):
    site.ask = {"ask": False, "rule": "quarantine"}
    survey = nps(endpoint=site.service, scroll_percent=1, exit_intent=True)
    page.goto(site.add(survey, attributes='data-person="42"'))
    until_rule(page, "quarantine")
    page.evaluate(trigger)
    page.evaluate(GOES_ON)
    until(page, lambda: len(site.sent("/ask")) > 1)
    until_rule(page, "quarantine")
    assert len(site.sent("/ask")) == 2


@pytest.mark.parametrize("trigger", [SCROLLS, LEAVES, "earshot('ask')"])
def test_what_was_closed_comes_back_by_itself_only_elsewhere(site, page, trigger):
    survey = nps(endpoint=site.service, scroll_percent=1, exit_intent=True)
    page.goto(site.add(survey | {"wait_after_decline_days": 0}))
    page.get_by_role("button", name="Close").click()
    page.evaluate(trigger)
    page.evaluate("() => new Promise(done => setTimeout(() => requestAnimationFrame(done)))")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.evaluate(GOES_ON)
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_new_address_within_the_page_is_looked_at_again(site, page):
    page.goto(site.add(nps(endpoint=site.service, pages=["/thanks"])))
    until_rule(page, "page")
    page.evaluate("history.pushState(null, '', '/thanks')")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_inline_waits_for_its_element_and_survives_a_new_drawing(site, page):
    page.goto(
        site.add(nps(endpoint=site.service, mode="inline", target="#late"), body='<div id="app"></div>')
    )
    until_rule(page, "target")
    draw = "document.querySelector('#app').innerHTML = '<div id=late></div>'"
    page.evaluate(draw)
    page.get_by_role("radio", name="9").click()
    page.evaluate(draw)
    expect(page.get_by_role("radio", name="9")).to_be_checked()
    expect(page.get_by_label("What did you like most?")).to_be_visible()


def test_another_language_is_fetched_when_the_tag_asks_for_it(site, page, visitor):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    site.publish(nps("de", endpoint=site.service))
    page.goto(site.add(nps(endpoint=site.service), attributes='data-lang="de" data-touchpoint="cart"'))
    page.get_by_role("radio", name="9").click()
    expect(page.get_by_label("Was hat Ihnen am besten gefallen?")).to_be_visible()
    files = {url.partition("/w/")[2] for url in asked if ".js" in url}
    assert files == {"sv_nps.js", "sv_nps/de.js?"}
    assert visitor.complaints == []


def test_two_surveys_share_the_page_and_the_person(site, page):
    site.add(csat(endpoint=site.service, mode="inline"), "/other")
    page.goto(site.add(nps(endpoint=site.service), calls="earshot('identify', {id: '42'})"))
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate(
        """src => {
            const script = document.createElement('script')
            script.src = src
            document.querySelector('main').append(script)
        }""",
        f"{site.service}/w/sv_csat.js",
    )
    expect(page.get_by_role("radio", name="Very satisfied")).to_be_visible()
    assert [post.body["person"] for post in site.sent("/ask")] == [{"id": "42"}, {"id": "42"}]


def test_the_same_script_twice_asks_once(site, page):
    source = f'<script src="{site.service}/w/sv_nps.js"></script>'
    page.goto(site.add(nps(endpoint=site.service), body=source))
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("dialog")).to_have_count(1)
    assert len(site.sent("/event")) == 1


def test_a_page_left_at_once_loses_nothing(site, page):
    address = site.add(nps(endpoint=site.service))
    site.pages["/next"] = ("<!doctype html><title>Next</title>", {"Content-Type": "text/html"})
    page.goto(address)
    page.get_by_role("radio", name="9").evaluate("button => { button.click(); location.href = '/next' }")
    page.wait_for_url("**/next")
    until(page, lambda: [answer["score"] for answer in site.kept.values()] == [9])


def test_a_page_left_at_once_while_the_service_is_slow_loses_nothing(site, page):
    address = site.add(nps(endpoint=site.service))
    site.add(nps(endpoint=site.service), "/next")
    page.goto(address)
    with site.slow():
        page.get_by_role("radio", name="9").evaluate("button => { button.click(); location.href = '/next' }")
        page.wait_for_url("**/next")
        until(page, lambda: page.evaluate("!!window.earshot.surveys"))
    until(page, lambda: site.kept and not answer_key(page))
    assert [answer["score"] for answer in site.kept.values()] == [9]
    page.get_by_role("textbox").fill("Further on")
    page.get_by_role("button", name="Send").click()
    until(page, lambda: [answer.get("comment") for answer in site.kept.values()] == ["Further on"])


def test_a_tab_closed_in_mid_send_loses_nothing(site, page, visitor):
    address = site.add(nps(endpoint=site.service))
    page.goto(address)
    with site.slow():
        page.get_by_role("radio", name="4").click()
        until(page, lambda: site.waiting)
        page.close()
        other = visitor.new_page()
        other.goto(address)
        until_rule(other, "answered")
    until(other, lambda: site.kept and not answer_key(other))
    assert [answer["score"] for answer in site.kept.values()] == [4]


def test_a_line_that_comes_and_goes_delivers_one_answer_as_it_was_last(site, page, visitor):
    page.goto(site.add(nps(endpoint=site.service)))
    for score in ("2", "5", "9"):
        page.get_by_role("radio", name=score).click()
        visitor.set_offline(True)
        page.get_by_role("textbox").fill(f"As {score}")
        visitor.set_offline(False)
    visitor.set_offline(True)
    page.get_by_role("button", name="Send").click()
    visitor.set_offline(False)
    until(page, lambda: [answer.get("final") for answer in site.kept.values()] == [True])
    until(page, lambda: not answer_key(page))
    [answer] = site.kept.values()
    assert (answer["score"], answer["comment"], answer["revision"]) == (9, "As 9", 4)


def test_answers_from_two_tabs_arrive_once_each(site, page, visitor):
    address = site.add(nps(endpoint=site.service))
    tabs = [page, visitor.new_page()]
    for tab in tabs:
        tab.goto(address)
        expect(tab.get_by_role("dialog")).to_be_visible()
    visitor.set_offline(True)
    for tab, score in zip(tabs, ("3", "8"), strict=True):
        tab.get_by_role("radio", name=score).click()
    assert len(answer_key(page)) == 2
    visitor.set_offline(False)
    until(page, lambda: not answer_key(page))
    assert sorted(post.body["score"] for post in site.sent("/r")) == [3, 8]


def test_a_page_that_tells_no_referrer_still_says_where_it_is(site, page):
    site.service = site.url
    page.goto(site.add(nps(endpoint=site.url), Referrer_Policy="no-referrer"))
    page.get_by_role("radio", name="9").click()
    until(page, lambda: site.kept)
    assert site.sent("/r")[0].origin == site.url


def test_a_group_without_follow_up_is_thanked_at_once_with_the_link_for_all(site, page):
    config = nps(endpoint=site.service)
    del config["texts"]["follow_up"]["passive"]
    config["texts"]["link"] = {"text": "Our blog", "url": "https://blog.example/"}
    page.goto(site.add(config))
    page.get_by_role("radio", name="7").click()
    expect(page.get_by_text("It helps us improve.")).to_be_visible()
    link = page.get_by_role("link", name="Our blog")
    expect(link).to_have_attribute("href", "https://blog.example/")
    expect(link).to_have_attribute("rel", "noopener")


def test_a_link_that_is_script_is_not_shown(site, page):
    config = nps(endpoint=site.service)
    config["texts"]["link"] = {"text": "Our blog", "url": "javascript:alert(1)"}
    page.goto(site.add(config))
    page.get_by_role("radio", name="7").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("It helps us improve.")).to_be_visible()
    expect(page.get_by_role("link")).to_have_count(0)


def test_a_test_answer_says_so(site, page):
    page.goto(site.add(nps(endpoint=site.service), attributes="data-test"))
    page.get_by_role("radio", name="7").click()
    until(page, lambda: site.kept)
    assert site.sent("/r")[0].body["test"] is True


@pytest.mark.parametrize(
    "call", ["'nothing'", "", "null", "'identify'", "'identify', 5", "'on'", "'toString'"]
)
def test_a_wrong_command_does_no_harm(site, page, visitor, call):
    page.goto(site.add(nps(endpoint=site.service), calls=f"earshot({call});"))
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate(f"earshot({call})")
    page.get_by_role("radio", name="7").click()
    until(page, lambda: site.kept)
    assert visitor.complaints == []


@pytest.mark.parametrize("position", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_the_popover_stands_in_its_corner_and_is_a_sheet_on_a_small_screen(site, page, position):
    page.goto(site.add(nps(endpoint=site.service, position=position)))
    box = page.get_by_role("dialog").bounding_box()
    right, bottom = 1280 - box["x"] - box["width"], 800 - box["y"] - box["height"]
    assert (box["x"] if "left" in position else right) == pytest.approx(20)
    assert (box["y"] if "top" in position else bottom) == pytest.approx(20)
    page.set_viewport_size({"width": 320, "height": 600})
    box = page.get_by_role("dialog").bounding_box()
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, 320, 600)


#: The widths of a text's lines, the first one first.
LINES = """element => {
  const text = document.createRange()
  text.selectNodeContents(element)
  return [...text.getClientRects()].map(line => line.width)
}"""


@pytest.mark.parametrize(("metric", "language"), [("ces", "de"), ("nps", "en")])
def test_no_word_is_left_alone_on_a_line(site, page, metric, language):
    config = {**standard(metric, language), "endpoint": site.service, "widget": {"show_after_seconds": 0}}
    page.goto(site.add(config))
    panel = page.get_by_role("dialog")
    seen = 0
    for width in range(280, 520, 20):
        page.set_viewport_size({"width": width, "height": 700})
        for text in (panel.locator("#question"), *panel.locator(".ends span").all()):
            lines = text.evaluate(LINES)
            seen += len(lines) > 1
            assert lines[-1] > max(lines) / 3, (width, text.text_content())
    assert seen > 5
