"""No page shows anybody a link or a button that is not for them: role by role, all are followed and pressed."""

from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import urldefrag, urlsplit

import pytest

from feedback.models import Placement, Reading, Theme, Topic
from surveys.base import clock
from tests.conftest import ON_SQLITE
from tests.visitor import signed_in

#: What ends the session that looks around, or is no page.
LEFT_OUT = ("/team/sign-out", "/team/static/")


class _Ways(HTMLParser):
    """Where a page leads: the addresses of its links, and its forms with what a button of each sends."""

    def __init__(self, text):
        super().__init__()
        self.links, self.forms = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "a" and (given.get("href") or "").startswith("/team"):
            self.links.add(urldefrag(given["href"]).url)
        elif tag == "form":
            self.forms.append((given.get("method", "get"), given.get("action"), {}, []))
        elif self.forms and given.get("name"):
            if tag == "button":
                self.forms[-1][3].append((given["name"], given.get("value") or ""))
            elif tag == "input" and given.get("type") not in ("checkbox", "radio"):
                self.forms[-1][2][given["name"]] = given.get("value") or ""


@pytest.fixture
def survey(make):
    """A bit of everything that pages lead to."""
    found, now = make.survey(name="Shop"), clock.now()
    Theme.insert(id="thm_ship", label="Shipping", settled=True, created_at=now).execute()
    for at, label in enumerate(("Late", "Lost")):
        Topic.insert(
            id=f"top_{label}", label=label, theme="thm_ship", status="shipped", shipped_at=now, created_at=now
        ).execute()
        row = make.response(
            found,
            (2, 9)[at],
            now - timedelta(hours=at + 1),
            comment=f"It was {label}",
            person={"id": f"p{at}", "name": "Ann", "company": "Acme"},
            agent_id="17",
        )
        Placement.insert(topic=f"top_{label}", response=row.key, evidence=[]).execute()
        Reading.insert(
            key=row.key, language="en", label="negative", engine="t", read_at=now, words=[]
        ).execute()
    return found


@ON_SQLITE
@pytest.mark.parametrize(
    "role",
    [
        "viewer",
        "agent",
        pytest.param("editor", marks=pytest.mark.prove),
        "limited",
        pytest.param("administrator", marks=pytest.mark.prove),
    ],
)
def test_no_link_and_no_button_leads_to_what_its_reader_may_not(world, survey, role):
    limits = {"surveys": [survey.id]} if role == "limited" else {}
    visitor = signed_in(world, "editor" if limits else role, agent="17", **limits)
    waiting, seen, kinds, forms, dead = ["/team"], set(), {}, [], []
    while waiting:
        address = waiting.pop()
        kind = _rule(world, address)
        if address in seen or address.startswith(LEFT_OUT) or kinds.get(kind, 0) == 2:
            continue
        seen.add(address)
        kinds[kind] = kinds.get(kind, 0) + 1
        answer = visitor.get(address)
        if answer.status_code not in (200, 303):
            dead.append((address, answer.status_code))
        if answer.status_code == 303:
            waiting.append(answer.headers["Location"])
        elif answer.mimetype == "text/html":
            ways = _Ways(answer.get_data(as_text=True))
            waiting += sorted(ways.links)
            forms += [
                (action or address, {**given, **dict([button] if button else [])})
                for method, action, given, buttons in ways.forms
                if method == "post"
                for button in (buttons or [None])
            ]
    assert len(kinds) > (2 if role == "agent" else 15)
    sent = set()
    for address, given in forms:
        what = (_rule(world, address, "POST"), given.get("do"))
        if what not in sent and not address.startswith(LEFT_OUT):
            sent.add(what)
            if visitor.post(address, given).status_code in (403, 500):
                dead.append((address, given))
    assert dead == []


def _rule(world, address, method="GET"):
    return world.app.url_map.bind("localhost").match(urlsplit(address).path, method=method)[0]
