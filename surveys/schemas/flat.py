"""Schemas whose rules all belong to single fields, and which therefore load what is well-formed quickly."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma


class Flat(ma.Schema):
    """Loads a well-formed body field by field; marshmallow's own round costs more than storing an answer.

    The rules are said once, in the fields: whatever one of them refuses, an unknown name or a missing field is left
    to marshmallow, which says everything that is wrong. No hooks: TypeError for a schema that has one.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if any(self._hooks.values()):
            raise TypeError(f"{type(self).__name__} has hooks; a flat schema keeps its rules in its fields")
        self._required = {name for name, field in self.load_fields.items() if field.required}
        self._optional = {
            name: field.load_default
            for name, field in self.load_fields.items()
            if field.load_default is not ma.missing
        }

    def load(self, data: Any, **options: Any) -> Any:
        """As marshmallow's."""
        if type(data) is dict and options in ({}, {"unknown": ma.RAISE}) and self._required <= data.keys():
            try:
                return self._plainly(data)
            except (KeyError, ma.ValidationError):
                pass
        return super().load(data, **options)

    def _plainly(self, data: Mapping[str, Any]) -> dict[str, Any]:
        fields = self.load_fields
        loaded = {name: fields[name].deserialize(value, name, data) for name, value in data.items()}
        for name, default in self._optional.items():
            if name not in loaded:
                loaded[name] = default() if callable(default) else default
        return loaded
