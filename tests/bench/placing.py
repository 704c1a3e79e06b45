"""What placing one comment costs with everything, tables included, while many are there: `make bench-listening`.

`python -m tests.bench.placing COMMENTS.csv` fills a database with comments made of the column `text`, reviews
them, and puts new ones into their topics one by one, as the worker does.
"""

import argparse
import statistics
import time
from pathlib import Path

from feedback import listening
from feedback.models import Placement
from feedback.topics import reviews
from surveys.base import clock
from tests.bench import commented

PRESENT = (10_000, 100_000)


def main() -> None:
    """Print median and 95th percentile of processor time and of time passed, in milliseconds."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.placing", description=__doc__)
    parser.add_argument("comments", type=Path)
    parser.add_argument("--present", type=int, nargs="+", default=PRESENT, help="comments there already")
    parser.add_argument("--placed", type=int, default=500, help="comments placed and measured")
    given = parser.parse_args()
    print("| comments present | CPU ms, median | p95 | passed ms, median | p95 | placed at once |")
    print("|---|---|---|---|---|---|")
    for present in given.present:
        print(_line(given.comments, present, given.placed), flush=True)


def _line(table: Path, present: int, count: int) -> str:
    texts = commented.variants(table, present + count + 1)
    step = len(texts) / (count + 1)
    new = {int(step * at) for at in range(count + 1)}
    with commented.application() as survey:
        commented.fill(survey, [text for at, text in enumerate(texts) if at not in new])
        reviews.run(reviews.ask(clock.now())[0])
        first, *keys = commented.fill(survey, [texts[at] for at in sorted(new)])
        listening.read_comment({"key": first}, clock.now())  # loads the engines, as the worker does
        listening.place_comment({"key": first}, clock.now())  # reads the topics once
        busy, passed = [], []
        for key in keys:
            cpu, wall = time.process_time(), time.perf_counter()
            listening.place_comment({"key": key}, clock.now())
            passed.append((time.perf_counter() - wall) * 1000)
            busy.append((time.process_time() - cpu) * 1000)
        found = Placement.select(Placement.response).where(Placement.response.in_(keys)).distinct().count()
    return f"| {present:,} | {_times(busy)} | {_times(passed)} | {found / len(keys):.0%} |"


def _times(taken: list[float]) -> str:
    return f"{statistics.median(taken):.1f} | {sorted(taken)[int(len(taken) * 0.95)]:.1f}"


if __name__ == "__main__":
    main()
