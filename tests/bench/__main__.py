"""All benchmarks one after the other, as `make bench` runs them; each can also be run alone."""

import subprocess
import sys

BENCHMARKS = (
    ("startup",),
    ("recording",),
    ("kill9",),
    ("kill9", "--postgres"),
    ("triggers",),
    ("outage",),
    ("outage", "--postgres"),
    ("sending",),
    ("scanners",),
    ("proxy",),
    ("widget",),
)


def main() -> None:
    """Run them, each in a process of its own so that none inherits memory; fails if one fails."""
    failed = []
    for name, *arguments in BENCHMARKS:
        title = " ".join((name, *arguments))
        print(f"\n## {title}\n", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}", *arguments]).returncode:
            failed.append(title)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
