"""Served under a path: whatever a page, a mail or an answer points to stays under it, as a proxy sees it."""

import io
import re
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
import requests
import segno
from playwright.sync_api import expect

from tests.browser import mailed
from tests.browser.live import ADMIN_KEY
from tests.browser.prefixed import prefixed

pytestmark = pytest.mark.browser

PATH = "/help/surveys"

#: Where an address may stand in a page.
_ADDRESSES = (
    "href",
    "src",
    "action",
    "formaction",
    "poster",
    "cite",
    "data",
    "manifest",
    "ping",
    "background",
)

#: What no respondent's page leads to: calls of scripts and of other services, and what watches the service.
NO_PAGES = {
    "/r",
    "/w/{survey_id}/event",
    "/w/{survey_id}/ask",
    "/in/{connection_id}",
    "/trackers/{tracker_id}",
    "/healthz",
    "/readyz",
    "/metrics",
}


@pytest.fixture(scope="module", params=[True, False], ids=["its host kept", "another host"])
def site(request, tmp_path_factory):
    with prefixed(tmp_path_factory.mktemp("prefixed"), PATH, request.param) as running:
        yield running


#: The crawl looks at every address either way; what Chromium does with them takes it a minute.
HANDED_ON = pytest.mark.parametrize(
    "site",
    [
        pytest.param(True, marks=pytest.mark.prove, id="its host kept"),
        pytest.param(False, id="another host"),
    ],
    indirect=True,
)


