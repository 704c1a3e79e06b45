"""What a review of many comments costs with everything, tables included: `make bench-listening`.

`python -m tests.bench.reviewing COMMENTS.csv` fills a database with comments made of the column `text`, and
reviews them: processor seconds by step, and the memory of the process that reviews.
"""

import argparse
import multiprocessing
import resource
import time
from pathlib import Path

from feedback import reviews
from feedback.models import Placement, Topic
from surveys.base import clock
from surveys.models import Survey
from tests.bench import commented


def main() -> None:
    """Print a table of steps, then the sums. The second review finds what the first has left."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reviewing", description=__doc__)
    parser.add_argument("comments", type=Path)
    parser.add_argument("--present", type=int, default=100_000)
    given = parser.parse_args()
    with commented.application() as survey:
        # In a process of its own, so that its memory is not counted.
        filling = multiprocessing.get_context("fork").Process(target=_fill, args=(survey, given))
        filling.start()
        filling.join()
        for name in ("first review", "review of what stands"):
            _review(name)
        print(f"{Topic.select().count():,} topics, {Placement.select().count():,} comments in them")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.0f} MiB at most, the application included")


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
    print(f"{name}: {time.process_time() - begin:.1f} s of processor time ({steps})", flush=True)


if __name__ == "__main__":
    main()
