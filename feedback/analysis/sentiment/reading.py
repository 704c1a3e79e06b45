"""Says whether a comment is negative, neutral or positive, how strongly, and which words decided."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from feedback.analysis import languages, phrasebook, sentences
from feedback.analysis.sentiment import features, lexicons, model, priors
from feedback.analysis.sentiment.corrections import Adjustment, Case
from feedback.analysis.sentiment.features import STAND_INS, Features, Sentence, as_written
from feedback.analysis.sentiment.lexicons import Measured
from feedback.analysis.sentiment.model import Logits

MOST_WORDS = 5

# They lean to a side because of the company they keep, and nobody would mark them in a comment.
_SMALL = frozenset(
    """
    a am an and are as at be been being by did do does for from had has have he her hers him his i i'd i'll i'm
    i've in is it it'd it'll it's its me mine my of on or our ours she so than that that's the their them then
    there these they they're this those to us was we we're we've were what which who will with would you you're
    your yours
    """.split()
)
BATCH = 256


class Label(StrEnum):
    """The three sentiments, from worst to best."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


LABELS = tuple(Label)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment and what is known of it. *score* is the respondent's own, 0 (worst) to 1 (best); *language* is that
    of the survey.
    """

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
    *adjustment* what was learnt from people's corrections (`sentiment.corrections.learn`).
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


def labels(texts: Iterable[str]) -> list[Label | None]:
    """Return what the words alone of each of *texts* say, the `text_label` of `read`, without all else."""
    _load()
    taken = [_take_apart(Comment(text)) for text in texts]
    found: dict[int, Label] = {}
    for language in sorted({each.language for each in taken if each is not None}):
        some = {
            at: each.whole for at, each in enumerate(taken) if each is not None and each.language == language
        }
        weighed = _model(language).logits(list(some.values()))
        found |= {at: _verdict(by_words)[0] for at, by_words in zip(some, weighed, strict=True)}
    return [found.get(at) for at in range(len(taken))]


def correction(comment: Comment, label: str) -> Case | None:
    """Return what `sentiment.corrections.learn` takes: *comment* should have read as *label*.

    None when the comment cannot be read at all. Raises ValueError for a label that is none of `LABELS`.
    """
    wanted = LABELS.index(Label(label))
    _load()
    taken = _take_apart(comment)
    return None if taken is None else _case(taken, _weigh([taken])[0][0], wanted)


@dataclass(slots=True)
class _Taken:
    """A comment in pieces: cleaned, in its language, its sentences as written and as measured, and the
    whole as measured.
    """

    comment: Comment
    text: str
    language: str
    parts: list[str]
    measured: list[Sentence] | list[Measured]
    whole: Features


@cache
def _load() -> None:
    """Load everything once. The language identifier comes first: while it unpacks, it takes 80 MB more
    than it keeps.
    """
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
    """Clean and measure a comment. None: it has neither a word nor an emoji, or its language cannot be read."""
    text = sentences.clean(comment.text)
    wordless = not any(map(str.isalpha, text))
    spoken = "en" if wordless else languages.of(text, comment.language)
    spoken = spoken and phrasebook.code(spoken)
    parts = sentences.split(text, spoken or "en")
    if wordless and not any(map(features.says_something, parts)):
        return None
    if spoken == "en":
        by_words = [features.take_apart(part) for part in parts]
        return _Taken(comment, text, spoken, parts, by_words, features.join(by_words))
    if spoken not in lexicons.LANGUAGES:
        return None
    measured = [lexicons.take_apart(part, spoken) for part in parts]
    readable = lexicons.can_be_read(measured, spoken)
    if not readable and not priors.any_evidence(text, comment.score, comment.question, spoken):
        return None
    return _Taken(comment, text, spoken, parts, measured, lexicons.join(measured))


def _weigh(taken: Sequence[_Taken]) -> list[list[Logits]]:
    """Return what the words of each comment say: first those of the whole, then those of each sentence if
    there are several.
    """
    weighed: list[list[Logits]] = [[] for _ in taken]
    for language in {each.language for each in taken}:
        some = [number for number, each in enumerate(taken) if each.language == language]
        units = [unit for number in some for unit in _units(taken[number])]
        logits = iter(_model(language).logits(units))
        for number in some:
            weighed[number] = [next(logits) for _ in range(1 + _several(taken[number]))]
    return weighed


def _model(language: str) -> model.Model:
    return model.shipped() if language == "en" else lexicons.shipped(language)


def _units(taken: _Taken) -> list[Features]:
    """Return the features of the whole, then those of each sentence if there are several."""
    if not _several(taken):
        return [taken.whole]
    return [taken.whole, *(_joined(sentence) for sentence in taken.measured)]


def _joined(sentence: Sentence | Measured) -> Features:
    return features.join([sentence]) if isinstance(sentence, Sentence) else lexicons.join([sentence])


def _several(taken: _Taken) -> int:
    return len(taken.measured) if len(taken.measured) > 1 else 0


def _case(taken: _Taken, by_words: Logits, label: int | None = None) -> Case:
    """Add to what the words say what is known besides."""
    score, question = taken.comment.score, taken.comment.question
    known = priors.of(taken.text, score, question, taken.language, by_words)
    logits = (by_words[0] + known[0], by_words[1] + known[1], by_words[2] + known[2])
    return Case(taken.text, taken.whole.keys, logits, score, question, label)


def _sentiment(taken: _Taken, weighed: list[Logits], adjustment: Adjustment | None) -> Sentiment:
    by_words, *by_sentence = weighed
    case = _case(taken, by_words)
    logits = case.logits if adjustment is None else adjustment.apply(case)
    by_text = _verdict(by_words)
    label, score = by_text if logits == by_words else _verdict(logits)
    leanings = _leanings(taken)
    parts = tuple(
        Part(text, *verdict, _deciding(leaning, verdict[0]))
        for text, leaning, verdict in zip(
            taken.parts, leanings, map(_verdict, by_sentence) if by_sentence else [by_text], strict=True
        )
    )
    if len(parts) == 1 and parts[0].label is label:
        words = parts[0].words
    else:
        words = _deciding({word: lean for some in leanings for word, lean in some.items()}, label)
    return Sentiment(label, score, words, parts, *by_text, taken.language)


def _verdict(logits: Logits) -> tuple[Label, float]:
    """Return the likeliest label, and the probability of positive less that of negative."""
    top = max(logits)
    negative, neutral, positive = (
        math.exp(logits[0] - top),
        math.exp(logits[1] - top),
        math.exp(logits[2] - top),
    )
    return LABELS[logits.index(top)], round((positive - negative) / (negative + neutral + positive), 4)


def _leanings(taken: _Taken) -> list[dict[str, float]]:
    """Return for each sentence the words that say enough, as written, with how far they lean to positive."""
    if taken.language != "en":
        return [lexicons.leanings(sentence, taken.language) for sentence in taken.measured]  # type: ignore[arg-type]
    leaning = model.shipped().leaning.__getitem__
    written: dict[str, str] = {}

    def looked_for(key: str) -> str:
        """It may stand in each of thousands of sentences, and is looked for in the whole text once."""
        if key not in written:
            written[key] = as_written(key, taken.text)
        return written[key]

    return [
        {
            (key if key.isalpha() and key not in STAND_INS else looked_for(key)): lean
            for key in sentence.keys
            if (lean := leaning(key)) and key not in _SMALL
        }
        for sentence in taken.measured
    ]


def _deciding(leanings: dict[str, float], label: Label) -> tuple[str, ...]:
    """Return the words that lean most to *label*, at most `MOST_WORDS`. For neutral: the words that lean most
    to either side.
    """
    if label is Label.NEUTRAL:
        weights = [(-abs(lean), word) for word, lean in leanings.items()]
    else:
        sign = 1 if label is Label.POSITIVE else -1
        weights = [(-lean * sign, word) for word, lean in leanings.items() if lean * sign > 0]
    return tuple(word for _, word in sorted(weights)[:MOST_WORDS])
