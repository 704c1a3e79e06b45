"""What a page pays for asking: our widget beside others', each on a page of its own, measured in one run.

`python -m tests.bench.widget` prints a Markdown table. Bytes are those of every script, style and answer that the page
loads for the widget, compressed at the highest level; blocking is the sum of what tasks took over 50 ms (Total
Blocking Time) with a CPU four times slower; the rest is as the browser says it. Median of `RUNS` loads, cold cache.
"""

import functools
import gzip
import http.server
import json
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import brotli
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response, sync_playwright
from playwright.sync_api import Error as BrowserError

from tests import servers
from tests.browser import live, site
from tests.browser.hostile import PAGES
from tests.browser.widget_config import nps

HERE = Path(__file__).parent / "widgets"
RUNS = 3
SLOWDOWN = 4
SETTLE_MS = 4000
TOKEN = "phc_bench"

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width,initial-scale=1"></head>
<body><main><h1>Shop</h1><p>Something worth reading.</p><div id="here"></div></main>{tag}</body></html>"""

WATCH = """
const seen = (window.seenByBench = { shift: 0, blocked: 0, ends: [] })
const watch = (type, add) =>
  new PerformanceObserver(list => list.getEntries().forEach(add)).observe({ type, buffered: true })
watch('layout-shift', entry => { seen.shift += entry.value })
watch('longtask', entry => {
  seen.blocked += entry.duration - 50
  seen.ends.push(entry.startTime + entry.duration)
})
"""

POSTHOG_SURVEY = {
    "id": "1",
    "name": "NPS",
    "type": "popover",
    "questions": [
        {
            "id": "q",
            "type": "rating",
            "display": "number",
            "scale": 10,
            "question": "How likely are you to recommend us?",
            "lowerBoundLabel": "Not at all likely",
            "upperBoundLabel": "Extremely likely",
            "buttonText": "Send",
        }
    ],
    "appearance": {},
    "conditions": None,
    "start_date": "2024-01-01T00:00:00Z",
    "end_date": None,
}


@dataclass(frozen=True)
class Case:
    """One widget: the markup that brings it, what is visible once it shows, what it asks of a server."""

    name: str
    tag: str
    selector: str | None
    answers: dict[str, str]


@dataclass(frozen=True)
class Measured:
    """One load."""

    gzip: int
    brotli: int
    requests: int
    blocked: float
    shift: float
    visible: float | None
    violations: int


def cases(service: live.Live, origin: str) -> list[tuple[Case, Case | None]]:
    """Each widget when a survey shows, and when there is nothing to ask."""
    survey = service.survey(allowed_origins=[origin], languages=["en"])
    whole = f'<script async src="{service.url}/w/{survey}.js" data-after="0"%s></script>'
    ours = f'<script async src="{service.url}/w/{survey}/loader.js" data-after="0"%s></script>'
    elsewhere = ' data-pages="/elsewhere"'
    panel = "earshot-survey [role=dialog]"
    surveyjs = (
        '<link rel="stylesheet" href="/node_modules/survey-core/survey-core.fontless.min.css">'
        '<script src="/node_modules/survey-core/survey.core.min.js"></script>'
        '<script src="/node_modules/survey-js-ui/survey-js-ui.min.js"></script><script>'
        "const model = new Survey.Model({ elements: [{ type: 'rating', name: 'nps', rateMin: 0, rateMax: 10,"
        " title: 'How likely are you to recommend us?', minRateDescription: 'Not at all likely',"
        " maxRateDescription: 'Extremely likely' }] }); model.render(document.getElementById('here'))</script>"
    )
    posthog = (
        '<script src="/node_modules/posthog-js/dist/array.js"></script><script>'
        f"posthog.init('{TOKEN}', {{ api_host: location.origin, persistence: 'memory', autocapture: false,"
        " capture_pageview: false, disable_session_recording: true, opt_out_useragent_filter: true })</script>"
    )
    sentry = '<script src="/sentry.js"></script>'
    rating = ".ph-survey [class*=rating], .PostHogSurvey"
    return [
        (Case("Earshot, one file", whole % "", panel, {}), Case("Earshot", whole % elsewhere, None, {})),
        (Case("Earshot, loader and panel", ours % "", panel, {}), Case("Earshot", ours % elsewhere, None, {})),
        (Case("PostHog core + surveys", posthog, rating, _posthog([POSTHOG_SURVEY])),
         Case("PostHog core + surveys", posthog, None, _posthog([]))),
        (Case("Sentry feedback (button only)", sentry, "#sentry-feedback button", {}), None),
        (Case("SurveyJS", surveyjs, ".sd-rating", {}), None),
        (Case("Formbricks (npm part only)", '<script src="/formbricks.js"></script>', None, {}), None),
    ]  # fmt: skip


def _posthog(surveys: list[dict]) -> dict[str, str]:
    """What PostHog's service would answer, as far as the library asks for it."""
    config = json.dumps({"surveys": bool(surveys), "supportedCompression": [], "hasFeatureFlags": False})
    script = f"(window._POSTHOG_REMOTE_CONFIG||={{}})['{TOKEN}']={{config:{config},siteApps:[]}}"
    return {
        f"/array/{TOKEN}/config.js": script,
        f"/array/{TOKEN}/config": config,
        "/flags/": json.dumps({"flags": {}, "errorsWhileComputingFlags": False, "surveys": bool(surveys)}),
        "/api/surveys/": json.dumps({"surveys": surveys}),
        "/static/surveys.js": (HERE / "node_modules/posthog-js/dist/surveys.js").read_text(),
    }


