"""Makes the list by which short comments tell their language: `python -m feedback.training.frequent_words --data DATA`.

The most frequent words of the languages in Latin letters, by wordfreq (CC BY-SA 4.0, credit in the card beside it): out
of `DATA/languages/wordfreq`, and of the package wordfreq 3.1.1 where a language has no file there.
"""

import argparse
import csv
import gzip
import itertools
from collections.abc import Iterator
from pathlib import Path

from feedback.analysis.languages import FREQUENT_WORDS

LANGUAGES = "cs da de en es fi fr hu it nl nb pl pt ro sv tr".split()
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
        words = _words(given.data / "languages" / "wordfreq" / f"{name}.csv", language)
        lines += [
            f"{language}\t{word}\t{zipf:.1f}\n"
            for word, zipf in itertools.islice((each for each in words if each[0].isalpha()), MOST)
        ]
    with given.out.open("wb") as out, gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0) as packed:
        packed.write("".join(lines).encode())
    print(f"{len(lines)} words, {given.out.stat().st_size / 1e3:.0f} kB: {given.out}")  # noqa: T201


def _words(path: Path, language: str) -> Iterator[tuple[str, float]]:
    """The words of a language with their Zipf frequencies, the most frequent first."""
    if path.exists():
        with path.open(encoding="utf-8", newline="") as stream:
            yield from ((row["word"], float(row["zipf"])) for row in csv.DictReader(stream))
        return
    import wordfreq  # here, because the files need no package

    for word in wordfreq.top_n_list(language, 2 * MOST):
        yield word, wordfreq.zipf_frequency(word, language)


if __name__ == "__main__":
    main()
