"""Small disks for the tests that fill one up: real file systems, which only the processes put on them see."""

import contextlib
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import servers

#: An ext4 in a file needs root; a tmpfs is also to be had in a user namespace.
KINDS = ("tmpfs", "ext4") if os.geteuid() == 0 else ("tmpfs",)


@dataclass(frozen=True)
class Disk:
    """A file system at `path`, for the processes that are started `within` it and in the namespace of `holder`."""

    path: Path
    holder: int

    @property
    def outside(self) -> Path:
        """Where everybody else finds the same files, as long as the disk is there."""
        return Path(f"/proc/{self.holder}/root{self.path}")

    def within(self, command: Sequence[str]) -> list[str]:
        """The command, to be run where the disk can be seen."""
        into = ["nsenter", f"--target={self.holder}", "--mount", *_AS_ROOT_INSIDE[1]]
        return [*into, "sh", "-c", f"cd {shlex.quote(str(servers.ROOT))} && exec {shlex.join(command)}"]

    def fill(self, leaving: int = 0) -> Path:
        """Take up all room but so many bytes; the file that does, to be removed again."""
        path = self.outside / "filling"
        with open(path, "ab", buffering=0) as file:
            for size in (2**20, 2**12):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)
                        os.fsync(file.fileno())
            file.truncate(max(0, file.tell() - leaving))
        return path

    def break_off(self) -> None:
        """Have ext4 behave as after an error of the device: what is open stays open, and nothing can be written."""
        self._mount("--options", "remount,abort")

    def _mount(self, *options: str) -> None:
        subprocess.run(self.within(["mount", *options, str(self.path)]), check=True)


@contextlib.contextmanager
def small(path: Path, kind: str = "tmpfs", mebibytes: int = 64) -> Iterator[Disk]:
    """An empty disk of that size at `path`, gone afterwards, also when this process is killed."""
    path.mkdir()
    place, image = (shlex.quote(str(path) + end) for end in ("", ".image"))
    if kind == "tmpfs":
        mount = f"mount -t tmpfs -o size={mebibytes}m small {place}"
    else:
        make = f"truncate -s {mebibytes}M {image} && mkfs.ext4 -q -m 0 {image}"
        mount = f"{make} && mount -o loop {image} {place}"
    # The namespace ends with its last process, and takes what is mounted in it along.
    command = ["unshare", "--mount", *_AS_ROOT_INSIDE[0], "sh", "-c", f"{mount} && echo ready && exec cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin
        assert holder.stdout
        if holder.stdout.readline() != "ready\n":
            raise RuntimeError("A small disk needs root, or a system that has user namespaces.")
        yield Disk(path, holder.pid)
        holder.stdin.close()


#: For unshare and for nsenter.
_AS_ROOT_INSIDE: tuple[list[str], list[str]] = (
    ([], []) if os.geteuid() == 0 else (["--user", "--map-root-user"], ["--user", "--preserve-credentials"])
)
