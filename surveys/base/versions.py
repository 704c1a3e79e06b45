"""Versions: what a form was made from, in a few letters, so that whoever saves later learns what changed meanwhile."""

import json
from typing import Any

from surveys.base import signing


def of(*said: Any) -> str:
    """The version of what is said by these values: others have another. It gives nothing of them away."""
    return signing.keyed_hash("version", json.dumps(said, default=str))
