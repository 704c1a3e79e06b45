"""Says whether a comment is negative, neutral or positive, how strongly, and which words decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from feedback.analysis import language as languages
from feedback.analysis import (
    sentences,
    sentiment_features,
    sentiment_lexicons,
    sentiment_model,
    sentiment_priors,
)
from feedback.analysis.sentiment_corrections import Adjustment, Case
from feedback.analysis.sentiment_features import Features, Sentence, as_written
from feedback.analysis.sentiment_model import Logits

MOST_WORDS = 5
BATCH = 256
_LEAST_SAYING = 0.15


class Label(StrEnum):
    """The three sentiments, from worst to best."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


LABELS = tuple(Label)


@dataclass(frozen=True, slots=True)
class Comment:
    """What is known of a comment: *score* is the respondent's own, 0 (worst) to 1 (best); *language* the survey's."""

    text: str
    score: float | None = None
    question: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The sentiment of one sentence or clause by its words alone; *score* −1 … 1."""

    text: str
    label: Label
    score: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentiment:
    """The sentiment of a comment.

    *score* −1 (surely negative) … 1 (surely positive) is the probability of positive less that of negative;
    *words* those that spoke most for the label; *text_score* and *text_label* what the words alone say, without the
    respondent's score, the question and people's corrections, to find where they disagree; *language* ISO 639-1.
    """

    label: Label
    score: float
    words: tuple[str, ...]
    sentences: tuple[Part, ...]
    text_label: Label
    text_score: float
    language: str


def read(
    text: str,
    *,
    score: float | None = None,
    question: str | None = None,
    language: str | None = None,
    adjustment: Adjustment | None = None,
) -> Sentiment | None:
    """Return the sentiment of *text*, or None where there is nothing to read or no lexicon for its language.

    *score* is the respondent's own, 0 … 1; *question* what they answered; *language* what the survey claims;
    *adjustment* what was learnt from people's corrections (`sentiment_corrections.learn`).
    """
    return read_many([Comment(text, score, question, language)], adjustment=adjustment)[0]


def read_many(comments: Iterable[Comment], *, adjustment: Adjustment | None = None) -> list[Sentiment | None]:
    """Return what `read` returns for each of *comments*, in order, at a higher pace."""
    waiting = list(comments)
    done: list[Sentiment | None] = []
    for start in range(0, len(waiting), BATCH):
        done += _read_batch(waiting[start : start + BATCH], adjustment)
    return done


def correction(comment: Comment, label: str) -> Case | None:
    """Return what `sentiment_corrections.learn` takes: *comment* should have read as *label*.

    None when the comment cannot be read at all. Raises ValueError for a label that is none of `LABELS`.
    """
    wanted = LABELS.index(Label(label))
    taken = _take_apart(comment)
    return None if taken is None else _case(taken, _weigh([taken])[0][0], wanted)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A comment in pieces: cleaned, in its language, its sentences as written and as measured, and the whole."""

    comment: Comment
    text: str
    language: str
    parts: list[str]
    measured: list[Sentence]
    whole: Features


def _read_batch(comments: Sequence[Comment], adjustment: Adjustment | None) -> list[Sentiment | None]:
    taken = [_take_apart(comment) for comment in comments]
    readable = [each for each in taken if each is not None]
    answers = iter([_sentiment(*each, adjustment) for each in zip(readable, _weigh(readable), strict=True)])
    return [None if each is None else next(answers) for each in taken]


def _take_apart(comment: Comment) -> _Taken | None:
    """Clean and measure; None for what has neither a word nor an emoji, and for languages that cannot be read."""
    text = sentences.clean(comment.text)
    parts = sentences.split(text)
    wordless = not any(map(str.isalpha, text))
    if wordless and not any(map(sentiment_features.says_something, parts)):
        return None
    spoken = "en" if wordless else languages.of(text, comment.language)
    if spoken == "en":
        measured = [sentiment_features.take_apart(part) for part in parts]
    elif spoken in sentiment_lexicons.LANGUAGES:
        measured = [sentiment_lexicons.take_apart(part, spoken) for part in parts]
        by_words = any(sentence.assessed for sentence in measured)
        if not by_words and not sentiment_priors.any_evidence(text, comment.score, comment.question):
            return None
    else:
        return None
    return _Taken(comment, text, spoken, parts, measured, sentiment_features.join(measured))


def _weigh(taken: Sequence[_Taken]) -> list[list[Logits]]:
    """Return for each comment what its words say: the whole first, then its sentences where there are several."""
    units = [
        [each.whole, *(sentiment_features.join([s]) for s in each.measured if len(each.parts) > 1)]
        for each in taken
    ]
    weighed = iter(sentiment_model.shipped().logits([unit for each in units for unit in each]))
    logits = [[next(weighed) for _ in each] for each in units]
    for number, each in enumerate(taken):
        if each.language != "en":
            of_sentences = [[s] for s in each.measured] if len(each.parts) > 1 else []
            logits[number] = [sentiment_lexicons.logits(some) for some in (each.measured, *of_sentences)]
    return logits


def _case(taken: _Taken, by_words: Logits, label: int | None = None) -> Case:
    """Add to what the words say what is known besides."""
    score, question = taken.comment.score, taken.comment.question
    logits = by_words + sentiment_priors.of(taken.text, score, question)
    return Case(taken.text, taken.whole.keys, logits, score, question, label)


def _sentiment(taken: _Taken, weighed: list[Logits], adjustment: Adjustment | None) -> Sentiment:
    by_words, *by_sentence = weighed
    case = _case(taken, by_words)
    label, score = _verdict(case.logits if adjustment is None else adjustment.apply(case))
    text_label, text_score = _verdict(by_words)
    words = _deciding(taken.measured, label, taken)
    if not by_sentence:
        by_sentence = [by_words]
    parts = tuple(
        Part(text, *verdict, _deciding([sentence], verdict[0], taken))
        for text, sentence, verdict in zip(
            taken.parts, taken.measured, map(_verdict, by_sentence), strict=True
        )
    )
    return Sentiment(label, score, words, parts, text_label, text_score, taken.language)


def _verdict(logits: Logits) -> tuple[Label, float]:
    """Return the likeliest label, and the probability of positive less that of negative."""
    chances = np.exp(logits - logits.max())
    chances /= chances.sum()
    return LABELS[int(chances.argmax())], round(float(chances[2] - chances[0]), 4)


def _deciding(measured: Sequence[Sentence], label: Label, taken: _Taken) -> tuple[str, ...]:
    """Return the words that lean most to *label*, at most `MOST_WORDS`; for neutral, those that lean at all."""
    leaning = (
        sentiment_model.shipped().leaning
        if taken.language == "en"
        else sentiment_lexicons.leaning(taken.language)
    )
    found: dict[str, float] = {}
    for sentence in measured:
        for key in sentence.keys:
            lean = leaning(key)
            weight = {Label.NEGATIVE: -lean, Label.NEUTRAL: abs(lean), Label.POSITIVE: lean}[label]
            if weight >= _LEAST_SAYING:
                found[as_written(key, taken.text)] = weight
    return tuple(sorted(found, key=lambda word: (-found[word], word))[:MOST_WORDS])
