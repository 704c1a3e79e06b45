"""Turns an English sentence into what the model weighs: words, negations, and what two lexicons say."""

import re
import string
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from vaderSentiment import vaderSentiment
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from feedback.analysis import phrasebook

NEGATED = "¬"
"""Prefix of a word that a negation before it turns round: "not good" is weighed as `not` and `¬good`."""

DENSE = (
    "vader", "vader_positive", "vader_negative", "vader_worst", "vader_best",
    "textblob", "textblob_worst", "textblob_best", "subjectivity",
    "exclaims", "asks", "shouts", "turns", "length", "short", "mixed", "no_lexicon_word",
)  # fmt: skip
"""Names of the numbers in `Features.dense`, in order."""

_PRAISE_WORD, _BLAME_WORD = "great", "terrible"
# The words that stand for a phrase or rating of such a worth.
_AS_WORDS = {3: "excellent", 2: "good", 0: "okay", -2: "bad", -3: "terrible"}
_SHARE = re.compile(r"\d\s*/\s*\d")
_STAND_INS = frozenset({_PRAISE_WORD, *_AS_WORDS.values()})
# VADER reads emoji by their Unicode names, which say "thumbs up" and "pouting face" without any word it knows, and
# "on fire" and "explosion" with words that blame.
_EMOJI = {
    emoji: _PRAISE_WORD if worth >= 2 else _BLAME_WORD if worth <= -2 else ""
    for emoji, worth in phrasebook.emoji().items()
}
_EMOJI_AS_WORDS = str.maketrans(
    {emoji: f" {word} " for emoji, word in _EMOJI.items()}
    | dict.fromkeys(["\ufe0f", *map(chr, range(0x1F3FB, 0x1F400))], "")
)
_TOKEN = re.compile(
    r"[:;=8][\-o*']?[)\](\[dDpP/\\]|<3|"  # emoticons
    r"[^\W\d_]+(?:'[^\W\d_]+)?|"  # words
    r"\d+(?:[.,:/]\d+)*%?|"  # numbers
    r"[!?.,;]|[^\w\s]"  # marks, emoji
)
_NO_SCORES = {"compound": 0.0, "pos": 0.0, "neg": 0.0}
_DRAWN_OUT = re.compile(r"([^\W\d])\1{2,}")
_LETTERS = re.compile(r"[^\W\d]+")
_NEGATIONS = frozenset(
    "not no never none nobody nothing neither nor nowhere cannot without hardly barely scarcely lacks lack "
    "lacking".split()
)
_RUN_TOGETHER = frozenset(
    "dont cant wont didnt doesnt isnt wasnt arent werent couldnt wouldnt shouldnt hasnt havent hadnt "
    "aint".split()
)
_ENDS_SCOPE = frozenset(". , ; ! ? : ( ) but however although though because so and".split())
_SCOPE = 4
_QUESTION_WORDS = frozenset(
    "how what when where who which why can could do does is are will would may any".split()
)


