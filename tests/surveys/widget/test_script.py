"""The files a website loads: current, small, and safe whatever the configuration says."""

import base64
import gzip
import hashlib
import itertools
import json
import re
import subprocess
from pathlib import Path

import pytest

from surveys import wording
from surveys.domain.metrics import METRICS
from surveys.widget import colours, drawings, encodings
from surveys.widget import script as widget
from tests.browser import widget_config
from tests.browser.widget_config import csat, nps, standard

FOLDER = Path(widget.__file__).parent
FILES = (
    *(
        f"{whole}{kind}.min.js"
        for whole in ("", "whole-")
        for kind in ("numbers", "names", "drawings", "choices")
    ),
    *(f"{name}.min.js" for name in ("loader", "guarded", "kept", "page")),
    "extras.json",
    "moments.json",
    "styles.json",
)
NOTHING_TO_ASK = 1152
SHOWN = 6 * 1024
#: With choices for the second question, or a scale that is drawn.
SHOWN_WITH_MORE = 6.75 * 1024
BRAND = {
    "name": "Acme Bikes & Söhne",
    "logos": {
        "light": ("https://surveys.example.com/brand/aaa0f3c86d21b94e57aa1c2d3e4f5061", 120, 28),
        "dark": ("https://surveys.example.com/brand/bbb7d1e2f3a4b5c6d7e8f9a0b1c2d3e4", 118, 28),
    },
    "corner": 8,
    "font": '"Inter", "Open Sans", sans-serif',
}
#: How much more a panel may be that wears the company: two logos' addresses are most of it.
WORN = 256
#: How much more loader and panel may be together, for sites that chose the loader.
IN_TWO = 512
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "\u2028\u2029",
    "\\",
    '"',
    "__EARSHOT_SURVEY__",
]


def build(out: Path) -> dict[str, bytes]:
    out.mkdir()
    subprocess.run(["node", "build.mjs", str(out)], cwd=FOLDER, check=True, capture_output=True)
    return {name: (out / name).read_bytes() for name in FILES}


def test_the_committed_files_are_what_the_sources_make_and_building_twice_gives_the_same(tmp_path):
    first, second = build(tmp_path / "first"), build(tmp_path / "second")
    assert first == second
    committed = {path.name: path.read_bytes() for path in widget.BUILT.iterdir()}
    assert first == committed, "run `npm run build` in surveys/widget"


