"""A sentence model run with numpy says what the libraries that it was made with say."""

import math

import numpy as np
import pytest

from feedback.analysis.topics.transformer import Transformer
from tests.feedback import tiny_model

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "card", "pay", "##ment"]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Transformer:
    """Two layers, two heads, eight dimensions; each weight a formula of its place."""
    arrays = {
        name: _waves(at, shape) * (1.0 if name.startswith("embeddings.word") else 0.3)
        + name.endswith("LayerNorm.weight")
        for at, (name, shape) in enumerate(tiny_model.shapes(len(WORDS), 8, 16, 2).items())
    }
    folder = tmp_path_factory.mktemp("model")
    tiny_model.write(folder, WORDS, arrays, heads=2, layers=2)
    return Transformer(folder)


def _waves(at: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.sin(np.arange(math.prod(shape)).reshape(shape) ** 2 * 0.7 + at)


@pytest.mark.parametrize(
    ("text", "expected"),
    [  # by transformers 5.23 (BertModel, eager attention, gelu), the mean over pieces brought to length one
        ("Card pay", [0.0304, -0.1549, -0.1459, -0.3363, 0.5650, 0.6835, -0.2325, 0.0170]),
        ("PAY cardmentment", [0.7175, -0.0417, -0.2077, -0.0044, 0.3020, 0.4318, -0.2901, -0.2800]),
    ],
)
def test_vectors_are_those_of_the_model(model, text, expected):
    (row,) = model.encode([text])
    assert row == pytest.approx(np.array(expected), abs=2e-3)


def test_vectors_do_not_depend_on_what_else_is_encoded(model):
    texts = ["card", "card pay", "payment", "card payment", "pay", "card"]
    together = model.encode(texts)
    assert together == pytest.approx(np.concatenate([model.encode([text]) for text in texts]), abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0)
    assert together.dtype == np.float32


@pytest.mark.parametrize("text", ["", "   ", "漢字", "unknown words"])
def test_a_text_without_any_known_piece_is_all_zeros(model, text):
    assert not model.encode([text]).any()


def test_of_a_long_text_the_beginning_is_read(model):
    one, other = model.encode(["card " * 126 + "pay", "card " * 126])
    assert one == pytest.approx(other)