@dataclass(frozen=True, slots=True)
class Features:
    """What one or more sentences hold: their weighable *keys* with the words behind, and `DENSE` numbers."""

    keys: list[str]
    dense: list[float]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence taken apart: its weighed *words* and the raw measures that `join` adds up."""

    words: list[str]
    keys: list[str]
    vader: float
    vader_positive: float
    vader_negative: float
    textblob: float
    subjectivity: float
    assessed: int
    exclaims: int
    asks: bool
    shouts: float


def tokens(sentence: str) -> list[str]:
    """Return words, emoticons, emoji and marks in lower case; contractions opened ("didn't" → did, not)."""
    lowered = _DRAWN_OUT.sub(r"\1\1", sentence.lower())
    return [piece for token in _TOKEN.findall(lowered) for piece in _opened(token)]


def _undrawn(found: re.Match[str]) -> str:
    """Return a drawn-out word ("amaaazing") as VADER knows it, else as it is."""
    if not _DRAWN_OUT.search(found[0]):
        return found[0]
    for letters in (r"\1\1", r"\1"):
        word = _DRAWN_OUT.sub(letters, found[0])
        if word.lower() in vader().lexicon:
            return word
    return found[0]


def take_apart(sentence: str) -> Sentence:
    """Measure one cleaned English *sentence* (see `sentences.split`)."""
    if _DRAWN_OUT.search(sentence):
        sentence = _LETTERS.sub(_undrawn, sentence)
    words = tokens(sentence)
    if not _marks_of_phrases().isdisjoint(pairwise(words)) or ("/" in sentence and _SHARE.search(sentence)):
        sentence = _with_phrases_as_words(sentence)
        words = tokens(sentence)
    if not sentence.isascii():
        sentence = sentence.translate(_EMOJI_AS_WORDS)
        words = tokens(sentence)
    scores = vader().polarity_scores(sentence) if _vader_knows_a_word(sentence) else _NO_SCORES
    assessments = textblob_lexicon().assess(words)
    polarity = sum(a[1] for a in assessments) / len(assessments) if assessments else 0.0
    subjectivity = sum(a[2] for a in assessments) / len(assessments) if assessments else 0.0
    letters = [w for w in sentence.split() if len(w) > 2 and w.isalpha()]
    return Sentence(
        words=words,
        keys=_mark_negated(words),
        vader=scores["compound"],
        vader_positive=scores["pos"],
        vader_negative=scores["neg"],
        textblob=polarity,
        subjectivity=subjectivity,
        assessed=len(assessments),
        exclaims=words.count("!"),
        asks="?" in words or (bool(words) and words[0] in _QUESTION_WORDS),
        shouts=sum(w.isupper() for w in letters) / len(letters) if letters else 0.0,
    )


def join(sentences: list[Sentence]) -> Features:
    """Put measured *sentences* together into the features of the whole; at least one is needed."""
    count = len(sentences)
    keys = [key for s in sentences for key in s.keys]
    n_words = sum(len(s.words) for s in sentences) or 1
    vader = [s.vader for s in sentences]
    telling = [s.textblob for s in sentences if s.assessed] or [0.0]
    worst, best = min(vader), max(vader)
    dense = [
        sum(vader) / count,
        sum(s.vader_positive * len(s.words) for s in sentences) / n_words,
        sum(s.vader_negative * len(s.words) for s in sentences) / n_words,
        min(worst, 0.0),
        max(best, 0.0),
        sum(telling) / len(telling),
        min(*telling, 0.0),
        max(*telling, 0.0),
        sum(s.subjectivity for s in sentences) / count,
        min(sum(s.exclaims for s in sentences), 3) / 3,
        sum(s.asks for s in sentences) / count,
        sum(s.shouts for s in sentences) / count,
        float(any("but" in s.words or "however" in s.words for s in sentences)),
        min(n_words, 60) / 60,
        float(n_words <= 3),
        min(-worst, best) if worst < 0 < best else 0.0,
        float(not any(s.assessed or s.vader for s in sentences)),
    ]
    return Features(keys, dense)


def as_written(key: str, text: str) -> str:
    """Return a weighed *key* as it stands in *text*: "not good" for a negated word, the emoji for what it
    stood for."""
    if key.startswith(NEGATED):
        return f"not {key[1:]}"
    if key in _STAND_INS and key not in text.lower():
        emoji = next((c for c in text if _EMOJI.get(c) == key), None)
        return emoji or next(
            (
                hit.written
                for hit in phrasebook.book("en").read(text, only_said=True).hits
                if hit.kind in ("said", "rating") and _as_word(hit.value) == key
            ),
            key,
        )
    return key


def says_something(sentence: str) -> bool:
    """Return whether a *sentence* without letters still says something: by an emoji, by an emoticon or by a rating."""
    if any(_EMOJI.get(c) for c in sentence) or _rates(sentence):
        return True
    return vader().polarity_scores(sentence)["compound"] != 0.0


def _rates(sentence: str) -> bool:
    return any(hit.kind == "rating" for hit in phrasebook.book("en").read(sentence, only_said=True).hits)


@cache
def _marks_of_phrases() -> frozenset[tuple[str, str]]:
    """Two neighbouring words of each English phrase, the longest, and of ratings: a look tells that none is there."""
    book = phrasebook.book("en")
    marks = {("0", sign) for sign in ("/", "of", "out", *book.stars)}
    marks |= {(number, star) for number in book.numbers for star in book.stars}
    marks |= {(one, other) for one in "★☆⭐" for other in "★☆⭐"}
    for phrase in book.phrases:
        neighbours = [pair for part in phrase.split(" … ") for pair in pairwise(tokens(part))]
        marks.add(max(neighbours, key=lambda pair: len(pair[0] + pair[1])))
    return frozenset(marks)


def _with_phrases_as_words(sentence: str) -> str:
    """Put one word that the model knows in the place of each phrase: "hard to beat" is "excellent"."""
    found = phrasebook.book("en").read(sentence, only_said=True)
    hits = [hit for hit in found.hits if hit.kind in ("said", "rating")]
    if not hits:
        return sentence
    for hit in hits:
        pattern = _as_pattern(tuple(found.tokens[hit.start : hit.end]))
        sentence = re.sub(pattern, f" {_as_word(hit.value)} ", sentence, count=1, flags=re.IGNORECASE)
    return sentence


@lru_cache(maxsize=1_024)
def _as_pattern(tokens: tuple[str, ...]) -> str:
    return r"[\s-]*".join(map(re.escape, tokens))


def _as_word(value: float) -> str:
    return _AS_WORDS[min(_AS_WORDS, key=lambda worth: abs(worth - value))]


def _vader_knows_a_word(sentence: str) -> bool:
    """Return False only where VADER would find nothing after a long look: a third of all sentences."""
    if not sentence.isascii():
        return True
    lexicon, words = vader().lexicon.keys(), sentence.lower().split()
    return not lexicon.isdisjoint(words) or not lexicon.isdisjoint(
        [w.strip(string.punctuation) for w in words]
    )


def _mark_negated(words: list[str]) -> list[str]:
    """Prefix the words in the scope of a negation, at most `_SCOPE` words up to a mark or a turn."""
    if _NEGATIONS.isdisjoint(words):
        return words
    marked, left = [], 0
    for word in words:
        if word in _ENDS_SCOPE:
            left = 0
        marked.append(NEGATED + word if left and word[0].isalpha() and word not in _NEGATIONS else word)
        left = _SCOPE if word in _NEGATIONS else max(left - 1, 0)
    return marked


@lru_cache(maxsize=8_192)
def _opened(token: str) -> tuple[str, ...]:
    """Return a token in the pieces that are weighed: most comments are made of a few thousand words."""
    if not token[0].isalpha():
        return ("0",) if token[0].isdigit() else (token,)
    if token.endswith("n't"):
        verb = {"ca": "can", "wo": "will", "sha": "shall"}.get(token[:-3], token[:-3])
        return (verb, "not") if verb else ("not",)
    if token in _RUN_TOGETHER:
        return token[:-2], "not"
    return (token.partition("'")[0],)


class TextBlobLexicon:
    """TextBlob's English lexicon, asked without the detours that take two thirds of its time.

    Its dictionary looks at each access whether it has been loaded, and it compares each mark and number with all
    emoticons in lower case; both change no answer here.
    """

    def __init__(self) -> None:
        from textblob import _text, en  # here, because all of nltk comes with it (27 MB)

        class Loaded(type(en.sentiment)):  # type: ignore[misc]
            __contains__ = dict.__contains__
            __getitem__ = dict.__getitem__

        en.sentiment.load()
        self.words: dict[str, Any] = Loaded.__new__(Loaded)
        self.words.__dict__.update(en.sentiment.__dict__)
        dict.update(self.words, dict.items(en.sentiment))
        emoticons = {each.lower() for some in _text.EMOTICONS.values() for each in some}
        self._telling = frozenset({*dict.keys(self.words), *emoticons})

    def assess(self, words: list[str]) -> list[tuple[Any, float, float, Any]]:
        """Return what TextBlob's `Sentiment.assessments` returns for *words*, as `tokens` gives them: for each run
        that it knows the words, polarity −1 … 1, subjectivity 0 … 1 and a mark."""
        if self._telling.isdisjoint(words):
            return []
        # A mark of one sign is as silent as a comma, but for the exclamation mark.
        plain = (word if len(word) > 1 or word.isalpha() or word == "!" else "," for word in words)
        return self.words.assessments((word, None) for word in plain)  # type: ignore[attr-defined]


@cache
def textblob_lexicon() -> TextBlobLexicon:
    """Load TextBlob's English lexicon once, at the first comment and not on import."""
    return TextBlobLexicon()


