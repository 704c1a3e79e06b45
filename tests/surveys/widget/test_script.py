"""The file a website loads: current, small, and safe whatever the configuration says."""

import gzip
import json
import subprocess
from pathlib import Path

import pytest

from surveys.widget import script as widget
from tests.browser.widget_config import csat, nps

FOLDER = Path(widget.__file__).parent
BUDGET = 6 * 1024


def build(out: Path) -> bytes:
    command = ["node", "build.mjs", str(out)]
    subprocess.run(command, cwd=FOLDER, check=True, capture_output=True)
    return out.read_bytes()


def test_the_committed_file_is_what_the_sources_make_and_building_twice_gives_the_same(tmp_path):
    first, second = build(tmp_path / "first.js"), build(tmp_path / "second.js")
    assert first == second
    assert first == widget.BUILT.read_bytes(), "run `npm run build` in surveys/widget"


def test_the_lock_file_names_no_registry():
    assert '"resolved"' not in (FOLDER / "package-lock.json").read_text()


@pytest.mark.parametrize("config", [nps(), csat(), nps("de")])
def test_a_whole_script_fits_the_budget(config):
    assert len(gzip.compress(widget.script(config), 9, mtime=0)) <= BUDGET


@pytest.mark.parametrize(
    "text",
    ["</script><script>alert(1)</script>", "<!--", "]]>", "\u2028\u2029", "\\", '"', "__EARSHOT_CONFIG__"],
)
def test_no_text_can_leave_the_configuration(text):
    config = nps()
    config["texts"]["question"] = text
    made = widget.script(config).decode()
    head, _, tail = widget.BUILT.read_text().partition("__EARSHOT_CONFIG__")
    assert made.startswith(head)
    assert made.endswith(tail)
    inside = made[len(head) : len(made) - len(tail)]
    assert json.loads(inside)["texts"]["question"] == text
    assert not set("<>\u2028\u2029") & set(inside)


def test_the_configuration_has_one_place_in_the_built_file():
    assert widget.BUILT.read_bytes().count(b"__EARSHOT_CONFIG__") == 1


def test_the_same_configuration_gives_the_same_tag_and_another_gives_another():
    once, again, other = (widget.etag(widget.script(config)) for config in (nps(), nps(), nps("de")))
    assert once == again != other
    assert once[0] == once[-1] == '"'


def test_making_a_script_changes_nothing_in_the_configuration():
    config = nps(color="#aa0000")
    widget.script(config)
    assert config == nps(color="#aa0000")


@pytest.mark.parametrize(
    ("theme", "schemes"), [("light", ["light"]), ("dark", ["dark"]), ("auto", ["light", "dark"])]
)
def test_the_theme_says_which_papers_there_are(theme, schemes):
    sheet = widget.palette("#2f5bea", theme)
    assert [scheme for scheme in ("light", "dark") if f"color-scheme:{scheme};" in sheet] == schemes
    assert ("@media" in sheet) == (theme == "auto")


def test_a_colour_that_can_be_seen_stays_and_another_is_adapted():
    assert "--accent:#aa0000;--on:#ffffff" in widget.palette("#aa0000", "light")
    assert "--accent:#ffff00" not in widget.palette("#ffff00", "light")
    assert "--accent:#ffff00;--on:#000000" in widget.palette("#ffff00", "dark")


def test_a_colour_that_is_none_is_refused():
    with pytest.raises(ValueError, match="is not a colour"):
        widget.script(nps(color="red;}"))
