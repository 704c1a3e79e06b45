"""The processes of a running service, by role."""

import contextlib

import psutil

from surveys.commands import service
from tests import servers


def of_service(pid: int) -> list[tuple[str, psutil.Process]]:
    """The process `pid` and all it started, each with its role: master, web, worker or helper.

    The role is read off the command line and the parent: what gunicorn's master forks is web, what
    is named so is the worker, what starts both is the master. Empty when `pid` is gone.
    """
    try:
        root = psutil.Process(pid)
        everyone = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    found = []
    for process in everyone:
        try:
            found.append((_role(process, root), process))
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def _role(process: psutil.Process, root: psutil.Process) -> str:
    if process == root:
        return "master"
    line, above = process.cmdline(), process.parent()
    if process.name() == service.WORKER_NAME or "worker" in line:
        return "worker"
    if "gunicorn" in " ".join(line):
        return "web" if above and above.cmdline() == line else "web master"
    # A fork keeps the command line of the process it was forked from.
    return "web" if line == root.cmdline() else "helper"


def seconds_of(pid: int) -> dict[str, float]:
    """Processor time that the process `pid` and all it started have spent so far, by role."""
    spent: dict[str, float] = {}
    for role, process in of_service(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent[role] = spent.get(role, 0.0) + times.user + times.system
    return spent


def seconds_of_postgres(cluster: servers.Postgres) -> float:
    """Processor time that the processes of a PostgreSQL which are there now have spent so far."""
    root = psutil.Process(int((cluster.data / "postmaster.pid").read_text().split()[0]))
    spent = 0.0
    for process in root.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent += times.user + times.system
    return spent
