"""Which letters of a comment are marked: the words that spoke for its sentiment, the phrases of its topics."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """A run of letters that are marked alike. `felt`: speaks for the sentiment; `topic`: the label of its topic."""

    text: str
    felt: bool = False
    topic: str | None = None


def runs(text: str, words: Sequence[str], phrases: Mapping[str, Sequence[str]]) -> list[Run]:
    """`text` in runs, in order and whole. `phrases`: by a topic's label; a letter is of the first topic that has it.

    Capitals do not matter. A word is found as a whole, a phrase wherever it stands.
    """
    felt = [False] * len(text)
    topic: list[str | None] = [None] * len(text)
    for word in words:
        if any(letter.isalnum() for letter in word):
            for start, end in _places(text, word, r"(?<!\w)", r"(?!\w)"):
                felt[start:end] = [True] * (end - start)
    for label, said in phrases.items():
        for phrase in said:
            if phrase.strip():
                for start, end in _places(text, phrase, "", ""):
                    topic[start:end] = [at or label for at in topic[start:end]]
    found = []
    for (is_felt, label), letters in itertools.groupby(
        range(len(text)), key=lambda at: (felt[at], topic[at])
    ):
        places = list(letters)
        found.append(Run(text[places[0] : places[-1] + 1], is_felt, label))
    return found


def _places(text: str, wanted: str, before: str, after: str) -> list[tuple[int, int]]:
    pattern = before + r"\s+".join(map(re.escape, wanted.split())) + after
    return [found.span() for found in re.finditer(pattern, text, re.IGNORECASE)]
