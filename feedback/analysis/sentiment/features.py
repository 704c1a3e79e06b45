"""Turns an English sentence into what the model weighs: words, negations, and what two lexicons say."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, pairwise
from typing import NamedTuple

from vaderSentiment import vaderSentiment
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer, SentiText

from feedback.analysis import phrasebook, textblob_files

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
STAND_INS = frozenset({_PRAISE_WORD, *_AS_WORDS.values()})
"""Keys that may stand for an emoji, a phrase or a rating."""
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
# The same for ASCII in small letters, where classes of plain letters are found in two thirds of the time.
_ASCII_TOKEN = re.compile(
    r"[a-z]+(?:'[a-z]+)?|"
    r"[:;=8][\-o*']?[)\](\[dp/\\]|<3|"
    r"[0-9]+(?:[.,:/][0-9]+)*%?|"
    r"[^\w\s]"
)
_DRAWN_OUT = re.compile(r"([^\W\d])\1{2,}")
_ASCII_DRAWN_OUT = re.compile(r"([a-z_])\1\1")
_LETTERS = re.compile(r"[^\W\d]+")
_CAPITALS = re.compile(r"[A-Z]{3}")
_NEGATIONS = frozenset(
    "not no never none nobody nothing neither nor nowhere cannot without hardly barely scarcely lacks lack "
    "lacking".split()
)
_RUN_TOGETHER = frozenset(
    "dont cant wont didnt doesnt isnt wasnt arent werent couldnt wouldnt shouldnt hasnt havent hadnt "
    "aint".split()
)
_TO_OPEN = re.compile("['0-9]")
_ENDS_SCOPE = frozenset(". , ; ! ? : ( ) but however although though because so and".split())
_SCOPE = 4
_QUESTION_WORDS = frozenset(
    "how what when where who which why can could do does is are will would may any".split()
)


# These are made for each comment, so they are not frozen: that would take six times as long.
@dataclass(slots=True)
class Features:
    """What one or more sentences hold: their weighable *keys* with the words behind, and `DENSE` numbers."""

    keys: list[str]
    dense: list[float]


@dataclass(slots=True)
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
    return _tokens(_DRAWN_OUT.sub(r"\1\1", sentence.lower()))


def _tokens(lowered: str) -> list[str]:
    """Return what `tokens` returns, of a text in lower case with no letter more than twice in a row."""
    if not lowered.isascii():
        return list(chain.from_iterable(map(_opened, _TOKEN.findall(lowered))))
    found: list[str] = _ASCII_TOKEN.findall(lowered)
    if _TO_OPEN.search(lowered) or not _RUN_TOGETHER.isdisjoint(found):
        return list(chain.from_iterable(map(_opened, found)))
    return found


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
    lowered = sentence.lower()
    ascii_only = sentence.isascii()
    if ascii_only and not _ASCII_DRAWN_OUT.search(lowered):
        words = _tokens(lowered)
    else:
        if _DRAWN_OUT.search(sentence):
            sentence = _LETTERS.sub(_undrawn, sentence)
        words = tokens(sentence)
    if not _marks_of_phrases().isdisjoint(pairwise(words)) or ("/" in sentence and _SHARE.search(sentence)):
        sentence = _with_phrases_as_words(sentence)
        words = tokens(sentence)
    if not ascii_only:
        sentence = sentence.translate(_EMOJI_AS_WORDS)
        words = tokens(sentence)
    vaders, vaders_positive, vaders_negative = vader().measure(sentence)
    polarity = subjectivity = 0.0
    if assessments := textblob_lexicon().assess(words):
        polarity = sum([each[0] for each in assessments]) / len(assessments)
        subjectivity = sum([each[1] for each in assessments]) / len(assessments)
    return Sentence(
        words=words,
        keys=_mark_negated(words),
        vader=vaders,
        vader_positive=vaders_positive,
        vader_negative=vaders_negative,
        textblob=polarity,
        subjectivity=subjectivity,
        assessed=len(assessments),
        exclaims=words.count("!"),
        asks="?" in words or (bool(words) and words[0] in _QUESTION_WORDS),
        shouts=shouts(sentence),
    )


def shouts(sentence: str) -> float:
    """Return the share of capitals among the words of three letters and more."""
    if sentence.isascii() and not _CAPITALS.search(sentence):
        return 0.0
    words = sentence.split()
    if not any(map(str.isupper, words)):
        return 0.0
    letters = [w for w in words if len(w) > 2 and w.isalpha()]
    return sum(w.isupper() for w in letters) / len(letters) if letters else 0.0


def join(sentences: list[Sentence]) -> Features:
    """Put measured *sentences* together into the features of the whole; at least one is needed."""
    return _of_one(sentences[0]) if len(sentences) == 1 else _of_several(sentences)


def _of_several(sentences: list[Sentence]) -> Features:
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


def _of_one(sentence: Sentence) -> Features:
    """Return what `_of_several` returns for one sentence, which most comments are, in a quarter of the time."""
    words = sentence.words
    n_words = len(words) or 1
    vader, textblob = 0.0 + sentence.vader, 0.0 + sentence.textblob if sentence.assessed else 0.0
    dense = [
        vader,
        sentence.vader_positive * len(words) / n_words,
        sentence.vader_negative * len(words) / n_words,
        min(sentence.vader, 0.0),
        max(sentence.vader, 0.0),
        textblob,
        min(textblob, 0.0),
        max(textblob, 0.0),
        sentence.subjectivity,
        min(sentence.exclaims, 3) / 3,
        float(sentence.asks),
        sentence.shouts,
        float("but" in words or "however" in words),
        min(n_words, 60) / 60,
        float(n_words <= 3),
        0.0,
        float(not (sentence.assessed or vader)),
    ]
    return Features(sentence.keys, dense)


def as_written(key: str, text: str) -> str:
    """Return a weighed *key* as it stands in *text*: "not good" for a negated word, the emoji for what it
    stood for."""
    if key.startswith(NEGATED):
        return f"not {key[1:]}"
    if key in STAND_INS and key not in text.lower():
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
    return vader().measure(sentence)[0] != 0.0


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
    """TextBlob's English lexicon, asked without the detours that take nine tenths of its time.

    It looks at each access whether it has been loaded, makes a dictionary of each known word, and compares each mark
    and number with all emoticons in lower case; none of it changes an answer here.
    """

    def __init__(self) -> None:
        text, english = textblob_files.text(), textblob_files.english()
        self._negations = frozenset(english.negations)
        # Polarity, subjectivity, intensity, and whether a word may strengthen the next.
        self.words: dict[str, tuple[float, float, float, bool]] = {
            word: (*by_part[None], "RB" in by_part) for word, by_part in dict.items(english)
        }
        self._emoticons: dict[str, float] = {}
        for (_, polarity), some in text.EMOTICONS.items():
            for each in map(str.lower, some):
                # A mark of one sign is as silent as a comma, and so is whatever TextBlob takes for marks.
                if 1 < len(each) <= 5 and not each.isalpha() and each not in text.PUNCTUATION:
                    self._emoticons.setdefault(each, polarity)
        self._telling = self.words.keys() | self._emoticons.keys()
        self._looked_at = frozenset({*self._telling, *self._negations, "!"})

    def assess(self, words: list[str]) -> list[tuple[float, float]]:
        """Return polarity −1 … 1 and subjectivity 0 … 1 of each run of *words*, as `tokens` gives them, that TextBlob's
        `Sentiment.assessments` finds."""
        if self._telling.isdisjoint(words):
            return []
        runs: list[_Run] = []
        adverb = ""  # the known word just before, if it may strengthen
        denied = False
        for word in words:
            if not adverb and not denied and word not in self._looked_at:
                continue
            known = self.words.get(word)
            if known is not None:
                polarity, subjectivity, intensity, strengthens = known
                if adverb:
                    runs[-1].strengthen(polarity, subjectivity, intensity)
                else:
                    runs.append(_Run(polarity, subjectivity, intensity))
                if denied:
                    runs[-1].deny()
                adverb, denied = word if strengthens else "", word in self._negations
                continue
            # A negation reaches over words of one letter, what strengthens over words of two.
            denied = word in self._negations or (denied and len(word) == 1)
            if denied and adverb.endswith("ly"):
                runs[-1].denied, denied = True, False
            elif len(word) > 2:
                adverb = ""
            if word == "!" and runs:
                runs[-1].polarity = _bounded(runs[-1].polarity * 1.25)
            elif (felt := self._emoticons.get(word)) is not None:
                runs.append(_Run(felt, 1.0, 1.0))
        return [(run.polarity * -0.5 if run.denied else run.polarity, run.subjectivity) for run in runs]


class _Run:
    """Words that TextBlob takes together: a known one with what strengthens or denies it."""

    __slots__ = ("denied", "intensity", "polarity", "subjectivity")

    def __init__(self, polarity: float, subjectivity: float, intensity: float) -> None:
        self.polarity, self.subjectivity, self.intensity = polarity, subjectivity, intensity
        self.denied = False

    def strengthen(self, polarity: float, subjectivity: float, intensity: float) -> None:
        """Take in the word that the run so far strengthens."""
        self.polarity = _bounded(polarity * self.intensity)
        self.subjectivity = _bounded(subjectivity * self.intensity)
        self.intensity = intensity

    def deny(self) -> None:
        """Turn the run round: what would strengthen weakens."""
        self.intensity = 1.0 / self.intensity
        self.denied = True


def _bounded(value: float) -> float:
    return max(-1.0, min(value, 1.0))


@cache
def textblob_lexicon() -> TextBlobLexicon:
    """Load TextBlob's English lexicon once, at the first comment and not on import."""
    return TextBlobLexicon()


