"""The built scripts: the widget with a survey's rules and words inside, and those of the service's own pages."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict
from urllib.parse import quote

from surveys.widget import colours, drawings

BUILT = Path(__file__).parent / "dist"

#: Where the server puts something into a built file.
_PLACE = re.compile(rb"__EARSHOT_(RULES|MOMENTS|SURVEY)__")
#: What a survey is drawn on and written in.
PAPERS = {"light": "#ffffff", "dark": "#1b1e25"}
INKS = {"light": "#1b1e25", "dark": "#eeeeee"}
COLOUR = "#2f5bea"


PAGES = (
    "A pattern for the address of a page: `/shop/*`, `https://*.example/*`, `/#/cart*`, `/pay?step=2`. `*` is anything "
    "up to a `?` or `#`, `!` in front forbids. Query and fragment count where the pattern has them; what follows them, "
    "or stands before the parameter that is named, does not."
)


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
    """By score as a string; those of the ends stand under a scale of numbers or drawings."""
    follow_up: dict[str, str]
    """By group. A group without one goes to the thanks at once."""
    choices: NotRequired[dict[str, list[tuple[str, str]]]]
    """By group: what can be chosen, as (what is kept, what is read). A group without gets a field for text."""
    thanks: dict[str, str]
    """By group; every group of `groups` has one."""
    contact: NotRequired[tuple[str, str, str]]
    """Where it is asked whether we may write: the question, and what allows an answer, and news."""
    link: NotRequired[Link | None]
    ui: Ui


class Brand(TypedDict, total=False):
    """What of the company the panel wears beside its colour."""

    name: str
    """Stands where there is no logo, and for who does not see it."""
    logos: dict[str, tuple[str, int, int]]
    """By the scheme it is drawn for, "light" or "dark": address, width and height in pixels. One serves for both."""
    corner: int
    """Pixels."""
    font: str
    """A list of names as a style sheet has them."""


class Widget(TypedDict, total=False):
    """How and when the survey shows. Data attributes of the script tag override the marked ones."""

    mode: Literal["popover", "inline", "tab"]
    """Default "popover" (`data-mode`)."""
    position: Literal["bottom-right", "bottom-left", "top-right", "top-left"]
    """Corner of the popover; its side is the tab's edge. Default "bottom-right" (`data-position`)."""
    target: str | None
    """Selector of the element an inline survey stands in; default: the script tag's (`data-target`)."""
    color: str
    """`#rrggbb`, kept as it is; what stands on it, and the edges around it, are made to be seen. Default blue."""
    theme: Literal["auto", "light", "dark"]
    """Default "auto": as the visitor's system says."""
    show_after_seconds: float | None
    """Seconds in which the visitor sees the page; None leaves it to the other moments. Default 8 for a popover, else 0
    (`data-after`)."""
    scroll_percent: float
    """Also once this share of the page was scrolled into view."""
    exit_intent: bool
    """Also when the pointer leaves through the top of the window."""
    click: str
    """Also when an element that matches this selector is clicked."""
    device: bool
    """Tell, as properties, on what kind of device and in which family of browsers the answer is given."""
    pages: list[str]
    """See PAGES. Default: all pages (`data-pages`, with commas)."""


class Config(TypedDict):
    """One survey as the widget needs it, in one language."""

    survey: str
    endpoint: str
    """Where the service is, without a slash at the end: `BASE_URL`."""
    min: int
    max: int
    scale: NotRequired[Literal["numbers", "words", "faces", "stars", "thumbs"]]
    """How the points are drawn. Without: five points or fewer that all have a label are words, others numbers."""
    groups: dict[str, tuple[int, int]]
    """Group → its lowest and highest score."""
    language: str
    dir: Literal["ltr", "rtl"]
    texts: Texts
    widget: Widget
    brand: NotRequired[Brand]
    """Where the company is to be seen in the panel too."""
    sampling: NotRequired[float]
    """Share of page loads of unknown visitors that may be asked, 0 to 1; default 1. For an identified person
    the service decides."""
    wait_after_answer_days: float
    wait_after_decline_days: float
    many: NotRequired[bool]
    """Several of the choices may be chosen."""
    paused: bool
    """Show nothing; answers that wait in the browser are still delivered."""


