"""What schemas say of values that they refuse."""

import marshmallow as ma
import pytest
from marshmallow import fields, validate

import wsgi  # noqa: F401  what brings all schemas of both rooms


def schemas(of=ma.Schema):
    for each in of.__subclasses__():
        yield each
        yield from schemas(each)


def inside(field):
    yield field
    for each in (
        getattr(field, "inner", None),
        getattr(field, "key_field", None),
        getattr(field, "value_field", None),
    ):
        if isinstance(each, fields.Field):
            yield from inside(each)


def rules(validators):
    for each in validators:
        yield each
        if isinstance(each, validate.And):
            yield from rules(each.validators)


OURS = sorted({each for each in schemas() if each.__module__.startswith(("surveys.", "feedback."))}, key=str)


@pytest.mark.parametrize("schema", OURS, ids=lambda each: each.__name__)
def test_whoever_breaks_a_pattern_is_told_it_in_words(schema):
    """marshmallow's own sentence names "expected pattern" and keeps it to itself."""
    for name, declared in schema._declared_fields.items():
        for field in inside(declared):
            for rule in rules(field.validators):
                if isinstance(rule, validate.Regexp):
                    assert rule.error != rule.default_message, name
