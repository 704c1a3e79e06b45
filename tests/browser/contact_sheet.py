"""All that customers see, in several languages, light and dark, on sheets to look at.

`python -m tests.browser.contact_sheet FOLDER [word …]` draws them into the folder: `sheet-….png` for each
metric and scheme, with widget, page and mail, and one for where mails lead else; index.html leads to all. It says when
this machine lacks letters of a language. The words are languages, metrics and `others`, where not all are wanted.
"""

import base64
import email
import sys
import tempfile
from collections.abc import Iterable, Mapping
from email import policy
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from surveys.domain.metrics import METRICS
from tests import servers
from tests.browser import live as real
from tests.browser import mailed
from tests.browser.live import Live
from tests.conftest import FLAGS

LANGUAGES = ("en", "de", "ar", "ja")

SCHEMES = ("light", "dark")

#: What is drawn of each metric, and how wide.
KINDS = {"widget": 400, "page": 360, "wide": 1280, "mail": 700}

#: Where mails lead else, and what goes wrong, each as wide as a phone; and the panel with the company in it.
OTHERS = ("tapped", "me", "unsubscribe", "gone", "company")

PHONE = 360

#: Letters of each script, two that no font draws alike, and the package of Debian that has them.
LETTERS = {
    "Arabic": ("عم", "fonts-noto-core"),
    "Japanese": ("日本", "fonts-noto-cjk"),
    "faces in mail": ("😀😞", "fonts-noto-color-emoji"),
}

#: Whether two letters look alike, as they do where a font has neither.
_ALIKE = """([first, second]) => {
  const drawn = letter => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 64 })
    const context = canvas.getContext('2d')
    context.font = '40px system-ui, sans-serif'
    context.fillText(letter, 8, 48)
    return canvas.toDataURL()
  }
  return drawn(first) == drawn(second)
}"""

LOGO = """<svg xmlns="http://www.w3.org/2000/svg" width="300" height="80" viewBox="0 0 150 40" fill="none"
 stroke="#17714f" stroke-width="4"><circle cx="20" cy="24" r="12"/><circle cx="60" cy="24" r="12"/>
<path d="M20 24 32 8h18l10 16M32 8l8 16h20M86 8v28M100 36V8h16M100 22h12M124 8l10 28 10-28"/></svg>"""

STYLE = """body{margin:8px;background:#888;font:16px sans-serif}section{width:max-content}
div{display:flex;gap:8px;align-items:start;margin-top:8px}img{zoom:.5}"""


def main(folder: Path, words: Iterable[str]) -> None:
    """Draw the sheets."""
    words = set(words)
    parts = [each for each in (*METRICS, "others") if each in words] or [*METRICS, "others"]
    languages = sorted(words - {*parts}) or LANGUAGES
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="earshot-sheet-") as data,
        real.running(Path(data)) as live,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=servers.chromium_path(), args=FLAGS)
        page = chromium.new_page()
        for script, package in missing(page, LETTERS).items():
            print(f"No letters here for {script}: sudo apt-get install {package}", file=sys.stderr)
        _brand(live, page)
        sheets = {}
        for scheme in SCHEMES:
            browser = _Browser(chromium, scheme)
            for part in parts:
                draw = _others if part == "others" else partial(_of_metric, part)
                sheets[f"{part}-{scheme}"] = [draw(live, browser, folder, language) for language in languages]
            browser.close()
        for name, rows in sheets.items():
            html = f"<!doctype html><meta charset=utf-8><title>{name}</title><style>{STYLE}</style><section>"
            (folder / f"sheet-{name}.html").write_text(html + "\n".join(rows), encoding="utf-8")
            page.goto((folder / f"sheet-{name}.html").absolute().as_uri())
            page.locator("section").screenshot(path=folder / f"sheet-{name}.png")
        chromium.close()
    links = (
        f'<p><a href="{each.stem}.html">{each.stem}</a></p>' for each in sorted(folder.glob("sheet-*.html"))
    )
    (folder / "index.html").write_text(
        f"<!doctype html><title>Sheets</title>{''.join(links)}", encoding="utf-8"
    )


def missing(page: Any, letters: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """What of `letters` (script → two letters, package) cannot be drawn here: script → package."""
    return {script: package for script, (two, package) in letters.items() if page.evaluate(_ALIKE, [*two])}


class _Browser:
    """Pages of any width in one scheme, each in a browser that reads a language."""

    def __init__(self, chromium: Any, scheme: str) -> None:
        self._chromium, self.scheme = chromium, scheme
        self._contexts: dict[tuple[int, str], Any] = {}

    def page(self, width: int, language: str) -> Any:
        if (width, language) not in self._contexts:
            self._contexts[width, language] = self._chromium.new_context(
                viewport={"width": width, "height": 600},
                color_scheme=self.scheme,
                reduced_motion="reduce",
                locale=language,
            )
        return self._contexts[width, language].new_page()

    def close(self) -> None:
        for each in self._contexts.values():
            each.close()


def _brand(live: Live, page: Any) -> None:
    """A company with a logo for light paper, as PNG: mail programs show no drawing."""
    page.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{LOGO}")
    logo = base64.b64encode(page.locator("svg").screenshot(omit_background=True)).decode()
    body = {
        "name": "Acme Bikes",
        "logo": {"light": f"data:image/png;base64,{logo}"},
        "address": "1 Mill Lane\nLeeds LS1 4AA",
        "privacy_url": "https://acme.example/privacy",
    }
    live.session.put(f"{live.url}/api/brand", json=body, timeout=30).raise_for_status()


def _of_metric(metric: str, live: Live, browser: _Browser, folder: Path, language: str) -> str:
    survey = live.survey(metric, languages=[language], product="Acme")
    names = []
    for kind, width in KINDS.items():
        page = browser.page(width, language)
        _open(page, live, kind, survey, metric, language)
        names.append(
            _drawn(page, folder, f"{metric}-{language}-{browser.scheme}-{kind}.png", kind != "widget")
        )
    return _row(names)


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


def _others(live: Live, browser: _Browser, folder: Path, language: str) -> str:
    survey = live.survey(languages=[language], product="Acme", ask_contact=True)
    [mail] = mailed.invite(live, [(survey, language)])
    led = {kind: next(url for url in mail.links if f"/{kind}/" in url) for kind in ("me", "u")}
    addresses = {
        "tapped": mail.scores[9],
        "unsubscribe": led["u"],
        "me": led["me"],
        "gone": f"{live.url}/s/none",
        "company": f"{live.url}/demo/look?metric=csat&lang={language}&in_widget=1",
    }
    names = []
    for kind in OTHERS:
        page = browser.page(PHONE if kind != "company" else KINDS["widget"], language)
        if kind == "me":
            page.goto(mail.scores[9])
            page.mouse.click(5, 5)
            page.locator("#kept .fine").wait_for()
        page.goto(addresses[kind])
        if kind == "company":
            page.get_by_role("dialog").wait_for()
        names.append(_drawn(page, folder, f"{kind}-{language}-{browser.scheme}.png", kind != "company"))
    return _row(names)


def _drawn(page: Any, folder: Path, name: str, whole: bool) -> str:
    """Draw a page, whole or as far as the window shows it, and close it; the file's name."""
    page.screenshot(path=folder / name, full_page=whole)
    page.close()
    return name


def _row(names: Iterable[str]) -> str:
    return "<div>" + "".join(f'<img src="{name}" alt="">' for name in names) + "</div>"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
