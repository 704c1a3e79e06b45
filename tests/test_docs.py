"""The pages of docs/ say what is there."""

import re

import pytest

from tests.servers import ROOT

PROMISES = (ROOT / "docs" / "promises.md").read_text()
CODE = [path for room in ("surveys", "feedback") for path in (ROOT / room).rglob("*.py")]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PROMISES))))
def test_what_proves_a_promise_is_there(path):
    assert (ROOT / path).exists()


def test_the_code_cites_only_promises_that_are_made():
    cited = {number for path in CODE for number in re.findall(r"docs/promises\.md, (P\d+)", path.read_text())}
    assert cited
    assert cited <= set(re.findall(r"\*\*(P\d+)\*\*", PROMISES))


def test_the_code_cites_only_pages_that_are_there():
    cited = {name for path in CODE for name in re.findall(r"docs/[\w/-]+\.md", path.read_text())}
    assert cited
    assert [name for name in sorted(cited) if not (ROOT / name).exists()] == []
