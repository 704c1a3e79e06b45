"""How many cores this process may use: fewer than the machine has, where an affinity or a control group says so."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable(root: Path = Path("/")) -> int:
    """Cores, at least 1: those of the affinity, and no more than the quotas of the control groups above us give.

    A container with half a core has 1, one with two and a half has 3. `root` is where /proc and /sys are found.
    """
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:
        # Only Linux has it.
        allowed = os.cpu_count() or 1
    return max(1, min([allowed, *map(math.ceil, _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Cores, by each control group that limits this process (cgroups(7)); none where there are no such groups."""
    for mounted, group in _groups(root):
        # A limit holds for all below it.
        for directory in (group, *group.parents):
            if directory.is_relative_to(mounted):
                yield from _quota(directory)


def _quota(directory: Path) -> Iterator[float]:
    """What one directory says: `cpu.max` in version 2, `cpu.cfs_quota_us` in version 1."""
    try:
        quota, period = (directory / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (directory / "cpu.cfs_quota_us").read_text().strip()
            period = (directory / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return
    # "max" and -1 mean that there is no limit.
    if quota.isdigit() and period.isdigit() and int(quota) and int(period):
        yield int(quota) / int(period)


def _groups(root: Path) -> Iterator[tuple[Path, Path]]:
    """Where each hierarchy that counts processor time is mounted, and our own directory in it."""
    try:
        ours = [line.split(":", 2) for line in (root / "proc/self/cgroup").read_text().splitlines()]
        mounts = (root / "proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return
    for line in mounts:
        # proc_pid_mountinfo(5): … root, mount point, options, optional fields, "-", type, source, options.
        before, _, after = line.partition(" - ")
        kind, *_, options = after.split() or [""]
        if kind not in ("cgroup", "cgroup2") or (kind == "cgroup" and "cpu" not in options.split(",")):
            continue
        top, point = before.split()[3:5]
        for _, controllers, path in ours:
            if (kind == "cgroup2" and not controllers) or (
                kind == "cgroup" and "cpu" in controllers.split(",")
            ):
                mounted = root / point.lstrip("/")
                # In a container the path may be the one outside, of which the part below `top` is mounted.
                inside = PurePosixPath(path)
                below = inside.relative_to(top) if inside.is_relative_to(top) else ""
                yield mounted, mounted / below
