"""Makes the list of words for other languages: `python -m feedback.training.sentiment_lexicons --textblob-de
… `.

Sources, all openly licensed: the German Polarity Lexicon as in textblob-de (Apache-2.0), pattern's French
lexicon as in textblob-fr (PDDL), AFINN-165 translated (npm afinn-165-multilingual, MIT; AFINN itself
Apache-2.0), and this project's own words of survey answers, which override the others.
"""

import argparse
import gzip
import json
from pathlib import Path
from xml.etree import ElementTree

from feedback.analysis.sentiment.lexicons import LANGUAGES, SHIPPED

OWN = Path(__file__).parent / "words" / "survey-words.txt"
_GREATEST_AFINN, _GREATEST_OWN = 5, 4
_LEAST = 0.1


def main() -> None:
    """Merge the sources and write the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--textblob-de", type=Path, required=True, help="de-sentiment.xml of textblob-de 0.4.3"
    )
    parser.add_argument(
        "--textblob-fr", type=Path, required=True, help="fr-sentiment.xml of textblob-fr 0.2.0"
    )
    parser.add_argument(
        "--afinn", type=Path, required=True, help="build folder of afinn-165-multilingual 0.0.1"
    )
    parser.add_argument("--out", type=Path, default=Path("feedback/analysis") / SHIPPED)
    given = parser.parse_args()
    rated = {"de": _pattern(given.textblob_de), "fr": _pattern(given.textblob_fr)}
    english = set(_afinn(given.afinn, "en"))
    lines = []
    for language in sorted(LANGUAGES):
        # A word that the translation left as it was is English still: "fart" is a speed, not a smell,
        # elsewhere.
        words = {word: value for word, value in _afinn(given.afinn, language).items() if word not in english}
        words |= rated.get(language, {}) | _own(language)
        lines += [
            f"{language}\t{word}\t{value:.2f}\n"
            for word, value in sorted(words.items())
            if abs(value) >= _LEAST
        ]
    with given.out.open("wb") as out, gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0) as packed:
        packed.write("".join(lines).encode())
    print(f"{len(lines)} words: {given.out}")  # noqa: T201


def _afinn(folder: Path, language: str) -> dict[str, float]:
    """Return single words, as −1 … 1."""
    rated = json.loads((folder / f"AFINN-{language}.json").read_text(encoding="utf-8"))
    return {word.lower(): value / _GREATEST_AFINN for word, value in rated.items() if word.isalpha()}


def _pattern(path: Path) -> dict[str, float]:
    """Return the mean polarity of each word of a lexicon in pattern's format."""
    senses: dict[str, list[float]] = {}
    for word in ElementTree.parse(path).getroot().iter("word"):  # noqa: S314 - a file of ours, not of a stranger
        senses.setdefault(word.get("form", "").lower(), []).append(float(word.get("polarity", 0)))
    return {word: sum(values) / len(values) for word, values in senses.items() if word.isalpha()}


def _own(language: str) -> dict[str, float]:
    """Return the project's own words; later lines win."""
    found: dict[str, float] = {}
    for line in OWN.read_text(encoding="utf-8").splitlines():
        tag, _, rest = line.partition(" ")
        if tag == language:
            value, *words = rest.split()
            found |= dict.fromkeys(words, float(value) / _GREATEST_OWN)
    return found


if __name__ == "__main__":
    main()