class Files(NamedTuple):
    """What a website loads for one survey and language: `whole`, or `loader` and, once it shows, `panel`."""

    whole: bytes
    """Everything in one file."""

    loader: bytes
    """The rules, and no word that the visitor reads."""
    panel: bytes
    """The panel, its words, and answers on their way."""
    integrity: str
    """Of the panel (W3C Subresource Integrity); also the query that makes its address immutable."""


def files(config: Config) -> Files:
    """Both files. The same configuration gives the same bytes."""
    widget = config["widget"]
    sheet = palette(colour_of(widget), widget.get("theme", "auto")) + _styles(config) + _worn(config)
    words = {b"SURVEY": _words(config, sheet)}
    kind = _file(config)
    panel = _filled(_cornered(_built(f"{kind}.min.js"), config), words)
    integrity = "sha256-" + base64.b64encode(hashlib.sha256(panel).digest()).decode()
    whole = _cornered(_built(f"whole-{kind}.min.js"), config)
    return Files(
        _filled(whole, words | _rules(config, "")),
        _filled(_built("loader.min.js"), _rules(config, integrity)),
        panel,
        integrity,
    )


def inline(name: str) -> str:
    """A script that stands inside the service's own pages: "page", "guarded" or "kept" (src/hosted)."""
    return _built(f"{name}.min.js").decode()


def _file(config: Config) -> Literal["numbers", "names", "drawings", "choices"]:
    """What the survey needs of the panel: a row of numbers, a list of words, a row of drawings, or any with choices."""
    if config["texts"].get("choices") or config["texts"].get("contact"):
        return "choices"
    scale = _scale(config)
    return "names" if scale == "words" else "drawings" if drawings.paths(scale) else "numbers"


def _scale(config: Config) -> str:
    labels = _labels(config)
    return config.get("scale") or ("words" if len(labels) < 6 and all(labels) else "numbers")


def etag(content: bytes, encoding: str = "") -> str:
    """The strong entity tag of one encoding of a file, in quotes (RFC 9110, 8.8.3)."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}{encoding and "-" + encoding}"'


def colour_of(widget: Mapping[str, Any]) -> str:
    """The colour of a survey; ours where it chose none, or what is stored is none.

    Earlier versions stored any text that only began as a colour does.
    """
    chosen = str(widget.get("color") or "").strip()
    return chosen if colours.is_one(chosen) else COLOUR


def palette(colour: str, theme: str = "auto") -> str:
    """The panel's colours as a style sheet of custom properties."""
    made = schemes(colour)
    if theme in made:
        return _everywhere(theme, made[theme])
    light = made["light"].split(";")
    other = [line for line in made["dark"].split(";") if line not in light]
    dark = _everywhere("dark", ";".join(other))
    return f"{_everywhere('light', made['light'])}@media(prefers-color-scheme:dark){{{dark}}}"


def _everywhere(scheme: str, declarations: str) -> str:
    # On every element: the panel's sheet resets the host, and `all` includes the colour scheme.
    return f"*{{color-scheme:{scheme};{declarations}}}".replace("#ffffff", "#fff").replace("#eeeeee", "#eee")


def notes(widget: Mapping[str, Any]) -> list[str]:
    """What the survey's team should know of its looks: where its colour needs edges of another one, and of which."""
    colour, theme = colour_of(widget), widget.get("theme", "auto")
    edges = {scheme: colours.readable(colour, paper) for scheme, paper in PAPERS.items()}
    return [
        f"widget.color: {colour} cannot be told from the {scheme} panel; it is edged with {edge} there."
        for scheme, edge in edges.items()
        if edge != colour and theme in ("auto", scheme)
    ]


