"""One Chromium for all browser tests, and a fresh visitor for each."""

import pytest

from tests.browser import live as real
from tests.browser import site as sites

SILENT = {"reduced_motion": "reduce"}


@pytest.fixture
def site():
    with sites.running() as running:
        yield running


@pytest.fixture
def visitor(chromium):
    """A visitor's browser with nothing stored, whose pages must not complain."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    complaints: list[str] = []
    context.on("weberror", lambda event: complaints.append(str(event.error)))
    context.on(
        "console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None
    )
    context.complaints = complaints
    yield context
    context.close()


@pytest.fixture
def page(visitor):
    return visitor.new_page()


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    """The real service, one for all browser tests: each makes its own survey."""
    with real.running(tmp_path_factory.mktemp("live")) as service:
        yield service


@pytest.fixture
def browse(chromium):
    """Open a visitor's page with options of their own; none of these pages may complain."""
    contexts = []

    def browse(**options):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **SILENT, **options})
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.complaints = []
        context.on("weberror", lambda event: page.complaints.append(str(event.error)))
        context.on("console", lambda line: page.complaints.append(line.text) if line.type != "log" else None)
        contexts.append((context, page))
        return page

    yield browse
    for context, page in contexts:
        assert page.complaints == []
        context.close()