def test_the_types_hold_what_the_example_in_typescript_says():
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2021", "--lib", "es2021,dom"]
    tsc = ["node", "node_modules/typescript/bin/tsc", *options]
    done = subprocess.run([*tsc, "example.ts"], cwd=FOLDER, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_lock_file_names_no_registry():
    assert '"resolved"' not in (FOLDER / "package-lock.json").read_text()


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_page_with_nothing_to_ask_loads_a_kibibyte_and_one_that_asks_six(language):
    for metric in METRICS:
        for choices in (False, True):
            made = widget.files(standard(metric, language, choices=choices))
            loader, panel = (len(gzip.compress(part, 9)) for part in (made.loader, made.panel))
            shown = SHOWN_WITH_MORE if choices or drawings.paths(METRICS[metric].scale) else SHOWN
            assert loader + panel <= shown + IN_TWO, metric
            assert len(gzip.compress(made.whole, 9)) <= shown, metric
            assert len(encodings.encoded(made.loader, "br")) <= NOTHING_TO_ASK, metric
        worn = widget.files({**standard(metric, language, choices=True), "brand": BRAND})
        assert len(gzip.compress(worn.whole, 9)) <= len(gzip.compress(made.whole, 9)) + WORN, metric
        assert worn.loader.replace(worn.integrity.encode(), made.integrity.encode()) == made.loader


def sheet_of(brand, **looks):
    """What a panel that wears `brand` has in its style sheet beside the rest."""
    head, _, tail = (widget.BUILT / "numbers.min.js").read_text().partition("__EARSHOT_SURVEY__")
    plain, worn = (
        json.loads(widget.files(config).panel.decode().removeprefix(head).removesuffix(tail))
        for config in (nps(**looks), {**nps(**looks), "brand": brand})
    )
    assert worn[7].startswith(plain[7])
    assert worn[:7] + worn[8:] == plain[:7] + plain[8:]
    return worn[7].removeprefix(plain[7])


def test_what_the_panel_wears_rides_in_its_sheet_alone():
    assert sheet_of({}) == ""
    assert (
        sheet_of({"font": '"Inter", serif'})
        == '.panel,.tab{font-family:var(--earshot-font,"Inter", serif,system-ui)}'
    )
    logos = {"name": BRAND["name"], "logos": BRAND["logos"]}
    both, dark = sheet_of(logos), sheet_of(logos, theme="dark")
    assert (both.count("/brand/"), both.count("prefers-color-scheme")) == (2, 1)
    assert (dark.count("/brand/bbb"), dark.count("/brand/aaa"), dark.count("prefers-color")) == (1, 0, 0)
    # One picture serves for both, on a ground of the colour that it is made for.
    alone = sheet_of({"logos": {"light": BRAND["logos"]["light"]}})
    assert alone.count("/brand/aaa") == 2
    assert alone.index("@media(prefers-color-scheme") < alone.index("background-color:#ffffff")


def test_the_companys_corners_stand_in_the_place_of_ours():
    def corners(config):
        return re.findall("border-radius:([^;}]*)", widget.files(config).whole.decode())

    for config in (standard("csat", "en", choices=True), nps()):
        ours, theirs = corners(config), corners({**config, "brand": {"corner": 5}})
        assert len(ours) >= 5
        assert theirs == [each.replace("10px", "5px").replace("16px", "8px") for each in ours]
        assert not {"10px", "16px"} & set(re.findall(r"\w+", " ".join(theirs)))


@pytest.mark.parametrize("name", [*HOSTILE, '"}*{display:none', "a\n}", "</style>"])
def test_no_name_can_leave_the_style_sheet(name):
    (told,) = re.findall(r'\.panel::before\{content:("(?:[^"\\\n]|\\.)*")\}$', sheet_of({"name": name}))
    assert re.sub(r"\\([0-9a-f]+) ", lambda found: chr(int(found[1], 16)), told[1:-1]) == name


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_can_leave_the_configuration(text):
    config = nps(pages=[text], click=text)
    config["texts"]["question"] = text
    made = widget.files(config)
    built = (widget.BUILT / "numbers.min.js").read_text()
    head, _, tail = built.partition("__EARSHOT_SURVEY__")
    panel = made.panel.decode()
    assert panel.startswith(head)
    assert panel.endswith(tail)
    inside = panel[len(head) : len(panel) - len(tail)]
    assert json.loads(inside)[2] == text
    for content in (inside, made.loader.decode().partition("[")[2].partition("Document.prototype")[0]):
        assert not set("<\u2028\u2029") & set(content)


@pytest.mark.parametrize("place", ["RULES", "MOMENTS", "SURVEY"])
def test_words_that_name_a_place_of_a_built_file_stay_words(place):
    def made(text):
        config = csat(pages=[text], click=text, target=text)
        config["texts"].update(question=text, labels=dict.fromkeys(config["texts"]["labels"], text))
        return widget.files({**config, "brand": {"name": text}})

    named, plain = made(f"__EARSHOT_{place}__"), made("Gremlins")
    for part in ("whole", "panel", "loader"):
        expected = getattr(plain, part).replace(b"Gremlins", f"__EARSHOT_{place}__".encode())
        assert getattr(named, part) == expected.replace(plain.integrity.encode(), named.integrity.encode())


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("loader.min.js", "RULES"),
        ("loader.min.js", "MOMENTS"),
        ("numbers.min.js", "SURVEY"),
        ("names.min.js", "SURVEY"),
        ("drawings.min.js", "SURVEY"),
        ("choices.min.js", "SURVEY"),
    ],
)
def test_the_configuration_has_one_place_in_a_built_file(name, place):
    assert (widget.BUILT / name).read_bytes().count(f"__EARSHOT_{place}__".encode()) == 1


def test_the_integrity_in_the_loader_is_that_of_the_panel():
    made = widget.files(nps())
    digest = base64.b64encode(hashlib.sha256(made.panel).digest()).decode()
    assert made.integrity == f"sha256-{digest}"
    assert made.integrity.encode() in made.loader


def test_the_same_configuration_gives_the_same_tag_and_another_gives_another():
    once, again, other = (widget.etag(widget.files(config).panel) for config in (nps(), nps(), nps("de")))
    assert once == again != other
    assert once[0] == once[-1] == '"'
    assert widget.etag(b"x", "br") != widget.etag(b"x", "gzip") != widget.etag(b"x")


@pytest.mark.parametrize("name", ["scroll_percent", "click", "exit_intent"])
def test_the_loader_holds_only_the_moments_that_the_survey_uses(name):
    code = json.loads((widget.BUILT / "moments.json").read_text())[name].encode()
    assert code in widget.files(nps(**{name: 50})).loader
    assert code not in widget.files(nps()).loader


def test_making_a_script_changes_nothing_in_the_configuration():
    config = nps(color="#aa0000")
    widget.files(config)
    assert config == nps(color="#aa0000")


