"""Writes what topics are called beside what their comments say, to be judged: `python -m tests.bench.names`.

    python -m tests.bench.names --out FOLDER demo ONE.csv+OTHER.csv THIRD.csv

reviews each set by itself (`demo`: the year of `feedback.demo`, in its nine languages; else the column `text` of
tables) and writes `FOLDER/names_A.txt`, `names_B.txt` …: the 50 largest topics, each with six of its comments drawn by
chance, and nothing else, so that whoever judges knows neither sizes nor other names it might have had. With `--tell` it
prints the sets' names and themes with their sizes.
"""

import argparse
import csv
import random
import string
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from feedback.analysis import nothing
from feedback.analysis.topics import representations, reviewing
from feedback.demo import filling, year
from feedback.domain.topics import State

DEMO = "demo"
_LARGEST, _DRAWN = 50, 6
_SEED = 7
_LONGEST = 300  # letters of a comment shown
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(source: str) -> list[str]:
    """The comments of a set: of the demo's year, or of tables parted by `+`; those that say nothing left out."""
    if source == DEMO:
        said = [(ask.comment, ask.language) for ask in year.asks(1, _NOW, 4_000) if ask.comment]
    else:
        said = []
        for path in source.split("+"):
            with Path(path).open(encoding="utf-8", newline="") as stream:
                said += [(row["text"], "en") for row in csv.DictReader(stream) if row["text"].strip()]
    return [str(text) for text, language in said if not nothing.says_nothing(str(text), language)]


def reviewed(comments: Sequence[str]) -> State:
    """What one review of comments comes to; their ids are their places."""
    by_id = {str(at): text for at, text in enumerate(comments)}
    return reviewing.review(State(), by_id, representations.current(), _NOW, {filling.PRODUCT}).state


def page(comments: Sequence[str], state: State) -> str:
    """The largest topics: a number, the name, six comments."""
    members: dict[str, list[int]] = defaultdict(list)
    for at in range(len(comments)):
        place = state.places[str(at)]
        if place.topic is not None:
            members[place.topic].append(at)
    largest = sorted(members, key=lambda topic: (-len(members[topic]), topic))[:_LARGEST]
    chance = random.Random(_SEED)
    lines = []
    for number, topic in enumerate(largest, 1):
        drawn = chance.sample(members[topic], min(_DRAWN, len(members[topic])))
        lines += [f"{number}. {state.topics[topic].label}"]
        lines += [f"   - {' '.join(comments[at].split())[:_LONGEST]}" for at in drawn]
        lines += [""]
    return "\n".join(lines)


def told(comments: Sequence[str], state: State) -> str:
    """The largest topics and all themes with their sizes, and how many comments are in no topic."""
    places = [state.places[str(at)].topic for at in range(len(comments))]
    sizes = Counter(topic for topic in places if topic is not None)
    above = Counter(str(state.topics[topic].theme) for topic in places if topic is not None)
    largest = sorted(sizes, key=lambda topic: (-sizes[topic], topic))[:_LARGEST]
    topics = " · ".join(f"{state.topics[topic].label} ({sizes[topic]})" for topic in largest)
    themes = " · ".join(
        f"{state.themes[id_].label} ({n})" for id_, n in above.most_common() if id_ in state.themes
    )
    waiting = places.count(None) / max(1, len(places))
    return (
        f"{len(places)} comments, {len(sizes)} topics, {waiting:.1%} in none\n{topics}\n\nThemes: {themes}\n"
    )


def main() -> None:
    """Reads the command line and writes a file for each set."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.names",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tell", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for letter, source in zip(string.ascii_uppercase, given.sets, strict=False):
        comments = read(source)
        state = reviewed(comments)
        (given.out / f"names_{letter}.txt").write_text(page(comments, state), encoding="utf-8")
        if given.tell:
            print(f"{letter}: {source}\n{told(comments, state)}", flush=True)


if __name__ == "__main__":
    main()
