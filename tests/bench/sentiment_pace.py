"""Measures how many comments a second one core reads, what each piece takes, and the memory (`make bench-listening`).

`python -m tests.bench.sentiment_pace COMMENTS.csv` reads the column `text` over and over, up to 10,000 comments.
"""

import argparse
import csv
import itertools
import resource
import time
from collections.abc import Callable
from pathlib import Path

from feedback.analysis import languages, sentences
from feedback.analysis.sentiment import features, model, reading

COMMENTS = 10_000


def main() -> None:
    """Print the pace of the whole and of each piece, in processor time, and the greatest memory used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("comments", type=Path)
    with parser.parse_args().comments.open(encoding="utf-8", newline="") as stream:
        texts = list(
            itertools.islice(itertools.cycle(row["text"] for row in csv.DictReader(stream)), COMMENTS)
        )
    reading.read("warm up")
    whole = _seconds(lambda: _read_all(texts))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"all      {len(texts) / whole:7,.0f} comments/s, {peak:.0f} MiB at most")
    cleaned = [sentences.clean(text) for text in texts]
    parts = [sentences.split(text) or [""] for text in cleaned]
    flat = [part for each in parts for part in each]
    words = [features.tokens(part) for part in flat]
    measured = [[features.take_apart(part) for part in each] for each in parts]
    joined = [features.join(each) for each in measured]
    lexicon, vader = features.textblob_lexicon(), features.vader()
    pieces: dict[str, Callable[[], object]] = {
        "sentences": lambda: [sentences.split(sentences.clean(text)) for text in texts],
        "language": lambda: [languages.of(text) for text in cleaned],
        "words": lambda: [features.tokens(part) for part in flat],
        "VADER": lambda: [vader.measure(part) for part in flat],
        "TextBlob": lambda: [lexicon.assess(some) for some in words],
        "model": lambda: model.shipped().logits(joined),
    }
    rest = 1.0
    for name, work in pieces.items():
        share = _seconds(work) / whole
        rest -= share
        print(f"{name:9} {share:6.0%} of the time")
    print(f"{'the rest':9} {rest:6.0%} of the time: measures put together, words that decided, labels")


def _read_all(texts: list[str]) -> None:
    """Read in the worker's portions, keeping nothing."""
    for start in range(0, len(texts), 1000):
        reading.read_many(reading.Comment(text) for text in texts[start : start + 1000])


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