def schemes(colour: str) -> dict[str, str]:
    """The declarations of a survey's colour on light and on dark paper, for the panel and the hosted page.

    --accent is the colour itself, --on what can be read on it, --edge what can be told from the paper.
    """
    return {
        scheme: f"--paper:{paper};--ink:{INKS[scheme]};--edge:{colours.readable(colour, paper)};"
        f"--accent:{colour};--on:{colours.text_on(colour)}"
        for scheme, paper in PAPERS.items()
    }


def _words(config: Config, sheet: str) -> bytes:
    """What the panel needs, in the order in which src/page.js takes it: names would only make it longer."""
    texts, ui = config["texts"], config["texts"]["ui"]
    groups = [
        [key, high, texts["follow_up"].get(key, ""), texts["thanks"][key], *_given(texts.get("choices"), key)]
        for key, (_, high) in sorted(config["groups"].items(), key=lambda item: item[1])
    ]
    words = [
        config["language"],
        config["dir"],
        texts["question"],
        config["min"],
        _labels(config),
        groups,
        [ui["survey"], ui["send"], ui["close"], ui["saved"]],
        sheet,
        int(config.get("many", False)),
        config["wait_after_answer_days"],
        config["wait_after_decline_days"],
        _drawn(config),
    ]
    return _literal(words)[:-1] + b"".join(b"," + code for code in _extras(config)) + b"]"


def _extras(config: Config) -> list[bytes]:
    """What not every survey has, functions and words; the last ones left out where there are none."""
    code = {name: text.encode() for name, text in _parts("extras").items()}
    link, contact = config["texts"].get("link"), config["texts"].get("contact")
    extras = [b"0", code["device"] if config["widget"].get("device") else b"0", _literal(contact or 0)]
    # No `javascript:` and the like.
    if link and re.match("https?:", link["url"]):
        extras[0] = b"e=>(%s)(e,%s,%s)" % (code["link"], _literal(link["text"]), _literal(link["url"]))
    while extras and extras[-1] == b"0":
        extras.pop()
    return extras


def _drawn(config: Config) -> Any:
    """How the points are drawn: 0 for numbers, 1 for words, else the scale's name and its paths."""
    scale = _scale(config)
    paths = drawings.paths(scale)
    return 1 if scale == "words" else [scale, *paths] if paths else 0


def _styles(config: Config) -> str:
    """The style sheets of what not every survey has."""
    used = {
        "eleven": len(_labels(config)) == 11,
        "drawn": drawings.paths(_scale(config)),
        "stars": _scale(config) == "stars",
        "japanese": config["language"] == "ja",
        "leftward": config["dir"] == "rtl",
        "link": config["texts"].get("link"),
    }
    return "".join(_parts("styles")[name] for name, is_used in used.items() if is_used)


def _worn(config: Config) -> str:
    """The company's font, and its logo or name, as a style sheet; the site's own `--earshot-font` says more."""
    brand, parts = config.get("brand", {}), _parts("styles")
    made = ""
    if font := brand.get("font"):
        made += f".panel,.tab{{font-family:var(--earshot-font,{font},system-ui)}}"
    if logos := brand.get("logos"):
        theme = config["widget"].get("theme", "auto")
        made += parts["logo"] + _logo(logos, "dark" if theme == "dark" else "light", brand.get("name"))
        if theme == "auto":
            made += f"@media(prefers-color-scheme:dark){{{_logo(logos, 'dark')}}}"
    elif name := brand.get("name"):
        made += parts["name"] + f".panel::before{{content:{_quoted(name)}}}"
    return made


