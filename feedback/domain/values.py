"""Frozen values as names and what stands under them, for who shows more beside."""

from dataclasses import fields
from typing import Any


def plain(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by name. What stands in them is not copied, other than by `dataclasses.asdict`."""
    return {each.name: getattr(value, each.name) for each in fields(value)}
