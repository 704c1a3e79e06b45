"""Machines open every link of every mail, and people answer, before and after them: whose votes are counted?

See README.md.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests import servers
from tests.browser import live as real
from tests.browser import machines, mailed, people
from tests.browser.live import Live
from tests.browser.mailed import Mail
from tests.browser.people import Person, Visit
from tests.conftest import FLAGS


def main() -> None:
    """Machines, then people; print, and fail when a machine's vote is counted or a person's is not."""
    arguments = _arguments()
    with (
        tempfile.TemporaryDirectory(prefix="earshot-scanners-") as folder,
        real.running(Path(folder)) as live,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=servers.chromium_path(), args=FLAGS)
        faults = []
        for name, part in _PARTS.items():
            if arguments.only in (None, name):
                faults += part(live, chromium, arguments)
        chromium.close()
    sys.exit("\n".join(faults) or None)


def _machines(live: Live, chromium: Any, arguments: argparse.Namespace) -> list[str]:
    """Nobody but machines."""
    survey = live.survey()
    mails = mailed.invite(live, [(survey, "en")] * arguments.invitations)
    for mail in mails:
        machines.look(mail)
        machines.fetch(mail)
    pages = machines.browse(chromium, mails, arguments.seconds, arguments.tabs)
    votes = len(live.answers(survey))
    gone = _unsubscribed(live)
    print(
        f"{len(mails)} invitations, {len(mails[0].links)} links each: HEAD all, GET all by "
        f"{len(machines.AGENTS)} agents at once, {pages} pages in Chromium for {arguments.seconds:g} s each: "
        f"{votes} votes counted, {gone} people unsubscribed",
        flush=True,
    )
    return [f"machines: {votes} votes, {gone} unsubscribed"] * bool(votes or gone)


def _pressing(live: Live, chromium: Any, arguments: argparse.Namespace) -> list[str]:
    """Machines that act on the pages: by scripts, and by the browser's own tools."""
    scripts = [partial(machines.run, script=script) for script in machines.SCRIPTS.values()]
    faults = []
    tools = "through the DevTools protocol"
    for what, acts, may_count in (
        ("whose scripts press, send and pretend", scripts, False),
        (f"that move, scroll and press keys {tools}", list(machines.HANDS.values()), False),
        *((f"each of which {name} {tools}", [do], True) for name, do in machines.CLICKS.items()),
    ):
        survey = live.survey()
        before = _unsubscribed(live)
        mails = mailed.invite(live, [(survey, "en")] * max(arguments.invitations // 4, 1))
        pages = machines.act(chromium, mails, acts, arguments.seconds / 10)
        votes, gone = len(live.answers(survey)), _unsubscribed(live) - before
        print(
            f"{len(mails)} invitations, {pages} pages opened by machines {what}: "
            f"{votes} votes counted, {gone} people unsubscribed",
            flush=True,
        )
        faults += [f"machines {what}: {votes} votes, {gone} unsubscribed"] * bool(
            (votes or gone) and not may_count
        )
    return faults


def _unsubscribed(live: Live) -> int:
    return sum(person["unsubscribed_at"] is not None for person in _everybody(live))


def _people(live: Live, chromium: Any, arguments: argparse.Namespace) -> list[str]:
    """Each way of answering once, the acts also behind machines."""
    scanned = {f"{name}, after machines": person for name, person in people.ACTS.items()}
    everybody = people.ACTS | scanned | people.OTHERS | people.IN_LANGUAGES
    asked = [
        (live.survey(languages=["en", *people.LANGUAGES], **person.survey), person.language)
        for person in everybody.values()
    ]
    mails = dict(zip(everybody, mailed.invite(live, asked), strict=True))
    for name in scanned:
        machines.look(mails[name])
        machines.fetch(mails[name])
    machines.browse(chromium, [mails[name] for name in scanned], arguments.seconds, arguments.tabs)
    lost = []
    for name, person in everybody.items():
        if problem := _answer(live, chromium, person, mails[name]):
            print(f"  lost: {name}: {problem}", flush=True)
            lost.append(f"lost: {name}")
    print(
        f"{len(everybody)} people, {len(scanned)} of them after machines: {len(everybody) - len(lost)} votes kept"
    )
    return lost


def _letters(live: Live, chromium: Any, arguments: argparse.Namespace) -> list[str]:
    """Letters that ask whether it is solved: machines open and act on the pages behind them, then people answer."""
    asked = mailed.ask_whether_solved(live, max(arguments.invitations // 4, len(_HANDS)))
    mails = [Mail("", (f"{link}?answer=fixed", f"{link}?answer=not_yet")) for _, link in asked]
    for mail in mails:
        machines.look(mail)
        machines.fetch(mail)
    machines.browse(chromium, mails, arguments.seconds, arguments.tabs)
    tries = [
        *(partial(machines.attempt, script=script) for script in machines.SCRIPTS.values()),
        *machines.HANDS.values(),
    ]
    # Each of them on some letter: a letter has two links.
    turns = -(-len(tries) // 2)
    pages = machines.act(chromium, (mails * turns)[:turns], tries, arguments.seconds / 10)
    solved = sum(_case(live, case)["status"] != "asked" for case, _ in asked)
    print(
        f"{len(asked)} letters that ask whether it is solved: {pages} pages opened by machines whose scripts press and "
        f"send, and that move, scroll and press keys through the DevTools protocol: {solved} counted",
        flush=True,
    )
    heard = sum(
        _solve(live, chromium, case, link, *how)
        for (case, link), how in zip(asked, [*_HANDS.values()] * len(asked), strict=False)
    )
    print(f"{len(asked)} people behind them, by {', '.join(_HANDS)}: {heard} heard", flush=True)
    return [f"letters: {solved} counted, {len(asked) - heard} not heard"] * bool(solved or heard < len(asked))


#: How people answer a letter: with which browser, and what they do once they chose.
_HANDS: dict[str, tuple[dict[str, Any], Any]] = {
    "mouse": ({}, lambda page: page.get_by_role("button", name="Send").click()),
    "keyboard": ({}, lambda page: page.get_by_role("button", name="Send").press("Enter")),
    "touch": (people.TOUCH, lambda page: page.get_by_role("button", name="Send").tap()),
    "plain form": (people.PLAIN, lambda page: page.get_by_role("button", name="Send").click()),
}


def _case(live: Live, case: str) -> dict[str, Any]:
    return dict(live.session.get(f"{live.url}/api/follow-ups/{case}", timeout=30).json())


def _solve(live: Live, chromium: Any, case: str, link: str, browser: dict[str, Any], act: Any) -> bool:
    """One person says that it is solved; whether that was heard."""
    context = chromium.new_context(**browser)
    context.set_default_timeout(60_000)
    try:
        page = context.new_page()
        page.goto(f"{link}?answer=fixed")
        act(page)
        page.get_by_role("status").wait_for()
        return bool(_case(live, case)["status"] == "solved")
    finally:
        context.close()


def _answer(live: Live, chromium: Any, person: Person, mail: Mail) -> str | None:
    """One person answers; what is wrong with what was stored."""
    context = chromium.new_context(**person.browser)
    context.set_default_timeout(30_000)
    try:
        expected = person.act(Visit(context.new_page(), mail))
        stored = live.answer(mail.survey, channel="email", flags=[], excluded=False, **expected)
        counted = live.session.get(f"{live.url}/api/metrics?survey={mail.survey}", timeout=30).json()["n"]
        return None if counted == 1 else f"{counted} counted, {stored}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        context.close()


def _everybody(live: Live) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        page = live.session.get(f"{live.url}/api/people", params=query, timeout=30).json()
        found += page["items"]
        cursor = page["next"]
    return found


_PARTS = {"machines": _machines, "pressing": _pressing, "people": _people, "letters": _letters}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scanners", description=__doc__)
    parser.add_argument("--invitations", type=int, default=40, help="that only machines open")
    parser.add_argument("--seconds", type=float, default=30, help="that a page's scripts run")
    parser.add_argument("--tabs", type=int, default=100, help="pages open at once")
    parser.add_argument("--only", choices=_PARTS, help="one part of it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