class _Seen(NamedTuple):
    """What VADER sees in one piece of a sentence between spaces."""

    worth: float | None
    """What its lexicon says; None for a word that is not there, or that only strengthens or weakens another."""
    adds: float = 0.0
    """By how much it strengthens the words behind it (weakens them, below 0)."""
    turns: bool = False
    """Whether it turns the words behind it round."""
    plain: bool = True
    """Whether that is all: what it and its neighbours come to need not be asked of the library."""


_NOTHING_TO_SEE = _Seen(None)
# How much of what a word adds reaches the word behind it, the one after that, and the third.
_FADES = (1.0, 0.95, 0.9)


Shares = tuple[float, float, float]


class Vader(SentimentIntensityAnalyzer):
    """VADER, spared what changes no answer: looks at words that it does not know, at the neighbours of a word where
    none of them can change its value, and at the whole sentence for each word."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = lru_cache(maxsize=8_192)(self._look_at)

    def measure(self, text: str) -> Shares:
        """Return three of the library's scores of *text*: compound −1 … 1; pos and neg 0 … 1."""
        if not text.isascii() and not self.emojis.keys().isdisjoint(text):
            scores = self.polarity_scores(text)
            return scores["compound"], scores["pos"], scores["neg"]
        seen = list(map(self._seen, text.split()))
        worths = [0.0] * len(seen)
        whole = None
        for at, (worth, *_) in enumerate(seen):
            if worth is None:
                continue
            before = seen[max(at - 3, 0) : at]
            if all([each.plain for each in before]) and all([each.plain for each in seen[at : at + 3]]):
                worths[at] = _changed(worth, before)
                continue
            whole = whole or SentiText(text.strip())
            words = whole.words_and_emoticons
            if " ".join(words[at : at + 2]).lower() != "kind of":
                worths[at] = self.sentiment_valence(0, whole, words[at], at, [])[0]
        if not any(worths):
            return 0.0, 0.0, 0.0
        if "but" in text.lower():
            worths = self._but_check((whole or SentiText(text.strip())).words_and_emoticons, worths)
        return self._scores(worths, self._punctuation_emphasis(text))

    def _look_at(self, piece: str) -> _Seen:
        word = SentiText._strip_punc_if_word(piece)
        lowered = word.lower()
        listed = self.lexicon.get(lowered)
        adds = vaderSentiment.BOOSTER_DICT.get(lowered, 0.0)
        turns = lowered in _TURNING or "n't" in lowered
        plain = lowered not in _odd_words() and not ((adds or listed) and word.isupper())
        if (
            listed is not None
        ):  # a word of feeling changes no other, and one that strengthens has no worth itself
            return _Seen(None if adds else listed, plain=plain)
        return _Seen(None, adds, turns, plain) if adds or turns or not plain else _NOTHING_TO_SEE

    @staticmethod
    def _scores(worths: list[float], emphasis: float) -> Shares:
        """Return what `measure` returns of words that are worth so much, with the emphasis of the marks."""
        total = sum(worths)
        if total:
            total += emphasis if total > 0 else -emphasis
        # A word that says something counts one more, since each that says nothing counts one.
        praise, blame = 0.0, 0.0
        silent = 0
        for worth in worths:
            if worth > 0:
                praise += worth + 1
            elif worth < 0:
                blame += 1 - worth
            else:
                silent += 1
        if praise > blame:
            praise += emphasis
        elif praise < blame:
            blame += emphasis
        every = praise + blame + silent
        return (
            round(vaderSentiment.normalize(total), 4),
            round(praise / every, 3) if praise else 0.0,
            round(blame / every, 3) if blame else 0.0,
        )

    def _negation_check(self, valence: float, words: list[str], distance: int, at: int) -> float:
        if _may_turn(words[at - 1]) or _may_turn(words[at - 2]) or _may_turn(words[at - 3]):
            return super()._negation_check(valence, words, distance, at)
        return valence

    def _special_idioms_check(self, valence: float, words: list[str], at: int) -> float:
        if any(map(_may_be_idiom, words[at - 3 : at + 3])):
            return super()._special_idioms_check(valence, words, at)
        return valence


def _changed(worth: float, before: list[_Seen]) -> float:
    """Return what VADER makes of a word of such *worth* behind at most three plain words."""
    for fade, each in zip(_FADES, reversed(before), strict=False):
        if each.adds:
            worth += (each.adds if worth >= 0 else -each.adds) * fade
        if each.turns:
            worth *= vaderSentiment.N_SCALAR
    return worth


_TURNING = frozenset(vaderSentiment.NEGATE)


@cache
def _odd_words() -> frozenset[str]:
    """Return the words that VADER reads in more than one way."""
    return frozenset({"no", "never", "without", "so", "this", "least", "kind"}) | _marks_of_idioms()


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
