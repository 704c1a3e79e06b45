"""How arrivals of one answer merge: each field keeps the value of the highest revision that carried it.

At equal revision the first stored wins. So any order of arrival, any number of times, gives the same answer.
"""

import json
from collections.abc import Mapping
from typing import Any

#: Fields that merge by revision, and what an answer has before any revision carried them.
MERGED: dict[str, Any] = {
    "score": None,
    "comment": None,
    "answers": None,
    "language": None,
    "touchpoint": None,
    "page": None,
    "properties": None,
    "channel": "widget",
    "final": False,
    "test": False,
    "contact": None,
    "seconds": None,
    "person": None,
}

#: Above every revision that a respondent's device can send: what is carried by it stands.
LAST = 1 << 40


def is_newer(revisions: Mapping[str, int], name: str, revision: int) -> bool:
    """Whether what `revision` says of a field counts, given the revision that each field was last carried by."""
    return revision > revisions.get(name, -1)


def merged(
    stored: Mapping[str, Any],
    revisions: Mapping[str, int],
    carried: Mapping[str, Any],
    revision: int,
    differing: bool = False,
) -> tuple[dict[str, Any], dict[str, int]]:
    """What changes in `stored` by the fields that `revision` carried, and by which revision each field is carried now.

    `differing`: `revision` is newer than all; a field that already holds what was carried stays with the revision that
    said so first.
    """
    changes: dict[str, Any] = {}
    carriers = dict(revisions)
    for name, value in carried.items():
        is_same = same(stored[name], value)
        if is_same if differing else not is_newer(revisions, name, revision):
            continue
        carriers[name] = revision
        if not is_same:
            changes[name] = value
    return changes, carriers


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON: for Python, 1 and true are equal."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
