"""Each sender of mail reports has its page, and what the pages say of secrets is so."""

import re
from pathlib import Path

import pytest

from surveys.mailreports import REPORTERS

PAGES = Path(__file__).parents[3] / "docs" / "mail"
SECTIONS = ["## Setting it up", "## Proof", "## What is read", "## Troubleshooting"]


def test_every_sender_has_a_page_and_the_index_lists_it():
    index = (PAGES / "README.md").read_text()
    assert {page.stem for page in PAGES.glob("*.md")} == {*REPORTERS, "README"}
    for kind in REPORTERS:
        page = (PAGES / f"{kind}.md").read_text()
        assert f"| `{kind}` |" in index
        assert all(section in page for section in SECTIONS), kind


@pytest.mark.parametrize("kind", REPORTERS)
def test_the_body_that_is_to_be_pasted_names_its_kind_and_a_secret_where_one_is_needed(kind):
    body = re.search(r"-d '(\{.*?\})'", (PAGES / f"{kind}.md").read_text())[1]
    assert f'"kind": "{kind}"' in body
    assert ('"secret"' in body) == (kind == "ses" or REPORTERS[kind].problem(None) is not None)
