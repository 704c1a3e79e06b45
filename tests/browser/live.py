"""The real service for browser tests, and what a team would read of it over the API."""

import contextlib
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from tests import servers
from tests.visitor import PASSWORD

ADMIN_KEY = "ek_browser_tests_0123456789abcdefghijkl"

#: axe's rules for WCAG 2.2 AA and its best practices.
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

#: For pages with frames in a sandbox, which axe cannot reach: what they show is looked at as a page of its own.
AXE_WITHOUT_FRAMES = {**AXE, "iframes": False}


class Live:
    """One running service at `url`; its files lie in `directory`."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url, self.directory = url, directory
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {ADMIN_KEY}"

    def survey(self, metric: str = "nps", **values: Any) -> str:
        """Make a survey and return its id."""
        body = {"name": "Browser", "metric": metric, **values}
        reply = self.session.post(f"{self.url}/api/surveys", json=body, timeout=10)
        reply.raise_for_status()
        return reply.json()["id"]

    def change(self, survey: str, **values: Any) -> None:
        """Change a survey."""
        self.session.patch(f"{self.url}/api/surveys/{survey}", json=values, timeout=10).raise_for_status()

    def surveys(self) -> list[dict[str, Any]]:
        """All surveys, newest first, from every page of the list."""
        found: list[dict[str, Any]] = []
        query: dict[str, str] = {}
        while True:
            page = self.session.get(f"{self.url}/api/surveys", params=query, timeout=60).json()
            found += page["items"]
            if page["next"] is None:
                return found
            query = {"cursor": page["next"]}

    def first_survey(self) -> str:
        """The survey that a first start makes."""
        return self.surveys()[-1]["id"]

    def member(self, role: str = "administrator", **values: Any) -> dict[str, Any]:
        """A new member who has come in by the invitation: options of a browser in which they are signed in."""
        body = {"email": f"{uuid.uuid4()}@acme.example", "name": "Ann Miller", "role": role, **values}
        reply = self.session.post(f"{self.url}/api/members", json=body, timeout=10)
        reply.raise_for_status()
        invitation = reply.json()["url"]
        with requests.Session() as browser:
            page = browser.get(invitation, timeout=10)
            token = re.findall('name="token" value="([^"]+)"', page.text)[0]
            form = {"token": token, "name": body["name"], "password": PASSWORD}
            browser.post(invitation, data=form, timeout=30, allow_redirects=False).raise_for_status()
            kept = [(cookie.name, cookie.value) for cookie in browser.cookies]
        cookies = [
            {
                "name": name,
                "value": value,
                "domain": urlsplit(self.url).hostname,
                "path": "/",
                "expires": -1,
                "httpOnly": True,
                "secure": False,
                "sameSite": "Lax",
            }
            for name, value in kept
        ]
        return {"storage_state": {"cookies": cookies, "origins": []}}

    def answers(self, survey: str) -> list[dict[str, Any]]:
        """What is stored for a survey, newest first."""
        reply = self.session.get(f"{self.url}/api/feed", params={"survey": survey}, timeout=10)
        reply.raise_for_status()
        return reply.json()["items"]

    def answer(self, survey: str, among: str = "", **expected: Any) -> dict[str, Any]:
        """The one answer to a survey, as soon as it holds what is expected.

        `among`: a field that tells it from others of the same survey.
        """
        end = time.monotonic() + 15
        while True:
            found = [each for each in self.answers(survey) if not among or each[among] == expected[among]]
            if len(found) == 1 and expected.items() <= found[0].items():
                return found[0]
            assert time.monotonic() < end, (expected, found)
            time.sleep(0.05)


@contextlib.contextmanager
def running(directory: Path, **settings: str) -> Iterator[Live]:
    """A fresh service on SQLite in `directory`."""
    environment = {"DATA_DIR": str(directory), "ADMIN_KEY": ADMIN_KEY, "PUBLIC_LIMIT": "0", **settings}
    with servers.service(environment) as service:
        live = Live(service.url, directory)
        yield live
        live.session.close()
