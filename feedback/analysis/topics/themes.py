"""Gathers topics under themes: few enough to be read at a glance."""

import numpy as np

from feedback.analysis.topics.communities import louvain, mutual_graph
from feedback.domain.themes import FEWEST, MOST

_NEAREST = (3, 8)  # topics that each is tied to, fewest and most: an eighth of all
# As fine as the ten domains of 150 intents are; anything from 2 to 3 does as well.
_RESOLUTION = 2.5
_STEP = 1.25  # factor to the next resolution where themes are too few or too many
_STEPS = 12


def gather(centres: np.ndarray) -> np.ndarray:
    """A number from 0 for each of some topics, given the unit vectors of what they mean; equal ones are one theme.

    Topics are tied to those nearest to them and parted into communities, like comments into topics. There are `FEWEST`
    to `MOST` themes, where there are topics enough for two or three in each.
    """
    count = len(centres)
    if count < 3:
        return np.zeros(count, np.int64)
    nearest = min(_NEAREST[1], max(_NEAREST[0], count // 8))
    close = centres @ centres.T
    np.fill_diagonal(close, -1.0)
    index = np.argsort(-close, axis=1, kind="stable")[:, : min(nearest, count - 1)].astype(np.int32)
    edges = mutual_graph(index, np.take_along_axis(close, index, 1), 1.0)
    least = min(FEWEST, count // 3)
    resolution, most = _RESOLUTION, min(MOST, max(least, count // 2))
    for _ in range(_STEPS):
        found = louvain(count, *edges, resolution)
        themes = int(found.max()) + 1
        if least <= themes <= most:
            break
        resolution *= _STEP if themes < least else 1 / _STEP
    return found
