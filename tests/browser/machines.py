"""What mail scanners do with a mail: open every link in it, in all the ways that have been seen."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

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


def _expect(reply: requests.Response, url: str) -> None:
    if reply.status_code != 200:
        raise AssertionError(f"{reply.status_code} for {url}")
