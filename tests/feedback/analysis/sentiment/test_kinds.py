"""Everyday ways to praise, to blame and to wish, in each language that is read: `tests/data/sentiment-kinds.txt`."""

from pathlib import Path

from feedback.analysis import phrasebook
from feedback.analysis.sentiment import reading
from feedback.analysis.sentiment.reading import Comment, Label

SENTENCES = Path(__file__).parents[3] / "data" / "sentiment-kinds.txt"
RIGHT = {"+": {Label.POSITIVE}, "-": {Label.NEGATIVE}, "!": {Label.NEGATIVE, Label.NEUTRAL, None}}


def test_everyday_praise_blame_and_wishes_are_read_in_each_language() -> None:
    rows, language = [], ""
    for line in SENTENCES.read_text("utf-8").splitlines():
        if line.startswith("["):
            language = line.strip("[]")
        elif line[:1] in RIGHT:
            rows.append((language, line[0], line[2:]))
    assert {language for language, *_ in rows} == phrasebook.LANGUAGES
    found = reading.read_many([Comment(text, language=language) for language, _, text in rows])
    labels = [each and each.text_label for each in found]
    wrong = [(*row, label) for row, label in zip(rows, labels, strict=True) if label not in RIGHT[row[1]]]
    assert wrong == []
