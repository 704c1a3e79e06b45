"""Learns at once from the sentiments that people corrected, and tells what it learnt."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from feedback.analysis.sentiment.model import Logits, weighable
from feedback.analysis.sentiment.questions import kind

STEPS = 80
STEP = 0.3
# How hard the weights of words, and of a survey's habits (how far to trust the score, the question, the
# model), are held near the shipped model: chosen on two sets left out, so that 30 corrections do no harm and
# 500 still teach.
_PULL_WORD, _PULL_HABIT = 5.0, 5.0
_SCORE_STEPS = 5
_SETTLED = 6.0


@dataclass(frozen=True, slots=True)
class Case:
    """One comment as the model saw it: its *keys*, the *logits* before any adjustment, and the *label* that is right.

    *text* is the cleaned comment and *score* the respondent's own (0 … 1). *label* is 0 for negative, 1 for neutral
    and 2 for positive, or None for a comment that is only to be read.
    """

    text: str
    keys: list[str]
    logits: Logits
    score: float | None = None
    question: str | None = None
    label: int | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What corrections taught: one weight for each class and habit or word, and the comments that people settled
    word for word.
    """

    index: dict[str, int]
    weights: NDArray[np.float64]
    settled: dict[str, int] = field(default_factory=dict)
    learnt_from: int = 0

    def apply(self, case: Case) -> Logits:
        """Return the adjusted log-probabilities of *case*. A comment that people settled reads as they said it does."""
        settled = self.settled.get(_same(case.text, case.question))
        if settled is not None:
            return (_SETTLED * (settled == 0), _SETTLED * (settled == 1), _SETTLED * (settled == 2))
        logits = np.array(case.logits, dtype=float)
        for name, value in _evidence(case).items():
            row = self.index.get(name)
            if row is not None:
                logits += value * self.weights[row]
        return tuple(logits.tolist())

    def changes(self, most: int = 20) -> list[tuple[str, float]]:
        """Return the words whose reading moved most, each with its shift: above 0 towards positive, below
        0 towards negative.
        """
        moved = [
            (name.removeprefix("word "), float(self.weights[row, 2] - self.weights[row, 0]))
            for name, row in self.index.items()
            if name.startswith("word ") and any(map(str.isalpha, name[5:]))
        ]
        return sorted(moved, key=lambda change: (-abs(change[1]), change[0]))[:most]


def learn(corrections: Sequence[Case]) -> Adjustment:
    """Return what *corrections* teach, all of them at once and in the order given (a later one on the same
    text wins).

    Penalised logistic regression on top of the shipped model's log-probabilities: without corrections nothing
    changes. 500 corrections take about a tenth of a second.
    """
    given = [each for each in corrections if each.label is not None]
    settled = {_same(each.text, each.question): each.label for each in given if each.label is not None}
    evidence = [_evidence(each) for each in given]
    index = {name: i for i, name in enumerate(sorted({name for each in evidence for name in each}))}
    weights = np.zeros((len(index), 3))
    if given:
        seen = np.zeros((len(given), len(index)))
        for number, each in enumerate(evidence):
            seen[number, [index[name] for name in each]] = list(each.values())
        pull = np.array([_PULL_WORD if name.startswith("word ") else _PULL_HABIT for name in index])[:, None]
        target = np.eye(3)[[each.label for each in given if each.label is not None]]
        # The shipped model takes the three sentiments to be equally many, so that the rare one is not passed
        # over: corrections count by class in the same way, as far as there are enough to tell (one of each is
        # assumed).
        evenly = (target @ ((len(given) + 3) / 3 / (target.sum(axis=0) + 1)))[:, None]
        weights = _fitted(seen, np.array([each.logits for each in given]), target, evenly, pull)
    return Adjustment(index, weights, settled, len(given))


def _fitted(
    seen: NDArray[np.float64],
    start: NDArray[np.float64],
    target: NDArray[np.float64],
    evenly: NDArray[np.float64],
    pull: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Minimise cross-entropy plus a quadratic penalty by AdaGrad: a fixed number of steps, no chance."""
    weights = np.zeros((seen.shape[1], 3))
    squares = np.full_like(weights, 1e-8)
    for _ in range(STEPS):
        logits = start + seen @ weights
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        slope = seen.T @ ((chances - target) * evenly) + pull * weights
        squares += slope**2
        weights -= STEP * slope / np.sqrt(squares)
    return weights


def _evidence(case: Case) -> dict[str, float]:
    """Return what a case can teach: its words, and the survey's habits by question and score."""
    words = sorted(weighable(case.keys))
    found = {f"word {word}": 1 / np.sqrt(max(len(words), 1)) for word in words}
    asked = kind(case.question).value
    negative, neutral, positive = case.logits
    mean = (negative + neutral + positive) / 3
    found |= {
        "always": 1.0,
        f"asked {asked}": 1.0,
        "model negative": negative - mean,
        "model positive": positive - mean,
    }
    if case.score is not None:
        place = min(max(case.score, 0.0), 1.0) * (_SCORE_STEPS - 1)
        below = int(place)
        found[f"score {below}"] = below + 1 - place
        if place > below:
            found[f"score {below + 1}"] = place - below
    return found


def _same(text: str, question: str | None) -> str:
    """Comments that differ in case and space only are one comment, as long as the question asks the same."""
    return f"{kind(question).value} {' '.join(text.lower().split())}"
