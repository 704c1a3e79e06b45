"""The matters that feedback speaks of, out of plain files: names, and the words by which people speak of them.

`analysis/matters/en.txt` has a line for each, `name: clue, clue …`, to be read, corrected and extended; `~` stands
before those of some trades alone. `names.csv` has their names in other languages, `broader.list` what several of them
have in common.
"""

import csv
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "matters"

#: Between a matter's name and what marks one of several topics on it: "Delivery time: tents".
BESIDE = ": "


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
def broader() -> dict[str, tuple[str, ...]]:
    """What several matters have in common, by its English name: the names of these."""
    lines = (FOLDER / "broader.list").read_text("utf-8").splitlines()
    parted = (line.partition(": ") for line in lines if line[:1] not in ("", "#"))
    return {name: tuple(each.strip() for each in under.split(",")) for name, _, under in parted}


def translated(name: str, language: str) -> str | None:
    """A matter's name in a language; None where it has none there."""
    return name if language == "en" else _translated().get(name, {}).get(language)


def languages() -> frozenset[str]:
    """Those in which matters have names."""
    return frozenset(("en", *(language for each in _translated().values() for language in each)))


def of(label: str) -> str | None:
    """The English name of the matter that a label names, alone or with a mark, in any language; None
    where it names no matter."""
    return _english().get(label.partition(BESIDE)[0])


def own_words(label: str) -> str:
    """The part of a label that comes from comments: nothing of a matter's name, only the mark beside it; all of any
    other label."""
    before, _, mark = label.partition(BESIDE)
    return mark if before in _english() else label


@lru_cache(maxsize=1)
def _english() -> dict[str, str]:
    found = {own: name for name, each in _translated().items() for own in each.values()}
    return found | {name: name for name in (*broader(), *(matter.name for matter in load("en")))}


@lru_cache(maxsize=1)
def _translated() -> dict[str, dict[str, str]]:
    with (FOLDER / "names.csv").open(encoding="utf-8", newline="") as stream:
        return {
            row.pop("en"): {language: own for language, own in row.items() if own}
            for row in csv.DictReader(stream)
        }
