"""A sentence model of a few kilobytes as the optional package carries one, whose words mean the subjects of the small
world of comments."""

import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from feedback.analysis.topics import transformer
from tests.feedback.comments import SUBJECT, world

WIDTH, INNER, LAYERS, HEADS = 32, 64, 1, 2


def install(site: Path) -> None:
    """Put the package into the folder `site`."""
    meanings = _meanings()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *meanings]
    rows = np.concatenate([np.zeros((4, WIDTH), np.float32), np.stack(list(meanings.values()))])
    chance = np.random.default_rng(1)
    arrays = {
        name: rows if name == "embeddings.word_embeddings.weight" else _weights(chance, name, shape)
        for name, shape in shapes(len(words), WIDTH, INNER, LAYERS).items()
    }
    folder = site / transformer.PACKAGE
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").touch()
    write(folder / "model", words, arrays, HEADS, LAYERS)


def shapes(words: int, width: int, inner: int, layers: int) -> dict[str, tuple[int, ...]]:
    """The arrays of a BERT and their shapes, in the order of their names."""
    found: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (words, width),
        "embeddings.position_embeddings.weight": (128, width),
        "embeddings.token_type_embeddings.weight": (2, width),
    }
    norms, dense = ["embeddings.LayerNorm"], {}
    for layer in range(layers):
        name = f"encoder.layer.{layer}"
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
        dense |= {f"{name}.attention.self.{part}": (width, width) for part in ("query", "key", "value")}
        dense[f"{name}.attention.output.dense"] = (width, width)
        dense[f"{name}.intermediate.dense"] = (inner, width)
        dense[f"{name}.output.dense"] = (width, inner)
    for name in norms:
        found |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    for name, shape in dense.items():
        found |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return dict(sorted(found.items()))


def write(folder: Path, words: list[str], arrays: dict[str, np.ndarray], heads: int, layers: int) -> None:
    """Write the model's files as sentence-transformers and safetensors do."""
    config = {
        "hidden_size": arrays["embeddings.LayerNorm.bias"].shape[0],
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    header, numbers = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        raw = array.astype(np.float32).tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": array.shape,
            "data_offsets": (len(numbers), len(numbers) + len(raw)),
        }
        numbers += raw
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + numbers)


def _meanings() -> dict[str, np.ndarray]:
    """A row for each word of the small world: the direction of its subject, or hardly any when all say it."""
    said: dict[str, set[str]] = defaultdict(set)
    for id_, text in world().items():
        for word in re.findall(r"\w+|[^\w\s]", text.lower()):
            said[word].add(SUBJECT[id_])
    chance = np.random.default_rng(2)
    subjects = {name: chance.normal(size=WIDTH) for name in sorted(set(SUBJECT.values()))}
    return {
        word: (
            sum(subjects[name] for name in sorted(spoken)) / len(spoken) ** 3 + chance.normal(0, 0.1, WIDTH)
        ).astype(np.float32)
        for word, spoken in said.items()
    }


def _weights(chance: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name.endswith("LayerNorm.weight"):
        return np.ones(shape, np.float32)
    return np.zeros(shape, np.float32) if name.endswith("bias") else chance.normal(0, 0.02, shape)
