"""How many cores the process may use, told from files as the kernel shows them."""

import os

import pytest

from surveys.base import cores

V2 = "35 24 0:30 {top} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "33 24 0:28 {top} /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
SETS = "34 24 0:29 {top} /sys/fs/cgroup/cpuset rw,nosuid shared:9 - cgroup cgroup rw,cpuset\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with eight cores; says how many are usable with these files."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))

    def usable(files):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return cores.usable(tmp_path)

    return usable


def files(mounts, group, limits):
    """The files of one process in `group`; `limits`: texts by path below /sys/fs/cgroup."""
    found = {"proc/self/mountinfo": mounts, "proc/self/cgroup": group}
    for path, text in limits.items():
        found["sys/fs/cgroup/" + path] = text
    return found


def v1(quota, period=100000, below=""):
    """Two files of version 1."""
    return {
        f"cpu,cpuacct{below}/cpu.cfs_quota_us": f"{quota}\n",
        f"cpu,cpuacct{below}/cpu.cfs_period_us": f"{period}\n",
    }


@pytest.mark.parametrize(
    ("mounts", "group", "limits", "expected"),
    [
        # Version 2. In a container its own group is the root.
        (V2.format(top="/"), "0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        (V2.format(top="/"), "0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        (V2.format(top="/"), "0::/\n", {"cpu.max": "250000 100000\n"}, 3),
        (V2.format(top="/"), "0::/\n", {"cpu.max": "max 100000\n"}, 8),
        (V2.format(top="/"), "0::/\n", {}, 8),
        (V2.format(top="/"), "0::/\n", {"cpu.max": "1600000 100000\n"}, 8),
        # A service of systemd: its slice may be limited, or it itself.
        (V2.format(top="/"), "0::/a.slice/b.service\n", {"a.slice/cpu.max": "300000 100000\n"}, 3),
        (
            V2.format(top="/"),
            "0::/a.slice/b.service\n",
            {"a.slice/cpu.max": "300000 100000\n", "a.slice/b.service/cpu.max": "100000 100000\n"},
            1,
        ),
        (V2.format(top="/"), "0::/a.slice/b.service\n", {"other/cpu.max": "100000 100000\n"}, 8),
        # Version 1.
        (V1.format(top="/"), "4:cpu,cpuacct:/\n0::/\n", v1(150000), 2),
        (V1.format(top="/"), "4:cpu,cpuacct:/\n", v1(-1), 8),
        (V1.format(top="/"), "4:cpu,cpuacct:/docker/ab\n", v1(40000, 20000, "/docker/ab"), 2),
        # Docker without a name space of its own: the path is the one outside.
        (V1.format(top="/docker/ab"), "4:cpu,cpuacct:/docker/ab\n", v1(400000), 4),
        # Both: version 2 is mounted beside, without the controller.
        (
            SETS.format(top="/")
            + V1.format(top="/")
            + V2.format(top="/").replace("cgroup rw", "cgroup/unified rw"),
            "5:cpuset:/x\n4:cpu,cpuacct:/\n0::/\n",
            v1(300000),
            3,
        ),
        # What nobody has seen yet must not keep the service from starting.
        (V2.format(top="/"), "0::/\n", {"cpu.max": "\n"}, 8),
        (V2.format(top="/"), "0::/../x\n", {}, 8),
        ("", "", {}, 8),
    ],
)
def test_quotas_of_control_groups_count(machine, mounts, group, limits, expected):
    given = files(mounts, group, limits)
    assert machine(given) == expected


def test_without_such_files_the_affinity_counts(machine, monkeypatch):
    assert machine({}) == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert machine(files(V2.format(top="/"), "0::/\n", {"cpu.max": "400000 100000\n"})) == 1
