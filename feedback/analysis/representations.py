"""Says which vectors of meaning are in force."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from feedback.analysis import vectors


class Representation(Protocol):
    """What turns texts into vectors of meaning, and what cosines of its vectors say.

    Vectors of two representations have nothing in common: what is kept of one carries its `name`. Comments in
    another `language` (a tag of two letters) mean nothing to it.
    """

    @property
    def name(self) -> str:
        """Kept beside each vector; another one whenever the same text would have another vector."""

    @property
    def language(self) -> str:
        """The language whose words it knows."""

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""

    @property
    def near_enough(self) -> float:
        """Cosine of the nearest comment beneath which a comment speaks of what nobody spoke of yet."""

    @property
    def taught_near_enough(self) -> float:
        """Cosine to what a person taught from which a comment belongs to it."""

    @property
    def fineness(self) -> float:
        """Which of several groupings `clusters.group` prefers; the higher, the more and smaller topics."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of `texts` as float32 (texts × dimensions); a text that says nothing is all zeros."""


def current() -> Representation:
    """The representation in force."""
    return vectors.load()
