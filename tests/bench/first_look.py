"""What the team's first pages cost a browser, with the demo's year behind them and a CPU four times slower.

`python -m tests.bench.first_look` prints a Markdown table. Blocking is the sum of what tasks took over 50 ms (Total
Blocking Time), shift is the layout's; bytes are all that the page loads with an empty cache, compressed at level 6 one
by one. Median and worst of `RUNS` loads, in a fresh context each. The bare page is the form for signing in, opened by
nobody: what a fresh process of the browser costs by itself. The pages take turns, so that whatever else the machine
does meets all of them.
"""

import gzip
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

from tests import servers
from tests.browser.live import ADMIN_KEY, Live, running
from tests.browser.test_team import dress

RUNS, SLOWDOWN, SETTLE_MS = 7, 4, 1500

WATCH = """
const seen = (window.seenByBench = { shift: 0, blocked: 0, longest: 0 })
const watch = (type, add) =>
  new PerformanceObserver(list => list.getEntries().forEach(add)).observe({ type, buffered: true })
watch('layout-shift', entry => { seen.shift += entry.value })
watch('longtask', entry => {
  seen.blocked += entry.duration - 50
  seen.longest = Math.max(seen.longest, entry.duration)
})
"""


@dataclass
class Looked:
    """What the loads of one page came to."""

    blocked: list[float] = field(default_factory=list)
    longest: list[float] = field(default_factory=list)
    shift: list[float] = field(default_factory=list)
    bytes: int = 0
    requests: int = 0
    hosts: set[str] = field(default_factory=set)


def main() -> None:
    """Fill a service with the demo and look at its pages."""
    with tempfile.TemporaryDirectory(prefix="earshot-look-") as folder:
        directory = Path(folder)
        filled = servers.run_once({"DATA_DIR": folder, "ADMIN_KEY": ADMIN_KEY}, "demo", patience=1200)
        if filled.returncode:
            raise SystemExit(filled.stdout)
        with running(directory) as live, sync_playwright() as playwright:
            dress(live)
            browser = playwright.chromium.launch(
                executable_path=servers.chromium_path(), args=["--no-sandbox", "--disable-gpu"]
            )
            found = looked_at(browser, live)
            browser.close()
    print(
        "| page | blocking ms, median | worst | longest task ms, median | worst | layout shift, worst", end=""
    )
    print(" | gzip KiB | requests | other hosts |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, seen in found.items():
        print(
            f"| {name} | {statistics.median(seen.blocked):.0f} | {max(seen.blocked):.0f}"
            f" | {statistics.median(seen.longest):.0f} | {max(seen.longest):.0f} | {max(seen.shift):.4f}"
            f" | {seen.bytes / 1024:.1f} | {seen.requests} | {len(seen.hosts)} |"
        )


def pages(live: Live) -> dict[str, str]:
    """The pages that are looked at, by name."""

    def first(path: str) -> str:
        reply = live.session.get(live.url + path, timeout=60)
        return reply.json()["items"][0]["id"]

    survey = next(
        each["id"]
        for each in live.session.get(f"{live.url}/api/surveys", timeout=60).json()["items"]
        if each["name"] == "Relationship"
    )
    topic, theme = (first(f"/api/{kind}?survey={survey}&limit=1") for kind in ("topics", "themes"))
    return {
        "overview": "/team",
        "feed": "/team/feed",
        "one answer": f"/team/feed/{live.answers(survey)[0]['id']}",
        "topics": f"/team/topics?survey={survey}",
        "a topic": f"/team/topics/{topic}?survey={survey}",
        "a theme": f"/team/themes/{theme}?survey={survey}",
        "explore": f"/team/explore?survey={survey}&by=channel",
        "a survey": f"/team/surveys/{survey}",
    }


def looked_at(browser: Browser, live: Live) -> dict[str, Looked]:
    """Load every page some times, one after the other."""
    signed_in = live.member()
    asked: dict[str, tuple[str, dict[str, Any]]] = {"bare page": ("/team/sign-in", {})}
    asked |= {name: (address, signed_in) for name, address in pages(live).items()}
    found = {name: Looked() for name in asked}
    for _ in range(RUNS):
        for name, (address, options) in asked.items():
            look(browser, live, address, options, found[name])
    return found


def look(browser: Browser, live: Live, address: str, options: dict[str, Any], seen: Looked) -> None:
    """Load a page once, in a browser that has seen nothing but its own sign-in."""
    context = browser.new_context(**options, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    bodies: list[Any] = []
    page.on("response", lambda reply: bodies.append(reply))
    tools = context.new_cdp_session(page)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    page.add_init_script(WATCH)
    page.goto(live.url + address, wait_until="load", timeout=60_000)
    page.wait_for_timeout(SETTLE_MS)
    got = page.evaluate("window.seenByBench")
    seen.blocked.append(got["blocked"])
    seen.longest.append(got["longest"])
    seen.shift.append(got["shift"])
    own = [each for each in bodies if each.url.startswith("http") and each.frame == page.main_frame]
    seen.requests = len(own)
    seen.bytes = sum(len(gzip.compress(each.body(), 6)) for each in own if each.status == 200)
    seen.hosts |= {urlsplit(each.url).netloc for each in own} - {urlsplit(live.url).netloc}
    context.close()


if __name__ == "__main__":
    main()
