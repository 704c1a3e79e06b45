"""Measures topics across languages, and themes: what `docs/listening.md` tells of both.

python -m feedback.training.evaluate_languages --data DATA

`DATA/languages/xsid/*.csv` hold requests (`text`, `topic`, and `en`, the same in English), `DATA/topics/*.csv` comments
(`text`, `topic`), and `DATA/themes/*.csv` the theme of each topic (`topic`, `theme`). What is not there is left out.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from feedback.analysis import spreadsheet
from feedback.analysis.topics import representations, reviewing
from feedback.domain.topics import State
from feedback.training.agreement import adjusted_rand, v_measure

_NOW = datetime(2026, 1, 1, tzinfo=UTC)

#: Requests of these are looked at together with their English; of the others each by itself with it.
POOLED = ("de", "it", "nl")

Said = Sequence[tuple[str, str, str]]
"""Text, topic and language of each comment."""


def across(said: Said) -> dict[str, float]:
    """How well one review of all comments finds their topics, in all and in each language, and how much of what it
    found is language (V-measure)."""
    state = reviewed([text for text, _, _ in said])
    found = [state.places[str(at)].topic for at in range(len(said))]
    figures = {"comments": len(said), "topics": len(set(found) - {None}), **_agreement(said, found)}
    figures["language"] = v_measure([language for _, _, language in said], found)
    for language in sorted({language for _, _, language in said}):
        own = [at for at, (_, _, each) in enumerate(said) if each == language]
        told = _agreement([said[at] for at in own], [found[at] for at in own])
        figures |= {f"{language} {name}": value for name, value in told.items()}
    return figures


def themes(said: Sequence[tuple[str, str]], above: Mapping[str, str]) -> dict[str, float]:
    """How well the themes that `analyse` finds agree with those that people put topics under."""
    rows = [spreadsheet.Row(text, None, None, None) for text, _ in said]
    found = [subject.theme or None for subject in spreadsheet.subjects(rows)]
    human = [above[topic] for _, topic in said]
    return {
        "themes": len(set(found) - {None}),
        "V": v_measure(human, found),
        "ARI": adjusted_rand(human, found),
    }


def reviewed(texts: Sequence[str]) -> State:
    """What one review of comments comes to; their ids are their places."""
    comments = {str(at): text for at, text in enumerate(texts)}
    return reviewing.review(State(), comments, representations.current(), _NOW).state


# ------------------------------------------------------------------------------------------------------


def _agreement(said: Said, found: Sequence[str | None]) -> dict[str, float]:
    human = [topic for _, topic, _ in said]
    return {
        "V": v_measure(human, found),
        "ARI": adjusted_rand(human, found),
        "unplaced": sum(topic is None for topic in found) / len(found),
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _print(name: str, figures: Mapping[str, float]) -> None:
    print(f"{name}: " + " · ".join(f"{each} {value:.4g}" for each, value in figures.items()), flush=True)  # noqa: T201


def main() -> None:
    """Reads the command line and prints the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    known = representations.current().languages
    requests = {path.stem: _rows(path) for path in sorted((data / "languages" / "xsid").glob("*.csv"))}
    own = {
        language: [(row["text"], row["topic"], language) for row in rows]
        for language, rows in requests.items()
        if language in known
    }
    english = {
        language: [(row["en"], row["topic"], "en") for row in rows] for language, rows in requests.items()
    }
    for language, said in own.items():
        _print(language, across(said))
        if language not in POOLED:
            _print(f"{language} and its English", across([*said, *english[language]]))
    together = [each for language in POOLED if language in own for each in own[language]]
    if together:
        _print("+".join((*POOLED, "en")), across([*together, *english[POOLED[0]]]))
    above = {row["topic"]: row["theme"] for path in (data / "themes").glob("*.csv") for row in _rows(path)}
    for path in sorted((data / "topics").glob("*.csv")):
        said_of = [(row["text"], row["topic"]) for row in _rows(path)]
        if above and all(topic in above for _, topic in said_of):
            _print(f"themes of {path.stem}", themes(said_of, above))


if __name__ == "__main__":
    main()
