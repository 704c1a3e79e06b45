"""What a review of many comments costs with everything, tables included: `make bench-listening`.

`python -m tests.bench.reviewing COMMENTS.csv` fills a database with comments made of the column `text`, and
reviews them as the worker does, in a process forked from one that has read comments: processor seconds by step,
and the memory of that process, what it shares with the worker included.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from feedback import listening
from feedback.models import Placement, Topic
from feedback.topics import reviews
from surveys.base import clock
from surveys.models import Response, Survey
from tests.bench import commented


def main() -> None:
    """Print a line for each review: the second one finds what the first has left."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reviewing", description=__doc__)
    parser.add_argument("comments", type=Path)
    parser.add_argument("--present", type=int, default=100_000)
    given = parser.parse_args()
    with commented.application() as survey:
        _beside(_fill, survey, given)
        first = Response.select(Response.key).order_by(Response.key).limit(1).scalar()
        listening.read_comment({"key": first}, clock.now())
        for name in ("first review", "review of what stands"):
            _beside(_review, name)
        print(f"{Topic.select().count():,} topics, {Placement.select().count():,} placements")


def _beside(verb: Callable[..., None], *arguments: Any) -> None:
    """Run `verb` in a process of its own, so that its memory is its own too."""
    process = multiprocessing.get_context("fork").Process(target=verb, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def _fill(survey: Survey, given: argparse.Namespace) -> None:
    commented.fill(survey, commented.variants(given.comments, given.present))


def _review(name: str) -> None:
    spent: dict[str, float] = {}
    last = begin = time.process_time()
    current = "gathering"

    def tell(step: str, share: float) -> None:
        nonlocal last, current
        spent[current] = spent.get(current, 0.0) + time.process_time() - last
        last, current = time.process_time(), step

    reviews.run(reviews.ask(clock.now())[0], tell)
    tell("done", 1.0)
    steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in spent.items() if seconds >= 0.05)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = time.process_time() - begin
    print(f"{name}: {total:.1f} s of processor time ({steps}), {peak:.0f} MiB at most", flush=True)


if __name__ == "__main__":
    main()
