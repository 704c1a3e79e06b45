"""A disk that is full, fails or becomes read-only: a 503, nothing that was acknowledged lost, and erasing goes on."""

import resource
import shutil
import subprocess
import sys
import uuid

import psutil
import pytest
import requests

from surveys.base.db import disk_reserve
from tests import disks, servers
from tests.conftest import ADMIN_KEY
from tests.surveys.test_serving import wait_for

KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}


class Tried:
    """A service and what it has acknowledged."""

    def __init__(self, service, survey):
        self.service, self.survey, self.kept = service, survey, {}

    def call(self, method, path, **options):
        """The answer, which must not be a fault of ours; a 503 says when to come again."""
        reply = requests.request(method, self.service.url + path, headers=KEY, timeout=30, **options)
        assert reply.status_code < 500 or reply.status_code == 503, (reply.text, self.service.log_tail())
        assert reply.status_code != 503 or reply.headers["Retry-After"].isdigit()
        return reply

    def answer(self, comment="Quick and friendly."):
        """The status of one more answer."""
        body = {"id": str(uuid.uuid4()), "survey": self.survey, "score": 9, "comment": comment}
        status = self.call("POST", "/r", json=body).status_code
        if status == 201:
            self.kept[body["id"]] = comment
        return status

    def answer_until(self, status, comment="Quick and friendly."):
        """Answer until the status is this one; at most a thousand times."""
        assert status in (self.answer(comment) for _ in range(1000))

    def stored(self):
        """What the service has of the answers, by id."""
        found, cursor = {}, {}
        while cursor is not None:
            page = self.call(
                "GET", "/api/responses", params={"survey": self.survey, "limit": 200, **cursor}
            ).json()
            found |= {item["id"]: item["comment"] for item in page["items"] if not item["person"]}
            cursor = {"cursor": page["next"]} if page["next"] else None
        return found


def tried(service):
    """The service, with a survey and ten answers."""
    body = {"name": "Shop", "metric": "nps"}
    survey = requests.post(f"{service.url}/api/surveys", json=body, headers=KEY, timeout=30).json()["id"]
    made = Tried(service, survey)
    for _ in range(10):
        assert made.answer() == 201
    return made


def settings(data_dir):
    return {"DATA_DIR": str(data_dir), "ADMIN_KEY": ADMIN_KEY, "PUBLIC_LIMIT": "0"}


@pytest.fixture(
    params=[*disks.KINDS[:1], *(pytest.param(kind, marks=pytest.mark.prove) for kind in disks.KINDS[1:2])]
)
def disk(request, tmp_path):
    with disks.small(tmp_path / "disk", request.param) as made:
        yield made


@pytest.fixture
def start(disk, tmp_path):
    """Starts the service on the disk; it writes its log there, too."""
    running = []

    def start():
        command = disk.within(servers.SERVE)
        started = servers.Service.start(
            settings(disk.path / "data"), command=command, log=disk.outside / "service.log"
        )
        running.append(started)
        return started

    yield start
    for each in running:
        each.kill()


def test_the_reserve_takes_up_room_and_is_put_back_as_far_as_there_is_some(disk):
    assert disk_reserve.lay(disk.outside)
    path = disk.outside / disk_reserve.FILE
    assert path.stat().st_blocks * 512 >= disk_reserve.BYTES
    assert disk_reserve.drop(disk.outside)
    assert not disk_reserve.drop(disk.outside)
    disk.fill(leaving=disk_reserve.BYTES // 2 + 2**18)
    assert not disk_reserve.lay(disk.outside)
    assert not path.exists()
    assert disk_reserve.lay_again(disk.outside) == path.stat().st_size == disk_reserve.BYTES // 2


def flask(disk, *arguments):
    """A command of an operator, with the settings of the service."""
    environment = {**servers.surroundings(), **settings(disk.path / "data")}
    command = disk.within([sys.executable, "-m", "flask", "--app", "wsgi", *arguments])
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.timeout(300)
def test_on_a_full_disk_nothing_is_lost_and_a_person_can_be_erased(disk, start):
    service = start()
    shop = tried(service)
    for number in range(2):
        body = {"survey": shop.survey, "score": 3, "person": {"email": f"p{number}@customer.example"}}
        assert shop.call("POST", "/api/responses", json=body).status_code == 201
    filling = disk.fill()
    shop.answer_until(503, "long " * 2000)
    assert "SQLITE_FULL" in (disk.outside / "service.log").read_text()
    people = {item["email"]: item["id"] for item in shop.call("GET", "/api/people").json()["items"]}
    # The service itself has no room to erase in …
    assert shop.call("DELETE", f"/api/people/{people['p1@customer.example']}").status_code == 503
    # … whoever runs it has some in reserve, also a second time, and while the service does not run.
    assert erased(disk, "p0@customer.example")
    assert (disk.outside / "data" / disk_reserve.FILE).stat().st_size >= disk_reserve.BYTES // 4
    disk.fill()
    service.kill()
    assert erased(disk, "p1@customer.example")
    disk.fill()
    shop.service = start()
    assert shop.call("GET", "/api/people").json()["items"] == []
    shop.answer_until(503, "long " * 2000)
    assert shop.stored() == shop.kept
    filling.unlink()
    wait_for(lambda: shop.answer() == 201)


def erased(disk, address):
    """Whether the command that erases a person found one answer of theirs, and it is gone."""
    done = flask(disk, "erase", "--email", address)
    assert done.returncode == 0, done
    return "response  1" in done.stdout


@pytest.mark.parametrize("disk", disks.KINDS[1:2], indirect=True)
def test_a_disk_that_became_read_only_is_a_503_and_what_it_holds_is_whole(disk, start, tmp_path):
    service = start()
    shop = tried(service)
    disk.break_off()
    shop.answer_until(503)
    assert shop.stored() == shop.kept
    done = flask(disk, "erase", "--email", "p0@customer.example")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    service.kill()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(disk.outside / "data", elsewhere)
    with servers.service(settings(elsewhere)) as shop.service:
        assert shop.stored() == shop.kept


def test_a_disk_that_cannot_be_written_to_is_a_503_until_it_can(tmp_path):
    """Every write is an error of input and output, as the system has it for a file that grows beyond its limit."""
    with servers.service(settings(tmp_path / "data"), log=tmp_path / "log") as service:
        shop = tried(service)
        everyone = [service.process.pid, *(p.pid for p in psutil.Process(service.process.pid).children(True))]
        before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in everyone}
        for pid, (_, most) in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, most))
        assert [shop.answer() for _ in range(5)] == [503] * 5
        assert shop.stored() == shop.kept
        assert shop.call("POST", "/api/surveys", json={"name": "Other", "metric": "nps"}).status_code == 503
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
        assert shop.answer() == 201
        assert "SQLITE_IOERR" in service.log.read_text()
        service.kill()
        with servers.service(settings(tmp_path / "data"), log=tmp_path / "log") as shop.service:
            assert shop.stored() == shop.kept
