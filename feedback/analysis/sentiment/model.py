"""The trained English sentiment model: one weight per word, word pair and measure, read from a small file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from feedback.analysis.sentiment.features import Features

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

    index: dict[str, int]
    keys: NDArray[np.float32]
    dense: NDArray[np.float32]
    bias: NDArray[np.float32]
    telling: dict[str, float] = field(init=False)
    """The single keys that say enough by themselves, with by how much they speak for positive (above 0) or
    negative (below 0)."""

    def __post_init__(self) -> None:
        leanings = (self.keys[:, 2] - self.keys[:, 0]).tolist()
        told = {
            key: leanings[row]
            for key, row in self.index.items()
            if abs(leanings[row]) >= LEAST_SAYING and " " not in key
        }
        object.__setattr__(self, "telling", told)

    def logits(self, features: Sequence[Features]) -> list[Logits]:
        """Return the three log-probabilities of each of *features*, up to a constant."""
        rows: list[int] = []
        of: list[int] = []
        scale = np.empty(len(features))
        for number, each in enumerate(features):
            known = self.rows(each)
            rows += known
            of += [number] * len(known)
            scale[number] = 1 / np.sqrt(max(len(each.keys), 1))
        total = np.zeros((len(features), 3))
        np.add.at(total, of, self.keys[rows])
        dense = np.array([each.dense for each in features], dtype=np.float32).reshape(
            len(features), self.dense.shape[0]
        )
        return list(map(tuple, (total * scale[:, None] + dense @ self.dense + self.bias).tolist()))

    def rows(self, features: Features) -> list[int]:
        """Return the rows of `keys` that *features* touch, each once."""
        return [row for row in map(self.index.get, weighable(features.keys)) if row is not None]


def weighable(keys: list[str]) -> set[str]:
    """Return single keys and pairs of neighbours; what occurs twice counts once."""
    return {*keys, *map(" ".join, pairwise(keys))}


def load(path: Path) -> Model:
    """Read a model file written by `save`."""
    with np.load(path, allow_pickle=False) as stored:
        names = stored["names"].tobytes().decode().split("\n") if len(stored["names"]) else []
        keys = stored["keys"].astype(np.float32)
        return Model({name: row for row, name in enumerate(names)}, keys, stored["dense"], stored["bias"])


def save(model: Model, path: Path) -> None:
    """Write *model*, its key weights as halves (sixteen bits)."""
    np.savez_compressed(
        path,
        names=np.frombuffer("\n".join(model.index).encode(), dtype=np.uint8),
        keys=model.keys.astype(np.float16),
        dense=model.dense.astype(np.float32),
        bias=model.bias.astype(np.float32),
    )


@cache
def shipped() -> Model:
    """Return the model that comes with the product, read once."""
    return load(Path(str(files("feedback.analysis") / SHIPPED)))
