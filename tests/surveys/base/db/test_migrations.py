"""Migrations: applied by one process at a time, and missed out loud."""

import os
import subprocess
import sys

from surveys.base.db import migrations
from tests.servers import ROOT


def test_ready_says_which_migrations_are_missing(world, client):
    assert client.get("/readyz").status_code == 200
    names = migrations.down(world.settings, min(path.stem for path in migrations.DIRECTORY.glob("[0-9]*.py")))
    missing = client.get("/readyz")
    assert missing.status_code == 503
    assert all(name in missing.get_json()["error"]["message"] for name in names)
    assert missing.headers["Retry-After"].isdigit()


def test_many_processes_that_migrate_at_once_apply_each_migration_once(world):
    migrations.down(world.settings, min(path.stem for path in migrations.DIRECTORY.glob("[0-9]*.py")))
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "migrate"]
    environment = {"PATH": os.environ["PATH"], **world.environment}
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=100)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert sorted("Nothing to apply" in text for text in said) == [False, True, True]
    assert migrations.pending() == []


def test_commands_that_need_no_database_run_without_one(tmp_path):
    environment = {
        "PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    }  # fmt: skip
    for arguments in (["--help"], ["routes"], ["keys", "--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