class Links(HTMLParser):
    """What a page points to, and its forms as they would be sent."""

    def __init__(self, page):
        super().__init__()
        self.page, self.found, self.forms = page, [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.found += [given[name] for name in _ADDRESSES if given.get(name)]
        self.found += re.findall(r"(\S+)(?: \S+)?(?:,|$)", given.get("srcset") or "")
        if tag == "base":
            raise AssertionError("a base would turn all relative addresses")
        if tag == "meta" and (given.get("http-equiv") or "").lower() == "refresh":
            self.found += refreshed(given["content"])
        if tag == "form":
            self.forms.append((given.get("method", "get"), given.get("action", ""), {}))
        if tag in ("input", "textarea", "button", "select") and self.forms and given.get("name"):
            fields = self.forms[-1][2]
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                fields[given["name"]] = given.get("value") or ""
            elif given["type"] == "radio":
                fields.setdefault(given["name"], given["value"])

    def handle_data(self, data):
        self.found += re.findall(r"""url\(["']?(?!data:)([^)"']+)""", data)


def refreshed(value):
    return re.findall(r"url=(.+)", value, re.IGNORECASE)


class Crawl:
    """Goes wherever what it finds leads, and notes what leads out."""

    def __init__(self, site, allowed=()):
        self.site, self.allowed = site, allowed
        self.seen, self.out = set(), []
        self.session = requests.Session()

    def go(self, address, where="the beginning"):
        """Open an address and all that it leads to."""
        address = urldefrag(address).url
        if address in self.seen or not self.is_ours(address, where):
            return
        self.seen.add(address)
        self.read(self.session.get(address, allow_redirects=False, timeout=30))

    def is_ours(self, address, where):
        if not address.startswith(("http:", "https:")) or address in self.allowed:
            return False
        inside = address == self.site.url or address.startswith((self.site.url + "/", self.site.url + "?"))
        if not inside:
            self.out.append(f"{address} (on {where})")
        return inside

    def read(self, answer):
        assert answer.status_code < 500, answer.text
        led = [answer.headers[name] for name in ("Location", "Content-Location") if name in answer.headers]
        led += refreshed(answer.headers.get("Refresh", ""))
        led += re.findall(r"<([^>]*)>", answer.headers.get("Link", ""))
        for cookie in answer.raw.headers.getlist("Set-Cookie"):
            assert re.search(rf";\s*path={PATH}(/|;|$)", cookie, re.IGNORECASE), cookie
        kind = answer.headers.get("Content-Type", "")
        if "xml" in kind:
            led += re.findall(r'(?:href|src)="([^"]+)"', answer.text)
        if "json" in kind or "javascript" in kind:
            # In these an address of ours is whole, and nothing else of theirs is one.
            led += re.findall(rf'{self.host}[^"\'\\`\s]*', answer.text)
        forms = []
        if "text/html" in kind:
            found = Links(answer.text)
            led, forms = led + found.found, found.forms
        for link in led:
            self.go(urljoin(answer.url, link), answer.url)
        for method, action, fields in forms:
            self.send(method, urljoin(answer.url, action), fields, answer.url)

    def send(self, method, address, fields, where):
        key = (method.lower(), address, *sorted(name for name in fields))
        if key in self.seen or not self.is_ours(address, where):
            return
        self.seen.add(key)
        if method.lower() == "get":
            self.go(requests.Request("GET", address, params=fields).prepare().url, where)
        else:
            self.read(self.session.post(address, fields, allow_redirects=False, timeout=30))

    @property
    def host(self):
        return self.site.url.removesuffix(PATH)


@pytest.fixture
def survey(site):
    return site.live.survey(
        product="Acme",
        languages=["en", "de"],
        follow_up_type="single_choice",
        choices={"detractor": {"en": ["Price", "Speed"], "de": ["Preis", "Tempo"]}},
        thanks_link={"url": "https://shop.example/help", "text": {"en": "Help"}},
    )


@pytest.fixture
def api(site):
    def call(method, path, body=None, status=200):
        answer = site.live.session.request(method, f"{site.url}{path}", json=body, timeout=30)
        assert answer.status_code == status, answer.text
        return answer

    return call


def test_whatever_is_shown_mailed_or_answered_leads_to_nothing_outside_the_path(site, survey, api):
    [mail] = mailed.invite(site.live, [(survey, "de")])
    over = invite(api, survey, delay_minutes=60)
    api("DELETE", f"/api/invitations/{over['id']}", status=204)
    connection = api("POST", "/api/connections", {"name": "Desk", "kind": "zendesk", "survey": survey}, 201)
    feed = api("POST", "/api/feeds", {"name": "All", "filters": {}}, 201).json()
    printed = api("GET", f"/api/connections/{connection.json()['id']}/snippet").json()
    embedded = api("GET", f"/api/surveys/{survey}/snippet").json()
    # Whatever is made for somebody else to follow is whole.
    given = [*mail.links, *addresses(over), connection.json()["url"], *feed["urls"].values()]
    given += [*printed["score_urls"].values(), *Links(printed["html"]).found, *Links(embedded["html"]).found]
    given += [embedded["script_url"], embedded["page_url"]]
    [server] = api("GET", "/api/openapi.json").json()["servers"]
    assert [each for each in [*given, server["url"] + "/"] if not each.startswith(site.url + "/")] == []
    code = io.BytesIO()
    segno.make(f"{site.url}/s/{survey}", error="m", micro=False).save(code, kind="png", scale=8, border=4)
    assert api("GET", f"/api/surveys/{survey}/qr.png").content == code.getvalue()

    crawl = Crawl(site, allowed={"https://shop.example/help"})
    printed_link = (
        printed["score_urls"]["9"].replace("{{ticket.id}}", "7").replace("{{ticket.assignee.name}}", "Kim")
    )
    for start in [
        site.url,
        site.url + "/",
        *(
            f"{site.url}/s/{survey}{query}"
            for query in ("", "?score=2", "?kiosk=1&lang=de", "?embed=1&touchpoint=a%2Fb")
        ),
        *(f"{site.url}/w/{survey}/{name}" for name in ("loader.js", "en.js", "origin")),
        *(url for url in given if "/in/" not in url and "{{" not in url),
        printed_link,
        f"{site.url}/i/forged",
        *(f"{site.url}/{page}/forged" for page in ("f", "d", "proof", "brand")),
        f"{site.url}/proof/forged.svg",
        f"{site.url}/badge/forged.svg",
        f"{site.url}/privacy",
        f"{site.url}/demo/look?mode=inline",
    ]:
        crawl.go(start)
    assert crawl.out == []
    assert unvisited(site, api) == set(), "no page leads there: it needs a beginning above"


def invite(api, survey, **more):
    body = {"survey": survey, "person": {"email": "over@customer.example"}, **more}
    return api("POST", "/api/triggers", body).json()["invitation"]


def addresses(invitation):
    return [invitation["url"], *invitation["score_urls"].values()]


def unvisited(site, api):
    """The addresses of the document that need no key, where nobody has been."""
    operations = api("GET", "/api/openapi.json").json()["paths"]
    patterns = {
        path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path.replace(".", r"\."))) for path in operations
    }
    been = {urlsplit(address).path.removeprefix(PATH) or "/" for _, address, _ in site.asked}
    # Of all that fit the most literal one.
    met = {
        min(
            (path for path in patterns if patterns[path].fullmatch(address)),
            key=lambda p: p.count("{"),
            default="",
        )
        for address in been
    }
    open_to_all = {
        path for path, ways in operations.items() if not any("security" in way for way in ways.values())
    }
    return open_to_all - met - NO_PAGES


