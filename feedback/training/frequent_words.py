"""Makes the list by which short comments tell their language: `python -m feedback.training.frequent_words --data DATA`.

The most frequent words of the languages in Latin letters, by wordfreq (CC BY-SA 4.0, credit in the card beside it).
"""

import argparse
import csv
import gzip
import itertools
from pathlib import Path

from feedback.analysis.languages import FREQUENT_WORDS

LANGUAGES = "cs da de en es fr it nl nb pl pt sv tr".split()
MOST = 1_500


def main() -> None:
    """Write language, word and Zipf frequency (the logarithm of its count in a thousand million words)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds languages/wordfreq/")
    parser.add_argument("--out", type=Path, default=Path("feedback/analysis") / FREQUENT_WORDS)
    given = parser.parse_args()
    lines = []
    for language in LANGUAGES:
        name = {"nb": "no"}.get(language, language)
        with (given.data / "languages" / "wordfreq" / f"{name}.csv").open(
            encoding="utf-8", newline=""
        ) as stream:
            words = (row for row in csv.DictReader(stream) if row["word"].isalpha())
            lines += [
                f"{language}\t{row['word']}\t{float(row['zipf']):.1f}\n"
                for row in itertools.islice(words, MOST)
            ]
    with given.out.open("wb") as out, gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0) as packed:
        packed.write("".join(lines).encode())
    print(f"{len(lines)} words, {given.out.stat().st_size / 1e3:.0f} kB: {given.out}")  # noqa: T201


if __name__ == "__main__":
    main()
