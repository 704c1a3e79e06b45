"""The operators' commands, as they are typed."""

import json
import subprocess
from urllib.parse import urlsplit

import pytest

from surveys import daily_counts
from surveys.base import db, settings
from surveys.base.db import migrations
from surveys.models import Person, Response
from tests import servers
from tests.mailserver import serving
from wsgi import create_app


@pytest.fixture
def run(world):
    runner = world.app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=list(arguments))


def test_backup_and_restore_as_they_are_typed(run, make, tmp_path):
    make.response(make.survey(), 4, comment="Kept")
    file = str(tmp_path / "backup")
    assert "1 of them responses" in run("backup", file).output
    there = run("backup", file)
    assert (there.exit_code, "--force" in there.output) == (1, True)
    assert run("backup", file, "--force").exit_code == 0
    checked = run("restore", file, "--check")
    assert (checked.exit_code, "Made at" in checked.output) == (0, True)
    refused = run("restore", file)
    assert (refused.exit_code, "--force" in refused.output) == (1, True)
    Response.update(comment="Changed").execute()
    done = run("restore", file, "--force")
    assert done.exit_code == 0, done.output
    assert "1 jobs that waited are held" in done.output
    assert Response.get().comment == "Kept"
    assert "held" in run("jobs", "list").output
    assert run("jobs", "release").output == "1 jobs released.\n"


def test_a_file_that_is_no_backup_is_told_so(run, tmp_path):
    (tmp_path / "x").write_text("hello")
    done = run("restore", str(tmp_path / "x"))
    assert done.exit_code == 1
    assert "no backup of Earshot" in done.output
    run("backup", str(tmp_path / "y"))
    (tmp_path / "z").write_bytes((tmp_path / "y").read_bytes()[:-20])
    done = run("restore", str(tmp_path / "z"), "--check")
    assert (done.exit_code, "ends too early" in done.output) == (1, True), done.output


def test_erase_says_what_went(run, world, make):
    survey = make.survey()
    make.response(survey, 1, person={"email": "ann@example.com"})
    run("mail-test", "--to", "Ann@example.com")
    done = run("erase", "--email", "ANN@example.com")
    lines = dict(line.split() for line in done.output.splitlines())
    assert (lines["person"], lines["response"], lines["outbox"]) == ("1", "1", "1")
    assert run("erase", "--email", "ann@example.com").output == "Nothing is kept about them.\n"
    assert daily_counts.differences() == []
    assert run("erase", "--replay").exit_code == 0
    assert run("erase").exit_code == 2
    assert run("erase", "--email", "a@b.example", "--replay").exit_code == 2


@pytest.mark.parametrize("option", ["--person", "--id"])
def test_a_person_is_erased_by_id(run, make, option):
    make.response(make.survey(), 1, person={"id": "u1", "email": "ann@example.com"})
    given = {"--person": Person.get().id, "--id": "u1"}[option]
    assert "person" in run("erase", option, given).output
    assert Person.select().count() == 0


def test_export_writes_a_person_or_all_responses(run, make, tmp_path):
    make.response(make.survey(), 1, comment="=1+1", person={"email": "ann@example.com"})
    person = json.loads(run("export", "--email", "ann@example.com").output)
    assert person["tables"]["response"][0]["comment"] == "=1+1"
    assert json.loads(run("export").output)["comment"] == "=1+1"
    table = tmp_path / "all.csv"
    assert run("export", str(table)).exit_code == 0
    assert "'=1+1" in table.read_text()
    later = tmp_path / "later.ndjson"
    run("export", str(later), "--since", "2999-01-01")
    assert later.read_text() == ""


def test_a_test_mail_goes_to_the_outbox_without_a_server(run, world):
    assert "outbox" in run("mail-test", "--to", "ann@example.com").output
    (file,) = (world.settings.data_dir / "outbox").glob("*.eml")
    assert "Earshot can send mail" in file.read_text()
    assert run("mail-test", "--to", "nonsense").exit_code == 1


