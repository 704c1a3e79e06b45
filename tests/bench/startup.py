"""How long from `make run` on a fresh clone to the first answer, and the memory of each process at rest.

The clone is of the last commit. See README.md.
"""

import argparse
import collections
import os
import signal
import subprocess
import tempfile
import time
import uuid
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
        print(f"make run on a fresh clone to the first answer: {_run(clone, rest=None):.1f} s")
        print(f"make run again to the first answer: {_run(clone, rest=arguments.rest):.1f} s")


def _run(clone: Path, rest: float | None) -> float:
    """Seconds from the start of `make run` to a recorded answer; then, after `rest` seconds, print memory."""
    port = servers.free_port()
    environment = {**os.environ, "PORT": str(port), "ADMIN_KEY": client.ADMIN_KEY}
    with open(clone / "run.log", "ab") as log:
        begun = time.monotonic()
        make = subprocess.Popen(
            ["make", "run"], cwd=clone, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        while not servers.answers(f"{url}/readyz"):
            if make.poll() is not None or time.monotonic() - begun > 600:
                raise RuntimeError((clone / "run.log").read_text())
            time.sleep(0.02)
        _answer(url)
        taken = time.monotonic() - begun
        if rest is not None:
            # The worker reads the comment and then has nothing to do.
            time.sleep(rest)
            _print_memory(make.pid)
        return taken
    finally:
        # As Ctrl-C in a terminal does, which reaches everybody in the foreground.
        os.killpg(make.pid, signal.SIGINT)
        make.wait(30)


def _answer(url: str) -> None:
    """Record one answer on the ready survey that a first start makes."""
    survey = client.ask(f"{url}/api/surveys")["items"][0]["id"]
    comment = "The checkout was quick, but my card was declined twice."
    client.ask(f"{url}/r", {"id": str(uuid.uuid4()), "survey": survey, "score": 9, "comment": comment})


def _print_memory(make: int) -> None:
    """PSS: each page is shared out among those who have it, so that the sum is what the machine spends."""
    (served,) = psutil.Process(make).children()
    total: collections.Counter[str] = collections.Counter()
    for role, process in processes.of_service(served.pid):
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