@pytest.mark.parametrize(
    ("theme", "schemes"), [("light", ["light"]), ("dark", ["dark"]), ("auto", ["light", "dark"])]
)
def test_the_theme_says_which_papers_there_are(theme, schemes):
    sheet = widget.palette("#2f5bea", theme)
    assert [scheme for scheme in ("light", "dark") if f"color-scheme:{scheme};" in sheet] == schemes
    assert ("@media" in sheet) == (theme == "auto")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colour", ["#aa0000", "#ffff00", "#101010", "#ffffff"])
def test_a_colour_stays_what_it_is_and_what_stands_on_it_and_around_it_can_be_seen(colour, theme):
    names = dict(re.findall(r"--(\w+):([^;}]+)", widget.schemes(colour)[theme]))
    assert names["accent"] == colour
    assert colours.contrast(names["on"], colour) >= 4.5
    assert colours.contrast(names["edge"], names["paper"]) >= 3


def test_keys_that_are_not_chosen_can_be_told_from_the_panel():
    [edge] = re.findall(
        r"button,textarea{[^}]*border:1px solid (#888);", (widget.BUILT / "numbers.min.js").read_text()
    )
    for paper in widget.PAPERS.values():
        assert colours.contrast(edge.replace("8", "88"), paper) >= 3
    page = (FOLDER.parent / "templates" / "page.css").read_text()
    assert "border: 1.5px solid #888;" in page.partition(".row input, .list input {")[2].partition("}")[0]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("red;}", widget.COLOUR), ("#aa0000\n", "#aa0000"), ("#aa00001", widget.COLOUR), (5, widget.COLOUR)],
)
def test_a_stored_colour_that_is_none_takes_no_page_with_it(stored, shown):
    assert widget.colour_of({"color": stored}) == shown
    assert f"--accent:{shown};".encode() in widget.files(nps(color=stored, theme="light")).whole
    assert widget.notes({"color": stored}) == widget.notes({"color": shown})


def test_a_panel_holds_the_scale_and_the_styles_of_its_survey_alone():
    numbers, names, both = (
        widget.files(make()).panel.decode() for make in (nps, csat, widget_config.choices)
    )
    assert [".row" in panel for panel in (numbers, names, both)] == [True, False, True]
    assert [".list" in panel for panel in (numbers, names, both)] == [False, True, True]
    assert ["container (" in panel for panel in (numbers, names, both)] == [True, False, True]
    made = {metric: widget.files(widget_config.standard(metric, "en")) for metric in METRICS}
    for metric, chosen in METRICS.items():
        for scale in ("faces", "stars", "thumbs"):
            path = drawings.paths(scale)[-1].encode()
            own = scale == chosen.scale
            assert [path in made[metric].whole, path in made[metric].panel, path in made[metric].loader] == [
                own,
                own,
                False,
            ]
    assert ["auto-phrase" in widget.files(nps(tag)).panel.decode() for tag in ("en", "ja")] == [False, True]
    linked = nps()
    linked["texts"]["link"] = {"text": "Help", "url": "https://shop.example/"}
    link = json.loads((widget.BUILT / "styles.json").read_text())["link"]
    assert [link in panel for panel in (numbers, widget.files(linked).panel.decode())] == [False, True]


def test_extras_ride_in_only_where_a_survey_uses_them():
    extras = {
        name: code.encode() for name, code in json.loads((widget.BUILT / "extras.json").read_text()).items()
    }
    for device, link in itertools.product((False, True), repeat=2):
        config = nps(device=device)
        if link:
            config["texts"]["link"] = {"text": "Help", "url": "https://shop.example/"}
        panel = widget.files(config).panel
        assert (extras["device"] in panel, extras["link"] in panel) == (device, link)


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        (["/größe/*"], "/größe/*"),
        (["*/größe", "!*/a b"], "*/gr%C3%B6%C3%9Fe,!*/a%20b"),
        (["https://*.example/gr%C3%B6%C3%9Fe?a[b]=c"], "https://*.example/gr%C3%B6%C3%9Fe?a[b]=c"),
    ],
)
def test_a_pattern_of_another_site_is_written_as_browsers_write_addresses(pages, told):
    assert json.dumps(told, ensure_ascii=False).encode() in widget.files(nps(pages=pages)).loader


@pytest.mark.parametrize(
    ("given", "told"), [({}, None), ({"show_after_seconds": 0}, 0), ({"show_after_seconds": None}, -1)]
)
def test_the_wait_is_the_loaders_own_unless_the_survey_names_one(given, told):
    config = nps()
    config["widget"] = given
    named = re.search(rb'"after":(-?\d+)', widget.files(config).loader)
    assert (named and int(named[1])) == told
