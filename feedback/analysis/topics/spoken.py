"""Tells which matters comments speak of: each comment beside the examples of `analysis/matters/examples.en.txt`.

A comment is as near to a matter as its vector is to the mean of that matter's examples, names and clues (a linear
discriminant of one covariance for all, almost that of the directions alone), and as its words are more frequent there
than elsewhere (naive Bayes). How often each matter is spoken of among the comments at hand is then found with them:
expectation and maximization, as Saerens, Latinne and Decaestecker 2002 (doi:10.1162/089976602753284446) adjust a
classifier to other shares. A word of many trades thus means what it does in the trade at hand.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from feedback.analysis.topics import glossary, matters, vectors, wording
from feedback.analysis.topics.vectors import unit
from feedback.analysis.topics.wordpieces import LONGEST_WORD, fold

# The numbers were set on the demo's comments in nine languages and on 77 requests to a bank, by how often the matter of
# sixty of them that speak of one thing, a quarter of others among them, is found; small changes hardly matter.
_KEPT = 32  # matters, the likeliest, that are kept of each comment
_ALIKE = 0.9  # how far the covariance is taken for equal in all directions
_NEARNESS, _WORDS = 0.08, 0.3  # weights of both, that make what comes out as sure as it is right
_UNSEEN = 2.0  # comments that each matter's words count as seen everywhere
_OF_NONE = 1.0  # how much likelier than a matter it is at first that a comment speaks of none (logarithm)
_NO_WORD = 20.0  # how much likelier it is of a comment without a word
_TOLD = 2.0  # what it counts that a comment says a matter's words in its own language
_ROUNDS = 3  # of expectation and maximization among all comments …
_OF_TOPIC = 2  # … and then among those of a topic
_OF_ITS_OWN = 0.75  # how much a large topic's comments tell of what is spoken of in it, beside all others
_ANYTHING = 0.02  # share that is spread over all matters, so that none is impossible …
_BEFORE = 30  # … and comments that count as spread over them before any is read
_NEAR = 0.8  # cosine of the examples of two matters from which one is partly the other …
_PARTLY = 0.5  # … and how much at most
# How well the name of one matter names a comment on the other, there and back: of a kind or part of it, of what is the
# same, and of what is often taken for it.
_WORTH = {":": (0.6, 0.3), "=": (0.95, 0.95), "~": (0.5, 0.5)}
_AT_ONCE = 1_024  # texts

_UNPARTED = frozenset(("ja", "zh", "ar"))  # languages in which words run together, or begin with small ones
_READ_UNPARTED, _LONGEST_UNPARTED = 150, 10  # letters
_COMPOUNDING = frozenset(("de", "nl"))
_BEGINS, _PARTS = 4, 6  # letters from which a word may stand for those that begin with it, and that hold it


@dataclass(frozen=True)
class Spoken:
    """The matters that comments most likely speak of: their `numbers` (comments × kept), the likeliest first, and how
    likely each is beside the others (`weights`, natural logarithms)."""

    numbers: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def some(self, most: int) -> "Spoken":
        """Not more than `most` of the comments, evenly out of all."""
        some = evenly(len(self), most)
        return Spoken(self.numbers[some], self.weights[some])


def evenly(many: int, most: int) -> slice:
    """Not more than `most` out of so many, evenly out of all."""
    return slice(None, None, max(1, -(-many // most)))


def together(parts: Sequence[Spoken]) -> Spoken:
    """What several have of comments, one after the other."""
    return Spoken(
        np.concatenate([part.numbers for part in parts]), np.concatenate([part.weights for part in parts])
    )


def read(texts: Sequence[str]) -> Spoken:
    """The matters that comments speak of."""
    return _model().read(texts)


def usual(said: Sequence[Spoken]) -> np.ndarray:
    """The share of comments that speaks of each matter (0 to 1, by the matters' numbers) and, last, of none, found by
    what they may speak of. Each comment counts once: of large topics and small ones about as many are asked."""
    known = len(matters.load("en")) + 1
    parts = [each for each in said if len(each)]
    found = np.full(known, 1 / known)
    if not parts:
        return found
    everything = together(parts)
    spread = max(_ANYTHING, _BEFORE / (_BEFORE + len(everything)))
    for _ in range(_ROUNDS):
        own = _summed(*_likely(everything, found), known) / len(everything)
        found = (1 - spread) * own + spread / known
    return found


def shares(said: Spoken, among: np.ndarray) -> np.ndarray:
    """The share of a topic's comments that speaks of each matter and, last, of none, where so many `among` all
    comments do."""
    if not len(said):
        return np.zeros(len(among))
    found = among
    for last in reversed(range(_OF_TOPIC + 1)):
        own = _summed(*_likely(said, found), len(among)) / len(said)
        tells = _OF_ITS_OWN * len(said) / (len(said) + _BEFORE)
        found = own if not last else tells * own + (1 - tells) * among
    return found


def is_said(phrase: Sequence[str]) -> bool:
    """Whether people are known to say all words of an English phrase when they speak of a matter."""
    return all(stem in _model().words for word in phrase for stem in wording.stems(word))


def nearness(phrase: str, matter: int) -> float:
    """How near the meaning of an English phrase is to that of a matter, by its number (cosine)."""
    model = _model()
    return float(model.vectors.encode([phrase], language="en")[0] @ model.meant[matter])


def likeliest(said: Spoken, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of the matter that each comment most likely speaks of (one more than there are: of none), and how
    likely it does (0 to 1), where so many of all comments speak of each."""
    numbers, likely = _likely(said, among)
    best = likely.argmax(1)[:, None]
    return np.take_along_axis(numbers, best, 1)[:, 0], np.take_along_axis(likely, best, 1)[:, 0]


def same() -> np.ndarray:
    """How well the name of each matter (row) names a comment on each other one (column; 0 to 1)."""
    return _model().same


def _likely(said: Spoken, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How likely each comment speaks of each matter that is kept of it, where so many usually speak of each."""
    weights = said.weights + np.log(among)[said.numbers]
    likely = np.exp(weights - weights.max(1, keepdims=True, initial=-np.inf))
    return said.numbers, likely / likely.sum(1, keepdims=True)


def _summed(numbers: np.ndarray, likely: np.ndarray, known: int) -> np.ndarray:
    return np.bincount(numbers.ravel(), likely.ravel(), known)


class _Model:
    """The matters' examples, as vectors and as words. The vectors are the shipped ones, whichever are in force: the
    others would take minutes to read the examples."""

    def __init__(self) -> None:
        self.vectors = vectors.load()
        listed = [
            (number, text)
            for number, matter in enumerate(matters.load("en"))
            for text in (matter.name, *matter.clues, *matters.examples().get(matter.name, ()))
        ]
        of = np.array([number for number, _ in listed])
        rows = self.vectors.encode([text for _, text in listed], language="en")
        known = len(matters.load("en"))
        middle = _means(rows, of, known)
        apart = rows - middle[of]
        spread = apart.T @ apart / len(rows)
        even = np.trace(spread) / len(spread) * np.eye(len(spread))
        self.meant = unit(middle)
        self.same = _same(self.meant)
        # What is no nearer to any matter than to all of them speaks of none.
        middle = np.concatenate([middle, rows.mean(0, keepdims=True)])
        self._nearness = np.linalg.solve((1 - _ALIKE) * spread + _ALIKE * even, middle.T).astype(np.float32)
        self._bias = (-0.5 * np.einsum("kd,dk->k", middle, self._nearness)).astype(np.float32)
        self.words = _weights(listed, known)

    def read(self, texts: Sequence[str]) -> Spoken:
        """What texts may speak of; some at a time, since all matters of 20,000 texts would take 400 MB."""
        parts = [self._read(texts[at : at + _AT_ONCE]) for at in range(0, len(texts), _AT_ONCE)]
        return together(parts) if parts else self._read([])

    def _read(self, texts: Sequence[str]) -> Spoken:
        rows = self.vectors.encode(texts)
        weights = _NEARNESS * (rows @ self._nearness + self._bias)
        weights[:, -1] += _OF_NONE
        words = glossary.load()
        for at, text in enumerate(texts):
            language = self.vectors.language_of(text)
            stems = wording.stems(words.in_english(text, language))
            told = _told_in(text, language)
            # What has no word that is known, and what is compared by its own words alone, says nothing of any matter.
            unread = not (stems if language == "en" else rows[at].any() or told)
            if unread or language in self.vectors.apart:
                weights[at, :-1] = -_NO_WORD
                continue
            # In one order, since sums of fractions differ in their last digits by it.
            for stem in sorted(stems & self.words.keys()):
                numbers, worth = self.words[stem]
                weights[at, numbers] += _WORDS * worth
            for number, many in told.items():
                weights[at, number] += _TOLD * many
        kept = min(_KEPT, weights.shape[1])
        best = np.argpartition(-weights, kept - 1, axis=1)[:, :kept]
        order = np.argsort(-np.take_along_axis(weights, best, 1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, 1)
        return Spoken(best.astype(np.int16), np.take_along_axis(weights, best, 1).astype(np.float32))


def _same(middle: np.ndarray) -> np.ndarray:
    """How well each matter's name names comments on each other one: by what `kinds.list` tells, and where it tells
    nothing by how near their examples are, given the unit vectors of these."""
    listed = matters.load("en")
    numbers = {matter.name: number for number, matter in enumerate(listed)}
    found = np.clip((middle @ middle.T - _NEAR) / (1 - _NEAR), 0.0, 1.0) * _PARTLY
    # The matter of some trades alone is no name for what is near to it.
    found[[matter.special for matter in listed]] = 0.0
    for one, relation, other in matters.kinds():
        there, back = _WORTH[relation]
        found[numbers[one], numbers[other]] = there
        found[numbers[other], numbers[one]] = back
    np.fill_diagonal(found, 1.0)
    found.setflags(write=False)
    return found


def _means(rows: np.ndarray, of: np.ndarray, known: int) -> np.ndarray:
    """The mean of the rows of each matter, the mean of all counted as one more."""
    sums = np.zeros((known, rows.shape[1]))
    np.add.at(sums, of, rows)
    means: np.ndarray = (sums + rows.mean(0)) / (np.bincount(of, minlength=known) + 1.0)[:, None]
    return means.astype(np.float32)


def _weights(listed: Sequence[tuple[int, str]], known: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each stem the matters in whose examples it is more frequent than elsewhere, and by how much (logarithm)."""
    often: dict[str, Counter] = defaultdict(Counter)
    for number, text in listed:
        for stem in wording.stems(text):
            often[stem][number] += 1
    many = np.bincount([number for number, _ in listed], minlength=known)
    found = {}
    for stem, counts in often.items():
        numbers = np.fromiter(counts, np.int16)
        usual = counts.total() / len(listed)
        seen = np.fromiter(counts.values(), float)
        worth = np.log((seen + _UNSEEN * usual) / (many[numbers] + _UNSEEN) / usual)
        found[stem] = (numbers[worth > 0], worth[worth > 0].astype(np.float32))
    return found


@lru_cache(maxsize=1)
def _model() -> _Model:
    return _Model()


def _told_in(comment: str, language: str) -> dict[int, int]:
    """The numbers of the matters whose words a comment in a language other than English says, with how many words of
    one clue it says."""
    clues = _clues_in(language)
    here = _pieces(comment, language) if clues else set()
    said = [(number, clue) for piece in here & clues.keys() for number, clue in clues[piece] if clue <= here]
    within = {
        part for _, clue in said for word in clue for _, part in clues.get(word, ()) if part < clue
    }  # of a longer clue, and said by saying that
    longest: dict[int, int] = {}
    for number, clue in said:
        longest[number] = max(longest.get(number, 0), len(clue))
    return {number: longest[number] for number in {number for number, clue in said if clue not in within}}


@lru_cache(maxsize=32)
def _clues_in(language: str) -> dict[str, list[tuple[int, frozenset[str]]]]:
    """By the longest word of each clue in a language the matter's number and all its words; the names of matters are
    clues too."""
    numbers = {matter.name: number for number, matter in enumerate(matters.load("en"))}
    found: dict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
    for name, clues in matters.said(language).items():
        for clue in clues:
            words = frozenset([fold(clue)] if language in _UNPARTED else wording.RUN.findall(fold(clue)))
            found[max(sorted(words), key=len)].append((numbers[name], words))
    return dict(found)


def _pieces(comment: str, language: str) -> set[str]:
    """The words of a comment in another language and what longer ones begin with; where words are compounded or not
    parted, all that may be a word in them."""
    if language in _UNPARTED:
        text = fold(comment)[:_READ_UNPARTED]
        return {
            text[begin:end]
            for begin in range(len(text))
            for end in range(begin + 1, min(begin + _LONGEST_UNPARTED, len(text)) + 1)
        }
    words = wording.RUN.findall(fold(comment))
    found = set(words)
    for word in words:
        # What is longer is no word, and has as many parts as the cube of its letters.
        if len(word) > LONGEST_WORD:
            continue
        found.update(word[:end] for end in range(_BEGINS, len(word)))
        if language in _COMPOUNDING:
            ends = range(_PARTS, len(word) + 1)
            found.update(word[begin:end] for end in ends for begin in range(1, end - _PARTS + 1))
    return found