@HANDED_ON
def test_a_person_finds_their_way_under_the_path(site, survey, browse):
    [mail] = mailed.invite(site.live, [(survey, "en")])
    page = browse()
    page.goto(f"{site.url}/s/{survey}")
    page.get_by_role("radio", name="9", exact=True).click()
    page.get_by_label("What did you like most?").fill("Quick")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("link", name="Help")).to_be_visible()
    page.goto(mail.scores[9])
    page.get_by_role("button", name="Confirm my answer").click()
    expect(page.get_by_role("status")).to_have_text("Your answer has been saved.")
    assert site.astray == []


@HANDED_ON
def test_a_person_without_a_script_finds_their_way_under_the_path(site, survey, browse):
    [mail] = mailed.invite(site.live, [(survey, "en")])
    page = browse(java_script_enabled=False)
    page.goto(mail.scores[2])
    page.get_by_role("button", name="Confirm my answer").click()
    page.get_by_role("radio", name="Price").check()
    page.get_by_role("button", name="Send").first.click()
    page.get_by_role("link", name="My answers").click()
    expect(page.get_by_text("2 of 10")).to_be_visible()
    page.get_by_label("Please do not ask me again").check()
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("status")).to_be_visible()
    assert site.astray == []


def test_a_kiosk_starts_again_under_the_path(site, survey, browse):
    page = browse()
    page.goto(f"{site.url}/s/{survey}?kiosk=1")
    page.get_by_role("radio", name="9", exact=True).click()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("link", name="Start again").click()
    expect(page.get_by_role("radio", name="9", exact=True)).not_to_be_checked()
    assert page.url == f"{site.url}/s/{survey}?kiosk=1"
    assert site.astray == []


def test_a_newcomer_finds_their_way_under_the_path(site, browse):
    page = browse()
    page.goto(site.url)
    page.get_by_role("link", name="See it in a website").click()
    page.get_by_role("button", name="Ask me again").click()
    page.get_by_role("radio", name="3", exact=True).click()
    expect(page.get_by_role("textbox")).to_be_visible()
    page.get_by_role("link", name="Try other colours").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("link", name="Earshot").click()
    expect(page.get_by_role("link", name="Read the API pages")).to_be_visible()
    assert site.astray == []
    page.complaints[:] = [line for line in page.complaints if "Content Security Policy" in line]


@HANDED_ON
def test_the_api_pages_call_what_lies_under_the_path(site, browse):
    page = browse()
    page.set_default_timeout(60_000)
    page.goto(site.url + "/api/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(ADMIN_KEY)
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".btn-done").click()
    page.locator("#operations-tag-surveys").click()
    page.locator("[id*='get_api_surveys']").first.click()
    page.get_by_role("button", name="Try it out").first.click()
    page.get_by_role("button", name="Execute").first.click()
    page.locator(".live-responses-table tbody .response-col_status", has_text="200").first.wait_for()
    assert site.astray == []