class Vader(SentimentIntensityAnalyzer):
    """VADER, spared two looks at the whole sentence for each word where nothing near it can change its value."""

    def _negation_check(self, valence: float, words: list[str], distance: int, at: int) -> float:
        if _may_turn(words[at - 1]) or _may_turn(words[at - 2]) or _may_turn(words[at - 3]):
            return super()._negation_check(valence, words, distance, at)
        return valence

    def _special_idioms_check(self, valence: float, words: list[str], at: int) -> float:
        if any(map(_may_be_idiom, words[at - 3 : at + 3])):
            return super()._special_idioms_check(valence, words, at)
        return valence


@lru_cache(maxsize=8_192)
def _may_turn(word: str) -> bool:
    """Return whether VADER's check for negations looks for *word*."""
    word = word.lower()
    return word in vaderSentiment.NEGATE or word in ("never", "without", "so", "this") or "n't" in word


@lru_cache(maxsize=8_192)
def _may_be_idiom(word: str) -> bool:
    """Return whether one of VADER's idioms or two-word boosters has *word* for its longest."""
    return word.lower() in _marks_of_idioms()


@cache
def _marks_of_idioms() -> frozenset[str]:
    idioms = [*vaderSentiment.SPECIAL_CASES, *(each for each in vaderSentiment.BOOSTER_DICT if " " in each)]
    return frozenset(max(idiom.split(), key=len) for idiom in idioms)


@cache
def vader() -> Vader:
    """Load VADER's lexicon once, at the first comment and not on import."""
    return Vader()
