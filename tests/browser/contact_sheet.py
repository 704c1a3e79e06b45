"""Every metric as widget, page and mail, in several languages, light and dark, on one sheet to look at.

`python -m tests.browser.contact_sheet FOLDER [language …]` draws them into the folder, with index.html around them.
"""

import email
import sys
import tempfile
from email import policy
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from surveys.domain.metrics import METRICS
from tests import servers
from tests.browser import live as real
from tests.browser.live import Live
from tests.conftest import FLAGS

LANGUAGES = ("en", "de", "ar", "ja")

SCHEMES = ("light", "dark")

#: What is drawn, and how wide.
KINDS = {"widget": 400, "page": 360, "wide": 1280, "mail": 700}


def main(folder: Path, languages: tuple[str, ...]) -> None:
    """Draw the sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="earshot-sheet-") as data,
        real.running(Path(data)) as live,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=servers.chromium_path(), args=FLAGS)
        rows = [
            _row(live, chromium, folder, metric, language) for metric in METRICS for language in languages
        ]
        chromium.close()
    style = "body{display:grid;gap:8px;background:#888;font:16px sans-serif}img{zoom:.5;vertical-align:top}"
    head = f"<!doctype html><meta charset=utf-8><title>Contact sheet</title><style>{style}</style>"
    (folder / "index.html").write_text(head + "\n".join(rows), encoding="utf-8")


def _row(live: Live, chromium: Any, folder: Path, metric: str, language: str) -> str:
    survey = live.survey(metric, languages=[language], product="Acme")
    names = []
    for scheme in SCHEMES:
        for kind, width in KINDS.items():
            context = chromium.new_context(
                viewport={"width": width, "height": 600}, color_scheme=scheme, reduced_motion="reduce"
            )
            page = context.new_page()
            _open(page, live, kind, survey, metric, language)
            names.append(f"{metric}-{language}-{scheme}-{kind}.png")
            page.screenshot(path=folder / names[-1], full_page=kind != "widget")
            context.close()
    return (
        f"<div>{metric} {language}<br>" + "".join(f'<img src="{name}" alt="">' for name in names) + "</div>"
    )


def _open(page: Any, live: Live, kind: str, survey: str, metric: str, language: str) -> None:
    """Show a survey with a score chosen, as one of KINDS."""
    if kind == "mail":
        address = f"{live.url}/api/surveys/{survey}/preview.eml?lang={language}"
        mail = email.message_from_bytes(live.session.get(address, timeout=30).content, policy=policy.default)
        page.set_content(mail.get_body(("html",)).get_content())
    elif kind == "widget":
        page.goto(f"{live.url}/demo/look?metric={metric}&lang={language}")
        page.get_by_role("dialog").get_by_role("radio").nth(1).click()
    else:
        page.goto(f"{live.url}/s/{survey}")
        page.get_by_role("radio").nth(1).click()
        page.locator("#kept .fine").wait_for()


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(sys.argv[2:]) or LANGUAGES)
