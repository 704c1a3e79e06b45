"""How much processor a piece of work takes, in a measure that a slow or busy machine does not change.

Seconds of a processor grow when others use its caches and its other thread. So the same known work is timed
beside, in the same run, and the answer says how many times that one the work took.
"""

import json
import re
import time
from collections.abc import Callable
from functools import cache

_PAGE = {
    "items": [{"id": number, "comment": "It was slow, and nobody knew why. " * 3} for number in range(250)]
}
_WORDS = re.compile(r"[a-z]+")


def _known_work() -> None:
    """What most of Earshot's work is made of: JSON, regular expressions, sorting. About 10 ms."""
    for _ in range(4):
        text = json.dumps(json.loads(json.dumps(_PAGE)))
        sorted(set(_WORDS.findall(text)), key=lambda word: word[::-1])


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


@cache
def _usual() -> float:
    """Seconds that the known work takes when nobody disturbs it."""
    return min(_seconds(_known_work) for _ in range(5))


def units(work: Callable[[], object], most: float) -> float:
    """How many times the known work `work` takes; the least of three tries, and one where `most` is not reached."""
    least = float("inf")
    for _ in range(3):
        taken = _seconds(work)
        least = min(least, taken / _usual())
        if least >= most:
            # Others may be busy: the known work is done anew beside it.
            least = min(least, taken / _seconds(_known_work))
        if least < most:
            break
    return least