def test_a_test_mail_is_really_sent(world):
    with serving() as server:
        environment = {**world.environment, "SMTP_URL": server.url, "MAIL_FROM": "care@acme.example"}
        done = create_app(environment).test_cli_runner().invoke(args=["mail-test", "--to", "ann@example.com"])
    assert (done.exit_code, done.output) == (0, "Sent to ann@example.com.\n")
    assert [envelope.rcpt_tos for envelope in server.envelopes] == [["ann@example.com"]]


@pytest.mark.parametrize(
    "command", [("--help",), ("backup", "--help"), ("mail-test", "--to", "a@example.com")]
)
def test_what_needs_no_database_runs_without_one(tmp_path, command):
    environment = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"postgresql://x:y@127.0.0.1:{servers.free_port()}/z",
    }
    done = create_app(environment).test_cli_runner().invoke(args=list(command))
    assert done.exit_code == 0, done.output
    db.close_database()


def test_what_needs_a_database_says_that_there_is_none(tmp_path):
    environment = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"postgresql://x:y@127.0.0.1:{servers.free_port()}/z",
    }
    done = create_app(environment).test_cli_runner().invoke(args=["keys", "list"])
    assert (done.exit_code, "cannot be reached" in done.output) == (1, True)
    db.close_database()


def said_by(environment, *command):
    """Exit code and words of a command in a process of its own."""
    done = subprocess.run(
        [*servers.SERVE[:-1], *command], cwd=servers.ROOT, env={**servers.surroundings(), **environment},
        capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("command", [("keys", "list"), ("migrate",), ("serve",)])
def test_a_file_that_is_no_database_is_named_in_a_sentence_and_left_alone(tmp_path, command):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear customer, " * 1000)
    environment = {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": f"sqlite:///{letter}"}
    code, said = said_by(environment, *command)
    assert (code, said.count("\n")) == (settings.UNUSABLE, 1), said
    assert f"{letter} is no SQLite database" in said
    assert letter.read_text() == "Dear customer, " * 1000


def test_a_folder_that_is_not_there_is_said_to_be_what_is_missing(tmp_path):
    environment = {"DATA_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/none/x.db"}
    code, said = said_by(environment, "migrate")
    assert (code, "in a folder that is there" in said) == (1, True), said


@pytest.mark.parametrize(
    "command", [("keys", "list"), ("recount",), ("erase", "--replay"), ("export",), ("jobs", "list")]
)
def test_missing_migrations_are_named(run, world, command):
    migrations.down(world.settings, migrations.known()[0])
    done = run(*command)
    assert done.exit_code == 1
    assert f"Migrations are not applied to {db.address()}: 0001_initial" in done.output
    assert "migrate" in done.output
    if world.kind == "postgresql":
        password = urlsplit(world.environment["DATABASE_URL"]).password
        assert password
        assert password not in done.output


def test_migrations_are_taken_back_over_data_only_for_whoever_names_the_database(run, world, make):
    """The tables go with everything in them, and nobody is asked again."""
    first = migrations.known()[0]
    row = make.response(make.survey(), 7, comment="Worth keeping")
    name = db.name()
    for arguments in (
        [],
        [first],
        ["--force"],
        [first, "--force"],
        [first, "--database", name],
        [first, "--force", "--database", "another"],
        [first, "--force", "--database", ""],
    ):
        refused = run("migrate", "down", *arguments)
        assert refused.exit_code == 1, arguments
        assert name in refused.output
        assert "1 in response" in refused.output
        assert migrations.pending() == []
        assert Response.get().comment == row.comment
    done = run("migrate", "down", first, "--force", "--database", name)
    assert (done.exit_code, migrations.pending()) == (0, migrations.known())
    # Whoever comes back finds an empty house, and may leave it without a word.
    migrations.up(world.settings)
    assert run("migrate", "down", first).exit_code == 0
    assert migrations.pending() == migrations.known()


def test_what_the_first_start_made_may_be_taken_back(run, world, make):
    assert run("migrate", "down", migrations.known()[0]).exit_code == 0
    migrations.up(world.settings)
    make.survey()
    make.survey()
    refused = run("migrate", "down")
    assert (refused.exit_code, "2 in survey" in refused.output) == (1, True)
