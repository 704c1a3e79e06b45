"""Measures sentiment in each language on sentences written for it: `python -m tests.bench.sentiment_languages`.

`tests/data/sentiment-languages/<language>.txt`: `+`, `-` or `=` and a sentence. Pairs of lines take turns: the first
two were looked at while mending, the next two only measure, and so on.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from feedback.analysis.sentiment import reading
from feedback.analysis.sentiment.reading import Comment, Sentiment
from feedback.training.agreement import macro_f1

FOLDER = Path(__file__).parents[1] / "data" / "sentiment-languages"
DEMO = Path(__file__).parents[2] / "feedback" / "demo" / "comments"
_LABELS = {"-": 0, "=": 1, "+": 2}
_WRITTEN_AS = {"bad": 0, "warehouse": 0, "mixed": 1, "good": 2}


@dataclass(frozen=True, slots=True)
class Figures:
    """*balanced*: mean share of praise and of blame read as such, by the sign of the score, unread counting as
    wrong; *macro_f1* of the three classes; *unread* share."""

    balanced: float
    macro_f1: float
    unread: float
    count: int


def languages() -> list[str]:
    """Return the languages that have sentences."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def sentences(language: str, half: int | None = None) -> list[tuple[str, int]]:
    """Return sentences with 0, 1 or 2 for negative, neutral, positive; *half* 0 was looked at, 1 only measures."""
    lines = (FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return [
        (line[2:], _LABELS[line[0]]) for number, line in enumerate(lines) if half in (None, number // 2 % 2)
    ]


def figures(language: str, half: int | None = 1, claimed: bool = True) -> Figures:
    """Read the sentences of *language*, told its name or not."""
    return _figures(language, sentences(language, half), claimed)


def of_the_demo(language: str) -> Figures | None:
    """Read the demo's comments in *language*, by the way they were written: blame, mixed, praise; None without any."""
    path = DEMO / f"{language}.json"
    if not path.exists():
        return None
    written = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        (text, _WRITTEN_AS[manner])
        for matter in written.values()
        if isinstance(matter, dict)
        for manner, texts in matter.items()
        if manner in _WRITTEN_AS
        for text in texts
    ]
    return _figures(language, rows, claimed=True)


def _figures(language: str, rows: list[tuple[str, int]], claimed: bool) -> Figures:
    found = reading.read_many([Comment(text, language=language if claimed else None) for text, _ in rows])
    truth = [label for _, label in rows]
    right = {0: [], 2: []}  # type: dict[int, list[bool]]
    for each, label in zip(found, truth, strict=True):
        if label != 1:
            right[label].append(each is not None and (each.text_score > 0) == (label == 2))
    return Figures(
        sum(sum(some) / len(some) for some in right.values()) / 2,
        macro_f1(truth, [_class(each) for each in found], sorted(set(truth))),
        sum(each is None for each in found) / len(found),
        len(rows),
    )


def _class(found: Sentiment | None) -> int:
    return -1 if found is None else reading.LABELS.index(found.text_label)


def main() -> None:
    """Print a row for each language."""
    print("| language | told apart | macro-F1 | unread | name not told | the demo's comments |")
    for language in languages():
        told, untold, demo = figures(language), figures(language, claimed=False), of_the_demo(language)
        of_demo = "–" if demo is None else f"{demo.balanced:.2f} of {demo.count}"
        print(
            f"| {language} | {told.balanced:.2f} | {told.macro_f1:.2f} | {told.unread:.0%} | "
            f"{untold.balanced:.2f}, {untold.unread:.0%} | {of_demo} |"
        )


if __name__ == "__main__":
    main()
