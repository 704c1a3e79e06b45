"""Reads the invented comments and compares with their labels: `python -m tests.bench.sentiment_invented`.

Rows with odd numbers are those that mending looked at; those with even numbers only measure. What could be made
of one of the comments the model learns from, however its slots are filled, is left out.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from feedback.analysis.sentiment import reading
from feedback.analysis.sentiment.reading import LABELS, Comment, Label
from feedback.training import sentiment_data
from feedback.training.agreement import macro_f1

DATA = Path(__file__).parents[1] / "data"
SETS = ("airline-tweets", "telecom-reasons", "reviews", "survey")


@dataclass(frozen=True, slots=True)
class Figures:
    """How *comments* came out: *macro_f1* over three classes, and the share of the negatives found, both 0 … 1."""

    comments: int
    macro_f1: float
    negatives_found: float


def main() -> None:
    """Print one line for each set."""
    for name in SETS:
        looked_at, measuring = figures(name, 0), figures(name, 1)
        print(
            f"{name:16} macro-F1 {measuring.macro_f1:.3f}, {measuring.negatives_found:.0%} of the negatives found "
            f"({measuring.comments} comments; those looked at: {looked_at.macro_f1:.3f})"
        )


def figures(name: str, first: int) -> Figures:
    """Return how every other comment of the set *name* is read, from the row with index *first* (0 or 1) on."""
    with (DATA / f"sentiment-invented-{name}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))[first::2]
    rows = [row for row in rows if not any(one.fullmatch(_words(row["text"])) for one in _learnt())]
    found = reading.read_many(
        Comment(row["text"], float(row["score"]) if "score" in row else None, row.get("question"))
        for row in rows
    )
    truth = [Label(row["label"]) for row in rows]
    read = [each and each.label for each in found]
    negatives = [r for t, r in zip(truth, read, strict=True) if t is Label.NEGATIVE]
    return Figures(len(rows), macro_f1(truth, read, LABELS), negatives.count(Label.NEGATIVE) / len(negatives))


@cache
def _learnt() -> list[re.Pattern[str]]:
    lists: dict[str, str] = {}
    found = []
    for line in sentiment_data.OWN.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(": ")
        if name in LABELS:
            parts = [
                lists[part] if at % 2 else re.escape(_words(part))
                for at, part in enumerate(re.split(r"\{(\w+)\}", rest))
            ]
            found.append(re.compile(" ".join(part for part in parts if part)))
        elif rest and not line.startswith("#"):
            lists[name] = "(?:" + "|".join(re.escape(_words(each)) for each in rest.split(" | ")) + ")"
    return found


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


if __name__ == "__main__":
    main()
