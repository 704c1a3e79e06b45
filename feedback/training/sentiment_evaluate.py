"""Measures the sentiment engine on domains that it has not seen.

    python -m feedback.training.sentiment_evaluate

Every domain (products, films, restaurants, news, tweets) is left out in turn: a model is trained on the others, and
the code that ships reads the texts of this domain. Thresholds are those of the engine for all sets.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from feedback.analysis.sentiment import corrections, reading
from feedback.analysis.sentiment import model as shipped_model
from feedback.analysis.sentiment.reading import LABELS, Comment
from feedback.training.agreement import macro_f1
from feedback.training.sentiment import arguments, prepare, targets
from feedback.training.sentiment_data import DOMAINS, NEGATIVE, POSITIVE, Row

TWO_CLASSES = {"sls_amazon", "sls_imdb", "sls_yelp", "pros_cons"}
ASKED = {POSITIVE: "What do you like?", NEGATIVE: "What do you dislike?"}
CORRECTIONS = (0, 100, 500)
SEED = 7


def main() -> None:
    """Print a table of the sets, then what question, score and corrections add."""
    parser = arguments(__doc__)
    parser.add_argument(
        "--keep", type=Path, default=None, help="folder for the models, one per domain left out"
    )
    given = parser.parse_args()
    rows, trainer = prepare(given.data, given.sentence_model)
    wanted, weights = targets(rows)
    domains = np.array([row.domain for row in rows])
    sources = sorted(DOMAINS)
    for domain in sorted({row.domain for row in rows if row.source in sources}):
        seen = np.flatnonzero(domains != domain)
        model = trainer.fit(seen, wanted[seen], weights[seen])
        if given.keep:
            shipped_model.save(model, given.keep / f"without-{domain.replace(' ', '-')}.npz")
        with _in_place_of_the_shipped(model):
            for source in sources:
                if unseen := [row for row in rows if row.source == source and row.domain == domain]:
                    _report(source, unseen)


def _report(source: str, rows: list[Row]) -> None:
    truth = [row.label for row in rows]
    if source in TWO_CLASSES:
        signs = [POSITIVE if each and each.text_score > 0 else NEGATIVE for each in _read(rows)]
        _say(f"{source:12} accuracy {np.mean(np.equal(signs, truth)):.3f}  ({len(rows)} texts, two classes)")
    else:
        score = macro_f1(truth, _classes(_read(rows)))
        _say(f"{source:12} macro-F1 {score:.3f}  ({len(rows)} texts, three classes)")
    if source == "pros_cons":
        asked, misasked = (_share_right(rows, question) for question in (_fitting, _opposite))
        _say(f"  + question accuracy {asked:.3f} asked what they answered, {misasked:.3f} asked the opposite")
    if source in ("vgt_amazon", "vgt_tweets"):
        _report_with_scores(source, rows)


def _fitting(row: Row) -> str:
    return ASKED[row.label]


def _opposite(row: Row) -> str:
    return ASKED[POSITIVE if row.label == NEGATIVE else NEGATIVE]


def _report_with_scores(name: str, rows: list[Row]) -> None:
    """Give each text the score of a respondent who mostly means what they write, then correct some
    readings, and report.

    A simulation: three of four scores are drawn around the text's sentiment, the fourth from what
    all respondents give.
    """
    chance = np.random.default_rng(SEED)
    around = {0: (0.0, 0.25, 0.5), 1: (0.25, 0.5, 0.75, 1.0), 2: (0.5, 0.75, 1.0, 1.0)}
    anybody = (0.0, 0.25, 0.5, 0.75, 0.75, 1.0, 1.0, 1.0)
    comments = [
        Comment(row.text, float(chance.choice(around[row.label] if chance.random() < 0.75 else anybody)))
        for row in rows
    ]
    order = chance.permutation(len(rows))
    taught, tested = order[: max(CORRECTIONS)], order[max(CORRECTIONS) :]
    truth = [rows[i].label for i in tested]
    for count in CORRECTIONS:
        cases = [reading.correction(comments[i], LABELS[rows[i].label]) for i in taught[:count]]
        learnt = corrections.learn([case for case in cases if case])
        found = reading.read_many([comments[i] for i in tested], adjustment=learnt)
        classes = _classes(found)
        negatives = [c for t, c in zip(truth, classes, strict=True) if t == NEGATIVE]
        recall = np.mean(np.equal(negatives, NEGATIVE))
        _say(
            f"{'  + score':12} macro-F1 {macro_f1(truth, classes):.3f}  negatives found {recall:.0%}, "
            f"{count} corrections (scores simulated, {name})"
        )


def _read(
    rows: list[Row], question: Callable[[Row], str | None] = lambda row: None
) -> list[reading.Sentiment | None]:
    return reading.read_many([Comment(row.text, question=question(row), language="en") for row in rows])


def _classes(found: list[reading.Sentiment | None]) -> list[int]:
    """Return class numbers; what could not be read counts as a mistake."""
    return [-1 if each is None else LABELS.index(each.label) for each in found]


def _share_right(rows: list[Row], question: Callable[[Row], str]) -> float:
    signs = [POSITIVE if each and each.score > 0 else NEGATIVE for each in _read(rows, question)]
    return float(np.mean(np.equal(signs, [row.label for row in rows])))


@contextmanager
def _in_place_of_the_shipped(model: shipped_model.Model) -> Iterator[None]:
    """Let the engine read with *model* for a while."""
    shipped = shipped_model.shipped
    shipped_model.shipped = lambda: model  # type: ignore[assignment]
    try:
        yield
    finally:
        shipped_model.shipped = shipped


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
