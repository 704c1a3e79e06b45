"""What comments mean, as vectors kept beside them: packed small, and compared to find what is alike."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from feedback.models import Meaning
from surveys.base import db

if TYPE_CHECKING:
    import numpy as np

LEAST_ALIKE = 0.3  # cosine; beneath it two comments have no more in common than any two
MOST_COMPARED = 100_000  # comments, the newest


def packed(row: "np.ndarray") -> str:
    """A unit vector as base64 of int8, 344 characters for 256 dimensions; "" for one of zeros."""
    import numpy as np

    largest = float(np.abs(row).max(initial=0.0))
    if not largest:
        return ""
    return base64.b64encode(np.round(row * (127 / largest)).astype(np.int8).tobytes()).decode()


def unpacked(texts: Sequence[str]) -> "np.ndarray":
    """The unit vectors (float32) that were packed, one in each row. None of the packed texts may be empty."""
    import numpy as np

    if not texts:
        return np.zeros((0, 0), np.float32)
    raw = base64.b64decode("".join(texts)) if len(texts) == 1 else b"".join(map(base64.b64decode, texts))
    rows = np.frombuffer(raw, np.int8).reshape(len(texts), -1).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def alike(keys: Sequence[int], among: Any, limit: int) -> list[tuple[int, float]]:
    """The comments that are most like those of the responses `keys`, without these: nearest first, each with its cosine
    (at most 1) to what the comments mean on average.

    `among`: a query of the responses to choose from; it joins no vectors. The newest `MOST_COMPARED` of them that have
    a vector of the same representation are compared.
    """
    import numpy as np

    own: Any = Meaning.select(Meaning.vector, Meaning.representation).where(Meaning.key.in_(list(keys)))
    own = list(own.where(Meaning.vector != "").order_by(Meaning.key.desc()).tuples())
    if not own:
        return []
    representation = own[0][1]
    query = among.join(Meaning, on=(Meaning.key == among.model.key), src=among.model)
    query = query.select(Meaning.key, Meaning.vector).where(
        Meaning.vector != "", Meaning.key.not_in(list(keys))
    )
    query = query.where(Meaning.representation == representation)
    found = db.database.execute(query.order_by(among.model.key.desc()).limit(MOST_COMPARED)).fetchall()
    if not found:
        return []
    middle = unpacked([vector for vector, each in own if each == representation]).mean(axis=0)
    cosine = unpacked([vector for _, vector in found]) @ (middle / max(float(np.linalg.norm(middle)), 1e-9))
    order = np.argsort(-cosine, kind="stable")[:limit]
    return [(found[at][0], float(min(1.0, cosine[at]))) for at in order if cosine[at] >= LEAST_ALIKE]


def covering(
    texts: Sequence[str], read: Sequence[int], alike: float, most: int, kinds: Sequence[object]
) -> tuple[list[tuple[int, int]], int]:
    """The fewest of some packed vectors that stand for the others, greedily; and how many `read` ones stand for.

    One stands for another of its kind whose cosine with it is at least `alike`. `read`: the places of those that are
    known; what they stand for need not be stood for again. Each of the chosen, at most `most`, comes with how many more
    it adds.
    The greedy choice is within 63 % of the best one (Nemhauser, Wolsey and Fisher, Mathematical Programming 14, 1978).
    """
    import numpy as np

    if not texts:
        return [], 0
    rows = unpacked(texts)
    kind = np.unique([str(each) for each in kinds], return_inverse=True)[1]
    near = (rows @ rows.T >= alike) & (kind[:, None] == kind)
    np.fill_diagonal(near, True)
    open_ = ~near[list(read)].any(axis=0) if read else np.ones(len(texts), bool)
    known = len(texts) - int(open_.sum())
    # Of each, how many it stands for that are still open: each of those is taken off once, when it is stood for.
    gains = np.count_nonzero(near[:, open_] if known else near, axis=1)
    chosen: list[tuple[int, int]] = []
    while len(chosen) < most and open_.any():
        best = int(gains.argmax())
        chosen.append((best, int(gains[best])))
        covered = near[best] & open_
        gains -= np.count_nonzero(near[covered], axis=0)
        open_ &= ~covered
    return chosen, known
