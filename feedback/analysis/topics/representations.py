"""Says which vectors of meaning are in force: the shipped ones, or a stronger model's when its package is there."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np

from feedback.analysis.topics import transformer, vectors


class Representation(Protocol):
    """What turns texts into vectors of meaning, and what cosines of its vectors say.

    Vectors of two representations have nothing in common: what is kept of one carries its `name`. Comments in
    other `languages` (tags of two letters) mean nothing to it.
    """

    @property
    def name(self) -> str:
        """Kept beside each vector; another one whenever the same text would have another vector."""

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it reads."""

    @property
    def apart(self) -> frozenset[str]:
        """Those in which a text is near only to what says the same words, and never to one in another language."""

    def language_of(self, text: str) -> str:
        """The one of its languages that a text is read in."""

    def is_common(self, word: str) -> bool:
        """Whether any sentence of one of its languages but English may hold a folded word."""

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""

    @property
    def near_enough(self) -> float:
        """Cosine of the nearest comment beneath which a comment speaks of what nobody spoke of yet."""

    @property
    def taught_near_enough(self) -> float:
        """Cosine to what a person taught from which a comment belongs to it."""

    def __hash__(self) -> int:
        """One for the life of the process: what is made of it is kept by it."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of `texts` as float32 (texts × dimensions); a text that says nothing is all zeros."""


@lru_cache(maxsize=1)
def current() -> Representation:
    """The representation in force, chosen once for the life of the process: the sentence model where the package
    of requirements-topics.txt is installed, the shipped vectors everywhere else."""
    return transformer.load() if transformer.is_installed() else vectors.load()


def in_force() -> str:
    """The name of the representation in force, without loading it."""
    return transformer.Transformer.name if transformer.is_installed() else vectors.Vectors.name