def measure(browser: Browser, origin: str, pages: dict[str, str], case: Case) -> Measured:
    """Load a page with the widget once."""
    pages.clear()
    pages.update({"/": PAGE.format(tag=case.tag), **case.answers})
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(WATCH)
    page = context.new_page()
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    replies: list[Response] = []
    page.on("response", lambda reply: replies.append(reply))
    page.goto(origin + "/")
    visible = None
    if case.selector:
        found = page.wait_for_selector(case.selector, timeout=20_000)
        assert found
        visible = page.evaluate("performance.now()")
    page.wait_for_timeout(SETTLE_MS)
    seen = page.evaluate("seenByBench")
    violations = Axe().run(page).violations_count
    bodies = [_body(reply) for reply in replies if reply.url != origin + "/" and "favicon" not in reply.url]
    context.close()
    return Measured(
        sum(len(gzip.compress(body, 9)) for body in bodies if body),
        sum(len(brotli.compress(body)) for body in bodies if body),
        len(bodies),
        seen["blocked"],
        seen["shift"],
        visible,
        violations,
    )


#: Long tasks of the page; and those that ended after our script was there: only these can be ours.
TASKS = """() => {
  const script = performance.getEntriesByType('resource').find(entry => entry.name.includes('/w/'))
  const arrived = script ? script.responseEnd : 0
  return [seenByBench.ends.length, seenByBench.ends.filter(end => end > arrived).length]
}"""


def long_tasks(browser: Browser) -> list[tuple[int, int, int]]:
    """Tasks of more than 50 ms on each hostile page, at normal speed: all from the start to the thanks, those that
    ended with our script there, and all of the same page with an empty script in our place, as long watched."""
    found = []
    with site.running() as shop:
        for hostile in PAGES.values():
            config = nps(endpoint=shop.service)
            address = shop.add(
                config,
                calls=hostile.before,
                head=hostile.head,
                body=hostile.body,
                **{
                    name.replace("-", "_"): value.format(service=shop.service)
                    for name, value in hostile.headers.items()
                },
            )
            with _opened(browser, address) as page:
                began = time.monotonic()
                panel = page.locator("earshot-survey")
                panel.get_by_role("radio", name="5").click()
                panel.get_by_role("button", name="Send").click()
                everything, possible = page.evaluate(TASKS)
                took = time.monotonic() - began
            shop.scripts[f"/w/{config['survey']}.js"] = b""
            with _opened(browser, address) as page:
                page.wait_for_timeout(took * 1000)
                found.append((everything, possible, page.evaluate(TASKS)[0]))
    return found


@contextmanager
def _opened(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


def _body(reply: Response) -> bytes:
    try:
        return reply.body()
    except BrowserError:
        return b""  # 204, or an answer to a preflight


def median(take: Callable[[], Measured]) -> Measured:
    """Field by field over `RUNS` loads."""
    runs = [take() for _ in range(RUNS)]
    values = {
        name: statistics.median(value for run in runs if (value := getattr(run, name)) is not None)
        if getattr(runs[0], name) is not None
        else None
        for name in Measured.__dataclass_fields__
    }
    return Measured(**values)


def prepare() -> None:
    """Install the others' packages and bundle what npm has only as modules."""
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=HERE, check=True)
    for name in ("sentry", "formbricks"):
        command = ["node_modules/.bin/esbuild", f"{name}.mjs", "--bundle", "--minify", "--format=iife"]
        subprocess.run(
            [*command, f"--outfile=node_modules/{name}.js"], cwd=HERE, check=True, capture_output=True
        )


@contextmanager
def serving(pages: dict[str, str]) -> Iterator[str]:
    """`pages`, then files of the others' packages, on an origin of its own."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path in pages:
                kind = (
                    "text/html" if path == "/" else "text/javascript" if ".js" in path else "application/json"
                )
                self._say(pages[path].encode(), kind)
            elif path in ("/sentry.js", "/formbricks.js"):
                self._say((HERE / "node_modules" / path[1:]).read_bytes(), "text/javascript")
            else:
                super().do_GET()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self._say(pages.get(self.path.split("?")[0], "{}").encode(), "application/json")

        def _say(self, content: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=HERE))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    """Measure everything and print the table."""
    prepare()
    pages: dict[str, str] = {}
    with (
        tempfile.TemporaryDirectory() as directory,
        live.running(Path(directory)) as service,
        serving(pages) as origin,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=servers.chromium_path(), args=["--no-sandbox", "--disable-gpu"]
        )
        print("| widget | shown, gzip | shown, brotli | nothing to ask, brotli", end="")
        print(" | requests | blocking | shift | visible | axe |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        for shown, idle in cases(service, origin):
            got = median(functools.partial(measure, browser, origin, pages, shown))
            least = median(functools.partial(measure, browser, origin, pages, idle)) if idle else None
            print(
                f"| {shown.name} | {got.gzip:,.0f} | {got.brotli:,.0f} | {f'{least.brotli:,.0f}' if least else '–'}"
                f" | {got.requests:.0f} | {got.blocked:.0f} ms | {got.shift:.3f}"
                f" | {f'{got.visible:.0f} ms' if got.visible else '–'} | {got.violations:.0f} |",
                flush=True,
            )
        everything, possible, without = map(sum, zip(*long_tasks(browser), strict=True))
        print(
            f"\nTasks of more than 50 ms on {len(PAGES)} hostile pages: {everything}, {possible} of them with our"
        )
        print(f"script there; {without} on the same pages with an empty script in its place")
        browser.close()


if __name__ == "__main__":
    main()
