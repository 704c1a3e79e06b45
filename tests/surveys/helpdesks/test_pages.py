"""Each helpdesk has its page, and the templates that people paste are read as meant."""

import json
import re
from pathlib import Path

import pytest

from surveys.helpdesks import HELPDESKS
from surveys.helpdesks.helpdesk import Ignored
from tests.surveys.helpdesks.cases import told

PAGES = Path(__file__).parents[3] / "docs" / "helpdesks"
SECTIONS = [
    "## Setting it up",
    "## The template",
    "## Proof",
    "## What is written back",
    "## Troubleshooting",
]
FILLED = {
    "ticket.id": "81",
    "ticket.title": 'Refund "M"',
    "ticket.subject": 'Refund "M"',
    "ticket.status": "Solved",
    "ticket.state.name": "closed",
    "ticket.tags": "refund vip",
    "ticket.requester.email": "robin@example.com",
    "ticket.customer.email": "robin@example.com",
    "ticket.requester.name": "Robin Vale",
    "ticket.customer.fullname": "Robin Vale",
    "ticket.assignee.name": "Sam Ortiz",
    "ticket.agent.name": "Sam Ortiz",
    "ticket.owner.fullname": "Sam Ortiz",
    "ticket.group.name": "Billing",
    "ticket.last_close_at": "2026-09-14 10:15:30 UTC",
}


def template(kind: str) -> str:
    return re.search(
        r"## The template\n\n```(?:json)?\n(.*?)```", (PAGES / f"{kind}.md").read_text(), re.DOTALL
    )[1]


def rendered(kind: str, values: dict[str, str]) -> bytes:
    """The template as the helpdesk would send it: known placeholders filled, unknown ones left."""

    def fill(found: re.Match) -> str:
        return json.dumps(values.get(found[1], found[0]))[1:-1]

    return re.sub(r"(?:\{\{|#\{)([\w.]+)\}\}?", fill, template(kind)).encode()


def test_every_helpdesk_has_a_page_and_the_index_lists_it():
    index = (PAGES / "README.md").read_text()
    assert {page.stem for page in PAGES.glob("*.md")} == {*HELPDESKS, "README"}
    for kind in HELPDESKS:
        page = (PAGES / f"{kind}.md").read_text()
        assert f"({kind}.md)" in index
        assert all(section in page for section in SECTIONS), kind


@pytest.mark.parametrize("kind", ["zendesk", "freshdesk", "zammad"])
def test_a_pasted_template_is_read_as_meant(kind):
    event = told(kind, rendered(kind, FILLED))
    assert (event.kind, event.ticket.id, event.ticket.subject) == ("solved", "81", 'Refund "M"')
    assert (event.customer.email, event.customer.name) == ("robin@example.com", "Robin Vale")
    assert (event.agent.name, event.team.name) == ("Sam Ortiz", "Billing")
    assert event.ticket.tags == (() if kind == "zammad" else ("refund", "vip"))


@pytest.mark.parametrize("kind", ["zendesk", "freshdesk", "zammad"])
def test_a_template_that_nobody_rendered_is_ignored(kind):
    assert isinstance(told(kind, rendered(kind, {})), Ignored)


def test_the_generic_template_is_an_event():
    event = told("generic", template("generic").encode())
    assert (event.kind, event.ticket.id, event.customer.company, event.properties) == (
        "solved",
        "A-1",
        "Example Co",
        {"plan": "pro"},
    )
