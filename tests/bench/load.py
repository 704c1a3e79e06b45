"""Load on `POST /r` from keep-alive connections of another process, and the flush that every commit pays."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Load:
    """What one stretch of load measured; times in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float
    errors: int
    generator_cores: float  # how much of one processor the generator itself used


def post_answers(
    url: str, survey: str, *, seconds: float, connections: int = 64, comments: float = 1
) -> Load:
    """Post new answers to `url`/r as fast as it takes them; a share `comments` of them has a comment.

    Raises LookupError when wrk is not installed. An answer other than 2xx counts as an error.
    """
    wrk = shutil.which("wrk")
    if not wrk:
        raise LookupError("The benchmarks need wrk: apt-get install wrk")
    command = [
        wrk, "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:.0f}s",
        "--timeout", "30s", "--script", str(SCRIPT), f"{url}/r",
    ]  # fmt: skip
    environment = {**os.environ, "SURVEY": survey, "COMMENTS": str(comments)}
    before = os.times()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    after = os.times()
    outcome = json.loads(done.stderr.splitlines()[-1])
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Load(
        requests=outcome["requests"],
        per_second=outcome["requests"] / outcome["seconds"],
        p50=outcome["p50"],
        p99=outcome["p99"],
        errors=outcome["errors"],
        generator_cores=spent / outcome["seconds"],
    )


def flushes_per_second(directory: Path, *, seconds: float = 1) -> float:
    """How often a second this disk can append 512 bytes and flush them: the ceiling of commits one by one."""
    block = os.urandom(512)
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        flushes, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            file.write(block)
            # macOS has no fdatasync.
            getattr(os, "fdatasync", os.fsync)(file.fileno())
            flushes += 1
        return flushes / (time.perf_counter() - started)
