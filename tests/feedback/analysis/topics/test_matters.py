"""The plain files of matters fit together: every line is read, and names only what there is."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback.analysis.topics import matters, naming, spoken
from feedback.analysis.topics.wordpieces import fold

KNOWN = {matter.name for matter in matters.load("en")}


def lines(name: str) -> list[str]:
    """The lines of a plain file that are no comment."""
    listed = (matters.FOLDER / name).read_text("utf-8").splitlines()
    return [line for line in listed if line[:1] not in ("", "#")]


def blocks() -> list[str]:
    """The names of the matters in the order of their examples."""
    listed = (matters.FOLDER / "examples.en.txt").read_text("utf-8").splitlines()
    return [line[3:] for line in listed if line.startswith("## ")]


def plain(sentence: str) -> str:
    """A sentence without case, signs and accents."""
    words = re.sub(r"['’]", "", fold(sentence))
    return " ".join(re.findall(r"[^\W_]+", words)) or sentence


def test_each_matter_has_ten_examples_and_each_block_of_them_is_a_matter() -> None:
    assert sorted(blocks()) == sorted(KNOWN)
    assert [name for name, said in matters.examples().items() if len(said) < 10] == []


def test_no_example_stands_under_two_matters_or_twice_under_one() -> None:
    often = Counter(plain(each) for said in matters.examples().values() for each in said)
    assert [each for each, many in often.items() if many > 1] == []


def test_no_example_is_a_story() -> None:
    assert [line for line in lines("examples.en.txt") if len(line) > 200] == []


@pytest.mark.parametrize("name", ["examples.en.txt", "en.txt"])
def test_what_a_file_is_stands_above_it_in_lines_that_can_be_read(name: str) -> None:
    above = (matters.FOLDER / name).read_text("utf-8").splitlines()[:5]
    told = [line for line in above if line.startswith("# ")]
    assert told
    assert [line for line in told if len(line) > 120] == []


def test_how_matters_hang_together_is_told_of_known_ones_once() -> None:
    for line in lines("kinds.list"):
        assert sum(sign in line for sign in (" = ", " ~ ", ": ")) == 1, line
    told = matters.kinds()
    assert {name for one, _, other in told for name in (one, other)} <= KNOWN
    often = Counter(frozenset((one, other)) for one, _, other in told)
    assert [sorted(pair) for pair, many in often.items() if many > 1 or len(pair) < 2] == []


def test_no_matter_is_a_kind_of_itself() -> None:
    narrower: dict[str, set[str]] = {}
    for one, relation, other in matters.kinds():
        if relation == ":":
            narrower.setdefault(one, set()).add(other)
    while narrower:  # those that nothing broader is known of are taken off, until none are left
        below = set().union(*narrower.values())
        top = narrower.keys() - below
        assert top, f"a circle among {sorted(narrower)}"
        narrower = {one: others for one, others in narrower.items() if one not in top}


@pytest.mark.parametrize("language", sorted(matters.languages() - {"en"}))
def test_every_clue_of_another_language_says_a_word(language: str) -> None:
    said = matters.said(language)
    assert said.keys() <= KNOWN
    assert [
        (name, clue) for name, each in said.items() for clue in each if not any(map(str.isalpha, clue))
    ] == []
    assert len(lines(f"said.{language}.list")) == len(said)


def test_what_several_have_in_common_and_its_trades_are_there() -> None:
    assert len(lines("broader.list")) == len(matters.broader())
    assert matters.trades() <= matters.broader().keys()
    assert {name for under in matters.broader().values() for name in under} <= KNOWN
    assert set(naming._COMMANDS) <= matters.trades()


def test_matters_that_the_naming_speaks_of_are_there() -> None:
    assert {*naming._FEELINGS, *naming._EMPTY, "Product"} <= KNOWN


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Plain files of two matters, of which one has no examples."""
    (tmp_path / "en.txt").write_text("Parking: car park, no space\nStaff: team, waiter\n", "utf-8")
    (tmp_path / "examples.en.txt").write_text("## Parking\nnowhere to leave the car\n", "utf-8")
    (tmp_path / "kinds.list").write_text("", "utf-8")
    read = (matters.load, matters.examples, matters.kinds)
    monkeypatch.setattr(matters, "FOLDER", tmp_path)
    for each in read:
        each.cache_clear()
    yield tmp_path
    for each in read:
        each.cache_clear()


def test_a_matter_without_examples_stops_no_review(two: Path) -> None:
    assert matters.examples() == {"Parking": ("nowhere to leave the car",), "Staff": ()}
    said = spoken._Model().read(["the waiter was kind"])
    assert said.numbers[0, 0] == 1
