"""The servers that tests stand on: durable, UTF-8, and gone afterwards even when the test run is killed."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from tests import servers


@pytest.fixture(scope="module")
def cluster():
    with servers.postgres({"work_mem": "5MB"}) as running:
        yield running


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("server_encoding", "UTF8"),
        ("work_mem", "5MB"),
    ],
)
def test_the_cluster_keeps_what_it_acknowledges(cluster, setting, value):
    with psycopg.connect(cluster.create_database(setting)) as connection:
        assert connection.execute(f"SHOW {setting}").fetchone() == (value,)
    cluster.drop_database(setting)


def test_a_database_is_dropped_although_somebody_holds_it_open(cluster):
    with psycopg.connect(cluster.create_database("held")) as connection:
        cluster.drop_database("held")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_stopped_cluster_refuses_and_a_started_one_remembers(cluster):
    url = cluster.create_database("kept")
    cluster.stop("immediate")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    cluster.start()
    psycopg.connect(url).close()


def test_a_killed_test_run_leaves_no_cluster_behind():
    script = "from tests import servers\nwith servers.postgres() as c: print(c.data, flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", script], cwd=servers.ROOT, **pipes) as run:
        data = Path(run.stdout.readline().strip())
        postmaster = psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))
        run.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs([postmaster], timeout=30)
    assert not alive


def test_a_service_that_ends_at_once_says_why(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no database')"]
    with (
        pytest.raises(RuntimeError, match="no database"),
        servers.service({"DATA_DIR": str(tmp_path)}, command=command),
    ):
        pass


def test_a_service_is_given_nothing_of_our_own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://of-a-real-instance")
    command = [sys.executable, "-c", "import os; raise SystemExit(os.environ.get('DATABASE_URL', 'unset'))"]
    with (
        pytest.raises(RuntimeError, match="unset"),
        servers.service({"DATA_DIR": str(tmp_path)}, command=command),
    ):
        pass
