"""Measures how many comments a second one core reads, what each piece takes, and the memory (`make bench-listening`).

`python -m tests.bench.sentiment_pace COMMENTS.csv` reads the column `text` over and over, up to 10,000 comments. With
`--beside CHECKOUT` it is read in turn by that checkout's own bench, the whole alone: what else a machine does counts
for more than most changes. `--languages` reads instead the sentences written for each language.
"""

import argparse
import csv
import itertools
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from feedback.analysis import languages, sentences
from feedback.analysis.sentiment import features, model, reading
from tests.bench import sentiment_languages

COMMENTS = 10_000
OF_A_LANGUAGE = 3_000
ROUNDS = 5
HERE = Path(__file__).parents[2]


def main() -> None:
    """Print the pace of the whole and of each piece, in processor time, and the greatest memory used."""
    parser = argparse.ArgumentParser(description=__doc__)
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("comments", type=Path, nargs="?")
    wanted.add_argument("--languages", action="store_true")
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT")
    given = parser.parse_args()
    if given.languages:
        _of_languages()
    elif given.beside:
        _beside(given.beside.resolve(), given.comments.resolve())
    else:
        with given.comments.open(encoding="utf-8", newline="") as stream:
            texts = [row["text"] for row in csv.DictReader(stream)]
        _in_pieces(list(itertools.islice(itertools.cycle(texts), COMMENTS)))


def _beside(other: Path, comments: Path) -> None:
    """Print the pace of this checkout and of the *other*, best and median, and the median of their ratios."""
    paces: dict[Path, list[int]] = {other: [], HERE: []}
    for turn in range(ROUNDS):
        for checkout in list(paces)[:: 1 if turn % 2 else -1]:
            paces[checkout].append(_pace_in(checkout, comments))
    for name, checkout in (("there", other), ("here", HERE)):
        some = paces[checkout]
        print(f"{name:5} {max(some):7,} comments/s at best, {statistics.median(some):7,.0f} in the median")
    ratio = statistics.median(here / there for here, there in zip(paces[HERE], paces[other], strict=True))
    print(f"here {ratio:.2f} times as many")


def _pace_in(checkout: Path, comments: Path) -> int:
    """Return the comments a second that the bench of a *checkout* prints."""
    command = [sys.executable, "-m", "tests.bench.sentiment_pace", str(comments)]
    printed = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout
    found = re.search(r"([\d,]+) comments/s", printed)
    assert found is not None, printed
    return int(found[1].replace(",", ""))


def _of_languages() -> None:
    """Print the pace in each language, told its name, and how many letters a comment has in the mean."""
    for language in sentiment_languages.languages():
        written = [text for text, _ in sentiment_languages.sentences(language)]
        comments = [
            reading.Comment(text, language=language)
            for text in itertools.islice(itertools.cycle(written), OF_A_LANGUAGE)
        ]
        reading.read_many(comments[: len(written)])
        seconds = min(_seconds(lambda some=comments: reading.read_many(some)) for _ in range(3))  # type: ignore[misc]
        letters = statistics.mean(map(len, written))
        print(f"{language}  {len(comments) / seconds:7,.0f} comments/s of {letters:.0f} characters")


def _in_pieces(texts: list[str]) -> None:
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
