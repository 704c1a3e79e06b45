"""The team's pages as a whole: empty, full and hostile, in every width and scheme, with scripts and without them."""

import itertools
import json
import random
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe

from feedback.dashboard.registry import PAGES
from tests import servers
from tests.browser.live import ADMIN_KEY, AXE_WITHOUT_FRAMES, Live, running
from tests.browser.test_team import HOSTILE, WATCH
from tests.feedback.dashboard.test_overview import Numbers

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.timeout(3600)]

#: Hostile comments, and threads that bring them.
MANY, AT_ONCE = 10_000, 4

#: Pages of one kind that are looked at, and pages that are read to find them.
OF_A_KIND, READ = 2, 150

#: What is no page to look at: files, and what stands in a frame of another page.
NO_PAGE = re.compile(r"/(qr\.svg|export\.|preview/)")


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with running(tmp_path_factory.mktemp("empty")) as live:
        yield live


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    directory = tmp_path_factory.mktemp("full")
    environment = {"DATA_DIR": str(directory), "ADMIN_KEY": ADMIN_KEY}
    filled = servers.run_once(environment, "demo", patience=1200)
    assert filled.returncode == 0, filled.stdout
    with running(directory) as live:
        until_read(live)
        yield live


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Ten thousand comments of people who wish us no good, who also chose the names of all that is theirs."""
    with running(tmp_path_factory.mktemp("hostile")) as live:
        survey = live.survey(name="Shop <b>&amp; " + "long" * 30)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda at: bring(live, survey, at), range(MANY)))
        until_read(live)
        yield live


def until_read(live: Live) -> None:
    """Wait until every comment is read, and no review of the topics is on its way."""
    end = time.monotonic() + 1800
    while True:
        found = live.session.get(f"{live.url}/api/topics?limit=1", timeout=300).json()
        review = found["review"]
        is_read = found["comments"] and not found["unplaced"]["reasons"]["unread"]
        if is_read and (review is None or review["state"] not in ("waiting", "running")):
            return
        assert time.monotonic() < end, found
        time.sleep(2)


def bring(live: Live, survey: str, at: int) -> None:
    """One answer whose every word is hostile."""
    dice = random.Random(at)
    words = written(dice, at)
    short = HOSTILE[at % 5]
    body = {
        "id": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        "survey": survey,
        "score": dice.randrange(11),
        "comment": words[:10_000],
        "touchpoint": short[:200],
        "tags": [f"{short}{at % 7}"[:150]],
        "agent": {"id": f"a{at % 5}", "name": f"{short}{at % 5}"[:200]},
        "person": {"id": f"p{at % 999}", "name": words[:200]},
        "properties": {short[:50]: f"{words[:200]}{at % 30}"},
    }
    for again in range(5):
        reply = requests.post(
            f"{live.url}/api/responses",
            json=body,
            headers={"Authorization": f"Bearer {ADMIN_KEY}"},
            timeout=60,
        )
        if reply.status_code not in (429, 503):
            break
        time.sleep(again + 1)
    assert reply.status_code in (200, 201), reply.text


def written(dice: random.Random, at: int) -> str:
    """A hostile comment, no two alike: one of the list, begun, broken off or put into another."""
    words = HOSTILE[at % len(HOSTILE)]
    other = dice.choice(HOSTILE)
    cut = dice.randrange(len(words))
    return (
        words,
        f"{at} {words}",
        words[:cut] + other[:500] + words[cut:],
        other[:500] + words[::-1],
        words.replace("script", "scr\u00adipt").replace("<", "&lt;") + words,
    )[dice.randrange(5)]


def all_pages(live: Live) -> list[str]:
    """The address of every page of the registry that can be reached from the navigation, a few of each kind."""
    kinds = {
        page.address: re.compile(re.sub(r"<[^>]+>", "[^/]+", page.address.replace("<path:", "<")))
        for page in PAGES
        if page.scope and not NO_PAGE.search(page.address)
    }
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    waiting = [page.address for page in PAGES if page.is_plain and page.nav]
    seen: set[str] = set()
    while waiting and len(seen) < READ:
        address = waiting.pop(0)
        path = urlsplit(address).path
        kind = next((each for each, form in kinds.items() if form.fullmatch(path)), None)
        if path in seen or kind is None or NO_PAGE.search(path) or len(found[kind]) >= OF_A_KIND:
            continue
        seen.add(path)
        reply = live.session.get(live.url + address, headers={"Accept": "text/html"}, timeout=120)
        if reply.status_code == 403:
            # A key is nobody: pages about oneself.
            continue
        assert reply.status_code == 200, (address, reply.text[:500])
        found[kind].append(address)
        waiting += [urldefrag(unescape(each)).url for each in re.findall(r'href="(/team[^"]*)"', reply.text)]
    return [address for addresses in found.values() for address in addresses]


@pytest.fixture(params=["empty", "full", "hostile"])
def state(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(("width", "scheme"), list(itertools.product((320, 1280), ("light", "dark"))))
def test_every_page_can_be_used_by_everybody(browse, state, width, scheme):
    page = browse(**state.member(), viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.add_init_script(WATCH)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    addresses = [*all_pages(state), "/team/profile"]
    faults = []
    for address in addresses:
        assert page.goto(state.url + address).status == 200, address
        for told, is_so in (
            ("runs out of the page", "document.documentElement.scrollWidth > innerWidth"),
            ("ran a script of theirs", "window.hacked !== undefined"),
            ("moved while it was drawn", "window.shifts.length > 0"),
        ):
            if page.evaluate(is_so):
                faults.append((address, told))
        found = Axe().run(page, options=AXE_WITHOUT_FRAMES)
        if found.violations_count:
            faults.append((address, found.generate_report()))
    print(f"{len(addresses)} pages looked at, {len(faults)} faults")
    assert faults == []


def test_every_number_leads_to_as_many_answers_as_it_says(full):
    def read(address):
        reply = full.session.get(urljoin(full.url, address), headers={"Accept": "text/html"}, timeout=300)
        assert reply.status_code == 200, (address, reply.text[:300])
        return reply.text

    surveys = [each["id"] for each in full.surveys()]
    addresses = all_pages(full)
    addresses += [f"/team/topics?survey={survey}" for survey in surveys]
    addresses += [
        f"/team/explore?survey={survey}&by={by}" for survey in surveys for by in ("agent", "language")
    ]
    numbers = {found for address in addresses for found in Numbers(read(address)).found}
    wrong = []
    for href, n in sorted(numbers):
        shown = re.search(r'<span[^>]* data-n="(\d+)"', read(href))
        query = urlsplit(unescape(href)).query
        export = full.session.get(f"{full.url}/team/feed/export.ndjson?{query}", timeout=300)
        assert export.status_code == 200, (href, export.text[:300])
        lines = [json.loads(line)["id"] for line in export.text.splitlines()]
        if not shown or not (int(shown[1]) == len(set(lines)) == n):
            wrong.append((href, n, shown and shown[1], len(lines)))
    print(f"{len(numbers)} numbers on {len(addresses)} pages followed and counted again, {len(wrong)} wrong")
    assert numbers
    assert not wrong, wrong


def test_every_page_stands_without_scripts_and_every_form_has_its_button(browse, full):
    page = browse(**full.member(), java_script_enabled=False)
    forms = 0
    for address in [*all_pages(full), "/team/profile"]:
        assert page.goto(full.url + address).status == 200, address
        assert page.locator("h1, .title").first.is_visible(), address
        for form in page.locator("form").all():
            forms += 1
            at_hand = form.locator("button:not([type=button]):not([disabled]), input[type=submit]").count()
            named = form.get_attribute("id")
            elsewhere = page.locator(f"button[form='{named}']").count() if named else 0
            assert at_hand or elsewhere, (address, form.inner_html()[:300])
    print(f"{forms} forms, each with its button")
    assert forms


@pytest.mark.parametrize("bypassing", [False, True], ids=["policy on", "policy off"])
def test_ten_thousand_hostile_comments_run_no_script_and_break_no_page(browse, hostile, bypassing):
    page = browse(**hostile.member(), bypass_csp=bypassing)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    address, shown, pages = "/team/feed", 0, 0
    while address:
        assert page.goto(urljoin(hostile.url, address)).status == 200
        pages += 1
        shown += page.locator(".list li").count()
        if pages % 25 == 1:
            # Opened one after the other in place, which is what the layer of scripts does.
            for at in range(len(HOSTILE)):
                page.locator(".list li > a").nth(at).click()
                page.locator("#answer .comment").wait_for()
                is_so = "window.hacked === undefined && document.documentElement.scrollWidth <= innerWidth"
                assert page.evaluate(is_so), page.url
            page.goto(urljoin(hostile.url, address))
        assert page.evaluate("window.hacked") is None, address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        older = page.locator(".pages a", has_text="Older")
        address = older.get_attribute("href") if older.count() else None
    print(f"{shown} comments on {pages} pages, no script run")
    assert shown == MANY
