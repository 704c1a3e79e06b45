"""Invitations as they lie in a mailbox: sent by the real service, their links read out of the mail."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.browser.live import Live
from tests.surveys.mailbox import links_of


@dataclass(frozen=True)
class Mail:
    """One mail that arrived: the survey it is about, and where its links lead."""

    survey: str
    links: tuple[str, ...]

    @property
    def scores(self) -> dict[int, str]:
        """The link of each score."""
        found = {url: parse_qs(urlsplit(url).query).get("score") for url in self.links}
        return {int(score[0]): url for url, score in found.items() if score}

    @property
    def page(self) -> str:
        """The address of the page behind the score links."""
        return next(iter(self.scores.values())).partition("?")[0]


def invite(live: Live, surveys: Sequence[tuple[str, str]]) -> list[Mail]:
    """One new person for each survey and language is asked by mail; the mails, once the outbox has them all."""
    addresses = {}
    for number, (survey, language) in enumerate(surveys):
        addresses[f"p{number}-{survey}@customer.example"] = survey
        body = {"survey": survey, "person": {"email": [*addresses][-1], "language": language}}
        reply = live.session.post(f"{live.url}/api/triggers", json=body, timeout=30)
        assert reply.json()["decision"] == "scheduled", reply.text
    # A machine that is busy with browsers takes its time.
    end = time.monotonic() + 300 + len(addresses)
    while True:
        mails = read(live.directory)
        if addresses.keys() <= mails.keys():
            return [Mail(survey, tuple(links_of(mails[a]))) for a, survey in addresses.items()]
        assert time.monotonic() < end, f"{len(addresses.keys() & mails.keys())} of {len(addresses)} mails"
        time.sleep(0.2)


def ask_whether_solved(live: Live, count: int = 1) -> list[tuple[str, str]]:
    """So many new people have a case and are asked by mail whether it is solved: the case of each, and the link."""

    def call(path: str, **body: Any) -> dict[str, Any]:
        reply = live.session.post(f"{live.url}{path}", json=body or None, timeout=30)
        reply.raise_for_status()
        return dict(reply.json())

    survey, cases = live.survey(), {}
    for number in range(count):
        email = f"letter{number}-{survey.lower()}@customer.example"
        answer = call("/api/responses", survey=survey, score=1, person={"email": email})
        cases[email] = call("/api/follow-ups", response=answer["id"])["id"]
        call(f"/api/follow-ups/{cases[email]}/ask")
    end = time.monotonic() + 300
    while not cases.keys() <= (mails := read(live.directory)).keys():
        assert time.monotonic() < end, "no letter came"
        time.sleep(0.2)
    texts = {email: mails[email].get_body(("plain",)).get_content() for email in cases}
    return [(case, re.findall(r"http\S+/f/[^\s?]+", texts[email])[0]) for email, case in cases.items()]


def read(directory: Path) -> dict[str, Any]:
    """The newest mail of each address in the service's outbox."""
    found = {}
    for path in sorted((directory / "outbox").glob("*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        found[mail["To"].addresses[0].addr_spec] = mail
    return found
