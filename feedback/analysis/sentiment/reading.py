"""Says whether a comment is negative, neutral or positive, how strongly, and which words decided."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from feedback.analysis import languages, sentences
from feedback.analysis.sentiment import features, lexicons, model, priors
from feedback.analysis.sentiment.corrections import Adjustment, Case
from feedback.analysis.sentiment.features import Features, Sentence, as_written
from feedback.analysis.sentiment.model import LEAST_SAYING, Logits

MOST_WORDS = 5
BATCH = 256


class Label(StrEnum):
    """The three sentiments, from worst to best."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


LABELS = tuple(Label)


@dataclass(frozen=True, slots=True)
class Comment:
    """What is known of a comment: *score* is the respondent's own, 0 (worst) to 1 (best); *language* the
    survey's."""

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
    *words* those that spoke most for the label; *text_score* and *text_label* what the words alone say,
    without the respondent's score, the question and people's corrections, to find where they disagree;
    *language* ISO 639-1.
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
    _load()
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
    _load()
    taken = _take_apart(comment)
    return None if taken is None else _case(taken, _weigh([taken])[0][0], wanted)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A comment in pieces: cleaned, in its language, its sentences as written and as measured, and the
    whole."""

    comment: Comment
    text: str
    language: str
    parts: list[str]
    measured: list[Sentence]
    whole: Features


@cache
def _load() -> None:
    """Load everything once, the language identifier first: while it unpacks it takes 80 MB more than it
    keeps."""
    languages.identifier()
    features.textblob_lexicon()
    features.vader()
    model.shipped()


def _read_batch(comments: Sequence[Comment], adjustment: Adjustment | None) -> list[Sentiment | None]:
    taken = [_take_apart(comment) for comment in comments]
    readable = [each for each in taken if each is not None]
    answers = iter([_sentiment(*each, adjustment) for each in zip(readable, _weigh(readable), strict=True)])
    return [None if each is None else next(answers) for each in taken]


def _take_apart(comment: Comment) -> _Taken | None:
    """Clean and measure; None for what has neither a word nor an emoji, and for languages that cannot be
    read."""
    text = sentences.clean(comment.text)
    parts = sentences.split(text)
    wordless = not any(map(str.isalpha, text))
    if wordless and not any(map(features.says_something, parts)):
        return None
    spoken = "en" if wordless else languages.of(text, comment.language)
    if spoken == "en":
        measured = [features.take_apart(part) for part in parts]
    elif spoken in lexicons.LANGUAGES:
        measured = [lexicons.take_apart(part, spoken) for part in parts]
        by_words = any(sentence.assessed for sentence in measured)
        if not by_words and not priors.any_evidence(text, comment.score, comment.question):
            return None
    else:
        return None
    return _Taken(comment, text, spoken, parts, measured, features.join(measured))


def _weigh(taken: Sequence[_Taken]) -> list[list[Logits]]:
    """Return for each comment what its words say: of the whole first, then of each sentence if there are
    several."""
    units = [
        [each.whole, *map(features.join, _sentences(each))] if each.language == "en" else [] for each in taken
    ]
    weighed = iter(model.shipped().logits([unit for each in units for unit in each]))
    return [
        [next(weighed) for _ in some]
        if each.language == "en"
        else list(map(lexicons.logits, (each.measured, *_sentences(each))))
        for each, some in zip(taken, units, strict=True)
    ]


def _sentences(taken: _Taken) -> list[list[Sentence]]:
    return [[sentence] for sentence in taken.measured] if len(taken.measured) > 1 else []


def _case(taken: _Taken, by_words: Logits, label: int | None = None) -> Case:
    """Add to what the words say what is known besides."""
    score, question = taken.comment.score, taken.comment.question
    known = priors.of(taken.text, score, question)
    logits = (by_words[0] + known[0], by_words[1] + known[1], by_words[2] + known[2])
    return Case(taken.text, taken.whole.keys, logits, score, question, label)


def _sentiment(taken: _Taken, weighed: list[Logits], adjustment: Adjustment | None) -> Sentiment:
    by_words, *by_sentence = weighed
    case = _case(taken, by_words)
    label, score = _verdict(case.logits if adjustment is None else adjustment.apply(case))
    text_label, text_score = _verdict(by_words)
    leanings = _leanings(taken)
    parts = tuple(
        Part(text, *verdict, _deciding(leaning, verdict[0]))
        for text, leaning, verdict in zip(
            taken.parts, leanings, map(_verdict, by_sentence or [by_words]), strict=True
        )
    )
    everywhere = (
        leanings[0] if len(leanings) == 1 else {w: lean for some in leanings for w, lean in some.items()}
    )
    return Sentiment(
        label, score, _deciding(everywhere, label), parts, text_label, text_score, taken.language
    )


def _verdict(logits: Logits) -> tuple[Label, float]:
    """Return the likeliest label, and the probability of positive less that of negative."""
    top = max(logits)
    negative, neutral, positive = (math.exp(each - top) for each in logits)
    return LABELS[logits.index(top)], round((positive - negative) / (negative + neutral + positive), 4)


def _leanings(taken: _Taken) -> list[dict[str, float]]:
    """Return for each sentence the words that say enough, as written, with how far they lean to positive."""
    english = taken.language == "en"
    leaning = model.shipped().telling.get if english else lexicons.leaning(taken.language)
    # A word may stand in each of thousands of sentences; it is looked for in the whole text once.
    written = cache(lambda key: as_written(key, taken.text))
    return [
        {written(key): lean for key in sentence.keys if (lean := leaning(key)) and abs(lean) >= LEAST_SAYING}
        for sentence in taken.measured
    ]


def _deciding(leanings: dict[str, float], label: Label) -> tuple[str, ...]:
    """Return the words that lean most to *label*, at most `MOST_WORDS`; for neutral, those that lean most at
    all."""
    if label is Label.NEUTRAL:
        weights = [(-abs(lean), word) for word, lean in leanings.items()]
    else:
        sign = 1 if label is Label.POSITIVE else -1
        weights = [(-lean * sign, word) for word, lean in leanings.items() if lean * sign > 0]
    return tuple(word for _, word in sorted(weights)[:MOST_WORDS])