def _cornered(built: bytes, config: Config) -> bytes:
    """A built file with the company's corners in the place of ours: on keys, and larger on the panel in our measure.

    The site's own `--earshot-radius` says more.
    """
    corner = config.get("brand", {}).get("corner")
    if corner is None:
        return built
    theirs = {_KEY: b"%dpx" % corner, _PANEL: b"%dpx" % (corner * 8 // 5)}
    return re.sub(
        rb"border-radius:[^;}]*", lambda ours: re.sub(b"1[06]px", lambda one: theirs[one[0]], ours[0]), built
    )


#: Our own corners (src/panel.css, src/choices.css).
_PANEL, _KEY = b"16px", b"10px"


def _logo(logos: Mapping[str, tuple[str, int, int]], scheme: str, name: str | None = None) -> str:
    """What differs between schemes: the picture and its size, and a ground of its own where it is not made for ours."""
    is_ours = scheme in logos
    url, width, height = logos[scheme] if is_ours else next(iter(logos.values()))
    ground = "" if is_ours else _GROUND + PAPERS["light" if scheme == "dark" else "dark"]
    told = f';content:""/{_quoted(name)}' if name else ""
    return f".panel::before{{background-image:url({_quoted(url)});width:{width}px;height:{height}px{ground}{told}}}"


_GROUND = ";padding:6px 10px;border-radius:4px;forced-color-adjust:none;background-origin:content-box;background-color:"


def _quoted(text: str) -> str:
    """A string of a style sheet (CSS Syntax 3, 4.3.5)."""
    return '"' + re.sub(r'["\\\x00-\x1f\x7f<]', lambda found: f"\\{ord(found[0]):x} ", text) + '"'


def _labels(config: Config) -> list[str]:
    """A label for each score of the scale, the lowest first; empty where it has none."""
    labels = config["texts"]["labels"]
    return [labels.get(str(score), "") for score in range(config["min"], config["max"] + 1)]


def _given(choices: dict[str, list[tuple[str, str]]] | None, group: str) -> list:
    """The group's choices as the end of a list: nothing when it has none."""
    return [choices[group]] if choices and group in choices else []


def _filled(built: bytes, inside: Mapping[bytes, bytes]) -> bytes:
    """A built file with each of its places filled, in one pass: what is put in may name a place itself."""
    return _PLACE.sub(lambda place: inside[place[1]], built)


def _rules(config: Config, integrity: str) -> dict[bytes, bytes]:
    """What fills the loader's places: the survey's rules, and only those moments that they use."""
    widget = config["widget"]
    options: dict[str, object] = {name: widget[name] for name in _TOLD if widget.get(name)}  # type: ignore[literal-required]
    if "pages" in options:
        # Browsers write addresses in ASCII; those of this site the loader has them write.
        options["pages"] = ",".join(
            page if re.match("!?[/?#]", page) else quote(page, safe=_ASCII)
            for page in map(str.strip, widget["pages"])
        )
    if config.get("sampling", 1) < 1:
        options["sampling"] = config["sampling"]
    if config["paused"]:
        options["rule"] = "paused"
    elif "show_after_seconds" in widget:
        after = widget["show_after_seconds"]
        options["after"] = -1 if after is None else after
    watches = [
        b"(%s)(%s,c)" % (code.encode(), _literal(widget[name]))  # type: ignore[literal-required]
        for name, code in _parts("moments").items()
        if widget.get(name)
    ]
    rules = [config["survey"], config["endpoint"], config["language"], integrity, options]
    return {b"RULES": _literal(rules), b"MOMENTS": b"(c=>{" + b";".join(watches) + b"})"}


#: What the loader reads of a survey's widget settings under the same name as a data attribute.
_TOLD = ("mode", "position", "target", "pages")

_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def _literal(value: object) -> bytes:
    """JSON that is also safe as JavaScript and inside a `<script>` element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    for character in "<>\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


@cache
def _built(name: str) -> bytes:
    return (BUILT / name).read_bytes()


@cache
def _parts(folder: str) -> dict[str, str]:
    """What the build made of the files of a folder, by their names."""
    return json.loads(_built(f"{folder}.json"))
