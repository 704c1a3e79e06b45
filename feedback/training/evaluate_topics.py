"""Measures the topics engine on labelled comments: agreement, labels, a stream, and what it costs.

python -m feedback.training.evaluate_topics DATA/topics/banking77_train.csv --stream 2000

The CSV has columns `text` and `topic`. With `--stream N` the comments also arrive in random order, N between
two reviews; `--labels N` prints N labels, evenly out of all by size, with the number of comments and the other
candidates. CPU time and the highest memory are those of this process.
"""

import argparse
import csv
import random
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from feedback.analysis import cleaning
from feedback.analysis.topics import naming, placing, representations, reviewing, wording
from feedback.analysis.topics.reviewing import Review
from feedback.domain.topics import Place, State, Topic, unplaced_share
from feedback.training.agreement import adjusted_mutual_information, adjusted_rand, v_measure

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def batch(texts: Mapping[str, str], truth: Mapping[str, str]) -> tuple[dict[str, float], State]:
    """Agreement and labels of one review of all comments, its CPU seconds and the share that waits (0–1); and
    what the review came to."""
    begin = time.process_time()
    found = reviewing.review(State(), texts, representations.current(), _NOW)
    seconds = time.process_time() - begin
    first, three = label_hits(found.state, truth)
    figures = {
        **_agreement(found.state, truth),
        "label names the topic": first,
        "one of three does": three,
        "cpu seconds": seconds,
    }
    return figures, found.state


def labels_alone(texts: Mapping[str, str], truth: Mapping[str, str]) -> dict[str, float]:
    """How often labels name the topics that people gave when each is made of just the comments in that topic:
    what labels are worth apart from how well topics were found."""
    ids = list(texts)
    cleaned = [cleaning.strip(texts[id_]) for id_ in ids]
    rows = representations.current().encode([cleaning.one_line(text) for text in cleaned])
    members: dict[str, list[int]] = defaultdict(list)
    for at, id_ in enumerate(ids):
        members[truth[id_]].append(at)
    chosen = {topic: reviewing.most_typical(np.array(own), rows) for topic, own in members.items()}
    typical = {topic: [cleaned[at] for at in own] for topic, own in chosen.items()}
    centres = {topic: reviewing.mean_direction(rows[own]) for topic, own in chosen.items()}
    names = naming.name(typical, centres, representations.current())
    topics = {topic: Topic(topic, name.label, name.candidates) for topic, name in names.items()}
    first, three = label_hits(State(topics, {id_: Place(truth[id_]) for id_ in ids}), truth)
    return {"human topics": len(topics), "label names the topic": first, "one of three does": three}


def page(state: State, count: int) -> list[str]:
    """`count` topics evenly out of all, the largest first, as rows of a Markdown table."""
    sizes = Counter(place.topic for place in state.places.values() if place.topic is not None)
    order = [topic for topic, _ in sizes.most_common()]
    shown = min(count, len(order))
    chosen = [order[at * len(order) // shown] for at in range(shown)]
    lines = ["| label | comments | other candidates |", "|---|---|---|"]
    for topic in chosen:
        others = " · ".join(
            each for each in state.topics[topic].candidates if each != state.topics[topic].label
        )
        lines.append(f"| {state.topics[topic].label} | {sizes[topic]} | {others} |")
    return lines


def stream(texts: Mapping[str, str], truth: Mapping[str, str], step: int) -> list[dict[str, float]]:
    """The same with comments arriving in random order, `step` between reviews: a line for each review."""
    order = list(texts)
    random.Random(0).shuffle(order)
    standing, lines = Review(State(), placing.index(*_nothing()), 0, {}), []
    for end in range(step, len(order) + step, step):
        new = order[end - step : end]
        found = placing.place([texts[id_] for id_ in new], standing.index, representations.current())
        arrived = {
            id_: Place(placement.topics[0] if placement.topics else None)
            for id_, placement in zip(new, found, strict=True)
        }
        before = replace(standing.state, places={**standing.state.places, **arrived})
        standing = reviewing.review(
            before, {id_: texts[id_] for id_ in order[:end]}, representations.current(), _NOW
        )
        placed = [id_ for id_, place in before.places.items() if place.topic is not None]
        moved = sum(standing.state.places[id_].topic != before.places[id_].topic for id_ in placed)
        share = moved / len(placed) if placed else 0.0
        lines.append({**_agreement(standing.state, truth), "moved at review": share})
    return lines


def label_hits(state: State, truth: Mapping[str, str]) -> tuple[float, float]:
    """The share of topics whose label, and of which one of three candidates, names what most of it is about.

    A name is hit by half of its words, endings aside ("declined_card_payment" by "Card declined").
    """
    about: dict[str, Counter] = defaultdict(Counter)
    for id_, place in state.places.items():
        if place.topic is not None:
            about[place.topic][truth[id_]] += 1
    first = three = 0
    for topic, names in about.items():
        wanted = wording.stems(names.most_common(1)[0][0].replace("_", " "))
        hits = [
            2 * len(wanted & wording.stems(label)) >= len(wanted) for label in state.topics[topic].candidates
        ]
        first += any(hits[:1])
        three += any(hits[:3])
    return first / len(about), three / len(about)


def _agreement(state: State, truth: Mapping[str, str]) -> dict[str, float]:
    ids = list(state.places)
    human = [truth[id_] for id_ in ids]
    found = [state.places[id_].topic for id_ in ids]
    return {
        "comments": len(ids),
        "topics": len(set(found) - {None}),
        "V": v_measure(human, found),
        "ARI": adjusted_rand(human, found),
        "AMI": adjusted_mutual_information(human, found),
        "unplaced": unplaced_share(state),
    }


def _nothing() -> tuple:
    empty = representations.current().encode([])
    return empty, empty.__getitem__, (), {}


def _print(lines: Sequence[Mapping[str, float]]) -> None:
    for line in lines:
        print(" · ".join(f"{name} {value:.4g}" for name, value in line.items()))  # noqa: T201


def main() -> None:
    """Reads the command line and prints the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("--stream", type=int, metavar="N")
    parser.add_argument("--labels", type=int, metavar="N")
    given = parser.parse_args()
    with given.table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = {str(at): row["text"] for at, row in enumerate(rows)}
    truth = {str(at): row["topic"] for at, row in enumerate(rows)}
    figures, state = batch(texts, truth)
    _print([figures, labels_alone(texts, truth)])
    if given.labels:
        print("\n".join(page(state, given.labels)))  # noqa: T201
    if given.stream:
        _print(stream(texts, truth, given.stream))
    _print([{"highest memory in MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}])


if __name__ == "__main__":
    main()
