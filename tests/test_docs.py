"""The pages of docs/ say what is there, and so does what stands in the code."""

import importlib
import re
from pathlib import Path

import pytest

from tests.servers import ROOT

PROMISES = (ROOT / "docs" / "promises.md").read_text()
HOUSE = (ROOT / "docs" / "house.md").read_text()
THIS = Path(__file__).resolve()
CODE = [path for room in ("surveys", "feedback") for path in (ROOT / room).rglob("*.py")]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PROMISES))))
def test_what_proves_a_promise_is_there(path):
    assert (ROOT / path).exists()


def test_the_code_cites_only_promises_that_are_made():
    cited = {number for path in CODE for number in re.findall(r"docs/promises\.md, (P\d+)", path.read_text())}
    assert cited
    assert cited <= set(re.findall(r"\*\*(P\d+)\*\*", PROMISES))


#: Files that are written by hand, and may name others in comments and docstrings.
WRITTEN = [
    path
    for folder in ("surveys", "feedback", "migrations", "tests", "deploy")
    for kind in ("*.py", "*.mjs", "src/**/*.js", "*.html", "*.sh", "*.conf", "*.service")
    for path in (ROOT / folder).rglob(kind)
    if not {"data", "node_modules", "dist", ".peers"} & set(path.parts)
] + [ROOT / name for name in ("wsgi.py", "Makefile", "pyproject.toml")]

CITED = re.compile(
    r"(?<![\w./-])((?:surveys|feedback|migrations|tests|docs|deploy)/[\w/.-]*\w\.(?:py|md|mjs|js|json|html|css|txt|csv|tsv|conf|lua)"
    r"|[A-Z]{4,}\.md)\b"
)


def test_no_file_is_cited_that_is_not_there():
    assert CITED.findall("as docs/gone.md says (surveys/base/gone.py), /srv/docs/x.md does not") == [
        "docs/gone.md",
        "surveys/base/gone.py",
    ]
    cited = {name: path for path in WRITTEN for name in CITED.findall(path.read_text()) if path != THIS}
    assert len(cited) > 15
    assert {name: str(path) for name, path in cited.items() if not (ROOT / name).exists()} == {}


def lonely(docstring):
    """The lines of a docstring that hold a single word although their paragraph began before them."""
    lines = [line.strip() for line in docstring.splitlines()]
    return [
        line
        for before, line in zip(lines, lines[1:], strict=False)
        if before and len(line.split()) == 1 and not line.startswith("http")
    ]


#: What stands in three quotes at the head of a file, or right beneath the line that opens a class or function.
DOCSTRING = re.compile(r'(?:\A|:\n)\s*"""(.*?)"""', re.DOTALL)


def test_no_docstring_has_a_line_of_one_word():
    assert lonely("Says something about its\nname.\n\nMore.") == ["name."]
    python = [path for path in WRITTEN if path.suffix == ".py"]
    docstrings = [(path, text) for path in python for text in DOCSTRING.findall(path.read_text())]
    assert len(docstrings) > 3000
    assert [(str(path), words) for path, text in docstrings if (words := lonely(text))] == []


#: Folders with one file for each of a kind, which the map does not name one by one.
ONE_FOR_EACH = (
    "views",
    "schemas",
    "helpdesks",
    "mailreports",
    "metrics",
    "training",
    "demo",
    "dashboard",
    "trackers",
)


def test_every_module_stands_on_the_map_of_the_house():
    tree = HOUSE.split("```")[1]
    named = set(re.findall(r"[a-z_0-9]+", tree))
    modules = [path.relative_to(ROOT) for path in CODE if path.name != "__init__.py"]
    alone = [path for path in modules if not set(ONE_FOR_EACH) & set(path.parts)]
    found = [
        path for path in alone if "analysis/sentiment" not in str(path) and "analysis/topics" not in str(path)
    ]
    assert [
        str(path)
        for path in found
        if path.stem not in named and path.parts[-2] not in ("domain", "widget", "names")
    ] == []
    assert [
        folder for path in modules for folder in path.parts[1:-1] if folder not in named and folder != "names"
    ] == []


@pytest.mark.parametrize("page", ["docs/house.md", "CONTRIBUTING.md"])
def test_what_the_map_names_is_there(page):
    text = (ROOT / page).read_text()
    paths = set(re.findall(r"`((?:surveys|feedback|tests|docs|migrations|deploy)/[\w/.]+)`", text))
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    for name in re.findall(r"\b((?:surveys|feedback)\.[a-z_.]*[a-z_])\b", text):
        assert (ROOT / f"{name.replace('.', '/')}.py").exists() or (ROOT / name.replace(".", "/")).is_dir(), (
            name
        )


def anchors(text):
    """What `#…` may name in a page: its headings, as they are linked to."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_link_between_pages_leads_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").glob("*.md")]
    wrong, seen = [], 0
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", page.read_text()):
            seen += 1
            name, _, anchor = target.partition("#")
            other = (page.parent / name).resolve() if name else page
            if not other.exists() or (anchor and anchor not in anchors(other.read_text())):
                wrong.append(f"{page.relative_to(ROOT)}: {target}")
    assert wrong == []
    assert seen > 60


def test_every_command_that_measures_can_be_started():
    pages = "\n".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    commands = sorted(set(re.findall(r"python -m (tests\.[a-z0-9_.]*\w)", pages)))
    assert "tests.bench.scanners" in commands
    for command in commands:
        importlib.import_module(command)
