"""The trained English sentiment model: one weight per word, word pair and measure, read from a small file."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feedback.analysis.sentiment.features import Features
from feedback.analysis.word_places import Remembered, WordPlaces

SHIPPED = "models/sentiment-en.npz"

LEAST_SAYING = 0.15
"""How far a word must lean to be shown as one that decided."""

Logits = tuple[float, float, float]
"""Three unnormalised log-probabilities: negative, neutral, positive."""


@dataclass(frozen=True, slots=True)
class Model:
    """Softmax regression over `Features`. Every array has three columns: negative, neutral and positive,
    in this order.
    """

    places: WordPlaces
    """The rows of the keys: single ones, and pairs with a space between."""
    keys: NDArray[np.float32]
    dense: NDArray[np.float32]
    bias: NDArray[np.float32]
    names: Sequence[str] = ()
    """The keys in the order of their rows, where the model is to be saved."""
    leaning: Remembered[float | None] = field(init=False)
    """By how much a single key speaks for positive (above 0) or negative (below 0); 0 where it says too little by
    itself, None where it has no weight."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "leaning", Remembered(self._lean, most=16_384))

    def logits(self, features: Sequence[Features]) -> list[Logits]:
        """Return the three log-probabilities of each of *features*, up to a constant."""
        count = len(features)
        keys = [weighable(each.keys) for each in features]
        rows = self.places.of_each(chain.from_iterable(keys))
        of = np.repeat(np.arange(count), list(map(len, keys)))[rows >= 0]
        weights = self.keys[rows[rows >= 0]]
        total = np.stack([np.bincount(of, column, count) for column in weights.T], axis=1)
        scale = 1 / np.sqrt([max(len(each.keys), 1) for each in features])
        dense = np.array([each.dense for each in features], dtype=np.float32).reshape(
            count, self.dense.shape[0]
        )
        return list(map(tuple, (total * scale[:, None] + dense @ self.dense + self.bias).tolist()))

    def knows(self, keys: Iterable[str]) -> int:
        """Return how many of *keys* have a weight."""
        return sum([lean is not None for lean in map(self.leaning.__getitem__, keys)])

    def _lean(self, key: str) -> float | None:
        row = self.places.of(key)
        if row is None:
            return None
        if " " in key:
            return 0.0
        lean = float(self.keys[row, 2] - self.keys[row, 0])
        return lean if abs(lean) >= LEAST_SAYING else 0.0


def weighable(keys: list[str]) -> set[str]:
    """Return single keys and pairs of neighbours; what occurs twice counts once."""
    return {*keys, *map(" ".join, pairwise(keys))}


def load(path: Path) -> Model:
    """Read a model file written by `save`."""
    with np.load(path, allow_pickle=False) as stored:
        names = re.finditer("[^\n]+", stored["names"].tobytes().decode())
        keys = stored["keys"].astype(np.float32)
        return Model(WordPlaces(name[0] for name in names), keys, stored["dense"], stored["bias"])


def save(model: Model, path: Path) -> None:
    """Write *model* with its key weights as halves (sixteen bits).

    Raises ValueError when it has not as many `names` as keys: one that was loaded keeps none.
    """
    if len(model.names) != len(model.keys):
        raise ValueError(f"{len(model.keys)} keys have {len(model.names)} names")
    np.savez_compressed(
        path,
        names=np.frombuffer("\n".join(model.names).encode(), dtype=np.uint8),
        keys=model.keys.astype(np.float16),
        dense=model.dense.astype(np.float32),
        bias=model.bias.astype(np.float32),
    )


@cache
def shipped() -> Model:
    """Return the model that comes with the product, read once."""
    return load(Path(str(files("feedback.analysis") / SHIPPED)))
