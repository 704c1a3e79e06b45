"""One number, told to those who run it and those who build on it, and to nobody else."""

import re
import tomllib
from pathlib import Path

import click

from surveys.base import db
from surveys.base.version import VERSION
from tests.servers import ROOT
from wsgi import create_app


def test_the_team_is_told_and_respondents_are_not(world, api, make):
    survey = make.survey()
    told = {
        path: api.call("GET", path).headers.get("Earshot-Version")
        for path in (
            "/api/surveys",
            "/api/openapi.json",
            "/api/docs",
            "/api/nothing-here",
            "/team",
            "/team/sign-in",
        )
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


def test_who_only_asks_leaves_nothing_behind(tmp_path):
    """Also where the folder cannot be made."""
    for folder in (tmp_path / "data", Path("/proc/nowhere")):
        with click.Context(click.Group()):
            app = create_app({"DATA_DIR": str(folder)})
        run = app.test_cli_runner().invoke
        assert run(args=["version"]).output == f"Earshot {VERSION}\n"
        assert not folder.exists()
    refused = run(args=["migrate"])
    assert (refused.exit_code, "DATA_DIR cannot be /proc/nowhere" in refused.output) == (78, True)
    with click.Context(click.Group()):
        app = create_app({"DATA_DIR": str(tmp_path / "data")})
    with app.app_context():
        assert app.test_cli_runner().invoke(args=["migrate"]).exit_code == 0
    assert {path.name for path in (tmp_path / "data").iterdir()} >= {"secret-key", "earshot.db"}
    db.close_database()


def test_one_place_says_the_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    sections = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == VERSION
    assert sections == sorted(set(sections), key=lambda each: [*map(int, each.split("."))], reverse=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "surveys.base.version.VERSION"
