"""The script a website embeds: the built widget with one survey's configuration inside."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

from surveys.widget import colours

BUILT = Path(__file__).parent / "dist" / "widget.min.js"

_PLACE = b"__EARSHOT_CONFIG__"
_PAPERS = {"light": "#ffffff", "dark": "#1b1e25"}
_INKS = {"light": "#1d2129", "dark": "#eceef2"}
COLOUR = "#2f5bea"


class Ui(TypedDict):
    """Words of the panel itself, in the configuration's one language."""

    survey: str
    """What the tab at the edge says."""
    send: str
    close: str
    saved: str
    """Said as soon as a score was chosen."""


class Link(TypedDict):
    """A link under the thanks, the same for every group; only http and https are shown."""

    text: str
    url: str


class Texts(TypedDict):
    """Everything the visitor reads, placeholders filled, as plain text."""

    question: str
    labels: dict[str, str]
    """By score as a string. With five points or fewer all labelled, the labels are the buttons."""
    follow_up: dict[str, str]
    """By group. A group without one goes to the thanks at once."""
    thanks: dict[str, str]
    """By group; every group of `groups` has one."""
    link: NotRequired[Link | None]
    ui: Ui


class Widget(TypedDict, total=False):
    """How and when the survey shows. Data attributes of the script tag override the marked ones."""

    mode: Literal["popover", "inline", "tab"]
    """Default "popover" (`data-mode`)."""
    position: Literal["bottom-right", "bottom-left", "top-right", "top-left"]
    """Corner of the popover; its side is the tab's edge. Default "bottom-right" (`data-position`)."""
    target: str | None
    """Selector of the element an inline survey stands in; default: the script tag's (`data-target`)."""
    color: str
    """`#rrggbb`, adapted where it could not be seen. Default blue."""
    theme: Literal["auto", "light", "dark"]
    """Default "auto": as the visitor's system says."""
    show_after_seconds: float | None
    """Seconds from the widget's start; None leaves it to the other moments. Default 0 (`data-after`)."""
    scroll_percent: float
    """Also once this share of the page was scrolled into view."""
    exit_intent: bool
    """Also when the pointer leaves through the top of the window."""
    click: str
    """Also when an element that matches this selector is clicked."""
    pages: list[str]
    """Patterns with `*` against the path, or the whole address unless they begin with `/`; `!` in front
    forbids. Query and fragment are not looked at. Default: all pages (`data-pages`, with commas)."""


class Config(TypedDict):
    """One survey as the widget needs it, in one language."""

    survey: str
    endpoint: str
    """Where the service is, without a slash at the end: `BASE_URL`."""
    min: int
    max: int
    groups: dict[str, tuple[int, int]]
    """Group → its lowest and highest score."""
    language: str
    dir: Literal["ltr", "rtl"]
    texts: Texts
    widget: Widget
    sampling: NotRequired[float]
    """Share of page loads of unknown visitors that may be asked, 0 to 1; default 1. For an identified person
    the service decides."""
    wait_after_answer_days: float
    wait_after_decline_days: float
    paused: bool
    """Show nothing; answers that wait in the browser are still delivered."""


def script(config: Config) -> bytes:
    """The JavaScript file for one survey and language. Raises ValueError for a colour that is none.

    The same configuration gives the same bytes.
    """
    return _built().replace(_PLACE, _literal(_with_defaults(config)))


def etag(content: bytes) -> str:
    """The strong entity tag of a script, in quotes (RFC 9110, 8.8.3)."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def palette(colour: str, theme: str = "auto") -> str:
    """The panel's colours as a style sheet of custom properties; the survey's own is made readable."""
    light, dark = (
        f":host{{color-scheme:{scheme};{declarations}}}" for scheme, declarations in schemes(colour).items()
    )
    return {"light": light, "dark": dark}.get(theme, f"{light}@media(prefers-color-scheme:dark){{{dark}}}")


def schemes(colour: str) -> dict[str, str]:
    """The declarations of a survey's colour on light and on dark paper, for the panel and the hosted page."""
    made = {}
    for scheme, paper in _PAPERS.items():
        accent = colours.readable(colour, paper)
        made[scheme] = (
            f"--paper:{paper};--ink:{_INKS[scheme]};--accent:{accent};--on:{colours.text_on(accent)}"
        )
    return made


def _with_defaults(config: Config) -> dict:
    widget = {"mode": "popover", "position": "bottom-right", "show_after_seconds": 0} | config["widget"]
    colour, theme = widget.pop("color", COLOUR), widget.pop("theme", "auto")
    return config | {"widget": widget | {"palette": palette(colour, theme)}}


def _literal(value: object) -> bytes:
    """JSON that is also safe as JavaScript and inside a `<script>` element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    for character in "<>\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


@cache
def _built() -> bytes:
    return BUILT.read_bytes()
