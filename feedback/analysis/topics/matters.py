"""The matters that feedback speaks of, out of plain files: names, and the words by which people speak of them.

`analysis/matters/en.txt` has a line for each, `name: clue, clue …`, to be read, corrected and extended; `~` stands
before those of some trades alone. `examples.en.txt` has what people say who speak of them, `kinds.list` which is a kind
of which, `broader.list` what several have in common, `names.csv` their names in other languages, and
`said.<language>.list` how people speak of the commonest ones there.
"""

import csv
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "matters"

#: Between a matter's name and what marks one of several topics on it: "Delivery time: tents".
BESIDE = ": "
#: Between the names of two matters that a topic speaks of alike: "Service & food".
BOTH = " & "
#: What is called so has nothing in common that could be named.
OTHERS = ("Other remarks", "Mixed remarks", "Unsorted remarks", "Various remarks", "Further remarks")


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
def examples() -> dict[str, tuple[str, ...]]:
    """By the name of each matter what people say in English when they speak of it; nothing where the file has none."""
    found: dict[str, list[str]] = {matter.name: [] for matter in load("en")}
    for line in (FOLDER / "examples.en.txt").read_text("utf-8").splitlines():
        if line.startswith("## "):
            name = line[3:]
            found[name] = []
        elif line[:1] not in ("", "#"):
            found[name].append(line)
    return {name: tuple(said) for name, said in found.items()}


@lru_cache(maxsize=1)
def broader() -> dict[str, tuple[str, ...]]:
    """What several matters have in common, by its English name: the names of these."""
    return {name.lstrip("~"): under for name, under in _broader()}


@lru_cache(maxsize=1)
def trades() -> frozenset[str]:
    """Those of `broader` whose matters are of one trade."""
    return frozenset(name[1:] for name, _ in _broader() if name.startswith("~"))


@lru_cache(maxsize=1)
def _broader() -> tuple[tuple[str, tuple[str, ...]], ...]:
    lines = (FOLDER / "broader.list").read_text("utf-8").splitlines()
    parted = (line.partition(": ") for line in lines if line[:1] not in ("", "#"))
    return tuple((name, tuple(each.strip() for each in under.split(","))) for name, _, under in parted)


@lru_cache(maxsize=1)
def kinds() -> tuple[tuple[str, str, str], ...]:
    """How matters hang together, by their names: the second is a kind or part of the first (":"), says the same ("="),
    or is often taken for it ("~")."""
    found = []
    for line in (FOLDER / "kinds.list").read_text("utf-8").splitlines():
        if line[:1] in ("", "#"):
            continue
        relation = next(sign for sign in (" = ", " ~ ", ": ") if sign in line)
        one, _, others = line.partition(relation)
        found += [(one.strip(), relation.strip(), each.strip()) for each in others.split(",")]
    return tuple(found)


@lru_cache(maxsize=32)
def said(language: str) -> dict[str, tuple[str, ...]]:
    """By which words people speak of matters in a language other than English, by a matter's English name; none where
    it has no file. A word of four letters stands for all that begin with it."""
    path = FOLDER / f"said.{language}.list"
    if not path.exists():
        return {}
    lines = (
        line.partition(": ") for line in path.read_text("utf-8").splitlines() if line[:1] not in ("", "#")
    )
    return {name: tuple(clue.strip() for clue in clues.split(",")) for name, _, clues in lines}


def translated(name: str, language: str) -> str | None:
    """A matter's name in a language, or those of two matters together; None where it has none there."""
    if language == "en":
        return name
    if BOTH in name:
        parts = [_translated().get(part, {}).get(language) for part in _parts(name)]
        return together([part for part in parts if part], language) if all(parts) else None
    return _translated().get(name, {}).get(language)


def together(names: Sequence[str], language: str) -> str:
    """One name of two: "Service & food"."""
    one, other = names
    return f"{one}{BOTH}{inside(other, language)}"


def inside(name: str, language: str) -> str:
    """A name as it is written inside another one."""
    return name if language == "de" or name[:2].isupper() else name[:1].lower() + name[1:]


@lru_cache(maxsize=1)
def languages() -> frozenset[str]:
    """Those in which matters have names."""
    return frozenset(("en", *(language for each in _translated().values() for language in each)))


def of(label: str) -> str | None:
    """The English name of the matter that a label names, alone or with a mark, in any language, or of the two that it
    names; None where it names no matter."""
    before = label.partition(BESIDE)[0]
    if BOTH in before:
        parts = _parts(before)
        return together(parts, "en") if len(parts) == 2 else None
    found = _english().get(before)
    return found if found not in OTHERS else None


def other(label: str) -> str | None:
    """The English of a label that says, in any language, that a topic has nothing in common; None for any other."""
    found = _english().get(label)
    return found if found in OTHERS else None


def own_words(label: str) -> str:
    """The part of a label that comes from comments: nothing of a matter's name, only the mark beside it; all of any
    other label."""
    before, _, mark = label.partition(BESIDE)
    return mark if of(before) or _english().get(before) else label


def _parts(label: str) -> list[str]:
    """The English names of the two matters that a label names."""
    known = _english()
    halves = (known.get(half) or known.get(half[:1].upper() + half[1:]) for half in label.split(BOTH))
    return [half for half in halves if half]


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
