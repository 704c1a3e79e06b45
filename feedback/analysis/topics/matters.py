"""The matters that feedback speaks of, out of plain files: names, and the words by which people speak of them.

`analysis/matters/en.txt` has a line for each, `name: clue, clue …`, to be read, corrected and extended; `~` stands
before those of some trades alone. `names.csv` has their names in other languages.
"""

import csv
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "matters"


class Matter(NamedTuple):
    """What people speak of: its name, how they say it, and whether it is the matter of some trades alone."""

    name: str
    clues: tuple[str, ...]
    special: bool = False


@lru_cache(maxsize=32)
def load(language: str) -> tuple[Matter, ...]:
    """The matters of a language in the order of its file; none where it has no file."""
    path = FOLDER / f"{language}.txt"
    if not path.exists():
        return ()
    lines = (
        line.partition(":") for line in path.read_text("utf-8").splitlines() if line[:1] not in ("", "#")
    )
    return tuple(
        Matter(
            name.strip().lstrip("~"), tuple(clue.strip() for clue in clues.split(",")), name.startswith("~")
        )
        for name, _, clues in lines
    )


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """All names, of all languages: nobody's words, so they stand whoever takes theirs back."""
    return frozenset([matter.name for matter in load("en")]).union(
        *(each.values() for each in _translated().values())
    )


def translated(name: str, language: str) -> str | None:
    """A matter's name in a language; None where it has none there."""
    return name if language == "en" else _translated().get(name, {}).get(language)


@lru_cache(maxsize=1)
def _translated() -> dict[str, dict[str, str]]:
    with (FOLDER / "names.csv").open(encoding="utf-8", newline="") as stream:
        return {row.pop("en"): row for row in csv.DictReader(stream)}
