"""Machines open and press every letter that asks whether it is solved, and people say it: whose words are heard?

See README.md.
"""

import argparse
import contextlib
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, expect, sync_playwright

from tests import servers
from tests.browser import live as real
from tests.browser import machines, mailed
from tests.browser.live import Live
from tests.browser.mailed import Mail
from tests.browser.people import PLAIN, TOUCH
from tests.conftest import FLAGS


def _send(page: Page) -> Any:
    return page.get_by_role("button", name="Send")


def _choose(page: Page, answer: str) -> None:
    page.get_by_label(answer).check()
    _send(page).click()


def _change(page: Page) -> None:
    _send(page).click()
    expect(page.get_by_role("status")).to_be_visible()
    page.locator("summary").click()
    _choose(page, "Not yet")


#: What people do on the page behind the link that says it is solved: how, with which browser, and what they then said.
WAYS: dict[str, tuple[Callable[[Page], Any], dict[str, Any], str]] = {
    "click": (lambda page: _send(page).click(), {}, "fixed"),
    "press Enter": (lambda page: _send(page).press("Enter"), {}, "fixed"),
    "press Space": (lambda page: _send(page).press("Space"), {}, "fixed"),
    "tap": (lambda page: _send(page).tap(), TOUCH, "fixed"),
    "have no script": (lambda page: _send(page).click(), PLAIN, "fixed"),
    "say the other": (lambda page: _choose(page, "Not yet"), {}, "not_yet"),
    "say the other without a script": (lambda page: _choose(page, "Not yet"), PLAIN, "not_yet"),
    "write a word": (
        lambda page: (page.get_by_label("Your comment").fill("Yes."), _send(page).click()),
        {},
        "fixed",
    ),
    "have second thoughts": (_change, {}, "not_yet"),
}


def main() -> None:
    """Machines, then people behind machines; print, and fail when a machine is heard or a person is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.letters", description=__doc__)
    parser.add_argument("--letters", type=int, default=20, help="that only machines open")
    parser.add_argument("--seconds", type=float, default=5, help="that a page's scripts run")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="earshot-letters-") as folder,
        real.running(Path(folder)) as live,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=servers.chromium_path(), args=FLAGS)
        faults = _machines(live, chromium, arguments.letters, arguments.seconds)
        faults += _people(live, chromium, arguments.seconds)
        chromium.close()
    sys.exit("\n".join(faults) or None)


def _machines(live: Live, chromium: Any, count: int, seconds: float) -> list[str]:
    mails = _asked(live, count)
    pages = _scan(chromium, mails.values(), seconds)
    heard = [case for case in mails if _said(live, case) is not None]
    links = sum(len(mail.links) for mail in mails.values())
    print(
        f"{count} letters, {links} links: HEAD all, GET all by {len(machines.AGENTS)} agents at once, {pages} pages in "
        f"Chromium, left alone, pressed by scripts, or moved, scrolled and keyed: {len(heard)} heard",
        flush=True,
    )
    return [f"machines: {len(heard)} heard"] * bool(heard)


def _scan(chromium: Any, mails: Iterable[Mail], seconds: float) -> int:
    """All that machines do with mails; how many pages they opened."""
    scripts = [partial(machines.run, script=script) for script in machines.SCRIPTS.values()]
    found = list(mails)
    for mail in found:
        machines.look(mail)
        machines.fetch(mail)
    pages = machines.browse(chromium, found, seconds)
    acts = [partial(_try, act=act) for act in (*scripts, *machines.HANDS.values())]
    # The first letter meets each of them, with both its answers.
    each = [Mail("", tuple(link for link in found[0].links for _ in acts)), *found[1:]]
    return pages + machines.act(chromium, each, acts, seconds / 10)


def _try(page: Page, act: Callable[[Page], Any]) -> None:
    """Do what looks for what other pages have, too."""
    with contextlib.suppress(Error):
        act(page)


def _people(live: Live, chromium: Any, seconds: float) -> list[str]:
    """Each way twice: with a letter as it comes, and with one that machines had before."""
    ways = [(name, scanned) for scanned in (False, True) for name in WAYS]
    mails = _asked(live, len(ways))
    _scan(
        chromium, [mail for mail, (_, scanned) in zip(mails.values(), ways, strict=True) if scanned], seconds
    )
    lost = []
    for (case, mail), (name, scanned) in zip(mails.items(), ways, strict=True):
        act, browser, expected = WAYS[name]
        context = chromium.new_context(**browser)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(next(link for link in mail.links if "answer=fixed" in link))
        act(page)
        expect(page.get_by_role("status")).to_be_visible()
        if name == "have second thoughts":
            expect(page.get_by_role("status")).to_contain_text("look into it again")
        context.close()
        if (said := _said(live, case)) != expected:
            lost.append(f"lost: {name}{', after machines' * scanned}: {said}")
    print(
        f"{len(ways)} people, half of them after machines: {len(ways) - len(lost)} heard as they said",
        flush=True,
    )
    return lost


def _asked(live: Live, count: int) -> dict[str, Mail]:
    """Cases whose people were asked by mail whether it is solved: by the case's id, the links of each mail."""
    survey, wanted = live.survey(), {}
    for number in range(count):
        email = f"p{number}-{survey.lower()}@customer.example"
        said = _call(live, "POST", "/api/responses", survey=survey, score=1, person={"email": email})
        case = _call(live, "POST", "/api/follow-ups", response=said["id"])["id"]
        _call(live, "POST", f"/api/follow-ups/{case}/ask")
        wanted[email] = case
    end = time.monotonic() + 300
    while not wanted.keys() <= (mails := mailed.read(live.directory)).keys():
        assert time.monotonic() < end, "the letters did not come"
        time.sleep(0.2)
    found = {}
    for email, case in wanted.items():
        text = mails[email].get_body(("plain",)).get_content()
        page = re.search(r"http\S+/f/[^\s?]+", text)[0]
        found[case] = Mail(survey, tuple(f"{page}?answer={answer}" for answer in ("fixed", "not_yet")))
    return found


def _said(live: Live, case: str) -> str | None:
    return _call(live, "GET", f"/api/follow-ups/{case}")["letters"][0]["answer"]


def _call(live: Live, method: str, path: str, **body: Any) -> Any:
    reply = live.session.request(method, f"{live.url}{path}", json=body or None, timeout=60)
    reply.raise_for_status()
    return reply.json()


if __name__ == "__main__":
    main()
