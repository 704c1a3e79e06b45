"""How long from `make run` on a fresh clone to the first answer, and the memory of each process at rest.

The clone is of the last commit. See README.md.
"""

import argparse
import collections
import contextlib
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests import servers
from tests.bench import client, processes


def main() -> None:
    """Clone, run twice, print."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="earshot-clone-", dir="/var/tmp") as folder:
        clone = Path(folder) / "earshot"
        subprocess.run(["git", "clone", "--quiet", str(servers.ROOT), str(clone)], check=True)
        with _make_run(clone) as (_, seconds):
            print(f"make run on a fresh clone to the first answer: {seconds:.1f} s")
        with _make_run(clone) as (served, seconds):
            print(f"make run again to the first answer: {seconds:.1f} s")
            # The worker reads the comment and then has nothing to do.
            time.sleep(arguments.rest)
            _print_memory(served)


@contextlib.contextmanager
def _make_run(clone: Path) -> Iterator[tuple[servers.Service, float]]:
    """The service, and the seconds from the start of `make run` to a recorded answer."""
    begun = time.monotonic()
    settings = {**client.SETTINGS, "DATA_DIR": str(clone / "data")}
    served = servers.Service.start(settings, command=["make", "run"], directory=clone, deadline=900)
    try:
        _answer(served.url)
        yield served, time.monotonic() - begun
    finally:
        served.stop()


def _answer(url: str) -> None:
    """Record one answer on the ready survey that a first start makes."""
    survey = client.ask(f"{url}/api/surveys")["items"][0]["id"]
    comment = "The checkout was quick, but my card was declined twice."
    client.ask(f"{url}/r", {"id": str(uuid.uuid4()), "survey": survey, "score": 9, "comment": comment})


def _print_memory(served: servers.Service) -> None:
    """PSS: each page is shared out among those who have it, so that the sum is what the machine spends."""
    (flask,) = psutil.Process(served.process.pid).children()  # of make
    total: collections.Counter[str] = collections.Counter()
    for role, process in processes.of_service(flask.pid):
        memory = process.memory_full_info()
        size = getattr(memory, "pss", memory.uss) / 2**20
        total[role] += size
        print(f"memory at rest, {role}: {size:.0f} MiB")
    print(f"memory at rest, all: {sum(total.values()):.0f} MiB")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.startup", description=__doc__)
    parser.add_argument("--rest", type=float, default=15, help="seconds of idleness before memory is read")
    return parser.parse_args()


if __name__ == "__main__":
    main()
