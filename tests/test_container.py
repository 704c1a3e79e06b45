"""The image is built from the lines of Containerfile, on Debian's packages alone, and a survey is answered in it."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import psutil
import pytest
import yaml

from surveys.base.settings import table
from tests import servers
from tests.servers import ROOT

#: Whoever a platform chooses.
USER = "12345:0"


def run(*command, **options):
    """What a command prints; its errors are shown when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[-3000:]}"
    return done.stdout.strip()


class Buildah:
    """buildah with a store of the test's own, without a daemon and without images from outside."""

    def __init__(self, directory: Path) -> None:
        self.command = [
            "buildah",
            "--storage-driver",
            "vfs",
            "--root",
            f"{directory}/store",
            "--runroot",
            f"{directory}/run",
        ]

    def __call__(self, *arguments):
        return run(*self.command, *arguments, env={**os.environ, "BUILDAH_ISOLATION": "chroot"})


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    for program in ("buildah", "mmdebstrap"):
        assert shutil.which(program), "The test of the image wants: apt-get install buildah mmdebstrap crun"
    assert os.geteuid() == 0, "The test of the image runs as root."
    return tmp_path_factory.mktemp("image")


@pytest.fixture(scope="module")
def image(directory):
    """The image, with wheels that were fetched outside: it is built without a network."""
    buildah = Buildah(directory)
    base = directory / "base"
    base.mkdir()
    packages = "--include=python3,python3-venv,ca-certificates"
    run("mmdebstrap", "--variant=minbase", packages, "bookworm", str(base / "base.tar"))
    (base / "Containerfile").write_text("FROM scratch\nADD base.tar /\n")
    buildah("build", "--format", "docker", "--tag", "localhost/base", str(base))
    shutil.rmtree(base)
    wheels = directory / "wheels"
    requirements = str(ROOT / "requirements.txt")
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    version = run(python, "-c", "import sys; print('{}.{}'.format(*sys.version_info))")
    run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
        *("--only-binary=:all:", "--python-version", version, "--dest", str(wheels), "-r", requirements),
    )
    (directory / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    buildah(
        *("build", "--format", "docker", "--build-arg", "BASE=localhost/base", "--tag", "localhost/earshot"),
        *("--volume", f"{wheels}:/wheels:ro", "--volume", f"{directory}/pip.conf:/etc/pip.conf:ro"),
        *("--file", str(ROOT / "Containerfile"), str(ROOT)),
    )
    yield buildah
    for container in buildah("containers", "--quiet").split():
        buildah("rm", container)


def tree(root: Path) -> dict[str, tuple]:
    """Every file of a root file system but those in the two folders that may be written."""
    found = {}
    for folder, names, files in os.walk(root):
        here = Path(folder).relative_to(root)
        if str(here) == ".":
            names[:] = [name for name in names if name not in ("data", "tmp", "proc", "sys", "dev", "run")]
        for name in (*names, *files):
            path = Path(folder) / name
            status = path.lstat()
            content = b""
            if stat.S_ISREG(status.st_mode):
                with path.open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").digest()
            found[str(here / name)] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


@pytest.mark.prove
@pytest.mark.timeout(2400)
def test_the_image_is_built_and_a_survey_answered_in_it(image, directory):
    config = json.loads(image("inspect", "--type", "image", "localhost/earshot"))["Docker"]["config"]
    assert config["User"] == "10001:0"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    container = image("from", "localhost/earshot")
    root = Path(image("mount", container))
    assert stat.S_IMODE((root / "data").stat().st_mode) == 0o2770
    for folder in ("tests", "docs", "feedback/training", "surveys/widget/node_modules"):
        assert not (root / "opt/earshot" / folder).exists(), folder
    before, data = tree(root), directory / "data"
    data.mkdir()
    os.chown(data, 0, 0)
    data.chmod(0o2770)
    port = servers.free_port()
    base = f"http://127.0.0.1:{port}"
    command = [*image.command, "run", "--isolation", "chroot", "--user", USER, "--volume", f"{data}:/data"]
    for variable in (f"PORT={port}", "PUBLIC_LIMIT=0"):
        command += ["--env", variable]
    with open(directory / "log", "w") as log:
        service = subprocess.Popen(
            [*command, container, "--", *config["Entrypoint"], *config["Cmd"]], stdout=log, stderr=log
        )
        try:
            _wait_for(f"{base}/readyz", service, directory / "log")
            key = (data / "admin-key").read_text().strip()
            survey = _call(f"{base}/api/surveys", key)["items"][0]["id"]
            answer = {"id": str(uuid.uuid4()), "survey": survey, "score": 9, "comment": "From a container."}
            assert _call(f"{base}/r", None, answer)["score"] == 9
            assert _call(f"{base}/api/feed?q=container", key)["items"][0]["id"] == answer["id"]
            # The health check, word for word, in the same container.
            checked = [
                *image.command,
                "run",
                "--isolation",
                "chroot",
                "--user",
                USER,
                "--env",
                f"PORT={port}",
                container,
                "--",
            ]
            run(*checked, *config["Healthcheck"]["Test"][1:])
            # buildah's own helper carries the same words; only the service is Python's.
            inside = psutil.Process(service.pid).children(recursive=True)
            ours = [
                process for process in inside if process.cmdline()[:1] == ["/opt/earshot/.venv/bin/python"]
            ]
            assert {(process.uids().real, process.gids().real) for process in ours} == {(12345, 0)}
            memory = sum(process.memory_full_info().pss for process in ours)
            print(f"\nmemory at rest, all processes, PSS: {memory / 2**20:.0f} MB")
            first = min(ours, key=psutil.Process.create_time)
            assert "serve" in first.cmdline()
            first.send_signal(signal.SIGTERM)
            assert service.wait(40) == 0, (directory / "log").read_text()[-2000:]
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                for process in psutil.Process(service.pid).children(recursive=True):
                    process.kill()
            service.kill()
            service.wait()
    assert {path.name for path in data.iterdir()} >= {"earshot.db", "secret-key", "admin-key"}
    assert tree(root) == before
    size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"size of the image with Debian's base: {size / 2**20:.0f} MB")


def _wait_for(url, service, log):
    end = time.monotonic() + 300
    while time.monotonic() < end:
        assert service.poll() is None, log.read_text()[-3000:]
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            assert answer.status == 200
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


def _call(url, key, body=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=20) as answer:
        return json.load(answer)


def test_what_is_composed_fits_the_image_and_the_settings():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = services["earshot"]
    assert "profiles" not in ours
    assert (ours["read_only"], ours["tmpfs"], ours["volumes"]) == (True, ["/tmp"], ["data:/data"])
    # A setting that is not handed on would be ignored without a word.
    assert {*ours["environment"], "DATA_DIR", "HOST", "PORT"} == {name for name, _, _ in table()}
    assert {name for name, service in services.items() if service.get("profiles") == ["postgresql"]} == {
        "postgresql",
        "nginx",
    }
    assert all(
        port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", [])
    )
    mounted = services["nginx"]["volumes"][0].split(":")[0]
    assert "proxy_pass http://earshot;" in (ROOT / mounted).read_text()
    lines = (ROOT / "Containerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    sent = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    assert {name for names in copied for name in names} == sent
    assert (ROOT / ".dockerignore").read_bytes() == (ROOT / ".containerignore").read_bytes()
