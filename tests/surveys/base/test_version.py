"""One number, told to those who run it and those who build on it, and to nobody else."""

import re
import tomllib

from surveys.base.version import VERSION
from tests.servers import ROOT


def test_the_team_is_told_and_respondents_are_not(world, api, make):
    survey = make.survey()
    told = {
        path: api.call("GET", path).headers.get("Earshot-Version")
        for path in ("/api/surveys", "/api/openapi.json", "/api/docs", "/api/nothing-here")
    }
    told["without a key"] = world.client.get("/api/feed").headers.get("Earshot-Version")
    assert set(told.values()) == {VERSION}, told
    for path in (
        "/",
        f"/w/{survey.id}.js",
        f"/s/{survey.id}",
        "/nothing-here",
        "/u/x",
        "/healthz",
        "/readyz",
    ):
        answer = world.client.get(path)
        assert "Earshot-Version" not in answer.headers, path
        assert VERSION not in answer.get_data(as_text=True), path
    assert api.get("/api/openapi.json")["info"]["version"] == VERSION
    said = world.app.test_cli_runner().invoke(args=["version"])
    assert (said.exit_code, said.output) == (0, f"Earshot {VERSION}\n")


def test_one_place_says_the_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    sections = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == VERSION
    assert sections == sorted(set(sections), key=lambda each: [*map(int, each.split("."))], reverse=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "surveys.base.version.VERSION"
    assert f"checkout v{VERSION}\n" in (ROOT / "deploy" / "README.md").read_text()
