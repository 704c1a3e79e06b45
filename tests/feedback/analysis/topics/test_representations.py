"""Which representation is in force."""

import sys

from feedback.analysis.topics import representations, transformer, vectors


def test_without_the_optional_package_the_shipped_vectors_are_in_force(representation):
    assert representations.current() is vectors.load()


def test_the_model_is_in_force_as_soon_as_its_package_is_there(representation):
    representation.install()
    model = representations.current()
    assert isinstance(model, transformer.Transformer)
    query, same, other = model.encode(["the car park was full", "no space to park", "the soup was cold"])
    assert query @ same > query @ other


def test_the_model_needs_none_of_what_its_package_asks_for(representation):
    representation.install()
    representations.current().encode(["the soup was cold"])
    assert not {"torch", "transformers", "sentence_transformers", transformer.PACKAGE} & sys.modules.keys()
