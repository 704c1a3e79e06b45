"""What mail scanners do with a mail: open all its links, in all the ways that have been seen, and act on the pages."""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from playwright.sync_api import Error

from tests.browser.mailed import Mail

#: Proxies and previews of mail and chat services, programs, and browsers that scanners pretend to be.
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
    "Go-http-client/1.1",
    "python-requests/2.32.3",
    "",
)


#: What a script can do so that the browser sends a form of the page, without any act that the browser saw.
SENDING = {
    "sends the form": "form.submit()",
    "sends the form by its prototype": "HTMLFormElement.prototype.submit.call(form)",
    "sends a copy of the form": "document.body.appendChild(form.cloneNode(true)).submit()",
    "sends what the form holds": "fetch(form.action, { method: 'POST', body: new FormData(form) })",
    "sends a score alone": "fetch(form.action, { method: 'POST', body: new URLSearchParams({ score: '9' }) })",
}

#: What else a script can do to answer.
PRESSING = {
    "asks the form to send itself": "form.requestSubmit()",
    "asks it to do so by its button": "form.requestSubmit(form.querySelector('button'))",
    "clicks every button": "all('button').forEach(each => each.click())",
    "clicks every point": "all('input[type=radio]').forEach(each => each.click())",
    "clicks every label": "all('label').forEach(each => each.click())",
    "clicks everything": "all('*').forEach(each => each.click?.())",
    "focuses, clicks and leaves everything": """
        all('*').forEach(each => { each.focus?.(); each.click?.(); each.blur?.() })""",
    "shows everything and clicks it": """
        all('[hidden]').forEach(each => { each.hidden = false })
        all('*').forEach(each => each.click?.())""",
    "chooses and tells so": """
        all('input').forEach(each => { each.checked = true; tell(each, Event, ['input', 'change', 'focusout']) })""",
    "writes a comment": """
        document.getElementById('more').classList.add('open')
        form.elements.comment.focus()
        document.execCommand('insertText', false, 'Fine')
        form.requestSubmit()""",
    "pretends a pointer": "all('*').forEach(each => tell(each, PointerEvent, ['pointerdown', 'pointerup', 'click']))",
    "pretends a finger": """
        all('*').forEach(each => tell(each, PointerEvent, ['pointerdown', 'pointerup'], { pointerType: 'touch' }))""",
    "pretends a mouse": "all('*').forEach(each => tell(each, MouseEvent, ['mousedown', 'mouseup', 'click']))",
    "pretends keys": """
        for (const key of ['Enter', ' ', 'a', 'ArrowLeft'])
          all('*').forEach(each => tell(each, KeyboardEvent, ['keydown', 'keypress', 'keyup'], { key }))""",
    "pretends an arrow and clicks": """
        all('input[type=radio]').forEach(each => {
          tell(each, KeyboardEvent, ['keydown'], { key: 'ArrowLeft' })
          each.click()
          each.blur()
        })""",
    "takes the button away and goes on": """
        document.getElementById('confirm')?.remove()
        all('button').forEach(each => each.click())
        form.requestSubmit()""",
}

#: All that a script can do.
SCRIPTS = SENDING | PRESSING

_TOOLS = """
    const form = document.forms[0]
    const all = selector => [...document.querySelectorAll(selector)]
    const tell = (target, Kind, types, more) => types.forEach(type => target.dispatchEvent(
      new Kind(type, { bubbles: true, cancelable: true, isPrimary: true, detail: 1, ...more })))"""


def run(page: Any, script: str) -> None:
    """Run a script on a page, such as one of SENDING and PRESSING."""
    page.evaluate(f"() => {{{_TOOLS}\n{script}\n}}")


def attempt(page: Any, script: str) -> None:
    """Run a script that may look for what only other pages have."""
    with contextlib.suppress(Error):
        run(page, script)


#: What a machine does by way of the browser's own tools, whose events are as a person's, and means nothing by.
HANDS: dict[str, Callable[[Any], Any]] = {
    "moves and scrolls": lambda page: (page.mouse.move(640, 300, steps=5), page.mouse.wheel(0, 400)),
    "presses keys that scroll": lambda page: [
        page.keyboard.press(key) for key in ("PageDown", "End", "ArrowUp")
    ],
    "presses keys that lead on": lambda page: [page.keyboard.press(key) for key in ("Tab", "Tab", "Escape")],
    "clicks with the other buttons": lambda page: [
        page.mouse.click(640, 300, button=button) for button in ("right", "middle")
    ],
}


def _click(page: Any, selector: str) -> None:
    """Click the first such element, if there is one."""
    for found in page.locator(selector).all()[:1]:
        found.click()


#: What a machine does by the same way, and nobody can tell from a person's answer.
CLICKS: dict[str, Callable[[Any], Any]] = {
    "clicks the middle": lambda page: page.mouse.click(640, 400),
    "clicks the first button": lambda page: _click(page, "button:visible"),
    "clicks the first point": lambda page: _click(page, "label:has(input[type=radio]):visible"),
    "presses Enter": lambda page: page.keyboard.press("Enter"),
}


def look(mail: Mail) -> None:
    """HEAD every link."""
    with requests.Session() as session:
        for url in mail.links:
            _expect(session.head(url, timeout=60), url)


def fetch(mail: Mail, agents: Sequence[str] = AGENTS) -> None:
    """GET every link, all agents at once."""

    def as_agent(agent: str) -> None:
        with requests.Session() as session:
            session.headers["User-Agent"] = agent
            for url in mail.links:
                _expect(session.get(url, timeout=60), url)

    with ThreadPoolExecutor(len(agents)) as pool:
        list(pool.map(as_agent, agents))


def browse(chromium: Any, mails: Iterable[Mail], seconds: float, tabs: int = 100) -> int:
    """Load every link in a browser, let its scripts run for `seconds` without any input; how many pages."""
    urls = [url for mail in mails for url in mail.links]
    for start in range(0, len(urls), tabs):
        context = chromium.new_context()
        context.set_default_timeout(120_000)
        for url in urls[start : start + tabs]:
            context.new_page().goto(url)
        context.pages[-1].wait_for_timeout(seconds * 1000)
        context.close()
    return len(urls)


def act(chromium: Any, mails: Iterable[Mail], acts: Iterable[Callable[[Any], Any]], seconds: float) -> int:
    """Open every link of the mails, each in a tab that is left open for `seconds` after the next of `acts` in turn was
    done in it; how many pages.
    """
    turn = itertools.cycle(acts)
    count = 0
    for mail in mails:
        context = chromium.new_context()
        for url in mail.links:
            page = context.new_page()
            page.goto(url)
            next(turn)(page)
            count += 1
        context.pages[-1].wait_for_timeout(seconds * 1000)
        context.close()
    return count


def _expect(reply: requests.Response, url: str) -> None:
    if reply.status_code != 200:
        raise AssertionError(f"{reply.status_code} for {url}")
