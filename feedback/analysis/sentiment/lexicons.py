"""Turns a sentence of any other language than English into what that language's model weighs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import TypeVar

from feedback.analysis import phrasebook
from feedback.analysis.phrasebook import GREATEST
from feedback.analysis.sentiment import model as models
from feedback.analysis.sentiment.features import NEGATED, Features, shouts
from feedback.analysis.sentiment.model import Model

MODEL = "models/sentiment-{}.npz"
LANGUAGES = phrasebook.LANGUAGES - {"en"}

DENSE = (
    "said", "said_worst", "said_best", "listed", "listed_positive", "listed_negative", "listed_worst", "listed_best",
    "rated", "rated_worst", "rated_best", "emoji", "rating", "last",
    "exclaims", "asks", "shouts", "turns", "length", "short", "mixed", "left_open", "no_known_word",
)  # fmt: skip
"""Names of the numbers in `Features.dense`, in order."""

JOINS = "_"
"""Between the words of a phrase that is one key."""

Each = TypeVar("Each")

_TURNED = -0.7
_RATED_AS_SAID = 2.0
_WORTH_SHOWING = 0.4
_SHORT, _LONG = 3, 60


@dataclass(slots=True)  # not frozen: one is made for each sentence
class Measured:
    """One sentence taken apart: its *keys*; the worth, −1 … 1, of what is *said* in phrases of the language's file,
    of single words *listed* there and of words *rated* by longer lists; *told*, the words that were found, as written,
    with how far they lean to positive; *assessed*, how many were."""

    words: list[str]
    keys: list[str]
    said: list[float]
    listed: list[float]
    rated: list[float]
    emoji: list[float]
    ratings: list[float]
    last: float
    told: dict[str, float]
    assessed: int
    exclaims: int
    asks: bool
    shouts: float
    turns: bool


def take_apart(sentence: str, language: str) -> Measured:
    """Measure one cleaned *sentence* by what is known of *language*."""
    found = phrasebook.book(language).read(sentence)
    rated = phrasebook.rated(language)
    tokens = found.tokens
    keys: list[str] = []
    told: dict[str, float] = {}
    said, listed, others, emojis, ratings, places = [], [], [], [], [], []
    hits = {hit.start: hit for hit in found.hits}
    at = 0
    while at < len(tokens):
        hit = hits.get(at)
        token = tokens[at]
        if hit is None:
            turned = found.turned[at]
            keys.append(NEGATED + token if turned else "0" if token[0].isdigit() else token)
            if value := rated[token] * (_TURNED if turned else 1.0):
                others.append(value)
                places.append((at, value))
                told[token] = value * _RATED_AS_SAID
            at += 1
            continue
        value = hit.value / GREATEST
        if hit.kind == "emoji":
            emojis.append(value)
        elif hit.kind == "rating":
            ratings.append(value)
        elif hit.kind == "said":
            said.append(value)
        else:
            listed.append(value)
        if hit.end - hit.start > 1:
            keys.append(JOINS.join(tokens[hit.start : hit.end]))
        else:
            keys.append(NEGATED + token if found.turned[at] else token)
        if value:
            places.append((at, value))
            told[hit.written] = value * GREATEST
        at = hit.end
    after = [value for place, value in places if place >= found.contrast] if found.contrast else []
    return Measured(
        tokens, keys, said, listed, others, emojis, ratings,
        sum(after) / math.sqrt(len(after)) if after else 0.0,
        told, len(found.hits) + len(others), tokens.count("!"), "?" in tokens or "؟" in tokens,
        shouts(sentence), found.contrast > 0,
    )  # fmt: skip


def join(sentences: Sequence[Measured]) -> Features:
    """Put measured *sentences* together into the features of the whole; at least one is needed."""
    count = len(sentences)
    said = _all([each.said for each in sentences])
    listed = _all([each.listed for each in sentences])
    others = _all([each.rated for each in sentences])
    emojis = _all([each.emoji for each in sentences])
    ratings = _all([each.ratings for each in sentences])
    words = sum([len(each.words) for each in sentences]) or 1
    every = [*said, *listed, *others, *emojis, *ratings]
    worst, best = min(every, default=0.0), max(every, default=0.0)
    dense = [
        _sum(said), min([*said, 0.0]), max([*said, 0.0]),
        _sum(listed), _sum([max(v, 0.0) for v in listed]), _sum([min(v, 0.0) for v in listed]),
        min([*listed, 0.0]), max([*listed, 0.0]),
        _sum(others), min([*others, 0.0]), max([*others, 0.0]),
        _sum(emojis), _sum(ratings), sum([each.last for each in sentences]) / count,
        min(sum([each.exclaims for each in sentences]), 3) / 3,
        sum([each.asks for each in sentences]) / count,
        sum([each.shouts for each in sentences]) / count,
        float(any([each.turns for each in sentences])),
        min(words, _LONG) / _LONG, float(words <= _SHORT),
        min(-worst, best) if worst < 0 < best else 0.0,
        float(0 in said or 0 in ratings),
        float(not any(every)),
    ]  # fmt: skip
    return Features(_all([each.keys for each in sentences]), dense)


def _all(lists: list[list[Each]]) -> list[Each]:
    return lists[0] if len(lists) == 1 else list(chain.from_iterable(lists))


def leanings(sentence: Measured, language: str) -> dict[str, float]:
    """Return the words of *sentence* that say enough, as written, with how far they lean to positive (above 0)."""
    leaning = shipped(language).leaning
    found = {word: lean for word, lean in sentence.told.items() if abs(lean) >= _WORTH_SHOWING}
    for key in sentence.keys:
        lean = leaning[key]
        if lean and not key.startswith(NEGATED) and key not in found and key[0].isalpha():
            found.setdefault(key.replace(JOINS, " "), lean)
    return found


def can_be_read(sentences: Sequence[Measured], language: str) -> bool:
    """Return whether any word of *sentences* is known to the model or the lists of *language*."""
    knows = shipped(language).knows
    return any(each.assessed or knows(each.keys) for each in sentences)


@cache
def shipped(language: str) -> Model:
    """Return the model of *language* that comes with the product, read once."""
    return models.load(Path(str(files("feedback.analysis") / MODEL.format(language))))


def _sum(values: Sequence[float]) -> float:
    return sum(values) / math.sqrt(len(values)) if values else 0.0
